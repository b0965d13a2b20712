# SPDX-License-Identifier: Apache-2.0
"""What alice and bob have, for the operations to reach for.

Owns: making it as the two would themselves, telling whose an answer shows, and the
end of all of it. Must never: leave anything behind. Read first: World.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.isolation.asking import Answer, Api
from tests.isolation.personas import ADMIN, ALICE, BOB, MANAGER, Persona
from tests.lab.provision import IMAGE
from tests.unit.ooi.client_requests import KEY

SECONDS = 60
FLAVOR = "m1.nano"
# Fields of a resource that change though nobody changes it. Nova tells addresses from
# a memory that lags behind; the interfaces are compared beside them.
_VOLATILE = ("updated", "updated_at", "progress", "links", "addresses")


@dataclass
class Belongings:
    """The resources of one user; `ids` are by the words of the operations."""

    owner: Persona
    mark: str
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def marks(self) -> tuple[str, ...]:
        """Return the texts by which an answer is known to show one of them."""
        return (self.mark, *(self.ids[k] for k in sorted(self.ids) if k != "user"))


@dataclass
class World:
    """The lab with alice's and bob's resources in it."""

    api: Api
    personas: Mapping[str, Persona]
    shared: dict[str, str] = field(default_factory=dict)
    belongings: dict[str, Belongings] = field(default_factory=dict)

    @property
    def admin(self) -> Persona:
        return self.personas[ADMIN]

    @property
    def alice(self) -> Persona:
        return self.personas[ALICE]

    @property
    def target(self) -> dict[str, str]:
        """Return alice's resources, by the words of the operations."""
        return {**self.shared, **self.belongings[ALICE].ids}

    def missing(self) -> dict[str, str]:
        """Return the same words, for resources that do not exist."""
        ghosts = {word: str(uuid.uuid4()) for word in self.belongings[ALICE].ids}
        ghosts["key"] = f"no-key-{ghosts['key']}"
        return {**self.shared, **ghosts, "user": self.alice.user_id}

    def own(self, persona: Persona) -> dict[str, str]:
        """Return the words for what the persona itself has; bob's for others."""
        name = persona.name if persona.name in self.belongings else BOB
        ids = self.belongings[name].ids
        found = {f"own_{word}": resource for word, resource in ids.items()}
        return {**found, "own_project": persona.project_id, "own_user": persona.user_id}

    def seen(self, text: str) -> str:
        """Return whose resources a text shows: alice, bob, alice+bob or none."""
        owners = [
            name
            for name, belongings in self.belongings.items()
            if any(mark in text for mark in belongings.marks)
        ]
        return "+".join(owners) or "none"

    # What alice and bob do themselves.

    def server(self, owner: Persona, name: str, **more: Any) -> str:
        """Return the id of a new machine that runs."""
        body = {
            "name": name,
            "flavorRef": self.shared["flavor"],
            "imageRef": self.shared["public_image"],
            "networks": [{"uuid": self.shared["network"]}],
            **more,
        }
        made = self.api.asked("nova", owner, "POST", "/servers", {"server": body})
        found = str(made["server"]["id"])
        self.until_server(found, "ACTIVE")
        return found

    def volume(self, owner: Persona, name: str) -> str:
        """Return the id of a new volume that can be attached."""
        body = {"volume": {"name": name, "size": 1}}
        made = self.api.asked("cinder", owner, "POST", "/volumes", body)["volume"]["id"]
        self.until_volume(made, "available")
        return str(made)

    def snapshot(self, owner: Persona, name: str, volume: str) -> str:
        """Return the id of a new snapshot of a volume."""
        body = {"snapshot": {"name": name, "volume_id": volume}}
        made = self.api.asked("cinder", owner, "POST", "/snapshots", body)
        found = str(made["snapshot"]["id"])
        path = f"/snapshots/{found}"
        self.wait(lambda: self.status("cinder", path, "snapshot") == "available", path)
        return found

    def image(self, owner: Persona, name: str) -> str:
        """Return the id of a new private image with data in it."""
        body = {
            "name": name,
            "disk_format": "raw",
            "container_format": "bare",
            "visibility": "private",
        }
        made = self.api.asked("glance", owner, "POST", "/images", body)["id"]
        stored = self.api.send(
            "glance",
            owner,
            "PUT",
            f"/images/{made}/file",
            f"data of {name}".encode(),
            headers={"Content-Type": "application/octet-stream"},
        )
        if stored.status != 204:
            raise RuntimeError(f"{name} cannot be stored: {stored.text}")
        return str(made)

    def attach(self, owner: Persona, server: str, volume: str) -> None:
        """Attach a volume and wait until it is."""
        body = {"volumeAttachment": {"volumeId": volume}}
        path = f"/servers/{server}/os-volume_attachments"
        self.api.asked("nova", owner, "POST", path, body)
        self.until_volume(volume, "in-use")

    def make(self, kind: str) -> str:
        """Return the id of a new resource of alice's, for one who may end it."""
        name = f"fresh-{self.belongings[ALICE].mark}"
        if kind == "server":
            return self.server(self.alice, name)
        if kind == "snapshot":
            return self.snapshot(self.alice, name, self.target["free"])
        if kind == "free":
            return self.volume(self.alice, name)
        if kind == "image":
            return self.image(self.alice, name)
        raise ValueError(f"nobody knows how to make a {kind}")

    # What is waited for, and compared. The administrator looks.

    def until_server(self, server: str, status: str) -> None:
        """Wait until a machine is in a state, and nothing is done to it."""
        path = f"/servers/{server}"

        def there() -> bool:
            answer = self.api.send("nova", self.admin, "GET", path)
            if answer.status == 404 and status == "GONE":
                return True
            found = answer.document["server"]
            if found["status"] == "ERROR":
                raise RuntimeError(f"{path} is in error: {found.get('fault')}")
            return found["status"] == status and not found["OS-EXT-STS:task_state"]

        self.wait(there, f"{path} is not {status}")

    def until_volume(self, volume: str, status: str) -> None:
        """Wait until a volume is in a state, or GONE."""
        path = f"/volumes/{volume}"
        self.wait(
            lambda: self.status("cinder", path, "volume") == status,
            f"{path} is not {status}",
        )

    def state(self, kinds: tuple[str, ...]) -> dict[str, Any]:
        """Return all that is known of resources of alice's."""
        return {kind: _STATES[kind](self, self.target[kind]) for kind in kinds}

    def status(self, service: str, path: str, key: str) -> str:
        answer = self.api.send(service, self.admin, "GET", path)
        if answer.status == 404:
            return "GONE"
        found = answer.document[key]["status"]
        if str(found).startswith("error") and key != "backup":
            raise RuntimeError(f"{path} is in state {found}")
        return str(found)

    @staticmethod
    def wait(done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + SECONDS
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(f"after {SECONDS} s: {what}")
            time.sleep(0.1)

    def find_attachment(self) -> None:
        """Write down the id of the attachment of each attached volume."""
        for belongings in self.belongings.values():
            if "volume" not in belongings.ids:
                continue
            query = f"?volume_id={belongings.ids['volume']}&all_tenants=1"
            found = self.api.asked("cinder", self.admin, "GET", f"/attachments{query}")
            belongings.ids["attachment"] = found["attachments"][0]["id"]

    # The end of it.

    def sweep(self) -> None:
        """Delete what these users have, in the order in which it can be."""
        for persona in (self.alice, self.personas[BOB]):
            for server in self._of(persona, "nova", "/servers/detail", "servers"):
                path = f"/servers/{server['id']}"
                self.api.send(
                    "nova", self.admin, "POST", f"{path}/action", {"unlock": None}
                )
                self.api.send("nova", self.admin, "DELETE", path)
                self.until_server(server["id"], "GONE")
            for snapshot in self._of(
                persona, "cinder", "/snapshots/detail", "snapshots"
            ):
                path = f"/snapshots/{snapshot['id']}"
                self.api.send("cinder", self.admin, "DELETE", path)
                self.wait(
                    lambda p=path: self.status("cinder", p, "snapshot") == "GONE", path
                )
            for volume in self._of(persona, "cinder", "/volumes/detail", "volumes"):
                self.end_volume(volume["id"])
            for image in self._of(persona, "glance", "/images", "images"):
                self.api.send("glance", self.admin, "DELETE", f"/images/{image['id']}")
            key = self.belongings.get(persona.name)
            if key:
                self.api.send("nova", persona, "DELETE", f"/os-keypairs/{key.mark}")
        group = self.belongings[ALICE].ids.get("group")
        self.api.send("nova", self.admin, "DELETE", f"/os-server-groups/{group}")

    def end_volume(self, volume: str) -> None:
        """Delete a volume, whatever it is in the middle of."""
        reset = {
            "os-reset_status": {"status": "available", "attach_status": "detached"}
        }
        self.api.send("cinder", self.admin, "POST", f"/volumes/{volume}/action", reset)
        self.api.send("cinder", self.admin, "DELETE", f"/volumes/{volume}")
        self.until_volume(volume, "GONE")

    def _of(
        self, persona: Persona, service: str, path: str, key: str
    ) -> list[dict[str, Any]]:
        """Return what there is in the persona's project and is marked as ours."""
        query = f"?project_id={persona.project_id}&all_tenants=1"
        if service == "glance":
            query = f"?owner={persona.project_id}&limit=200"
        found = self.api.asked(service, self.admin, "GET", path + query)[key]
        return [one for one in found if MARK in str(one.get("name"))]


MARK = "isolation-"


def _server_state(world: World, server: str) -> Any:
    path = f"/servers/{server}"
    more = ("", "/os-interface", "/os-volume_attachments", "/metadata")
    return [
        _steady(world.api.send("nova", world.admin, "GET", path + one)) for one in more
    ]


def _one(service: str, path: str) -> Callable[[World, str], Any]:
    return lambda world, one: _steady(
        world.api.send(service, world.admin, "GET", path + one)
    )


_STATES: dict[str, Callable[[World, str], Any]] = {
    "server": _server_state,
    "volume": _one("cinder", "/volumes/"),
    "free": _one("cinder", "/volumes/"),
    "snapshot": _one("cinder", "/snapshots/"),
    "attachment": _one("cinder", "/attachments/"),
    "transfer": _one("cinder", "/volume-transfers/"),
    "image": _one("glance", "/images/"),
    "group": _one("nova", "/os-server-groups/"),
}


def _steady(answer: Answer) -> Any:
    if not answer.text:
        return answer.status
    return answer.status, _without(answer.document)


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without(v) for k, v in value.items() if k not in _VOLATILE}
    return [_without(v) for v in value] if isinstance(value, list) else value


