# SPDX-License-Identifier: Apache-2.0
"""What one can ask Nova about a machine of alice's.

Owns: the requests, as data, and what a success of theirs is waited for. Must never:
say who may do it. Read first: OPERATIONS.
"""

from typing import Any

from tests.isolation.asking import Answer
from tests.isolation.operation import BOTH, NEW, OLD, After, Operation, Target
from tests.isolation.world import World

SERVER = "/servers/{server}"
ACTION = f"{SERVER}/action"
ATTACHMENTS = f"{SERVER}/os-volume_attachments"
NETWORKS = [{"uuid": "{network}"}]
NEW_SERVER = {
    "name": "isolation-{own_user}",
    "flavorRef": "{flavor}",
    "imageRef": "{public_image}",
    "networks": NETWORKS,
}


def until(status: str) -> After:
    return lambda world, _, target: world.until_server(target["server"], status)


def undone(action: str, *, first: str, then: str = "ACTIVE") -> After:
    """Return what waits for a state and goes back from it."""

    def after(world: World, _: Answer, target: Target) -> None:
        server = target["server"]
        world.until_server(server, first)
        path = f"/servers/{server}/action"
        world.api.asked("nova", world.admin, "POST", path, {action: None})
        world.until_server(server, then)

    return after


def _image_deleted(world: World, answer: Answer, target: Target) -> None:
    world.until_server(target["server"], "ACTIVE")
    place = answer.headers.get("Location", "").rpartition("/")[2]
    image = place or answer.document["image_id"]
    world.api.send("glance", world.admin, "DELETE", f"/images/{image}")


def _renamed_back(world: World, _: Answer, target: Target) -> None:
    name = world.belongings["alice"].mark
    body = {"server": {"name": name}}
    path = f"/servers/{target['server']}"
    world.api.asked("nova", world.admin, "PUT", path, body)


def _rebuilt(world: World, _: Answer, target: Target) -> None:
    world.until_server(target["server"], "ACTIVE")
    # Nova has let go of the volume and taken it again.
    world.until_volume(world.target["volume"], "in-use")
    world.find_attachment()


def _tagged_again(world: World, _: Answer, target: Target) -> None:
    path = f"/servers/{target['server']}/tags"
    tags = {"tags": [world.belongings["alice"].mark]}
    world.api.asked("nova", world.admin, "PUT", path, tags)


def _removed(path: str) -> After:
    def after(world: World, _: Answer, target: Target) -> None:
        place = f"/servers/{target['server']}{path}"
        world.api.asked("nova", world.admin, "DELETE", place)

    return after


def _detached(world: World, _: Answer, target: Target) -> None:
    world.until_volume(target["free"], "in-use")
    path = f"/servers/{target['server']}/os-volume_attachments/{target['free']}"
    world.api.asked("nova", world.admin, "DELETE", path)
    world.until_volume(target["free"], "available")


def _unplugged(world: World, answer: Answer, target: Target) -> None:
    port = answer.document["interfaceAttachment"]["port_id"]
    path = f"/servers/{target['server']}/os-interface"
    world.api.asked("nova", world.admin, "DELETE", f"{path}/{port}")
    world.wait(
        lambda: port not in world.api.send("nova", world.admin, "GET", path).text, path
    )


def deleted(world: World, answer: Answer, target: Target) -> None:
    server = answer.document["server"]["id"]
    world.api.asked("nova", world.admin, "DELETE", f"/servers/{server}")
    world.until_server(server, "GONE")


def get(name: str, path: str, **more: Any) -> Operation:
    return Operation(
        service="nova", name=name, method="GET", path=path, **{"content": True, **more}
    )


def act(name: str, body: Any, after: After | None = None, **more: Any) -> Operation:
    return Operation(
        service="nova",
        name=name,
        method="POST",
        path=ACTION,
        body=body,
        after=after,
        touches=("server",),
        **more,
    )


def do(name: str, method: str, path: str, body: Any = None, **more: Any) -> Operation:
    return Operation(
        service="nova",
        name=name,
        method=method,
        path=path,
        body=body,
        **{"touches": ("server",), **more},
    )


LISTS = (
    get("list", "/servers"),
    get("list detail", "/servers/detail"),
    get("list user_id=alice", "/servers/detail?user_id={user}"),
    get("list all_tenants", "/servers/detail?all_tenants=1"),
    get("list name=alice's", "/servers?name={key}"),
    get("list marker=alice's", "/servers?marker={server}", content=False),
    get("keypairs of alice", "/os-keypairs?user_id={user}", versions=NEW),
    get("keypair of alice, show", "/os-keypairs/{key}"),
    get("server group list", "/os-server-groups"),
    get("server group show", "/os-server-groups/{group}"),
    do(
        "server group delete", "DELETE", "/os-server-groups/{group}", touches=("group",)
    ),
    get("tenant usage", "/os-simple-tenant-usage/{project}"),
    get("tenant usage, all", "/os-simple-tenant-usage?detailed=1"),
    get("quota set", "/os-quota-sets/{own_project}", content=False),
    get("limits", "/limits", content=False),
    get("migrations, all", "/os-migrations", content=False),
)

