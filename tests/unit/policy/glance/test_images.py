# SPDX-License-Identifier: Apache-2.0
"""An image is for its owner, and for whom the owner offers it to."""

import logging

import uuid

import pytest
from glance.db.sqlalchemy import api as db
from glance.db.sqlalchemy import models

from tests.unit.policy.glance.cloud import (
    ADMIN,
    ALICE,
    AUDITOR,
    BOB,
    CAROL,
    MANAGER,
    PARTNER,
)

NOBODYS = "00000000-0000-4000-8000-000000000000"

PATHS = [
    ("GET", "/v2/images/{}", None),
    ("HEAD", "/v2/images/{}", None),
    ("DELETE", "/v2/images/{}", None),
    ("GET", "/v2/images/{}/file", None),
    ("PUT", "/v2/images/{}/file", "x"),
    ("PUT", "/v2/images/{}/stage", "x"),
    ("POST", "/v2/images/{}/import", {"method": {"name": "web-download"}}),
    ("POST", "/v2/images/{}/actions/deactivate", None),
    ("POST", "/v2/images/{}/actions/reactivate", None),
    ("PUT", "/v2/images/{}/tags/x", None),
    ("DELETE", "/v2/images/{}/tags/x", None),
    ("GET", "/v2/images/{}/members", None),
    ("POST", "/v2/images/{}/members", {"member": PARTNER}),
    ("GET", "/v2/images/{}/locations", None),
    ("POST", "/v2/images/{}/locations", {"url": "http://x/"}),
    ("GET", "/v2/images/{}/tasks", None),
    ("DELETE", "/v2/stores/fast/{}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
@pytest.mark.parametrize("visibility", ["shared", "private"])
def test_another_users_answers_as_none(cloud, method, path, body, visibility):
    hers = cloud.image(ALICE, visibility=visibility)
    before = _rows()
    refused = cloud.ask(BOB, method, path.format(hers), body)
    absent = cloud.ask(BOB, method, path.format(NOBODYS), body)
    assert refused[0] == absent[0] == 404
    assert str(refused[1]).replace(hers, "X") == str(absent[1]).replace(NOBODYS, "X")
    assert _rows() == before
    # Who may, is answered by Glance.
    if method == "GET":
        for user, how in ((ALICE, {}), (CAROL, MANAGER)):
            passed = cloud.ask(user, method, path.format(hers), body, **how)
            assert passed == cloud.ask(
                user, method, path.format(hers), body, bare=True, **how
            )


def _rows():
    with db.get_engine().connect() as connection:
        return [
            connection.execute(table.select()).fetchall()
            for name, table in sorted(models.BASE.metadata.tables.items())
            if name.startswith("image")
        ]


def test_the_text_is_glances(cloud):
    _, ours = cloud.ask(BOB, "GET", f"/v2/images/{NOBODYS}")
    _, theirs = cloud.ask(BOB, "GET", f"/v2/images/{NOBODYS}", bare=True)
    assert ours["itemNotFound"]["message"] in str(theirs)


@pytest.mark.parametrize("visibility", ["public", "community"])
def test_what_is_offered_to_all_is_read_by_all(cloud, visibility):
    hers = cloud.image(ALICE, visibility=visibility)
    assert cloud.ask(BOB, "GET", f"/v2/images/{hers}")[0] == 200
    patch = [{"op": "replace", "path": "/name", "value": "his"}]
    media = "application/openstack-images-v2.1-json-patch"
    assert cloud.ask(BOB, "PATCH", f"/v2/images/{hers}", patch, media=media)[0] == 403
    assert cloud.ask(BOB, "DELETE", f"/v2/images/{hers}")[0] == 403
    # What it was imported from may hold a password.
    tasks = f"/v2/images/{hers}/tasks"
    assert cloud.ask(BOB, "GET", tasks, bare=True)[0] == 200
    assert cloud.ask(BOB, "GET", tasks)[0] == 404
    assert cloud.ask(ALICE, "GET", tasks)[0] == 200


def test_what_another_project_shares_is_read(cloud):
    from glance.context import get_admin_context

    theirs = cloud.image(CAROL, owner=PARTNER)
    nothing = str(uuid.uuid4())
    refused = cloud.ask(BOB, "GET", f"/v2/images/{theirs}")
    assert refused[0] == 404
    # As if there were none.
    missing = cloud.ask(BOB, "GET", f"/v2/images/{nothing}")
    assert str(refused).replace(theirs, nothing) == str(missing)
    db.image_member_create(
        get_admin_context(),
        {"image_id": theirs, "member": "3a5e" * 8, "status": "accepted"},
    )
    assert cloud.ask(BOB, "GET", f"/v2/images/{theirs}")[0] == 200
    assert cloud.ids(BOB) == [theirs]


def test_lists_hold_what_the_user_may_see(cloud):
    hers, his = cloud.image(ALICE), cloud.image(BOB)
    old, gone = cloud.image(None, properties={"os": "x"}), cloud.image(BOB)
    public = cloud.image(CAROL, visibility="public")
    assert cloud.ask(BOB, "DELETE", f"/v2/images/{gone}")[0] == 204
    assert cloud.ids(BOB) == sorted([his, public])
    for query in (f"?user_id={ALICE}", "?visibility=all", f"?owner={'3a5e' * 8}"):
        assert hers not in cloud.ids(BOB, query)
        assert old not in cloud.ids(BOB, query)
    assert cloud.ids(CAROL, **MANAGER) == sorted([hers, his, old, public])
    assert cloud.ids(CAROL, **AUDITOR) == sorted([hers, his, old, public])
    assert cloud.ask(BOB, "GET", f"/v2/images/{old}")[0] == 404
    assert cloud.ask(BOB, "GET", f"/v2/images/{gone}")[0] == 404
    assert cloud.ask(CAROL, "GET", f"/v2/images/{hers}", **AUDITOR)[0] == 200
    assert cloud.ask(CAROL, "GET", f"/v2/images/{hers}/file", **AUDITOR)[0] == 404


def test_a_marker_tells_nothing_of_another_users(cloud):
    hers, his = cloud.image(ALICE), cloud.image(BOB)
    public = cloud.image(ALICE, visibility="public")
    assert cloud.ask(BOB, "GET", f"/v2/images?marker={hers}", bare=True)[0] == 200
    answers = [
        cloud.ask(BOB, "GET", f"/v2/images?marker={marker}")
        for marker in (hers, NOBODYS, hers.upper(), "")
    ]
    assert [status for status, _ in answers] == [400] * 4
    told = [str(doc).replace(hers, "X").replace(NOBODYS, "X") for _, doc in answers]
    assert told[0] == told[1]
    assert cloud.ask(BOB, "GET", f"/v2/images?marker={NOBODYS}", bare=True)[0] == 400
    for marker in (his, public):
        assert cloud.ask(BOB, "GET", f"/v2/images?limit=1&marker={marker}")[0] == 200
    for how in (MANAGER, AUDITOR):
        status, _ = cloud.ask(CAROL, "GET", f"/v2/images?marker={hers}", **how)
        assert status == 200


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/tasks", 403),
        (f"/v2/tasks/{NOBODYS}", 403),
        ("/v2/cache", 403),
        (f"/v2/cache/{NOBODYS}", 403),
        ("/v2/schemas/image", 200),
        ("/v2/schemas/metadefs/namespace", 200),
        ("/v2/metadefs/namespaces", 200),
        ("/v2/info/import", 200),
        ("/v2/something/new", 404),
        ("/v2//images", 404),
        ("/v2/images/../images", 404),
        ("/v1/images", 404),
    ],
)
def test_the_other_paths(cloud, path, expected):
    assert cloud.ask(BOB, "GET", path)[0] == expected


