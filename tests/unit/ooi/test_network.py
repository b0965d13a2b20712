# SPDX-License-Identifier: Apache-2.0
"""Networks: list, show, create, delete, through the filter."""

from typing import Any

import pytest

from ooi_ext.rendering import text
from tests.unit.ooi.neutron_cloud import ALICE, BOB, Neutron
from tests.unit.ooi.neutron_site import (
    BASE,
    IP_NETWORK,
    NOWHERE,
    Site,
    act,
    attribute,
    kind,
    mixin,
    neutron_site,
    outside,
)

ADDRESS = attribute("occi.network.address", "10.9.0.0/24")
OS_NETWORK = mixin("http://schemas.openstack.org/infrastructure/network#", "osnetwork")

site = pytest.fixture(neutron_site)


def test_list(site: Site) -> None:
    assert site.listed("/network/") == []
    public = outside(site)
    own = site.neutron.network("10.1.0.0/24")
    shared = site.neutron.network(shared=True, project_id=BOB)
    site.neutron.network(project_id=BOB)
    # The external ones come last: IM takes the last for the public one.
    assert site.listed("/network/") == [
        f"/network/{i}" for i in (own, shared, public, "PUBLIC")
    ]


def test_an_administrator_sees_no_more(site: Site) -> None:
    hidden = site.neutron.network(project_id=BOB)
    own = site.neutron.network()
    admin = site.of(ALICE, "admin")
    assert admin.listed("/network/") == [f"/network/{own}"]
    for method in ("GET", "DELETE", "PUT"):
        assert admin.send(method, f"/network/{hidden}", kind("network")).status == 404
    assert hidden in site.neutron.kept["networks"]


def test_a_token_without_a_project_sees_nothing(site: Site) -> None:
    site.neutron.network(project_id="None")
    answer = site.of(None, "admin").send("GET", "/network/")
    assert answer.status == 403
    assert "not for a project" in answer.text
    assert site.neutron.requests == []


def test_a_list_costs_the_same_for_any_number(site: Site) -> None:
    for _ in range(30):
        site.neutron.network("10.1.0.0/24")
    site.send("GET", "/network/")
    assert len(site.neutron.requests) == 1
    site.send("GET", "/network/", Accept="application/occi+json")
    assert len(site.neutron.requests) == 1 + 2
    site.neutron.page = 20
    assert len(site.send("GET", "/network/").text.split("\n")) == 30


def test_show(site: Site) -> None:
    own = site.neutron.network(
        "10.1.0.0/24",
        name='a "b"; c\r\nd',
        description="why",
        tags=["other", "occi.network.label=dmz"],
        **{"provider:network_type": "vlan", "provider:segmentation_id": 343},
    )
    # A second subnet is not shown, the standard has room for one.
    site.neutron.add("subnets", network_id=own, cidr="10.2.0.0/24", gateway_ip=None)
    site.neutron.add("subnets", network_id=own, cidr="fd00::/64", ip_version=6)
    answer = site.send("GET", f"/network/{own}")
    read = text.parse_plain(answer.body, {})
    assert [c.term for c in read.categories] == ["network", "ipnetwork", "osnetwork"]
    assert dict(read.attributes) == {
        "occi.core.id": own,
        "occi.core.title": 'a "b"; c\r\nd',
        "occi.core.summary": "why",
        "occi.network.vlan": 343,
        "occi.network.label": "dmz",
        "occi.network.state": "active",
        "occi.network.address": "10.1.0.0/24",
        "occi.network.gateway": "10.1.0.1",
        "occi.network.allocation": "dynamic",
        "org.openstack.network.ip_version": 4,
    }
    down = "http://schemas.ogf.org/occi/infrastructure/network/action#down"
    (link,) = read.links
    assert (link.target, link.rel) == (f"{BASE}/network/{own}?action=down", (down,))
    assert len(site.neutron.requests) == 2


@pytest.mark.parametrize(
    ("values", "state", "message"),
    [
        ({}, "active", None),
        ({"admin_state_up": False}, "inactive", None),
        ({"status": "BUILD"}, "inactive", "Neutron says: BUILD"),
        ({"status": "ERROR"}, "error", "Neutron says: ERROR"),
    ],
)
def test_states(
    site: Site, values: dict[str, Any], state: str, message: str | None
) -> None:
    shown = site.shown(f"/network/{site.neutron.network(**values)}")
    assert shown["occi.network.state"] == state
    assert shown.get("occi.network.state.message") == message
    assert "occi.network.address" not in shown


