# SPDX-License-Identifier: Apache-2.0
"""Networks over Neutron: list, show, create, switch, change, delete.

Owns: in which order Neutron is asked, and what must be undone when a step
fails. A network with addresses gets a router to the outside of its own, which
goes with it. Must never: build or read a text of OCCI. Read first: ROUTES.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from oslo_log import log as logging

from ooi_ext import check, conf, kinds_network, translate_address, translate_ipnetwork
from ooi_ext.errors import BadRequest, NotFound, UpstreamError
from ooi_ext.handlers import listing
from ooi_ext.handlers.call import Answer, Call, Handler, Routes, entity_id
from ooi_ext.kinds_network import NETWORK
from ooi_ext.memory import known
from ooi_ext.model import Action, Collection, Entity, Message, Mixin, Resource
from ooi_ext.neutron import Neutron
from ooi_ext.translate_ipnetwork import PUBLIC
from ooi_ext.translate_network import network_url

LOG = logging.getLogger(__name__)

Json = Mapping[str, Any]


def neutron_of(call: Call) -> Neutron:
    """Return Neutron as this request's user sees it."""
    return Neutron(call.remote("network"))


def pool_networks(call: Call) -> tuple[Json, ...]:
    """Return the networks that floating IPs come from, as they were a while ago.

    They are remembered for `cache_seconds`, as what GET /-/ shows of them is.
    """
    key = ("external networks", call.nova.user)
    answers, now = known(call.nova.app).answers, time.monotonic()
    found: tuple[Json, ...] | None = answers.get(key, at=now)
    if found is None:
        found = neutron_of(call).external_networks()
        if call.nova.user and conf.cache_seconds():
            answers.put(key, found, until=now + conf.cache_seconds())
    return found


def list_networks(call: Call) -> Answer:
    """Answer with the networks that the project owns or may use."""
    neutron = neutron_of(call)

    def locations() -> tuple[str, ...]:
        found = translate_ipnetwork.in_order(neutron.networks("id"))
        return tuple(
            network_url(i, url=call.url)
            for i in (*(n["id"] for n in found), *_public(found))
        )

    def entities() -> tuple[Resource, ...]:
        found = translate_ipnetwork.in_order(neutron.networks())
        subnets = neutron.subnets() if found else ()
        public = translate_ipnetwork.public_network(url=call.url)
        return (
            *(_resource(call, n, subnets) for n in found),
            *(public for _ in _public(found)),
        )

    return listing.answer(call, entities, locations)


def show_network(call: Call) -> Answer:
    """Answer with one network."""
    if call.names["id"] == PUBLIC:
        if not neutron_of(call).external_networks():
            raise NotFound("There is no external network.")
        return Answer(body=translate_ipnetwork.public_network(url=call.url))
    return Answer(body=_shown(call, entity_id(call, "network")))


def create_network(call: Call) -> Answer:
    """Make a network, and answer with its URL; or switch all that there are."""
    if call.action():
        action = _switch(call)
        for network in _own_networks(call):
            _set_state(call, network["id"], action)
        return Answer()
    wish = check.entity(call.message(), kind=NETWORK)
    refuse_links(wish)
    plan = translate_ipnetwork.plan(wish)
    made = _create(neutron_of(call), plan)
    url = network_url(made, url=call.url)
    return Answer(status=201, location=url, body=Collection((url,)))


def change_network(call: Call) -> Answer:
    """Switch a network on or off, or change what the request names of it."""
    if call.action():
        action = _switch(call)
        network = _own_network(call)
        _set_state(call, network["id"], action)
        return Answer()
    return _update(call, whole=False)


def replace_network(call: Call) -> Answer:
    """Change a network to what the request says, all of it."""
    return _update(call, whole=True)


def delete_network(call: Call) -> Answer:
    """Delete a network with its subnets and its own router."""
    _deletion(neutron_of(call), _own_network(call)["id"])()
    return Answer()


def delete_all_networks(call: Call) -> Answer:
    """Delete all networks of the project, or none if one is in use."""
    neutron = neutron_of(call)
    # Each is found possible before the first is done.
    for delete in [_deletion(neutron, n["id"]) for n in _own_networks(call)]:
        delete()
    return Answer()


def refuse_links(wish: check.Wish) -> None:
    """Raise BadRequest if `wish` has inline links, which go with machines only."""
    if wish.links:
        raise BadRequest(
            f"A {wish.kind.term} cannot be made with links.",
            mend="Make the links afterwards.",
        )


def completed(message: Message, entity: Entity) -> Message:
    """Return `message` with the mixins that `entity` has, for an update of it.

    Who changes an attribute of what it was shown need not name them again.
    """
    if not message.categories and not message.attributes:
        return message
    named = {category.identifier for category in message.categories}
    kept: tuple[Mixin, ...] = tuple(
        mixin for mixin in entity.mixins if mixin.identifier not in named
    )
    return replace(message, categories=(*message.categories, *kept))


def _public(networks: Iterable[Json]) -> tuple[str, ...]:
    external = any(n.get("router:external") for n in networks)
    return (PUBLIC,) if external else ()


def _resource(call: Call, network: Json, subnets: Iterable[Json]) -> Resource:
    return translate_ipnetwork.network(
        network, subnets, url=call.url, project_id=neutron_of(call).project_id
    )


def _shown(call: Call, network_id: str) -> Resource:
    neutron = neutron_of(call)
    network = neutron.network(network_id)
    return _resource(call, network, neutron.subnets(network_id))