def test_a_store_is_asked_for_the_own_images(cloud):
    his = cloud.image(BOB)
    at = f"/v2/stores/fast/{his}"
    assert cloud.ask(BOB, "DELETE", at) == cloud.ask(BOB, "DELETE", at, bare=True)
    other = f"/v2/stores/fast/{cloud.image(ALICE)}"
    passed = cloud.ask(CAROL, "DELETE", other, **ADMIN)
    assert passed == cloud.ask(CAROL, "DELETE", other, bare=True, **ADMIN)


def test_a_service_by_itself_shares_the_images_of_its_project(cloud):
    shared = cloud.image("octavia", owner="services")
    nova = {"roles": "service,member,reader", "project": "services"}
    at = f"/v2/images/{shared}"
    # It is past the filter: the rest is for the site's rules.
    assert cloud.ask("nova", "GET", at, **nova) == cloud.ask(
        "nova", "GET", at, bare=True, **nova
    )


@pytest.mark.usefixtures("protected")
def test_a_service_adds_no_rights_to_the_users(cloud):
    hers = cloud.image(ALICE)
    nova = {"service_roles": "service,admin"}
    assert hers in cloud.ids(BOB, bare=True, **nova)
    assert cloud.ids(BOB, **nova) == []
    assert cloud.ask(BOB, "GET", f"/v2/images/{hers}", bare=True, **nova)[0] == 200
    assert cloud.ask(BOB, "GET", f"/v2/images/{hers}", **nova)[0] == 404


def test_a_database_that_fails_closes_all(cloud, monkeypatch, caplog):
    his = cloud.image(BOB)

    def broken(*args, **kwargs):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("vo_policy_ext.glance._image", broken)
    with caplog.at_level(logging.ERROR):
        assert cloud.ask(BOB, "GET", f"/v2/images/{his}")[0] == 503
        assert cloud.ask(BOB, "GET", f"/v2/images?marker={his}")[0] == 503
        assert cloud.ask(BOB, "DELETE", f"/v2/stores/fast/{his}")[0] == 503
    assert "owner_unknown" in caplog.text
    assert "not_narrowed" in caplog.text


def test_who_is_nobody():
    from vo_policy_ext.glance import filter_factory

    started = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/v2/images"}
    filter_factory({})(None)(environ, lambda line, headers: started.append(line))
    assert started == ["403 Forbidden"]
