# SPDX-License-Identifier: Apache-2.0
"""application/occi+json: one table for both directions, then what is refused."""

import json
from typing import Any

import pytest

from ooi_ext.errors import BadRequest
from ooi_ext.model import (
    Action,
    Body,
    Collection,
    End,
    Kind,
    Link,
    LinkEntity,
    Message,
    Mixin,
    Resource,
)
from ooi_ext.rendering import occi_json

INFRA = "http://schemas.ogf.org/occi/infrastructure#"
COMPUTE = Kind(scheme=INFRA, term="compute", title="x", location="/compute/")
NETWORK = Kind(scheme=INFRA, term="network")
NIC = Kind(scheme=INFRA, term="networkinterface", location="/nic/")
IP = Mixin(scheme="http://x/nic#", term="ip", title="y", depends=("http://x#a",))
STOP = Action(scheme="http://x/a#", term="stop")

# (what it means, the document of it, what is read of it if that is a message)
TABLE: list[tuple[Body, Any, Message | None]] = [
    (
        Resource(
            COMPUTE,
            mixins=(IP,),
            attributes=(
                ("occi.core.id", "7"),
                ("occi.core.title", 'a "b", c'),
                ("occi.core.summary", "s"),
                ("i", 2),
                ("f", 0.5),
                ("b", True),
            ),
            links=(
                Link("http://e/compute/7?action=stop", (STOP.identifier,)),
                Link(
                    "http://e/network/1",
                    (NETWORK.identifier,),
                    self="http://e/nic/9",
                    category=(NIC.identifier, IP.identifier),
                    attributes=(("a", "eth0"),),
                ),
            ),
            location="http://e/compute/7",
        ),
        {
            "kind": f"{INFRA}compute",
            "mixins": ["http://x/nic#ip"],
            "actions": ["http://x/a#stop"],
            "links": [
                {
                    "kind": f"{INFRA}networkinterface",
                    "mixins": ["http://x/nic#ip"],
                    "source": {
                        "location": "http://e/compute/7",
                        "kind": f"{INFRA}compute",
                    },
                    "target": {
                        "location": "http://e/network/1",
                        "kind": f"{INFRA}network",
                    },
                    "id": "9",
                    "attributes": {"a": "eth0"},
                }
            ],
            "id": "7",
            "title": 'a "b", c',
            "summary": "s",
            "attributes": {"i": 2, "f": 0.5, "b": True},
        },
        Message(
            categories=(
                Kind(scheme=INFRA, term="compute"),
                Mixin(scheme="http://x/nic#", term="ip"),
            ),
            links=(
                Link(
                    "http://e/network/1",
                    (NETWORK.identifier,),
                    category=(NIC.identifier, IP.identifier),
                    attributes=(
                        ("occi.core.id", "9"),
                        ("occi.core.source", "http://e/compute/7"),
                        ("occi.core.source.kind", COMPUTE.identifier),
                        ("a", "eth0"),
                    ),
                ),
                Link("?action=stop", (STOP.identifier,)),
            ),
            attributes=(
                ("occi.core.id", "7"),
                ("occi.core.title", 'a "b", c'),
                ("occi.core.summary", "s"),
                ("i", 2),
                ("f", 0.5),
                ("b", True),
            ),
        ),
    ),
    (
        LinkEntity(
            kind=NIC,
            source=End("http://e/compute/7", COMPUTE.identifier),
            target=End("http://e/network/1"),
            attributes=(("occi.core.id", "9"), ("a", "eth0")),
            links=(Link("http://e/nic/9?action=stop", (STOP.identifier,)),),
        ),
        {
            "kind": f"{INFRA}networkinterface",
            "actions": ["http://x/a#stop"],
            "source": {"location": "http://e/compute/7", "kind": f"{INFRA}compute"},
            "target": {"location": "http://e/network/1"},
            "id": "9",
            "attributes": {"a": "eth0"},
        },
        Message(
            categories=(Kind(scheme=INFRA, term="networkinterface"),),
            links=(Link("?action=stop", (STOP.identifier,)),),
            attributes=(
                ("occi.core.id", "9"),
                ("occi.core.source", "http://e/compute/7"),
                ("occi.core.source.kind", COMPUTE.identifier),
                ("occi.core.target", "http://e/network/1"),
                ("a", "eth0"),
            ),
        ),
    ),
    (
        Message(categories=(STOP,), attributes=(("method", "graceful"),)),
        {"action": "http://x/a#stop", "attributes": {"method": "graceful"}},
        None,
    ),
    (
        Collection(("http://e/compute/7", "/compute/8")),
        ["http://e/compute/7", "/compute/8"],
        Message(locations=("http://e/compute/7", "/compute/8")),
    ),
    (
        Message(locations=("/compute/8",)),
        ["/compute/8"],
        None,
    ),
    (Collection(), {"resources": [], "links": []}, Message()),
    (
        Collection(("/c/7",), (Resource(COMPUTE),)),
        {"resources": [{"kind": f"{INFRA}compute", "attributes": {}}]},
        Message(categories=(Kind(scheme=INFRA, term="compute"),)),
    ),
    (
        Collection(
            ("/n/7",), (LinkEntity(kind=NIC, source=End("/c/1"), target=End("/n/2")),)
        ),
        {
            "links": [
                {
                    "kind": f"{INFRA}networkinterface",
                    "source": {"location": "/c/1"},
                    "target": {"location": "/n/2"},
                    "attributes": {},
                }
            ]
        },
        Message(
            categories=(Kind(scheme=INFRA, term="networkinterface"),),
            attributes=(("occi.core.source", "/c/1"), ("occi.core.target", "/n/2")),
        ),
    ),
    (Message(), {"attributes": {}}, None),
    (
        Message(categories=(NETWORK,), attributes=(("occi.core.title", "t"),)),
        {"kind": f"{INFRA}network", "title": "t", "attributes": {}},
        None,
    ),
]


