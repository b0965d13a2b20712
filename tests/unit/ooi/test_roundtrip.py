# SPDX-License-Identifier: Apache-2.0
"""Every rendering reads what it writes, whatever the values, and any bytes.

Each has a form that loses nothing more when it is read: as_text and as_json
say what each cannot carry. Read them first.
"""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ooi_ext.errors import BadRequest
from ooi_ext.model import (
    Action,
    Attribute,
    Attributes,
    Body,
    Collection,
    End,
    Entity,
    Kind,
    Link,
    LinkEntity,
    Message,
    Mixin,
    QueryInterface,
    Resource,
    message_of,
)
from ooi_ext.rendering import media, text
from ooi_ext.rendering.media import MEDIA, Media

JSON = media.content("application/occi+json")
TEXTS = (media.PLAIN, media.HEADERS)

# The machine may be busy with other tests; what is slow is found elsewhere.
patient = settings(deadline=None)

terms = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True)
schemes = st.from_regex(r"[a-z]+://[a-z0-9./-]{1,20}#", fullmatch=True)
identifiers = st.builds(str.__add__, schemes, terms)
uris = st.from_regex(
    r"(https?://[a-z.]{1,9}(:\d+)?)?/[\w/?=&,;.-]{0,20}", fullmatch=True
)
names = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,10}", fullmatch=True)
titles = st.text(
    st.characters(blacklist_categories=("C", "Z"), blacklist_characters='";\\,')
)
strings = st.text(st.characters(blacklist_categories=("Cs", "Cc"))) | st.text(
    'a\n\r\t"\\,;<>é✓'
)
values = (
    strings
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
)
ids = st.lists(identifiers, max_size=2).map(tuple)
where = st.just("") | uris


def named_values(names: st.SearchStrategy[str]) -> st.SearchStrategy[Attributes]:
    return st.dictionaries(names, values, max_size=3).map(lambda d: tuple(d.items()))


definitions = st.builds(
    Attribute,
    names,
    type=st.sampled_from(["string", "number", "integer", "boolean"]),
    required=st.booleans(),
    mutable=st.booleans(),
    choices=st.lists(strings, max_size=2).map(tuple),
    description=strings,
)
common: dict[str, Any] = {
    "scheme": schemes,
    "term": terms,
    "title": titles,
    "attributes": st.lists(definitions, max_size=2, unique_by=lambda a: a.name).map(
        tuple
    ),
}
kinds = st.builds(
    Kind, parent=st.just("") | identifiers, actions=ids, location=where, **common
)
mixins = st.builds(
    Mixin, depends=ids, applies=ids, actions=ids, location=where, **common
)
actions = st.builds(Action, **common)
ends = st.builds(End, uris, st.just("") | identifiers)
own_links = st.builds(
    Link,
    uris,
    st.lists(identifiers, min_size=1, max_size=2).map(tuple),
    self=where,
    category=st.lists(identifiers, min_size=1, max_size=2).map(tuple),
    attributes=named_values(
        names.filter(lambda n: n not in ("rel", "self", "category"))
    ),
)
action_links = st.builds(
    lambda uri, action: Link(f"{uri}?action={action.rpartition('#')[2]}", (action,)),
    uris,
    identifiers,
)
core = st.fixed_dictionaries(
    {},
    optional={f"occi.core.{name}": strings for name in ("id", "title", "summary")},
).map(lambda d: tuple(d.items()))
entity: dict[str, Any] = {
    "kind": kinds,
    "mixins": st.lists(mixins, max_size=2).map(tuple),
    "attributes": st.builds(tuple.__add__, core, named_values(names)),
    "location": where,
}
resources = st.builds(
    Resource,
    links=st.lists(own_links | action_links, max_size=3).map(tuple),
    **entity,
)
link_entities = st.builds(
    LinkEntity,
    source=ends,
    target=ends,
    links=st.lists(action_links, max_size=1).map(tuple),
    **entity,
)
entities = resources | link_entities
invocations = st.builds(
    Message,
    categories=st.tuples(st.builds(Action, scheme=schemes, term=terms)),
    attributes=named_values(names),
)
query_interfaces = st.builds(
    QueryInterface, st.lists(kinds | mixins | actions, max_size=3).map(tuple)
)
# In text/occi commas and semicolons part the fields of a header.
plain_uris = uris.filter(lambda uri: "," not in uri and ";" not in uri)
collections = st.builds(Collection, st.lists(plain_uris, max_size=3).map(tuple))


