# SPDX-License-Identifier: Apache-2.0
"""One resource of Cinder is for its owner, whichever way it is named."""

import logging

import pytest
from cinder.db import api as db
from cinder.db import models

from tests.unit.policy.cinder.cloud import ALICE, BOB, CAROL, PROJECT
from vo_policy_ext.cinder import Cinder

NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def hers(cloud):
    """Return ids of what alice has, by the name of its kind."""
    volume = cloud.volume(ALICE)
    group = cloud.add(
        models.Group, user_id=ALICE, project_id=PROJECT, status="available", name="g"
    )
    return {
        "volume": volume,
        "snapshot": cloud.snapshot(ALICE, volume),
        "backup": cloud.backup(ALICE, volume),
        "group": group,
        "group_snapshot": cloud.add(
            models.GroupSnapshot,
            user_id=ALICE,
            project_id=PROJECT,
            status="available",
            group_id=group,
        ),
        "attachment": cloud.add(models.VolumeAttachment, volume_id=volume),
        "transfer": cloud.add(models.Transfer, volume_id=volume),
        "message": cloud.add(
            models.Message,
            project_id=PROJECT,
            message_level="ERROR",
            resource_type="VOLUME",
            resource_uuid=volume,
            event_id="VOLUME_000001",
        ),
    }


# Each path of one resource: another user's answers as one that is not there.
OWNED = [
    ("volume", "GET", "/volumes/{}", None),
    ("volume", "PUT", "/volumes/{}", {"volume": {"name": "x"}}),
    ("volume", "DELETE", "/volumes/{}?force=1&cascade=1", None),
    ("volume", "POST", "/volumes/{}/action", {"os-extend": {"new_size": 2}}),
    ("volume", "POST", "/volumes/{}/action", {"os-attach": {"mountpoint": "/dev/b"}}),
    ("volume", "GET", "/volumes/{}/metadata", None),
    ("volume", "POST", "/volumes/{}/metadata", {"metadata": {"a": "b"}}),
    ("volume", "GET", "/volumes/{}/metadata/a", None),
    ("volume", "GET", "/volumes/{}/encryption", None),
    ("volume", "GET", "/volumes/{}/encryption/encryption_key_id", None),
    ("snapshot", "GET", "/snapshots/{}", None),
    ("snapshot", "PUT", "/snapshots/{}", {"snapshot": {"name": "x"}}),
    ("snapshot", "DELETE", "/snapshots/{}", None),
    ("snapshot", "GET", "/snapshots/{}/metadata", None),
    ("snapshot", "POST", "/snapshots/{}/metadata", {"metadata": {"a": "b"}}),
    ("backup", "GET", "/backups/{}", None),
    ("backup", "DELETE", "/backups/{}", None),
    ("backup", "POST", "/backups/{}/restore", {"restore": {}}),
    ("group", "GET", "/groups/{}", None),
    ("group", "POST", "/groups/{}/action", {"delete": {}}),
    ("group_snapshot", "GET", "/group_snapshots/{}", None),
    ("group_snapshot", "DELETE", "/group_snapshots/{}", None),
    ("attachment", "GET", "/attachments/{}", None),
    ("attachment", "PUT", "/attachments/{}", {"attachment": {"connector": {"a": 1}}}),
    ("attachment", "DELETE", "/attachments/{}", None),
    ("attachment", "POST", "/attachments/{}/action", {"os-complete": {}}),
    ("transfer", "GET", "/volume-transfers/{}", None),
    ("transfer", "DELETE", "/os-volume-transfer/{}", None),
    ("message", "GET", "/messages/{}", None),
]


@pytest.mark.parametrize(("kind", "method", "path", "body"), OWNED)
def test_another_users_answers_as_none(cloud, hers, kind, method, path, body):
    refused = cloud.ask(BOB, method, path.format(hers[kind]), body)
    absent = cloud.ask(BOB, method, path.format(NOBODYS), body)
    assert refused[0] == absent[0] == 404
    assert str(refused[1]).replace(hers[kind], "X") == str(absent[1]).replace(
        NOBODYS, "X"
    )
    # The same as Cinder's own text for what is not there.
    bare = cloud.ask(
        BOB, "GET", path.split("/")[1].join(("/", f"/{NOBODYS}")), bare=True
    )
    assert bare == cloud.ask(BOB, "GET", f"/{path.split('/')[1]}/{NOBODYS}")


