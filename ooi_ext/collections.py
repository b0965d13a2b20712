# SPDX-License-Identifier: Apache-2.0
"""What of a collection a request asks for. Pure: values in, values out.

Owns: filters by category and attribute (GFD.223 section 7.2) and pages
(section 6), the same for every collection and every rendering. Must never:
ask a service or know HTTP. Read first: filtered, then window.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, urlsplit

from ooi_ext import catalog
from ooi_ext.errors import BadRequest, TooLarge, shown
from ooi_ext.model import Action, Entity, Kind, Message, Value, message_of

# "If number is too large for the provider to handle" it is 413. No cloud has
# so much; Python reads no integer of more than 4,300 digits.
_LARGEST = 1_000_000
_DIGITS = 18

# URIs, which a client may write from the endpoint, from the host or complete.
_ENDS = ("occi.core.source", "occi.core.target")


def needs_entities(message: Message, *, wanted: bool) -> bool:
    """Return whether the URIs alone cannot answer a request for a collection.

    `message` is the filter, `wanted` whether the rendering shows entities.
    """
    return wanted or bool(message.categories or message.attributes)


def check_filter(message: Message) -> None:
    """Raise BadRequest for a filter that no entity could ever be held against."""
    for category in message.categories:
        if isinstance(category, Action):
            raise BadRequest(
                f"The action {shown(category.identifier)} is no filter.",
                mend="Filter by kinds, mixins and attributes.",
            )
    if message.links or message.locations:
        raise BadRequest(
            "A filter holds categories and attributes, no links and no locations."
        )


def filtered(entities: Iterable[Entity], message: Message) -> tuple[Entity, ...]:
    """Return those of `entities` that have all that `message` names.

    A kind also stands for those derived from it. The value of an attribute
    must be the same and of the same type, but 1 is 1.0. A category that is
    not known here is one that no entity has.
    """
    wanted = {category.identifier for category in message.categories}
    return tuple(
        entity
        for entity in entities
        if wanted <= _identifiers(entity) and _has(entity, message)
    )


def window(query: str) -> slice:
    """Return which part of a collection ?page=P&number=N asks for; P is from 1.

    Raises BadRequest, or TooLarge for a number that is too large, as the
    specification wants it.
    """
    # Its own example parts them by a semicolon.
    found = parse_qs(query.replace(";", "&"), keep_blank_values=True)
    if "page" not in found and "number" not in found:
        return slice(None)
    page, number = (_positive(name, found.get(name, [])) for name in ("page", "number"))
    if number > _LARGEST:
        raise TooLarge(
            f"number={number} is too large.", mend=f"Ask for {_LARGEST} at most."
        )
    return slice((page - 1) * number, page * number)


def _positive(name: str, values: list[str]) -> int:
    if not values:
        raise BadRequest(
            f"The query has no {name}.",
            mend="Pages need both: ?page=1&number=100 for the first hundred.",
        )
    (value, *more) = values
    if more:
        raise BadRequest(f"{name} stands twice in the query.")
    if not (value.isascii() and value.isdecimal() and value.strip("0")):
        raise BadRequest(f"{name}={shown(value)} is no whole number above 0.")
    if len(value) > _DIGITS:
        raise TooLarge(f"{name}={shown(value)} is too large.")
    return int(value)


def _identifiers(entity: Entity) -> set[str]:
    return {*_lineage(entity.kind), *(mixin.identifier for mixin in entity.mixins)}


def _lineage(kind: Kind) -> Iterator[str]:
    yield kind.identifier
    # A parent that is not among the known kinds still has its name.
    parent = kind.parent
    while parent:
        yield parent
        known = catalog.KINDS.get(parent)
        parent = known.parent if known else ""


def _has(entity: Entity, message: Message) -> bool:
    found = dict(message_of(entity).attributes)
    return all(
        name in found and _same(name, found[name], value)
        for name, value in message.attributes
    )


def _same(name: str, found: Value, wanted: Value) -> bool:
    if name in _ENDS and isinstance(found, str) and isinstance(wanted, str):
        place = urlsplit(found).path
        return found == wanted or (wanted[:1] == "/" and place.endswith(wanted))
    # For Python 1 is True.
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return found == wanted
