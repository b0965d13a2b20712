# SPDX-License-Identifier: Apache-2.0
"""What of a collection a request gets: filters, pages, and what they cost."""

import json
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keystoneauth1.session import Session

from ooi_ext import collections, kinds, kinds_network
from ooi_ext.errors import BadRequest, TooLarge, UnsupportedMediaType
from ooi_ext.handlers import listing
from ooi_ext.handlers.call import Call
from ooi_ext.model import (
    Collection,
    End,
    Entity,
    Kind,
    Link,
    LinkEntity,
    Message,
    Mixin,
    Resource,
    Value,
)
from ooi_ext.nova import Nova
from ooi_ext.services import Services

EP = "http://e/occi1.1"
SMALL = Mixin(scheme="http://size#", term="small")
BIG = Mixin(scheme="http://size#", term="big")


def machine(number: int, *mixins: Mixin, **attributes: Value) -> Resource:
    named = tuple((f"occi.compute.{k}", v) for k, v in attributes.items())
    own_id = ("occi.core.id", str(number))
    return Resource(kinds.COMPUTE, mixins=mixins, attributes=(own_id, *named))


MACHINES: tuple[Entity, ...] = (
    machine(1, SMALL, cores=1, hostname="a", memory=2.0),
    machine(2, SMALL, cores=2, hostname="b"),
    machine(3, BIG, cores=2, hostname="A"),
)
NIC = LinkEntity(
    kind=kinds_network.NETWORK_INTERFACE,
    source=End(f"{EP}/compute/1"),
    target=End(f"{EP}/network/9"),
    attributes=(("occi.core.id", "1_9"),),
    location="http://elsewhere/1_9",
)


def wanted(*categories: Kind | Mixin, **attributes: Value) -> Message:
    return Message(
        categories=categories,
        attributes=tuple((f"occi.compute.{k}", v) for k, v in attributes.items()),
    )


OTHER_KIND = Kind(scheme=kinds.INFRASTRUCTURE, term="storage")
STRANGE = Kind(scheme="http://site#", term="special", parent="http://site#base")


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        (wanted(), "123"),
        (wanted(kinds.COMPUTE), "123"),
        # derived from these
        (wanted(kinds.RESOURCE), "123"),
        (wanted(kinds.ENTITY), "123"),
        (wanted(kinds.LINK), ""),
        (wanted(OTHER_KIND), ""),
        (wanted(SMALL), "12"),
        (wanted(kinds.COMPUTE, BIG), "3"),
        (wanted(SMALL, BIG), ""),
        (wanted(Mixin(scheme="http://nobody#", term="x")), ""),
        (wanted(cores=2), "23"),
        (wanted(cores=2.0), "23"),
        (wanted(memory=2), "1"),
        (wanted(cores=2, hostname="b"), "2"),
        (wanted(SMALL, cores=2), "2"),
        # of the same type, and case counts
        (wanted(cores="2"), ""),
        (wanted(cores=True), ""),
        (wanted(hostname="a"), "1"),
        (wanted(hostname=""), ""),
        (wanted(colour="red"), ""),
    ],
)
def test_an_entity_must_have_all_that_the_filter_names(
    message: Message, ids: str
) -> None:
    found = collections.filtered(MACHINES, message)
    assert "".join(str(dict(e.attributes)["occi.core.id"]) for e in found) == ids


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        (f"{EP}/compute/1", True),
        ("/occi1.1/compute/1", True),
        ("/compute/1", True),
        ("/compute/11", False),
        ("compute/1", False),
        ("1", False),
        ("", False),
        (f"{EP}/compute/2", False),
        (1, False),
    ],
)
def test_links_are_found_by_what_they_join(uri: Value, found: bool) -> None:
    message = Message(attributes=(("occi.core.source", uri),))
    assert bool(collections.filtered((NIC,), message)) is found


def test_kinds_that_are_not_of_here_have_ancestors_too() -> None:
    (entity,) = (Resource(STRANGE),)
    for kind in (STRANGE, Kind(scheme="http://site#", term="base")):
        assert collections.filtered((entity,), wanted(kind)) == (entity,)
    assert collections.filtered((entity,), wanted(kinds.RESOURCE)) == ()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", "abcde"),
        ("x=y", "abcde"),
        ("action=stop", "abcde"),
        ("page=1&number=2", "ab"),
        ("number=2&page=2", "cd"),
        ("page=3;number=2", "e"),
        ("page=4&number=2", ""),
        ("page=1&number=1000000", "abcde"),
        ("page=999999999999999999&number=1", ""),
        ("page=01&number=0005", "abcde"),
    ],
)
def test_pages(query: str, ids: str) -> None:
    assert "abcde"[collections.window(query)] == ids


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("page=1", "no number"),
        ("number=1", "no page"),
        ("page=&number=1", 'page=""'),
        ("page=0&number=1", 'page="0"'),
        ("page=000&number=1", 'page="000"'),
        ("page=-1&number=1", 'page="-1"'),
        ("page=1&number=1.5", 'number="1.5"'),
        ("page=1&number=ten", 'number="ten"'),
        ("page=1&number=%D9%A1", "number="),
        ("page=1&page=2&number=1", "page stands twice"),
        ("page=1&number=0", 'number="0"'),
    ],
)
def test_pages_that_there_cannot_be(query: str, named: str) -> None:
    with pytest.raises(BadRequest, match="page|number") as raised:
        collections.window(query)
    assert named in str(raised.value)


