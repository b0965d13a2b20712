# SPDX-License-Identifier: Apache-2.0
"""Network interfaces: ports that Nova attaches, floating IPs that lead to them.

Owns: list, show, attach, change and detach, and which of Nova and Neutron is
asked. Must never: build or read a text of OCCI. Read first: ROUTES, then
create_interface.
"""

from collections.abc import Mapping
from typing import Any

from oslo_log import log as logging

from ooi_ext import check, translate_address, translate_network
from ooi_ext.errors import BadRequest, NotFound, NotSupported, UpstreamError, shown
from ooi_ext.handlers import addresses, listing, machines
from ooi_ext.handlers.call import Answer, Call, Handler, Routes, entity_id
from ooi_ext.handlers.network import (
    completed,
    neutron_of,
    pool_networks,
    refuse_links,
)
from ooi_ext.kinds_network import NETWORK_INTERFACE
from ooi_ext.model import Collection, LinkEntity
from ooi_ext.neutron import Neutron
from ooi_ext.translate_ipnetwork import PUBLIC
from ooi_ext.translate_network import InterfaceWish, interface_url

LOG = logging.getLogger(__name__)

Json = Mapping[str, Any]


def list_interfaces(call: Call) -> Answer:
    """Answer with the interfaces of all machines that Nova shows the user."""
    neutron = neutron_of(call)

    def locations() -> tuple[str, ...]:
        fields = ("id", "device_id", "device_owner", "created_at")
        ports = machines.of_user(call, neutron.ports(*fields))
        floating_ips = neutron.floating_ips("id", "port_id") if ports else ()
        found = translate_network.interface_ids(ports, floating_ips)
        return tuple(interface_url(i, url=call.url) for i in found)

    def entities() -> tuple[LinkEntity, ...]:
        ports = machines.of_user(call, neutron.ports())
        floating_ips = neutron.floating_ips() if ports else ()
        used = any(f.get("port_id") for f in floating_ips)
        networks = pool_networks(call) if used else ()
        found = translate_network.interfaces(ports, floating_ips, networks)
        return tuple(translate_network.link_entity(i, url=call.url) for i in found)

    return listing.answer(call, entities, locations)


def show_interface(call: Call) -> Answer:
    """Answer with one interface."""
    return Answer(body=_shown(call, *_found(call)))


def create_interface(call: Call) -> Answer:
    """Link a machine to a network, and answer with the link's URL.

    To an external network, a pool or a reservation this leads a floating IP
    to the machine; to any other it attaches a port.
    """
    if call.action():
        raise _no_actions(call)
    wish = check.entity(call.message(), kind=NETWORK_INTERFACE)
    refuse_links(wish)
    wanted = translate_network.interface_wish(wish)
    title = translate_network.line(wish, "occi.core.title")
    try:
        check_machine(call, wanted.server_id)
        made = _make(call, wanted, title)
    except UpstreamError as error:
        # What is not there is named in the body, not in the path.
        error.status = 400 if error.status == 404 else error.status
        raise
    url = interface_url(made, url=call.url)
    return Answer(status=201, location=url, body=Collection((url,)))


def change_interface(call: Call) -> Answer:
    """Change the title of an interface."""
    if call.action():
        raise _no_actions(call)
    return _update(call, whole=False)


def replace_interface(call: Call) -> Answer:
    """Change an interface to what the request says, all of it."""
    return _update(call, whole=True)


def delete_interface(call: Call) -> Answer:
    """Detach a port, or lead a floating IP away."""
    port, floating_ip = _found(call)
    neutron = neutron_of(call)
    if floating_ip:
        addresses.part(neutron, floating_ip)
    else:
        leading = neutron.floating_ips(port_id=port["id"])
        _detach(call, neutron, port, leading)
    return Answer()


def delete_all_interfaces(call: Call) -> Answer:
    """Detach all ports of the user's machines, with what leads to them."""
    neutron = neutron_of(call)
    ports = machines.of_user(call, neutron.ports())
    floating_ips = neutron.floating_ips() if ports else ()
    for port in ports:
        leading = tuple(f for f in floating_ips if f.get("port_id") == port["id"])
        _detach(call, neutron, port, leading)
    return Answer()


def check_machine(call: Call, server_id: str) -> None:
    """Raise UpstreamError (404) unless a machine of the project has this id.

    Nova shows an administrator the machines of all projects.
    """
    server = call.nova.server(server_id)
    if server.get("tenant_id") != neutron_of(call).project_id:
        raise UpstreamError(
            f"The compute service refused: Instance {server_id} could not be found.",
            service="compute",
            status=404,
        )


def _make(call: Call, wanted: InterfaceWish, title: str) -> str:
    neutron = neutron_of(call)
    if wanted.reserved:
        _refuse_title(title)
        if not wanted.target_id:
            raise BadRequest(f"There is no ipreservation {shown(wanted.target)}.")
        return addresses.lead_reserved(neutron, wanted.server_id, wanted.target_id)
    inside, pool = _ways(neutron, wanted)
    if pool is None:
        return _attach(call, wanted, inside, title)
    _refuse_title(title)
    return addresses.lead(
        neutron,
        wanted.server_id,
        pool=pool,
        network_id=inside,
        address=wanted.address,
    )


def _refuse_title(title: str) -> None:
    # A floating IP is described by what it was allocated for.
    if title:
        raise BadRequest("The link of a public address has no title: leave it out.")


