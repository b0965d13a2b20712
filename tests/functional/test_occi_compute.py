# SPDX-License-Identifier: Apache-2.0
"""All that OCCI has for machines, on the lab's real services.

What the federation's clients send stands in test_occi; this is the rest:
changes, sizes, templates of one's own, links at the start, collections of
mixins, all machines at once. Read `occi` and `test_a_size_is_changed` first.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.functional.occi_endpoint import Occi
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask

ACTIONS = f"{ask.SCHEMA}/infrastructure/compute/action#"
POOLS = "http://schemas.openstack.org/network/floatingippool#"
ZONES = "http://schemas.openstack.org/compute/availability_zone#"


def terms(offered: str, scheme: str, title: str = "") -> list[str]:
    """Return the terms of `scheme` that the query interface offers."""
    more = f'; title="{title}"' if title else ""
    line = rf'^Category: (\S+); scheme="{re.escape(scheme)}"; class="mixin"{more}'
    return re.findall(line, offered, re.M)


def user(lab_env: dict[str, str], token: str) -> Occi:
    found = Occi(lab_env["OCCI_ENDPOINT"], token)
    offered = found.send("GET", "/-/").text
    (found.image,) = terms(offered, ask.OS, "cirros")
    (found.flavor,) = terms(offered, ask.SIZE, r"Flavor: m1\.nano")
    return found


def clean(occi: Occi) -> None:
    for url in reversed(occi.made):
        occi.send("DELETE", url)
        end = time.monotonic() + 60
        while occi.send("GET", url).status_code != 404:
            assert time.monotonic() < end, f"{url} is still there"
            # A volume that is still attached says so with 409.
            occi.send("DELETE", url)
            time.sleep(0.5)


@pytest.fixture
def occi(lab_env: dict[str, str], token_for: Callable[..., str]) -> Iterator[Occi]:
    found = user(lab_env, token_for("alice"))
    yield found
    clean(found)


@pytest.fixture
def erin(lab_env: dict[str, str], token_for: Callable[..., str]) -> Iterator[Occi]:
    """Another user in another project, which has no other test's machines."""
    found = user(lab_env, token_for("erin", "fedcloud.egi.eu"))
    yield found
    clean(found)


def probe(occi: Occi, *more: bytes) -> bytes:
    return b"\n".join((ask.PROBE.body(occi.image, occi.flavor), *more))


def running(occi: Occi, *more: bytes) -> str:
    url = occi.create(probe(occi, *more))
    occi.wait(url, "active")
    return url


def act(occi: Occi, url: str, name: str, /, **attributes: str) -> requests.Response:
    body = ask.rocci_action(name, **attributes)
    answer = occi.send("POST", f"{url}?action={name}", body, **ask.ROCCI.headers)
    assert answer.status_code == 200, answer.text
    return answer


def ready(occi: Occi, url: str) -> str:
    """Return the text of a machine as soon as it can be stopped."""
    end = time.monotonic() + 60
    while f'rel="{ACTIONS}stop"' not in (text := occi.send("GET", url).text):
        assert time.monotonic() < end, text
        time.sleep(0.3)
    return text


def line(name: str, value: str) -> bytes:
    return f'X-OCCI-Attribute: {name}="{value}"'.encode()


def state(occi: Occi, url: str) -> str:
    server_id = url.rpartition("/")[2]
    return str(occi.nova("GET", f"/servers/{server_id}")["server"]["status"])


def test_methods_of_actions(occi: Occi) -> None:
    url = running(occi)
    for name, method, status in (
        ("suspend", "suspend", "PAUSED"),
        ("start", "", "ACTIVE"),
        ("suspend", "hibernate", "SUSPENDED"),
        ("start", "", "ACTIVE"),
        ("restart", "cold", "ACTIVE"),
        ("stop", "poweroff", "SHUTOFF"),
        ("start", "", "ACTIVE"),
        ("stop", "acpioff", "SHUTOFF"),
    ):
        act(occi, url, name, **({"method": method} if method else {}))
        end = time.monotonic() + 60
        while state(occi, url) != status:
            assert time.monotonic() < end, f"{name} {method}: {state(occi, url)}"
            time.sleep(0.3)


def test_names_are_changed(occi: Occi) -> None:
    url = running(occi)
    body = b"\n".join(
        (
            line("occi.core.title", "a new title"),
            line("occi.core.summary", "why"),
            line("occi.compute.hostname", "new.example.org"),
        )
    )
    changed = occi.send("POST", url, body)
    assert changed.status_code == 200, changed.text
    for text in (changed.text, occi.send("GET", url).text):
        assert 'occi.core.title="a new title"' in text
        assert 'occi.core.summary="why"' in text
        assert 'occi.compute.hostname="new.example.org"' in text
    # What was shown can be put back, and takes away what it does not hold.
    shown = occi.send("GET", url).text
    put = occi.send("PUT", url, shown.encode())
    assert (put.status_code, put.text) == (200, shown)
    less = "\n".join(x for x in shown.split("\n") if "occi.core.summary" not in x)
    put = occi.send("PUT", url, less.encode())
    assert (put.status_code, put.text) == (200, less)


