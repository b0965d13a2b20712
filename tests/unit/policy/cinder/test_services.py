# SPDX-License-Identifier: Apache-2.0
"""What services do to volumes: for themselves, and for a user."""

import pytest
from cinder.db import models

from tests.unit.policy.cinder.cloud import ALICE, BOB, PROJECT

NOVA = {"service_roles": "service"}


def _passed(answer):
    """Return whether it was Cinder that answered, and not the filter."""
    status, document = answer
    return status != 404 or "could not be found" not in str(document)


@pytest.fixture
def volume(cloud):
    """Return a volume of alice's that is attached to a server of bob's."""
    return cloud.volume(ALICE, status="in-use", attach_status="attached")


@pytest.fixture
def attachment(cloud, volume):
    return cloud.add(
        models.VolumeAttachment,
        volume_id=volume,
        instance_uuid="11111111-1111-4111-8111-111111111111",
        attach_status="attached",
    )


@pytest.mark.parametrize("action", ["os-begin_detaching", "os-roll_detaching"])
def test_a_server_lets_go_of_another_users_volume(cloud, volume, action):
    at, body = f"/volumes/{volume}/action", {action: {}}
    assert cloud.ask(BOB, "POST", at, body)[0] == 404
    assert cloud.ask(BOB, "POST", at, body, **NOVA)[0] == 202
    assert cloud.ask(BOB, "POST", at, body, service_roles="reader")[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        {"os-attach": {"instance_uuid": "1", "mountpoint": "/dev/vdb"}},
        {"os-initialize_connection": {"connector": {"a": "b"}}},
        {"os-reserve": {}},
        {"os-extend": {"new_size": 3}},
        {"os-volume_upload_image": {"image_name": "x"}},
        {"os-begin_detaching": {}, "os-attach": {"mountpoint": "/dev/vdb"}},
        {"os-attach": {"mountpoint": "/dev/vdb"}, "os-begin_detaching": {}},
        ["os-begin_detaching"],
        "os-begin_detaching",
        None,
    ],
)
def test_no_service_does_more_for_another_user(cloud, volume, body):
    at = f"/volumes/{volume}/action"
    assert cloud.ask(BOB, "POST", at, body, **NOVA)[0] == 404
    # For the owner it does, if Cinder can read it.
    assert isinstance(body, list) or _passed(cloud.ask(ALICE, "POST", at, body, **NOVA))


def test_no_service_reads_or_attaches_for_another_user(cloud, volume, attachment):
    refused = [
        ("GET", f"/volumes/{volume}", None),
        ("DELETE", f"/volumes/{volume}", None),
        ("GET", f"/attachments/{attachment}", None),
        ("PUT", f"/attachments/{attachment}", {"attachment": {"connector": {"a": 1}}}),
        ("POST", "/attachments", {"attachment": {"volume_uuid": volume}}),
        ("POST", "/snapshots", {"snapshot": {"volume_id": volume}}),
    ]
    for method, path, body in refused:
        assert cloud.ask(BOB, method, path, body, **NOVA)[0] == 404, path
    assert cloud.ids(BOB, "/volumes", **NOVA) == []
    assert cloud.ids(BOB, "/attachments", **NOVA) == []


def test_a_server_is_deleted_with_another_users_attachment(
    cloud, attachment, monkeypatch
):
    from cinder.volume import api

    deleted = []
    monkeypatch.setattr(
        api.API,
        "attachment_delete",
        lambda _, context, ref: deleted.append(ref.id) or [],
    )
    at = f"/attachments/{attachment}"
    assert cloud.ask(BOB, "DELETE", at)[0] == 404
    assert deleted == []
    assert cloud.ask(BOB, "DELETE", at, **NOVA)[0] == 200
    assert deleted == [attachment]


def test_a_service_names_what_the_user_may(cloud, volume):
    own = cloud.volume(BOB)
    hers = cloud.snapshot(ALICE, volume)
    at, body = f"/volumes/{own}/action", {"revert": {"snapshot_id": hers}}
    assert cloud.ask(BOB, "POST", at, body, version="3.40", **NOVA)[0] == 404
    his = {"revert": {"snapshot_id": cloud.snapshot(BOB, own)}}
    assert _passed(cloud.ask(BOB, "POST", at, his, version="3.40", **NOVA))


def test_a_service_by_itself(cloud, volume, attachment):
    nova = {"roles": "service,member,reader"}
    assert cloud.ask("nova", "GET", f"/volumes/{volume}", **nova)[0] == 200
    assert cloud.ask("nova", "GET", f"/attachments/{attachment}", **nova)[0] == 200
    at = f"/volumes/{volume}/action"
    assert cloud.ask("nova", "POST", at, {"os-roll_detaching": {}}, **nova)[0] == 202
    # What no service does.
    assert cloud.ask("nova", "DELETE", f"/volumes/{volume}", **nova)[0] == 404
    body = {"attachment": {"volume_uuid": volume}}
    assert cloud.ask("nova", "POST", "/attachments", body, **nova)[0] == 404
    assert cloud.ids("nova", "/volumes", **nova) == []


def test_a_service_for_a_manager(cloud, volume):
    at, body = f"/volumes/{volume}/action", {"os-reserve": {}}
    roles = "manager,member,reader"
    assert _passed(cloud.ask(BOB, "POST", at, body, roles=roles, **NOVA))


def test_who_is_nobody(cloud, cinder_api):
    from vo_policy_ext.cinder import filter_factory

    app = filter_factory({})(cinder_api)
    started = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/{PROJECT}/volumes"}
    app(environ, lambda line, headers: started.append(line))
    assert started == ["403 Forbidden"]
