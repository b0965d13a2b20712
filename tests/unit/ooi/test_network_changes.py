# SPDX-License-Identifier: Apache-2.0
"""Networks: switched, changed and kept while in use, through the filter."""

import pytest

from ooi_ext.rendering import text
from tests.unit.ooi.neutron_cloud import BOB
from tests.unit.ooi.neutron_site import (
    IP_NETWORK,
    Site,
    act,
    attribute,
    kind,
    neutron_site,
    outside,
)

ADDRESS = attribute("occi.network.address", "10.9.0.0/24")

site = pytest.fixture(neutron_site)


@pytest.mark.parametrize(("name", "up"), [("up", True), ("down", False)])
def test_actions(site: Site, name: str, up: bool) -> None:
    first, second = site.neutron.network(), site.neutron.network()
    shared = site.neutron.network(shared=True, project_id=BOB)
    for network in site.neutron.kept["networks"].values():
        network["admin_state_up"] = not up
    acted = site.send("POST", f"/network/{first}?action={name}", act(name))
    assert (acted.status, acted.body) == (200, b"")

    def states() -> list[bool]:
        networks = site.neutron.kept["networks"]
        return [networks[i]["admin_state_up"] for i in (first, second, shared)]

    assert states() == [up, not up, not up]
    assert site.send("POST", f"/network/?action={name}", act(name)).status == 200
    assert states() == [up, up, not up]
    wrong = site.send("POST", f"/network/{first}?action=stop", act("stop"))
    assert wrong.status == 400
    assert "up, down" in wrong.text


def test_partial_update(site: Site) -> None:
    own = site.neutron.network(
        "10.9.0.0/24", name="a", description="kept", tags=["other"]
    )
    answer = site.send(
        "POST",
        f"/network/{own}",
        "\n".join(
            (
                attribute("occi.core.title", "b"),
                attribute("occi.network.label", "dmz"),
                attribute("occi.network.gateway", "10.9.0.254"),
                attribute("occi.network.allocation", "static"),
            )
        ),
    )
    assert answer.status == 200, answer.text
    shown = dict(text.parse_plain(answer.body, {}).attributes)
    assert shown == site.shown(f"/network/{own}")
    assert shown["occi.core.title"] == "b"
    assert shown["occi.core.summary"] == "kept"
    assert shown["occi.network.label"] == "dmz"
    assert shown["occi.network.gateway"] == "10.9.0.254"
    assert shown["occi.network.allocation"] == "static"
    assert "other" in site.neutron.kept["networks"][own]["tags"]


def test_full_update_with_what_was_shown(site: Site) -> None:
    own = site.neutron.network(
        "10.9.0.0/24", name="a", description="goes", tags=["occi.network.label=x"]
    )
    shown = site.send("GET", f"/network/{own}").text.split("\n")
    body = "\n".join(
        line.replace('title="a"', 'title="b"')
        for line in shown
        if "summary" not in line and "label" not in line
    )
    answer = site.send("PUT", f"/network/{own}", body)
    assert answer.status == 200, answer.text
    changed = site.shown(f"/network/{own}")
    assert changed["occi.core.title"] == "b"
    assert "occi.core.summary" not in changed
    assert "occi.network.label" not in changed
    assert changed["occi.network.address"] == "10.9.0.0/24"
    puts = [path for method, path in site.neutron.asked() if method == "PUT"]
    assert puts == [f"/v2.0/networks/{own}", f"/v2.0/networks/{own}/tags"]


def test_addresses_can_be_added_but_not_changed(site: Site) -> None:
    outside(site)
    own = site.neutron.network()
    added = site.send("POST", f"/network/{own}", f"{IP_NETWORK}\n{ADDRESS}")
    assert added.status == 200, added.text
    assert "10.9.0.0/24" in added.text
    assert len(site.neutron.kept["routers"]) == 1
    other = attribute("occi.network.address", "10.8.0.0/24")
    changed = site.send("POST", f"/network/{own}", other)
    assert changed.status == 400
    assert "10.9.0.0/24" in changed.text
    assert site.send("POST", f"/network/{own}", "").status == 400


def test_a_vlan_is_the_sites_to_give(site: Site) -> None:
    own = site.neutron.network(**{"provider:segmentation_id": 7})
    site.neutron.refuse("PUT", f"/v2.0/networks/{own}", 403, "internal 10.0.0.1")
    same = site.send("POST", f"/network/{own}", attribute("occi.network.vlan", 7))
    assert same.status == 200
    other = site.send("POST", f"/network/{own}", attribute("occi.network.vlan", 8))
    assert other.status == 403
    assert "internal" not in other.text


@pytest.mark.parametrize("owner", ["compute:nova", "network:router_interface"])
def test_a_network_in_use_stays(site: Site, owner: str) -> None:
    outside(site)
    path = site.made("/network/", kind("network", IP_NETWORK, ADDRESS))
    own = path.removeprefix("/network/")
    site.neutron.port("another", own, "10.9.0.8", device_owner=owner, project_id=BOB)
    for place in (path, "/network/"):
        answer = site.send("DELETE", place)
        assert answer.status == 409
        assert owner in answer.text
    assert own in site.neutron.kept["networks"]
    assert len(site.neutron.kept["routers"]) == 1


def test_a_router_that_serves_others_stays(site: Site) -> None:
    outside(site)
    path = site.made("/network/", kind("network", IP_NETWORK, ADDRESS))
    (router_id,) = site.neutron.kept["routers"]
    site.neutron.refuse("DELETE", f"/v2.0/routers/{router_id}", 409, "in use")
    assert site.send("DELETE", path).status == 200
    assert list(site.neutron.kept["routers"]) == [router_id]


def test_delete_all(site: Site) -> None:
    shared = site.neutron.network(shared=True, project_id=BOB)
    for _ in range(3):
        site.neutron.network("10.1.0.0/24")
    assert site.send("DELETE", "/network/").status == 200
    assert list(site.neutron.kept["networks"]) == [shared]