def as_text(body: Body) -> Message:
    """A category has no type, choices and description of attributes, and one rel."""

    def category(full: Kind | Mixin | Action) -> Kind | Mixin | Action:
        attributes = tuple(
            Attribute(a.name, required=a.required, mutable=a.mutable)
            for a in full.attributes
        )
        full = replace(full, attributes=attributes)
        if isinstance(full, Mixin):
            return replace(full, depends=full.depends[:1], applies=())
        return full

    message = message_of(body)
    return replace(message, categories=tuple(map(category, message.categories)))


def as_json(body: Body) -> Message:
    """An entity has only the names of its categories, and actions have no URI."""
    message = message_of(body)
    if not isinstance(body, Resource | LinkEntity):
        return message

    def link(full: Link) -> Link:
        if not full.category:
            term = full.rel[0].rpartition("#")[2]
            return Link(f"?action={term}", full.rel)
        attributes = dict(full.attributes)
        own_id = full.self.rstrip("/").rpartition("/")[2]
        if own_id:
            attributes.setdefault("occi.core.id", own_id)
        if body.location:
            attributes.setdefault("occi.core.source", body.location)
            attributes.setdefault("occi.core.source.kind", body.kind.identifier)
        return replace(
            full, self="", rel=full.rel[:1], attributes=tuple(attributes.items())
        )

    return replace(
        message,
        categories=tuple(
            type(c)(scheme=c.scheme, term=c.term) for c in message.categories
        ),
        links=tuple(map(link, message.links)),
    )


def same(message: Message) -> Any:
    """What does not depend on an order that a document has none of."""

    def typed(attributes: Attributes) -> frozenset[Any]:
        return frozenset((name, type(v), v) for name, v in attributes)

    links = [
        (repr(replace(link, attributes=())), sorted(map(repr, typed(link.attributes))))
        for link in message.links
    ]
    return (
        sorted(map(repr, message.categories)),
        sorted(links),
        typed(message.attributes),
        message.locations,
    )


def header_values(pairs: text.Headers) -> dict[str, str]:
    # As a WSGI server does: fields that stand twice are joined.
    joined: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined


def read_again(rendering: Media, body: Body) -> Message:
    headers, raw = rendering.render(body)
    return rendering.parse(raw, header_values(headers))


@pytest.mark.parametrize("rendering", TEXTS, ids=lambda m: m.name)
@patient
@given(body=entities | query_interfaces | invocations | collections)
def test_texts_are_read_again(rendering: Media, body: Body) -> None:
    assert same(read_again(rendering, body)) == same(as_text(body))
    assert read_again(rendering, body).attributes == message_of(body).attributes


@patient
@given(body=entities | query_interfaces | invocations | collections)
def test_documents_are_read_again(body: Body) -> None:
    assert same(read_again(JSON, body)) == same(as_json(body))


@patient
@given(st.lists(entities, min_size=1, max_size=3))
def test_documents_of_whole_collections_are_read_again(found: list[Entity]) -> None:
    body = Collection(tuple(e.location for e in found), tuple(found))
    document = json.loads(JSON.render(body)[1])
    parts = [*document.get("resources", []), *document.get("links", [])]
    read = [JSON.parse(json.dumps(part).encode(), {}) for part in parts]
    ordered = sorted(found, key=lambda entity: isinstance(entity, LinkEntity))
    assert [same(m) for m in read] == [same(as_json(e)) for e in ordered]


@patient
@given(st.lists(uris, max_size=5).map(tuple))
def test_lists_are_read_again(locations: tuple[str, ...]) -> None:
    rendering = media.content("text/uri-list")
    assert read_again(rendering, Collection(locations)).locations == locations


# Names that users set through OpenStack's own interfaces, without any limit.
wild = st.text() | st.text('"\\,;\r\n\t\0\x7f\ud800<>{}é a=')


