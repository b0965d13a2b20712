# SPDX-License-Identifier: Apache-2.0
"""Kinds, mixins and actions in application/occi+json (GFD.226 section 3.2).

Owns: the documents of categories and of attribute definitions, read and
written side by side. Must never: read or write an entity; that is occi_json.
Read first: parse and render.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import Action, Attribute, Kind, Mixin
from ooi_ext.rendering.grammar import IDENTIFIER, SCHEME, TERM, URI
from ooi_ext.rendering.members import Members, text

Json = dict[str, Any]
Category = Kind | Mixin | Action
Sort = TypeVar("Sort", Kind, Mixin, Action)

_SCHEMA = "http://json-schema.org/draft-04/schema#"
# "MUST be either "string", "number", "boolean", "array" or "object"": that a
# number is an integer is left to the JSON Schema of its pattern.
_TYPES = ("string", "number", "boolean", "array", "object")


def is_list(document: Json) -> bool:
    """Return whether a document lists categories.

    In an entity, mixins and actions are lists of identifiers.
    """
    found = (document.get("mixins"), document.get("actions"))
    heads = [item for items in found if isinstance(items, list) for item in items[:1]]
    return "kinds" in document or any(isinstance(head, dict) for head in heads)


def parse(members: Members) -> tuple[Category, ...]:
    """Return the categories of a list, defined in full or only named."""
    found: tuple[Category, ...] = (
        *_each(members, "kinds", Kind, _parse_kind),
        *_each(members, "mixins", Mixin, parse_mixin),
        *_each(members, "actions", Action, _parse_action),
    )
    members.end()
    return found


def render(categories: Iterable[Category]) -> Json:
    """Return the document of the query interface, or of a part of it."""
    found: dict[str, list[Json]] = {"kinds": [], "mixins": [], "actions": []}
    for category in categories:
        found[f"{category.class_name}s"].append(_render_category(category))
    return without_empty(found)


def without_empty(lists: Mapping[str, list[Json]]) -> Json:
    """Return `lists` without the empty ones, unless all of them are empty.

    The schema of GFD.226 has a collection of kinds with no member for mixins,
    and so on; one that holds nothing must still show what it is.
    """
    return {name: found for name, found in lists.items() if found} or dict(lists)


def reference(sort: type[Sort], identifier: str) -> Sort:
    """Return the category that is only named by `identifier`."""
    scheme, _, term = identifier.rpartition("#")
    return sort(scheme=f"{scheme}#", term=term)


def _each(
    members: Members, name: str, sort: type[Sort], parse_one: Callable[[Members], Sort]
) -> Iterator[Sort]:
    for at, item in members.items(name):
        if isinstance(item, str):
            yield reference(sort, text(item, place=at, pattern=IDENTIFIER))
        else:
            yield parse_one(Members(item, place=at))


def _parse_kind(members: Members) -> Kind:
    kind = Kind(
        **_parse_common(members),
        parent=members.text("parent", IDENTIFIER),
        actions=members.texts("actions", IDENTIFIER),
        location=members.text("location", URI),
    )
    members.end()
    return kind


def parse_mixin(members: Members) -> Mixin:
    """Return one mixin; raises BadRequest, naming the place in the document."""
    mixin = Mixin(
        **_parse_common(members),
        depends=members.texts("depends", IDENTIFIER),
        applies=members.texts("applies", IDENTIFIER),
        actions=members.texts("actions", IDENTIFIER),
        location=members.text("location", URI),
    )
    members.end()
    return mixin


def _parse_action(members: Members) -> Action:
    action = Action(**_parse_common(members))
    members.end()
    return action


def _parse_common(members: Members) -> dict[str, Any]:
    found: dict[str, Any] = {
        "term": members.text("term", TERM),
        "scheme": members.text("scheme", SCHEME),
    }
    for name, value in found.items():
        if not value:
            raise BadRequest(f"{members.at(name)} is missing.")
    definitions = members.members("attributes")
    return {
        **found,
        "title": members.text("title"),
        "attributes": tuple(_parse_definitions(definitions)),
    }


def _render_category(category: Category) -> Json:
    document: Json = {
        "term": category.term,
        "scheme": category.scheme,
        "title": category.title,
        "attributes": {a.name: _render_definition(a) for a in category.attributes},
    }
    match category:
        case Kind():
            document["parent"] = category.parent
        case Mixin():
            document["depends"] = list(category.depends)
            document["applies"] = list(category.applies)
    if not isinstance(category, Action):
        document["actions"] = list(category.actions)
        document["location"] = category.location
    return {name: value for name, value in document.items() if value}


def _parse_definitions(members: Members) -> Iterator[Attribute]:
    for name, value in members.rest():
        place = members.at(shown(name))
        if not TERM.fullmatch(name):
            raise BadRequest(f"{place} is no name of an attribute.")
        yield _parse_definition(name, Members(value, place=place))


def _parse_definition(name: str, members: Members) -> Attribute:
    sort = members.text("type") or "string"
    if sort not in _TYPES:
        raise BadRequest(
            f"{members.at('type')} cannot be {shown(sort)}.",
            mend=f"It is one of {', '.join(_TYPES)}.",
        )
    # Of the rest of JSON Schema we have no use; nor have we for a default.
    pattern = members.members("pattern")
    choices = pattern.take("enum")
    members.take("default")
    if sort == "number" and pattern.take("type") == "integer":
        sort = "integer"
    if not isinstance(choices, list) or not all(isinstance(c, str) for c in choices):
        choices = []
    attribute = Attribute(
        name,
        type=sort,
        required=members.flag("required"),
        mutable=members.flag("mutable"),
        choices=tuple(choices),
        description=members.text("description"),
    )
    members.end()
    return attribute


def _render_definition(attribute: Attribute) -> Json:
    integer = attribute.type == "integer"
    document: Json = {
        "mutable": attribute.mutable,
        "required": attribute.required,
        "type": "number" if integer else attribute.type,
    }
    if integer or attribute.choices:
        document["pattern"] = {"$schema": _SCHEMA, "type": attribute.type}
    if attribute.choices:
        document["pattern"]["enum"] = list(attribute.choices)
    if attribute.description:
        document["description"] = attribute.description
    return document
