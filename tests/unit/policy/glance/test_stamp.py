# SPDX-License-Identifier: Apache-2.0
"""Each new image has its owner, and keeps it."""

import pytest
from glance import context
from glance.common import exception, property_utils
from glance.db.sqlalchemy import api as db

from tests.unit.policy.glance.cloud import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    MANAGER,
    PATCH_4,
    PATCH_10,
    ROOT,
)

NEW = {"name": "disk", "disk_format": "raw", "container_format": "bare"}


def _owner(image_id):
    image = db.image_get(context.get_admin_context(), image_id)
    return {p["name"]: p["value"] for p in image["properties"] if not p["deleted"]}


@pytest.mark.parametrize("protect", [False, True])
@pytest.mark.parametrize(
    ("user", "how"), [(ALICE, {}), (CAROL, MANAGER), (ROOT, ADMIN)]
)
def test_who_makes_an_image_owns_it(cloud, request, user, how, protect):
    if protect:
        request.getfixturevalue("protected")
    status, image = cloud.ask(user, "POST", "/v2/images", NEW, **how)
    assert (status, image["user_id"]) == (201, user)
    assert _owner(image["id"]) == {"user_id": user}
    status, _ = cloud.ask(user, "POST", "/v2/images", {**NEW, "user_id": user}, **how)
    assert status == 201


def test_nobody_but_an_admin_names_another_owner(cloud):
    named = {**NEW, "user_id": ALICE}
    for user, how in ((BOB, {}), (CAROL, MANAGER)):
        assert cloud.ask(user, "POST", "/v2/images", named, **how)[0] == 403
    for odd in (None, 7, ["x"], ""):
        assert cloud.ask(BOB, "POST", "/v2/images", {**NEW, "user_id": odd})[0] == 403
    assert cloud.ids(CAROL, **MANAGER) == []
    status, image = cloud.ask(ROOT, "POST", "/v2/images", named, **ADMIN)
    assert (status, image["user_id"]) == (201, ALICE)
    odd = {**NEW, "user_id": None}
    assert cloud.ask(ROOT, "POST", "/v2/images", odd, **ADMIN)[0] == 403


def test_a_snapshot_of_what_another_user_offers_is_the_users_own(cloud):
    """Nova and Cinder copy the properties of the image a server was made of."""
    copied = {**NEW, "user_id": ALICE, "base_image_ref": "x"}
    status, image = cloud.ask(
        BOB, "POST", "/v2/images", copied, service_roles="service"
    )
    assert (status, image["user_id"]) == (201, BOB)
    assert _owner(image["id"])["base_image_ref"] == "x"


@pytest.mark.parametrize("name", ["User_ID", "user_id ", "us\u00e9r_id"])
def test_a_name_like_it_is_refused(cloud, name):
    assert cloud.ask(BOB, "POST", "/v2/images", {**NEW, name: ALICE})[0] == 400
    at = f"/v2/images/{cloud.image(BOB)}"
    change = [{"op": "add", "path": f"/{name}", "value": ALICE}]
    assert cloud.ask(BOB, "PATCH", at, change, media=PATCH_10)[0] == 403


@pytest.mark.parametrize("body", [[], "x", 7, None])
def test_what_is_no_image_is_glances_to_refuse(cloud, body):
    ours = cloud.ask(BOB, "POST", "/v2/images", body)
    assert ours == cloud.ask(BOB, "POST", "/v2/images", body, bare=True)
    assert ours[0] in (400, 500)


CHANGES = [
    (PATCH_10, [{"op": "replace", "path": "/user_id", "value": ALICE}]),
    (PATCH_10, [{"op": "add", "path": "/user_id", "value": BOB}]),
    (PATCH_10, [{"op": "remove", "path": "/user_id"}]),
    (PATCH_10, [{"op": "remove", "path": "/ user_id "}]),
    (PATCH_10, [{"op": "remove", "path": "//user_id"}]),
    (
        PATCH_10,
        [
            {"op": "replace", "path": "/name", "value": "x"},
            {"op": "remove", "path": "/user_id"},
        ],
    ),
    (PATCH_4, [{"replace": "/user_id", "value": ALICE}]),
    (PATCH_4, [{"add": "/user_id", "value": ALICE}]),
    (PATCH_4, [{"remove": "/user_id"}]),
]


@pytest.mark.parametrize(("media", "change"), CHANGES)
def test_the_owner_is_not_changed(cloud, media, change):
    his = cloud.image(BOB)
    at = f"/v2/images/{his}"
    assert cloud.ask(BOB, "PATCH", at, change, media=media)[0] == 403
    assert cloud.ask(CAROL, "PATCH", at, change, media=media, **MANAGER)[0] == 403
    assert _owner(his) == {"user_id": BOB}


def test_an_admin_gives_an_old_image_an_owner(cloud):
    old = cloud.image(None)
    at = f"/v2/images/{old}"
    change = [{"op": "add", "path": "/user_id", "value": BOB}]
    assert cloud.ask(BOB, "GET", at)[0] == 404
    assert cloud.ask(ROOT, "PATCH", at, change, media=PATCH_10, **ADMIN)[0] == 200
    assert cloud.ask(BOB, "GET", at)[0] == 200


def test_other_changes_are_glances(cloud):
    at = f"/v2/images/{cloud.image(BOB)}"
    change = [
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "add", "path": "/user_ids", "value": "x"},
        {"op": "add", "path": "/a~1b", "value": "x"},
    ]
    status, image = cloud.ask(BOB, "PATCH", at, change, media=PATCH_10)
    assert (status, image["name"], image["a/b"]) == (200, "new", "x")


def _context(*roles, service_roles=()):
    return context.RequestContext(
        user_id=BOB, project_id="p", roles=list(roles), service_roles=service_roles
    )


@pytest.mark.usefixtures("protected")
@pytest.mark.parametrize(
    ("name", "action", "allowed"),
    [
        ("user_id", "create", {"member", "admin"}),
        ("user_id", "read", {"member", "admin"}),
        ("user_id", "update", {"admin"}),
        ("user_id", "delete", {"admin"}),
        ("user_ids", "update", {"member", "admin"}),
        ("my_user_id", "delete", {"member", "admin"}),
        ("hw_disk_bus", "create", {"member", "admin"}),
        ("hw_disk_bus", "delete", {"member", "admin"}),
    ],
)
def test_the_shipped_protections(glance_conf, name, action, allowed):
    rules = property_utils.PropertyRules()
    found = {
        role
        for role in ("member", "admin")
        if rules.check_property_rules(name, action, _context(role))
    }
    assert found == allowed


@pytest.mark.usefixtures("protected")
def test_the_protections_hold_without_the_filter(cloud):
    his = cloud.image(BOB)
    change = [{"op": "replace", "path": "/user_id", "value": ALICE}]
    at = f"/v2/images/{his}"
    assert cloud.ask(BOB, "PATCH", at, change, media=PATCH_10, bare=True)[0] == 403
    assert _owner(his) == {"user_id": BOB}
    assert issubclass(exception.ReservedProperty, exception.Forbidden)
