# SPDX-License-Identifier: Apache-2.0
"""OCCI networks and interfaces on the lab's real Neutron and Nova.

The requests are those of IM and rOCCI. Read
`test_im_adds_a_public_address` first.
"""

import json
import re

import pytest

from tests.functional.occi_endpoint import Occi
from tests.functional.occi_networks import (
    Neutron,
    act,
    alice,
    im_addresses,
    interface,
    listed,
    made,
    neutron_api,
    running,
    shown,
    until,
)
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask
from tests.unit.ooi.neutron_site import IP_NETWORK, attribute, kind, pool

NOWHERE = "00000000-0000-4000-8000-000000000000"
# Neutron has no room for what UTF-8 writes in four bytes.
ODD = 'a"; b, \\c; é ✓ X-Evil: 1'

occi = pytest.fixture(alice)
neutron = pytest.fixture(neutron_api)
machine = pytest.fixture(running)


def test_im_adds_a_public_address(occi: Occi, neutron: Neutron, machine: str) -> None:
    headers = {"Accept": "text/plain", "Connection": "close"}
    networks = occi.send("GET", "/network/", **headers).text.split("\n")
    names = [line[17:].rpartition("/")[2] for line in networks]
    (name,) = (n for n in names if n in ("public", "PUBLIC", "floating"))
    lines = occi.send("GET", "/-/", **headers).text.split("\n")
    pools = [
        line.split(";")[0].removeprefix("Category: ")
        for line in lines
        if "http://schemas.openstack.org/network/floatingippool#" in line
    ]
    assert pools == ["public"]
    (place,) = re.findall(
        r'^Category: networkinterface;.* location="([^"]+)"', "\n".join(lines), re.M
    )
    server_id = machine.rpartition("/")[2]
    body = (
        f'Category: networkinterface;scheme="{ask.INFRA}";class="kind"\n'
        f'Category: {pools[0]};scheme="http://schemas.openstack.org/network/'
        'floatingippool#";class="mixin"\n'
        'X-OCCI-Attribute: occi.core.id="imnet.2b3fd0c6"\n'
        f'X-OCCI-Attribute: occi.core.target="/occi1.1/network/{name}"\n'
        f'X-OCCI-Attribute: occi.core.source="/occi1.1/compute/{server_id}"'
    )
    answer = occi.send(
        "POST",
        place,
        body.encode(),
        Content_Type="text/plain,text/occi",
        **headers,
    )
    assert answer.status_code == 201, answer.text
    link = answer.headers["Location"]

    # IM polls; Nova learns of the address when Neutron tells it.
    def both() -> list[tuple[str, str, str]]:
        found = im_addresses(occi.send("GET", machine, **headers).text)
        return found if len(found) == 2 else []

    inside, public = until(both, "no public address")
    assert (inside[0], public[0]) == ("0", "0")
    assert inside[1].startswith("10.0.")
    assert public[1].startswith("172.24.4.")
    assert public[2] == link
    assert link in listed(occi, "/networkinterface/")
    assert shown(occi, link)["occi.networkinterface.address"] == f'"{public[1]}"'
    (floating_ip,) = neutron("GET", "/floatingips")["floatingips"]
    assert floating_ip["floating_ip_address"] == public[1]
    assert floating_ip["fixed_ip_address"] == inside[1]

    # Its end is the address's end, whoever deletes which.
    assert occi.send("DELETE", machine).status_code == 200
    occi.gone(machine)
    until(lambda: not neutron("GET", "/floatingips")["floatingips"], "address left")
    assert occi.send("GET", link).status_code == 404


def test_a_link_to_the_public_network_and_its_end(
    occi: Occi, neutron: Neutron, machine: str
) -> None:
    for target in ("/network/PUBLIC", f"{occi.endpoint}/network/PUBLIC"):
        link = made(occi, "/networkinterface/", *interface(machine, target))
        (floating_ip,) = neutron("GET", "/floatingips")["floatingips"]
        assert floating_ip["id"] == link.rpartition("/")[2]
        assert occi.send("DELETE", link).status_code == 200
        assert neutron("GET", "/floatingips")["floatingips"] == []


