# SPDX-License-Identifier: Apache-2.0
"""Public addresses over Neutron's floating IPs: kept, led to a machine, released.

Owns: IP reservations, and the life of a floating IP behind a link: what was
allocated for a link goes with it, what its user had reserved stays reserved.
Must never: build or read a text of OCCI. Read first: ROUTES, then lead.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ooi_ext import check, translate_address
from ooi_ext.errors import BadRequest, UpstreamError, shown
from ooi_ext.handlers import listing
from ooi_ext.handlers.call import Answer, Call, Handler, Routes, entity_id
from ooi_ext.handlers.network import completed, neutron_of, refuse_links
from ooi_ext.kinds_network import FLOATING_IP_POOL, IP_RESERVATION
from ooi_ext.model import Collection, Resource
from ooi_ext.neutron import Neutron
from ooi_ext.translate_network import changes, line

Json = Mapping[str, Any]

# The ports that a floating IP can lead to, and their addresses.
Ends = tuple[tuple[str, str], ...]

_SETTABLE = ("occi.core.title",)


def list_reservations(call: Call) -> Answer:
    """Answer with the project's floating IPs, used or not."""
    neutron = neutron_of(call)

    def locations() -> tuple[str, ...]:
        return tuple(_url(call, f["id"]) for f in neutron.floating_ips("id"))

    def entities() -> tuple[Resource, ...]:
        found = neutron.floating_ips()
        networks = neutron.external_networks() if found else ()
        return tuple(_resource(call, f, networks) for f in found)

    return listing.answer(call, entities, locations)


def show_reservation(call: Call) -> Answer:
    """Answer with one floating IP."""
    return Answer(body=_shown(call, _own(call)))


def create_reservation(call: Call) -> Answer:
    """Allocate a floating IP that stays until it is deleted."""
    if call.action():
        raise _no_actions(call)
    wish = check.entity(call.message(), kind=IP_RESERVATION)
    refuse_links(wish)
    values: dict[str, Any] = {"description": line(wish, "occi.core.title")}
    if translate_address.is_allocated(values):
        raise BadRequest("That title is what this service marks its own addresses by.")
    if address := wish.text("occi.ipreservation.address"):
        values["floating_ip_address"] = str(translate_address.ip_address(address))
    for name in wish.attributes:
        # A reservation is a kind of network, and yet has no addresses to give.
        if name.startswith("occi.network.") or name == "occi.core.summary":
            raise BadRequest(f"An IP reservation cannot have {shown(name)}.")
    neutron = neutron_of(call)
    pool = pool_of(neutron.external_networks(), wish.term(FLOATING_IP_POOL))
    made = neutron.create("floatingip", floating_network_id=pool["id"], **values)
    url = _url(call, made["id"])
    return Answer(status=201, location=url, body=Collection((url,)))


def change_reservation(call: Call) -> Answer:
    """Change the title of a floating IP."""
    if call.action():
        raise _no_actions(call)
    return _update(call, whole=False)


def replace_reservation(call: Call) -> Answer:
    """Change a floating IP to what the request says, all of it."""
    return _update(call, whole=True)


def delete_reservation(call: Call) -> Answer:
    """Release a floating IP, used or not."""
    neutron_of(call).delete("floatingip", _own(call)["id"])
    return Answer()


def delete_all_reservations(call: Call) -> Answer:
    """Release all floating IPs of the project."""
    neutron = neutron_of(call)
    for floating_ip in neutron.floating_ips("id"):
        neutron.delete("floatingip", floating_ip["id"])
    return Answer()


def pool_of(networks: tuple[Json, ...], name: str) -> Json:
    """Return the external network of the pool `name`, or the default one's.

    Raises BadRequest, in the words that sscmon waits for.
    """
    found = (
        translate_address.pool_named(networks, name)
        if name
        else translate_address.default_pool(networks)
    )
    if found is None:
        raise BadRequest(
            f"Floating IP pool not found: {shown(name) if name else 'there is none'}.",
            mend="GET /-/ lists the mixins with floatingippool in rel.",
        )
    return found


def lead(
    neutron: Neutron, server_id: str, *, pool: Json, network_id: str, address: str
) -> str:
    """Return the id of a floating IP of `pool` that now leads to a machine.

    A new one is allocated; if the pool or the quota has no more, or `address`
    asks for it, one that the project has and does not use. `network_id` names
    the machine's port that it leads to, if it is not the oldest.
    """
    own = neutron.floating_ips()
    ends = _ends(neutron, server_id, own, pool_id=pool["id"], network_id=network_id)
    spare = translate_address.spare(own, pool_id=pool["id"], own=address)
    if address:
        if spare is None:
            raise BadRequest(
                f"The address {address} is not one of the project's that is free.",
                mend="Leave it out, or reserve it: POST /ipreservation/.",
            )
        return _take(neutron, server_id, spare, ends)

    def allocate(port_id: str, end: str) -> Json:
        return neutron.allocate(
            pool["id"], port_id=port_id, address=end, server_id=server_id
        )

    try:
        return _first(ends, allocate)
    except UpstreamError as error:
        if error.status != 409:
            raise
        if spare is None:
            # The words that sscmon waits for.
            error.what = f"No more floating ips in pool: {error.what}"
            raise
    return _take(neutron, server_id, spare, ends)


