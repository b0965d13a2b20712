# SPDX-License-Identifier: Apache-2.0
"""Storage: list, show, create, change, act, delete, through the filter."""

from collections.abc import Iterator
from typing import Any

import pytest

from ooi_ext import kinds_storage
from ooi_ext.rendering import text
from tests.unit.ooi.cinder_cloud import Cinder, act, cinder, cloud_with, storage
from tests.unit.ooi.client_requests import IM
from tests.unit.ooi.cloud import Cloud

BASE = "http://cloud.example.org/occi1.1/storage/"
NOWHERE = "00000000-0000-4000-8000-000000000000"
SERVER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def service() -> Iterator[Cinder]:
    with cinder() as found:
        yield found


@pytest.fixture
def cloud(service: Cinder) -> Cloud:
    return cloud_with(service)


def line(name: str, value: Any) -> str:
    return f"X-OCCI-Attribute: {name}={value}"


def attributes(cloud: Cloud, volume_id: str) -> dict[str, Any]:
    answer = cloud.send("GET", f"/storage/{volume_id}")
    assert answer.status == 200, answer.text
    return dict(text.parse_plain(answer.body, {}).attributes)


def offered(cloud: Cloud, volume_id: str) -> list[str]:
    answer = cloud.send("GET", f"/storage/{volume_id}")
    links = text.parse_plain(answer.body, {}).links
    for link in links:
        (identifier,) = link.rel
        name = identifier.rpartition("#")[2]
        assert link.target == f"{BASE}{volume_id}?action={name}"
        assert identifier in kinds_storage.STORAGE.actions
    return [link.rel[0].rpartition("#")[2] for link in links]


def test_a_list_costs_one_request_a_page(cloud: Cloud, service: Cinder) -> None:
    urls = [BASE + service.add() for _ in range(5)]
    answer = cloud.send("GET", "/storage/", headers={"Accept": "text/uri-list"})
    assert answer.text.split("\n") == urls
    assert len(service.requests) == 1
    service.page = 2
    service.requests.clear()
    plain = cloud.send("GET", "/storage")
    assert plain.text == "\n".join(f"X-OCCI-Location: {url}" for url in urls)
    assert len(service.requests) == 3


def test_an_empty_list_is_empty(cloud: Cloud) -> None:
    answer = cloud.send("GET", "/storage/")
    assert (answer.status, answer.body) == (200, b"")


def test_a_list_is_filtered(cloud: Cloud, service: Cinder) -> None:
    service.add(name="one")
    two = service.add(name="two")
    headers = {"X-OCCI-Attribute": 'occi.core.title="two"'}
    assert cloud.send("GET", "/storage/", headers=headers).text.endswith(BASE + two)
    assert service.asked() == [("GET", "/v3/volumes/detail")]