def test_a_network_of_others_offers_no_action(site: Site) -> None:
    shared = site.neutron.network("10.1.0.0/24", shared=True, project_id=BOB)
    answer = site.send("GET", f"/network/{shared}")
    assert answer.status == 200
    assert "Link:" not in answer.text
    for method, path, body in (
        ("POST", "?action=down", act("down")),
        ("POST", "", attribute("occi.core.title", "mine")),
        ("PUT", "", kind("network")),
        ("DELETE", "", ""),
    ):
        refused = site.of(ALICE, "admin").send(method, f"/network/{shared}{path}", body)
        assert refused.status == 403, refused.text
        assert shared in refused.text
    assert {method for method, _ in site.neutron.asked()} == {"GET"}


def test_the_public_network(site: Site) -> None:
    assert site.send("GET", "/network/PUBLIC").status == 404
    outside(site)
    assert site.shown("/network/PUBLIC")["occi.core.title"] == "PUBLIC"
    for method, body in (("DELETE", ""), ("PUT", kind("network"))):
        assert site.send(method, "/network/PUBLIC", body).status == 403


@pytest.mark.parametrize("name", ["detail", "..", "%2e", NOWHERE, "A" * 36])
def test_what_is_not_there(site: Site, name: str) -> None:
    for method in ("GET", "DELETE"):
        assert site.send(method, f"/network/{name}").status == 404
    assert all(path.endswith(NOWHERE) for _, path in site.neutron.asked())


def test_create_without_addresses(site: Site) -> None:
    path = site.made("/network/", kind("network", attribute("occi.core.id", "mine")))
    (network,) = site.neutron.kept["networks"].values()
    assert path == f"/network/{network['id']}"
    assert (network["name"], network["project_id"]) == ("", ALICE)
    assert site.neutron.asked() == [("POST", "/v2.0/networks")]


def test_create_with_everything(site: Site) -> None:
    public = outside(site)
    path = site.made(
        "/network/",
        kind(
            "network",
            IP_NETWORK,
            OS_NETWORK,
            attribute("occi.core.title", "mine"),
            attribute("occi.core.summary", "why"),
            attribute("occi.network.vlan", 7),
            attribute("occi.network.label", "dmz"),
            # The standard's own example has host bits.
            attribute("occi.network.address", "10.9.0.7/24"),
            attribute("occi.network.gateway", "10.9.0.254/24"),
            attribute("occi.network.allocation", "static"),
            attribute("org.openstack.network.ip_version", 4),
        ),
    )
    network_id = path.removeprefix("/network/")
    posted = [body for method, _, body in site.neutron.requests if method == "POST"]
    assert posted == [
        {
            "network": {
                "name": "mine",
                "description": "why",
                "provider:network_type": "vlan",
                "provider:segmentation_id": 7,
            }
        },
        {
            "subnet": {
                "name": "mine",
                "network_id": network_id,
                "cidr": "10.9.0.0/24",
                "ip_version": 4,
                "enable_dhcp": False,
                "gateway_ip": "10.9.0.254",
            }
        },
        {
            "router": {
                "name": "mine",
                "description": f"occi:network:{network_id}",
                "external_gateway_info": {"network_id": public},
            }
        },
    ]
    assert site.neutron.asked()[-1][1].endswith("/add_router_interface")
    assert site.shown(path)["occi.network.label"] == "dmz"


def test_ipv6_has_no_router(site: Site) -> None:
    outside(site)
    address = attribute("occi.network.address", "fd00:1::/64")
    site.made("/network/", kind("network", IP_NETWORK, address))
    (subnet,) = site.neutron.kept["subnets"].values()
    assert (subnet["ip_version"], subnet["ipv6_ra_mode"]) == (6, "dhcpv6-stateful")
    assert site.neutron.kept["routers"] == {}


