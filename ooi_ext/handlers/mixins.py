# SPDX-License-Identifier: Apache-2.0
"""The collections that mixins define (GFD.223 sections 8 and 11).

Owns: which entities have a mixin, and what becomes of a request to give or
take one. "When a client attempts to associate a Mixin instance to an entity
instance at a stage not supported, the provider MUST notify the client it has
issued a bad request" (GFD.221): only a size can be given to what exists, and
nothing can be taken. Must never: list what does not show the mixin, which user
data and keys in the form of OCCI 1.2 never do. Read first: list_mixin.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from ooi_ext import catalog, check, kinds
from ooi_ext.check import Wish
from ooi_ext.errors import BadRequest, NotFound, shown
from ooi_ext.handlers import compute, compute_update, entities, listing, machines
from ooi_ext.handlers import templates
from ooi_ext.handlers.call import Answer, Call, Handler, Routes, entity_id
from ooi_ext.model import Collection, Entity, Mixin

Json = dict[str, Any]


def list_mixin(call: Call, base: Mixin) -> Answer:
    """Answer with the entities that have the mixin of the path."""
    return listing.answer(
        call,
        lambda: _having(call, base),
        lambda: tuple(e.location for e in _having(call, base)),
    )


def post_to_mixin(call: Call, base: Mixin) -> Answer:
    """Give the mixin to the entities named, or act on those that have it."""
    if call.action():
        return _act(call, base)
    named = _named(call, base)
    if base == kinds.RESOURCE_TPL and "term" in call.names:
        return _resize(call, named)
    return _unchanged(call, base, {*named, *_present(call, base)}, named)


def put_mixin(call: Call, base: Mixin) -> Answer:
    """Give the mixin to the entities named, and take it from all others."""
    named = _named(call, base)
    if base == kinds.RESOURCE_TPL and "term" in call.names:
        left = set(_present(call, base)) - set(named)
        if not left:
            return _resize(call, named)
    return _unchanged(call, base, set(named), named)


def delete_mixin(call: Call, base: Mixin) -> Answer:
    """Take the mixin from the entities named, or from all."""
    given = call.message().locations
    named = _named(call, base) if given else {}
    present = _present(call, base)
    taken = set(named) & set(present) if given else set(present)
    return _unchanged(call, base, set(present) - taken, {})


def _having(call: Call, base: Mixin) -> tuple[Entity, ...]:
    term = call.names.get("term", "")
    has = partial(_has, base=base, term=term)
    found: tuple[Entity, ...]
    if base.applies == (kinds.COMPUTE.identifier,):
        found = machines.entities(call, having=has)
    else:
        applies = [k for k in entities.LISTED if k.identifier in base.applies]
        everything = entities.collection(call, applies, in_full=True).entities
        found = tuple(filter(has, everything))
    if term and not found and not templates.exists(call, base, term):
        raise NotFound(
            f"There is no {base.term} {shown(term)}.",
            mend="GET /-/ lists those there are.",
        )
    return found


def _has(entity: Entity, *, base: Mixin, term: str) -> bool:
    return any(
        mixin.term == term and base.identifier in mixin.depends
        if term
        else base.identifier in (mixin.identifier, *mixin.depends)
        for mixin in entity.mixins
    )


def _present(call: Call, base: Mixin) -> dict[str, str]:
    """Return the entities that have the mixin: path -> URI."""
    return {
        e.location.removeprefix(call.endpoint): e.location for e in _having(call, base)
    }


def _named(call: Call, base: Mixin) -> dict[str, str]:
    """Return the entities that the request names: path -> URI.

    Raises BadRequest for what cannot have the mixin.
    """
    message = call.message()
    if message.categories or message.attributes or message.links:
        raise BadRequest(
            "A request for the collection of a mixin holds locations alone.",
            mend="Name each entity by X-OCCI-Location.",
        )
    if not message.locations:
        raise BadRequest("The request names no X-OCCI-Location.")
    found = {}
    for uri in message.locations:
        path = _path(uri, base)
        found[path] = call.url(path)
    return found


def _path(uri: str, base: Mixin) -> str:
    for identifier in base.applies:
        kind = catalog.KINDS[identifier]
        try:
            return kind.location + check.place(uri, kind=kind)
        except BadRequest:
            continue
    terms = " or ".join(catalog.KINDS[i].term for i in base.applies)
    raise BadRequest(f"The location {shown(uri)} is no {terms}.")


def _resize(call: Call, named: dict[str, str]) -> Answer:
    mixin = Mixin(
        scheme=kinds.RESOURCE_TEMPLATE,
        term=call.names["term"],
        depends=(kinds.RESOURCE_TPL.identifier,),
    )
    wish = Wish(kind=kinds.COMPUTE, mixins=(mixin,), attributes={})
    servers = [call.nova.server(_server_id(call, path)) for path in named]
    compute_update.resize(call, servers, wish)
    return Answer(body=Collection(tuple(named.values())))


def _server_id(call: Call, path: str) -> str:
    last = path.removeprefix(kinds.COMPUTE.location)
    try:
        return entity_id(replace(call, names={"id": last}), "compute")
    except NotFound as error:
        raise BadRequest(str(error)) from error


def _unchanged(
    call: Call, base: Mixin, wanted: set[str], named: dict[str, str]
) -> Answer:
    """Answer if the collection is as wanted already; else raise BadRequest."""
    present = _present(call, base)
    for path in sorted(wanted - set(present)):
        raise BadRequest(
            f"The mixin {base.term} cannot be given to {shown(call.url(path))}, "
            "which exists.",
            mend="Name it when the entity is made.",
        )
    for path in sorted(set(present) - wanted):
        raise BadRequest(
            f"The mixin {base.term} cannot be taken from {shown(present[path])}.",
            mend="An entity keeps it for its life.",
        )
    return Answer(body=Collection(tuple(named.values())))


def _act(call: Call, base: Mixin) -> Answer:
    if base.applies != (kinds.COMPUTE.identifier,):
        raise BadRequest(
            f"The entities with the mixin {base.term} have no actions in common.",
            mend="Act on the collection of their kind.",
        )
    action, attributes = compute.wanted_action(call)
    ids = {dict(e.attributes)["occi.core.id"] for e in _having(call, base)}
    servers = [s for s in call.nova.servers() if s["id"] in ids]
    return compute.act_on(call, servers, action, attributes)


def _routes() -> Routes:
    routes = {}
    bases = {mixin.identifier for mixin in catalog.TEMPLATES.values()}
    for mixin in catalog.MIXINS.values():
        methods = {
            "GET": Handler(partial(list_mixin, base=mixin), listing=True),
            "POST": Handler(partial(post_to_mixin, base=mixin), listing=True),
            "PUT": Handler(partial(put_mixin, base=mixin), listing=True),
            "DELETE": Handler(partial(delete_mixin, base=mixin), listing=True),
        }
        path = mixin.location.rstrip("/")
        routes[path] = methods
        if mixin.identifier in bases:
            routes[f"{path}/{{term}}"] = methods
    return routes


ROUTES: Routes = _routes()