def test_a_size_is_changed(occi: Occi) -> None:
    url = running(occi)
    offered = occi.send("GET", "/-/").text
    (larger,) = terms(offered, ask.SIZE, r"Flavor: m1\.small")
    body = ask.rocci_update(offered, larger)
    answer = occi.send("POST", url, body, **ask.ROCCI.headers)
    assert answer.status_code == 200, answer.text
    # Confirmed, so that it can be acted on, and resized again.
    shown = ready(occi, url)
    assert f'Category: {larger}; scheme="{ask.SIZE}"' in shown
    listed = occi.send("GET", f"/resource_tpl/{larger}/", Accept="text/uri-list")
    assert url in listed.text.split()
    back = occi.send(
        "POST", f"/resource_tpl/{occi.flavor}/", f"X-OCCI-Location: {url}".encode()
    )
    assert (back.status_code, back.text) == (200, f"X-OCCI-Location: {url}")
    assert f'Category: {occi.flavor}; scheme="{ask.SIZE}"' in ready(occi, url)


def test_what_a_machine_keeps(occi: Occi) -> None:
    url = running(occi)
    before = occi.send("GET", url).text
    for body in (
        b"",
        b'Category: x; scheme="http://schemas.openstack.org/template/os#"; '
        b'class="mixin"',
        b"X-OCCI-Attribute: occi.compute.cores=4096",
        line("occi.compute.state", "inactive"),
        line("occi.compute.architecture", "x86"),
    ):
        answer = occi.send("POST", url, body)
        assert answer.status_code == 400, answer.text
    assert occi.send("GET", url).text == before


def test_a_machine_is_saved(occi: Occi, lab: Lab, unique: str) -> None:
    url = running(occi)
    answer = act(occi, url, "save", method="hot", name=unique)
    (image,) = terms(answer.text, ask.OS, unique)
    glance = f"{lab.settings.url('glance')}/v2/images/{image}"
    headers = {"X-Auth-Token": occi.token}
    try:
        end = time.monotonic() + 90
        while not terms(occi.send("GET", "/-/").text, ask.OS, unique):
            seen = requests.get(glance, headers=headers, timeout=60).json()
            assert time.monotonic() < end, seen
            time.sleep(1)
        occi.image = image
        copy = running(occi)
        listed = occi.send("GET", f"/os_tpl/{image}/", Accept="text/uri-list")
        assert listed.text.split() == [copy]
        refused = occi.send(
            "POST",
            f"{copy}?action=save",
            ask.rocci_action("save", method="deferred"),
        )
        assert refused.status_code == 400, refused.text
        occi.send("DELETE", copy)
        occi.gone(copy)
    finally:
        requests.delete(glance, headers=headers, timeout=60)


def test_a_machine_begins_with_a_disk(occi: Occi) -> None:
    kind = f'Category: storage; scheme="{ask.INFRA}"; class="kind"'
    made = occi.send(
        "POST", "/storage/", f"{kind}\nX-OCCI-Attribute: occi.storage.size=1".encode()
    )
    assert made.status_code == 201, made.text
    disk = made.headers["Location"]
    end = time.monotonic() + 60
    while 'occi.storage.state="online"' not in occi.send("GET", disk).text:
        assert time.monotonic() < end
        time.sleep(0.3)
    volume = disk.rpartition("/")[2]
    body = ask.IM.body(occi.image, occi.flavor) + ask.im_volume(volume, "/occi1.1")
    url = occi.create(body, **ask.IM.headers)
    shown = occi.wait(url, "active", seconds=120)
    (own,) = (
        x for x in shown.split("\n") if x.startswith("Link:") and "/storage/" in x
    )
    server_id = url.rpartition("/")[2]
    link = f"{occi.endpoint}/storagelink/{server_id}_{volume}"
    assert f'self="{link}"' in own
    assert "occi.storagelink.deviceid=" in occi.send("GET", link).text
    everything = occi.send("GET", "/", Accept="text/uri-list").text.split()
    assert {url, disk, link} <= set(everything)
    links = occi.send("GET", "/link/", Accept="text/uri-list").text.split()
    assert link in links and url not in links


