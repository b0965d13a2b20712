# SPDX-License-Identifier: Apache-2.0
"""Machines: list, show, create, act, delete, through the filter."""

import base64
from typing import Any

import pytest

from ooi_ext import kinds, kinds_network
from ooi_ext.rendering import text
from tests.unit.ooi.cloud import IMAGE_ID, Cloud, compute

BASE = "http://cloud.example.org/occi1.1/compute/"
KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== alice@example.org"
KEY_MIXIN = (
    'Category: public_key; scheme="http://schemas.openstack.org/instance/'
    'credentials#"; class="mixin"'
)
DATA_MIXIN = (
    'Category: user_data; scheme="http://schemas.openstack.org/compute/instance#"; '
    'class="mixin"'
)


def act(name: str, *more: str) -> str:
    scheme = "http://schemas.ogf.org/occi/infrastructure/compute/action#"
    return "\n".join((f'Category: {name}; scheme="{scheme}"; class="action"', *more))


def attribute(name: str, value: str) -> str:
    return f'X-OCCI-Attribute: {name}="{value}"'


def made(cloud: Cloud) -> Any:
    return next(asked for m, p, asked in cloud.nova.requests if p == "/servers")[
        "server"
    ]


def test_list_in_every_rendering(cloud: Cloud) -> None:
    urls = [BASE + cloud.nova.add() for _ in range(3)]
    plain = cloud.send("GET", "/compute/")
    assert plain.text == "\n".join(f"X-OCCI-Location: {url}" for url in urls)
    occi = cloud.send("GET", "/compute/", headers={"Accept": "text/occi"})
    assert (occi.header("X-OCCI-Location"), occi.body) == (", ".join(urls), b"OK")
    uris = cloud.send("GET", "/compute", headers={"Accept": "text/uri-list"})
    assert uris.text == "\n".join(urls)
    assert uris.header("Content-Type") == "text/uri-list; charset=utf-8"
    assert len(cloud.nova.requests) == 3


def test_an_empty_list_is_empty(cloud: Cloud) -> None:
    answer = cloud.send("GET", "/compute/")
    assert (answer.status, answer.body) == (200, b"")


def test_a_list_of_many_pages(cloud: Cloud) -> None:
    ids = [cloud.nova.add() for _ in range(5)]
    cloud.nova.page = 2
    answer = cloud.send("GET", "/compute/", headers={"Accept": "text/uri-list"})
    assert answer.text.split("\n") == [BASE + i for i in ids]
    assert len(cloud.nova.requests) == 3


def test_show(cloud: Cloud) -> None:
    server_id = cloud.nova.add(name='a "b", \\c;d', description="why")
    answer = cloud.send("GET", f"/compute/{server_id}")
    read = text.parse_plain(answer.body, {})
    assert [c.identifier for c in read.categories] == [
        kinds.COMPUTE.identifier,
        kinds.OS_TEMPLATE + IMAGE_ID,
        kinds.RESOURCE_TEMPLATE + "1",
    ]
    assert dict(read.attributes) == {
        "occi.core.id": server_id,
        "occi.core.title": 'a "b", \\c;d',
        "occi.core.summary": "why",
        "occi.compute.architecture": "x64",
        "occi.compute.cores": 1,
        "occi.compute.hostname": "vm.example.org",
        "occi.compute.memory": 0.5,
        "occi.compute.state": "active",
    }
    assert [(link.target, link.rel) for link in read.links] == [
        (f"{BASE}{server_id}?action={a.term}", (a.identifier,))
        for a in (kinds.STOP, kinds.RESTART, kinds.SUSPEND, kinds.SAVE)
    ]
    assert [r[1] for r in cloud.nova.requests + cloud.neutron.requests] == [
        f"/servers/{server_id}",
        "/flavors/detail",
        "/v2.0/ports",
    ]


def test_a_name_cannot_inject_a_header(cloud: Cloud) -> None:
    server_id = cloud.nova.add(name="a\r\nX-Evil: 1", description='"\n')
    answer = cloud.send("GET", f"/compute/{server_id}", headers={"Accept": "text/occi"})
    assert answer.status == 200
    assert not answer.header("X-Evil")
    read = text.parse_headers(
        b"", {"x-occi-attribute": answer.header("X-OCCI-Attribute")}
    )
    assert dict(read.attributes)["occi.core.title"] == "a\r\nX-Evil: 1"


def test_create(cloud: Cloud) -> None:
    answer = cloud.send(
        "POST", "/compute/", compute(attribute("occi.core.title", "my machine"))
    )
    url = BASE + next(iter(cloud.nova.servers))
    assert answer.status == 201
    assert answer.header("Location") == url
    assert answer.text == f"X-OCCI-Location: {url}"
    assert made(cloud) == {
        "name": "my machine",
        "flavorRef": "1",
        "imageRef": IMAGE_ID,
        "networks": "auto",
    }
    assert len(cloud.nova.requests) == 1


