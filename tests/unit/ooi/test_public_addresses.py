# SPDX-License-Identifier: Apache-2.0
"""Floating IPs that lead to machines, through the filter."""

import pytest

from ooi_ext import translate_address
from tests.unit.ooi.neutron_site import (
    BASE,
    IP_INTERFACE,
    NOWHERE,
    Site,
    attribute,
    interface,
    led,
    machine,
    neutron_site,
    outside,
    pool,
)

site = pytest.fixture(neutron_site)


@pytest.mark.parametrize("name", ["public", "Public Net"])
@pytest.mark.parametrize("target", ["PUBLIC", "public", "ID", "inside"])
def test_a_public_address(site: Site, target: str, name: str) -> None:
    outside(site, "another", is_default=True)
    public = outside(site, name)
    server_id, inside, port_id = machine(site)
    named = {"ID": public, "inside": inside}.get(target, target)
    term = translate_address.pools(site.neutron.kept["networks"].values())[public].term
    body = interface(server_id, f"/network/{named}", pool(term))
    made = site.made("/networkinterface/", body)
    (floating_ip,) = site.neutron.kept["floatingips"].values()
    assert made == f"/networkinterface/{floating_ip['id']}"
    assert floating_ip["floating_network_id"] == public
    assert floating_ip["fixed_ip_address"] == "10.0.0.5"
    assert led(site) == [(port_id, f"occi:compute:{server_id}")]
    assert site.shown(made)["occi.core.target"] == f"{BASE}/network/{public}"


@pytest.mark.parametrize("target", ["PUBLIC", "public", "another", "ID"])
def test_a_public_address_without_a_pool(site: Site, target: str) -> None:
    another = outside(site, "another")
    public = outside(site, "public", is_default=True)
    server_id, _, port_id = machine(site)
    body = interface(server_id, f"/network/{another if target == 'ID' else target}")
    site.made("/networkinterface/", body)
    (floating_ip,) = site.neutron.kept["floatingips"].values()
    assert floating_ip["port_id"] == port_id
    assert floating_ip["floating_network_id"] == (
        public if target.lower() == "public" else another
    )


def test_the_port_that_can_be_reached(site: Site) -> None:
    outside(site)
    server_id, apart, _ = machine(site)
    second = site.neutron.port(server_id, site.neutron.network(), "10.1.0.5")
    site.neutron.apart = {apart}
    site.made("/networkinterface/", interface(server_id, "/network/PUBLIC"))
    assert led(site) == [(second, f"occi:compute:{server_id}")]
    # A port has one address of a pool, and no other is left.
    again = site.send(
        "POST", "/networkinterface/", interface(server_id, "/network/PUBLIC")
    )
    assert again.status == 400
    assert "not reachable" in again.text


def test_the_network_inside_says_which_port(site: Site) -> None:
    outside(site)
    server_id, _, _ = machine(site)
    network_id = site.neutron.network()
    second = site.neutron.port(server_id, network_id, "10.1.0.5")
    body = interface(server_id, f"/network/{network_id}", pool("public"))
    site.made("/networkinterface/", body)
    assert led(site) == [(second, f"occi:compute:{server_id}")]


def test_a_machine_without_an_address_yet(site: Site) -> None:
    outside(site)
    server_id, _, _ = machine(site, "fd00::5")
    body = interface(server_id, "/network/PUBLIC")
    answer = site.send("POST", "/networkinterface/", body)
    assert answer.status == 409
    assert "no IPv4 address yet" in answer.text
    assert led(site) == []


def test_when_the_pool_is_empty(site: Site) -> None:
    public = outside(site)
    server_id, _, port_id = machine(site)
    site.neutron.refuse("POST", "/v2.0/floatingips", 409, "No more IP addresses")
    body = interface(server_id, "/network/PUBLIC")
    answer = site.send("POST", "/networkinterface/", body)
    assert answer.status == 409
    assert "No more floating ips in pool" in answer.text
    assert "No more IP addresses" in answer.text
    # What the project has and does not use is taken, and stays the project's.
    kept = site.neutron.floating_ip(public, "203.0.113.9", description="mine")
    made = site.made("/networkinterface/", body)
    assert led(site) == [(port_id, "mine")]
    assert site.send("DELETE", made).status == 200
    assert led(site) == [(None, "mine")]
    # What was allocated for a machine that is gone is taken first, and goes.
    stale = site.neutron.floating_ip(
        public, "203.0.113.8", description=f"occi:compute:{NOWHERE}"
    )
    made = site.made("/networkinterface/", body)
    assert made == f"/networkinterface/{stale}"
    assert (port_id, f"occi:compute:{server_id}") in led(site)
    assert site.send("DELETE", made).status == 200
    assert list(site.neutron.kept["floatingips"]) == [kept]


def test_an_address_of_choice(site: Site) -> None:
    public = outside(site)
    server_id, _, port_id = machine(site)
    own = attribute("occi.networkinterface.address", "203.0.113.9")
    body = interface(server_id, "/network/PUBLIC", IP_INTERFACE, own)
    refused = site.send("POST", "/networkinterface/", body)
    assert refused.status == 400
    assert "203.0.113.9" in refused.text
    site.neutron.floating_ip(public, "203.0.113.8")
    site.neutron.floating_ip(public, "203.0.113.9", description="mine")
    site.made("/networkinterface/", body)
    assert led(site) == [(None, ""), (port_id, "mine")]


def test_a_reservation(site: Site) -> None:
    public = outside(site)
    server_id, _, port_id = machine(site)
    kept = site.neutron.floating_ip(public, "203.0.113.9", description="mine")
    body = interface(server_id, f"{BASE}/ipreservation/{kept}")
    made = site.made("/networkinterface/", body)
    assert made == f"/networkinterface/{kept}"
    assert led(site) == [(port_id, "mine")]
    again = site.send("POST", "/networkinterface/", body)
    assert again.status == 409
    assert "in use" in again.text
    assert site.send("DELETE", made).status == 200
    assert led(site) == [(None, "mine")]
    assert site.send("GET", made).status == 404


def test_the_link_of_a_public_address_has_no_title(site: Site) -> None:
    public = outside(site)
    server_id, _, port_id = machine(site)
    title = attribute("occi.core.title", "mine")
    body = interface(server_id, "/network/PUBLIC", title)
    assert site.send("POST", "/networkinterface/", body).status == 400
    leading = site.neutron.floating_ip(public, "203.0.113.9", port_id=port_id)
    changed = site.send("POST", f"/networkinterface/{leading}", title)
    assert changed.status == 501