@pytest.mark.parametrize(
    ("kind", "path"),
    sorted({(kind, path) for kind, method, path, _ in OWNED if method == "GET"}),
)
def test_the_owner_and_the_manager_pass(cloud, hers, kind, path):
    at = path.format(hers[kind])
    own, bare = cloud.ask(ALICE, "GET", at), cloud.ask(ALICE, "GET", at, bare=True)
    assert own == bare
    by_manager = cloud.ask(CAROL, "GET", at, roles="manager,member,reader")
    assert by_manager[0] == bare[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/volumes/{volume}", 200),
        ("/volumes/{volume}/metadata", 200),
        ("/snapshots/{snapshot}", 200),
        ("/backups/{backup}", 200),
        ("/messages/{message}", 200),
        # How to connect to a volume, and where its key is, are secrets.
        ("/attachments/{attachment}", 404),
        ("/volumes/{volume}/encryption", 404),
        ("/volume-transfers/{transfer}", 404),
    ],
)
def test_what_an_auditor_reads(cloud, hers, path, expected):
    at, roles = path.format(**hers), "vo_auditor,reader"
    assert cloud.ask(CAROL, "GET", at, roles=roles)[0] == expected
    for method in ("PUT", "DELETE"):
        status, _ = cloud.ask(CAROL, method, at, {}, roles="vo_auditor,reader,member")
        assert status == 404


@pytest.mark.parametrize(
    "written",
    [
        "{upper}",
        "{plain}",
        "{id}%20",
        "{id}.json",
        "{{{id}}}",
        "urn:uuid:{id}",
        "{id} ",
        "detail/../{id}",
        "./{id}",
        "/{id}",
    ],
)
def test_an_id_has_one_form(cloud, hers, written):
    volume = hers["volume"]
    path = written.format(
        id=volume, upper=volume.upper(), plain=volume.replace("-", "")
    )
    assert cloud.ask(BOB, "GET", f"/volumes/{path}")[0] == 404
    assert cloud.ask(BOB, "GET", f"/{'b' * 32}/volumes/{volume}")[0] == 404


REFERENCES = [
    ("/volumes", {"volume": {"size": 1, "source_volid": "{volume}"}}, "3.0"),
    ("/volumes", {"volume": {"size": 1, "snapshot_id": "{snapshot}"}}, "3.0"),
    ("/volumes", {"volume": {"size": 1, "backup_id": "{backup}"}}, "3.47"),
    ("/volumes", {"volume": {"size": 1, "group_id": "{group}"}}, "3.13"),
    ("/volumes", {"volume": {"size": 1, "consistencygroup_id": "{group}"}}, "3.0"),
    (
        "/volumes",
        {
            "volume": {"size": 1},
            "OS-SCH-HNT:scheduler_hints": {"same_host": ["{volume}"]},
        },
        "3.70",
    ),
    (
        "/volumes",
        {"volume": {"size": 1, "scheduler_hints": {"different_host": "{volume}"}}},
        "3.0",
    ),
    (
        "/volumes",
        {
            "volume": {"size": 1},
            "OS-SCH-HNT:scheduler_hints": {"local_to_instance": NOBODYS},
        },
        "3.70",
    ),
    ("/snapshots", {"snapshot": {"volume_id": "{volume}", "force": True}}, "3.0"),
    ("/backups", {"backup": {"volume_id": "{volume}"}}, "3.0"),
    (
        "/backups",
        {"backup": {"volume_id": "{own}", "snapshot_id": "{snapshot}"}},
        "3.0",
    ),
    ("/backups/{own_backup}/restore", {"restore": {"volume_id": "{volume}"}}, "3.0"),
    (
        "/attachments",
        {"attachment": {"volume_uuid": "{volume}", "instance_uuid": NOBODYS}},
        "3.27",
    ),
    ("/volume-transfers", {"transfer": {"volume_id": "{volume}"}}, "3.70"),
    ("/os-volume-transfer", {"transfer": {"volume_id": "{volume}"}}, "3.0"),
    ("/group_snapshots", {"group_snapshot": {"group_id": "{group}"}}, "3.14"),
    ("/cgsnapshots", {"cgsnapshot": {"consistencygroup_id": "{group}"}}, "3.0"),
    (
        "/groups/action",
        {"create-from-src": {"group_snapshot_id": "{group_snapshot}"}},
        "3.14",
    ),
    ("/groups/action", {"create-from-src": {"source_group_id": "{group}"}}, "3.14"),
    (
        "/consistencygroups/create_from_src",
        {"consistencygroup-from-src": {"source_cgid": "{group}"}},
        "3.0",
    ),
    ("/volumes/{own}/action", {"revert": {"snapshot_id": "{snapshot}"}}, "3.40"),
    (
        "/volumes/{own}/action",
        {"os-migrate_volume_completion": {"new_volume": "{volume}"}},
        "3.0",
    ),
    ("/volumes/{own}/action", {"os-detach": {"attachment_id": "{attachment}"}}, "3.0"),
]


def _filled(value, ids):
    if isinstance(value, dict):
        return {k: _filled(v, ids) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, ids) for v in value]
    return value.format(**ids) if isinstance(value, str) else value