READS = (
    get("show", SERVER),
    do("HEAD show", "HEAD", SERVER, touches=()),
    get("metadata list", f"{SERVER}/metadata"),
    get("metadata item", f"{SERVER}/metadata/secret"),
    get("tags list", f"{SERVER}/tags", versions=NEW),
    get("ips", f"{SERVER}/ips", content=False),
    get("os-interface list", f"{SERVER}/os-interface"),
    get("volume attachments", ATTACHMENTS),
    get("volume attachment show", f"{ATTACHMENTS}/{{volume}}"),
    get("instance actions", f"{SERVER}/os-instance-actions"),
    get("server password", f"{SERVER}/os-server-password", content=False),
    get("security groups", f"{SERVER}/os-security-groups", content=False),
    get("diagnostics", f"{SERVER}/diagnostics", content=False),
    get("topology", f"{SERVER}/topology", content=False, versions=NEW),
    get("migrations", f"{SERVER}/migrations", content=False, versions=NEW),
    act("console output", {"os-getConsoleOutput": {"length": 5}}, None, content=True),
    act("vnc console", {"os-getVNCConsole": {"type": "novnc"}}, None, versions=OLD),
    act("serial console", {"os-getSerialConsole": {"type": "serial"}}, versions=OLD),
    do(
        "remote console",
        "POST",
        f"{SERVER}/remote-consoles",
        {"remote_console": {"protocol": "vnc", "type": "novnc"}},
        versions=NEW,
    ),
)

CHANGES = (
    act("reboot", {"reboot": {"type": "SOFT"}}, until("ACTIVE")),
    act("stop", {"os-stop": None}, undone("os-start", first="SHUTOFF")),
    act("start", {"os-start": None}),
    act("pause", {"pause": None}, undone("unpause", first="PAUSED")),
    act("unpause", {"unpause": None}),
    act("suspend", {"suspend": None}, undone("resume", first="SUSPENDED")),
    act("lock", {"lock": None}, undone("unlock", first="ACTIVE")),
    act("unlock", {"unlock": None}, until("ACTIVE")),
    act(
        "rebuild",
        {"rebuild": {"imageRef": "{public_image}"}},
        _rebuilt,
        versions=NEW,
    ),
    act("resize", {"resize": {"flavorRef": "{flavor}"}}),
    act(
        "snapshot (createImage)",
        {"createImage": {"name": "isolation-snapshot"}},
        _image_deleted,
    ),
    act("change password", {"changePassword": {"adminPass": "x"}}, until("ACTIVE")),
    do(
        "update",
        "PUT",
        SERVER,
        {"server": {"name": "isolation-renamed"}},
        after=_renamed_back,
    ),
    do(
        "metadata set",
        "POST",
        f"{SERVER}/metadata",
        {"metadata": {"added": "x"}},
        after=_removed("/metadata/added"),
    ),
    do(
        "tag set",
        "PUT",
        f"{SERVER}/tags/added",
        versions=NEW,
        after=_removed("/tags/added"),
    ),
    do(
        "tags delete all", "DELETE", f"{SERVER}/tags", versions=NEW, after=_tagged_again
    ),
    do(
        "os-interface attach",
        "POST",
        f"{SERVER}/os-interface",
        {"interfaceAttachment": {"net_id": "{network}"}},
        after=_unplugged,
    ),
    do(
        "volume attach",
        "POST",
        ATTACHMENTS,
        {"volumeAttachment": {"volumeId": "{free}"}},
        after=_detached,
        touches=("server", "free"),
    ),
    do("volume detach", "DELETE", f"{ATTACHMENTS}/{{volume}}"),
    do(
        "attach own volume to alice's server",
        "POST",
        ATTACHMENTS,
        {"volumeAttachment": {"volumeId": "{own_free}"}},
    ),
    do(
        "attach alice's volume to own server",
        "POST",
        "/servers/{own_server}/os-volume_attachments",
        {"volumeAttachment": {"volumeId": "{free}"}},
        touches=("free",),
    ),
    do(
        "hint same_host",
        "POST",
        "/servers",
        {"server": NEW_SERVER, "os:scheduler_hints": {"same_host": "{server}"}},
        after=deleted,
        versions=BOTH,
    ),
    do(
        "hint group",
        "POST",
        "/servers",
        {"server": NEW_SERVER, "os:scheduler_hints": {"group": "{group}"}},
        after=deleted,
        touches=("group",),
    ),
    do(
        "boot from alice's volume",
        "POST",
        "/servers",
        {
            "server": {
                "name": "isolation-{own_user}",
                "flavorRef": "{flavor}",
                "networks": NETWORKS,
                "block_device_mapping_v2": [
                    {
                        "boot_index": 0,
                        "uuid": "{free}",
                        "source_type": "volume",
                        "destination_type": "volume",
                    }
                ],
            }
        },
        touches=("free",),
    ),
    do(
        "boot from alice's image",
        "POST",
        "/servers",
        {"server": {**NEW_SERVER, "imageRef": "{image}"}},
        touches=("image",),
    ),
    do(
        "boot with alice's key",
        "POST",
        "/servers",
        {"server": {**NEW_SERVER, "key_name": "{key}"}},
        touches=(),
    ),
    do("delete", "DELETE", SERVER, fresh="server", after=until("GONE")),
)

OPERATIONS = (*LISTS, *READS, *CHANGES)
