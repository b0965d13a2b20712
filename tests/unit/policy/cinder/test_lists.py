# SPDX-License-Identifier: Apache-2.0
"""Lists of Cinder hold the caller's own, at every microversion."""

import pytest
from cinder.db import models

from tests.unit.policy.cinder.cloud import ALICE, BOB, CAROL, PROJECT

VERSIONS = [None, "3.0", "3.30", "3.31", "3.45", "3.70", "latest"]


@pytest.fixture
def two(cloud):
    """Return the volumes, snapshots and backups of alice and of bob."""
    made = {}
    for who in (ALICE, BOB):
        volume = cloud.volume(who)
        made[who] = {
            "volumes": volume,
            "snapshots": cloud.snapshot(who, volume),
            "backups": cloud.backup(who, volume),
        }
    return made


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("of", ["volumes", "snapshots", "backups"])
@pytest.mark.parametrize("detail", ["", "/detail"])
def test_a_user_lists_only_what_is_the_users_own(cloud, two, of, detail, version):
    path = f"/{of}{detail}"
    everything = sorted(two[who][of] for who in two)
    assert cloud.ids(BOB, path, version=version, bare=True) == everything
    assert cloud.ids(BOB, path, version=version) == [two[BOB][of]]
    assert cloud.ids(ALICE, f"/{PROJECT}{path}", version=version) == [two[ALICE][of]]
    assert cloud.ids(CAROL, path, version=version) == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("of", ["volumes", "snapshots", "backups"])
@pytest.mark.parametrize(
    "query",
    [
        f"user_id={ALICE}",
        f"user_id={ALICE}&user_id={BOB}&user_id={ALICE}",
        f"%75ser_id={ALICE}",
        "user_id~=a",
        "all_tenants=1",
        f"all_tenants=True&project_id={PROJECT}&host=h&tenant_id={PROJECT}",
        "name=disk&name~=d&status=available",
        "limit=5&offset=0&sort=created_at:desc",
        "no_migration_targets=0&deleted=True",
    ],
)
def test_no_query_widens_a_list(cloud, two, of, query, version):
    status, document = cloud.ask(BOB, "GET", f"/{of}?{query}", version=version)
    assert status == 200, document
    assert two[ALICE][of] not in str(document)


@pytest.mark.parametrize("of", ["volumes", "snapshots", "backups"])
def test_the_count_is_of_the_own_ones(cloud, two, of):
    for detail in ("", "/detail"):
        status, document = cloud.ask(BOB, "GET", f"/{of}{detail}?with_count=1")
        assert (status, document["count"]) == (200, 1)


@pytest.mark.parametrize("version", ["3.0", "3.70"])
@pytest.mark.parametrize("of", ["volumes", "snapshots", "backups"])
def test_pages_are_whole_and_link_to_the_own_ones(cloud, two, of, version):
    kind = of[:-1]
    volume = two[BOB]["volumes"]
    more = cloud.volume(BOB) if kind == "volume" else getattr(cloud, kind)(BOB, volume)
    for _ in range(3):
        other = two[ALICE]["volumes"]
        cloud.volume(ALICE) if kind == "volume" else getattr(cloud, kind)(ALICE, other)
    _, document = cloud.ask(BOB, "GET", f"/{of}?limit=1", version=version)
    first = [item["id"] for item in document[of]]
    (link,) = document[f"{of}_links"]
    assert f"marker={first[0]}" in link["href"]
    second = cloud.ids(BOB, f"/{of}?limit=1&marker={first[0]}", version=version)
    assert sorted(first + second) == sorted([two[BOB][of], more])
    assert cloud.ids(BOB, f"/{of}?limit=9&offset=1", version=version) == second


@pytest.mark.parametrize("of", ["volumes", "snapshots", "backups"])
@pytest.mark.parametrize("version", ["3.0", "3.70"])
def test_a_marker_tells_nothing_of_another_users(cloud, two, of, version):
    hers = two[ALICE][of]
    nobodys = "00000000-0000-4000-8000-000000000000"
    assert cloud.ask(BOB, "GET", f"/{of}?marker={hers}", bare=True)[0] == 200
    answers = [
        cloud.ask(BOB, "GET", f"/{of}?marker={marker}", version=version)
        for marker in (hers, nobodys, hers.upper(), f"{hers}%20")
    ]
    assert [status for status, _ in answers] == [404] * 4
    told = [str(doc).replace(hers, "X").replace(nobodys, "X") for _, doc in answers]
    assert told[0] == told[1]
    own = two[BOB][of]
    assert cloud.ids(BOB, f"/{of}?marker={own}", version=version) == []


