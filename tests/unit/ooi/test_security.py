# SPDX-License-Identifier: Apache-2.0
"""Security groups and their links to machines, through the filter."""

import json
from typing import Any

import pytest

from tests.unit.ooi.neutron_cloud import ALICE, BOB
from tests.unit.ooi.neutron_site import (
    BASE,
    INFRA,
    NOWHERE,
    Site,
    attribute,
    kind,
    neutron_site,
)

RULES = "occi.securitygroup.rules"
SSH = {"type": "inbound", "protocol": "tcp", "port": "22", "range": "10.0.0.0/24"}

site = pytest.fixture(neutron_site)


def rules(*found: Any) -> str:
    return attribute(RULES, json.dumps(found))


def group(*more: str) -> str:
    return kind("securitygroup", attribute("occi.core.title", "web"), *more)


def link(server_id: str, group_id: str, *more: str) -> str:
    return kind(
        "securitygrouplink",
        attribute("occi.core.source", f"/compute/{server_id}"),
        attribute("occi.core.target", f"/occi1.1/securitygroup/{group_id}"),
        *more,
    )


def linked(site: Site) -> tuple[str, str, str]:
    """Add a machine in a group; return the ids of both, and that of the port."""
    server_id, group_id = site.nova.machine(), site.neutron.group()
    port_id = site.neutron.port(
        server_id, site.neutron.network(), "10.0.0.5", security_groups=[group_id]
    )
    return server_id, group_id, port_id


def test_list_and_show(site: Site) -> None:
    assert site.listed("/securitygroup/") == []
    own = site.neutron.group(name='a "b"; c', description="why")
    site.neutron.group(project_id=BOB)
    site.neutron.rule(
        own,
        protocol="tcp",
        port_range_min=20,
        port_range_max=25,
        remote_ip_prefix="10.0.0.0/24",
    )
    site.neutron.rule(own, protocol="icmp", port_range_min=8)
    site.neutron.rule(own, remote_group_id=own, ethertype="IPv6")
    assert site.of(ALICE, "admin").listed("/securitygroup/") == [
        f"/securitygroup/{own}"
    ]
    shown = site.shown(f"/securitygroup/{own}")
    found = json.loads(shown.pop(RULES))
    assert sorted(found, key=json.dumps) == sorted(
        (
            {"type": "outbound", "protocol": "all", "ipversion": "IPv4"},
            {"type": "outbound", "protocol": "all", "ipversion": "IPv6"},
            {**SSH, "port": "20-25", "ipversion": "IPv4"},
            {"type": "inbound", "protocol": "icmp", "port": "8", "ipversion": "IPv4"},
            {"type": "inbound", "protocol": "all", "ipversion": "IPv6", "group": own},
        ),
        key=json.dumps,
    )
    assert shown == {
        "occi.core.id": own,
        "occi.core.title": 'a "b"; c',
        "occi.core.summary": "why",
        "occi.securitygroup.state": "active",
    }


def test_a_list_costs_the_same_for_any_number(site: Site) -> None:
    for _ in range(30):
        linked(site)
    for path in ("/securitygroup/", "/securitygrouplink/"):
        before = len(site.neutron.requests)
        assert len(site.listed(path)) == 30
        assert len(site.neutron.requests) == before + 2


