# SPDX-License-Identifier: Apache-2.0
"""OCCI on the lab's real Nova, Neutron and Glance, with a VOMS user's token.

The clients' requests are those of tests.unit.ooi.client_requests, byte for
byte. Read `occi` and `test_a_client_runs_a_machine` first.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.functional.occi_endpoint import Occi
from tests.functional.occi_networks import user
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def occi(lab_env: dict[str, str], token_for: Callable[[str], str]) -> Iterator[Occi]:
    found = user(lab_env, token_for("alice"))
    yield found
    for url in found.made:
        found.send("DELETE", url)
    for url in found.made:
        found.gone(url)


@pytest.mark.parametrize("program", [ask.ROCCI, ask.IM, ask.PROBE])
def test_a_client_runs_a_machine(occi: Occi, program: ask.Client) -> None:
    headers = program.headers
    assert occi.send("HEAD", "/-/", **headers).status_code == 200
    answer = occi.send(
        "POST", "/compute/", program.body(occi.image, occi.flavor), **headers
    )
    assert answer.status_code == 201, answer.text
    url = answer.headers["Location"]
    assert answer.text == f"X-OCCI-Location: {url}"
    assert answer.headers["Server"] == "OCCI/1.2 OCCI/1.1"
    assert url.startswith(f"{occi.endpoint}/compute/")

    shown = occi.wait(url, "active")
    server_id = url.rpartition("/")[2]
    assert f'X-OCCI-Attribute: occi.core.id="{server_id}"' in shown
    assert "X-OCCI-Attribute: occi.compute.cores=1" in shown
    # 128 MB, in GB.
    assert "X-OCCI-Attribute: occi.compute.memory=0.125" in shown
    assert f'Category: {occi.image}; scheme="{ask.OS}"' in shown
    assert f'Category: {occi.flavor}; scheme="{ask.SIZE}"' in shown
    assert url in occi.listed()

    seen = occi.nova("GET", f"/servers/{server_id}")["server"]
    assert seen["status"] == "ACTIVE"
    assert f'occi.compute.hostname="{seen["OS-EXT-SRV-ATTR:hostname"]}"' in shown
    # The lab has one network, and "auto" takes it.
    assert [len(ports) for ports in seen["addresses"].values()] == [1]
    keys = 0 if program is ask.PROBE else 1
    assert len([k for k in (seen["key_name"],) if k]) == keys
    assert occi.nova("GET", "/os-keypairs")["keypairs"] == []

    for name, state in (("stop", "inactive"), ("start", "active")):
        rel = f"{ask.SCHEMA}/infrastructure/compute/action#{name}"
        assert f'Link: <{url}?action={name}>; rel="{rel}"' in occi.wait(
            url, "active" if name == "stop" else "inactive"
        )
        acted = occi.send(
            "POST", f"{url}?action={name}", ask.rocci_action(name), **headers
        )
        assert acted.status_code == 200, acted.text
        occi.wait(url, state)

    assert occi.send("DELETE", url, **headers).status_code == 200
    occi.gone(url)
    assert url not in occi.listed()


def test_suspend_and_restart(occi: Occi) -> None:
    url = occi.create(ask.PROBE.body(occi.image, occi.flavor))
    occi.wait(url, "active")
    for name, state in (
        ("suspend", "suspended"),
        ("start", "active"),
        ("restart", "active"),
    ):
        acted = occi.send("POST", f"{url}?action={name}", ask.rocci_action(name))
        assert acted.status_code == 200, acted.text
        occi.wait(url, state)


def test_text_occi_all_the_way(occi: Occi) -> None:
    lines = ask.PROBE.body(occi.image, occi.flavor).decode().split("\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    answer = occi.send(
        "POST",
        "/compute/",
        Content_Type="text/occi",
        Accept="text/occi",
        **headers,
    )
    assert (answer.status_code, answer.text) == (201, "OK")
    url = answer.headers["X-OCCI-Location"]
    assert url == answer.headers["Location"]
    occi.wait(url, "active")
    shown = occi.send("GET", url, Accept="text/occi")
    assert (shown.status_code, shown.text) == (200, "OK")
    assert 'occi.core.title="occi-probe"' in shown.headers["X-OCCI-Attribute"]
    assert "?action=stop>" in shown.headers["Link"]
    query = occi.send("GET", "/-/", Accept="text/occi")
    assert f'{occi.image}; scheme="{ask.OS}"' in query.headers["Category"]


def test_the_context_reaches_nova(occi: Occi, client: Any) -> None:
    url = occi.create(ask.ROCCI.body(occi.image, occi.flavor))
    occi.wait(url, "active")
    # Nova shows user data to the administrator alone.
    admin = Occi(occi.endpoint, client.admin_token())
    seen = admin.nova("GET", f"/servers/{url.rpartition('/')[2]}")["server"]
    assert seen["name"] == 'a "small" VM'
    assert seen["OS-EXT-SRV-ATTR:user_data"] == ask.SCRIPT
    assert 'occi.core.title="a \\"small\\" VM"' in occi.send("GET", url).text


def test_no_failure_leaves_a_key(occi: Occi) -> None:
    before = occi.listed()
    for image, flavor in ((NOWHERE, occi.flavor), (occi.image, "no-such-flavor")):
        answer = occi.send("POST", "/compute/", ask.ROCCI.body(image, flavor))
        assert answer.status_code == 400, answer.text
        assert (NOWHERE if image == NOWHERE else "no-such-flavor") in answer.text
    bad_key = ask.ROCCI.body(occi.image, occi.flavor).replace(b"ssh-ed25519", b"ssh-x")
    assert occi.send("POST", "/compute/", bad_key).status_code == 400
    assert occi.nova("GET", "/os-keypairs")["keypairs"] == []
    assert occi.listed() == before


def test_a_network_of_choice(occi: Occi) -> None:
    url = occi.create(ask.PROBE.body(occi.image, occi.flavor))
    occi.wait(url, "active")
    (port,) = occi.nova("GET", f"/servers/{url.rpartition('/')[2]}/os-interface")[
        "interfaceAttachments"
    ]
    linked = ask.PROBE.body(occi.image, occi.flavor) + ask.rocci_link(port["net_id"])
    occi.wait(occi.create(linked), "active")
    wrong = ask.PROBE.body(occi.image, occi.flavor) + ask.rocci_link(NOWHERE)
    answer = occi.send("POST", "/compute/", wrong)
    assert answer.status_code == 400, answer.text
    assert NOWHERE in answer.text


def test_several_networks_are_a_conflict_until_one_is_named(
    occi: Occi, lab: Lab, unique: str
) -> None:
    url = f"{lab.settings.url('neutron')}/v2.0"
    headers = {"X-Auth-Token": occi.token}

    def neutron(method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method, url + path, json=body, headers=headers, timeout=60
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    made = neutron("POST", "/networks", {"network": {"name": unique}})["network"]["id"]
    try:
        subnet = {"network_id": made, "ip_version": 4, "cidr": "192.168.77.0/24"}
        neutron("POST", "/subnets", {"subnet": subnet})
        body = ask.IM.body(occi.image, occi.flavor).rstrip()
        answer = occi.send("POST", "/compute/", body, **ask.IM.headers)
        assert answer.status_code == 409
        assert "Multiple possible networks" in answer.text
        assert occi.nova("GET", "/os-keypairs")["keypairs"] == []
        machine = occi.create(body + ask.rocci_link(made), **ask.IM.headers)
        occi.wait(machine, "active")
        seen = occi.nova("GET", f"/servers/{machine.rpartition('/')[2]}")["server"]
        assert list(seen["addresses"]) == [unique]
        occi.send("DELETE", machine)
        occi.gone(machine)
    finally:
        neutron("DELETE", f"/networks/{made}")


def test_without_glance_machines_go_on(occi: Occi, lab: Lab) -> None:
    url = occi.create(ask.PROBE.body(occi.image, occi.flavor))
    occi.wait(url, "active")
    lab.stop_service("glance")
    try:
        end = time.monotonic() + 60
        # What the service remembers is good for a while.
        while (answer := occi.send("GET", "/-/", Accept="text/occi")).ok:
            assert time.monotonic() < end, "the images are remembered for ever"
            time.sleep(1)
        assert answer.status_code == 503
        assert "image service" in answer.headers["X-OCCI-Error"]
        assert url in occi.listed()
        stop = occi.send("POST", f"{url}?action=stop", ask.rocci_action("stop"))
        assert stop.status_code == 200, stop.text
        occi.wait(url, "inactive")
    finally:
        lab.start_service("glance")
    assert occi.send("GET", "/-/").status_code == 200


def test_names_set_by_openstack_break_no_rendering(occi: Occi) -> None:
    url = occi.create(ask.PROBE.body(occi.image, occi.flavor))
    text = occi.wait(url, "active")
    name = 'a"; b, \\c; é ✓ X-Evil: 1'
    path = f"/servers/{url.rpartition('/')[2]}"
    occi.nova("PUT", path, {"server": {"name": name}})
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    shown = occi.send("GET", url)
    shown.encoding = "utf-8"
    assert f'X-OCCI-Attribute: occi.core.title="{quoted}"' in shown.text.split("\n")
    assert len(shown.text.split("\n")) == len(text.split("\n"))
    headers = occi.send("GET", url, Accept="text/occi").headers
    title = headers["X-OCCI-Attribute"].encode("latin-1").decode()
    assert f'occi.core.title="{quoted}"' in title
    assert "X-Evil" not in headers


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "named"),
    [
        ("POST", "/compute/", b"", {}, 400, "names no Category"),
        ("POST", "/compute/", b"Category: compute", {}, 400, "compute"),
        ("POST", "/compute/", b'Category: a; scheme="x', {}, 400, "Malformed"),
        ("POST", "/compute/", b"\xff", {}, 400, "not UTF-8"),
        ("POST", "/compute/", b"{}", {"Content_Type": "application/json"}, 415, "json"),
        ("GET", "/compute/", b"", {"Accept": "image/png"}, 406, "image/png"),
        ("PUT", "/compute/", b"", {}, 405, "PUT"),
        ("GET", "/compute/detail", b"", {}, 404, "detail"),
        ("GET", "/compute/..%2Fflavors", b"", {}, 404, "compute"),
        ("GET", f"/compute/{NOWHERE}", b"", {}, 404, NOWHERE),
        ("DELETE", f"/compute/{NOWHERE}", b"", {}, 404, NOWHERE),
        ("GET", "/nothing", b"", {}, 404, "nothing"),
    ],
)
def test_bad_requests(
    occi: Occi,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    status: int,
    named: str,
) -> None:
    before = occi.listed()
    answer = occi.send(method, path, body, **headers)
    assert answer.status_code == status, answer.text
    assert named in answer.text
    assert answer.headers["Server"] == "OCCI/1.2 OCCI/1.1"
    assert ("Allow" in answer.headers) == (status == 405)
    assert occi.listed() == before


def test_an_error_for_text_occi_stands_in_a_header(occi: Occi) -> None:
    answer = occi.send("GET", f"/compute/{NOWHERE}", Accept="text/occi")
    assert answer.status_code == 404
    assert NOWHERE in answer.headers["X-OCCI-Error"]


def test_locations_begin_as_the_client_typed(occi: Occi) -> None:
    url = occi.create(ask.PROBE.body(occi.image, occi.flavor))
    listed = occi.send(
        "GET",
        "/compute/",
        X_Forwarded_Proto="https",
        X_Forwarded_Host="occi.example.org",
    )
    path = url.partition("/occi1.1")[2]
    assert f"X-OCCI-Location: https://occi.example.org/occi1.1{path}" in listed.text
    by_name = occi.endpoint.replace("127.0.0.1", "localhost")
    if by_name != occi.endpoint:
        assert f"{by_name}{path}" in occi.send("GET", f"{by_name}/compute/").text


def test_without_a_token_nothing_is_told(occi: Occi) -> None:
    occi.token = "not-a-token"
    for method, path in (("HEAD", "/-/"), ("GET", "/-/"), ("GET", "/compute/")):
        answer = occi.send(method, path)
        assert answer.status_code == 401
        assert "Keystone" in answer.headers["WWW-Authenticate"]


def test_another_project_sees_nothing(
    occi: Occi, lab_env: dict[str, str], token_for: Callable[..., str]
) -> None:
    url = occi.create(ask.PROBE.body(occi.image, occi.flavor))
    # While it is being built Nova answers 403 to strangers, and 404 after.
    occi.wait(url, "active")
    erin = Occi(lab_env["OCCI_ENDPOINT"], token_for("erin", "fedcloud.egi.eu"))
    assert url not in erin.listed()
    assert erin.send("GET", url).status_code == 404
    assert erin.send("DELETE", url).status_code == 404
    stop = erin.send("POST", f"{url}?action=stop", ask.rocci_action("stop"))
    assert stop.status_code == 404
    occi.wait(url, "active")


def test_a_machine_booted_from_a_volume_is_shown(occi: Occi) -> None:
    disk = {
        "boot_index": 0,
        "source_type": "blank",
        "destination_type": "volume",
        "volume_size": 1,
        "delete_on_termination": True,
    }
    server = {
        "name": "from-volume",
        "flavorRef": occi.flavor,
        "networks": "auto",
        "block_device_mapping_v2": [disk],
    }
    made = occi.nova("POST", "/servers", {"server": server})["server"]
    url = f"{occi.endpoint}/compute/{made['id']}"
    occi.made.append(url)
    shown = occi.wait(url, "active", seconds=120)
    assert 'occi.core.title="from-volume"' in shown
    assert ask.OS not in shown
