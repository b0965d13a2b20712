# SPDX-License-Identifier: Apache-2.0
"""application/occi+json (GFD.226): documents to and from the model.

Owns: the shape of every document, read and written side by side. Must never:
know which kinds exist; a member it does not know is refused, never dropped.
Read first: parse and render; entities, links and categories follow in pairs.
The attributes occi.core.id, title, summary, source and target are members of
an entity here, and attributes in the model.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import (
    Action,
    Body,
    Collection,
    Entity,
    Kind,
    Link,
    LinkEntity,
    Message,
    Mixin,
    QueryInterface,
    Resource,
    Value,
    message_of,
)
from ooi_ext.rendering import json_categories
from ooi_ext.rendering.grammar import IDENTIFIER, TERM, URI
from ooi_ext.rendering.json_categories import reference, without_empty
from ooi_ext.rendering.members import Members, decoded, items, scalar, text

Json = dict[str, Any]

# member -> attribute
_CORE = {
    "id": "occi.core.id",
    "title": "occi.core.title",
    "summary": "occi.core.summary",
}
_ENDS = {"source": "occi.core.source", "target": "occi.core.target"}


def parse(body: bytes, headers: Mapping[str, str]) -> Message:
    """Return what a document says; the headers are not looked at.

    It is an entity or a part of one, a collection of one entity, the
    invocation of an action, categories, or a list of locations. Raises
    BadRequest, naming the place in the document.
    """
    document = decoded(body)
    if isinstance(document, list):
        return Message(locations=_parse_locations(document))
    members = Members(document)
    if "action" in members:
        return _parse_invocation(members)
    if _is_collection(members):
        return _parse_one(members)
    if "term" in members:
        # The only category that a client can bring is a mixin of its own.
        return Message(categories=(json_categories.parse_mixin(members),))
    if json_categories.is_list(document):
        return Message(categories=json_categories.parse(members))
    return _parse_entity(members)


def render(body: Body) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Return no header, and `body` as one JSON document in UTF-8."""
    match body:
        case Collection() if body.locations and not body.entities:
            # GFD.226 has no document for bare locations, such as the answer to
            # a create; this list is what clients of it (rOCCI 5) read.
            document: Any = list(body.locations)
        case Collection():
            document = _render_collection(body.entities)
        case QueryInterface():
            document = json_categories.render(body.categories)
        case Resource() | LinkEntity():
            document = _render_entity(message_of(body), location=body.location)
        case _:
            document = _render_message(body)
    return (), _encoded(document)