def test_show(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add(name='a "b"; c', description="why")
    answer = cloud.send("GET", f"/storage/{volume_id}")
    read = text.parse_plain(answer.body, {})
    assert [c.identifier for c in read.categories] == [kinds_storage.STORAGE.identifier]
    assert dict(read.attributes) == {
        "occi.core.id": volume_id,
        "occi.core.title": 'a "b"; c',
        "occi.core.summary": "why",
        "occi.storage.size": 2.0,
        "occi.storage.state": "online",
    }
    assert offered(cloud, volume_id) == ["offline", "snapshot", "resize"]


@pytest.mark.parametrize(
    ("status", "attached", "state"),
    [
        ("available", False, "online"),
        ("in-use", True, "online"),
        ("backing-up", True, "online"),
        ("creating", False, "offline"),
        ("attaching", False, "offline"),
        ("maintenance", False, "offline"),
        ("error", False, "error"),
        ("error_deleting", True, "error"),
        ("a status of tomorrow", False, "offline"),
    ],
)
def test_states(
    cloud: Cloud, service: Cinder, status: str, attached: bool, state: str
) -> None:
    volume_id = service.add()
    if attached:
        service.attach(volume_id, SERVER)
    service.volumes[volume_id]["status"] = status
    shown = attributes(cloud, volume_id)
    assert shown["occi.storage.state"] == state
    message = shown.get("occi.storage.state.message")
    assert message == (
        None if status in ("available", "in-use") else f"Cinder says: {status}"
    )
    transient = status not in ("available", "in-use")
    assert (offered(cloud, volume_id) == []) == transient


def test_a_name_cannot_inject_a_header(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add(name="a\r\nX-Evil: 1")
    answer = cloud.send("GET", f"/storage/{volume_id}", headers={"Accept": "text/occi"})
    assert answer.status == 200
    assert not answer.header("X-Evil")
    assert 'occi.core.title="a\\r\\nX-Evil: 1"' in answer.header("X-OCCI-Attribute")


@pytest.mark.parametrize("volume_id", ["detail", "..", "a%2Fb", NOWHERE[:-1] + "X"])
def test_an_id_that_is_none_never_reaches_cinder(
    cloud: Cloud, service: Cinder, volume_id: str
) -> None:
    for method in ("GET", "DELETE", "PUT", "POST"):
        answer = cloud.send(method, f"/storage/{volume_id}", storage())
        assert answer.status == 404
    assert service.requests == []


def test_create(cloud: Cloud, service: Cinder) -> None:
    body = storage(
        line("occi.core.id", '"made-up"'),
        line("occi.core.title", '"my disk"'),
        line("occi.core.summary", '"why"'),
        size="1.5",
    )
    answer = cloud.send("POST", "/storage/", body)
    (volume_id,) = service.volumes
    assert answer.status == 201
    assert answer.header("Location") == BASE + volume_id
    assert answer.text == f"X-OCCI-Location: {BASE}{volume_id}"
    wanted = {"size": 2, "name": "my disk", "description": "why"}
    assert service.requests == [("POST", "/v3/volumes", {"volume": wanted})]


def test_im_makes_a_volume_and_waits(cloud: Cloud, service: Cinder) -> None:
    body = (
        'Category: storage; scheme="http://schemas.ogf.org/occi/infrastructure#"; '
        'class="kind"\n'
        'X-OCCI-Attribute: occi.core.id="im-vol-2b3fd0c6"\n'
        'X-OCCI-Attribute: occi.core.title="im-disk-7d0c1b8e"\n'
        "X-OCCI-Attribute: occi.storage.size=10\n"
    )
    answer = cloud.send("POST", "/storage/", body, IM.headers)
    assert answer.status == 201
    # It takes the id from the last segment of the raw body.
    volume_id = answer.text.rpartition("/")[2]
    headers = {"Accept": "text/plain", "Connection": "close"}
    for status, state in (("creating", "offline"), ("available", "online")):
        service.volumes[volume_id]["status"] = status
        polled = cloud.send("GET", f"/storage/{volume_id}", headers=headers)
        assert f'X-OCCI-Attribute: occi.storage.state="{state}"\n' in polled.text + "\n"
    assert cloud.send("DELETE", f"/storage/{volume_id}").status == 200
    assert cloud.send("GET", f"/storage/{volume_id}").status == 404


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (storage(size=""), "occi.storage.size"),
        (storage(size="0"), '"0" GiB'),
        (storage(size="-1"), "-1"),
        (storage(size="2147483648"), "2147483648"),
        (storage(size='"1"'), "number"),
        (storage(size="true"), "number"),
        (storage(line("occi.storage.state", '"online"')), "immutable"),
        (storage(line("occi.compute.cores", "1")), "occi.compute.cores"),
        (storage(line("occi.core.title", '"a\\nb"')), "line break"),
        (
            storage('Category: x; scheme="http://example.org/#"; class="mixin"'),
            "http://example.org/#x",
        ),
        (
            storage(
                "Category: x; "
                'scheme="http://schemas.openstack.org/template/os#"; class="mixin"'
            ),
            "template/os#x",
        ),
        (
            storage(
                f"Link: </network/{NOWHERE}>; "
                'rel="http://schemas.ogf.org/occi/infrastructure#network"'
            ),
            NOWHERE,
        ),
        (act("online"), "no place"),
        ("", "Category"),
    ],
)
def test_a_bad_request_makes_nothing(
    cloud: Cloud, service: Cinder, body: str, named: str
) -> None:
    answer = cloud.send("POST", "/storage/", body)
    assert answer.status == 400, answer.text
    assert named in answer.text
    assert service.requests == []


def test_a_quota_is_told(cloud: Cloud, service: Cinder) -> None:
    fault = {"overLimit": {"code": 413, "message": "VolumeSizeExceedsAvailableQuota"}}
    service.answers["POST", "/v3/volumes"] = (413, fault)
    answer = cloud.send("POST", "/storage/", storage())
    assert answer.status == 413
    assert "Quota" in answer.text


def test_an_answer_without_a_volume_is_named(cloud: Cloud, service: Cinder) -> None:
    for found in ({}, {"volume": []}, {"volume": {}}):
        service.answers["POST", "/v3/volumes"] = (202, found)
        answer = cloud.send("POST", "/storage/", storage())
        assert answer.status == 502
        assert "block-storage service" in answer.text