def lead_reserved(neutron: Neutron, server_id: str, reservation_id: str) -> str:
    """Return the id of a reserved floating IP, which now leads to a machine."""
    floating_ip = neutron.own("floatingip", reservation_id)
    if floating_ip.get("port_id"):
        raise UpstreamError(
            f"The IP reservation {reservation_id} is in use.",
            service="network",
            status=409,
            mend="Delete the link to it first.",
        )
    pool_id = floating_ip["floating_network_id"]
    ends = _ends(neutron, server_id, neutron.floating_ips(), pool_id=pool_id)
    return _take(neutron, server_id, floating_ip, ends)


def part(neutron: Neutron, floating_ip: Json) -> None:
    """Lead a floating IP nowhere; release it if it was allocated for its link."""
    if translate_address.is_allocated(floating_ip):
        neutron.delete("floatingip", floating_ip["id"])
    else:
        neutron.update("floatingip", floating_ip["id"], port_id=None)


def _ends(
    neutron: Neutron,
    server_id: str,
    floating_ips: tuple[Json, ...],
    *,
    pool_id: str,
    network_id: str = "",
) -> Ends:
    found = translate_address.ends(
        neutron.ports_of(server_id),
        floating_ips,
        pool_id=pool_id,
        network_id=network_id,
    )
    if not found:
        raise UpstreamError(
            f"The compute {server_id} has no IPv4 address yet that a public one could "
            "lead to.",
            service="network",
            status=409,
            mend="Link it to a network first, or wait until it is built.",
        )
    return found


def _take(neutron: Neutron, server_id: str, floating_ip: Json, ends: Ends) -> str:
    # What was allocated for a machine that is gone goes with this one; what its
    # user keeps stays the user's.
    mark = translate_address.allocation_mark(server_id)
    marked = (
        {"description": mark} if translate_address.is_allocated(floating_ip) else {}
    )

    def update(port_id: str, address: str) -> Json:
        return neutron.update(
            "floatingip",
            floating_ip["id"],
            port_id=port_id,
            fixed_ip_address=address,
            **marked,
        )

    return _first(ends, update)


def _first(ends: Ends, lead_to: Callable[[str, str], Json]) -> str:
    """Return the id of the floating IP that now leads to one of `ends`.

    Neutron answers 404 for a port that no router connects with the pool.
    """
    for port_id, address in ends:
        try:
            return str(lead_to(port_id, address)["id"])
        except UpstreamError as error:
            if error.status != 404:
                raise
            last = error
    # The client named neither port nor router: it is no 404 of its own.
    last.status = 400
    raise last


def _own(call: Call) -> Json:
    return neutron_of(call).own("floatingip", entity_id(call, "ipreservation"))


def _url(call: Call, floating_ip_id: str) -> str:
    return call.url(f"{IP_RESERVATION.location}{floating_ip_id}")


def _resource(call: Call, floating_ip: Json, networks: tuple[Json, ...]) -> Resource:
    return translate_address.ip_reservation(floating_ip, networks, url=call.url)


def _shown(call: Call, floating_ip: Json) -> Resource:
    return _resource(call, floating_ip, neutron_of(call).external_networks())


def _no_actions(call: Call) -> BadRequest:
    return BadRequest(f"An IP reservation has no action {shown(call.action())}.")


def _update(call: Call, *, whole: bool) -> Answer:
    floating_ip = _own(call)
    present = _shown(call, floating_ip)
    wish = check.update(
        completed(call.message(), present), kind=IP_RESERVATION, whole=whole
    )
    set_now = changes(wish, present, settable=_SETTABLE)
    title = set_now.get("occi.core.title", "" if whole else None)
    shown_now = dict(present.attributes)["occi.core.title"]
    if title is None or title == shown_now:
        return Answer(body=present)
    after = neutron_of(call).update(
        "floatingip", floating_ip["id"], description=str(title)
    )
    return Answer(body=_shown(call, after))


ROUTES: Routes = {
    "/ipreservation": {
        "GET": Handler(list_reservations, listing=True),
        "POST": Handler(create_reservation, listing=True),
        "DELETE": Handler(delete_all_reservations, listing=True),
    },
    "/ipreservation/{id}": {
        "GET": Handler(show_reservation),
        "POST": Handler(change_reservation),
        "PUT": Handler(replace_reservation),
        "DELETE": Handler(delete_reservation, listing=True),
    },
}