def render_error(
    status: int, message: str
) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Return no header, and an error as a document.

    GFD.226 has none for errors. The form is Keystone's, because the clients
    of a cloud meet that one anyway, before they get here.
    """
    error = {"code": status, "title": HTTPStatus(status).phrase, "message": message}
    return (), _encoded({"error": error})


def _encoded(document: Any) -> bytes:
    plain = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # Half a character becomes a question mark.
    return plain.encode("utf-8", "replace")


def _parse_locations(document: list[Any]) -> tuple[str, ...]:
    found = items(document, place="The list")
    return tuple(text(item, place=at, pattern=URI) for at, item in found)


def _parse_invocation(members: Members) -> Message:
    identifier = members.text("action", IDENTIFIER)
    attributes = _parse_attributes(members.members("attributes"))
    members.end()
    return Message(
        categories=(reference(Action, identifier),),
        attributes=tuple(attributes.items()),
    )


def _render_message(message: Message) -> Any:
    if message.locations:
        return list(message.locations)
    for category in message.categories:
        if isinstance(category, Action):
            attributes = dict(message.attributes)
            return {"action": category.identifier, "attributes": attributes}
    return _render_entity(message)


def _is_collection(members: Members) -> bool:
    # "links" alone is a collection, beside other members it belongs to a
    # resource.
    return "resources" in members or [n for n, _ in members.rest()] == ["links"]


def _parse_one(members: Members) -> Message:
    resources = [
        _parse_entity(Members(item, place=at))
        for at, item in members.items("resources")
    ]
    links = [
        _parse_entity(Members(item, place=at)) for at, item in members.items("links")
    ]
    members.end()
    if len(resources) + len(links) <= 1:
        return (*resources, *links, Message())[0]
    if len(resources) != 1:
        raise BadRequest(
            f"The collection holds {len(resources)} resources and {len(links)} "
            "links; a request is about one entity.",
            mend="Name many by a list of their locations.",
        )
    # rOCCI 4 repeats the links of a resource, or puts them, beside it.
    (resource,) = resources
    beside = [_link_of(link, place="links") for link in links]
    more = tuple(link for link in beside if link not in resource.links)
    return Message(
        categories=resource.categories,
        links=resource.links + more,
        attributes=resource.attributes,
    )


def _render_collection(entities: Iterable[Entity]) -> Json:
    found: dict[str, list[Json]] = {"resources": [], "links": []}
    for entity in entities:
        name = "resources" if isinstance(entity, Resource) else "links"
        document = _render_entity(message_of(entity), location=entity.location)
        found[name].append(document)
    return without_empty(found)


def _parse_entity(members: Members) -> Message:
    kind = members.text("kind", IDENTIFIER)
    mixins = members.texts("mixins", IDENTIFIER)
    actions = members.texts("actions", IDENTIFIER)
    attributes: dict[str, Value] = {}
    for member, name in _CORE.items():
        if member in members:
            attributes[name] = members.text(member)
    for member in _ENDS:
        attributes.update(_parse_end(members, member))
    where = members.at("attributes")
    for name, value in _parse_attributes(members.members("attributes")).items():
        # Beside the members rOCCI repeats them as attributes.
        if attributes.setdefault(name, value) != value:
            raise BadRequest(
                f"{where} has another {shown(name)} than the member of that meaning."
            )
    links = tuple(
        _link_of(_parse_entity(Members(item, place=at)), place=at)
        for at, item in members.items("links")
    )
    members.end()
    return Message(
        categories=(
            *((reference(Kind, kind),) if kind else ()),
            *(reference(Mixin, mixin) for mixin in mixins),
        ),
        links=(*links, *(_action_link(action) for action in actions)),
        attributes=tuple(attributes.items()),
    )


def _render_entity(message: Message, *, location: str = "") -> Json:
    attributes = dict(message.attributes)
    links, actions = [], []
    for link in message.links:
        if _is_action(link):
            actions.append(link.rel[0])
        else:
            links.append(link)
    named = [c.identifier for c in message.categories if isinstance(c, Kind)]
    kind = "".join(named[:1])
    source = {"occi.core.source": location, "occi.core.source.kind": kind}
    document: Json = {
        "kind": kind,
        "mixins": [c.identifier for c in message.categories if isinstance(c, Mixin)],
        "actions": actions,
        **{member: _render_end(attributes, name) for member, name in _ENDS.items()},
        "links": [_render_entity(_message_of(link, source)) for link in links],
    }
    document = {member: value for member, value in document.items() if value}
    for member, name in _CORE.items():
        if name in attributes:
            document[member] = attributes.pop(name)
    return {**document, "attributes": attributes}


def _parse_end(members: Members, member: str) -> dict[str, Value]:
    """Return the attributes that a source or a target stands for."""
    if member not in members:
        return {}
    where = members.at(member)
    value = members.take(member)
    # rOCCI 4 writes the location alone, and its kind as rel beside it.
    named = isinstance(value, str)
    end = Members({"location": value} if named else value, place=where)
    location = end.text("location", URI)
    kind = end.text("kind", IDENTIFIER)
    end.end()
    if not location:
        raise BadRequest(f"{where} has no location.")
    if member == "target":
        kind = members.text("rel", IDENTIFIER) or kind
    found: dict[str, Value] = {_ENDS[member]: location}
    return {**found, f"{_ENDS[member]}.kind": kind} if kind else found


def _render_end(attributes: dict[str, Value], name: str) -> Json:
    location = attributes.pop(name, "")
    kind = attributes.pop(f"{name}.kind", "")
    end = {"location": location, "kind": kind}
    return {k: v for k, v in end.items() if v} if location else {}


def _link_of(message: Message, *, place: str) -> Link:
    """Return a link as its resource refers to it."""
    attributes = dict(message.attributes)
    target = attributes.pop("occi.core.target", "")
    kind = attributes.pop("occi.core.target.kind", "")
    if not target or message.links:
        raise BadRequest(f"{place} is no link: it has no target, or links of its own.")
    return Link(
        target=str(target),
        rel=(str(kind),) if kind else (),
        category=tuple(c.identifier for c in message.categories),
        attributes=tuple(attributes.items()),
    )


def _message_of(link: Link, source: Mapping[str, Value]) -> Message:
    """Return a link that a resource refers to as an entity of its own."""
    # GFD.226 wants an id, and has no place for the link's own URI.
    own_id = link.self.rstrip("/").rpartition("/")[2]
    own: dict[str, Value] = {
        **({"occi.core.id": own_id} if own_id else {}),
        **source,
        **dict(link.attributes),
        "occi.core.target": link.target,
        "occi.core.target.kind": "".join(link.rel[:1]),
    }
    kind, *mixins = link.category or ("",)
    return Message(
        categories=(
            *((reference(Kind, kind),) if kind else ()),
            *(reference(Mixin, mixin) for mixin in mixins),
        ),
        attributes=tuple(own.items()),
    )


def _action_link(action: str) -> Link:
    # From the entity's own URI, whatever that is (RFC 3986 section 5.2).
    return Link(f"?action={action.rpartition('#')[2]}", (action,))


def _is_action(link: Link) -> bool:
    """Return whether a link only says that an action is there."""
    terms = [identifier.rpartition("#")[2] for identifier in link.rel]
    return not link.category and any(
        link.target.endswith(f"?action={term}") for term in terms
    )


def _parse_attributes(members: Members) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in _flat(members):
        if name in found:
            raise BadRequest(f"The attribute {shown(name)} stands twice.")
        found[name] = value
    return found


def _flat(members: Members) -> Iterator[tuple[str, Value]]:
    for name, value in members.rest():
        where = members.at(shown(name))
        if not TERM.fullmatch(name):
            raise BadRequest(f"{where} is no name of an attribute.")
        if isinstance(value, dict):
            # rOCCI 4 has an object for each part of a name between dots.
            if not value:
                raise BadRequest(f"{where} is an object of nothing, and no value.")
            for more, deep in _flat(Members(value, place=where)):
                yield f"{name}.{more}", deep
        else:
            yield name, scalar(value, place=where)
