# SPDX-License-Identifier: Apache-2.0
"""Network interfaces: ports and floating IPs of machines, through the filter."""

from types import SimpleNamespace
from typing import Any

import pytest

from ooi_ext import neutron, translate_network
from ooi_ext.rendering import text
from tests.unit.ooi.cloud import Cloud, Glance
from tests.unit.ooi.neutron_cloud import ALICE, BOB
from tests.unit.ooi.neutron_site import (
    BASE,
    INFRA,
    IP_INTERFACE,
    NOWHERE,
    ProjectToken,
    Site,
    attribute,
    interface,
    kind,
    led,
    machine,
    neutron_site,
    outside,
    pool,
)

site = pytest.fixture(neutron_site)


def test_list_and_show(site: Site) -> None:
    public = outside(site, "Public Net")
    server_id, network_id, port_id = machine(site, "fd00::5", "10.0.0.5")
    second = site.neutron.port(server_id, network_id, name="back")
    leading = site.neutron.floating_ip(
        public, "203.0.113.9", port_id=port_id, status="ACTIVE"
    )
    # Not of a machine, not of the project, not leading anywhere.
    site.neutron.port("dhcp", network_id, "10.0.0.2", device_owner="network:dhcp")
    site.neutron.port(NOWHERE, network_id, "10.0.0.8", project_id=BOB)
    unused = site.neutron.floating_ip(public, "203.0.113.10")
    site.neutron.floating_ip(public, "203.0.113.11", project_id=BOB, port_id=NOWHERE)

    for place in ("/networkinterface/", "/networklink/", "/link/networkinterface/"):
        assert site.listed(place) == [
            f"/networkinterface/{i}" for i in (port_id, leading, second)
        ]
        assert site.send("GET", f"{place}{port_id}").status == 200
        assert site.send("GET", f"{place}{unused}").status == 404

    ends = {
        "occi.core.source": f"{BASE}/compute/{server_id}",
        "occi.core.source.kind": f"{INFRA}compute",
        "occi.core.target.kind": f"{INFRA}network",
    }
    mac = site.neutron.kept["ports"][port_id]["mac_address"]
    common = {
        "occi.networkinterface.interface": "eth0",
        "occi.networkinterface.mac": mac,
        "occi.networkinterface.state": "active",
        "occi.networkinterface.allocation": "dynamic",
    }
    assert site.shown(f"/networkinterface/{port_id}") == {
        **ends,
        **common,
        "occi.core.id": port_id,
        "occi.core.target": f"{BASE}/network/{network_id}",
        "occi.networkinterface.address": "10.0.0.5",
        "occi.networkinterface.gateway": "10.0.0.1",
    }
    assert site.shown(f"/networkinterface/{leading}") == {
        **ends,
        **common,
        "occi.core.id": leading,
        "occi.core.target": f"{BASE}/network/{public}",
        "occi.networkinterface.address": "203.0.113.9",
    }
    bare = site.shown(f"/networkinterface/{second}")
    assert bare["occi.networkinterface.interface"] == "eth1"
    assert bare["occi.core.title"] == "back"
    assert "occi.networkinterface.address" not in bare
    categories = text.parse_plain(
        site.send("GET", f"/networkinterface/{leading}").body, {}
    ).categories
    assert [c.term.partition("-x")[0] for c in categories] == [
        "networkinterface",
        "ipnetworkinterface",
        "public-net",
    ]


def test_a_list_costs_the_same_for_any_number(site: Site) -> None:
    public = outside(site)
    for i in range(30):
        _, _, port_id = machine(site, f"10.0.0.{i + 2}")
        site.neutron.floating_ip(public, f"203.0.113.{i}", port_id=port_id)
    cloud = Cloud(
        Glance(),
        nova=site.nova,
        environ={
            "keystone.token_auth": ProjectToken(site.neutron.url, ALICE, ""),
            "nova.context": SimpleNamespace(user_id="u", project_id=ALICE, roles=[]),
        },
    )
    cloud.set(cache_seconds=60)

    def cost(rendering: str) -> int:
        before = len(site.neutron.requests) + len(site.nova.requests)
        headers = {"Accept": rendering}
        assert cloud.send("GET", "/networkinterface/", b"", headers).status == 200
        return len(site.neutron.requests) + len(site.nova.requests) - before

    assert cost("text/uri-list") == 3
    # The fourth tells the names of the external networks, which are remembered.
    assert [cost("application/occi+json") for _ in range(2)] == [4, 3]