@pytest.mark.parametrize(
    "path", ["/v2.0/subnets", "/v2.0/routers", "tags", "add_router_interface"]
)
def test_nothing_is_left_of_a_failure(
    site: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside(site)
    answer = site.neutron.answer
    refused = (409, {"NeutronError": {"message": "Quota exceeded"}})

    def failing(method: str, place: str, body: Any, token: str) -> Any:
        if method != "GET" and place.endswith(path):
            return refused
        return answer(method, place, body, token)

    monkeypatch.setattr(site.neutron, "answer", failing)
    label = attribute("occi.network.label", "dmz")
    created = site.send(
        "POST", "/network/", kind("network", IP_NETWORK, ADDRESS, label)
    )
    assert created.status == 409
    assert "Quota exceeded" in created.text
    for collection in ("networks", "subnets", "routers", "ports"):
        found = site.neutron.kept[collection].values()
        assert [i for i in found if i["project_id"] == ALICE] == []


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ((IP_NETWORK,), "occi.network.address"),
        ((ADDRESS,), "occi.network.address"),
        ((IP_NETWORK, attribute("occi.network.address", "10.0.0.1")), "no range"),
        ((IP_NETWORK, attribute("occi.network.address", "10.0.0.1/a")), "no range"),
        ((IP_NETWORK, ADDRESS, attribute("occi.network.gateway", "x")), "no IP"),
        (
            (IP_NETWORK, ADDRESS, attribute("occi.network.gateway", "10.8.0.1")),
            "not in",
        ),
        ((IP_NETWORK, ADDRESS, attribute("occi.network.gateway", "::1")), "not in"),
        ((IP_NETWORK, ADDRESS, attribute("occi.network.allocation", "x")), "dynamic"),
        ((IP_NETWORK, attribute("occi.network.gateway", "10.9.0.1")), "addresses"),
        (
            (
                IP_NETWORK,
                OS_NETWORK,
                ADDRESS,
                attribute("org.openstack.network.ip_version", 6),
            ),
            "ip_version=6",
        ),
        ((attribute("occi.network.vlan", 4096),), "4096"),
        ((attribute("occi.network.vlan", "7"),), "integer"),
        ((attribute("occi.network.label", "a,b"),), "comma"),
        ((attribute("occi.network.state", "active"),), "immutable"),
        ((attribute("occi.core.title", "a\nb"),), "line break"),
        ((attribute("occi.core.title", "🐧"),), "no room"),
        ((attribute("occi.compute.cores", 1),), "occi.compute.cores"),
        (
            (
                f'Link: </network/{NOWHERE}>; rel="http://schemas.ogf.org/occi/'
                'infrastructure#network"',
            ),
            "links",
        ),
    ],
)
def test_bad_requests_ask_nobody(
    site: Site, lines: tuple[str, ...], named: str
) -> None:
    answer = site.send("POST", "/network/", kind("network", *lines))
    assert answer.status == 400, answer.text
    assert named in answer.text
    assert site.neutron.requests == []


def test_delete_with_its_router(site: Site) -> None:
    outside(site)
    path = site.made("/network/", kind("network", IP_NETWORK, ADDRESS))
    own = path.removeprefix("/network/")
    site.neutron.port("dhcp-agent", own, device_owner="network:dhcp")
    assert len(site.neutron.kept["routers"]) == 1
    for port in list(site.neutron.kept["ports"].values()):
        if port["device_owner"] == "network:dhcp":
            # The real one removes it with the network.
            del site.neutron.kept["ports"][port["id"]]
    answer = site.send("DELETE", path)
    assert (answer.status, answer.body) == (200, b"")
    assert list(site.neutron.kept["networks"]) != [own]
    assert own not in site.neutron.kept["networks"]
    assert site.neutron.kept["routers"] == {}
    assert site.send("DELETE", path).status == 404


@pytest.mark.parametrize(
    ("accept", "header"),
    [("text/plain", "Content-Type"), ("text/occi", "X-OCCI-Error")],
)
@pytest.mark.parametrize(
    "path",
    [
        "/network/",
        "/networkinterface/",
        "/ipreservation/",
        "/securitygroup/",
        "/securitygrouplink/",
        f"/network/{NOWHERE}",
    ],
)
def test_a_neutron_that_is_down_is_named(
    site: Site, path: str, accept: str, header: str
) -> None:
    down = Site(Neutron(url="http://127.0.0.1:9"), site.nova)
    answer = down.send("GET", path, Accept=accept)
    assert answer.status == 503
    assert "network service" in answer.text + answer.header("X-OCCI-Error")
    assert "127.0.0.1:9" not in answer.text
    assert answer.header(header)


def test_an_answer_that_makes_no_sense(site: Site) -> None:
    own = site.neutron.network()
    site.neutron.answers["GET", f"/v2.0/networks/{own}"] = (200, {"network": []})
    answer = site.send("GET", f"/network/{own}")
    assert answer.status == 502
    assert "network" in answer.text


def test_a_refusal_without_a_reason(site: Site) -> None:
    site.neutron.answers["POST", "/v2.0/networks"] = (409, None)
    answer = site.send("POST", "/network/", kind("network"))
    assert answer.status == 409
    assert "network service refused" in answer.text


def test_what_cannot_be_undone_is_logged(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = site.neutron.answer

    def failing(method: str, path: str, body: Any, token: str) -> Any:
        if method == "DELETE" or path.endswith("subnets"):
            return 500, None
        return answer(method, path, body, token)

    monkeypatch.setattr(site.neutron, "answer", failing)
    created = site.send("POST", "/network/", kind("network", IP_NETWORK, ADDRESS))
    assert created.status == 503
    (own,) = site.neutron.kept["networks"]
    assert f"code=network_left network={own}" in caplog.text


def test_a_router_that_cannot_be_deleted_keeps_its_network(site: Site) -> None:
    outside(site)
    path = site.made("/network/", kind("network", IP_NETWORK, ADDRESS))
    (router_id,) = site.neutron.kept["routers"]
    site.neutron.refuse("DELETE", f"/v2.0/routers/{router_id}", 500, "no")
    assert site.send("DELETE", path).status == 503
    assert path.removeprefix("/network/") in site.neutron.kept["networks"]
