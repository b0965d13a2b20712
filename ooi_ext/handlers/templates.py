# SPDX-License-Identifier: Apache-2.0
"""The mixins of which every site has its own: images, flavors, zones, pools.

Owns: which service is asked for them, that it costs four requests at most and
none for a while after, and what is meant by a term. Must never: show one user
what another one may see. Read first: templates.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from oslo_log import log as logging

from ooi_ext import conf, kinds, translate, translate_address, translate_server
from ooi_ext.check import Wish
from ooi_ext.errors import BadRequest, UpstreamError, shown
from ooi_ext.handlers import machines
from ooi_ext.handlers.call import Call
from ooi_ext.handlers.network import neutron_of, pool_networks
from ooi_ext.memory import known
from ooi_ext.model import Action, Kind, Mixin

LOG = logging.getLogger(__name__)

Json = dict[str, Any]


def templates(call: Call) -> tuple[Mixin, ...]:
    """Return the mixins of this site, with locations relative to the endpoint.

    Nova and Glance must answer, or UpstreamError is raised: without images
    nothing can be made. Pools and zones are left out when their service does
    not answer, and then nothing is remembered.
    """
    # Images can be shared with a project, and policy can hide what one user
    # made from the others of a project: so each user has an own memory.
    key = ("templates", call.nova.user)
    answers = known(call.nova.app).answers
    now = time.monotonic()
    found: tuple[Mixin, ...] | None = answers.get(key, at=now)
    if found is not None:
        return found
    found, complete = _asked(call)
    if complete and call.nova.user and conf.cache_seconds():
        answers.put(key, found, until=now + conf.cache_seconds())
    return found


def located(call: Call, category: Kind | Mixin | Action) -> Kind | Mixin | Action:
    """Return a category with its full location, if it has one."""
    if isinstance(category, Action) or not category.location:
        return category
    return replace(category, location=call.url(category.location))


def flavor_id(call: Call, wish: Wish) -> str:
    """Return the id of the flavor that `wish` names, by a template or a size."""
    term = wish.term(kinds.RESOURCE_TPL)
    sizes = set(translate_server.SIZES) & set(wish.attributes)
    if not term and not sizes:
        raise BadRequest(
            "The request names no resource_tpl, so its size is unknown.",
            mend="GET /-/ lists the mixins with resource_tpl in rel.",
        )
    if term and not sizes and not translate.is_made(term):
        return term
    return str(translate_server.choose_flavor(machines.flavors(call), wish)["id"])


def image_id(call: Call, wish: Wish) -> str:
    """Return the id of the image that `wish` names."""
    term = wish.term(kinds.OS_TPL)
    if not term:
        raise BadRequest(
            "The request names no os_tpl, so there is nothing to boot.",
            mend="GET /-/ lists the mixins with os_tpl in rel.",
        )
    if not translate.is_made(term):
        return term
    image = translate.named_by(call.services.images(call.auth), term)
    if image is None:
        raise BadRequest(
            f"There is no os_tpl {shown(term)}.", mend="GET /-/ lists those there are."
        )
    return str(image["id"])


def zone_name(call: Call, wish: Wish) -> str:
    """Return the availability zone that `wish` names, empty if it names none."""
    term = wish.term(kinds.AVAILABILITY_ZONE)
    if not term or not translate.is_made(term):
        return term
    for zone in call.nova.zones():
        if translate.term_of(zone) == term:
            return zone
    raise BadRequest(
        f"There is no availability_zone {shown(term)}.",
        mend="GET /-/ lists those there are.",
    )


def exists(call: Call, base: Mixin, term: str) -> bool:
    """Return whether the site has a template `term` of that sort: one request."""
    match base:
        case kinds.OS_TPL:
            found = translate.named_by(call.services.images(call.auth), term)
            return found is not None
        case kinds.RESOURCE_TPL:
            return translate.named_by(machines.flavors(call), term) is not None
        case kinds.AVAILABILITY_ZONE:
            return term in map(translate.term_of, call.nova.zones())
        case _:
            networks = neutron_of(call).external_networks()
            pools = translate_address.pools(networks).values()
            return term in {pool.term for pool in pools}


def _asked(call: Call) -> tuple[tuple[Mixin, ...], bool]:
    # Neutron and Glance are asked while Nova works in this thread: Nova keeps
    # the context of a request in the thread that it runs in.
    with ThreadPoolExecutor(2) as pool:
        images = pool.submit(call.services.images, call.auth)
        networks = pool.submit(pool_networks, call)
        flavors = machines.flavors(call)
        zones: tuple[str, ...] = ()
        complete = True
        try:
            zones = call.nova.zones()
        except UpstreamError as error:
            complete = _left_out("zones", error)
        pools: tuple[Mixin, ...] = ()
        try:
            pools = tuple(translate_address.pools(networks.result()).values())
        except UpstreamError as error:
            complete = _left_out("pools", error)
        found = (
            *(translate.flavor_mixin(flavor) for flavor in flavors),
            *(translate.image_mixin(image) for image in images.result()),
            *pools,
            *(translate.zone_mixin(zone) for zone in zones),
        )
    return tuple(_unique(found)), complete


def _unique(mixins: tuple[Mixin, ...]) -> Iterator[Mixin]:
    # Two external networks or zones could have terms alike: the first holds.
    seen: set[str] = set()
    for mixin in mixins:
        if mixin.identifier not in seen:
            seen.add(mixin.identifier)
            yield mixin


def _left_out(what: str, error: UpstreamError) -> bool:
    LOG.warning("code=templates_left_out what=%s: %s", what, error)
    return False
