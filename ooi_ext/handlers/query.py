# SPDX-License-Identifier: Apache-2.0
"""The query interface: what this service can do (GFD.223 section 9).

Owns: GET /-/ and its other path, the filter by category, and the refusal of
mixins that users define. Must never: know how a category is written. Read
first: query_interface.
"""

from ooi_ext import catalog
from ooi_ext.errors import BadRequest, NotSupported, shown
from ooi_ext.handlers import listing, templates
from ooi_ext.handlers.call import Answer, Call, Handler, Routes
from ooi_ext.model import Action, Kind, Mixin, QueryInterface

Category = Kind | Mixin | Action


def query_interface(call: Call) -> Answer:
    """Answer with all kinds, actions, mixins and templates.

    With a filter, "the response MUST contain only Category instances related
    to the given Category instance" (GFD.223 section 7.1).
    """
    wanted = {c.identifier for c in listing.filter_of(call).categories}
    found = (*catalog.ADVERTISED, *templates.templates(call))
    return Answer(
        body=QueryInterface(
            tuple(
                templates.located(call, category)
                for category in found
                if not wanted or wanted & _related(category)
            )
        )
    )


def change_mixins(call: Call) -> Answer:
    """Refuse mixins of users, which the specification lets a service do.

    Tags of a user would have to be kept somewhere, and no service of
    OpenStack has a place for those of all kinds. 501: "the server does not
    support the functionality required to fulfill the request".
    """
    named = [shown(c.identifier) for c in call.message().categories]
    if not named:
        raise BadRequest("The request names no Category.")
    raise NotSupported(
        f"Users cannot define or remove mixins here: {' and '.join(named)}.",
        mend="GET /-/ lists the mixins that the service has.",
    )


def _related(category: Category) -> set[str]:
    """Return the identifiers of the categories that `category` belongs to.

    A kind is related to its parent, a mixin to those it depends on and to the
    kinds it applies to, an action to all that offer it.
    """
    found = {category.identifier}
    match category:
        case Kind():
            found.add(category.parent)
        case Mixin():
            found |= {*category.depends, *category.applies}
        case _:
            found |= {
                c.identifier
                for c in catalog.ADVERTISED
                if not isinstance(c, Action) and category.identifier in c.actions
            }
    return found


_METHODS = {
    "GET": Handler(query_interface),
    "POST": Handler(change_mixins),
    "DELETE": Handler(change_mixins),
}
ROUTES: Routes = {"/-": _METHODS, "/.well-known/org/ogf/occi/-": _METHODS}
