# SPDX-License-Identifier: Apache-2.0
"""IP reservations and pools of floating IPs, through the filter."""

from typing import Any

import pytest

from ooi_ext import kinds_network, translate_address
from ooi_ext.rendering import text
from tests.unit.ooi.neutron_cloud import ALICE, BOB
from tests.unit.ooi.neutron_site import (
    NOWHERE,
    Site,
    attribute,
    kind,
    mixin,
    neutron_site,
    outside,
    pool,
)


site = pytest.fixture(neutron_site)


def network(name: str | None, identifier: str = "n", **values: Any) -> dict[str, Any]:
    return {"id": identifier, "name": name, "router:external": True, **values}


def test_list_and_show(site: Site) -> None:
    assert site.listed("/ipreservation/") == []
    public = outside(site, "Public Net")
    used = site.neutron.floating_ip(public, "203.0.113.9", port_id=NOWHERE)
    free = site.neutron.floating_ip(public, "203.0.113.8", description="mine")
    broken = site.neutron.floating_ip(public, "203.0.113.7", status="ERROR")
    site.neutron.floating_ip(public, "203.0.113.6", project_id=BOB)
    assert site.of(ALICE, "admin").listed("/ipreservation/") == [
        f"/ipreservation/{i}" for i in (used, free, broken)
    ]
    assert site.shown(f"/ipreservation/{used}") == {
        "occi.core.id": used,
        "occi.core.title": "203.0.113.9",
        "occi.network.state": "active",
        "occi.ipreservation.address": "203.0.113.9",
        "occi.ipreservation.used": True,
        "occi.ipreservation.state": "active",
    }
    shown = site.shown(f"/ipreservation/{free}")
    assert (shown["occi.core.title"], shown["occi.ipreservation.used"]) == (
        "mine",
        False,
    )
    state = site.shown(f"/ipreservation/{broken}")["occi.ipreservation.state"]
    assert state == "error"
    read = text.parse_plain(site.send("GET", f"/ipreservation/{free}").body, {})
    assert [c.scheme for c in read.categories] == [
        kinds_network.IP_RESERVATION.scheme,
        kinds_network.FLOATING_IP_POOLS,
    ]


def test_a_list_costs_the_same_for_any_number(site: Site) -> None:
    public = outside(site)
    for i in range(30):
        site.neutron.floating_ip(public, f"203.0.113.{i}")
    site.send("GET", "/ipreservation/")
    assert len(site.neutron.requests) == 1
    site.send("GET", "/ipreservation/", Accept="application/occi+json")
    assert len(site.neutron.requests) == 1 + 2


def test_create_and_delete(site: Site) -> None:
    outside(site, "another")
    public = outside(site, "public")
    body = kind("ipreservation", pool("public"), attribute("occi.core.title", "mine"))
    made = site.made("/ipreservation/", body)
    (floating_ip,) = site.neutron.kept["floatingips"].values()
    assert made == f"/ipreservation/{floating_ip['id']}"
    assert floating_ip["floating_network_id"] == public
    assert (floating_ip["port_id"], floating_ip["description"]) == (None, "mine")
    answer = site.send("DELETE", made)
    assert (answer.status, answer.body) == (200, b"")
    assert site.neutron.kept["floatingips"] == {}
    assert site.send("DELETE", made).status == 404


def test_create_in_the_default_pool(site: Site) -> None:
    outside(site, "another")
    public = outside(site, "public", is_default=True)
    site.made("/ipreservation/", kind("ipreservation"))
    (floating_ip,) = site.neutron.kept["floatingips"].values()
    assert floating_ip["floating_network_id"] == public


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ((pool("x"),), "Floating IP pool not found"),
        ((pool("public"), pool("y")), "Two mixins"),
        ((attribute("occi.ipreservation.address", "x"),), "no IP address"),
        ((attribute("occi.ipreservation.used", "x"),), "immutable"),
        ((attribute("occi.network.label", "x"),), "occi.network.label"),
        ((attribute("occi.core.summary", "x"),), "occi.core.summary"),
        ((attribute("occi.core.title", f"occi:compute:{NOWHERE}"),), "title"),
        ((attribute("occi.core.title", "a\nb"),), "line break"),
        (
            (mixin("http://schemas.openstack.org/template/os#", "x"),),
            "not known for a ipreservation",
        ),
    ],
)
def test_bad_requests_make_nothing(
    site: Site, lines: tuple[str, ...], named: str
) -> None:
    outside(site)
    answer = site.send("POST", "/ipreservation/", kind("ipreservation", *lines))
    assert answer.status == 400, answer.text
    assert named in answer.text
    assert {method for method, _ in site.neutron.asked()} <= {"GET"}


