# SPDX-License-Identifier: Apache-2.0
"""Neutron's ports and floating IPs to OCCI and back. Pure.

Owns: which interface of a machine a port or a floating IP is, the links that
a machine shows, and what a request for an interface asks for. Must never: ask
a service or know HTTP. Read first: compute_links, then interfaces.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ooi_ext import check, kinds, kinds_network
from ooi_ext.check import Wish
from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import (
    End,
    Link,
    LinkEntity,
    Mixin,
    Resource,
    Value,
    message_of,
)
from ooi_ext.translate_address import (
    Json,
    Url,
    address,
    age,
    ip_address,
    is_of_machine,
    pools,
    state,
)


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Interface:
    """A port of a machine, or a floating IP that leads to one.

    `id` is that of the port or of the floating IP; `name` is ethN, N counting
    the machine's ports from the oldest. A floating IP has the name and the
    hardware address of the port behind it.
    """

    id: str
    server_id: str
    network_id: str
    name: str
    mac: str
    state: str
    address: str = ""
    title: str = ""
    pool: Mixin | None = None

    @property
    def mixins(self) -> tuple[Mixin, ...]:
        """The mixins of the interface: IP, and the pool of a floating IP."""
        ip = (kinds_network.IP_NETWORK_INTERFACE,) if self.address else ()
        return (*ip, self.pool) if self.pool else ip


@dataclass(frozen=True, kw_only=True)
class InterfaceWish:
    """What a request for an interface asks for, every part well formed.

    `target` is the id of a network or of an IP reservation, or the name of an
    external network; `pool` is the term of a pool's mixin, and may be empty.
    """

    server_id: str
    target: str
    reserved: bool
    pool: str = ""
    address: str = ""

    @property
    def target_id(self) -> str:
        """The target if it is an id, else empty."""
        return self.target if _UUID.fullmatch(self.target) else ""


def compute_links(
    ports: Iterable[Json],
    floating_ips: Iterable[Json],
    networks: Iterable[Json] = (),
    *,
    url: Url,
) -> tuple[Link, ...]:
    """Return the links to networks that the machine of `ports` shows.

    `networks` may be left out: the external ones among them only add the
    mixin of the pool to the category of a floating IP.
    """
    return tuple(
        Link(
            target=network_url(interface.network_id, url=url),
            rel=(kinds_network.NETWORK.identifier,),
            self=interface_url(interface.id, url=url),
            category=tuple(
                c.identifier
                for c in (kinds_network.NETWORK_INTERFACE, *interface.mixins)
            ),
            attributes=(
                ("occi.core.id", interface.id),
                ("occi.core.source", compute_url(interface.server_id, url=url)),
                ("occi.core.target", network_url(interface.network_id, url=url)),
                *_attributes(interface),
            ),
        )
        for interface in interfaces(ports, floating_ips, networks)
    )


def interfaces(
    ports: Iterable[Json],
    floating_ips: Iterable[Json],
    networks: Iterable[Json] = (),
) -> tuple[Interface, ...]:
    """Return the interfaces of all machines that `ports` belong to.

    Those of one machine stand together: its ports, each followed by the
    floating IPs that lead to it. Ports of anything but a machine are left out.
    """
    mixins = pools(networks)
    found = []
    for number, port, leading in _by_machine(ports, floating_ips):
        interface = Interface(
            id=port["id"],
            server_id=port["device_id"],
            network_id=port["network_id"],
            name=f"eth{number}",
            mac=port["mac_address"],
            state=state(port),
            address=address(port),
            title=port.get("name") or "",
        )
        found.append(interface)
        found += [_floating(f, mixins, behind=interface) for f in leading]
    return tuple(found)


def interface_ids(
    ports: Iterable[Json], floating_ips: Iterable[Json]
) -> tuple[str, ...]:
    """Return the ids of interfaces() in its order.

    Enough to know of ports are id, device_id, device_owner and created_at, of
    floating IPs id and port_id.
    """
    return tuple(
        item["id"]
        for _, port, leading in _by_machine(ports, floating_ips)
        for item in (port, *leading)
    )


def link_entity(interface: Interface, *, url: Url, gateway: str = "") -> LinkEntity:
    """Return the network interface as an entity of its own."""
    title = (("occi.core.title", interface.title),) if interface.title else ()
    shown = (("occi.networkinterface.gateway", gateway),) if gateway else ()
    return LinkEntity(
        kind=kinds_network.NETWORK_INTERFACE,
        mixins=interface.mixins,
        source=End(compute_url(interface.server_id, url=url), kinds.COMPUTE.identifier),
        target=End(
            network_url(interface.network_id, url=url),
            kinds_network.NETWORK.identifier,
        ),
        attributes=(
            ("occi.core.id", interface.id),
            *title,
            *_attributes(interface),
            *shown,
        ),
    )


def gateway(port: Json, subnets: Iterable[Json]) -> str:
    """Return the gateway of the subnet that the address of a port is in."""
    own = address(port)
    ids = [
        f["subnet_id"] for f in port.get("fixed_ips") or () if f["ip_address"] == own
    ]
    found = (s.get("gateway_ip") or "" for s in subnets if s["id"] in ids)
    return next(found, "")


def interface_wish(wish: Wish) -> InterfaceWish:
    """Return what a request for a network interface asks for.

    Raises BadRequest for what Nova and Neutron cannot be asked.
    """
    for name, why in (
        ("occi.networkinterface.mac", "Neutron chooses it"),
        ("occi.networkinterface.gateway", "it is the network's"),
    ):
        if name in wish.attributes:
            raise BadRequest(f"The attribute {shown(name)} cannot be set: {why}.")
    if wish.text("occi.networkinterface.allocation") == "static":
        raise BadRequest(
            'occi.networkinterface.allocation="static" cannot be had.',
            mend="An address of choice: occi.networkinterface.address.",
        )
    target = wish.text("occi.core.target")
    kind = kinds_network.NETWORK
    if f"/{target.rpartition('/')[0].rpartition('/')[2]}/" == (
        kinds_network.IP_RESERVATION.location
    ):
        kind = kinds_network.IP_RESERVATION
    address = wish.text("occi.networkinterface.address")
    return InterfaceWish(
        server_id=machine_id(wish),
        target=check.place(target, kind=kind),
        reserved=kind is kinds_network.IP_RESERVATION,
        pool=wish.term(kinds_network.FLOATING_IP_POOL),
        address=str(ip_address(address)) if address else "",
    )


def machine_id(wish: Wish) -> str:
    """Return the id of the machine at the source of a link; raises BadRequest."""
    source = wish.text("occi.core.source")
    found = check.place(source, kind=kinds.COMPUTE)
    if not _UUID.fullmatch(found):
        raise BadRequest(f"There is no compute {shown(source)}.")
    return found


def changes(
    wish: Wish, entity: Resource | LinkEntity, *, settable: tuple[str, ...]
) -> dict[str, Value]:
    """Return what `wish` sets of the attributes in `settable`.

    Others may be repeated as they are. Raises BadRequest for another value.
    """
    present = dict(message_of(entity).attributes)
    found: dict[str, Value] = {}
    for name, value in wish.attributes.items():
        if name in settable:
            found[name] = line(wish, name) if isinstance(value, str) else value
        elif not _repeats(present.get(name), value):
            raise BadRequest(
                f"The attribute {shown(name)} of a {wish.kind.term} cannot be changed.",
                mend="Leave it out.",
            )
    return found


def line(wish: Wish, name: str) -> str:
    """Return a text of one line; raises BadRequest for what Neutron cannot keep."""
    value = wish.text(name)
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
        raise BadRequest(
            f"The attribute {shown(name)} holds a line break or another control "
            f"character: {shown(value)}."
        )
    # Its tables have three bytes for a character; of a fourth it fails.
    if max(value, default="") > "\uffff":
        raise BadRequest(
            f"The attribute {shown(name)} holds {shown(max(value))}, for which Neutron "
            "has no room."
        )
    return value


def compute_url(server_id: str, *, url: Url) -> str:
    """Return the URL of a machine."""
    return url(f"{kinds.COMPUTE.location}{server_id}")


def network_url(network_id: str, *, url: Url) -> str:
    """Return the URL of a network."""
    return url(f"{kinds_network.NETWORK.location}{network_id}")


def interface_url(interface_id: str, *, url: Url) -> str:
    """Return the URL of a network interface."""
    return url(f"{kinds_network.NETWORK_INTERFACE.location}{interface_id}")


def _repeats(present: Value | None, given: Value) -> bool:
    if isinstance(present, str) and isinstance(given, str) and given[:1] == "/":
        # A URI may be written from the host or from the endpoint.
        return present.endswith(given)
    return present == given


def _by_machine(
    ports: Iterable[Json], floating_ips: Iterable[Json]
) -> Iterator[tuple[int, Json, list[Json]]]:
    """Yield the ports of machines: which of the machine's, and what leads to it."""
    leading = defaultdict(list)
    for floating_ip in floating_ips:
        leading[floating_ip.get("port_id")].append(floating_ip)
    machines = defaultdict(list)
    for port in ports:
        if is_of_machine(port):
            machines[port["device_id"]].append(port)
    for own in machines.values():
        for number, port in enumerate(sorted(own, key=age)):
            yield number, port, leading[port["id"]]


def _floating(
    floating_ip: Json, mixins: Mapping[str, Mixin], *, behind: Interface
) -> Interface:
    return Interface(
        id=floating_ip["id"],
        server_id=behind.server_id,
        network_id=floating_ip["floating_network_id"],
        name=behind.name,
        mac=behind.mac,
        state=state(floating_ip),
        address=floating_ip["floating_ip_address"],
        pool=mixins.get(floating_ip["floating_network_id"]),
    )


def _attributes(interface: Interface) -> tuple[tuple[str, str], ...]:
    # IM reads the digit of the name, and an address in every link to a network.
    own = (
        ("occi.networkinterface.interface", interface.name),
        ("occi.networkinterface.mac", interface.mac),
        ("occi.networkinterface.state", interface.state),
    )
    if not interface.address:
        return own
    return (
        *own,
        ("occi.networkinterface.address", interface.address),
        # Neutron chose the address, or took the one asked for; the machine
        # learns it by DHCP or from its metadata either way.
        ("occi.networkinterface.allocation", "dynamic"),
    )