@contextmanager
def world(api: Api, personas: Mapping[str, Persona]) -> Iterator[World]:
    """Yield the lab with what alice and bob have; it is gone at the end."""
    found = World(api, personas)
    flavors = api.asked("nova", found.admin, "GET", "/flavors")["flavors"]
    images = api.asked("glance", found.admin, "GET", f"/images?name={IMAGE}")["images"]
    networks = api.asked("neutron", found.admin, "GET", "/networks?name=private")
    found.shared = {
        "flavor": next(f["id"] for f in flavors if f["name"] == FLAVOR),
        "public_image": images[0]["id"],
        "network": networks["networks"][0]["id"],
        "project": found.alice.project_id,
    }
    run = uuid.uuid4().hex[:8]
    try:
        for name in (ALICE, BOB):
            found.belongings[name] = Belongings(
                owner=personas[name], mark=f"{MARK}{name}-{run}"
            )
            _settle(found, found.belongings[name])
        yield found
    finally:
        found.sweep()


def _settle(world: World, belongings: Belongings) -> None:
    """Make one of each kind for one user."""
    owner, name, ids = belongings.owner, belongings.mark, belongings.ids
    api = world.api
    ids["user"] = owner.user_id
    key = {"keypair": {"name": name, "type": "ssh", "public_key": KEY}}
    api.asked("nova", owner, "POST", "/os-keypairs", key)
    ids["key"] = name
    if owner.name == ALICE:
        group = {"server_group": {"name": name, "policy": "soft-anti-affinity"}}
        # In the project that alice shares a plain user cannot make one.
        manager = world.personas[MANAGER]
        made = api.asked("nova", manager, "POST", "/os-server-groups", group)
        ids["group"] = made["server_group"]["id"]
    ids["server"] = server = world.server(owner, name, metadata={"secret": name})
    api.asked("nova", owner, "PUT", f"/servers/{server}/tags", {"tags": [name]})
    ports = api.asked("nova", owner, "GET", f"/servers/{server}/os-interface")
    ids["port"] = ports["interfaceAttachments"][0]["port_id"]
    ids["volume"] = world.volume(owner, name)
    world.attach(owner, server, ids["volume"])
    ids["free"] = world.volume(owner, f"{name}-free")
    ids["snapshot"] = world.snapshot(owner, name, ids["free"])
    ids["image"] = world.image(owner, name)
    world.find_attachment()
    ids["given"] = world.volume(owner, f"{name}-given")
    transfer = {"transfer": {"volume_id": ids["given"], "name": name}}
    made = api.asked("cinder", owner, "POST", "/volume-transfers", transfer)
    ids["transfer"] = made["transfer"]["id"]
