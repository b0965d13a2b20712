# SPDX-License-Identifier: Apache-2.0
"""What machines are to a client: their URLs, and all of them in full.

Owns: which services are asked for the parts of a machine, and that a service
that is down takes its part away and nothing else. Must never: change
anything. Read first: shown and entities.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from oslo_log import log as logging

from ooi_ext import (
    conf,
    kinds,
    translate,
    translate_address,
    translate_network,
    translate_storage,
)
from ooi_ext.errors import UpstreamError
from ooi_ext.handlers.call import Call
from ooi_ext.handlers.network import neutron_of
from ooi_ext.memory import Memory, known
from ooi_ext.model import Link, Resource

LOG = logging.getLogger(__name__)

Json = dict[str, Any]

# Flavors hardly ever change, but one can be made anew under its old name.
_IDS = "flavor ids by name"
_IDS_SECONDS = 300

_VOLUMES = "os-extended-volumes:volumes_attached"


def url(call: Call, server_id: str) -> str:
    """Return the URL of a machine."""
    return call.url(f"{kinds.COMPUTE.location}{server_id}")


def urls(call: Call) -> tuple[str, ...]:
    """Return the URLs of the project's machines: one request for each 1,000."""
    return tuple(url(call, server_id) for server_id in call.nova.server_ids())


def of_user(call: Call, ports: Iterable[Mapping[str, Any]]) -> tuple[Any, ...]:
    """Return the ports of the machines that Nova shows this user.

    Neutron shows a user the ports of the whole project. Nova is asked for the
    ids of its machines, if there is a port of one: one request for each 1,000.
    """
    found = [port for port in ports if translate_address.is_of_machine(port)]
    seen = frozenset(call.nova.server_ids()) if found else frozenset()
    return tuple(port for port in found if port["device_id"] in seen)


def is_of_user(call: Call, server_id: str) -> bool:
    """Return whether Nova shows this user the machine of that id."""
    try:
        call.nova.server(server_id)
    except UpstreamError as error:
        if error.status != 404:
            raise
        return False
    return True


def entities(
    call: Call, having: Callable[[Resource], bool] | None = None
) -> tuple[Resource, ...]:
    """Return the project's machines in full: three requests for each 1,000.

    With `having` only those for which it is true; it sees no links. Of the
    networks only the ports are asked for: a floating IP, which can be a fourth
    request, stands where one machine is shown, and among the network
    interfaces.
    """
    servers = call.nova.servers()
    listed = _flavors_of(call, servers)
    if having:
        servers = tuple(s for s in servers if having(_resource(call, s, listed)))
    ports = defaultdict(list)
    for port in _ports(call) if servers else ():
        ports[port.get("device_id")].append(port)
    return tuple(_resource(call, s, listed, ports[s["id"]]) for s in servers)


def shown(call: Call, server_id: str) -> Resource:
    """Return one machine in full: three requests.

    Those are for the server, its ports and the floating IPs that lead to them;
    Nova learns of a floating IP later than Neutron. When the flavors must be
    asked for too, which are remembered, Nova's word has to do for whether
    there is one.
    """
    server = call.nova.server(server_id)
    known_already = _are_known(call, [server])
    listed = _flavors_of(call, [server])
    ports = _ports(call, server_id)
    floating_ips: tuple[Json, ...] = ()
    if ports and (known_already or translate.has_floating_ip(server)):
        floating_ips = _floating_ips(call, ports)
    return _resource(call, server, listed, ports, floating_ips)


def flavors(call: Call) -> tuple[Json, ...]:
    """Return the flavors that the project can use, remembered for a while."""
    key = ("flavors", call.nova.user)
    found: tuple[Json, ...] | None = _answers(call).get(key, at=time.monotonic())
    return _listed(call) if found is None else found


def _listed(call: Call) -> tuple[Json, ...]:
    found = call.nova.flavors()
    now = time.monotonic()
    if call.nova.user and conf.cache_seconds():
        key = ("flavors", call.nova.user)
        _answers(call).put(key, found, until=now + conf.cache_seconds())
    ids = {**_ids(call), **{flavor["name"]: flavor["id"] for flavor in found}}
    _answers(call).put(_IDS, ids, until=now + _IDS_SECONDS)
    return found


def _flavors_of(call: Call, servers: Iterable[Json]) -> tuple[Json, ...]:
    """Return id and name of the flavors of `servers`, as far as there are such."""
    if not _are_known(call, servers):
        _listed(call)
    return tuple({"id": i, "name": name} for name, i in _ids(call).items())


def _are_known(call: Call, servers: Iterable[Json]) -> bool:
    # Of a server in a cell that is down Nova knows no flavor.
    named = {s["flavor"]["original_name"] for s in servers if s.get("flavor")}
    return named <= set(_ids(call))


def _ids(call: Call) -> dict[str, str]:
    # The names of flavors are unique, and whoever sees a server sees the name
    # of its flavor: the id tells nobody more.
    found: dict[str, str] = _answers(call).get(_IDS, at=time.monotonic()) or {}
    return found


def _answers(call: Call) -> Memory:
    return known(call.nova.app).answers


def _resource(
    call: Call,
    server: Json,
    listed: Iterable[Json],
    ports: Iterable[Json] = (),
    floating_ips: Iterable[Json] = (),
) -> Resource:
    links: tuple[Link, ...] = (
        *translate_network.compute_links(ports, floating_ips, url=call.url),
        *translate_storage.compute_links(
            server.get(_VOLUMES) or (), url=call.url, server_id=server["id"]
        ),
    )
    return translate.compute(
        server,
        url=url(call, server["id"]),
        flavors=listed,
        architecture=call.default_architecture,
        links=links,
    )


def _ports(call: Call, server_id: str = "") -> tuple[Json, ...]:
    neutron = neutron_of(call)
    try:
        return neutron.ports_of(server_id) if server_id else neutron.ports()
    except UpstreamError as error:
        # A machine is more than its links: it must not vanish with Neutron.
        LOG.warning("code=links_left_out: %s", error)
        return ()


def _floating_ips(call: Call, ports: tuple[Json, ...]) -> tuple[Json, ...]:
    wanted = [port["id"] for port in ports]
    try:
        return neutron_of(call).floating_ips(port_id=wanted)
    except UpstreamError as error:
        LOG.warning("code=links_left_out: %s", error)
        return ()