def _ways(neutron: Neutron, wanted: InterfaceWish) -> tuple[str, Json | None]:
    """Return the network inside that is meant, and the pool outside, if any.

    Of a network outside and the mixin of a pool, the mixin is meant: IM takes
    the one from the list of networks, the other by chance from GET /-/.
    """
    inside, name = "", wanted.pool
    if wanted.target_id:
        network = neutron.network(wanted.target_id)
        if network.get("router:external"):
            name = name or network["id"]
        else:
            inside = network["id"]
            if not name:
                return inside, None
    networks = neutron.external_networks()
    if not name:
        named = translate_address.pool_named(networks, wanted.target)
        if named or wanted.target.upper() != PUBLIC:
            name = wanted.target
    return inside, addresses.pool_of(networks, name)


def _attach(call: Call, wanted: InterfaceWish, network_id: str, title: str) -> str:
    attachment: dict[str, Any] = {"net_id": network_id}
    if wanted.address:
        attachment["fixed_ips"] = [{"ip_address": wanted.address}]
    made = call.nova.ask(
        "POST",
        f"/servers/{wanted.server_id}/os-interface",
        {"interfaceAttachment": attachment},
    )
    port_id = str(made["interfaceAttachment"]["port_id"])
    if title:
        try:
            neutron_of(call).update("port", port_id, name=title)
        except UpstreamError as error:
            # The machine has its interface; it is not worth less without a name.
            LOG.error("code=title_left port=%s: %s", port_id, error)
    return port_id


def _detach(
    call: Call, neutron: Neutron, port: Json, leading: tuple[Json, ...]
) -> None:
    # Neutron parts a floating IP from a port that goes, but does not release it.
    call.nova.ask("DELETE", f"/servers/{port['device_id']}/os-interface/{port['id']}")
    for floating_ip in leading:
        if not translate_address.is_allocated(floating_ip):
            continue
        try:
            addresses.part(neutron, floating_ip)
        except UpstreamError as error:
            LOG.error("code=address_left floatingip=%s: %s", floating_ip["id"], error)


def _found(call: Call) -> tuple[Json, Json | None]:
    """Return the port of the path; or the floating IP of the path, and its port."""
    interface_id = entity_id(call, "networkinterface")
    neutron = neutron_of(call)
    floating_ip: Json | None = None
    try:
        port = neutron.own("port", interface_id)
    except UpstreamError as error:
        if error.status != 404:
            raise
        floating_ip = neutron.own("floatingip", interface_id)
        if not floating_ip.get("port_id"):
            raise _nothing(interface_id) from error
        port = neutron.own("port", floating_ip["port_id"])
    if not translate_address.is_of_machine(port) or not machines.is_of_user(
        call, port["device_id"]
    ):
        raise _nothing(interface_id)
    return port, floating_ip


def _nothing(interface_id: str) -> NotFound:
    return NotFound(f"There is no networkinterface {shown(interface_id)}.")


def _shown(call: Call, port: Json, floating_ip: Json | None) -> LinkEntity:
    neutron = neutron_of(call)
    # Which of its interfaces a port is, only all of them can tell.
    ports = neutron.ports_of(port["device_id"])
    if floating_ip:
        networks = neutron.external_networks()
        found = translate_network.interfaces(ports, [floating_ip], networks)
        gateway = ""
    else:
        found = translate_network.interfaces(ports, ())
        gateway = translate_network.gateway(port, neutron.subnets(port["network_id"]))
    wanted = (floating_ip or port)["id"]
    for interface in found:
        if interface.id == wanted:
            return translate_network.link_entity(
                interface, url=call.url, gateway=gateway
            )
    # Gone since we looked.
    raise _nothing(wanted)


def _no_actions(call: Call) -> BadRequest:
    return BadRequest(f"A network interface has no action {shown(call.action())}.")


def _update(call: Call, *, whole: bool) -> Answer:
    port, floating_ip = _found(call)
    present = _shown(call, port, floating_ip)
    wish = check.update(
        completed(call.message(), present), kind=NETWORK_INTERFACE, whole=whole
    )
    wanted = translate_network.changes(wish, present, settable=("occi.core.title",))
    title = wanted.get("occi.core.title", "" if whole else None)
    before = dict(present.attributes).get("occi.core.title", "")
    if title is None or title == before:
        return Answer(body=present)
    if floating_ip:
        raise NotSupported("The link of a public address has no title.")
    neutron_of(call).update("port", port["id"], name=str(title))
    return Answer(body=_shown(call, {**port, "name": title}, None))


_COLLECTION = {
    "GET": Handler(list_interfaces, listing=True),
    "POST": Handler(create_interface, listing=True),
    "DELETE": Handler(delete_all_interfaces, listing=True),
}
_ENTITY = {
    "GET": Handler(show_interface),
    "POST": Handler(change_interface),
    "PUT": Handler(replace_interface),
    "DELETE": Handler(delete_interface, listing=True),
}
# Users' scripts hold the second path, which ooi had; rOCCI makes its links
# below the third.
ROUTES: Routes = {
    f"{place}{entity}": methods
    for place in ("/networkinterface", "/networklink", "/link/networkinterface")
    for entity, methods in (("", _COLLECTION), ("/{id}", _ENTITY))
}
