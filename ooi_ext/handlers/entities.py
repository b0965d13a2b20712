# SPDX-License-Identifier: Apache-2.0
"""The routes of all kinds of entities, and their collections by kind.

Owns: the merge of the modules that serve one family of kinds each, and the
way to have a collection of any kind for what spans several of them. Must
never: do what a handler does. Read first: collection.
"""

from collections.abc import Iterable
from dataclasses import replace

from ooi_ext import catalog
from ooi_ext.handlers import addresses, compute, interfaces, network, security
from ooi_ext.handlers import storage, storagelink
from ooi_ext.handlers.call import Call, Routes
from ooi_ext.model import Collection, Kind

ROUTES: Routes = {
    **compute.ROUTES,
    **network.ROUTES,
    **interfaces.ROUTES,
    **addresses.ROUTES,
    **security.ROUTES,
    **storage.ROUTES,
    **storagelink.ROUTES,
}

# Kinds with a collection of their own; entity, resource and link are the
# union of those below them.
LISTED: tuple[Kind, ...] = tuple(
    kind
    for kind in catalog.KINDS.values()
    if "GET" in ROUTES.get(kind.location.rstrip("/"), {})
)


def collection(call: Call, kinds: Iterable[Kind], *, in_full: bool) -> Collection:
    """Return all entities of `kinds`, whatever filter and page the request has.

    Raises UpstreamError when a service that has some of them is down: a part
    would look like the whole.
    """
    everything = replace(call, query="", headers={}, body=b"", wants_entities=in_full)
    gets = (ROUTES[kind.location.rstrip("/")]["GET"] for kind in kinds)
    bodies = (get.function(everything).body for get in gets)
    found = [body for body in bodies if isinstance(body, Collection)]
    return Collection(
        locations=tuple(i for part in found for i in part.locations),
        entities=tuple(e for part in found for e in part.entities),
    )
