# SPDX-License-Identifier: Apache-2.0
"""A client's message held against the catalog: what it asks for, or a 400.

Owns: the checks that are the same for every kind and every rendering, so
that a handler never sees an unknown category or a value of the wrong type.
Must never: ask a service; whether a template exists is the service's word.
Read first: entity, then update and action.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ooi_ext import catalog
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
_IGNORED = ("occi.core.id", "occi.core.source.kind", "occi.core.target.kind")
_SOURCE = "occi.core.source"

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
    links: tuple["LinkWish", ...] = ()

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


@dataclass(frozen=True, kw_only=True)
class LinkWish(Wish):
    """A link in a request for a resource, to what `target` names.

    `kind` is that of the link; `target` is what stands behind the location of
    `target_kind`: an id, or a name, not yet believed.
    """

    target_kind: Kind
    target: str


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
    mixins = _mixins(message, kind, kind_needed=True)
    return Wish(
        kind=kind,
        mixins=mixins,
        attributes=_attributes(
            message.attributes,
            catalog.attributes(kind, mixins),
            ignored=_ignored(kind),
        ),
        links=tuple(_link(link) for link in message.links),
    )


def update(message: Message, *, kind: Kind, whole: bool = False) -> Wish:
    """Return what `message` wants changed in an entity of `kind`.

    It is a part of the entity (POST), and nothing in it is required, or the
    `whole` of it (PUT): then it repeats what nobody can set, as a client got
    it, and that is passed over. The links of an entity stay as they are, "any
    Links associated with an existing Resource MUST be left intact" (GFD.223
    section 10.2.2). Raises BadRequest, naming the offending part.
    """
    if not message.categories and not message.attributes:
        raise BadRequest(
            "The request names nothing to change.",
            mend="Send the attributes to be changed, and the mixins to be added.",
        )
    if message.links and not whole:
        raise BadRequest(
            f"The link to {shown(message.links[0].target)} cannot be added so.",
            mend="POST it to the location of its kind: GET /-/ shows them.",
        )
    mixins = _mixins(message, kind, kind_needed=whole)
    definitions = catalog.attributes(kind, mixins)
    ignored = _ignored(kind)
    if whole:
        ignored += tuple(d.name for d in definitions if not d.mutable)
    return Wish(
        kind=kind,
        mixins=mixins,
        attributes=_attributes(
            message.attributes, definitions, ignored=ignored, complete=whole
        ),
    )


def action(message: Message, *, name: str, kind: Kind) -> tuple[Action, Attributes]:
    """Return the action `name` (of the URL) of `kind`, and its attributes.

    Raises BadRequest, naming the offending text.
    """
    known = {catalog.ACTIONS[i].term: catalog.ACTIONS[i] for i in kind.actions}
    if name not in known:
        raise BadRequest(
            f"A {kind.term} has no action {shown(name)}.",
            mend=f"It has {', '.join(known) or 'none'}.",
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


def place(uri: str, *, kind: Kind) -> str:
    """Return the last segment of the URI of an entity of `kind`.

    Clients write /network/ID, /prefix/network/ID and the full URI. It is not
    known to be an id. Raises BadRequest.
    """
    before, _, last = uri.rstrip("/").rpartition("/")
    if not last or not f"{before}/".endswith(kind.location):
        raise BadRequest(
            f"The URI {shown(uri)} is no {kind.term}.",
            mend=f"It must end in {kind.location}ID.",
        )
    return last


def _ignored(kind: Kind) -> tuple[str, ...]:
    # Only a link has a source; clients send one with anything.
    return _IGNORED if kind.identifier in catalog.TARGETS else (*_IGNORED, _SOURCE)


def _mixins(message: Message, kind: Kind, *, kind_needed: bool) -> tuple[Mixin, ...]:
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
    if kind_needed and kind.identifier not in seen:
        raise BadRequest(
            f"The request names no kind; here it is {shown(kind.identifier)}."
        )
    return tuple(mixins)


def _mixin(named: Mixin, kind: Kind) -> Mixin:
    base = catalog.TEMPLATES.get(named.scheme)
    known = base or catalog.MIXINS.get(named.identifier)
    if known is None or kind.identifier not in known.applies:
        raise BadRequest(
            f"The mixin {shown(named.identifier)} is not known for a {kind.term}.",
            mend="GET /-/ lists those there are.",
        )
    if base is None:
        return known
    # Whether it exists is the service's word; only its sort counts here.
    return Mixin(
        scheme=named.scheme,
        term=named.term,
        depends=(base.identifier,),
        applies=base.applies,
    )


def _attributes(
    given: Attributes,
    definitions: Iterable[Attribute],
    *,
    ignored: tuple[str, ...] = (),
    complete: bool = True,
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
    for definition in known.values():
        if complete and definition.required and definition.name not in found:
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


def _link(link: Link) -> LinkWish:
    kind, target_kind = _sort(link)
    mixins = tuple(_mixin(_named(identifier), kind) for identifier in link.category[1:])
    given = tuple(
        # The core ones only repeat the link, or are made up by the client.
        (name, value)
        for name, value in link.attributes
        if not name.startswith("occi.core.")
    )
    definitions = catalog.attributes(kind, mixins)
    try:
        found = _attributes(given, definitions, complete=False)
    except BadRequest as error:
        error.what += f" It stands in the link to {shown(link.target)}."
        raise
    return LinkWish(
        kind=kind,
        mixins=mixins,
        attributes=found,
        target_kind=target_kind,
        target=_target(link.target, target_kind),
    )


def _sort(link: Link) -> tuple[Kind, Kind]:
    """Return the kind of `link` and of its target, as it names them."""
    for identifier, targets in catalog.TARGETS.items():
        for target in targets:
            if target.identifier in link.rel and link.category[:1] in (
                (),
                (identifier,),
            ):
                return catalog.KINDS[identifier], target
    ways = "; ".join(
        f"rel {target.identifier} with category {identifier}"
        for identifier, targets in catalog.TARGETS.items()
        for target in targets
    )
    raise BadRequest(
        f"A link to {shown(link.target)} of rel {shown(' '.join(link.rel))} and "
        f"category {shown(' '.join(link.category))} cannot be made here.",
        mend=f"There are: {ways}.",
    )


def _named(identifier: str) -> Mixin:
    scheme, _, term = identifier.rpartition("#")
    return Mixin(scheme=f"{scheme}#", term=term)


def _target(uri: str, kind: Kind) -> str:
    try:
        return place(uri, kind=kind)
    except BadRequest as error:
        raise BadRequest(
            f"The link target {shown(uri)} is no {kind.term}.", mend=error.mend
        ) from error
