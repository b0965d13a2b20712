# SPDX-License-Identifier: Apache-2.0
"""Neutron's networks and subnets to OCCI and back. Pure.

Owns: what a network shows of its subnets, and what a request for a network,
or for a change of one, means in Neutron's words. Must never: ask a service or
know HTTP. Read first: network, then plan and changes.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ooi_ext import kinds_network
from ooi_ext.check import Wish
from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import Attributes, Link, Resource, Value
from ooi_ext.translate_address import Json, Url, age, ip_address, state
from ooi_ext.translate_network import line, network_url

# A network of this name stands for all that are external: old clients ask for
# a public address by a link to it.
PUBLIC = "PUBLIC"

# The description of a router that was made with a network, and goes with it.
_MADE_WITH = "occi:network:"

# Neutron's tags of a network are many; one of this form is the label.
_LABEL = "occi.network.label="

# 802.1q has 12 bits for it (GFD.224 section 3.2).
_VLANS = range(4096)

# Neutron makes and removes these ports itself, they use no network.
_NEUTRONS_OWN = ("network:dhcp", "network:distributed")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Range = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What Neutron must be asked for: values of a network and of its subnet.

    `subnet` is empty where none is wanted; `label` is None where it stays.
    """

    network: dict[str, Any] = field(default_factory=dict)
    subnet: dict[str, Any] = field(default_factory=dict)
    label: str | None = None


def network(
    network: Json, subnets: Iterable[Json], *, url: Url, project_id: str
) -> Resource:
    """Return the network resource for a network of Neutron's.

    Of several subnets it shows the oldest, one of IPv4 before one of IPv6. A
    network of another project has no actions.
    """
    subnet = subnet_of(network, subnets)
    status = network.get("status")
    now = "inactive" if not network.get("admin_state_up", True) else state(network)
    switch = kinds_network.DOWN if now == "active" else kinds_network.UP
    place = network_url(network["id"], url=url)
    vlan = network.get("provider:network_type") == "vlan"
    attributes: tuple[tuple[str, Value | None], ...] = (
        ("occi.core.id", network["id"]),
        ("occi.core.title", network.get("name")),
        ("occi.core.summary", network.get("description")),
        (
            "occi.network.vlan",
            network.get("provider:segmentation_id") if vlan else None,
        ),
        ("occi.network.label", label(network)),
        ("occi.network.state", now),
        (
            "occi.network.state.message",
            None if status == "ACTIVE" else f"Neutron says: {status}",
        ),
    )
    mixins = (kinds_network.IP_NETWORK, kinds_network.OS_NETWORK) if subnet else ()
    own = network.get("project_id") == project_id
    return Resource(
        kind=kinds_network.NETWORK,
        mixins=mixins,
        attributes=_given((*attributes, *(_of_subnet(subnet) if subnet else ()))),
        links=(
            (Link(f"{place}?action={switch.term}", (switch.identifier,)),)
            if own
            else ()
        ),
        location=place,
    )


def public_network(*, url: Url) -> Resource:
    """Return the network that stands for all external ones."""
    return Resource(
        kind=kinds_network.NETWORK,
        attributes=(
            ("occi.core.id", PUBLIC),
            ("occi.core.title", PUBLIC),
            (
                "occi.core.summary",
                "Any external network, for public addresses",
            ),
            ("occi.network.state", "active"),
        ),
        location=network_url(PUBLIC, url=url),
    )


def in_order(networks: Iterable[Json]) -> tuple[Json, ...]:
    """Return the networks as a collection shows them, the external ones last.

    IM looks for a public address at the last network of the list.
    """
    return tuple(sorted(networks, key=lambda n: bool(n.get("router:external"))))


def subnet_of(network: Json, subnets: Iterable[Json]) -> Json | None:
    """Return the subnet whose addresses a network shows, if it has one."""
    own = (s for s in subnets if s["network_id"] == network["id"])
    return min(own, key=lambda s: (s["ip_version"], age(s)), default=None)


def label(network: Json) -> str:
    """Return the label of a network, empty if it has none."""
    found = (tag for tag in network.get("tags") or () if tag.startswith(_LABEL))
    return next(found, "").removeprefix(_LABEL)


def tags(network: Json, *, label: str) -> tuple[str, ...]:
    """Return the tags of a network with another label; empty takes it away."""
    others = (t for t in network.get("tags") or () if not t.startswith(_LABEL))
    return (*others, _LABEL + label) if label else tuple(others)


def router_mark(network_id: str) -> str:
    """Return the description of a router that is made with a network."""
    return _MADE_WITH + network_id


def in_use(ports: Iterable[Json], *, routers: Iterable[str]) -> tuple[Json, ...]:
    """Return the ports that keep a network from being deleted.

    `routers` are the ids of those that go with it.
    """
    going = set(routers)
    return tuple(
        port
        for port in ports
        if port.get("device_owner") not in _NEUTRONS_OWN
        and port.get("device_id") not in going
    )


def plan(wish: Wish) -> Plan:
    """Return what Neutron must make of `wish`; raises BadRequest."""
    values: dict[str, Any] = {
        "name": line(wish, "occi.core.title"),
        "description": line(wish, "occi.core.summary"),
    }
    vlan = _vlan(wish)
    if vlan is not None:
        values |= {"provider:network_type": "vlan", "provider:segmentation_id": vlan}
    subnet = _new_subnet(wish)
    if kinds_network.IP_NETWORK in wish.mixins and not subnet:
        raise BadRequest(
            'The attribute "occi.network.address" is missing: nobody here can choose '
            "the addresses of a network.",
            mend='Give it as "192.168.1.0/24", or leave the mixin ipnetwork out.',
        )
    return Plan(network=values, subnet=subnet, label=_label(wish))


