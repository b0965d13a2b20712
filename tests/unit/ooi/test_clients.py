# SPDX-License-Identifier: Apache-2.0
"""The federation's clients, their requests byte for byte, through the filter."""

import re
from typing import Any

from tests.unit.ooi.client_requests import IM, JOCCI, KEY, PROBE, ROCCI, SCRIPT
from tests.unit.ooi.client_requests import im_volume, rocci_action, rocci_link
from tests.unit.ooi.client_requests import rocci_update
from tests.unit.ooi.cloud import IMAGE_ID, Cloud

NETWORK = "11111111-2222-3333-4444-555555555555"
VOLUME = "22222222-2222-3333-4444-555555555555"


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
    restart = rocci_action("restart", method="cold")
    cloud.send("POST", f"{path}?action=restart", restart, ROCCI.headers)
    assert cloud.nova.requests[-1][2] == {"reboot": {"type": "HARD"}}
    assert cloud.send("DELETE", path, headers=ROCCI.headers).status == 200


def test_rocci_saves_and_updates(cloud: Cloud) -> None:
    cloud.set(wait_seconds=5)
    path = f"/compute/{cloud.nova.add()}"
    save = rocci_action("save", method="hot", name="golden")
    answer = cloud.send("POST", f"{path}?action=save", save, ROCCI.headers)
    # It prints what the answer names.
    assert answer.status == 200
    assert re.match(r"Category: [0-9a-f-]{36}; scheme=.*/template/os#", answer.text)
    offered = cloud.send("GET", "/-/", headers=ROCCI.headers).text
    body = rocci_update(offered, "2")
    answer = cloud.send("POST", path, body, ROCCI.headers)
    assert answer.status == 200
    assert "occi.compute.memory=2.0" in answer.text
    sent = [body for _, _, body in cloud.nova.requests if body]
    assert sent[-1] == {"confirmResize": None}


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
    server_id = answer.text.rpartition("/")[2]
    assert server_id in cloud.nova.servers
    # To stop is to suspend in its words.
    path = f"/compute/{server_id}?action=suspend"
    stop = rocci_action("suspend")
    assert cloud.send("POST", path, stop, IM.headers).status == 200


def test_im_with_a_volume(cloud: Cloud) -> None:
    body = IM.body(IMAGE_ID, "1") + im_volume(VOLUME, "/occi1.1")
    assert cloud.send("POST", "/compute/", body, IM.headers).status == 201
    _, disk = asked(cloud)["block_device_mapping_v2"]
    assert (disk["uuid"], disk["device_name"]) == (VOLUME, "/dev/vdb")


def test_im_names_a_network_after_a_conflict(cloud: Cloud) -> None:
    body = IM.body(IMAGE_ID, "1")
    cloud.nova.refuse("POST", "/servers", 409, "Multiple possible networks found")
    assert cloud.send("POST", "/compute/", body, IM.headers).status == 409
    cloud.nova.answers.clear()
    cloud.nova.requests.clear()
    linked = body.rstrip() + rocci_link(NETWORK)
    assert cloud.send("POST", "/compute/", linked, IM.headers).status == 201
    assert asked(cloud)["networks"] == [{"uuid": NETWORK}]


def test_im_cleans_up(cloud: Cloud) -> None:
    server_id = cloud.nova.add(
        **{"os-extended-volumes:volumes_attached": [{"id": VOLUME}]}
    )
    cloud.neutron.add_port(server_id, "10.0.0.5")
    shown = cloud.send("GET", f"/compute/{server_id}", headers=IM.headers).text
    links = [line for line in shown.split("\n") if line.startswith("Link:")]
    (disk,) = (line for line in links if "/storage/" in line)
    base = "http://cloud.example.org/occi1.1"
    assert f'self="{base}/storagelink/{server_id}_{VOLUME}"' in disk
    (wire,) = (line for line in links if "/network/" in line)
    assert 'occi.networkinterface.address="10.0.0.5"' in wire
    assert re.search(r'interface="eth[0-9]+"', wire)
    for status in (200, 404):
        answer = cloud.send("DELETE", f"/compute/{server_id}", headers=IM.headers)
        assert answer.status == status


def test_jocci(cloud: Cloud) -> None:
    offered = cloud.send("GET", "/-/", headers=JOCCI.headers).text
    # It refuses a kind without a location.
    kinds = [x for x in offered.split("\n") if 'class="kind"' in x]
    assert len(kinds) == 11 and all('; location="' in line for line in kinds)
    body = JOCCI.body(IMAGE_ID, "1")
    answer = cloud.send("POST", "/compute/", body, JOCCI.headers)
    assert answer.status == 201
    listed = cloud.send("GET", "/compute/", headers=JOCCI.headers)
    assert listed.text == f"X-OCCI-Location: {answer.header('Location')}"
    path = answer.header("Location").partition("/occi1.1")[2]
    shown = cloud.send("GET", path, headers=JOCCI.headers)
    put = shown.text.replace('occi.core.title="jocci"', 'occi.core.title="other"')
    answer = cloud.send("PUT", path, put, JOCCI.headers)
    assert answer.status == 200
    assert answer.text == put
    assert cloud.send("DELETE", path, headers=JOCCI.headers).status == 200


def test_nagios(cloud: Cloud) -> None:
    cloud.nova.add()
    assert cloud.send("DELETE", "/compute/", headers=PROBE.headers).status == 200
    assert cloud.nova.servers == {}
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
