# SPDX-License-Identifier: Apache-2.0
"""A client's message held against the kinds: what it asks for, or a 400.

Owns: the checks that are the same for every kind and every rendering, so
that a handler never sees an unknown category or a value of the wrong type.
Must never: ask a service; whether a template exists is the service's word.
Read first: entity, then action.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ooi_ext import kinds
from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import (
    Action,
    Attribute,
    Attributes,
    Kind,
    Link,
    Message,
    Mixin,
    Value,
)

# Clients make these up and send them along; the service's own values hold.
_IGNORED = ("occi.core.id", "occi.core.source")

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """An entity that a client wants, every part of it known and well typed."""

    kind: Kind
    mixins: tuple[Mixin, ...]
    attributes: Mapping[str, Value]
    links: tuple[Link, ...]

    def text(self, *names: str) -> str:
        """Return the first string given under one of `names`, else empty."""
        for name in names:
            if name in self.attributes:
                return str(self.attributes[name])
        return ""

    def number(self, name: str) -> int | float:
        """Return the number given under `name`, else 0."""
        value = self.attributes.get(name, 0)
        return 0 if isinstance(value, str) else value

    def term(self, template: Mixin) -> str:
        """Return the term of the template of that sort, empty if none is named.

        Raises BadRequest when two are named.
        """
        terms = [m.term for m in self.mixins if template.identifier in m.depends]
        if len(terms) > 1:
            both = f"{shown(terms[0])} and {shown(terms[1])}"
            raise BadRequest(f"Two mixins of {template.term} are named: {both}.")
        return terms[0] if terms else ""


def entity(message: Message, *, kind: Kind) -> Wish:
    """Return what `message` asks to be made, an entity of `kind`.

    Raises BadRequest, naming the offending category or attribute.
    """
    if not message.categories:
        raise BadRequest(
            "The request names no Category.",
            mend=f'Begin with: Category: {kind.term}; scheme="{kind.scheme}"; '
            f'class="{kind.class_name}"',
        )
    mixins = []
    seen = set()
    for category in message.categories:
        if category.identifier in seen:
            raise BadRequest(f"Category {shown(category.identifier)} stands twice.")
        seen.add(category.identifier)
        if isinstance(category, Mixin):
            mixins.append(_mixin(category, kind))
        elif not isinstance(category, Kind) or category.identifier != kind.identifier:
            raise BadRequest(
                f"The {category.class_name} {shown(category.identifier)} has no "
                f"place in a request for a {kind.term}."
            )
    if kind.identifier not in seen:
        raise BadRequest(
            f"The request names no kind; here it is {shown(kind.identifier)}."
        )
    definitions = [*_inherited(kind), *(a for m in mixins for a in m.attributes)]
    return Wish(
        kind=kind,
        mixins=tuple(mixins),
        attributes=_attributes(message.attributes, definitions, ignored=_IGNORED),
        links=tuple(_link(link) for link in message.links),
    )


def action(message: Message, *, name: str, kind: Kind) -> tuple[Action, Attributes]:
    """Return the action `name` (of the URL) of `kind`, and its attributes.

    Raises BadRequest, naming the offending text.
    """
    known = {kinds.ACTIONS[i].term: kinds.ACTIONS[i] for i in kind.actions}
    if name not in known:
        raise BadRequest(
            f"A {kind.term} has no action {shown(name)}.",
            mend=f"It has {', '.join(known)}.",
        )
    wanted = known[name]
    found = [f"{c.class_name} {shown(c.identifier)}" for c in message.categories]
    if found != [f"action {shown(wanted.identifier)}"]:
        raise BadRequest(
            f"?action={name} needs one Category, the action "
            f"{shown(wanted.identifier)}, but the request names "
            f"{' and '.join(found) or 'none'}."
        )
    return wanted, tuple(_attributes(message.attributes, wanted.attributes).items())


def _mixin(named: Mixin, kind: Kind) -> Mixin:
    if named.scheme in kinds.TEMPLATES:
        base = kinds.TEMPLATES[named.scheme]
        # Whether it exists is the service's word; only its sort counts here.
        return Mixin(scheme=named.scheme, term=named.term, depends=(base.identifier,))
    mixin = kinds.MIXINS.get(named.identifier)
    if mixin is None or kind.identifier not in mixin.applies:
        raise BadRequest(
            f"The mixin {shown(named.identifier)} is not known for a {kind.term}.",
            mend="GET /-/ lists those there are.",
        )
    return mixin


def _inherited(kind: Kind) -> Iterator[Attribute]:
    ancestor: Kind | None = kind
    while ancestor is not None:
        yield from ancestor.attributes
        ancestor = kinds.KINDS.get(ancestor.parent)


def _attributes(
    given: Attributes,
    definitions: list[Attribute] | tuple[Attribute, ...],
    *,
    ignored: tuple[str, ...] = (),
) -> dict[str, Value]:
    known = {definition.name: definition for definition in definitions}
    found: dict[str, Value] = {}
    for name, value in given:
        if name in ignored:
            continue
        if name not in known:
            raise BadRequest(
                f"The attribute {shown(name)} is not known here.",
                mend="Does it belong to a mixin that the request does not name?",
            )
        if name in found:
            raise BadRequest(f"The attribute {shown(name)} stands twice.")
        _value(known[name], value)
        found[name] = value
    for definition in definitions:
        if definition.required and definition.name not in found:
            raise BadRequest(f"The attribute {shown(definition.name)} is missing.")
    return found


def _value(definition: Attribute, value: Value) -> None:
    name = shown(definition.name)
    if not definition.mutable:
        raise BadRequest(f"The attribute {name} is immutable: leave it out.")
    wrong_type = not isinstance(value, _TYPES[definition.type])
    if wrong_type or (isinstance(value, bool) and definition.type != "boolean"):
        article = "an" if definition.type == "integer" else "a"
        raise BadRequest(
            f"The attribute {name} is {article} {definition.type}, "
            f"not {shown(str(value))}."
        )
    if definition.choices and value not in definition.choices:
        raise BadRequest(
            f"The attribute {name} cannot be {shown(str(value))}.",
            mend=f"It is one of {', '.join(definition.choices)}.",
        )


def _link(link: Link) -> Link:
    wanted = (kinds.NETWORK_INTERFACE.identifier,)
    if kinds.NETWORK.identifier not in link.rel or link.category[:1] not in (
        (),
        wanted,
    ):
        raise BadRequest(
            f"A link to {shown(link.target)} of rel {shown(' '.join(link.rel))} "
            "cannot be made here.",
            mend=f"Links go to a network: rel {kinds.NETWORK.identifier}, "
            f"category {kinds.NETWORK_INTERFACE.identifier}.",
        )
    for name, _ in link.attributes:
        # The core ones only repeat the link, or are made up by the client.
        if not name.startswith("occi.core."):
            raise BadRequest(
                f"The attribute {shown(name)} of the link to {shown(link.target)} "
                "cannot be set here."
            )
    return link
