# SPDX-License-Identifier: Apache-2.0
"""The collections that span kinds: /, /entity/, /resource/ and /link/.

Owns: GET of the paths that stand for all entities, or all of one half of
them. Must never: make anything; a kind that cannot be instantiated has no
POST. Read first: ROUTES.
"""

from ooi_ext import catalog, kinds
from ooi_ext.handlers import entities, listing
from ooi_ext.handlers.call import Answer, Call, Handler, Routes
from ooi_ext.model import Kind


def list_below(call: Call, ancestor: Kind) -> Answer:
    """Answer with all entities of the kinds below `ancestor`."""
    below = tuple(k for k in entities.LISTED if ancestor in catalog.ancestors(k))
    return listing.answer(
        call,
        lambda: entities.collection(call, below, in_full=True).entities,
        lambda: entities.collection(call, below, in_full=False).locations,
    )


def list_all(call: Call) -> Answer:
    """Answer with all entities: "the union of all collections below the path"."""
    return list_below(call, kinds.ENTITY)


def list_resources(call: Call) -> Answer:
    """Answer with all resources."""
    return list_below(call, kinds.RESOURCE)


def list_links(call: Call) -> Answer:
    """Answer with all links."""
    return list_below(call, kinds.LINK)


ROUTES: Routes = {
    "": {"GET": Handler(list_all, listing=True)},
    "/entity": {"GET": Handler(list_all, listing=True)},
    "/resource": {"GET": Handler(list_resources, listing=True)},
    "/link": {"GET": Handler(list_links, listing=True)},
}