def _own_networks(call: Call) -> tuple[Json, ...]:
    neutron = neutron_of(call)
    return neutron.networks("id", project_id=neutron.project_id)


def _own_network(call: Call) -> Json:
    """Return the network of the path, if the project may do more than use it."""
    neutron = neutron_of(call)
    if call.names["id"] == PUBLIC:
        raise _not_own(PUBLIC)
    network = neutron.network(entity_id(call, "network"))
    if network.get("project_id") != neutron.project_id:
        raise _not_own(network["id"])
    return network


def _not_own(network_id: str) -> UpstreamError:
    return UpstreamError(
        f"The network {network_id} is not this project's: it can be used, but not "
        "changed.",
        service="network",
        status=403,
    )


def _switch(call: Call) -> Action:
    action, _ = check.action(call.message(), name=call.action(), kind=NETWORK)
    return action


def _set_state(call: Call, network_id: str, action: Action) -> None:
    up = action == kinds_network.UP
    neutron_of(call).update("network", network_id, admin_state_up=up)


def _create(neutron: Neutron, plan: translate_ipnetwork.Plan) -> str:
    outside = _outside(neutron, plan.subnet)
    with ExitStack() as undo:
        network = neutron.create("network", **plan.network)
        network_id = str(network["id"])
        undo.callback(_try, neutron.delete, "network", network_id)
        if plan.label:
            tags = translate_ipnetwork.tags(network, label=plan.label)
            neutron.set_tags(network_id, tags)
        if plan.subnet:
            _add_subnet(neutron, network, plan.subnet, outside, undo)
        undo.pop_all()
    return network_id


def _outside(neutron: Neutron, subnet: Json) -> str:
    """Return the id of the network to route a subnet to, empty if there is none."""
    # A router gives the way out, and the one in for floating IPs.
    if subnet.get("ip_version") != 4:
        return ""
    found = translate_address.default_pool(neutron.external_networks())
    return str(found["id"]) if found else ""


def _add_subnet(
    neutron: Neutron, network: Json, values: Json, outside: str, undo: ExitStack
) -> None:
    name = network.get("name") or ""
    subnet = neutron.create("subnet", name=name, network_id=network["id"], **values)
    undo.callback(_try, neutron.delete, "subnet", subnet["id"])
    if not outside:
        return
    router = neutron.create(
        "router",
        name=name,
        description=translate_ipnetwork.router_mark(network["id"]),
        external_gateway_info={"network_id": outside},
    )
    undo.callback(_try, neutron.delete, "router", router["id"])
    neutron.join(router["id"], subnet["id"])


def _try(delete: Callable[[str, str], None], kind: str, identifier: str) -> None:
    try:
        delete(kind, identifier)
    except UpstreamError as error:
        LOG.error("code=%s_left %s=%s: %s", kind, kind, identifier, error)


def _deletion(neutron: Neutron, network_id: str) -> Callable[[], None]:
    """Return what deletes a network; raises UpstreamError if it is in use."""
    mark = translate_ipnetwork.router_mark(network_id)
    routers = [r["id"] for r in neutron.routers(description=mark)]
    ports = neutron.ports_on(network_id)
    used = translate_ipnetwork.in_use(ports, routers=routers)
    if used:
        by = used[0].get("device_owner") or "a port"
        raise UpstreamError(
            f"The network {network_id} is in use: {len(used)} ports are on it, the "
            f"first of {by}.",
            service="network",
            status=409,
            mend="Delete the links to it first.",
        )
    parts = [(p["device_id"], p["id"]) for p in ports if p.get("device_id") in routers]

    def delete() -> None:
        for router_id, port_id in parts:
            neutron.part(router_id, port_id)
        for router_id in routers:
            _delete_router(neutron, router_id)
        neutron.delete("network", network_id)

    return delete


def _delete_router(neutron: Neutron, router_id: str) -> None:
    try:
        neutron.delete("router", router_id)
    except UpstreamError as error:
        # Its user has given it other networks to serve.
        if error.status != 409:
            raise


def _update(call: Call, *, whole: bool) -> Answer:
    neutron = neutron_of(call)
    network = _own_network(call)
    subnets = neutron.subnets(network["id"])
    before = _resource(call, network, subnets)
    message = completed(call.message(), before)
    wish = check.update(message, kind=NETWORK, whole=whole)
    subnet = translate_ipnetwork.subnet_of(network, subnets)
    plan = translate_ipnetwork.changes(wish, network, subnet, whole=whole)
    # The step that may fail comes first; a new name alone would be half.
    if plan.subnet and subnet is None:
        with ExitStack() as undo:
            outside = _outside(neutron, plan.subnet)
            _add_subnet(neutron, network, plan.subnet, outside, undo)
            undo.pop_all()
    elif plan.subnet and subnet is not None:
        neutron.update("subnet", subnet["id"], **plan.subnet)
    if plan.network:
        neutron.update("network", network["id"], **plan.network)
    if plan.label is not None:
        tags = translate_ipnetwork.tags(network, label=plan.label)
        neutron.set_tags(network["id"], tags)
    return Answer(body=_shown(call, network["id"]))


ROUTES: Routes = {
    "/network": {
        "GET": Handler(list_networks, listing=True),
        "POST": Handler(create_network, listing=True),
        "DELETE": Handler(delete_all_networks, listing=True),
    },
    "/network/{id}": {
        "GET": Handler(show_network),
        "POST": Handler(change_network),
        "PUT": Handler(replace_network),
        "DELETE": Handler(delete_network, listing=True),
    },
}