def parse(document: Any) -> Message:
    return occi_json.parse(json.dumps(document).encode(), {})


def error(body: Any) -> str:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(BadRequest) as raised:
        occi_json.parse(raw, {})
    return str(raised.value)


@pytest.mark.parametrize(("body", "document", "message"), TABLE)
def test_both_ways(body: Body, document: Any, message: Message | None) -> None:
    headers, raw = occi_json.render(body)
    assert headers == ()
    assert json.loads(raw) == document
    assert occi_json.parse(raw, {}) == (message or body)


# What clients write that we would write otherwise.
ENTITY = {"kind": f"{INFRA}compute"}
NIC_LINK = {
    "kind": f"{INFRA}networkinterface",
    "target": "/network/1",
    "rel": f"{INFRA}network",
}


@pytest.mark.parametrize(
    ("document", "same"),
    [
        ({}, {"attributes": {}}),
        ({"resources": [ENTITY]}, ENTITY),
        ({"resources": [ENTITY], "links": []}, ENTITY),
        ({"title": "t", "attributes": {"occi.core.title": "t"}}, {"title": "t"}),
        # rOCCI 4: names in parts, links beside the resource and twice
        ({"attributes": {"a": {"b": {"c": 1}, "d": "e"}}},)
        + ({"attributes": {"a.b.c": 1, "a.d": "e"}},),
        (
            NIC_LINK,
            {
                "kind": f"{INFRA}networkinterface",
                "target": {"location": "/network/1", "kind": f"{INFRA}network"},
            },
        ),
        ({"resources": [ENTITY], "links": [NIC_LINK]}, {**ENTITY, "links": [NIC_LINK]}),
        (
            {"resources": [{**ENTITY, "links": [NIC_LINK]}], "links": [NIC_LINK]},
            {**ENTITY, "links": [NIC_LINK]},
        ),
        ({"links": [NIC_LINK]}, NIC_LINK),
    ],
)
def test_the_freedom_of_writers(document: Any, same: Any) -> None:
    assert parse(document) == parse(same)


def test_a_link_without_a_category_is_one() -> None:
    message = Message(links=(Link("/n/1", ("http://x#n",)), Link("/n/2", ())))
    assert parse(json.loads(occi_json.render(message)[1])) == message


def test_half_characters_do_not_get_out() -> None:
    (_, raw) = occi_json.render(Message(attributes=(("a", "x\ud800\r\n\x00y"),)))
    assert json.loads(raw) == {"attributes": {"a": "x?\r\n\x00y"}}


