# SPDX-License-Identifier: Apache-2.0
"""Addresses: of ports, of floating IPs, and the pools these come from. Pure.

Owns: which external network a pool's mixin means, which port a floating IP
can lead to, and which floating IPs go with the link they were allocated for.
Must never: ask a service or know HTTP. Read first: pools, then spare.
"""

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ooi_ext import kinds_network
from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import Mixin, Resource
from ooi_ext.translate import term_of

Json = Mapping[str, Any]
# Returns the full URL of a location that begins with a slash.
Url = Callable[[str], str]

# The description of a floating IP that was allocated for a link to a machine,
# and goes with it. Neutron finds by it; tags would cost a second request.
_ALLOCATED_FOR = "occi:compute:"

# GFD.224 knows three states. Neutron's BUILD and DOWN both carry no traffic.
_STATES = {"ACTIVE": "active", "ERROR": "error"}


def pools(networks: Iterable[Json]) -> dict[str, Mixin]:
    """Return the mixin of the floating IP pool of each external network, by id.

    The term is the network's name, as clients expect; two networks of one
    name have their ids for terms.
    """
    external = [n for n in networks if n.get("router:external")]
    terms = {n["id"]: term_of(n["name"]) if n.get("name") else "" for n in external}
    count = Counter(terms.values())
    return {
        network_id: pool_mixin(term if term and count[term] == 1 else network_id)
        for network_id, term in terms.items()
    }


def pool_mixin(term: str) -> Mixin:
    """Return the mixin of one floating IP pool."""
    return Mixin(
        scheme=kinds_network.FLOATING_IP_POOLS,
        term=term,
        # sscmon takes the title for the term.
        title=term,
        depends=(kinds_network.FLOATING_IP_POOL.identifier,),
        applies=kinds_network.FLOATING_IP_POOL.applies,
        location=f"{kinds_network.FLOATING_IP_POOL.location}{term}/",
    )


def pool_named(networks: Iterable[Json], name: str) -> Json | None:
    """Return the external network of a pool: by term, by name or by id."""
    external = [n for n in networks if n.get("router:external")]
    terms = pools(external)
    for network in external:
        if name in (terms[network["id"]].term, network["id"]):
            return network
    return next((n for n in external if n.get("name") == name), None)


def default_pool(networks: Iterable[Json]) -> Json | None:
    """Return the external network to use where none is named."""
    external = [n for n in networks if n.get("router:external")]
    # An operator can say which one is the default; else it is always the same.
    return min(
        external,
        key=lambda n: (not n.get("is_default"), n.get("name") or "", n["id"]),
        default=None,
    )


def ends(
    ports: Iterable[Json],
    floating_ips: Iterable[Json],
    *,
    pool_id: str,
    network_id: str = "",
) -> tuple[tuple[str, str], ...]:
    """Return the ports, and their addresses, that a floating IP can lead to.

    Those that none of the pool leads to yet, those of the network first.
    """
    taken = {
        f.get("port_id") for f in floating_ips if f["floating_network_id"] == pool_id
    }
    free = [p for p in ports if is_of_machine(p) and p["id"] not in taken]
    free.sort(key=lambda port: (port["network_id"] != network_id, age(port)))
    found = ((port["id"], address(port)) for port in free)
    # Floating IPs are of IPv4 alone.
    return tuple((port_id, own) for port_id, own in found if own and ":" not in own)


def spare(floating_ips: Iterable[Json], *, pool_id: str, own: str = "") -> Json | None:
    """Return a floating IP of the pool that leads nowhere, if there is one.

    One that had been allocated for a machine, now gone, comes before one that
    its user keeps; `own` is the address that it must have.
    """
    free = [
        f
        for f in floating_ips
        if not f.get("port_id")
        and f["floating_network_id"] == pool_id
        and own in ("", f["floating_ip_address"])
    ]
    return min(free, key=lambda f: (not is_allocated(f), age(f)), default=None)


def allocation_mark(server_id: str) -> str:
    """Return the description of a floating IP that goes with a machine's link."""
    return _ALLOCATED_FOR + server_id


def is_allocated(floating_ip: Json) -> bool:
    """Return whether a floating IP was allocated for a link, and goes with it."""
    return str(floating_ip.get("description") or "").startswith(_ALLOCATED_FOR)


def ip_reservation(
    floating_ip: Json, networks: Iterable[Json] = (), *, url: Url
) -> Resource:
    """Return the IP reservation for a floating IP, with its pool if known."""
    pool = pools(networks).get(floating_ip["floating_network_id"])
    own = floating_ip["floating_ip_address"]
    # Reserved it is, whether Neutron has somewhere to lead it or not.
    now = "error" if state(floating_ip) == "error" else "active"
    said = "" if is_allocated(floating_ip) else floating_ip.get("description")
    return Resource(
        kind=kinds_network.IP_RESERVATION,
        mixins=(pool,) if pool else (),
        attributes=(
            ("occi.core.id", floating_ip["id"]),
            ("occi.core.title", said or own),
            ("occi.network.state", now),
            ("occi.ipreservation.address", own),
            ("occi.ipreservation.used", bool(floating_ip.get("port_id"))),
            ("occi.ipreservation.state", now),
        ),
        location=url(f"{kinds_network.IP_RESERVATION.location}{floating_ip['id']}"),
    )


def is_of_machine(port: Json) -> bool:
    """Return whether a port belongs to a machine of Nova's."""
    owner = port.get("device_owner") or ""
    return owner.startswith("compute:") and bool(port.get("device_id"))


def address(port: Json) -> str:
    """Return the address of a port, IPv4 before IPv6; empty if it has none."""
    found = [fixed["ip_address"] for fixed in port.get("fixed_ips") or ()]
    return str(min(found, key=lambda ip: ":" in ip, default=""))


def age(item: Json) -> tuple[str, str]:
    """Return what sorts the oldest first; the id decides within a second."""
    return (item.get("created_at") or "", item["id"])


def state(item: Json) -> str:
    """Return the OCCI state of a port, a floating IP or a network."""
    return _STATES.get(item.get("status") or "", "inactive")


def ip_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address that `text` is; raises BadRequest if it is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise BadRequest(f"{shown(text)} is no IP address.") from error
