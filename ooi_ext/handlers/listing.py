# SPDX-License-Identifier: Apache-2.0
"""GET of any collection: the same filters, pages and costs for all of them.

Owns: the choice between the URIs alone, which are cheap to have, and the
entities in full. Must never: know a kind or a service; both come as
functions. Read first: answer.
"""

from collections.abc import Callable

from ooi_ext import collections
from ooi_ext.handlers.call import Answer, Call
from ooi_ext.model import Collection, Entity, Message, located
from ooi_ext.rendering import media


def answer(
    call: Call,
    entities: Callable[[], tuple[Entity, ...]],
    locations: Callable[[], tuple[str, ...]],
) -> Answer:
    """Answer with a collection, filtered and paged as the request asks.

    `locations` gives the complete URIs of all that is in the collection, and
    is enough for a plain list. `entities` gives the same in full and is called
    instead, never as well, when there is a filter or the rendering shows
    entities. One without `location` is at its kind's location plus its id.
    Neither is called when the request is bad: then BadRequest is raised.
    """
    window = collections.window(call.query)
    wanted = filter_of(call)
    collections.check_filter(wanted)
    if not collections.needs_entities(wanted, wanted=call.wants_entities):
        return Answer(body=Collection(locations()[window]))
    whole = tuple(located(entity, call.endpoint) for entity in entities())
    part = collections.filtered(whole, wanted)[window]
    return Answer(body=Collection(tuple(e.location for e in part), part))


def filter_of(call: Call) -> Message:
    """Return the filter of a GET, empty if there is none.

    "the availability of the filtering mechanism is restricted to rendering
    formats transportable in HTTP headers" (GFD.223 section 7): headers count
    when the request is text/occi or does not say what it is. A body counts
    when there is one, in the rendering that it is said to be in.
    """
    said = call.headers.get("content-type", "")
    if not said.strip():
        return media.HEADERS.parse(b"", call.headers)
    if call.body:
        return call.message()
    # Some clients send a Content-Type with everything, and mean nothing by it.
    named = said.partition(";")[0].strip().lower()
    return call.message() if named == media.HEADERS.name else Message()