@pytest.mark.parametrize(
    "query",
    [
        "page=1&number=1000001",
        "page=1&number=" + "9" * 5000,
        f"page={'9' * 19}&number=1",
    ],
)
def test_a_number_that_is_too_large_is_413(query: str) -> None:
    with pytest.raises(TooLarge):
        collections.window(query)


@given(st.text() | st.text("page=number&;0123456789%"))
def test_any_query_is_a_window_or_a_refusal(query: str) -> None:
    for text in (query, f"page=1&number={query}", f"number=1&page={query}"):
        try:
            assert isinstance(collections.window(text), slice)
        except (BadRequest, TooLarge) as refused:
            assert str(refused).isprintable()


# From here on: listing.answer, which every collection is answered by.


def unasked() -> NoReturn:
    raise AssertionError("a service was asked in vain")


def listed(
    query: str = "",
    *,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    wants_entities: bool = False,
    entities: Callable[[], tuple[Entity, ...]] = unasked,
    locations: Callable[[], tuple[str, ...]] = unasked,
) -> Collection:
    call = Call(
        endpoint=EP,
        query=query,
        headers=headers or {},
        body=body,
        nova=Nova(None, {}),
        services=Services(session=Session()),
        auth=None,
        default_architecture="",
        wants_entities=wants_entities,
    )
    answer = listing.answer(call, entities, locations)
    assert answer.status == 200
    assert isinstance(answer.body, Collection)
    return answer.body


def test_a_plain_list_needs_only_the_locations() -> None:
    found = listed("page=2&number=2", locations=lambda: ("/1", "/2", "/3"))
    assert found == Collection(("/3",))


def test_a_rendering_in_full_needs_only_the_entities() -> None:
    found = listed(
        "page=2&number=2", wants_entities=True, entities=lambda: (*MACHINES, NIC)
    )
    assert found.locations == (f"{EP}/compute/3", "http://elsewhere/1_9")
    assert tuple(e.location for e in found.entities) == found.locations
    assert found.entities[1] == NIC


TEXT = {"content-type": "text/plain"}
OCCI = {"content-type": "text/occi"}
JSON = {"content-type": "application/occi+json"}
TWO = {"x-occi-attribute": "occi.compute.cores=2"}
DOCUMENT = {"kind": kinds.COMPUTE.identifier, "attributes": {"occi.compute.cores": 2}}
LINE = b"X-OCCI-Attribute: occi.compute.cores=2"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({**OCCI, **TWO}, b""),
        ({"content-type": "Text/OCCI; charset=utf-8", **TWO}, b""),
        # as the examples of the specification: no Content-Type at all
        (TWO, b""),
        ({"content-type": " ", **TWO}, b""),
        (TEXT, LINE),
        ({"content-type": "text/plain,text/occi"}, LINE),
        (JSON, json.dumps(DOCUMENT).encode()),
    ],
)
def test_a_filter_stands_where_the_request_says(
    headers: dict[str, str], body: bytes
) -> None:
    found = listed(
        "page=1&number=1", headers=headers, body=body, entities=lambda: MACHINES
    )
    assert found.locations == (f"{EP}/compute/2",)


@pytest.mark.parametrize(
    "headers", [{}, TEXT, {**TEXT, **TWO}, JSON, OCCI, {"content-type": "image/png"}]
)
def test_without_a_filter_nothing_is_filtered(headers: dict[str, str]) -> None:
    assert listed(headers=headers, locations=lambda: ("/1",)).locations == ("/1",)


ACTION = 'stop; scheme="http://x#"; class="action"'


@pytest.mark.parametrize(
    ("query", "headers", "body", "refused"),
    [
        ("page=1", {}, b"", BadRequest),
        ("page=1&number=9999999", {}, b"", TooLarge),
        ("", {"category": "garbage"}, b"", BadRequest),
        ("", {"category": ACTION}, b"", BadRequest),
        ("", {"x-occi-location": "/compute/1"}, b"", BadRequest),
        ("", {"link": '</n/1>; rel="http://x#n"'}, b"", BadRequest),
        ("", JSON, b"{", BadRequest),
        ("", {"content-type": "image/png"}, b"png", UnsupportedMediaType),
    ],
)
def test_a_bad_request_asks_nobody(
    query: str, headers: dict[str, str], body: bytes, refused: type[Exception]
) -> None:
    for wants in (False, True):
        with pytest.raises(refused):
            listed(query, headers=headers, body=body, wants_entities=wants)


def test_a_link_is_no_filter() -> None:
    message = Message(links=(Link("/n/1", ("http://x#n",)),))
    assert not collections.needs_entities(message, wanted=False)
    with pytest.raises(BadRequest, match="no links"):
        collections.check_filter(message)


def test_where_an_entity_is_follows_from_its_kind_and_id() -> None:
    complete: Any = Kind(scheme="http://x#", term="a", location="https://other/a/")
    found = listed(
        wants_entities=True,
        entities=lambda: (
            machine(7),
            Resource(complete, attributes=(("occi.core.id", "8"),)),
        ),
    )
    assert found.locations == (f"{EP}/compute/7", "https://other/a/8")