@patient
@given(name=wild)
def test_no_name_breaks_out(name: str) -> None:
    resource = Resource(
        Kind(scheme="http://x#", term="a", title=name),
        mixins=(Mixin(scheme="http://x#", term="b", title=name),),
        attributes=(("occi.core.title", name), ("n", 1)),
        links=(
            Link(
                f"/n/{name}", ("http://x#n",), f"/l/{name}", attributes=(("a", name),)
            ),
        ),
        location=f"/c/{name}",
    )
    lines = media.PLAIN.render(resource)[1].decode().split("\n")
    begins = [line.partition(":")[0] for line in lines]
    assert begins == ["Category", "Category", "Link"] + ["X-OCCI-Attribute"] * 2
    assert all(c >= " " or c == "\t" for line in lines for c in line)
    headers, raw = media.HEADERS.render(resource)
    assert raw == b"OK"
    assert {n for n, _ in headers} == {"Category", "Link", "X-OCCI-Attribute"}
    for _, value in headers:
        assert not set(value) & set(map(chr, [*range(32), 127]))
    read = media.HEADERS.parse(b"", header_values(headers))
    assert [len(read.categories), len(read.links), len(read.attributes)] == [2, 1, 2]
    document = json.loads(JSON.render(resource)[1])
    assert set(document) == {"kind", "mixins", "links", "title", "attributes"}
    assert document["attributes"] == {"n": 1}
    for listed in (MEDIA[0], MEDIA[3]):
        assert listed.render(Collection((f"/c/{name}",)))[1].count(b"\n") == 0


@patient
@given(name=wild)
def test_no_error_breaks_out(name: str) -> None:
    for rendering in MEDIA:
        headers, raw = rendering.render_error(400, name)
        raw.decode("utf-8")
        for _, value in headers:
            assert value.encode("latin-1").decode("utf-8").isprintable()
    assert json.loads(JSON.render_error(400, name)[1])["error"]["code"] == 400


tokens = st.sampled_from(
    ["a", ";", ",", "=", '"', "\\", "<", ">", "{", "}", "#", ":", " ", "\t", "1", "-"]
    + ["scheme=", "class=", "kind", "http://x#", "rel=", "attributes=", "\x00", "é"]
    + ["[", "]", '"kind":', '"links":', '"\\ud800"', "null", "1e999", "\n", "\r"]
)
FIELDS = ("category", "link", "x-occi-attribute", "x-occi-location")


def reads(rendering: Media, body: bytes, headers: dict[str, str]) -> None:
    """Either it is a message, or a BadRequest that fits in one line."""
    try:
        found = rendering.parse(body, headers)
    except BadRequest as refused:
        assert str(refused).isprintable()
    else:
        assert isinstance(found, Message)


@pytest.mark.parametrize("rendering", MEDIA, ids=lambda m: m.name)
@patient
@given(
    body=st.binary()
    | st.text().map(str.encode)
    | st.lists(tokens).map(lambda found: "".join(found).encode())
)
def test_any_body_is_a_message_or_a_bad_request(rendering: Media, body: bytes) -> None:
    for prefix in (
        b"",
        b"Category: ",
        b"Link: <",
        b"X-OCCI-Attribute: a=",
        b'{"kind":',
    ):
        reads(rendering, prefix + body, {})


@patient
@given(st.lists(tokens, max_size=60).map("".join) | st.text())
def test_any_headers_are_a_message_or_a_bad_request(value: str) -> None:
    for name in FIELDS:
        reads(media.HEADERS, b"", {name: value})


keys = st.sampled_from(
    ["kind", "mixins", "attributes", "actions", "id", "links", "title", "source"]
    + ["target", "location", "rel", "action", "resources", "kinds", "term", "scheme"]
    + ["depends", "applies", "parent", "type", "pattern", "enum", "mutable", "x"]
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["http://x#a", "http://x#", "a", "/a", "string", "number", ""]),
)
documents = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@patient
@given(documents)
def test_any_document_is_a_message_or_a_bad_request(document: Any) -> None:
    reads(JSON, json.dumps(document).encode(), {})


@pytest.mark.parametrize("rendering", MEDIA, ids=lambda m: m.name)
def test_a_megabyte_of_anything_is_read_in_a_moment(rendering: Media) -> None:
    pieces = (
        '"',
        "\\",
        ";",
        ",",
        "a=",
        '"\\',
        "<",
        'a="b",',
        "{",
        " ",
        "[",
        '{"a":',
        "9",
    )
    for piece in (*pieces, '{"a":1},', "\n", "#"):
        for prefix in ("", "X-OCCI-Attribute: a=", "[", '{"attributes":{"a":"'):
            whole = prefix + piece * (1_000_000 // len(piece))
            reads(rendering, whole.encode(), {"category": whole})