@pytest.mark.parametrize(
    "roles", ["manager,member,reader", "vo_auditor,reader", "admin"]
)
@pytest.mark.parametrize("version", ["3.0", "3.70"])
@pytest.mark.parametrize("of", ["volumes", "snapshots", "backups"])
def test_who_may_see_the_project_sees_it(cloud, two, of, version, roles):
    both = sorted(two[who][of] for who in two)
    assert cloud.ids(CAROL, f"/{of}/detail", version=version, roles=roles) == both
    assert cloud.ids(CAROL, f"/{of}?user_id={BOB}", version=version, roles=roles)
    assert cloud.ask(CAROL, "GET", "/volumes/summary", roles=roles)[0] == 200


def test_the_sums_of_the_project_are_not_for_a_plain_user(cloud, two):
    assert cloud.ask(BOB, "GET", "/volumes/summary", bare=True)[0] == 200
    assert cloud.ask(BOB, "GET", "/volumes/summary")[0] == 403


@pytest.mark.parametrize("of", ["volume", "snapshot", "backup", "group"])
@pytest.mark.parametrize("version", ["3.30", "3.70"])
def test_a_list_is_refused_if_cinder_would_not_obey(
    cloud, filters, of, version, caplog
):
    filters[of].remove("user_id")
    status, document = cloud.ask(BOB, "GET", f"/{of}s", version=version)
    assert status == 503
    assert "resource_filters" not in str(document)
    assert "policy/conf/cinder/resource_filters.json" in caplog.text
    assert (
        cloud.ask(
            BOB, "GET", f"/{of}s", version=version, roles="manager,member,reader"
        )[0]
        == 200
    )


def test_a_list_is_refused_if_cinder_has_no_filters_at_all(cloud, filters):
    filters.clear()
    filters["pool"] = []
    assert cloud.ask(BOB, "GET", "/volumes")[0] == 503
    assert cloud.ask(BOB, "GET", "/volumes", version=None)[0] == 503


@pytest.mark.parametrize("version", ["volume 2.0", "volume", "compute 2.1", "volume x"])
def test_a_version_that_cinder_cannot_read_is_cinders_to_answer(cloud, two, version):
    status, document = cloud.ask(
        BOB, "GET", "/snapshots", version=None, HTTP_OPENSTACK_API_VERSION=version
    )
    assert status in (400, 404, 406, 500)
    assert two[ALICE]["snapshots"] not in str(document)


def test_a_filter_that_the_site_allows_is_passed_on(cloud, filters, two):
    filters["snapshot"] += ["name~", "host"]
    more = cloud.snapshot(BOB, two[BOB]["volumes"], display_name="other")
    for version in ("3.0", "3.34", "3.70"):
        assert cloud.ids(BOB, "/snapshots?name~=the", version=version) == [more]
        assert cloud.ids(BOB, "/snapshots?name=other", version=version) == [more]
        assert len(cloud.ids(BOB, "/snapshots?host=x", version=version)) == 2


def test_a_raised_list_says_so(cloud, two):
    cloud.ask(BOB, "GET", "/snapshots", version="3.0")
    assert cloud.headers["openstack-api-version"] == "volume 3.34"
    cloud.ask(BOB, "GET", "/snapshots", version="3.60")
    assert cloud.headers["openstack-api-version"] == "volume 3.60"
    cloud.ask(BOB, "GET", "/volumes", version="3.0")
    assert cloud.headers["openstack-api-version"] == "volume 3.0"


def _group(cloud, who, **more):
    return cloud.add(
        models.Group,
        user_id=who,
        project_id=PROJECT,
        status="available",
        name="g",
        group_type_id=cloud.add(models.GroupType, name=f"t-{who}", is_public=True),
        **more,
    )


@pytest.mark.parametrize("version", ["3.14", "3.30", "3.31", "3.70"])
def test_groups_and_their_snapshots(cloud, version):
    groups = {who: _group(cloud, who) for who in (ALICE, BOB)}
    taken = {
        who: cloud.add(
            models.GroupSnapshot,
            user_id=who,
            project_id=PROJECT,
            status="available",
            group_id=groups[who],
            group_type_id=None,
            name="s",
        )
        for who in groups
    }
    for detail in ("", "/detail"):
        for of, made in (("groups", groups), ("group_snapshots", taken)):
            path = f"/{of}{detail}"
            assert cloud.ids(BOB, path, bare=True, version=version) == sorted(
                made.values()
            )
            assert cloud.ids(BOB, f"{path}?user_id={ALICE}", version=version) == [
                made[BOB]
            ]
        for of, made in (("consistencygroups", groups), ("cgsnapshots", taken)):
            assert cloud.ids(BOB, f"/{of}{detail}", version=version) == [made[BOB]]
    for of, made in (
        ("groups", groups),
        ("group_snapshots", taken),
        ("consistencygroups", groups),
        ("cgsnapshots", taken),
    ):
        assert (
            cloud.ask(ALICE, "GET", f"/{of}/{made[ALICE]}", version=version)[0] == 200
        )
        assert cloud.ask(BOB, "GET", f"/{of}/{made[ALICE]}", version=version)[0] == 404