def test_a_machine_that_nova_does_not_show_has_no_interface(site: Site) -> None:
    public = outside(site)
    own_id, network_id, own_port = machine(site, "10.0.0.5")
    hidden = site.neutron.port(NOWHERE, network_id, "10.0.0.8")
    leading = site.neutron.floating_ip(public, "203.0.113.9", port_id=hidden)
    assert site.listed("/networkinterface/") == [f"/networkinterface/{own_port}"]
    site.nova.requests.clear()
    for one in (hidden, leading):
        for method in ("GET", "DELETE"):
            assert site.send(method, f"/networkinterface/{one}").status == 404
    assert site.send("DELETE", "/networkinterface/").status == 200
    assert {path for method, path, _ in site.nova.requests if method == "DELETE"} == {
        f"/servers/{own_id}/os-interface/{own_port}"
    }
    assert site.neutron.kept["floatingips"][leading]["port_id"] == hidden


def test_a_nova_that_fails_hides_no_interface(site: Site) -> None:
    server_id, _, port_id = machine(site, "10.0.0.5")
    site.nova.refuse("GET", f"/servers/{server_id}", 500, "Broken.")
    assert site.send("GET", f"/networkinterface/{port_id}").status >= 500


def test_the_links_that_a_machine_shows(site: Site) -> None:
    public = outside(site)
    server_id, network_id, port_id = machine(site)
    leading = site.neutron.floating_ip(public, "203.0.113.9", port_id=port_id)
    kept = site.neutron.kept
    first, second = translate_network.compute_links(
        kept["ports"].values(),
        kept["floatingips"].values(),
        kept["networks"].values(),
        url=lambda location: f"/p{location}",
    )
    assert first.target == f"/p/network/{network_id}"
    assert first.rel == (f"{INFRA}network",)
    assert first.self == f"/p/networkinterface/{port_id}"
    assert first.category == (
        f"{INFRA}networkinterface",
        "http://schemas.ogf.org/occi/infrastructure/networkinterface#ipnetworkinterface",
    )
    assert dict(first.attributes) == {
        "occi.core.id": port_id,
        "occi.core.source": f"/p/compute/{server_id}",
        "occi.core.target": f"/p/network/{network_id}",
        "occi.networkinterface.interface": "eth0",
        "occi.networkinterface.mac": kept["ports"][port_id]["mac_address"],
        "occi.networkinterface.state": "active",
        "occi.networkinterface.address": "10.0.0.5",
        "occi.networkinterface.allocation": "dynamic",
    }
    assert (second.target, second.self) == (
        f"/p/network/{public}",
        f"/p/networkinterface/{leading}",
    )
    assert second.category[2:] == (
        "http://schemas.openstack.org/network/floatingippool#public",
    )
    attributes = dict(second.attributes)
    assert attributes["occi.networkinterface.interface"] == "eth0"
    assert attributes["occi.networkinterface.address"] == "203.0.113.9"


@pytest.mark.parametrize(
    "place", ["/networkinterface/", "/networklink/", "/link/networkinterface/"]
)
@pytest.mark.parametrize("prefix", ["", "/occi1.1", BASE])
def test_attach(site: Site, prefix: str, place: str) -> None:
    server_id, network_id = site.nova.machine(), site.neutron.network()
    made = site.made(
        place,
        interface(
            server_id,
            f"{prefix}/network/{network_id}",
            IP_INTERFACE,
            attribute("occi.networkinterface.address", "10.0.0.9"),
            attribute("occi.networkinterface.allocation", "dynamic"),
            attribute("occi.core.title", "back"),
        ),
    )
    (port,) = site.neutron.kept["ports"].values()
    assert made == f"/networkinterface/{port['id']}"
    assert (port["device_id"], port["network_id"]) == (server_id, network_id)
    assert (port["fixed_ips"][0]["ip_address"], port["name"]) == ("10.0.0.9", "back")
    assert site.nova.requests[-1] == (
        "POST",
        f"/servers/{server_id}/os-interface",
        {
            "interfaceAttachment": {
                "net_id": network_id,
                "fixed_ips": [{"ip_address": "10.0.0.9"}],
            }
        },
    )


def test_detach(site: Site) -> None:
    public = outside(site)
    server_id, _, port_id = machine(site)
    kept = site.neutron.floating_ip(public, "203.0.113.8", port_id=port_id)
    mark = f"occi:compute:{server_id}"
    site.neutron.floating_ip(public, "203.0.113.9", port_id=port_id, description=mark)
    answer = site.send("DELETE", f"/networkinterface/{port_id}")
    assert (answer.status, answer.body) == (200, b"")
    assert site.neutron.kept["ports"] == {}
    # What was allocated for the link went with it.
    assert list(site.neutron.kept["floatingips"]) == [kept]
    assert site.send("DELETE", f"/networkinterface/{port_id}").status == 404