def test_a_network_from_beginning_to_end(
    occi: Occi, neutron: Neutron, machine: str, unique: str
) -> None:
    network = made(
        occi,
        "/network/",
        kind("network", IP_NETWORK),
        attribute("occi.core.title", unique),
        attribute("occi.network.label", "dmz"),
        attribute("occi.network.address", "192.168.77.0/24"),
        attribute("occi.network.gateway", "192.168.77.254"),
    )
    network_id = network.rpartition("/")[2]
    assert network in listed(occi, "/network/")
    found = shown(occi, network)
    assert found["occi.core.title"] == f'"{unique}"'
    assert found["occi.network.label"] == '"dmz"'
    assert found["occi.network.state"] == '"active"'
    assert found["occi.network.address"] == '"192.168.77.0/24"'
    assert found["occi.network.gateway"] == '"192.168.77.254"'
    assert found["occi.network.allocation"] == '"dynamic"'
    (router,) = neutron("GET", f"/routers?name={unique}")["routers"]
    assert router["external_gateway_info"]

    # A second interface, and a public address that leads to it.
    target = f"/network/{network_id}"
    link = made(occi, "/networkinterface/", *interface(machine, target))
    found = shown(occi, link)
    assert found["occi.networkinterface.interface"] == '"eth1"'
    assert found["occi.networkinterface.gateway"] == '"192.168.77.254"'
    assert found["occi.networkinterface.address"].startswith('"192.168.77.')
    names = [n for n, _, _ in im_addresses(occi.send("GET", machine).text)]
    assert names == ["0", "1"]
    public = made(
        occi, "/networkinterface/", *interface(machine, target, pool("public"))
    )
    (floating_ip,) = neutron("GET", "/floatingips")["floatingips"]
    assert floating_ip["port_id"] == link.rpartition("/")[2]
    assert public.rpartition("/")[2] == floating_ip["id"]

    refused = occi.send("DELETE", network)
    assert refused.status_code == 409
    assert "in use" in refused.text
    assert neutron("GET", f"/routers?name={unique}")["routers"] == [router]

    # Nova detaches in its own time.
    assert occi.send("DELETE", link).status_code == 200
    until(lambda: occi.send("GET", link).status_code == 404, "still attached")
    assert neutron("GET", "/floatingips")["floatingips"] == []
    assert occi.send("DELETE", network).status_code == 200
    assert occi.send("GET", network).status_code == 404
    for what in ("routers", "networks", "subnets"):
        assert neutron("GET", f"/{what}?name={unique}")[what] == []


@pytest.mark.parametrize("accept", ["text/plain", "text/occi", "application/occi+json"])
def test_a_network_is_switched(occi: Occi, neutron: Neutron, accept: str) -> None:
    network = made(occi, "/network/", kind("network"))
    place = f"/networks/{network.rpartition('/')[2]}"
    for name, other, up in (("down", "up", False), ("up", "down", True)):
        answer = occi.send("POST", f"{network}?action={name}", act(name), Accept=accept)
        assert answer.status_code == 200, answer.text
        assert neutron("GET", place)["network"]["admin_state_up"] is up
        text = occi.send("GET", network).text
        assert f'occi.network.state="{"active" if up else "inactive"}"' in text
        assert f"<{network}?action={other}>" in text


def test_a_network_is_changed(occi: Occi, neutron: Neutron, unique: str) -> None:
    network = made(
        occi,
        "/network/",
        kind("network", IP_NETWORK),
        attribute("occi.core.title", unique),
        attribute("occi.network.address", "192.168.78.0/24"),
    )
    answer = occi.send(
        "POST",
        network,
        "\n".join(
            (
                attribute("occi.core.summary", "why"),
                attribute("occi.network.label", "dmz"),
                attribute("occi.network.allocation", "static"),
            )
        ).encode(),
    )
    assert answer.status_code == 200, answer.text
    found = shown(occi, network)
    assert found["occi.core.title"] == f'"{unique}"'
    assert found["occi.core.summary"] == '"why"'
    assert found["occi.network.label"] == '"dmz"'
    assert found["occi.network.allocation"] == '"static"'
    # A full update with what was shown, but for the label.
    lines = occi.send("GET", network).text.split("\n")
    body = "\n".join(line for line in lines if "label" not in line)
    answer = occi.send("PUT", network, body.encode())
    assert answer.status_code == 200, answer.text
    found.pop("occi.network.label")
    assert shown(occi, network) == found
    other = attribute("occi.network.address", "192.168.79.0/24").encode()
    assert occi.send("POST", network, other).status_code == 400
    title = json.dumps(
        {"kind": f"{ask.INFRA}network", "attributes": {"occi.core.title": "in JSON"}}
    )
    answer = occi.send(
        "POST", network, title.encode(), Content_Type="application/occi+json"
    )
    assert answer.status_code == 200, answer.text
    assert shown(occi, network) == {**found, "occi.core.title": '"in JSON"'}


def test_without_neutron_the_error_names_it(occi: Occi, lab: Lab, machine: str) -> None:
    lab.stop_service("neutron")
    try:
        for path in ("/network/", "/networkinterface/", f"/securitygroup/{NOWHERE}"):
            plain = occi.send("GET", path)
            assert plain.status_code == 503
            assert "network service" in plain.text
            headers = occi.send("GET", path, Accept="text/occi")
            assert headers.status_code == 503
            assert "network service" in headers.headers["X-OCCI-Error"]
        assert machine in occi.listed()
    finally:
        lab.start_service("neutron")
    assert listed(occi, "/network/")


def test_names_set_by_openstack_break_no_rendering(
    occi: Occi, neutron: Neutron, machine: str
) -> None:
    network = made(occi, "/network/", kind("network"))
    own = network.rpartition("/")[2]
    name = ODD
    neutron("PUT", f"/networks/{own}", {"network": {"name": name}})
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    assert shown(occi, network)["occi.core.title"] == f'"{quoted}"'
    headers = occi.send("GET", network, Accept="text/occi").headers
    assert "X-Evil" not in headers
    title = headers["X-OCCI-Attribute"].encode("latin-1").decode()
    assert f'occi.core.title="{quoted}"' in title
    server_id = machine.rpartition("/")[2]
    (port,) = neutron("GET", f"/ports?device_id={server_id}")["ports"]
    neutron("PUT", f"/ports/{port['id']}", {"port": {"name": name}})
    assert len(im_addresses(occi.send("GET", machine).text)) == 1
    found = shown(occi, f"{occi.endpoint}/networkinterface/{port['id']}")
    assert found["occi.core.title"] == f'"{quoted}"'