def test_a_partial_update_changes_what_it_names(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add(name="old", description="kept")
    answer = cloud.send(
        "POST", f"/storage/{volume_id}", line("occi.core.title", '"new"')
    )
    assert answer.status == 200
    assert 'occi.core.title="new"' in answer.text
    assert 'occi.core.summary="kept"' in answer.text
    kind = storage(line("occi.core.summary", '"new too"'), size="")
    assert cloud.send("POST", f"/storage/{volume_id}", kind).status == 200
    volume = service.volumes[volume_id]
    assert (volume["name"], volume["description"]) == ("new", "new too")


def test_a_full_update_takes_away_what_it_does_not_name(
    cloud: Cloud, service: Cinder
) -> None:
    volume_id = service.add(name="old", description="old too")
    body = storage(line("occi.core.summary", '"new"'), size="2")
    answer = cloud.send("PUT", f"/storage/{volume_id}", body)
    assert answer.status == 200
    assert "occi.core.title" not in answer.text
    assert 'occi.core.summary="new"' in answer.text
    assert [m for m, _ in service.asked()] == ["GET", "PUT"]
    without = cloud.send("PUT", f"/storage/{volume_id}", storage(size=""))
    assert without.status == 400
    assert "occi.storage.size" in without.text


def test_what_was_shown_can_be_sent_back(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add(description="why")
    shown = cloud.send("GET", f"/storage/{volume_id}")
    again = cloud.send("PUT", f"/storage/{volume_id}", shown.body)
    assert (again.status, again.body) == (200, shown.body)


def test_an_update_can_make_it_larger(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add()
    answer = cloud.send("POST", f"/storage/{volume_id}", storage(size="3"))
    assert answer.status == 200
    assert "occi.storage.size=3.0" in answer.text
    smaller = cloud.send("PUT", f"/storage/{volume_id}", storage(size="1"))
    assert smaller.status == 400
    assert "3 GiB" in smaller.text
    assert service.volumes[volume_id]["name"] == "disk"


def test_an_update_of_nothing_there(cloud: Cloud) -> None:
    answer = cloud.send("PUT", f"/storage/{NOWHERE}", storage())
    assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "nothing to change"),
        (line("occi.storage.state", '"offline"'), "immutable"),
        (line("occi.storage.size", "-3"), '"-3" GiB'),
        (line("occi.core.title", '"a\\nb"'), "line break"),
        (line("occi.core.titel", '"b"'), "titel"),
    ],
)
def test_a_bad_update_changes_nothing(
    cloud: Cloud, service: Cinder, body: str, named: str
) -> None:
    volume_id = service.add()
    answer = cloud.send("POST", f"/storage/{volume_id}", body)
    assert answer.status == 400
    assert named in answer.text
    assert {m for m, _ in service.asked()} <= {"GET"}


def send(cloud: Cloud, volume_id: str, name: str, *more: str) -> Any:
    return cloud.send("POST", f"/storage/{volume_id}?action={name}", act(name, *more))


def test_offline_keeps_a_volume_and_online_frees_it(
    cloud: Cloud, service: Cinder
) -> None:
    volume_id = service.add()
    for _ in range(2):
        answer = send(cloud, volume_id, "offline")
        assert (answer.status, answer.body) == (200, b"")
        assert service.volumes[volume_id]["status"] == "attaching"
        assert attributes(cloud, volume_id)["occi.storage.state"] == "offline"
        assert offered(cloud, volume_id) == ["online"]
    for _ in range(2):
        assert send(cloud, volume_id, "online").status == 200
        assert service.volumes[volume_id]["status"] == "available"
        assert service.volumes[volume_id]["metadata"] == {}