def test_a_machine_begins_with_networks_and_a_public_address(
    occi: Occi, lab: Lab, unique: str
) -> None:
    headers = {"X-Auth-Token": occi.token}
    neutron = f"{lab.settings.url('neutron')}/v2.0"

    def floating(server_id: str) -> list[Any]:
        query = f"{neutron}/floatingips?description=occi:compute:{server_id}"
        return list(
            requests.get(query, headers=headers, timeout=60).json()["floatingips"]
        )

    offered = occi.send("GET", "/-/").text
    (pool,) = terms(offered, POOLS)
    listed = occi.send("GET", "/network/", Accept="text/uri-list").text.split()
    network = next(
        n for n in listed if 'occi.core.title="private"' in occi.send("GET", n).text
    )
    inside = ask.rocci_link(network.rpartition("/")[2]).strip()
    outside = inside.replace(network.rpartition("/")[2].encode(), b"PUBLIC").replace(
        b'networkinterface";occi', f'networkinterface {POOLS}{pool}";occi'.encode()
    )
    url = occi.create(probe(occi, inside, inside, outside), **ask.ROCCI.headers)
    server_id = url.rpartition("/")[2]
    (address,) = floating(server_id)
    shown = occi.wait(url, "active")
    wires = [x for x in shown.split("\n") if x.startswith("Link:") and "/network/" in x]
    assert len(wires) == 3
    assert sorted(re.findall(r'interface="(eth[0-9])"', "\n".join(wires))) == [
        "eth0",
        "eth0",
        "eth1",
    ]
    assert any(address["floating_ip_address"] in wire for wire in wires)
    assert occi.send("DELETE", url).status_code == 200
    assert floating(server_id) == []

    # A pool that is not there makes nothing.
    before = occi.listed()
    wrong = outside.replace(f"{POOLS}{pool}".encode(), f"{POOLS}{unique}".encode())
    answer = occi.send("POST", "/compute/", probe(occi, wrong))
    assert answer.status_code == 400, answer.text
    assert unique in answer.text
    assert set(occi.listed()) <= set(before)


def test_a_zone_of_choice(occi: Occi) -> None:
    (zone,) = terms(occi.send("GET", "/-/").text, ZONES)
    mixin = f'Category: {zone}; scheme="{ZONES}"; class="mixin"'.encode()
    url = running(occi, mixin)
    assert f'Category: {zone}; scheme="{ZONES}"' in occi.send("GET", url).text
    listed = occi.send("GET", f"/availability_zone/{zone}/", Accept="text/uri-list")
    assert url in listed.text.split()
    wrong = mixin.replace(f"Category: {zone};".encode(), b"Category: nowhere;")
    answer = occi.send("POST", "/compute/", probe(occi, wrong))
    assert answer.status_code == 400, answer.text
    assert "nowhere" in answer.text


def test_all_machines_at_once(erin: Occi, occi: Occi) -> None:
    other = running(occi)
    urls = {erin.create(probe(erin)) for _ in range(2)}
    for url in urls:
        erin.wait(url, "active")
    answer = erin.send(
        "POST", "/compute/?action=stop", ask.rocci_action("stop"), **ask.ROCCI.headers
    )
    assert answer.status_code == 200, answer.text
    for url in urls:
        erin.wait(url, "inactive")
    filtered = erin.send(
        "GET",
        "/compute/",
        Content_Type="text/occi",
        X_OCCI_Attribute='occi.compute.state="inactive"',
        Accept="text/uri-list",
    )
    assert set(filtered.text.split()) == urls
    # As the Nagios probe begins: it must not reach beyond the project.
    answer = erin.send("DELETE", "/compute/", **ask.PROBE.headers)
    assert answer.status_code == 200, answer.text
    for url in urls:
        erin.gone(url)
    assert erin.listed() == []
    assert state(occi, other) == "ACTIVE"


def test_a_list_in_full(occi: Occi) -> None:
    url = running(occi)
    answer = occi.send("GET", "/compute/", Accept="application/occi+json")
    assert answer.status_code == 200, answer.text
    found = {r["id"]: r for r in json.loads(answer.text)["resources"]}
    own = found[url.rpartition("/")[2]]
    one = occi.send("GET", url, Accept="application/occi+json")
    assert own == json.loads(one.text)
    assert own["attributes"]["occi.compute.state"] == "active"
    assert f"{ask.SIZE}{occi.flavor}" in own["mixins"]
    assert any("/network/" in link["target"]["location"] for link in own["links"])


def test_the_query_interface_is_filtered(occi: Occi) -> None:
    category = f'os_tpl; scheme="{ask.INFRA}"; class="mixin"'
    answer = occi.send("GET", "/-/", Category=category, Content_Type="text/occi")
    assert answer.status_code == 200
    lines = answer.text.split("\n")
    assert lines[0].startswith("Category: os_tpl;")
    assert len(lines) >= 2
    assert all(f'scheme="{ask.OS}"' in found for found in lines[1:])
    head = occi.send("HEAD", "/-/")
    assert (head.status_code, head.text) == (200, "")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_mixins_of_users_are_refused(occi: Occi, method: str) -> None:
    answer = occi.send(
        method,
        "/-/",
        Content_Type="text/occi",
        Category='mine; scheme="http://example.org/tags#"; class="mixin"',
    )
    assert answer.status_code == 501, answer.text
    assert "http://example.org/tags#mine" in answer.text


def test_without_neutron_the_rest_goes_on(erin: Occi, lab: Lab) -> None:
    # Longer than anything is remembered.
    lab.stop_service("neutron")
    try:
        end = time.monotonic() + 60
        while terms(offered := erin.send("GET", "/-/").text, POOLS):
            assert time.monotonic() < end, "the pools are remembered for ever"
            time.sleep(1)
        assert terms(offered, ask.OS, "cirros") == [erin.image]
        assert erin.send("GET", "/compute/").status_code == 200
        answer = erin.send("GET", "/network/")
        assert answer.status_code == 503
        assert "network service" in answer.text
    finally:
        lab.start_service("neutron")
    assert terms(erin.send("GET", "/-/").text, POOLS)