@pytest.mark.parametrize(
    ("accept", "header", "body"),
    [("text/occi", "{}", "OK"), ("text/uri-list", "", "{}")],
)
def test_create_in_other_renderings(
    cloud: Cloud, accept: str, header: str, body: str
) -> None:
    fields = text.parse_plain(compute().encode(), {})
    headers = {k.lower(): v for k, v in text.render_headers(fields)[0]}
    answer = cloud.send(
        "POST",
        "/compute/",
        headers={"Content-Type": "text/occi", "Accept": accept, **headers},
    )
    url = BASE + next(iter(cloud.nova.servers))
    assert (answer.status, answer.header("Location")) == (201, url)
    assert answer.header("X-OCCI-Location") == header.format(url)
    assert answer.text == body.format(url)


def test_create_with_everything(cloud: Cloud) -> None:
    data = base64.b64encode(b"#!/bin/sh\n" * 9).decode()
    answer = cloud.send(
        "POST",
        "/compute/",
        compute(
            KEY_MIXIN,
            DATA_MIXIN,
            attribute("occi.core.id", "made-up"),
            attribute("occi.core.summary", "why"),
            attribute("occi.compute.hostname", "vm.example.org"),
            attribute("occi.compute.architecture", "x64"),
            attribute("org.openstack.credentials.publickey.name", "mine"),
            attribute("org.openstack.credentials.publickey.data", KEY + "\\n"),
            attribute("org.openstack.compute.user_data", data[:8] + "\\n" + data[8:]),
            'Link: </network/11111111-2222-3333-4444-555555555555>; rel="'
            f'{kinds_network.NETWORK.identifier}"; '
            'self="/link/networkinterface/x"; category="'
            f'{kinds_network.NETWORK_INTERFACE.identifier}"; occi.core.id="x"',
        ),
    )
    assert answer.status == 201
    server = made(cloud)
    key_name = server.pop("key_name")
    assert server == {
        "name": "vm.example.org",
        "hostname": "vm.example.org",
        "description": "why",
        "flavorRef": "1",
        "imageRef": IMAGE_ID,
        "networks": [{"uuid": "11111111-2222-3333-4444-555555555555"}],
        "user_data": data,
    }
    assert [(m, p) for m, p, _ in cloud.nova.requests] == [
        ("POST", "/os-keypairs"),
        ("POST", "/servers"),
        ("DELETE", f"/os-keypairs/{key_name}"),
    ]
    assert cloud.nova.requests[0][2]["keypair"] == {
        "name": key_name,
        "type": "ssh",
        "public_key": KEY,
    }
    assert cloud.nova.keypairs == {}


def test_create_in_the_words_of_occi_1_2(cloud: Cloud) -> None:
    body = compute(
        'Category: ssh_key; scheme="http://schemas.ogf.org/occi/infrastructure/'
        'credentials#"; class="mixin"',
        'Category: user_data; scheme="http://schemas.ogf.org/occi/infrastructure/'
        'compute#"; class="mixin"',
        attribute("occi.credentials.ssh.publickey", KEY),
        attribute("occi.compute.userdata", "IyEvYmluL3No"),
    )
    assert cloud.send("POST", "/compute/", body).status == 201
    assert cloud.nova.requests[0][2]["keypair"]["public_key"] == KEY
    assert cloud.nova.requests[1][2]["server"]["user_data"] == "IyEvYmluL3No"


def test_a_key_that_is_there_is_used_by_its_name(cloud: Cloud) -> None:
    name = attribute("org.openstack.credentials.publickey.name", "mine")
    assert cloud.send("POST", "/compute/", compute(KEY_MIXIN, name)).status == 201
    assert made(cloud)["key_name"] == "mine"
    assert len(cloud.nova.requests) == 1


@pytest.mark.parametrize("status", [400, 403, 409, 500, 503])
@pytest.mark.parametrize("path", ["/servers", "/os-keypairs"])
def test_no_failure_leaves_the_key_behind(cloud: Cloud, path: str, status: int) -> None:
    cloud.nova.refuse("POST", path, status, "no")
    data = attribute("org.openstack.credentials.publickey.data", KEY)
    answer = cloud.send("POST", "/compute/", compute(KEY_MIXIN, data))
    assert answer.status == {500: 502}.get(status, status)
    assert cloud.nova.keypairs == {}
    assert cloud.nova.requests[-1][0] == "DELETE"
    assert cloud.nova.servers == {}


def test_a_key_that_cannot_be_deleted_does_not_undo_the_machine(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: "fixed")
    cloud.nova.servers.clear()
    cloud.nova.refuse("DELETE", "/os-keypairs/occi-fixed", 500, "database down")
    data = attribute("org.openstack.credentials.publickey.data", KEY)
    answer = cloud.send("POST", "/compute/", compute(KEY_MIXIN, data))
    assert answer.status == 201
    assert "code=keypair_left keypair=occi-fixed" in caplog.text


def test_templates_with_terms_of_our_own(cloud: Cloud) -> None:
    cloud.glance.images({"id": "Img 1", "name": "odd"})
    listed = text.parse_plain(cloud.send("GET", "/-/").body, {}).categories
    odd = [c.term for c in listed if "-x" in c.term]
    assert [term.rpartition("-x")[0] for term in odd] == ["m1-large", "img-1"]
    body = compute(os=odd[1], size=odd[0])
    assert cloud.send("POST", "/compute/", body).status == 201
    assert (made(cloud)["flavorRef"], made(cloud)["imageRef"]) == ("M1.Large", "Img 1")