def test_create(site: Site) -> None:
    made = site.made(
        "/securitygroup/",
        group(
            attribute("occi.core.summary", "why"),
            rules(
                SSH,
                SSH,
                {"type": "INBOUND", "protocol": "UDP", "port": 53},
                {"type": "inbound", "protocol": "tcp", "port": "80:90", "range": ""},
                {"type": "inbound", "protocol": "ICMP", "port": "3-1"},
                {"type": "inbound", "protocol": "icmp", "port": "8"},
                {"type": "inbound", "protocol": "any", "range": "fd00::1/64"},
                {"type": "inbound", "ipversion": "IPv6", "group": NOWHERE},
            ),
        ),
    )
    own = made.removeprefix("/securitygroup/")
    kept = site.neutron.kept["security_groups"][own]
    assert (kept["name"], kept["description"]) == ("web", "why")
    names = ("ethertype", "protocol", "port_range_min", "port_range_max")
    found = {
        (*(rule[n] for n in names), rule["remote_ip_prefix"], rule["remote_group_id"])
        for rule in site.neutron.rules(own)
    }
    assert found == {
        ("IPv4", "tcp", 22, 22, "10.0.0.0/24", None),
        ("IPv4", "udp", 53, 53, None, None),
        ("IPv4", "tcp", 80, 90, None, None),
        ("IPv4", "icmp", 3, 1, None, None),
        ("IPv4", "icmp", 8, None, None, None),
        ("IPv6", None, None, None, "fd00::/64", None),
        ("IPv6", None, None, None, None, NOWHERE),
    }
    # What Neutron lets out stays: rOCCI's clients know of no such rules.
    assert len(site.neutron.rules(own, "egress")) == 2
    assert [m for m, _ in site.neutron.asked()] == ["POST", "POST"]


def test_create_without_rules_asks_once(site: Site) -> None:
    site.made("/securitygroup/", group())
    assert site.neutron.asked() == [("POST", "/v2.0/security-groups")]


def test_what_goes_out_can_be_bounded(site: Site) -> None:
    web = {"type": "outbound", "protocol": "tcp", "port": "443"}
    own = site.made("/securitygroup/", group(rules(web))).rpartition("/")[2]
    (rule,) = site.neutron.rules(own, "egress")
    assert rule["port_range_min"] == 443


@pytest.mark.parametrize("status", [400, 409, 500])
def test_nothing_is_left_of_a_failure(site: Site, status: int) -> None:
    site.neutron.refuse("POST", "/v2.0/security-group-rules", status, "Invalid port")
    answer = site.send("POST", "/securitygroup/", group(rules(SSH)))
    assert answer.status == {500: 503}.get(status, status)
    assert ("Invalid port" in answer.text) == (status != 500)
    assert site.neutron.kept["security_groups"] == {}


def test_what_cannot_be_undone_is_logged(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = site.neutron.answer

    def failing(method: str, path: str, body: Any, token: str) -> Any:
        if method == "DELETE" or path.endswith("rules"):
            return 500, None
        return answer(method, path, body, token)

    monkeypatch.setattr(site.neutron, "answer", failing)
    assert site.send("POST", "/securitygroup/", group(rules(SSH))).status == 503
    (own,) = site.neutron.kept["security_groups"]
    assert f"code=security_group_left security_group={own}" in caplog.text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no JSON"),
        ("x", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('[{"type": "inbound", "type": "inbound"}]', "no JSON"),
        ("{}", "no list"),
        ("null", "no list"),
        (json.dumps([SSH] * 1001), "no list"),
        ("[1]", "no object"),
        ("[[]]", "no object"),
        ('[{"type": "inbound", "x": 1}]', "no object"),
        ("[{}]", "inbound"),
        ('[{"type": 1}]', "inbound"),
        ('[{"type": "inbound", "protocol": "a b"}]', "protocol"),
        ('[{"type": "inbound", "protocol": ["tcp"]}]', "protocol"),
        ('[{"type": "inbound", "port": "a"}]', "port"),
        ('[{"type": "inbound", "port": true}]', "port"),
        ('[{"type": "inbound", "port": [22]}]', "port"),
        ('[{"type": "inbound", "port": "-1"}]', "port"),
        ('[{"type": "inbound", "port": "1-2-3"}]', "port"),
        ('[{"type": "inbound", "range": "x"}]', "range"),
        ('[{"type": "inbound", "range": ["10.0.0.0/8"]}]', "range"),
        ('[{"type": "inbound", "range": "::/0", "ipversion": "IPv4"}]', "IPv6"),
        ('[{"type": "inbound", "ipversion": 4}]', "ipversion"),
        ('[{"type": "inbound", "ipversion": []}]', "ipversion"),
        ('[{"type": "inbound", "group": "x"}]', "group"),
        ('[{"type": "inbound", "group": 1}]', "group"),
    ],
)
def test_bad_rules_ask_nobody(site: Site, text: str, named: str) -> None:
    answer = site.send("POST", "/securitygroup/", group(attribute(RULES, text)))
    assert answer.status == 400, answer.text
    assert named in answer.text
    assert len(answer.text) < 600
    assert site.neutron.requests == []