@pytest.mark.parametrize("path", ["/attachments", "/attachments/detail"])
@pytest.mark.parametrize("version", ["3.27", "3.31", "3.70"])
def test_attachments_are_those_of_the_own_volumes(cloud, two, path, version):
    made = {
        who: cloud.add(
            models.VolumeAttachment,
            volume_id=two[who]["volumes"],
            instance_uuid="11111111-1111-4111-8111-111111111111",
            attach_status="attached",
        )
        for who in two
    }
    assert cloud.ids(BOB, path, bare=True, version=version) == sorted(made.values())
    assert cloud.ids(BOB, path, version=version) == [made[BOB]]
    hers = two[ALICE]["volumes"]
    assert cloud.ids(BOB, f"{path}?volume_id={hers}", version=version) == []
    assert cloud.ids(ALICE, f"{path}?volume_id={hers}", version=version) == [
        made[ALICE]
    ]
    marker = f"{path}?marker={made[ALICE]}"
    assert cloud.ask(BOB, "GET", marker, version=version)[0] == 404
    status, _ = cloud.ask(
        CAROL, "GET", path, roles="vo_auditor,reader", version=version
    )
    assert status == 200
    listed = cloud.ids(CAROL, path, roles="vo_auditor,reader", version=version)
    # The details are how to connect to each volume.
    assert listed == (sorted(made.values()) if path == "/attachments" else [])


@pytest.mark.parametrize("of", ["os-volume-transfer", "volume-transfers"])
@pytest.mark.parametrize("detail", ["", "/detail"])
def test_transfers_are_those_of_the_own_volumes(cloud, two, of, detail):
    made = {
        who: cloud.add(
            models.Transfer,
            volume_id=two[who]["volumes"],
            display_name="mine",
            source_project_id=PROJECT,
        )
        for who in two
    }
    path = f"/{of}{detail}"
    assert cloud.ids(BOB, path, bare=True) == sorted(made.values())
    assert cloud.ids(BOB, path) == [made[BOB]]
    # A filter and one item a page would tell by the link that alice has one.
    _, document = cloud.ask(BOB, "GET", f"{path}?volume_id={two[ALICE]['volumes']}")
    assert [item["id"] for item in document["transfers"]] == [made[BOB]]
    assert cloud.ask(ALICE, "GET", f"/{of}/{made[ALICE]}")[0] == 200
    assert cloud.ask(BOB, "GET", f"/{of}/{made[ALICE]}")[0] == 404
    assert cloud.ask(BOB, "DELETE", f"/{of}/{made[ALICE]}")[0] == 404


def test_messages_are_those_about_what_is_the_users_own(cloud, two):
    gone = cloud.volume(ALICE, deleted=True, status="deleted")
    about = [
        ("VOLUME", two[ALICE]["volumes"]),
        ("VOLUME", gone),
        ("VOLUME_SNAPSHOT", two[ALICE]["snapshots"]),
        ("VOLUME_BACKUP", two[ALICE]["backups"]),
    ]
    hers = [_message(cloud, *what) for what in about]
    his = _message(cloud, "VOLUME_SNAPSHOT", two[BOB]["snapshots"])
    nobodys = _message(cloud, "VOLUME", None)
    everything = sorted([*hers, his, nobodys])
    assert cloud.ids(BOB, "/messages", bare=True) == everything
    assert cloud.ids(BOB, "/messages") == [his]
    assert cloud.ids(BOB, "/messages?resource_uuid=x&limit=9") == [his]
    assert cloud.ids(ALICE, "/messages") == sorted(hers)
    assert cloud.ids(CAROL, "/messages", roles="vo_auditor,reader") == everything
    for message in (*hers, nobodys):
        assert cloud.ask(BOB, "GET", f"/messages/{message}")[0] == 404
        assert cloud.ask(BOB, "DELETE", f"/messages/{message}")[0] == 404
    assert cloud.ask(ALICE, "GET", f"/messages/{hers[0]}")[0] == 200


def _message(cloud, kind, resource):
    return cloud.add(
        models.Message,
        project_id=PROJECT,
        message_level="ERROR",
        resource_type=kind,
        resource_uuid=resource,
        event_id="VOLUME_VOLUME_001_001",
        action_id="001",
        detail_id="001",
    )
