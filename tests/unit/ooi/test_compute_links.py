# SPDX-License-Identifier: Apache-2.0
"""Machines made with links: networks, volumes, security groups, addresses."""

from typing import Any

import pytest

from ooi_ext import kinds_network, kinds_storage
from tests.unit.ooi.cloud import IMAGE_ID, Cloud, compute

ONE = "11111111-2222-4333-8444-555555555555"
TWO = "22222222-2222-4333-8444-555555555555"
INFRA = "http://schemas.ogf.org/occi/infrastructure#"
POOLS = kinds_network.FLOATING_IP_POOLS
IP = kinds_network.IP_NETWORK_INTERFACE.identifier


def link(target: str, *more: str, to: str = "network", mixins: str = "") -> str:
    """Return an inline link to a `to`, with parameters and mixins of the link."""
    kind = {
        "network": "networkinterface",
        "ipreservation": "networkinterface",
        "storage": "storagelink",
        "securitygroup": "securitygrouplink",
    }[to]
    category = " ".join(filter(None, (INFRA + kind, mixins)))
    first = f'Link: <{target}>; rel="{INFRA}{to}"; self="/link/{kind}/mine"'
    return "; ".join((first, f'category="{category}"', 'occi.core.id="mine"', *more))


def made(cloud: Cloud) -> Any:
    return next(
        asked["server"]
        for method, path, asked in cloud.nova.requests
        if (method, path) == ("POST", "/servers")
    )


@pytest.fixture
def outside(cloud: Cloud) -> str:
    return cloud.neutron.add("networks", name="public", **{"router:external": True})