def changes(wish: Wish, before: Json, subnet: Json | None, *, whole: bool) -> Plan:
    """Return what Neutron must change in the network `before` and its subnet.

    In a `whole` update title, summary and label that are not named are taken
    away. Addresses stay until another value is given: a network without them
    would cut off its machines. Where `subnet` is None and there is an address,
    the plan's subnet is to be made. Raises BadRequest for what cannot be.
    """
    values: dict[str, Any] = {
        name: line(wish, attribute)
        for name, attribute in (
            ("name", "occi.core.title"),
            ("description", "occi.core.summary"),
        )
        if whole or attribute in wish.attributes
    }
    vlan = _vlan(wish)
    if vlan is not None and vlan != before.get("provider:segmentation_id"):
        values["provider:segmentation_id"] = vlan
    wanted = _label(wish)
    if whole and wanted is None:
        wanted = ""
    return Plan(
        network=values,
        subnet=_new_subnet(wish) if subnet is None else _changed(wish, subnet),
        label=None if wanted == label(before) else wanted,
    )


def _of_subnet(subnet: Json) -> tuple[tuple[str, Value | None], ...]:
    return (
        ("occi.network.address", subnet["cidr"]),
        ("occi.network.gateway", subnet.get("gateway_ip")),
        (
            "occi.network.allocation",
            "dynamic" if subnet.get("enable_dhcp") else "static",
        ),
        ("org.openstack.network.ip_version", subnet["ip_version"]),
    )


def _given(attributes: Iterable[tuple[str, Value | None]]) -> Attributes:
    return tuple((k, v) for k, v in attributes if v is not None and v != "")


def _vlan(wish: Wish) -> int | None:
    if "occi.network.vlan" not in wish.attributes:
        return None
    found = wish.number("occi.network.vlan")
    if found not in _VLANS:
        raise BadRequest(f"occi.network.vlan={found} is not one of 0 to 4095.")
    return int(found)


def _label(wish: Wish) -> str | None:
    if "occi.network.label" not in wish.attributes:
        return None
    found = line(wish, "occi.network.label")
    # A comma parts the tags in Neutron's own queries, a slash its paths.
    if set(found) & set(",/"):
        raise BadRequest(f"occi.network.label={shown(found)} has a comma or a slash.")
    return found


def _new_subnet(wish: Wish) -> dict[str, Any]:
    text = wish.text("occi.network.address")
    if not text:
        for name in (
            "occi.network.gateway",
            "occi.network.allocation",
            "org.openstack.network.ip_version",
        ):
            if name in wish.attributes:
                raise BadRequest(
                    f"The attribute {shown(name)} is nothing without addresses.",
                    mend="Give occi.network.address with it.",
                )
        return {}
    own = _range(text)
    dynamic = wish.text("occi.network.allocation") != "static"
    values: dict[str, Any] = {
        "cidr": str(own),
        "ip_version": _version(wish, own),
        "enable_dhcp": dynamic,
    }
    if own.version == 6 and dynamic:
        values |= dict.fromkeys(
            ("ipv6_ra_mode", "ipv6_address_mode"), "dhcpv6-stateful"
        )
    gateway = _gateway(wish, own)
    return {**values, "gateway_ip": str(gateway)} if gateway else values


def _changed(wish: Wish, subnet: Json) -> dict[str, Any]:
    own = _range(subnet["cidr"])
    text = wish.text("occi.network.address")
    if text and _range(text) != own:
        raise BadRequest(
            f"The addresses of the network are {own} and cannot become {shown(text)}.",
            mend="Make another network.",
        )
    _version(wish, own)
    values: dict[str, Any] = {}
    gateway = _gateway(wish, own)
    if gateway and str(gateway) != subnet.get("gateway_ip"):
        values["gateway_ip"] = str(gateway)
    allocation = wish.text("occi.network.allocation")
    if allocation and (allocation == "dynamic") != bool(subnet.get("enable_dhcp")):
        values["enable_dhcp"] = allocation == "dynamic"
    return values


def _range(text: str) -> Range:
    try:
        if "/" not in text:
            raise ValueError("no prefix")
        # The standard's own example has host bits: 192.168.0.1/24.
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise BadRequest(
            f"occi.network.address={shown(text)} is no range of addresses.",
            mend='Write it as "192.168.1.0/24" or "fc00:1::/64".',
        ) from error


def _version(wish: Wish, own: Range) -> int:
    wanted = wish.number("org.openstack.network.ip_version")
    if wanted not in (0, own.version):
        raise BadRequest(
            f"org.openstack.network.ip_version={wanted}, but {own} is of IPv"
            f"{own.version}."
        )
    return own.version


def _gateway(wish: Wish, own: Range) -> Address | None:
    text = wish.text("occi.network.gateway")
    if not text:
        return None
    # Clients may write it as the standard has it, with the prefix.
    found = ip_address(text.partition("/")[0])
    if found.version != own.version or found not in own:
        raise BadRequest(f"occi.network.gateway={shown(text)} is not in {own}.")
    return found
