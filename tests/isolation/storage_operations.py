# SPDX-License-Identifier: Apache-2.0
"""What one can ask Cinder about a volume of alice's.

Owns: the requests, as data, and what a success of theirs is waited for. Must never:
say who may do it. Read first: OPERATIONS.
"""

from typing import Any

from tests.isolation.asking import Answer
from tests.isolation.operation import NEW, After, Operation, Target
from tests.isolation.world import World

VOLUME, SNAPSHOT = "/volumes/{free}", "/snapshots/{snapshot}"


def _ended(key: str, kind: str) -> After:
    """Return what deletes what was made, when it has come to be."""

    def after(world: World, answer: Answer, target: Target) -> None:
        made = answer.document[key]["id"]
        path = f"/{kind}/{made}"
        if kind == "volumes":
            world.until_volume(made, "available")
            world.end_volume(made)
            return
        ready = ("available", "error")
        world.wait(lambda: world.status("cinder", path, key) in ready, path)
        world.api.asked("cinder", world.admin, "DELETE", path)
        world.wait(lambda: world.status("cinder", path, key) == "GONE", path)

    return after


def _gone(kind: str, key: str, word: str) -> After:
    def after(world: World, _: Answer, target: Target) -> None:
        path = f"/{kind}/{target[word]}"
        world.wait(lambda: world.status("cinder", path, key) == "GONE", path)

    return after


def _renamed_back(world: World, _: Answer, target: Target) -> None:
    name = f"{world.belongings['alice'].mark}-free"
    path = f"/volumes/{target['free']}"
    world.api.asked("cinder", world.admin, "PUT", path, {"volume": {"name": name}})


def _unset(world: World, _: Answer, target: Target) -> None:
    path = f"/volumes/{target['free']}/metadata/added"
    world.api.asked("cinder", world.admin, "DELETE", path)


def _snapshot_renamed_back(world: World, _: Answer, target: Target) -> None:
    body = {"snapshot": {"name": world.belongings["alice"].mark}}
    path = f"/snapshots/{target['snapshot']}"
    world.api.asked("cinder", world.admin, "PUT", path, body)


def _grown(world: World, _: Answer, target: Target) -> None:
    world.until_volume(target["free"], "available")


def get(name: str, path: str, **more: Any) -> Operation:
    return Operation(
        service="cinder",
        name=name,
        method="GET",
        path=path,
        **{"content": True, **more},
    )


def do(name: str, method: str, path: str, body: Any = None, **more: Any) -> Operation:
    return Operation(
        service="cinder",
        name=name,
        method=method,
        path=path,
        body=body,
        **{"touches": ("free",), **more},
    )


LISTS = (
    get("list", "/volumes"),
    get("list detail", "/volumes/detail"),
    get("list user_id=alice", "/volumes/detail?user_id={user}"),
    get("list all_tenants", "/volumes/detail?all_tenants=1"),
    get("list name=alice's", "/volumes?name={key}"),
    get("list marker=alice's", "/volumes?marker={free}", content=False),
    get("summary", "/volumes/summary", content=False, versions=NEW),
    get("snapshot list", "/snapshots"),
    get("snapshot list detail", "/snapshots/detail"),
    get("backup list", "/backups/detail"),
    get("attachment list", "/attachments", versions=NEW),
    get("attachment list detail", "/attachments/detail?all_tenants=1", versions=NEW),
    get("transfer list", "/os-volume-transfer/detail"),
    get("transfer list, new path", "/volume-transfers/detail", versions=NEW),
    get("group list", "/groups/detail", versions=NEW),
    get("message list", "/messages", versions=NEW),
    get("limits", "/limits", content=False),
    get("quota set", "/os-quota-sets/{own_project}", content=False),
)

READS = (
    get("show", VOLUME),
    do("HEAD show", "HEAD", VOLUME, touches=()),
    get("metadata list", f"{VOLUME}/metadata", content=False),
    get("snapshot show", SNAPSHOT),
    get("attachment show", "/attachments/{attachment}", versions=NEW),
    get("transfer show", "/os-volume-transfer/{transfer}"),
    get("transfer show, new path", "/volume-transfers/{transfer}", versions=NEW),
)