def test_a_size_without_a_template(cloud: Cloud) -> None:
    body = "\n".join(line for line in compute().split("\n") if "resource#" not in line)
    sized = body + "\nX-OCCI-Attribute: occi.compute.memory=1.5"
    assert cloud.send("POST", "/compute/", sized).status == 201
    assert made(cloud)["flavorRef"] == "2"
    sized += "\nX-OCCI-Attribute: occi.compute.cores=64"
    answer = cloud.send("POST", "/compute/", sized)
    assert answer.status == 400
    assert "occi.compute.cores=64" in answer.text


def test_a_size_beside_a_template(cloud: Cloud) -> None:
    same = compute(
        "X-OCCI-Attribute: occi.compute.cores=1",
        "X-OCCI-Attribute: occi.compute.memory=0.5",
    )
    assert cloud.send("POST", "/compute/", same).status == 201
    other = compute("X-OCCI-Attribute: occi.compute.cores=2")
    answer = cloud.send("POST", "/compute/", other)
    assert answer.status == 400
    assert "occi.compute.cores=1" in answer.text


def test_delete(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    answer = cloud.send("DELETE", f"/compute/{server_id}")
    assert (answer.status, answer.body) == (200, b"")
    assert cloud.nova.servers == {}
    again = cloud.send("DELETE", f"/compute/{server_id}")
    assert again.status == 404
    assert server_id in again.text


@pytest.mark.parametrize(
    ("status", "name", "more", "asked"),
    [
        ("ACTIVE", "stop", (), {"os-stop": None}),
        ("ACTIVE", "stop", ('method="graceful"',), {"os-stop": None}),
        ("ACTIVE", "stop", ('method="acpioff"',), {"os-stop": None}),
        ("ACTIVE", "stop", ('method="poweroff"',), {"os-stop": None}),
        ("ACTIVE", "suspend", (), {"suspend": None}),
        ("ACTIVE", "suspend", ('method="hibernate"',), {"suspend": None}),
        ("ACTIVE", "suspend", ('method="suspend"',), {"pause": None}),
        ("ACTIVE", "restart", (), {"reboot": {"type": "SOFT"}}),
        ("ACTIVE", "restart", ('method="warm"',), {"reboot": {"type": "SOFT"}}),
        ("ACTIVE", "restart", ('method="graceful"',), {"reboot": {"type": "SOFT"}}),
        ("ACTIVE", "restart", ('method="cold"',), {"reboot": {"type": "HARD"}}),
        ("SHUTOFF", "start", (), {"os-start": None}),
        ("ACTIVE", "start", (), {"os-start": None}),
        ("SUSPENDED", "start", (), {"resume": None}),
        ("PAUSED", "start", (), {"unpause": None}),
        ("SHELVED", "start", (), {"unshelve": None}),
        ("SHELVED_OFFLOADED", "start", (), {"unshelve": None}),
    ],
)
def test_actions(
    cloud: Cloud, status: str, name: str, more: tuple[str, ...], asked: Any
) -> None:
    server_id = cloud.nova.add(status=status)
    body = act(name, *(f"X-OCCI-Attribute: {line}" for line in more))
    answer = cloud.send("POST", f"/compute/{server_id}?action={name}", body)
    assert (answer.status, answer.body) == (200, b"")
    assert cloud.nova.requests[-1] == ("POST", f"/servers/{server_id}/action", asked)
    assert len(cloud.nova.requests) == (2 if name == "start" else 1)


def test_an_action_in_headers_is_answered_ok(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    headers = {
        "Content-Type": "text/occi",
        "Accept": "text/occi",
        "Category": act("stop").removeprefix("Category: "),
    }
    answer = cloud.send("POST", f"/compute/{server_id}?action=stop", b"", headers)
    assert (answer.status, answer.body) == (200, b"OK")


def test_nova_says_why_not(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    path = f"/servers/{server_id}/action"
    cloud.nova.refuse("POST", path, 409, "Cannot 'stop' while it is in vm_state error")
    answer = cloud.send("POST", f"/compute/{server_id}?action=stop", act("stop"))
    assert answer.status == 409
    assert "Cannot 'stop' while it is in vm_state error" in answer.text


def test_several_networks_are_a_conflict(cloud: Cloud) -> None:
    cloud.nova.refuse("POST", "/servers", 409, "Multiple possible networks found")
    answer = cloud.send("POST", "/compute/", compute())
    assert answer.status == 409
    assert "Multiple possible networks found" in answer.text
    assert IMAGE_ID in answer.text


def test_a_network_that_is_not_there_is_a_bad_request(cloud: Cloud) -> None:
    cloud.nova.refuse("POST", "/servers", 404, "Network x could not be found.")
    answer = cloud.send("POST", "/compute/", compute())
    assert answer.status == 400
    assert "Network x could not be found." in answer.text
