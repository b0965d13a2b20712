# SPDX-License-Identifier: Apache-2.0
"""Storage links: list, show, attach, detach, through the filter; and in compute."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ooi_ext import kinds, kinds_storage
from ooi_ext.rendering import text
from ooi_ext.translate_storage import compute_links
from tests.unit.ooi.cinder_cloud import (
    INFRA,
    Cinder,
    NovaWithVolumes,
    cinder,
    cloud_with,
)
from tests.unit.ooi.client_requests import IM, ROCCI
from tests.unit.ooi.cloud import Cloud

ROOT = "http://cloud.example.org/occi1.1"
NOWHERE = "00000000-0000-4000-8000-000000000000"
KIND = f'Category: storagelink;scheme="{INFRA}";class="kind"'


@pytest.fixture
def service() -> Iterator[Cinder]:
    with cinder() as found:
        yield found


@pytest.fixture
def cloud(service: Cinder) -> Cloud:
    return cloud_with(service)


def nova(cloud: Cloud) -> NovaWithVolumes:
    assert isinstance(cloud.nova, NovaWithVolumes)
    return cloud.nova


def link(source: str, target: str, *more: str) -> str:
    return "\n".join(
        (
            KIND,
            f'X-OCCI-Attribute: occi.core.source="{source}"',
            f'X-OCCI-Attribute: occi.core.target="{target}"',
            *more,
        )
    )


def attached(cloud: Cloud, service: Cinder, **options: Any) -> tuple[str, str]:
    server_id, volume_id = cloud.nova.add(), service.add()
    service.attach(volume_id, server_id, **options)
    return server_id, volume_id


@pytest.mark.parametrize("place", ["/storagelink/", "/link/storagelink"])
def test_a_list_is_one_request(cloud: Cloud, service: Cinder, place: str) -> None:
    service.add()
    pairs = [attached(cloud, service) for _ in range(3)]
    # A volume at two machines is two links, one at a host of no machine none.
    second = cloud.nova.add()
    service.attach(pairs[0][1], second)
    service.attach(service.add(), None)
    service.requests.clear()
    answer = cloud.send("GET", place, headers={"Accept": "text/uri-list"})
    assert sorted(answer.text.split("\n")) == sorted(
        f"{ROOT}/storagelink/{server}_{volume}"
        for server, volume in (*pairs, (second, pairs[0][1]))
    )
    assert (len(service.requests), nova(cloud).attaching) == (1, [])


def test_a_list_is_filtered(cloud: Cloud, service: Cinder) -> None:
    attached(cloud, service)
    server_id, volume_id = attached(cloud, service)
    headers = {"X-OCCI-Attribute": f'occi.core.source="/compute/{server_id}"'}
    answer = cloud.send("GET", "/storagelink/", headers=headers)
    assert answer.text.endswith(f"/storagelink/{server_id}_{volume_id}")
    assert answer.text.count("\n") == 0


def test_show(cloud: Cloud, service: Cinder) -> None:
    server_id, volume_id = attached(cloud, service)
    answer = cloud.send("GET", f"/storagelink/{server_id}_{volume_id}")
    read = text.parse_plain(answer.body, {})
    assert [c.identifier for c in read.categories] == [f"{INFRA}storagelink"]
    shown = dict(read.attributes)
    assert shown["occi.core.id"] == f"{server_id}_{volume_id}"
    assert shown["occi.core.source"] == f"{ROOT}/compute/{server_id}"
    assert shown["occi.core.target"] == f"{ROOT}/storage/{volume_id}"
    assert shown["occi.storagelink.deviceid"] == "/dev/vdb"
    assert shown["occi.storagelink.state"] == "active"
    assert (len(service.requests), nova(cloud).attaching) == (1, [])


def test_a_link_in_error(cloud: Cloud, service: Cinder) -> None:
    server_id, volume_id = attached(cloud, service, device=None)
    service.volumes[volume_id]["status"] = "error_detaching"
    answer = cloud.send("GET", f"/storagelink/{server_id}_{volume_id}")
    assert 'occi.storagelink.state="error"' in answer.text
    assert "deviceid" not in answer.text


def test_a_link_that_nova_is_about_to_make(cloud: Cloud, service: Cinder) -> None:
    server_id, volume_id = cloud.nova.add(), service.add(status="attaching")
    nova(cloud).pending.add((server_id, volume_id))
    answer = cloud.send("GET", f"/link/storagelink/{server_id}_{volume_id}")
    assert answer.status == 200
    assert 'occi.storagelink.state="inactive"' in answer.text


def test_links_that_are_not_there(cloud: Cloud, service: Cinder) -> None:
    server_id, volume_id = attached(cloud, service)
    other = cloud.nova.add()
    for name in (
        f"{other}_{volume_id}",
        f"{server_id}_{NOWHERE}",
        f"{NOWHERE}_{volume_id}",
    ):
        assert cloud.send("GET", f"/storagelink/{name}").status == 404
        assert cloud.send("DELETE", f"/storagelink/{name}").status == 404
    assert len(service.volumes[volume_id]["attachments"]) == 1


@pytest.mark.parametrize(
    "name", ["x", NOWHERE, f"{NOWHERE}_..", f"{NOWHERE}_{NOWHERE}_{NOWHERE}", "_"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT"])
def test_an_id_that_is_none_reaches_nobody(
    cloud: Cloud, service: Cinder, name: str, method: str
) -> None:
    assert cloud.send(method, f"/storagelink/{name}").status == 404
    assert (service.requests, nova(cloud).attaching) == ([], [])


@pytest.mark.parametrize("prefix", ["", "/occi1.1", ROOT])
def test_attach_to_any_form_of_a_uri(
    cloud: Cloud, service: Cinder, prefix: str
) -> None:
    server_id, volume_id = cloud.nova.add(), service.add()
    body = link(
        f"{prefix}/compute/{server_id}",
        f"{prefix}/storage/{volume_id}",
        'X-OCCI-Attribute: occi.core.id="made-up"',
        'X-OCCI-Attribute: occi.storagelink.deviceid="/dev/vdc"',
    )
    answer = cloud.send("POST", "/link/storagelink/", body, ROCCI.headers)
    url = f"{ROOT}/storagelink/{server_id}_{volume_id}"
    assert (answer.status, answer.header("Location")) == (201, url)
    assert answer.text == f"X-OCCI-Location: {url}"
    wanted = {"volumeId": volume_id, "device": "/dev/vdc"}
    assert nova(cloud).attaching == [
        (
            "POST",
            f"/servers/{server_id}/os-volume_attachments",
            {"volumeAttachment": wanted},
        )
    ]
    assert len(service.requests) == 1


def test_im_attaches_and_detaches(cloud: Cloud, service: Cinder) -> None:
    server_id, volume_id = cloud.nova.add(), service.add()
    body = (
        f"{KIND}\n"
        'X-OCCI-Attribute: occi.core.id="imdisk-2b3fd0c6"\n'
        f'X-OCCI-Attribute: occi.core.target="/occi1.1/storage/{volume_id}"\n'
        f'X-OCCI-Attribute: occi.core.source="/occi1.1/compute/{server_id}"'
    )
    answer = cloud.send("POST", "/storagelink/", body, IM.headers)
    assert answer.status == 201
    path = answer.header("Location").removeprefix(ROOT)
    conflict = cloud.send("DELETE", f"/storage/{volume_id}", headers=IM.headers)
    assert conflict.status == 409
    assert cloud.send("GET", path, headers=IM.headers).status == 200
    assert cloud.send("DELETE", path, headers=IM.headers).status == 200
    assert cloud.send("GET", path, headers=IM.headers).status == 404
    gone = cloud.send("DELETE", f"/storage/{volume_id}", headers=IM.headers)
    assert gone.status == 200


C, S = f"/compute/{NOWHERE}", f"/storage/{NOWHERE}"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "Category"),
        (KIND, "occi.core.source"),
        (
            f'{KIND}\nX-OCCI-Attribute: occi.core.source="{C}"',
            "occi.core.target",
        ),
        (
            f'{KIND}\nX-OCCI-Attribute: occi.core.target="{S}"',
            "occi.core.source",
        ),
        (link("/compute/..", S), "compute"),
        (link("/compute/%2e%2e", S), "compute"),
        (link(NOWHERE, S), "compute"),
        (link(f"/storage/{NOWHERE}", S), "compute"),
        (link(C, f"/network/{NOWHERE}"), "storage"),
        (link(C, "/storage/detail"), "storage"),
        (link(C, S, f'X-OCCI-Attribute: occi.core.source="{C}"'), "twice"),
        (link(C, S, "X-OCCI-Attribute: occi.storagelink.deviceid=1"), "deviceid"),
        (
            link(C, S, 'X-OCCI-Attribute: occi.storagelink.mountpoint="/mnt"'),
            "mountpoint",
        ),
        (
            link(C, S, f'Link: <{S}>; rel="{INFRA}network"'),
            S,
        ),
    ],
)
def test_a_bad_request_attaches_nothing(
    cloud: Cloud, service: Cinder, body: str, named: str
) -> None:
    answer = cloud.send("POST", "/storagelink/", body)
    assert answer.status == 400, answer.text
    assert named in answer.text
    assert (service.requests, nova(cloud).attaching) == ([], [])


def test_what_is_not_there_is_a_bad_request(cloud: Cloud, service: Cinder) -> None:
    volume_id = service.add()
    no_server = link(C, f"/storage/{volume_id}")
    assert cloud.send("POST", "/storagelink/", no_server).status == 400
    no_volume = link(f"/compute/{cloud.nova.add()}", S)
    assert cloud.send("POST", "/storagelink/", no_volume).status == 400
    assert service.volumes[volume_id]["status"] == "available"


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"status": "in-use"}, 409, "available"),
        ({"status": "creating"}, 409, "creating"),
        (
            {"status": "attaching", "metadata": {"occi_offline": "true"}},
            409,
            "Set it online.",
        ),
        ({"status": "in-use", "multiattach": True}, 201, "storagelink"),
    ],
)
def test_only_a_free_volume_is_attached(
    cloud: Cloud, service: Cinder, changes: Any, status: int, said: str
) -> None:
    body = link(f"/compute/{cloud.nova.add()}", f"/storage/{service.add(**changes)}")
    answer = cloud.send("POST", "/storagelink/", body)
    assert (answer.status, len(nova(cloud).attaching)) == (status, int(status == 201))
    assert said in answer.text


def test_a_link_does_not_change(cloud: Cloud, service: Cinder) -> None:
    server_id, volume_id = attached(cloud, service)
    path = f"/storagelink/{server_id}_{volume_id}"
    body = link(f"/compute/{server_id}", f"/storage/{volume_id}")
    for method in ("POST", "PUT"):
        assert cloud.send(method, path, body).status == 501
    for place in (path, "/storagelink/"):
        answer = cloud.send("POST", f"{place}?action=online", body)
        assert answer.status == 400
        assert "online" in answer.text


def test_a_detach_that_nova_refuses_now(cloud: Cloud, service: Cinder) -> None:
    server_id, volume_id = attached(cloud, service)
    path = f"/servers/{server_id}/os-volume_attachments/{volume_id}"
    cloud.nova.refuse("DELETE", path, 400, "status must be in-use to detach")
    answer = cloud.send("DELETE", f"/storagelink/{server_id}_{volume_id}")
    assert answer.status == 409
    assert "must be in-use" in answer.text


def test_detach_all(cloud: Cloud, service: Cinder) -> None:
    ids = [attached(cloud, service)[1] for _ in range(2)]
    assert cloud.send("DELETE", "/storagelink/").status == 200
    assert [service.volumes[i]["attachments"] for i in ids] == [[], []]


def url(location: str) -> str:
    return ROOT + location


def test_links_in_a_compute() -> None:
    server_id, volume_id = str(uuid.uuid4()), str(uuid.uuid4())
    here = {"server_id": server_id, "device": "/dev/vdb"}
    there = {"server_id": str(uuid.uuid4()), "device": "/dev/vdx"}
    of_nova = {"serverId": server_id, "volumeId": volume_id, "device": "/dev/vdb"}
    of_cinder = {"id": volume_id, "status": "in-use", "attachments": [there, here]}
    for item in (of_nova, of_cinder):
        (found,) = compute_links([item], url=url, server_id=server_id)
        assert found.target == f"{ROOT}/storage/{volume_id}"
        assert found.self == f"{ROOT}/storagelink/{server_id}_{volume_id}"
        assert found.rel == (kinds_storage.STORAGE.identifier,)
        assert found.category == (kinds_storage.STORAGE_LINK.identifier,)
        assert dict(found.attributes) == {
            "occi.core.id": f"{server_id}_{volume_id}",
            "occi.storagelink.deviceid": "/dev/vdb",
            "occi.storagelink.state": "active",
            "occi.core.source": f"{ROOT}{kinds.COMPUTE.location}{server_id}",
            # IM reads it from here.
            "occi.core.target": f"{ROOT}/storage/{volume_id}",
        }
    # What Nova shows in the server itself has no device.
    (brief,) = compute_links([{"id": volume_id}], url=url, server_id=server_id)
    assert brief.self == found.self
    assert "occi.storagelink.deviceid" not in dict(brief.attributes)
