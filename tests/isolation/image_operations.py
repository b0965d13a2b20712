# SPDX-License-Identifier: Apache-2.0
"""What one can ask Glance about an image of alice's.

Owns: the requests, as data, and what is read out of the answers. Must never: say
who may do it. Read first: OPERATIONS.
"""

from typing import Any

from tests.isolation.asking import Answer
from tests.isolation.operation import NEW, Operation, Target
from tests.isolation.personas import Persona
from tests.isolation.world import World

IMAGE = "/images/{image}"
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
STREAM = {"Content-Type": "application/octet-stream"}
NEW_IMAGE = {
    "name": "isolation-new",
    "disk_format": "raw",
    "container_format": "bare",
}


def _owner(world: World, persona: Persona, answer: Answer) -> str:
    """Return whose the user_id of the answer says that the image is."""
    stamp = answer.document.get("user_id", "")
    owners = {p.user_id: name for name, p in world.personas.items()}
    owners[persona.user_id] = "own"
    return f"stamp={owners.get(stamp, stamp or 'none')}"


def _deleted(world: World, answer: Answer, _: Target) -> None:
    image = answer.document["id"]
    world.api.asked("glance", world.admin, "DELETE", f"/images/{image}")


def _renamed_back(world: World, _: Answer, target: Target) -> None:
    name = world.belongings["alice"].mark
    _patched(world, target, {"op": "replace", "path": "/name", "value": name})


def _patched(world: World, target: Target, *changes: Any) -> None:
    answer = world.api.send(
        "glance",
        world.admin,
        "PATCH",
        f"/images/{target['image']}",
        list(changes),
        headers=PATCH,
    )
    if not answer.succeeded:
        raise RuntimeError(f"the image cannot be set back: {answer.text}")


def _tag_removed(world: World, _: Answer, target: Target) -> None:
    path = f"/images/{target['image']}/tags/added"
    world.api.asked("glance", world.admin, "DELETE", path)


def get(name: str, path: str, **more: Any) -> Operation:
    return do(name, "GET", path, **{"content": True, "touches": (), **more})


def do(name: str, method: str, path: str, body: Any = None, **more: Any) -> Operation:
    return Operation(
        service="glance",
        name=name,
        method=method,
        path=path,
        body=body,
        **{"touches": ("image",), "versions": NEW, **more},
    )


def patch(name: str, *changes: Any, **more: Any) -> Operation:
    return do(
        name, "PATCH", more.pop("path", IMAGE), list(changes), headers=PATCH, **more
    )


OPERATIONS = (
    get("list", "/images?limit=200"),
    get("list visibility=private", "/images?visibility=private&limit=200"),
    get("list visibility=all", "/images?visibility=all&limit=200"),
    get("list user_id=alice", "/images?user_id={user}&limit=200"),
    get("list name=alice's", "/images?name={key}"),
    get("list marker=alice's", "/images?marker={image}", content=False),
    get("show", IMAGE),
    do("HEAD download", "HEAD", f"{IMAGE}/file", touches=()),
    get("download", f"{IMAGE}/file"),
    get("members", f"{IMAGE}/members", content=False),
    get("locations", f"{IMAGE}/locations", content=False),
    get("public image, show", "/images/{public_image}", content=False),
    get("public image, download", "/images/{public_image}/file", content=False),
    patch(
        "public image, update",
        {"op": "replace", "path": "/name", "value": "cirros"},
        path="/images/{public_image}",
        touches=(),
        like_missing=False,
    ),
    do(
        "create",
        "POST",
        "/images",
        NEW_IMAGE,
        after=_deleted,
        reads=_owner,
        touches=(),
        like_missing=False,
    ),
    do(
        "create as alice",
        "POST",
        "/images",
        {**NEW_IMAGE, "user_id": "{user}"},
        after=_deleted,
        reads=_owner,
        touches=(),
        like_missing=False,
    ),
    patch(
        "update",
        {"op": "replace", "path": "/name", "value": "isolation-renamed"},
        after=_renamed_back,
    ),
    patch(
        "change the owner to oneself",
        {"op": "replace", "path": "/user_id", "value": "{own_user}"},
        like_missing=False,
    ),
    patch("remove the owner", {"op": "remove", "path": "/user_id"}, like_missing=False),
    patch(
        "give an own image to alice",
        {"op": "replace", "path": "/user_id", "value": "{user}"},
        path="/images/{own_image}",
        touches=(),
        like_missing=False,
    ),
    patch(
        "make public",
        {"op": "replace", "path": "/visibility", "value": "public"},
        like_missing=False,
    ),
    do("tag set", "PUT", f"{IMAGE}/tags/added", after=_tag_removed),
    do("overwrite the data", "PUT", f"{IMAGE}/file", b"x", headers=STREAM),
    do("deactivate", "POST", f"{IMAGE}/actions/deactivate"),
    do("member add", "POST", f"{IMAGE}/members", {"member": "{own_project}"}),
    do("delete", "DELETE", IMAGE, fresh="image"),
)
