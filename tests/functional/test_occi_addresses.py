# SPDX-License-Identifier: Apache-2.0
"""Reserved addresses, security groups and the bounds of a project, on the lab.

Read `test_two_projects_never_meet` first.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.occi_endpoint import Occi
from tests.functional.occi_networks import (
    Neutron,
    alice,
    interface,
    listed,
    made,
    neutron_api,
    running,
    shown,
    until,
)
from tests.unit.ooi.neutron_site import attribute, kind, pool

NOWHERE = "00000000-0000-4000-8000-000000000000"

occi = pytest.fixture(alice)
neutron = pytest.fixture(neutron_api)
machine = pytest.fixture(running)


def test_an_address_is_reserved_and_stays(
    occi: Occi, neutron: Neutron, machine: str
) -> None:
    reservation = made(
        occi,
        "/ipreservation/",
        kind("ipreservation", pool("public")),
        attribute("occi.core.title", "mine"),
    )
    assert listed(occi, "/ipreservation/") == [reservation]
    found = shown(occi, reservation)
    assert found["occi.core.title"] == '"mine"'
    assert found["occi.ipreservation.used"] == "false"
    assert found["occi.ipreservation.state"] == '"active"'
    own = f"/ipreservation/{reservation.rpartition('/')[2]}"
    link = made(occi, "/networkinterface/", *interface(machine, own))
    assert shown(occi, reservation)["occi.ipreservation.used"] == "true"
    again = "\n".join(interface(machine, own)).encode()
    assert occi.send("POST", "/networkinterface/", again).status_code == 409
    assert occi.send("DELETE", link).status_code == 200
    assert shown(occi, reservation) == found
    assert occi.send("DELETE", reservation).status_code == 200
    assert neutron("GET", "/floatingips")["floatingips"] == []


def test_a_security_group_and_its_link(
    occi: Occi, neutron: Neutron, machine: str, unique: str
) -> None:
    rules = [
        {"type": "inbound", "protocol": "tcp", "port": "22", "range": "10.0.0.0/24"},
        {"type": "inbound", "protocol": "icmp"},
    ]
    group = made(
        occi,
        "/securitygroup/",
        kind("securitygroup"),
        attribute("occi.core.title", unique),
        attribute("occi.securitygroup.rules", json.dumps(rules)),
    )
    group_id = group.rpartition("/")[2]
    assert group in listed(occi, "/securitygroup/")
    text = shown(occi, group)["occi.securitygroup.rules"]
    found = json.loads(json.loads(text))
    for rule in rules:
        assert {**rule, "ipversion": "IPv4"} in found
    assert [rule["type"] for rule in found].count("outbound") == 2

    server_id = machine.rpartition("/")[2]
    link = made(
        occi,
        "/securitygrouplink/",
        kind("securitygrouplink"),
        attribute("occi.core.source", f"/compute/{server_id}"),
        attribute("occi.core.target", f"/securitygroup/{group_id}"),
    )
    until(lambda: occi.send("GET", link).status_code == 200, "not linked")
    assert link in listed(occi, "/securitygrouplink/")
    (port,) = neutron("GET", f"/ports?device_id={server_id}")["ports"]
    assert group_id in port["security_groups"]
    in_use = occi.send("DELETE", group)
    assert in_use.status_code == 409
    assert "in use" in in_use.text
    assert occi.send("DELETE", link).status_code == 200
    until(lambda: occi.send("GET", link).status_code == 404, "still linked")

    web = [rules[0], {"type": "inbound", "protocol": "tcp", "port": "443"}]
    body = attribute("occi.securitygroup.rules", json.dumps(web)).encode()
    answer = occi.send("POST", group, body)
    assert answer.status_code == 200, answer.text
    kept = neutron("GET", f"/security-groups/{group_id}")["security_group"]
    ports = {
        rule["port_range_min"]
        for rule in kept["security_group_rules"]
        if rule["direction"] == "ingress"
    }
    assert ports == {22, 443}
    bad = json.dumps([{"type": "inbound", "protocol": "tcp", "port": "70000"}])
    refused = occi.send(
        "POST", group, attribute("occi.securitygroup.rules", bad).encode()
    )
    assert refused.status_code == 400
    assert "70000" in refused.text
    assert occi.send("DELETE", group).status_code == 200


def test_two_projects_never_meet(
    occi: Occi,
    neutron: Neutron,
    lab_env: dict[str, str],
    token_for: Callable[..., str],
    client: Any,
    machine: str,
    unique: str,
) -> None:
    network = made(
        occi, "/network/", kind("network"), attribute("occi.core.title", unique)
    )
    reservation = made(occi, "/ipreservation/", kind("ipreservation"))
    own = f"/ipreservation/{reservation.rpartition('/')[2]}"
    public = made(occi, "/networkinterface/", *interface(machine, own))
    group = made(occi, "/securitygroup/", kind("securitygroup"))
    server_id = machine.rpartition("/")[2]
    (port,) = neutron("GET", f"/ports?device_id={server_id}")["ports"]
    inside = f"{occi.endpoint}/networkinterface/{port['id']}"
    link = f"{occi.endpoint}/securitygrouplink/{server_id}_{port['security_groups'][0]}"
    hers = (network, reservation, public, inside, group, link)
    for url in hers:
        place = url.removeprefix(occi.endpoint).split("/")[1]
        assert url in listed(occi, f"/{place}/")
    for token in (token_for("erin", "fedcloud.egi.eu"), client.admin_token()):
        other = Occi(lab_env["OCCI_ENDPOINT"], token)
        for url in hers:
            place = url.removeprefix(occi.endpoint).split("/")[1]
            assert url not in listed(other, f"/{place}/")
            term = kind(place).encode()
            for method, body in (
                ("GET", b""),
                ("DELETE", b""),
                ("PUT", term),
                ("POST", term),
            ):
                answer = other.send(method, url, body)
                assert answer.status_code == 404, (method, url, answer.text)
        for target in (network, reservation):
            body = "\n".join(interface(machine, target)).encode()
            answer = other.send("POST", "/networkinterface/", body)
            assert answer.status_code == 400, answer.text
        # The network that all share is seen, and nobody's but its owner's.
        (private,) = neutron("GET", "/networks?name=private")["networks"]
        assert f"{occi.endpoint}/network/{private['id']}" in listed(other, "/network/")
    refused = occi.send("DELETE", f"/network/{private['id']}")
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("place", "lines", "named"),
    [
        ("network", ("occi.core.title", "🐧"), "no room"),
        ("network", ("occi.core.title", "x" * 256), "255"),
        ("network", ("occi.core.title", "a\nb"), "line break"),
        ("network", ("occi.network.vlan", 4095), ""),
        ("securitygroup", ("occi.core.title", "x" * 256), "255"),
        ("securitygroup", ("occi.securitygroup.rules", "[[" * 9999), "no JSON"),
        (
            "securitygroup",
            (
                "occi.securitygroup.rules",
                '[{"type": "inbound", "protocol": "nonsense"}]',
            ),
            "nonsense",
        ),
        ("ipreservation", ("occi.core.title", "x" * 300), ""),
        ("networkinterface", ("occi.core.source", "/compute/.."), "target"),
        ("securitygrouplink", ("occi.core.source", "/compute/.."), ""),
    ],
)
def test_bad_requests_make_nothing(
    occi: Occi, neutron: Neutron, place: str, lines: tuple[str, Any], named: str
) -> None:
    def everything() -> list[int]:
        names = ("networks", "security-groups", "floatingips", "ports")
        return [len(neutron("GET", f"/{n}")[n.replace("-", "_")]) for n in names]

    before = everything()
    body = f"{kind(place)}\n{attribute(*lines)}".encode()
    answer = occi.send("POST", f"/{place}/", body)
    assert 400 <= answer.status_code < 500, answer.text
    assert named.lower() in answer.text.lower()
    assert everything() == before


@pytest.mark.parametrize(
    "place",
    ["network", "networkinterface", "ipreservation", "securitygroup", "networklink"],
)
def test_what_is_not_there(occi: Occi, place: str) -> None:
    for name in (NOWHERE, "detail", "..%2Fports", "%00", "A" * 3000):
        for method in ("GET", "DELETE"):
            assert occi.send(method, f"/{place}/{name}").status_code == 404
