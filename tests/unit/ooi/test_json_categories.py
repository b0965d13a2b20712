# SPDX-License-Identifier: Apache-2.0
"""Kinds, mixins and actions in application/occi+json, in both directions."""

import json
from typing import Any

import pytest

from ooi_ext.errors import BadRequest
from ooi_ext.model import Action, Attribute, Kind, Link, Message, Mixin, QueryInterface
from ooi_ext.rendering import occi_json

INFRA = "http://schemas.ogf.org/occi/infrastructure#"
DRAFT = "http://json-schema.org/draft-04/schema#"
STOP = Action(scheme="http://x/a#", term="stop")

TABLE: list[tuple[QueryInterface, Any]] = [
    (
        QueryInterface(
            (
                STOP,
                Kind(
                    scheme=INFRA,
                    term="compute",
                    title="Compute",
                    attributes=(
                        Attribute("a"),
                        Attribute("n", "integer", required=True, mutable=False),
                        Attribute("c", choices=("x", "y"), description="d"),
                        Attribute("f", "number"),
                    ),
                    parent="http://x#resource",
                    actions=(STOP.identifier,),
                    location="http://e/compute/",
                ),
                Mixin(
                    scheme="http://x#",
                    term="big",
                    depends=("http://x#resource_tpl",),
                    applies=(f"{INFRA}compute",),
                    actions=(STOP.identifier,),
                    location="http://e/big/",
                ),
            )
        ),
        {
            "kinds": [
                {
                    "term": "compute",
                    "scheme": INFRA,
                    "title": "Compute",
                    "attributes": {
                        "a": {"mutable": True, "required": False, "type": "string"},
                        "n": {
                            "mutable": False,
                            "required": True,
                            "type": "number",
                            "pattern": {"$schema": DRAFT, "type": "integer"},
                        },
                        "c": {
                            "mutable": True,
                            "required": False,
                            "type": "string",
                            "pattern": {
                                "$schema": DRAFT,
                                "type": "string",
                                "enum": ["x", "y"],
                            },
                            "description": "d",
                        },
                        "f": {"mutable": True, "required": False, "type": "number"},
                    },
                    "parent": "http://x#resource",
                    "actions": ["http://x/a#stop"],
                    "location": "http://e/compute/",
                }
            ],
            "mixins": [
                {
                    "term": "big",
                    "scheme": "http://x#",
                    "depends": ["http://x#resource_tpl"],
                    "applies": [f"{INFRA}compute"],
                    "actions": ["http://x/a#stop"],
                    "location": "http://e/big/",
                }
            ],
            "actions": [{"term": "stop", "scheme": "http://x/a#"}],
        },
    ),
    (QueryInterface((STOP,)), {"actions": [{"term": "stop", "scheme": "http://x/a#"}]}),
    (QueryInterface(), {"kinds": [], "mixins": [], "actions": []}),
]


def parse(document: Any) -> Message:
    return occi_json.parse(json.dumps(document).encode(), {})


def error(document: Any) -> str:
    with pytest.raises(BadRequest) as raised:
        parse(document)
    return str(raised.value)


@pytest.mark.parametrize(("body", "document"), TABLE)
def test_both_ways(body: QueryInterface, document: Any) -> None:
    headers, raw = occi_json.render(body)
    assert headers == ()
    assert json.loads(raw) == document
    assert set(occi_json.parse(raw, {}).categories) == set(body.categories)


def test_categories_may_only_be_named() -> None:
    named = parse({"kinds": [f"{INFRA}network"], "mixins": ["http://x/nic#ip"]})
    assert named.categories == (
        Kind(scheme=INFRA, term="network"),
        Mixin(scheme="http://x/nic#", term="ip"),
    )
    # ... but in an entity these are its own
    mixin = parse({"mixins": ["http://x/nic#ip"], "actions": [STOP.identifier]})
    assert mixin.categories == (Mixin(scheme="http://x/nic#", term="ip"),)
    assert mixin.links == (Link("?action=stop", (STOP.identifier,)),)


def test_a_category_alone_is_a_mixin_of_the_client_s_own() -> None:
    own = {"term": "mine", "scheme": "http://me#", "location": "/mine/", "title": "t"}
    assert parse(own).categories == (
        Mixin(scheme="http://me#", term="mine", location="/mine/", title="t"),
    )


def test_of_a_definition_is_read_what_can_be_used() -> None:
    definition = {"type": "number", "default": 1, "pattern": {"enum": [1, 2]}}
    own = {
        "term": "a",
        "scheme": "http://me#",
        "attributes": {"n": definition, "m": {}},
    }
    assert parse(own).categories[0].attributes == (
        Attribute("n", "number", mutable=False),
        Attribute("m", mutable=False),
    )


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"kinds": [1]}, "kinds[0] is a number"),
        ({"kinds": ["a"]}, "kinds[0]"),
        ({"kinds": [], "x": 1}, '"x" is not known'),
        ({"kinds": [{}]}, "kinds[0].term is missing"),
        ({"mixins": [{"term": "a"}]}, "mixins[0].scheme is missing"),
        ({"actions": [{"term": "a", "scheme": "b"}]}, "actions[0].scheme"),
        ({"term": "a b"}, 'term cannot be "a b"'),
        ({"term": "a", "scheme": "http://x#", "class": "b"}, '"class"'),
        ({"kinds": [{"term": "a", "scheme": "http://x#", "depends": []}]}, "depends"),
        (
            {"actions": [{"term": "a", "scheme": "http://x#", "location": ""}]},
            "location",
        ),
    ],
)
def test_what_is_wrong_is_named(document: Any, named: str) -> None:
    assert named in error(document)


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        (1, 'attributes."n" is a number'),
        ({"type": "date"}, 'attributes."n".type cannot be "date"'),
        ({"mutable": "yes"}, 'attributes."n".mutable is a string'),
        ({"required": 1}, 'attributes."n".required is a number'),
        ({"pattern": "[a-z]"}, 'attributes."n".pattern is a string'),
        ({"colour": "red"}, '"colour" in attributes."n"'),
    ],
)
def test_what_is_wrong_in_a_definition_is_named(definition: Any, named: str) -> None:
    own = {"term": "a", "scheme": "http://x#", "attributes": {"n": definition}}
    assert named in error(own)
    assert "is no name" in error({**own, "attributes": {"a b": {}}})