def test_update(site: Site) -> None:
    path = site.made("/securitygroup/", group(rules(SSH)))
    own = path.rpartition("/")[2]
    (ssh,) = site.neutron.rules(own)
    web = {"type": "inbound", "protocol": "tcp", "port": "443"}
    answer = site.send("POST", path, rules(SSH, web))
    assert answer.status == 200, answer.text
    assert dict(site.shown(path))["occi.core.title"] == "web"
    assert '\\"443\\"' in answer.text
    # What was there already was left alone.
    assert ssh in site.neutron.rules(own)
    assert len(site.neutron.rules(own)) == 2

    before = len(site.neutron.requests)
    shown = site.send("GET", path).text
    assert site.send("PUT", path, shown).status == 200
    assert {m for m, _ in site.neutron.asked()[before:]} == {"GET"}

    named = site.send("POST", path, attribute("occi.core.title", "proxy"))
    assert named.status == 200
    assert site.neutron.kept["security_groups"][own]["name"] == "proxy"
    assert len(site.neutron.rules(own)) == 2

    title = attribute("occi.core.title", "db")
    assert site.send("PUT", path, kind("securitygroup", title, rules())).status == 200
    assert site.neutron.kept["security_groups"][own]["name"] == "db"
    assert site.neutron.rules(own) == []
    assert len(site.neutron.rules(own, "egress")) == 2
    for line in (
        attribute("occi.securitygroup.state", "inactive"),
        attribute(RULES, "x"),
        attribute("occi.core.title", "a\nb"),
    ):
        assert site.send("POST", path, line).status == 400, line
    assert site.send("POST", f"{path}?action=up", "").status == 400
    assert site.send("POST", "/securitygroup/?action=up", "").status == 400


def test_delete(site: Site) -> None:
    path = site.made("/securitygroup/", group())
    own = path.rpartition("/")[2]
    place = f"/v2.0/security-groups/{own}"
    site.neutron.refuse("DELETE", place, 409, f"Security Group {own} in use.")
    answer = site.send("DELETE", path)
    assert answer.status == 409
    assert "in use" in answer.text
    del site.neutron.answers["DELETE", place]
    assert site.send("DELETE", path).status == 200
    assert site.send("DELETE", path).status == 404


def test_delete_all_but_the_one_that_always_is(site: Site) -> None:
    default, other = site.neutron.group(name="default"), site.neutron.group()
    bobs = site.neutron.group(project_id=BOB)
    assert site.of(ALICE, "admin").send("DELETE", "/securitygroup/").status == 200
    assert set(site.neutron.kept["security_groups"]) == {default, bobs}
    assert other not in site.neutron.kept["security_groups"]


def test_links(site: Site) -> None:
    server_id, group_id, port_id = linked(site)
    site.neutron.port(NOWHERE, "n", security_groups=[group_id], project_id=BOB)
    site.neutron.port("dhcp", "n", device_owner="network:dhcp", security_groups=["x"])
    # Two ports in one group are one link.
    site.neutron.port(server_id, "n", security_groups=[group_id])
    path = f"/securitygrouplink/{server_id}_{group_id}"
    assert site.listed("/securitygrouplink/") == [path]
    assert site.shown(path) == {
        "occi.core.id": f"{server_id}_{group_id}",
        "occi.core.source": f"{BASE}/compute/{server_id}",
        "occi.core.source.kind": f"{INFRA}compute",
        "occi.core.target": f"{BASE}/securitygroup/{group_id}",
        "occi.core.target.kind": f"{INFRA}securitygroup",
        "occi.securitygrouplink.state": "active",
    }
    second = site.neutron.group()
    made = site.made("/securitygrouplink/", link(server_id, second))
    assert made == f"/securitygrouplink/{server_id}_{second}"
    assert site.neutron.kept["ports"][port_id]["security_groups"] == [group_id, second]
    answer = site.send("DELETE", made)
    assert (answer.status, answer.body) == (200, b"")
    assert site.send("GET", made).status == 404
    assert site.send("DELETE", made).status == 404
    assert site.send("PUT", path, kind("securitygrouplink")).status == 501
    assert site.send("POST", f"{path}?action=up", "").status == 400
    assert site.send("POST", "/securitygrouplink/?action=up", "").status == 400
    assert site.send("DELETE", "/securitygrouplink/").status == 200
    assert site.listed("/securitygrouplink/") == []


