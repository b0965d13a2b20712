# SPDX-License-Identifier: Apache-2.0
"""The federation's clients, their requests byte for byte, through the filter."""

import re
from typing import Any

from tests.unit.ooi.client_requests import IM, KEY, PROBE, ROCCI, SCRIPT
from tests.unit.ooi.client_requests import rocci_action, rocci_link
from tests.unit.ooi.cloud import IMAGE_ID, Cloud

NETWORK = "11111111-2222-3333-4444-555555555555"


def asked(cloud: Cloud) -> Any:
    (server,) = (
        a["server"] for _, p, a in cloud.nova.requests if p == "/servers" and a
    )
    return server


def test_rocci(cloud: Cloud) -> None:
    body = ROCCI.body(IMAGE_ID, "1") + rocci_link(NETWORK)
    answer = cloud.send("POST", "/compute/", body, ROCCI.headers)
    assert answer.status == 201
    assert asked(cloud).pop("key_name")
    assert asked(cloud) == {
        "name": 'a "small" VM',
        "hostname": "vm",
        "flavorRef": "1",
        "imageRef": IMAGE_ID,
        "networks": [{"uuid": NETWORK}],
        "user_data": SCRIPT,
    }
    assert cloud.nova.requests[0][2]["keypair"]["public_key"] == KEY
    uris = {**ROCCI.headers, "Accept": "text/uri-list"}
    listed = cloud.send("GET", "/compute/", headers=uris)
    assert listed.text == answer.header("Location")
    path = answer.header("Location").partition("/occi1.1")[2]
    stop = rocci_action("stop")
    acted = cloud.send("POST", f"{path}?action=stop", stop, ROCCI.headers)
    assert acted.status == 200
    assert cloud.send("DELETE", path, headers=ROCCI.headers).status == 200


def test_im(cloud: Cloud) -> None:
    assert cloud.send("HEAD", "/-/", headers=IM.headers).status == 200
    offered = cloud.send("GET", "/-/", headers=IM.headers).text.split("\n")
    # It looks for these words in a line, and cuts the line at semicolons.
    (image,) = (x for x in offered if f"Category: {IMAGE_ID};" in x and "os_tpl" in x)
    assert 'scheme="http://schemas.openstack.org/template/os#"' in [
        part.strip() for part in image.split(";")
    ]
    answer = cloud.send("POST", "/compute/", IM.body(IMAGE_ID, "1"), IM.headers)
    assert answer.status == 201
    assert asked(cloud)["name"] == asked(cloud)["hostname"] == "node-1"
    # It takes the id from the last segment of the raw body.
    assert answer.text.rpartition("/")[2] in cloud.nova.servers


def test_nagios(cloud: Cloud) -> None:
    body = PROBE.body(IMAGE_ID, "1")
    answer = cloud.send("POST", "/compute/", body, PROBE.headers)
    assert answer.status == 201
    path = answer.header("Location").partition("/occi1.1")[2]
    (server,) = cloud.nova.servers.values()
    for status, state in (("BUILD", "inactive"), ("ACTIVE", "active")):
        server["status"] = status
        polled = cloud.send("GET", path, headers=PROBE.headers)
        line = r'^X-OCCI-Attribute: occi\.compute\.state="(\w+)"$'
        said = re.search(line, polled.text, re.M)
        assert said and said[1] == state
    assert cloud.send("DELETE", path, headers=PROBE.headers).status == 200