def test_no_pool_at_all(site: Site) -> None:
    answer = site.send("POST", "/ipreservation/", kind("ipreservation"))
    assert answer.status == 400
    assert "Floating IP pool not found" in answer.text


def test_neutron_says_why_not(site: Site) -> None:
    outside(site)
    site.neutron.refuse("POST", "/v2.0/floatingips", 409, "Quota exceeded")
    address = attribute("occi.ipreservation.address", "203.0.113.9")
    answer = site.send("POST", "/ipreservation/", kind("ipreservation", address))
    assert answer.status == 409
    assert "Quota exceeded" in answer.text
    (posted,) = (body for method, _, body in site.neutron.requests if method == "POST")
    assert posted["floatingip"]["floating_ip_address"] == "203.0.113.9"


def test_update(site: Site) -> None:
    own = site.neutron.floating_ip(outside(site), "203.0.113.9", description="a")
    path = f"/ipreservation/{own}"
    answer = site.send("POST", path, attribute("occi.core.title", "b"))
    assert answer.status == 200, answer.text
    assert 'occi.core.title="b"' in answer.text
    assert site.shown(path)["occi.core.title"] == "b"
    shown = site.send("GET", path).text
    assert site.send("PUT", path, shown).status == 200
    without = "\n".join(x for x in shown.split("\n") if "occi.core.title" not in x)
    assert site.send("PUT", path, without).status == 200
    assert site.shown(path)["occi.core.title"] == "203.0.113.9"
    puts = [path for method, path in site.neutron.asked() if method == "PUT"]
    assert len(puts) == 2
    for line in (
        attribute("occi.ipreservation.address", "203.0.113.1"),
        attribute("occi.core.title", "a\nb"),
        attribute("occi.network.vlan", 7),
    ):
        assert site.send("POST", path, line).status == 400, line
    assert site.send("POST", f"{path}?action=up", "").status == 400
    assert site.send("POST", "/ipreservation/?action=up", "").status == 400


def test_two_projects_never_meet(site: Site) -> None:
    own = site.neutron.floating_ip(outside(site), "203.0.113.9")
    for bob in (site.of(BOB), site.of(BOB, "admin")):
        assert bob.listed("/ipreservation/") == []
        for method in ("GET", "DELETE", "PUT", "POST"):
            body = kind("ipreservation")
            assert bob.send(method, f"/ipreservation/{own}", body).status == 404
        assert bob.send("DELETE", "/ipreservation/").status == 200
    assert list(site.neutron.kept["floatingips"]) == [own]
    assert site.send("DELETE", "/ipreservation/").status == 200
    assert site.neutron.kept["floatingips"] == {}


def test_the_terms_of_pools() -> None:
    found = translate_address.pools(
        (
            network("public", "1"),
            network("Public Net", "2"),
            network("twice", "3"),
            network("twice", "4"),
            network("", "5"),
            network(None, "6"),
            {"id": "7", "name": "inside"},
        )
    )
    terms = {network_id: mixin.term for network_id, mixin in found.items()}
    assert terms.pop("2").startswith("public-net-x")
    assert terms == {"1": "public", "3": "3", "4": "4", "5": "5", "6": "6"}
    for mixin_ in found.values():
        assert mixin_.depends == (kinds_network.FLOATING_IP_POOL.identifier,)
        assert mixin_.location == f"/floatingippool/{mixin_.term}/"


def test_a_pool_is_found_by_what_is_shown_and_by_its_own_name() -> None:
    networks = (network("public", "1"), network("Public Net", "2"))
    terms = translate_address.pools(networks)
    for name in ("Public Net", "2", terms["2"].term):
        assert translate_address.pool_named(networks, name) == networks[1]
    assert translate_address.pool_named(networks, "net") is None
    assert translate_address.pool_named((), "public") is None