def test_detach_all(site: Site) -> None:
    public = outside(site)
    for i in range(3):
        _, _, port_id = machine(site)
        site.neutron.floating_ip(public, f"203.0.113.{i}", port_id=port_id)
    dhcp = site.neutron.port("dhcp", public, device_owner="network:dhcp")
    other = site.neutron.port(NOWHERE, public, project_id=BOB)
    assert site.of(ALICE, "admin").send("DELETE", "/networkinterface/").status == 200
    assert set(site.neutron.kept["ports"]) == {dhcp, other}


def test_a_detachment_that_nova_refuses_releases_nothing(site: Site) -> None:
    public = outside(site)
    server_id, _, port_id = machine(site)
    mark = f"occi:compute:{server_id}"
    site.neutron.floating_ip(public, "203.0.113.9", port_id=port_id, description=mark)
    path = f"/servers/{server_id}/os-interface/{port_id}"
    site.nova.refuse("DELETE", path, 409, "Cannot detach while it is locked")
    answer = site.send("DELETE", f"/networkinterface/{port_id}")
    assert answer.status == 409
    assert "locked" in answer.text
    assert led(site) == [(port_id, mark)]


def test_a_failure_after_the_detachment_is_logged(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    public = outside(site)
    server_id, _, port_id = machine(site)
    mark = f"occi:compute:{server_id}"
    left = site.neutron.floating_ip(
        public, "203.0.113.9", port_id=port_id, description=mark
    )
    site.neutron.refuse("DELETE", f"/v2.0/floatingips/{left}", 500, "no")
    assert site.send("DELETE", f"/networkinterface/{port_id}").status == 200
    assert f"code=address_left floatingip={left}" in caplog.text


def test_update(site: Site) -> None:
    server_id, network_id, port_id = machine(site)
    path = f"/networkinterface/{port_id}"
    renamed = site.send("POST", path, attribute("occi.core.title", "back"))
    assert renamed.status == 200, renamed.text
    assert 'occi.core.title="back"' in renamed.text
    assert site.shown(path)["occi.core.title"] == "back"
    # A full update with what was shown, and the name gone.
    shown = site.send("GET", path).text.split("\n")
    body = "\n".join(line for line in shown if "occi.core.title" not in line)
    whole = site.send("PUT", path, body)
    assert whole.status == 200, whole.text
    assert site.neutron.kept["ports"][port_id]["name"] == ""
    puts = [path for method, path in site.neutron.asked() if method == "PUT"]
    assert len(puts) == 2
    for line in (
        attribute("occi.networkinterface.mac", "fa:16:3e:00:00:99"),
        attribute("occi.networkinterface.address", "10.0.0.6"),
        attribute("occi.core.target", f"/network/{NOWHERE}"),
        attribute("occi.networkinterface.state", "inactive"),
    ):
        assert site.send("POST", path, line).status == 400, line
    same = attribute("occi.core.target", f"/network/{network_id}")
    assert site.send("POST", path, same).status == 200
    assert site.send("POST", f"{path}?action=up", kind("network")).status == 400
    assert site.send("POST", "/networkinterface/?action=up", "").status == 400


@pytest.mark.parametrize(
    ("source", "target", "lines", "named"),
    [
        ("SERVER", "/network/NETWORK", ("x",), "no line"),
        ("", "/network/NETWORK", (), "compute"),
        ("/compute/x", "/network/NETWORK", (), "compute"),
        ("/compute/../flavors", "/network/NETWORK", (), "compute"),
        (f"/compute/{NOWHERE}", "/network/NETWORK", (), NOWHERE),
        ("SERVER", "/storage/NETWORK", (), "network"),
        ("SERVER", f"/network/{NOWHERE}", (), NOWHERE),
        ("SERVER", "/network/nothing", (), "Floating IP pool not found"),
        ("SERVER", "/network/PUBLIC", (), "Floating IP pool not found"),
        ("SERVER", "/network/NETWORK", (pool("x"),), "Floating IP pool not found"),
        ("SERVER", "/ipreservation/x", (), "ipreservation"),
        ("SERVER", f"/ipreservation/{NOWHERE}", (), NOWHERE),
        (
            "SERVER",
            "/network/NETWORK",
            (attribute("occi.networkinterface.mac", "x"),),
            "Neutron chooses",
        ),
        (
            "SERVER",
            "/network/NETWORK",
            (IP_INTERFACE, attribute("occi.networkinterface.gateway", "10.0.0.1")),
            "network's",
        ),
        (
            "SERVER",
            "/network/NETWORK",
            (IP_INTERFACE, attribute("occi.networkinterface.address", "10.0.0")),
            "no IP address",
        ),
        (
            "SERVER",
            "/network/NETWORK",
            (IP_INTERFACE, attribute("occi.networkinterface.allocation", "static")),
            "static",
        ),
        (
            "SERVER",
            "/network/NETWORK",
            (attribute("occi.networkinterface.address", "10.0.0.1"),),
            "not known",
        ),
        ("SERVER", "/network/NETWORK", (pool("x"), pool("y")), "Two mixins"),
    ],
)
def test_bad_requests_make_nothing(
    site: Site, source: str, target: str, lines: tuple[str, ...], named: str
) -> None:
    server_id, network_id, _ = machine(site)
    source = f"/compute/{server_id}" if source == "SERVER" else source
    body = kind(
        "networkinterface",
        *([attribute("occi.core.source", source)] if source else []),
        attribute("occi.core.target", target.replace("NETWORK", network_id)),
        *lines,
    )
    answer = site.send("POST", "/networkinterface/", body)
    assert answer.status == 400, answer.text
    assert (named if source else "occi.core.source") in answer.text
    made = [p for m, p, _ in site.nova.requests + site.neutron.requests if m != "GET"]
    assert made == []


def test_two_projects_never_meet(site: Site) -> None:
    public = outside(site)
    server_id, network_id, port_id = machine(site)
    leading = site.neutron.floating_ip(public, "203.0.113.9", port_id=port_id)
    kept = site.neutron.floating_ip(public, "203.0.113.8")
    for bob in (site.of(BOB), site.of(BOB, "admin")):
        assert bob.listed("/networkinterface/") == []
        for identifier in (port_id, leading):
            for method in ("GET", "DELETE", "PUT", "POST"):
                path = f"/networkinterface/{identifier}"
                body = kind("networkinterface")
                assert bob.send(method, path, body).status == 404
        # A machine of his own, and then hers.
        own = site.nova.machine(BOB)
        for server, target in (
            (own, f"/network/{network_id}"),
            (own, f"/ipreservation/{kept}"),
            (server_id, "/network/PUBLIC"),
        ):
            body = interface(server, target)
            assert bob.send("POST", "/networkinterface/", body).status == 400
    assert led(site) == [(port_id, ""), (None, "")]


def test_a_name_that_cannot_be_given_does_not_undo_the_attachment(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_id, network_id = site.nova.machine(), site.neutron.network()
    answer = site.neutron.answer

    def failing(method: str, path: str, body: Any, token: str) -> Any:
        if method == "PUT":
            return 500, None
        return answer(method, path, body, token)

    monkeypatch.setattr(site.neutron, "answer", failing)
    title = attribute("occi.core.title", "mine")
    site.made(
        "/networkinterface/", interface(server_id, f"/network/{network_id}", title)
    )
    assert "code=title_left" in caplog.text


def test_attach_with_nothing_more(site: Site) -> None:
    server_id, network_id = site.nova.machine(), site.neutron.network()
    site.made("/networkinterface/", interface(server_id, f"/network/{network_id}"))
    _, _, asked = site.nova.requests[-1]
    assert asked == {"interfaceAttachment": {"net_id": network_id}}
    assert {method for method, _ in site.neutron.asked()} == {"GET"}


def test_what_is_not_there(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    public = outside(site)
    server_id, network_id, port_id = machine(site)
    router = site.neutron.port("r", network_id, device_owner="network:router_interface")
    leading = site.neutron.floating_ip(public, "203.0.113.9", port_id=router)
    for name in (router, leading, NOWHERE, "detail", "..", "%2e", "A" * 36):
        for method in ("GET", "DELETE"):
            assert site.send(method, f"/networkinterface/{name}").status == 404
    # Gone between the first question and the second.
    monkeypatch.setattr(neutron.Neutron, "ports_of", lambda *_: ())
    assert site.send("GET", f"/networkinterface/{port_id}").status == 404


def test_a_fault_of_neutron_is_not_taken_for_an_absence(site: Site) -> None:
    _, _, port_id = machine(site)
    site.neutron.refuse("GET", f"/v2.0/ports/{port_id}", 500, "no")
    assert site.send("GET", f"/networkinterface/{port_id}").status == 503
