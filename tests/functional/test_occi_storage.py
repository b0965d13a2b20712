# SPDX-License-Identifier: Apache-2.0
"""OCCI storage on the lab's real Cinder, attached by its real Nova.

The requests are those of IM and rOCCI. Read `occi` and
`test_im_adds_a_disk_and_takes_it_away` first.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.functional.occi_endpoint import Occi
from tests.functional.occi_networks import user
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask
from tests.unit.ooi.cinder_cloud import act, storage

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def occi(lab_env: dict[str, str], token_for: Callable[[str], str]) -> Iterator[Occi]:
    found = user(lab_env, token_for("alice"))
    yield found
    # Links were made after what they join.
    for url in reversed(found.made):
        delete(found, url)


@pytest.fixture
def cinder(occi: Occi, lab: Lab) -> Callable[..., Any]:
    """Return Cinder's own API, for the same user."""

    def call(method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method,
            f"{lab.settings.url('cinder')}/v3{path}",
            json=body,
            headers={"X-Auth-Token": occi.token},
            timeout=60,
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    return call


def until(found: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.3)


def delete(occi: Occi, url: str) -> None:
    """Do as IM does: DELETE until there is nothing more."""

    def gone() -> bool:
        return occi.send("DELETE", url).status_code == 404

    until(gone, f"{url} is still there")


def online(occi: Occi, url: str) -> str:
    """Return the text of storage as soon as it is online."""

    def is_online() -> bool:
        answer = occi.send("GET", url, **ask.IM.headers)
        assert answer.status_code == 200, answer.text
        return 'X-OCCI-Attribute: occi.storage.state="online"' in answer.text.split(
            "\n"
        )

    until(is_online, f"{url} is not online")
    return occi.send("GET", url).text


def create(occi: Occi, *lines: str, size: str = "1") -> str:
    answer = occi.send(
        "POST", "/storage/", storage(*lines, size=size).encode(), **ask.IM.headers
    )
    assert answer.status_code == 201, answer.text
    url = answer.headers["Location"]
    assert answer.text == f"X-OCCI-Location: {url}"
    online(occi, url)
    return url


def trigger(occi: Occi, url: str, name: str, *lines: str) -> requests.Response:
    return occi.send("POST", f"{url}?action={name}", act(name, *lines).encode())


def urls(occi: Occi, path: str) -> list[str]:
    answer = occi.send("GET", path, Accept="text/uri-list")
    assert answer.status_code == 200, answer.text
    return answer.text.split()


def machine(occi: Occi) -> str:
    url = occi.create(ask.PROBE.body(occi.image, occi.flavor))
    occi.wait(url, "active")
    return url


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def test_im_adds_a_disk_and_takes_it_away(occi: Occi) -> None:
    headers = {"Accept": "text/plain", "Connection": "close"}
    offered = occi.send("GET", "/-/", **headers).text
    (location,) = re.findall(
        r'^Category: storagelink; .*location="([^"]+)"', offered, re.M
    )
    disk, vm = (
        create(occi, 'X-OCCI-Attribute: occi.core.title="im-disk"'),
        machine(occi),
    )
    body = (
        f'Category: storagelink;scheme="{ask.INFRA}";class="kind"\n'
        'X-OCCI-Attribute: occi.core.id="imdisk-2b3fd0c6"\n'
        f'X-OCCI-Attribute: occi.core.target="{path_of(disk)}"\n'
        f'X-OCCI-Attribute: occi.core.source="{path_of(vm)}"\n'
        'X-OCCI-Attribute: occi.storagelink.deviceid="/dev/vdb"'
    )
    made = occi.send("POST", location, body.encode(), **ask.IM.headers)
    assert made.status_code == 201, made.text
    link = made.headers["Location"]
    assert made.text == f"X-OCCI-Location: {link}"

    def active() -> bool:
        answer = occi.send("GET", link, **headers)
        assert answer.status_code == 200, answer.text
        return 'occi.storagelink.state="active"' in answer.text

    until(active, "the disk is not attached")
    shown = occi.send("GET", link).text
    assert f'occi.core.source="{vm}"' in shown
    assert f'occi.core.target="{disk}"' in shown
    assert re.search(r'occi\.storagelink\.deviceid="/dev/[sv]db"', shown)
    assert urls(occi, "/storagelink/") == urls(occi, "/link/storagelink/") == [link]
    # IM finds what to detach in the machine, by these parts of a line.
    (line,) = [
        line
        for line in occi.send("GET", vm, **headers).text.split("\n")
        if "Link:" in line and "/storage/" in line
    ]
    parts = dict(p.strip().split("=", 1) for p in line.split(";")[1:])
    assert parts["self"].strip('"') == link
    assert parts["occi.core.target"].strip('"') == disk
    assert occi.send("DELETE", disk, **headers).status_code == 409
    assert 'occi.storage.state="online"' in occi.send("GET", disk).text

    delete(occi, link)
    assert urls(occi, "/storagelink/") == []
    delete(occi, vm)
    delete(occi, disk)
    assert urls(occi, "/storage/") == []


def test_rocci_links_and_unlinks(occi: Occi) -> None:
    disk, vm = create(occi), machine(occi)
    body = (
        f'Category: storagelink;scheme="{ask.INFRA}";class="kind"\n'
        'X-OCCI-Attribute: occi.core.id="7d0c1b8e-7e0f-4f9c-b8f8-5e5d0b1c7c11"\n'
        f'X-OCCI-Attribute: occi.core.source="{path_of(vm)}"\n'
        f'X-OCCI-Attribute: occi.core.target="{path_of(disk)}"'
    )
    made = occi.send("POST", "/link/storagelink/", body.encode(), **ask.ROCCI.headers)
    assert made.status_code == 201, made.text
    # A second link, while the first is being made or is there.
    twice = occi.send("POST", "/link/storagelink/", body.encode(), **ask.ROCCI.headers)
    assert twice.status_code == 409, twice.text
    unlinked = path_of(made.headers["Location"])
    server, volume = unlinked.rpartition("/")[2].split("_")
    assert (vm.rpartition("/")[2], disk.rpartition("/")[2]) == (server, volume)
    delete(occi, made.headers["Location"])
    assert occi.send("DELETE", disk, **ask.ROCCI.headers).status_code == 200


def test_a_machine_made_with_a_disk(occi: Occi) -> None:
    disk = create(occi)
    body = ask.IM.body(occi.image, occi.flavor).decode() + (
        f'Link: <{path_of(disk)}>; rel="{ask.INFRA}storage"; '
        'self="/storagelink/im-1"; '
        f'category="{ask.INFRA}storagelink"; occi.core.target="{path_of(disk)}"; '
        'occi.core.source="/occi1.1/compute/im-2b3fd0c6"; occi.core.id="im-1"'
        ';occi.storagelink.deviceid="/dev/vdb"\n'
    )
    vm = occi.create(body.encode(), **ask.IM.headers)
    occi.wait(vm, "active")
    name = f"{vm.rpartition('/')[2]}_{disk.rpartition('/')[2]}"
    until(lambda: urls(occi, "/storagelink/") != [], "no link")
    assert urls(occi, "/storagelink/") == [f"{occi.endpoint}/storagelink/{name}"]


def test_offline_keeps_a_volume(occi: Occi, cinder: Callable[..., Any]) -> None:
    disk, vm = create(occi), machine(occi)
    path = f"/volumes/{disk.rpartition('/')[2]}"
    assert trigger(occi, disk, "offline").status_code == 200
    assert 'occi.storage.state="offline"' in occi.send("GET", disk).text
    link = (
        f'Category: storagelink;scheme="{ask.INFRA}";class="kind"\n'
        f'X-OCCI-Attribute: occi.core.source="{vm}"\n'
        f'X-OCCI-Attribute: occi.core.target="{disk}"'
    ).encode()
    refused = occi.send("POST", "/storagelink/", link)
    assert refused.status_code == 409
    assert "Set it online." in refused.text
    assert trigger(occi, disk, "online").status_code == 200
    seen = cinder("GET", path)["volume"]
    assert (seen["status"], seen["metadata"]) == ("available", {})
    made = occi.send("POST", "/storagelink/", link)
    assert made.status_code == 201, made.text
    until(lambda: cinder("GET", path)["volume"]["attachments"] != [], "not attached")
    assert trigger(occi, disk, "offline").status_code == 409
    assert trigger(occi, disk, "online").status_code == 200


def test_what_is_offline_can_be_deleted(occi: Occi) -> None:
    disk = create(occi)
    assert trigger(occi, disk, "offline").status_code == 200
    assert occi.send("DELETE", disk).status_code == 200
    until(lambda: occi.send("GET", disk).status_code == 404, "still there")


def test_resize_snapshot_and_backup(occi: Occi, cinder: Callable[..., Any]) -> None:
    disk = create(occi)
    size = "X-OCCI-Attribute: size=1.5"
    assert trigger(occi, disk, "resize", size).status_code == 200
    assert "X-OCCI-Attribute: occi.storage.size=2.0" in online(occi, disk)
    assert trigger(occi, disk, "resize", size).status_code == 400
    assert trigger(occi, disk, "backup").status_code == 501
    assert trigger(occi, disk, "snapshot").status_code == 200
    volume_id = disk.rpartition("/")[2]
    (snapshot,) = cinder("GET", f"/snapshots?volume_id={volume_id}")["snapshots"]

    def status() -> str:
        return cinder("GET", f"/snapshots/{snapshot['id']}")["snapshot"]["status"]

    until(lambda: status() == "available", "no snapshot")
    # A volume with snapshots stays.
    assert occi.send("DELETE", disk).status_code == 409
    cinder("DELETE", f"/snapshots/{snapshot['id']}")


def test_updates(occi: Occi) -> None:
    disk = create(occi, 'X-OCCI-Attribute: occi.core.title="old"')
    new = b'X-OCCI-Attribute: occi.core.summary="why"'
    answer = occi.send("POST", disk, new, **ask.ROCCI.headers)
    assert answer.status_code == 200, answer.text
    shown = occi.send("GET", disk)
    assert 'occi.core.title="old"' in shown.text
    assert 'occi.core.summary="why"' in shown.text
    again = occi.send("PUT", disk, shown.content, Content_Type="text/plain")
    assert (again.status_code, again.text) == (200, shown.text)
    body = storage('X-OCCI-Attribute: occi.core.title="new"', size="2").encode()
    assert occi.send("PUT", disk, body).status_code == 200
    shown_text = online(occi, disk)
    assert 'occi.core.title="new"' in shown_text
    assert "occi.core.summary" not in shown_text
    assert "occi.storage.size=2.0" in shown_text


def test_collections_in_every_rendering(occi: Occi) -> None:
    disks = {create(occi, f'X-OCCI-Attribute: occi.core.title="d{n}"') for n in (1, 2)}
    assert set(urls(occi, "/storage/")) == disks
    plain = occi.send("GET", "/storage/").text.split("\n")
    assert set(plain) == {f"X-OCCI-Location: {url}" for url in disks}
    headers = occi.send("GET", "/storage/", Accept="text/occi").headers
    assert set(headers["X-OCCI-Location"].split(", ")) == disks
    in_full = occi.send("GET", "/storage/", Accept="application/occi+json")
    found = json.loads(in_full.text)["resources"]
    assert {r["id"] for r in found} == {url.rpartition("/")[2] for url in disks}
    assert {r["attributes"]["occi.storage.size"] for r in found} == {1.0}
    one = occi.send("GET", "/storage/", X_OCCI_Attribute='occi.core.title="d2"')
    assert one.text.count("X-OCCI-Location") == 1
    action = act("offline").encode()
    assert occi.send("POST", "/storage/?action=offline", action).status_code == 200
    for disk in disks:
        assert 'occi.storage.state="offline"' in occi.send("GET", disk).text
    assert occi.send("DELETE", "/storage/").status_code == 200
    until(lambda: urls(occi, "/storage/") == [], "still there")


def test_names_set_by_cinder_break_no_rendering(
    occi: Occi, cinder: Callable[..., Any]
) -> None:
    disk = create(occi)
    name = 'a"; b, \\c; é ✓\r\nX-Evil: 1'
    volume = {"volume": {"name": name, "description": name}}
    cinder("PUT", f"/volumes/{disk.rpartition('/')[2]}", volume)
    for accept in ("text/plain", "text/occi", "application/occi+json"):
        answer = occi.send("GET", disk, Accept=accept)
        assert answer.status_code == 200
        assert "X-Evil" not in answer.headers
    plain = occi.send("GET", disk)
    plain.encoding = "utf-8"
    assert not [k for k in plain.text.split("\n") if k.startswith("X-Evil")]
    assert 'occi.core.title="a\\"; b, \\\\c; é ✓\\r\\nX-Evil: 1"' in plain.text
    as_json = json.loads(occi.send("GET", disk, Accept="application/occi+json").text)
    assert as_json["title"] == name


def test_another_project_sees_nothing(
    occi: Occi, lab_env: dict[str, str], token_for: Callable[..., str]
) -> None:
    disk, vm = create(occi), machine(occi)
    erin = Occi(lab_env["OCCI_ENDPOINT"], token_for("erin", "fedcloud.egi.eu"))
    link = (
        f'Category: storagelink;scheme="{ask.INFRA}";class="kind"\n'
        f'X-OCCI-Attribute: occi.core.source="{vm}"\n'
        f'X-OCCI-Attribute: occi.core.target="{disk}"'
    ).encode()
    assert erin.send("POST", "/storagelink/", link).status_code == 400
    made = occi.send("POST", "/storagelink/", link)
    assert made.status_code == 201, made.text
    url = made.headers["Location"]
    until(lambda: urls(occi, "/storagelink/") == [url], "no link")
    assert disk not in urls(erin, "/storage/")
    assert url not in urls(erin, "/storagelink/")
    for one in (disk, url):
        for method in ("GET", "DELETE"):
            assert erin.send(method, one).status_code == 404
    assert trigger(erin, disk, "snapshot").status_code == 404
    assert erin.send("PUT", disk, storage().encode()).status_code == 404
    assert occi.send("GET", url).status_code == 200


def test_without_cinder_machines_go_on(occi: Occi, lab: Lab) -> None:
    disk, vm = create(occi), machine(occi)
    lab.stop_service("cinder")
    try:
        for path in ("/storage/", disk, "/storagelink/"):
            plain = occi.send("GET", path, **ask.ROCCI.headers)
            assert plain.status_code == 503
            assert plain.text.startswith("The block-storage service")
            headers = occi.send("GET", path, Accept="text/occi").headers
            assert "block-storage service" in headers["X-OCCI-Error"]
            as_json = occi.send("GET", path, Accept="application/occi+json")
            assert as_json.status_code == 503
            assert "block-storage service" in json.dumps(as_json.json())
        assert occi.send("POST", "/storage/", storage().encode()).status_code == 503
        assert occi.send("GET", "/-/").status_code == 200
        assert vm in occi.listed()
        stop = occi.send("POST", f"{vm}?action=stop", ask.rocci_action("stop"))
        assert stop.status_code == 200, stop.text
        occi.wait(vm, "inactive")
        delete(occi, vm)
    finally:
        lab.start_service("cinder")
    assert occi.send("GET", disk).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/storage/", b"", 400),
        ("POST", "/storage/", storage(size="").encode(), 400),
        ("POST", "/storage/", storage(size="0").encode(), 400),
        ("POST", "/storage/", storage(size='"1"').encode(), 400),
        # More than the project may have.
        ("POST", "/storage/", storage(size="100000").encode(), 413),
        (
            "POST",
            "/storage/",
            storage(f'X-OCCI-Attribute: occi.core.title="{"x" * 300}"').encode(),
            400,
        ),
        ("GET", "/storage/detail", b"", 404),
        ("GET", "/storage/..%2Fsnapshots", b"", 404),
        ("GET", f"/storage/{NOWHERE}", b"", 404),
        ("DELETE", f"/storage/{NOWHERE}", b"", 404),
        ("PUT", f"/storage/{NOWHERE}", storage().encode(), 404),
        ("POST", f"/storage/{NOWHERE}?action=online", act("online").encode(), 404),
        ("POST", f"/storage/{NOWHERE}?action=start", act("online").encode(), 400),
        ("PUT", "/storage/", b"", 405),
        ("GET", f"/storagelink/{NOWHERE}", b"", 404),
        ("GET", f"/storagelink/{NOWHERE}_{NOWHERE}", b"", 404),
        ("DELETE", f"/storagelink/{NOWHERE}_{NOWHERE}", b"", 404),
    ],
)
def test_bad_requests(
    occi: Occi, method: str, path: str, body: bytes, status: int
) -> None:
    before = urls(occi, "/storage/")
    answer = occi.send(method, path, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["Server"] == "OCCI/1.2 OCCI/1.1"
    assert urls(occi, "/storage/") == before
