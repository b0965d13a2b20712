# SPDX-License-Identifier: Apache-2.0
"""All kinds, mixins and actions together: nothing stands twice or dangles."""

import pytest

from ooi_ext import catalog, check, kinds, kinds_network, kinds_storage
from ooi_ext.errors import BadRequest
from ooi_ext.handlers.routes import ROUTES, route
from ooi_ext.model import Action, Kind, Link, Message, Mixin

# GFD.221 tables 5 to 8 and GFD.224 table 1, and what rOCCI has beside them.
PARENTS = {
    "entity": "",
    "resource": "entity",
    "link": "entity",
    "compute": "resource",
    "network": "resource",
    "storage": "resource",
    "networkinterface": "link",
    "storagelink": "link",
    "ipreservation": "network",
    "securitygroup": "resource",
    "securitygrouplink": "link",
}


def test_every_identifier_stands_once() -> None:
    identifiers = [c.identifier for c in catalog.ADVERTISED]
    assert len(set(identifiers)) == len(identifiers)
    assert sorted(identifiers) == sorted(
        {**catalog.KINDS, **catalog.MIXINS, **catalog.ACTIONS}
    )


def test_every_location_stands_once() -> None:
    locations = [c.location for c in catalog.ADVERTISED if not isinstance(c, Action)]
    assert len(set(locations)) == len(locations)
    assert all(path.startswith("/") and path.endswith("/") for path in locations)


@pytest.mark.parametrize("category", catalog.ADVERTISED, ids=lambda c: c.identifier)
def test_what_a_category_names_is_there(category: Kind | Mixin | Action) -> None:
    match category:
        case Kind():
            assert category.parent in ("", *catalog.KINDS)
            assert set(category.actions) <= set(catalog.ACTIONS)
        case Mixin():
            assert set(category.applies) <= set(catalog.KINDS)
            assert category.applies
            assert set(category.depends) <= set(catalog.MIXINS)
            assert set(category.actions) <= set(catalog.ACTIONS)
        case _:
            offering = [
                c for c in catalog.KINDS.values() if category.identifier in c.actions
            ]
            assert offering


def test_the_kinds_and_their_parents() -> None:
    found = {k.term: k.parent.rpartition("#")[2] for k in catalog.KINDS.values()}
    assert found == PARENTS


def test_every_location_has_a_route() -> None:
    for category in catalog.ADVERTISED:
        if not isinstance(category, Action):
            for path in (category.location, category.location.rstrip("/")):
                assert route("GET", path)[0].listing


def test_every_kind_that_can_be_made_has_all_methods() -> None:
    for kind in catalog.KINDS.values():
        if kind in (kinds.ENTITY, kinds.RESOURCE, kinds.LINK):
            continue
        path = kind.location.rstrip("/")
        assert {"GET", "POST", "DELETE"} <= set(ROUTES[path])
        assert {"GET", "POST", "PUT", "DELETE"} <= set(ROUTES[path + "/{id}"])


def test_templates_have_routes_of_their_own() -> None:
    for base in catalog.TEMPLATES.values():
        assert set(ROUTES[f"{base.location}{{term}}"]) == {
            "GET",
            "POST",
            "PUT",
            "DELETE",
        }


def test_links_lead_to_what_there_is() -> None:
    for identifier, targets in catalog.TARGETS.items():
        assert kinds.LINK in catalog.ancestors(catalog.KINDS[identifier])
        assert all(target.identifier in catalog.KINDS for target in targets)
    links = {k for k in catalog.KINDS.values() if kinds.LINK in catalog.ancestors(k)}
    assert links - {kinds.LINK} == {catalog.KINDS[i] for i in catalog.TARGETS}


def test_ancestors_and_attributes() -> None:
    assert catalog.ancestors(kinds.COMPUTE) == (
        kinds.COMPUTE,
        kinds.RESOURCE,
        kinds.ENTITY,
    )
    names = [a.name for a in catalog.attributes(kinds.COMPUTE, (kinds.SSH_KEY,))]
    assert "occi.core.summary" in names
    assert "occi.credentials.ssh.publickey" in names


# The checks that are the same for every kind.


def message(*attributes: tuple[str, object], kind: Kind) -> Message:
    return Message(categories=(kind,), attributes=attributes)  # type: ignore[arg-type]


ENDS = (("occi.core.source", "/compute/1"), ("occi.core.target", "/storage/2"))


def test_a_link_has_a_source_and_a_resource_has_none() -> None:
    kind = kinds_storage.STORAGE_LINK
    wish = check.entity(message(*ENDS, kind=kind), kind=kind)
    assert wish.text("occi.core.source") == "/compute/1"
    with pytest.raises(BadRequest, match="occi.core.source"):
        check.entity(message(ENDS[1], kind=kind), kind=kind)
    size = ("occi.storage.size", 1)
    storage = kinds_storage.STORAGE
    wish = check.entity(message(ENDS[0], size, kind=storage), kind=storage)
    assert dict(wish.attributes) == {"occi.storage.size": 1}


def test_an_update_needs_nothing_and_a_replacement_all() -> None:
    storage = kinds_storage.STORAGE
    given = message(("occi.core.title", "x"), kind=storage)
    assert check.update(given, kind=storage).text("occi.core.title") == "x"
    with pytest.raises(BadRequest, match="occi.storage.size"):
        check.update(given, kind=storage, whole=True)


def test_a_replacement_repeats_what_nobody_can_set() -> None:
    storage = kinds_storage.STORAGE
    given = message(
        ("occi.storage.size", 1), ("occi.storage.state", "online"), kind=storage
    )
    wish = check.update(given, kind=storage, whole=True)
    assert dict(wish.attributes) == {"occi.storage.size": 1}
    with pytest.raises(BadRequest, match="immutable"):
        check.update(given, kind=storage)


@pytest.mark.parametrize("kind", catalog.KINDS.values(), ids=lambda k: k.term)
def test_a_mixin_is_known_for_what_it_applies_to(kind: Kind) -> None:
    for scheme, base in catalog.TEMPLATES.items():
        named = Message(
            categories=(kind, Mixin(scheme=scheme, term="x")),
            attributes=(("occi.core.title", "x"),),
        )
        if kind.identifier in base.applies:
            (found,) = check.update(named, kind=kind).mixins
            assert found.depends == (base.identifier,)
        else:
            with pytest.raises(BadRequest, match="is not known for a"):
                check.update(named, kind=kind)


@pytest.mark.parametrize(
    ("uri", "last"),
    [
        ("/network/1", "1"),
        ("/occi1.1/network/1/", "1"),
        ("https://x/occi/network/1", "1"),
        ("/network/", None),
        ("/network", None),
        ("network/1", None),
        ("/mynetwork/1", None),
        ("/networks/1", None),
        ("", None),
    ],
)
def test_places(uri: str, last: str | None) -> None:
    if last is None:
        with pytest.raises(BadRequest):
            check.place(uri, kind=kinds_network.NETWORK)
    else:
        assert check.place(uri, kind=kinds_network.NETWORK) == last


def test_a_link_without_a_category_is_told_by_its_target() -> None:
    bare = Link(target="/storage/2", rel=(kinds_storage.STORAGE.identifier,))
    given = Message(categories=(kinds.COMPUTE,), links=(bare,))
    (found,) = check.entity(given, kind=kinds.COMPUTE).links
    assert (found.kind, found.target) == (kinds_storage.STORAGE_LINK, "2")
    assert found.target_kind == kinds_storage.STORAGE
