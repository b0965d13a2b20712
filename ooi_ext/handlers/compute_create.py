# SPDX-License-Identifier: Apache-2.0
"""Making a machine: a key for the time of one request, disks, addresses.

Owns: the order of the steps, and what is undone when one of them fails. Must
never: leave a key pair behind, or a machine that is not as it was wanted.
Read first: create.
"""

import time
import uuid
from collections.abc import Callable, Collection, Iterable
from typing import Any

from oslo_log import log as logging

from ooi_ext import check, conf, kinds, kinds_network, translate
from ooi_ext import translate_address, translate_server
from ooi_ext.check import LinkWish, Wish
from ooi_ext.errors import BadRequest, OcciError, UpstreamError, shown
from ooi_ext.handlers import addresses, machines, templates
from ooi_ext.handlers.call import Answer, Call
from ooi_ext.handlers.network import neutron_of
from ooi_ext import model
from ooi_ext.nova import Nova
from ooi_ext.translate_ipnetwork import PUBLIC

LOG = logging.getLogger(__name__)

Json = dict[str, Any]

# Leads a floating IP to the machine of an id.
Lead = Callable[[str], str]

_POLL_SECONDS = 0.5


def create(call: Call) -> Answer:
    """Make a machine, and answer with its URL."""
    wish = check.entity(call.message(), kind=kinds.COMPUTE)
    _check_given(wish, call.default_architecture)
    public_key = translate_server.public_key(wish)
    # Everything is checked before the first thing is made.
    outside = _outside(call, wish)
    body = translate_server.server(
        wish,
        flavor=templates.flavor_id(call, wish),
        image=templates.image_id(call, wish),
        zone=templates.zone_name(call, wish),
        outside={network["id"] for network in outside},
        dotted=call.nova.takes_dotted_hostnames,
    )
    leads = tuple(_lead(call, link, outside) for link in _floating(wish))
    try:
        server_id = _create_server(call.nova, body, public_key)
    except UpstreamError as error:
        # "Invalid imageRef provided." alone does not say which.
        asked = " and ".join(shown(m.identifier) for m in wish.mixins)
        error.what += f" The request named {asked}."
        # What is not there is named in the body, not in the path.
        error.status = 400 if error.status == 404 else error.status
        raise
    if leads:
        networks = body["server"]["networks"]
        ports = 1 if networks == "auto" else len(networks)
        _give_addresses(call, server_id, leads, ports=ports)
    url = machines.url(call, server_id)
    return Answer(status=201, location=url, body=model.Collection((url,)))


def release(call: Call, server_ids: Collection[str]) -> None:
    """Release the floating IPs that were allocated for machines now deleted.

    A failure is logged: the machines are gone already.
    """
    marks = {translate_address.allocation_mark(i) for i in server_ids}
    # Neutron finds those of one machine by itself.
    query = {"description": next(iter(marks))} if len(marks) == 1 else {}
    neutron = neutron_of(call)
    try:
        for floating_ip in neutron.floating_ips("id", "description", **query):
            if floating_ip.get("description") in marks:
                neutron.delete("floatingip", floating_ip["id"])
    except UpstreamError as error:
        LOG.error("code=address_left servers=%s: %s", ",".join(server_ids), error)


def _check_given(wish: Wish, default_architecture: str) -> None:
    wanted = wish.text("occi.compute.architecture")
    if wanted not in ("", default_architecture):
        raise BadRequest(
            f'occi.compute.architecture="{wanted}" cannot be had on request.',
            mend="The image decides; leave the attribute out.",
        )
    if "occi.compute.share" in wish.attributes:
        raise BadRequest(
            "occi.compute.share cannot be had on request.",
            mend="The resource_tpl decides; leave the attribute out.",
        )


def _create_server(nova: Nova, body: Json, public_key: str) -> str:
    if not public_key:
        return nova.create_server(body)
    # Nova knows keys by name only. It copies the key into the server, so the
    # pair is needed for no longer than the request for the server.
    name = f"{translate.KEYPAIR_PREFIX}{uuid.uuid4()}"
    server = {**body["server"], "key_name": name}
    try:
        nova.create_keypair(name, public_key)
        return nova.create_server({"server": server})
    finally:
        # Even when creating it failed: Nova may have made it all the same.
        _forget_keypair(nova, name)


def _forget_keypair(nova: Nova, name: str) -> None:
    try:
        nova.delete_keypair(name)
    except UpstreamError as error:
        if error.status != 404:
            LOG.error("code=keypair_left keypair=%s: %s", name, error)


def _floating(wish: Wish) -> tuple[LinkWish, ...]:
    links = translate_server.of_kind(wish, kinds_network.NETWORK_INTERFACE)
    return tuple(filter(translate_server.is_floating, links))


def _outside(call: Call, wish: Wish) -> tuple[Json, ...]:
    """Return the external networks, if the wish may name one."""
    if any(k.target_kind == kinds_network.NETWORK for k in _floating(wish)):
        return neutron_of(call).external_networks()
    return ()


def _lead(call: Call, link: LinkWish, outside: tuple[Json, ...]) -> Lead:
    """Return what leads a floating IP to a machine, once there is one.

    Raises BadRequest for a pool or a reservation that is not there.
    """
    neutron = neutron_of(call)
    if link.target_kind == kinds_network.IP_RESERVATION:
        try:
            kept = str(neutron.own("floatingip", translate_server.id_of(link))["id"])
        except UpstreamError as error:
            error.status = 400 if error.status == 404 else error.status
            raise
        return lambda server_id: addresses.lead_reserved(neutron, server_id, kept)
    inside = translate_server.inside(link, {network["id"] for network in outside})
    name = link.term(kinds_network.FLOATING_IP_POOL)
    if not name and link.target.upper() != PUBLIC:
        name = link.target
    pool = addresses.pool_of(outside, name)
    address = link.text("occi.networkinterface.address")
    return lambda server_id: addresses.lead(
        neutron, server_id, pool=pool, network_id=inside, address=address
    )


def _give_addresses(
    call: Call, server_id: str, leads: Iterable[Lead], *, ports: int
) -> None:
    """Lead floating IPs to a new machine; it goes when one cannot be had."""
    try:
        _await_ports(call, server_id, ports)
        for lead in leads:
            lead(server_id)
    except OcciError as error:
        error.what += " The machine was not made."
        try:
            call.nova.delete_server(server_id)
        except UpstreamError as second:
            LOG.error("code=machine_left server=%s: %s", server_id, second)
        release(call, [server_id])
        raise


def _await_ports(call: Call, server_id: str, wanted: int) -> None:
    """Wait for the ports that Nova makes some time after it has answered."""
    end = time.monotonic() + conf.wait_seconds()
    neutron = neutron_of(call)
    while sum(map(_is_ready, neutron.ports_of(server_id))) < wanted:
        if time.monotonic() >= end:
            raise UpstreamError(
                "The machine had no port for a public address after "
                f"{conf.wait_seconds()} seconds.",
                service="compute",
                status=503,
                mend="Make it without, and link the pool when it is active.",
            )
        time.sleep(_POLL_SECONDS)


def _is_ready(port: Json) -> bool:
    # Nova makes a port first, and says whose it is when it binds it.
    has_address = bool(translate_address.address(port))
    return has_address and translate_address.is_of_machine(port)