def test_an_error_is_a_document() -> None:
    headers, raw = occi_json.render_error(404, 'There is no "x".')
    assert headers == ()
    assert json.loads(raw) == {
        "error": {"code": 404, "title": "Not Found", "message": 'There is no "x".'}
    }


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "The body is empty"),
        (b" \r\n", "The body is empty"),
        (b"\xff\xfe", r"not UTF-8: b'\xff' at byte 0"),
        (b"\xef\xbb\xbf{}", "no JSON"),
        (b"{", "line 1, column 2"),
        (b'{"kind": "a",\n}', "line 2, column 1"),
        (b"{} {}", "no JSON"),
        (b"1", "The body is a number, not an object"),
        (b"null", "The body is null"),
        (b'"a"', "The body is a string"),
        (b'{"a": NaN}', '"NaN"'),
        (b'{"a": -Infinity}', '"-Infinity"'),
        (b'{"a": 1e999}', '"1e999"'),
        (b'{"a": ' + b"9" * 401 + b"}", "is no number"),
        (b'{"kind": "a", "kind": "b"}', '"kind" stands twice'),
        (b'{"attributes": {"a": 1, "a": 1}}', '"a" stands twice'),
        (b"[" * 100_000, "levels"),
        (b"[" * 17 + b"]" * 17, "levels"),
        (b'{"a":' * 100_000, "levels"),
        ([1], "The list[0] is a number"),
        (["a b"], 'The list[0] cannot be "a b"'),
        ({"knd": 1}, '"knd" is not known'),
        ({"kind": 1}, "kind is a number, not a string"),
        ({"kind": "compute"}, 'kind cannot be "compute"'),
        ({"kind": ""}, 'kind cannot be ""'),
        ({"mixins": "http://x#a"}, "mixins is a string, not a list"),
        ({"mixins": [None]}, "mixins[0] is null, not a string"),
        ({"mixins": ["a"]}, 'mixins[0] cannot be "a"'),
        ({"mixins": ["http://x#a", {}]}, "mixins[1] is an object"),
        ({"actions": ["a"]}, "actions[0]"),
        ({"title": 1}, "title is a number"),
        ({"title": "a\x00"}, "title holds a control character"),
        ({"title": "\ud800"}, "title holds half a character"),
        ({"attributes": []}, "attributes is a list, not an object"),
        ({"attributes": {"a": None}}, 'attributes."a" is null'),
        ({"attributes": {"a": [1]}}, 'attributes."a" is a list'),
        ({"attributes": {"a": {"b": []}}}, 'attributes."a"."b" is a list'),
        ({"attributes": {"a": {}}}, 'attributes."a" is an object of nothing'),
        (
            {"attributes": {"a": {"b": {}}}},
            'attributes."a"."b" is an object of nothing',
        ),
        ({"attributes": {"a b": 1}}, 'attributes."a b" is no name'),
        ({"attributes": {"a": "\x1b"}}, 'attributes."a" holds a control'),
        ({"attributes": {"a.b": 1, "a": {"b": 2}}}, '"a.b" stands twice'),
        ({"title": "a", "attributes": {"occi.core.title": "b"}}, "another"),
        ({"links": [{}, {}]}, "0 resources and 2 links"),
        ({"resources": [{}, {}]}, "2 resources and 0 links"),
        ({"resources": [{}], "links": [{}]}, "links is no link"),
        ({"resources": [], "x": 1}, '"x" is not known'),
        ({"resources": {}}, "resources is an object, not a list"),
        ({"resources": [1]}, "resources[0] is a number"),
        ({"resources": [{"x": 1}]}, '"x" in resources[0] is not known'),
        ({"kind": "http://x#a", "links": [{}]}, "links[0] is no link"),
        (
            {"kind": "http://x#a", "links": [{**NIC_LINK, "links": [NIC_LINK]}]},
            "links[0] is no link",
        ),
        ({"target": {}}, "target has no location"),
        ({"target": None}, "target is null, not an object"),
        ({"target": {"location": "a b"}}, 'target.location cannot be "a b"'),
        ({"target": {"location": "/a", "kind": "b"}}, "target.kind"),
        ({"target": {"location": "/a", "x": "b"}}, '"x" in target'),
        ({"source": "a b"}, "source.location"),
        ({"source": "/a", "rel": "http://x#a"}, '"rel" is not known'),
        ({"action": ""}, 'action cannot be ""'),
        ({"action": "http://x#a", "kind": "http://x#b"}, '"kind" is not known'),
        ({"action": "http://x#a", "attributes": 1}, "attributes is a number"),
    ],
)
def test_what_is_wrong_is_named(body: Any, named: str) -> None:
    assert named in error(body)


def test_an_error_is_one_short_line() -> None:
    for line in (
        error({"x" * 100_000: 1}),
        error({"kind": "x\x1b[2J\u202e" * 1000}),
        error({"attributes": {"\r\n": 1}}),
    ):
        assert line.isprintable()
        assert len(line) < 900
