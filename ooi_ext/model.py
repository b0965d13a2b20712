# SPDX-License-Identifier: Apache-2.0
"""The OCCI core model (GFD.183, GFD.221) as frozen values.

Owns: the types that all other rooms speak of. Kind, Mixin and Action are
definitions; Resource, Collection and QueryInterface are what the service
answers; Message is what a client sent, well formed but not yet believed.
Must never: know HTTP, a rendering or OpenStack. Read first: Category.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

Value = str | bool | int | float
Attributes = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Attribute:
    """The definition of one attribute of a kind, mixin or action.

    `type` is string, integer, number or boolean; `choices`, if given, are the
    only values allowed. The text renderings carry only name, `required` and
    `mutable` (GFD.229 section 4.1).
    """

    name: str
    type: str = "string"
    required: bool = False
    mutable: bool = True
    choices: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Category:
    """What Kind, Mixin and Action share; `scheme` + `term` identify it."""

    class_name: ClassVar[str]

    scheme: str
    term: str
    title: str = ""
    attributes: tuple[Attribute, ...] = ()

    @property
    def identifier(self) -> str:
        return self.scheme + self.term


@dataclass(frozen=True, kw_only=True)
class Action(Category):
    """An operation that an entity may offer."""

    class_name = "action"


@dataclass(frozen=True, kw_only=True)
class Kind(Category):
    """The type of an entity. `parent` and `actions` are identifiers."""

    class_name = "kind"

    parent: str = ""
    actions: tuple[str, ...] = ()
    location: str = ""


@dataclass(frozen=True, kw_only=True)
class Mixin(Category):
    """An extension of an entity. `depends`, `applies`, `actions`: identifiers."""

    class_name = "mixin"

    depends: tuple[str, ...] = ()
    applies: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    location: str = ""


@dataclass(frozen=True)
class Link:
    """A reference from a resource to `target` (a URI reference).

    `rel` holds the identifiers of the target's type, or of an action; `self`
    is the URI of the link itself, empty when it has none (actions).
    """

    target: str
    rel: tuple[str, ...]
    self: str = ""
    category: tuple[str, ...] = ()
    attributes: Attributes = ()


@dataclass(frozen=True)
class Message:
    """What one text of OCCI says: well formed, but not yet checked."""

    categories: tuple[Kind | Mixin | Action, ...] = ()
    links: tuple[Link, ...] = ()
    attributes: Attributes = ()
    locations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resource:
    """One resource as the service shows it; every URI in it is complete.

    `location` is its own URI. Left empty it follows from the location of the
    kind and the id: see located.
    """

    kind: Kind
    mixins: tuple[Mixin, ...] = ()
    attributes: Attributes = ()
    links: tuple[Link, ...] = ()
    location: str = ""


@dataclass(frozen=True)
class End:
    """One end of a link: its URI, and the identifier of its kind if known."""

    location: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class LinkEntity:
    """A link as an entity of its own, as the service shows it.

    `attributes` hold those of its kind and mixins; `source` and `target` are
    the attributes occi.core.source and occi.core.target of a text rendering.
    `links` can only be references to its actions (GFD.229 section 5.1.2), and
    `location` is as for a Resource.
    """

    kind: Kind
    source: End
    target: End
    mixins: tuple[Mixin, ...] = ()
    attributes: Attributes = ()
    links: tuple[Link, ...] = ()
    location: str = ""


Entity = Resource | LinkEntity


def located(entity: Entity, endpoint: str) -> Entity:
    """Return `entity` with its complete URI; `endpoint` has no slash at its end."""
    if entity.location:
        return entity
    place = f"{entity.kind.location}{dict(entity.attributes).get('occi.core.id', '')}"
    complete = "://" in entity.kind.location
    return replace(entity, location=place if complete else endpoint + place)


@dataclass(frozen=True)
class Collection:
    """Some entities by their URIs.

    `entities` are the same in full, in the same order, where they were asked
    for: application/occi+json shows a collection so, the text renderings show
    the URIs alone.
    """

    locations: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True)
class QueryInterface:
    """All that the service can do (GFD.223 section 9)."""

    categories: tuple[Kind | Mixin | Action, ...] = ()


_NO_DEFINITION: dict[str, Any] = {"attributes": (), "actions": (), "location": ""}

Body = Resource | LinkEntity | Collection | QueryInterface | Message


def message_of(body: Body) -> Message:
    """Return what `body` says as the lines of a text rendering would."""
    match body:
        case Resource():
            return Message(
                categories=_references(body),
                links=body.links,
                attributes=body.attributes,
            )
        case LinkEntity():
            return Message(
                categories=_references(body),
                links=body.links,
                attributes=(
                    *body.attributes,
                    *_end("occi.core.source", body.source),
                    *_end("occi.core.target", body.target),
                ),
            )
        case Collection():
            return Message(locations=body.locations)
        case QueryInterface():
            return Message(categories=body.categories)
        case _:
            return body


def _end(name: str, end: End) -> Attributes:
    # The names of both are those of GFD.229 section 5.5.1.
    kind = ((f"{name}.kind", end.kind),) if end.kind else ()
    return ((name, end.location), *kind)


def _references(entity: Entity) -> tuple[Kind | Mixin, ...]:
    # In an entity a category is a reference: its definition belongs to the
    # query interface, repeating it would multiply every answer.
    kind = replace(entity.kind, parent="", **_NO_DEFINITION)
    mixins = (replace(m, depends=(), **_NO_DEFINITION) for m in entity.mixins)
    return (kind, *mixins)