def test_offline_that_cannot_be_marked_is_undone(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add()
    place = f"/v3/volumes/{volume_id}/metadata"
    service.answers["POST", place] = (500, {})
    assert send(cloud, volume_id, "offline").status == 503
    assert service.volumes[volume_id]["status"] == "available"


def test_a_volume_in_use_cannot_be_set_offline(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add()
    service.attach(volume_id, SERVER)
    answer = send(cloud, volume_id, "offline")
    assert answer.status == 409
    assert "attached" in answer.text
    assert send(cloud, volume_id, "online").status == 200
    assert [m for m, _ in service.asked()] == ["GET", "GET"]


@pytest.mark.parametrize("name", ["online", "offline", "snapshot"])
def test_a_volume_under_way_is_a_conflict(
    cloud: Cloud, service: Cinder, name: str
) -> None:
    # Also when Nova is about to attach it: that is not ours to set online.
    for status in ("creating", "attaching"):
        volume_id = service.add(status=status)
        answer = send(cloud, volume_id, name)
        assert answer.status == 409
        assert status in answer.text
        assert service.volumes[volume_id]["status"] == status


def test_snapshots(cloud: Cloud, service: Cinder) -> None:
    free, used = service.add(), service.add()
    service.attach(used, SERVER)
    for volume_id in (free, used):
        assert send(cloud, volume_id, "snapshot").status == 200
    assert service.snapshots == [
        {"volume_id": free, "force": False},
        {"volume_id": used, "force": True},
    ]


@pytest.mark.parametrize(
    ("size", "status"), [("3", 200), ("2.5", 200), ("2", 400), ("0", 400), ('"3"', 400)]
)
def test_resize(cloud: Cloud, service: Cinder, size: str, status: int) -> None:
    volume_id = service.add()
    answer = send(cloud, volume_id, "resize", line("size", size))
    assert answer.status == status, answer.text
    assert service.volumes[volume_id]["size"] == (3 if status == 200 else 2)


def test_resize_of_what_cannot_grow_now(cloud: Cloud, service: Cinder) -> None:
    used, creating = service.add(), service.add(status="creating")
    service.attach(used, SERVER)
    for volume_id in (used, creating):
        answer = send(cloud, volume_id, "resize", line("size", "9"))
        assert answer.status == 409
    assert send(cloud, used, "resize").status == 400


def test_backup_is_not_offered(cloud: Cloud, service: Cinder) -> None:
    answer = send(cloud, service.add(), "backup")
    assert answer.status == 501
    assert "snapshot" in answer.text


def test_another_action_is_a_bad_request(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add()
    answer = send(cloud, volume_id, "start")
    assert answer.status == 400
    other = cloud.send("POST", f"/storage/{volume_id}?action=online", act("offline"))
    assert other.status == 400
    assert service.requests == []


def test_an_action_on_all(cloud: Cloud, service: Cinder) -> None:
    ids = [service.add() for _ in range(3)]
    body = act("offline")
    answer = cloud.send("POST", "/storage/?action=offline", body)
    assert (answer.status, answer.body) == (200, b"")
    assert {service.volumes[i]["status"] for i in ids} == {"attaching"}
    service.add(status="creating")
    answer = cloud.send("POST", "/storage/?action=online", act("online"))
    assert answer.status == 409
    assert {service.volumes[i]["status"] for i in ids} == {"attaching"}


def test_delete(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add()
    answer = cloud.send("DELETE", f"/storage/{volume_id}")
    assert (answer.status, answer.body) == (200, b"")
    assert service.volumes == {}
    assert cloud.send("DELETE", f"/storage/{volume_id}").status == 404


def test_a_volume_in_use_is_a_conflict(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add()
    service.attach(volume_id, SERVER)
    answer = cloud.send("DELETE", f"/storage/{volume_id}")
    assert answer.status == 409
    assert "must be available" in answer.text
    assert volume_id in service.volumes


def test_a_volume_offline_can_be_deleted(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add()
    send(cloud, volume_id, "offline")
    assert cloud.send("DELETE", f"/storage/{volume_id}").status == 200
    assert service.volumes == {}


def test_a_volume_that_cinder_never_lets_go(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add()
    send(cloud, volume_id, "offline")
    place = f"/v3/volumes/{volume_id}"
    service.answers["DELETE", place] = (400, {"badRequest": {"message": "snapshots"}})
    service.requests.clear()
    answer = cloud.send("DELETE", f"/storage/{volume_id}")
    assert answer.status == 409
    assert service.asked().count(("DELETE", place)) == 2


def test_delete_all(cloud: Cloud, service: Cinder) -> None:
    ids = [service.add() for _ in range(3)]
    service.attach(ids[2], SERVER)
    answer = cloud.send("DELETE", "/storage/")
    assert answer.status == 409
    assert ids[2] in answer.text
    assert len(service.volumes) == 3
    service.volumes[ids[2]].update(status="available", attachments=[])
    # One that is gone in the meantime is no failure.
    service.answers["DELETE", f"/v3/volumes/{ids[0]}"] = (404, {})
    assert cloud.send("DELETE", "/storage/").status == 200
    assert list(service.volumes) == [ids[0]]
    service.answers["DELETE", f"/v3/volumes/{ids[0]}"] = (500, {})
    other = service.add()
    answer = cloud.send("DELETE", "/storage/")
    assert answer.status == 503
    assert f"done for 1, and not for 1; the first of these is {ids[0]}" in answer.text
    assert other not in service.volumes


def test_without_cinder_machines_go_on(cloud: Cloud, service: Cinder) -> None:
    service.answers["GET", "/v3/volumes"] = (503, {})
    server_id = cloud.nova.add()
    answer = cloud.send("GET", "/storage/", headers={"Accept": "text/occi"})
    assert answer.status == 503
    assert "block-storage service" in answer.header("X-OCCI-Error")
    assert server_id in cloud.send("GET", "/compute/").text