@pytest.mark.parametrize(("path", "body", "version"), REFERENCES)
def test_a_body_names_only_what_is_the_users_own(cloud, hers, path, body, version):
    own = cloud.volume(BOB)
    ids = {**hers, "own": own, "own_backup": cloud.backup(BOB, own)}
    before = _count(cloud)
    status, document = cloud.ask(
        BOB, "POST", path.format(**ids), _filled(body, ids), version=version
    )
    assert status == 404, document
    assert "could not be found" in str(document)
    assert _count(cloud) == before


@pytest.mark.parametrize("member", ["add_volumes", "remove_volumes"])
@pytest.mark.parametrize(
    ("path", "top"),
    [
        ("/groups/{}", "group"),
        ("/consistencygroups/{}", "consistencygroup"),
        ("/consistencygroups/{}/update", "consistencygroup"),
    ],
)
def test_a_group_takes_only_the_users_own_volumes(cloud, hers, path, top, member):
    group = cloud.add(
        models.Group, user_id=BOB, project_id=PROJECT, status="available", name="g"
    )
    own = cloud.volume(BOB)
    for listed in (hers["volume"], f"{own},{hers['volume']}", f"{own}, {own}"):
        status, _ = cloud.ask(BOB, "PUT", path.format(group), {top: {member: listed}})
        assert status == 404
    passed, _ = cloud.ask(BOB, "PUT", path.format(group), {top: {member: own}})
    assert passed != 404


def _count(cloud):
    with db.get_engine().connect() as connection:
        return [
            connection.execute(models.BASE.metadata.tables[t].select()).fetchall()
            for t in ("volumes", "snapshots", "backups", "volume_attachment")
        ]


def test_what_is_free_of_another_users_names_passes(cloud, hers):
    own = cloud.volume(BOB)
    status, document = cloud.ask(
        BOB, "POST", f"/volumes/{own}/metadata", {"metadata": {"a": "b"}}
    )
    assert (status, document) == (200, {"metadata": {"a": "b"}})
    # The key of a transfer is the right to it: Cinder looks at the key.
    accept = {"accept": {"auth_key": "wrong"}}
    for of in ("os-volume-transfer", "volume-transfers"):
        at = f"/{of}/{hers['transfer']}/accept"
        assert cloud.ask(BOB, "POST", at, accept) == cloud.ask(
            BOB, "POST", at, accept, bare=True
        )


@pytest.mark.parametrize(
    "path",
    ["/manageable_volumes", "/os-services", "/backups/import_record", "/clusters"],
)
def test_what_is_the_operators(cloud, path):
    assert cloud.ask(BOB, "GET", path)[0] == 403
    assert cloud.ask(BOB, "GET", path, roles="vo_auditor,reader")[0] == 403
    assert cloud.ask(BOB, "GET", "/limits")[0] == 200
    assert cloud.ask(BOB, "GET", "/os-something-new")[0] == 404


@pytest.mark.parametrize(("kind", "method", "path", "body"), OWNED[:3])
def test_a_database_that_fails_closes_all(
    cloud, hers, monkeypatch, caplog, kind, method, path, body
):
    own = cloud.volume(BOB)

    def broken(*args, **kwargs):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("vo_policy_ext.cinder._queries", broken)
    with caplog.at_level(logging.ERROR):
        for volume in (own, hers["volume"]):
            assert cloud.ask(BOB, method, path.format(volume), body)[0] == 503
        assert cloud.ask(BOB, "GET", f"/volumes?marker={own}")[0] == 503
    assert "owner_unknown" in caplog.text
    assert "not_narrowed" in caplog.text


def test_the_new_owner_of_a_transferred_volume_is_seen_at_once(cloud, hers):
    at = f"/volumes/{hers['volume']}"
    assert cloud.ask(BOB, "GET", at)[0] == 404
    table = models.BASE.metadata.tables["volumes"]
    with db.get_engine().begin() as connection:
        connection.execute(table.update().values(user_id=BOB))
    assert cloud.ask(BOB, "GET", at)[0] == 200
    assert cloud.ask(ALICE, "GET", at)[0] == 404


def test_owners_of_many_and_of_none(cloud, hers):
    from cinder import context

    cinder = Cinder()
    admin = context.get_admin_context()
    gone = cloud.volume(ALICE, deleted=True)
    unowned = cloud.volume(None)
    his = cloud.volume(BOB)
    asked = (hers["volume"], his, gone, unowned, NOBODYS)
    assert cinder.owners(admin, "volume", asked) == {hers["volume"]: ALICE, his: BOB}
    assert cinder.owners(admin, "volume", ()) == {}
    assert cinder.owners(admin, "server", (NOBODYS,)) == {}
    lost = cloud.add(models.VolumeAttachment, volume_id=gone)
    assert cinder.owners(admin, "attachment", (lost, hers["attachment"])) == {
        hers["attachment"]: ALICE
    }
    with pytest.raises(KeyError):
        cinder.owners(admin, "keypair", (NOBODYS,))
    assert cinder.missing("server", NOBODYS) == (
        f"Instance {NOBODYS} could not be found."
    )
