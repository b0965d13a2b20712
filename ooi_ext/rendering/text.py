# SPDX-License-Identifier: Apache-2.0
"""text/plain, text/occi+plain and text/occi (GFD.185, GFD.229).

Owns: the four fields Category, Link, X-OCCI-Attribute and X-OCCI-Location,
read and written side by side, in a body or in headers. Must never: know
which kinds exist, nor let a value break out of its line.
Read first: parse_plain and render_plain; the fields follow in pairs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import (
    Action,
    Attribute,
    Body,
    Kind,
    Link,
    Message,
    Mixin,
    Value,
    message_of,
)
from ooi_ext.rendering.grammar import (
    SCHEME,
    TERM,
    URI,
    Element,
    Params,
    elements,
    encodable,
    parse_value,
    render_uri,
    render_value,
)

Headers = tuple[tuple[str, str], ...]

# Python's http.client gives up at 100 headers or at a line of 64 KiB, proxies
# at 8 KiB a line; so elements are joined, but only up to this many characters.
_HEADER_LENGTH = 4000

_FIELDS = ("Category", "Link", "X-OCCI-Attribute", "X-OCCI-Location")
_FIELD_BY_NAME = {name.lower(): name for name in _FIELDS}
_DEFINITION = re.compile(rf"({TERM.pattern})(?:\{{([a-z ]*)\}})?(?: +|$)")


def parse_plain(body: bytes, headers: Mapping[str, str]) -> Message:
    """Return what a text/plain body says; the headers are not looked at.

    Lines end in LF or CRLF. Raises BadRequest, naming the offending text.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = repr(body[error.start : error.end])
        raise BadRequest(
            f"The body is not UTF-8: {bad} at byte {error.start}."
        ) from error
    fields = []
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if not line.strip():
            continue
        name, _, value = line.partition(":")
        field = _FIELD_BY_NAME.get(name.strip().lower())
        if field is None:
            raise BadRequest(
                f"The line {shown(line)} is no line of an OCCI text.",
                mend=f"A line begins with one of: {', '.join(_FIELDS)}.",
            )
        fields.append((field, value))
    return _message(fields)


def parse_headers(body: bytes, headers: Mapping[str, str]) -> Message:
    """Return what the headers of a text/occi request say, not the body.

    `headers` maps lower-case names to values as WSGI gives them: bytes in
    the form of latin-1. Raises BadRequest, naming the offending text.
    """
    fields = []
    for field in _FIELDS:
        value = headers.get(field.lower(), "")
        try:
            fields.append((field, value.encode("latin-1").decode("utf-8")))
        except UnicodeError as error:
            raise BadRequest(
                f"The header {field} is not UTF-8: {shown(value)}."
            ) from error
    return _message(fields)


def render_plain(body: Body) -> tuple[Headers, bytes]:
    """Return no header, and `body` as lines of UTF-8, LF between them.

    There is no LF at the end: clients take the last segment of a location
    from the raw text.
    """
    lines = (f"{field}: {value}" for field, value in _fields(message_of(body)))
    return (), "\n".join(lines).encode("utf-8")


def render_headers(body: Body) -> tuple[Headers, bytes]:
    """Return `body` as headers (UTF-8 in the form of latin-1), and "OK".

    "The body MUST contain the string OK" (GFD.229 section 7).
    """
    headers: list[tuple[str, str]] = []
    for field, value in _fields(message_of(body)):
        raw = value.encode("utf-8").decode("latin-1")
        if headers and headers[-1][0] == field:
            joined = f"{headers[-1][1]}, {raw}"
            if len(joined) <= _HEADER_LENGTH:
                headers[-1] = (field, joined)
                continue
        headers.append((field, raw))
    return tuple(headers), b"OK"


def render_error(status: int, message: str) -> tuple[Headers, bytes]:
    """Return no header, and an error as one line; the status says the rest."""
    return (), message.encode("utf-8", "replace")


def render_error_header(status: int, message: str) -> tuple[Headers, bytes]:
    """Return an error as a header, where text/occi has everything, and as a body.

    No document of OCCI names such a field; X-OCCI-Error is what servers send.
    """
    line = message if message.isprintable() else shown(message)
    raw = line.encode("utf-8", "replace")
    return (("X-OCCI-Error", raw.decode("latin-1")),), raw


def _message(fields: Iterable[tuple[str, str]]) -> Message:
    categories: list[Kind | Mixin | Action] = []
    links: list[Link] = []
    attributes: list[tuple[str, Value]] = []
    locations: list[str] = []
    for field, value in fields:
        for element in elements(field, value):
            match field:
                case "Category":
                    categories.append(_parse_category(element))
                case "Link":
                    links.append(_parse_link(element))
                case "X-OCCI-Attribute":
                    attributes.append(_parse_attribute(element))
                case _:
                    locations.append(_parse_location(element))
    return Message(
        categories=tuple(categories),
        links=tuple(links),
        attributes=tuple(attributes),
        locations=tuple(locations),
    )