@pytest.fixture
def ported(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Nova that makes a port with each server."""
    add = cloud.nova.add

    def add_with_port(**changes: Any) -> str:
        server_id = add(**changes)
        cloud.neutron.add_port(server_id)
        return server_id

    monkeypatch.setattr(cloud.nova, "add", add_with_port)


@pytest.mark.parametrize(
    "place",
    [
        "/network/{}",
        "/occi1.1/network/{}",
        "http://cloud.example.org/occi1.1/network/{}",
        "/network/{}/",
    ],
)
def test_several_networks(cloud: Cloud, place: str) -> None:
    body = compute(link(place.format(ONE)), link(place.format(TWO)))
    assert cloud.send("POST", "/compute/", body).status == 201
    assert made(cloud)["networks"] == [{"uuid": ONE}, {"uuid": TWO}]
    assert cloud.neutron.requests == []


def test_an_address_inside(cloud: Cloud) -> None:
    line = link(
        f"/network/{ONE}",
        'occi.networkinterface.address="10.0.0.7"',
        'occi.networkinterface.allocation="static"',
        mixins=IP,
    )
    assert cloud.send("POST", "/compute/", compute(line)).status == 201
    assert made(cloud)["networks"] == [{"uuid": ONE, "fixed_ip": "10.0.0.7"}]


def test_volumes_are_attached_at_boot(cloud: Cloud) -> None:
    body = compute(
        link(f"/storage/{ONE}", 'occi.storagelink.deviceid="/dev/vdb"', to="storage"),
        link(f"/storage/{TWO}", to="storage"),
    )
    assert cloud.send("POST", "/compute/", body).status == 201
    boot, first, second = made(cloud)["block_device_mapping_v2"]
    assert boot == {
        "boot_index": 0,
        "uuid": IMAGE_ID,
        "source_type": "image",
        "destination_type": "local",
        "delete_on_termination": True,
    }
    assert first == {
        "boot_index": None,
        "uuid": ONE,
        "source_type": "volume",
        "destination_type": "volume",
        "delete_on_termination": False,
        "device_name": "/dev/vdb",
    }
    assert (second["uuid"], "device_name" in second) == (TWO, False)
    assert made(cloud)["networks"] == "auto"


def test_security_groups(cloud: Cloud) -> None:
    line = link(f"/securitygroup/{ONE}", to="securitygroup")
    assert cloud.send("POST", "/compute/", compute(line)).status == 201
    assert made(cloud)["security_groups"] == [{"name": ONE}]


@pytest.mark.parametrize("target", ["PUBLIC", "public", "anything"])
@pytest.mark.usefixtures("ported")
def test_an_address_of_a_pool(cloud: Cloud, outside: str, target: str) -> None:
    mixins = f"{POOLS}public" if target == "anything" else ""
    line = link(f"/network/{target}", mixins=mixins)
    answer = cloud.send("POST", "/compute/", compute(line))
    assert answer.status == 201, answer.text
    assert made(cloud)["networks"] == "auto"
    (floating,) = cloud.neutron.floatingips
    (port,) = cloud.neutron.ports
    assert floating["floating_network_id"] == outside
    assert floating["port_id"] == port["id"]
    assert floating["description"] == f"occi:compute:{port['device_id']}"


@pytest.mark.usefixtures("ported")
def test_a_pool_with_the_id_of_its_network(cloud: Cloud, outside: str) -> None:
    line = link(f"/network/{outside}", mixins=f"{POOLS}public")
    assert cloud.send("POST", "/compute/", compute(line)).status == 201
    assert made(cloud)["networks"] == "auto"
    assert len(cloud.neutron.floatingips) == 1


@pytest.mark.usefixtures("ported", "outside")
def test_a_pool_with_a_network_inside_is_both(cloud: Cloud) -> None:
    line = link(f"/network/{ONE}", mixins=f"{POOLS}public")
    assert cloud.send("POST", "/compute/", compute(line)).status == 201
    assert made(cloud)["networks"] == [{"uuid": ONE}]
    assert len(cloud.neutron.floatingips) == 1


@pytest.mark.usefixtures("ported")
def test_a_reserved_address(cloud: Cloud, outside: str) -> None:
    kept = cloud.neutron.add(
        "floatingips",
        floating_network_id=outside,
        floating_ip_address="192.0.2.7",
        port_id=None,
    )
    line = link(f"/ipreservation/{kept}", to="ipreservation")
    assert cloud.send("POST", "/compute/", compute(line)).status == 201
    (floating,) = cloud.neutron.floatingips
    assert floating["port_id"] == cloud.neutron.ports[0]["id"]
    assert made(cloud)["networks"] == "auto"


def test_a_port_is_waited_for(
    cloud: Cloud, outside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.set(wait_seconds=5)

    def appear(seconds: float) -> None:
        cloud.neutron.add_port(next(iter(cloud.nova.servers)))

    monkeypatch.setattr("time.sleep", appear)
    body = compute(link("/network/PUBLIC"))
    assert cloud.send("POST", "/compute/", body).status == 201
    assert len(cloud.neutron.floatingips) == 1


def test_all_ports_are_waited_for(
    cloud: Cloud, outside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.set(wait_seconds=5)
    slept = []

    def appear(seconds: float) -> None:
        slept.append(seconds)
        match slept:
            case [_]:
                # Made, but not yet said to be the machine's.
                cloud.neutron.add_port(next(iter(cloud.nova.servers)))
                cloud.neutron.ports[0]["device_owner"] = ""
            case [_, _]:
                cloud.neutron.add_port(next(iter(cloud.nova.servers)), "10.0.0.6")
            case _:
                cloud.neutron.ports[0]["device_owner"] = "compute:nova"

    monkeypatch.setattr("time.sleep", appear)
    networks = (link(f"/network/{ONE}"), link(f"/network/{TWO}"))
    body = compute(*networks, link("/network/PUBLIC"))
    assert cloud.send("POST", "/compute/", body).status == 201
    assert len(slept) == 3


@pytest.mark.usefixtures("outside")
def test_a_machine_without_a_port_is_not_left(cloud: Cloud) -> None:
    answer = cloud.send("POST", "/compute/", compute(link("/network/PUBLIC")))
    assert answer.status == 503
    assert "The machine was not made." in answer.text
    assert cloud.nova.servers == {}


@pytest.mark.usefixtures("outside", "ported")
def test_a_machine_without_its_address_is_not_left(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.neutron.refusing = 409
    body = compute(link("/network/PUBLIC"))
    answer = cloud.send("POST", "/compute/", body)
    assert answer.status == 409
    assert "No more floating ips in pool" in answer.text
    assert "Quota exceeded" in answer.text
    assert cloud.nova.servers == {}
    assert cloud.neutron.floatingips == []


@pytest.mark.usefixtures("outside", "ported")
def test_one_address_of_two_is_not_left(cloud: Cloud) -> None:
    body = compute(link("/network/PUBLIC"), link("/network/public"))
    answer = cloud.send("POST", "/compute/", body)
    # The second one finds no port that nothing of the pool leads to.
    assert answer.status == 409
    assert cloud.nova.servers == {}
    assert cloud.neutron.floatingips == []


@pytest.mark.usefixtures("outside")
def test_a_machine_that_cannot_be_undone_is_logged(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: ONE)
    cloud.nova.refuse("DELETE", f"/servers/{ONE}", 500, "database down")
    answer = cloud.send("POST", "/compute/", compute(link("/network/PUBLIC")))
    assert answer.status == 503
    assert f"code=machine_left server={ONE}" in caplog.text


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (link("/network/nowhere"), '"nowhere"'),
        (link(f"/network/{ONE}", mixins=f"{POOLS}nowhere"), '"nowhere"'),
        (link("/storage/one", to="storage"), 'no storage "one"'),
        (link("/securitygroup/one", to="securitygroup"), 'no securitygroup "one"'),
        (link("/ipreservation/one", to="ipreservation"), 'no ipreservation "one"'),
        (link(f"/ipreservation/{ONE}", to="ipreservation"), ONE),
        (link(f"/network/{ONE}", to="storage"), "is no storage"),
        (link(f"/network/{ONE}", 'occi.networkinterface.mac="a"'), "mac"),
        (
            link(f"/network/{ONE}", 'occi.networkinterface.gateway="a"', mixins=IP),
            "gateway",
        ),
        (link(f"/network/{ONE}", 'occi.networkinterface.address="a"'), "address"),
        (
            link(
                f"/network/{ONE}",
                'occi.networkinterface.allocation="static"',
                mixins=IP,
            ),
            "needs an occi.networkinterface.address",
        ),
        (link(f"/network/{ONE}", mixins="http://x#y"), '"http://x#y"'),
        (link(f"/network/{ONE}", mixins=f"{POOLS}a {POOLS}b"), '"a" and "b"'),
        (
            link(
                f"/storage/{ONE}",
                'occi.storagelink.mountpoint="/mnt"',
                to="storage",
            ),
            "mountpoint",
        ),
        (link(f"/storage/{ONE}", "occi.storagelink.deviceid=1", to="storage"), ONE),
        (
            f'Link: </network/{ONE}>; rel="{INFRA}network"; '
            f'category="{kinds_storage.STORAGE_LINK.identifier}"',
            "cannot be made here",
        ),
    ],
)
@pytest.mark.usefixtures("outside")
def test_a_bad_link_is_400_and_does_nothing(
    cloud: Cloud, line: str, named: str
) -> None:
    answer = cloud.send("POST", "/compute/", compute(line))
    assert answer.status == 400
    assert named in answer.text
    changing = [r for r in cloud.nova.requests + cloud.neutron.requests if r[2]]
    assert changing == []


def test_neutron_down_is_503_for_what_needs_it(cloud: Cloud) -> None:
    cloud.neutron.down = ("",)
    answer = cloud.send("POST", "/compute/", compute(link("/network/PUBLIC")))
    assert answer.status == 503
    assert "network service" in answer.text
    assert cloud.nova.requests == []
    body = compute(link(f"/network/{ONE}"))
    assert cloud.send("POST", "/compute/", body).status == 201