@pytest.mark.parametrize(
    ("server", "security_group", "more", "named"),
    [
        ("SERVER", NOWHERE, (), NOWHERE),
        ("SERVER", "web", (), "securitygroup"),
        (NOWHERE, "GROUP", (), NOWHERE),
        ("../flavors", "GROUP", (), "compute"),
        ("SERVER", "GROUP", (attribute("occi.core.title", "x"),), "title"),
    ],
)
def test_bad_links(
    site: Site, server: str, security_group: str, more: tuple[str, ...], named: str
) -> None:
    server_id, group_id, _ = linked(site)
    body = link(
        server.replace("SERVER", server_id),
        security_group.replace("GROUP", group_id),
        *more,
    )
    answer = site.send("POST", "/securitygrouplink/", body)
    assert answer.status == 400, answer.text
    assert named in answer.text
    assert all(method == "GET" for method, _, _ in site.nova.requests)


def test_a_machine_that_nova_does_not_show_has_no_links(site: Site) -> None:
    server_id, group_id, _ = linked(site)
    site.neutron.port(NOWHERE, "n", security_groups=[group_id])
    assert site.listed("/securitygrouplink/") == [
        f"/securitygrouplink/{server_id}_{group_id}"
    ]
    hidden = f"/securitygrouplink/{NOWHERE}_{group_id}"
    for method in ("GET", "DELETE", "PUT", "POST"):
        assert site.send(method, hidden).status == 404
    assert site.send("DELETE", "/securitygrouplink/").status == 200
    assert {path for method, path, _ in site.nova.requests if method == "POST"} == {
        f"/servers/{server_id}/action"
    }


@pytest.mark.parametrize("name", ["x", f"{NOWHERE}_{NOWHERE}", f"{NOWHERE}_..", "_"])
def test_links_that_are_not_there(site: Site, name: str) -> None:
    for method in ("GET", "DELETE", "PUT", "POST"):
        assert site.send(method, f"/securitygrouplink/{name}").status == 404
    assert site.nova.requests == []


def test_two_projects_never_meet(site: Site) -> None:
    server_id, group_id, _ = linked(site)
    for bob in (site.of(BOB), site.of(BOB, "admin")):
        assert bob.listed("/securitygroup/") == []
        assert bob.listed("/securitygrouplink/") == []
        for path in (
            f"/securitygroup/{group_id}",
            f"/securitygrouplink/{server_id}_{group_id}",
        ):
            for method in ("GET", "DELETE", "PUT", "POST"):
                body = kind("securitygroup")
                assert bob.send(method, path, body).status == 404
        own = site.nova.machine(BOB), site.neutron.group(name="default", project_id=BOB)
        for pair in ((own[0], group_id), (server_id, own[1])):
            answer = bob.send("POST", "/securitygrouplink/", link(*pair))
            assert answer.status == 400, answer.text
        for path in ("/securitygroup/", "/securitygrouplink/"):
            assert bob.send("DELETE", path).status == 200
        del site.neutron.kept["security_groups"][own[1]]
    assert site.listed("/securitygrouplink/") != []
    assert site.listed("/securitygroup/") == [f"/securitygroup/{group_id}"]