def _fields(message: Message) -> Iterator[tuple[str, str]]:
    # GFD.229 section 5.1: categories, then links, then attributes.
    for category in message.categories:
        yield "Category", _render_category(category)
    for link in message.links:
        yield "Link", _render_link(link)
    for name, value in message.attributes:
        yield "X-OCCI-Attribute", f"{name}={render_value(value)}"
    for location in message.locations:
        yield "X-OCCI-Location", render_uri(location)


def _parse_category(element: Element) -> Kind | Mixin | Action:
    term = element.parts[0]
    if not TERM.fullmatch(term):
        raise element.malformed(f"{shown(term)} is no term")
    params = Params(element)
    scheme = params.text("scheme", SCHEME)
    if not scheme:
        raise element.malformed('scheme="..." is missing')
    class_name = params.text("class")
    title = params.text("title")
    rel = params.identifiers("rel")
    location = params.text("location", URI)
    attributes = _parse_definitions(params.text("attributes"), element)
    actions = params.identifiers("actions")
    if params.rest():
        raise element.malformed(f"{shown(params.rest()[0][0])} is unknown")
    match class_name:
        case "kind":
            return Kind(
                scheme=scheme,
                term=term,
                title=title,
                attributes=attributes,
                parent=" ".join(rel),
                actions=actions,
                location=location,
            )
        case "mixin":
            return Mixin(
                scheme=scheme,
                term=term,
                title=title,
                attributes=attributes,
                depends=rel,
                actions=actions,
                location=location,
            )
        case "action":
            return Action(scheme=scheme, term=term, title=title, attributes=attributes)
        case _:
            raise element.malformed('class is not "kind", "mixin" or "action"')


def _render_category(category: Kind | Mixin | Action) -> str:
    # Clients read this with one regular expression: the order is fixed, and a
    # title must hold no quote, backslash, semicolon or comma at all.
    title = re.sub(r'[";\\,\x00-\x1f\x7f]', " ", encodable(category.title))
    rel, location, actions = "", "", ""
    if isinstance(category, Kind):
        rel = category.parent
    elif isinstance(category, Mixin):
        # "only the first value MUST be used" (GFD.229 section 5.5.2)
        rel = "".join(category.depends[:1])
    if not isinstance(category, Action):
        location = render_uri(category.location)
        actions = " ".join(category.actions)
    params = (
        ("scheme", category.scheme),
        ("class", category.class_name),
        ("title", " ".join(title.split())),
        ("rel", rel),
        ("location", location),
        ("attributes", " ".join(map(_render_definition, category.attributes))),
        ("actions", actions),
    )
    return "; ".join([category.term, *(f'{k}="{v}"' for k, v in params if v)])


def _parse_definitions(text: str, element: Element) -> tuple[Attribute, ...]:
    found = []
    at = 0
    while at < len(text):
        match = _DEFINITION.match(text, at)
        properties = set((match[2] or "").split()) if match else set()
        if match is None or properties - {"immutable", "required"}:
            raise element.malformed(f"{shown(text[at:])} in attributes")
        required, mutable = "required" in properties, "immutable" not in properties
        found.append(Attribute(match[1], required=required, mutable=mutable))
        at = match.end()
    return tuple(found)


def _render_definition(attribute: Attribute) -> str:
    properties = ["required"] if attribute.required else []
    properties += [] if attribute.mutable else ["immutable"]
    return attribute.name + ("{" + " ".join(properties) + "}" if properties else "")


def _parse_link(element: Element) -> Link:
    target = element.parts[0]
    if not (target.startswith("<") and URI.fullmatch(target[1:-1])):
        raise element.malformed("it begins with <the target>")
    params = Params(element)
    rel = params.identifiers("rel")
    if not rel:
        raise element.malformed('rel="type of the target" is missing')
    self = params.text("self", URI)
    category = params.identifiers("category")
    return Link(target[1:-1], rel, self, category, params.rest())


def _render_link(link: Link) -> str:
    params = (
        ("rel", " ".join(link.rel)),
        ("self", render_uri(link.self)),
        ("category", " ".join(link.category)),
    )
    return "; ".join(
        [
            f"<{render_uri(link.target)}>",
            *(f'{k}="{v}"' for k, v in params if v),
            *(f"{k}={render_value(v)}" for k, v in link.attributes),
        ]
    )


def _parse_attribute(element: Element) -> tuple[str, Value]:
    name, equals, raw = (s.strip() for s in element.parts[0].partition("="))
    if len(element.parts) > 1 or not equals or not TERM.fullmatch(name):
        raise element.malformed("it is not name=value")
    value = parse_value(raw)
    if value is None:
        raise element.malformed('a value is "text", a number, true or false')
    return name, value


def _parse_location(element: Element) -> str:
    if len(element.parts) > 1 or not URI.fullmatch(element.parts[0]):
        raise element.malformed("it is not one URI")
    return element.parts[0]