CHANGES = (
    do(
        "update",
        "PUT",
        VOLUME,
        {"volume": {"name": "isolation-renamed"}},
        after=_renamed_back,
    ),
    do(
        "metadata set",
        "POST",
        f"{VOLUME}/metadata",
        {"metadata": {"added": "x"}},
        after=_unset,
    ),
    do(
        "extend",
        "POST",
        f"{VOLUME}/action",
        {"os-extend": {"new_size": 2}},
        fresh="free",
        after=_grown,
    ),
    do(
        "set read-only",
        "POST",
        f"{VOLUME}/action",
        {"os-update_readonly_flag": {"readonly": True}},
        fresh="free",
    ),
    do(
        "set bootable",
        "POST",
        f"{VOLUME}/action",
        {"os-set_bootable": {"bootable": True}},
        fresh="free",
    ),
    do("reserve", "POST", f"{VOLUME}/action", {"os-reserve": None}, fresh="free"),
    do(
        "upload as image",
        "POST",
        f"{VOLUME}/action",
        {"os-volume_upload_image": {"image_name": "isolation-upload"}},
    ),
    do(
        "reset status",
        "POST",
        f"{VOLUME}/action",
        {"os-reset_status": {"status": "error"}},
    ),
    do(
        "copy alice's volume",
        "POST",
        "/volumes",
        {"volume": {"size": 1, "source_volid": "{free}", "name": "isolation-copy"}},
        after=_ended("volume", "volumes"),
    ),
    do(
        "copy alice's snapshot",
        "POST",
        "/volumes",
        {"volume": {"size": 1, "snapshot_id": "{snapshot}", "name": "isolation-copy"}},
        after=_ended("volume", "volumes"),
        touches=("snapshot",),
    ),
    do(
        "volume of alice's image",
        "POST",
        "/volumes",
        {"volume": {"size": 1, "imageRef": "{image}", "name": "isolation-copy"}},
        touches=("image",),
    ),
    do(
        "snapshot create",
        "POST",
        "/snapshots",
        {"snapshot": {"volume_id": "{free}", "name": "isolation-snapshot"}},
        after=_ended("snapshot", "snapshots"),
    ),
    do(
        "snapshot update",
        "PUT",
        SNAPSHOT,
        {"snapshot": {"name": "isolation-renamed"}},
        after=_snapshot_renamed_back,
        touches=("snapshot",),
    ),
    do(
        "snapshot delete",
        "DELETE",
        SNAPSHOT,
        fresh="snapshot",
        after=_gone("snapshots", "snapshot", "snapshot"),
        touches=("snapshot",),
    ),
    do(
        "backup create",
        "POST",
        "/backups",
        {"backup": {"volume_id": "{free}", "name": "isolation-backup"}},
    ),
    do(
        "attachment create",
        "POST",
        "/attachments",
        {"attachment": {"volume_uuid": "{free}", "instance_uuid": "{own_server}"}},
        versions=NEW,
        fresh="free",
    ),
    do(
        "attachment update",
        "PUT",
        "/attachments/{attachment}",
        {"attachment": {"connector": {"host": "elsewhere"}}},
        versions=NEW,
        touches=("volume", "attachment"),
    ),
    do(
        "attachment delete",
        "DELETE",
        "/attachments/{attachment}",
        versions=NEW,
        touches=("volume", "attachment"),
    ),
    do(
        "transfer create",
        "POST",
        "/os-volume-transfer",
        {"transfer": {"volume_id": "{free}", "name": "isolation-transfer"}},
    ),
    do(
        "transfer accept, wrong key",
        "POST",
        "/os-volume-transfer/{transfer}/accept",
        {"accept": {"auth_key": "0123456789abcdef"}},
        touches=("transfer",),
    ),
    do(
        "transfer delete",
        "DELETE",
        "/os-volume-transfer/{transfer}",
        touches=("transfer",),
    ),
    do(
        "delete",
        "DELETE",
        VOLUME,
        fresh="free",
        after=_gone("volumes", "volume", "free"),
    ),
)

OPERATIONS = (*LISTS, *READS, *CHANGES)
