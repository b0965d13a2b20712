# SPDX-License-Identifier: Apache-2.0
"""A small Cinder on loopback, and a Nova that attaches its volumes.

Both refuse what the real ones refuse, with the same status. Read Cinder
first; `cloud_with` puts the filter on both.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.unit.ooi import loopback
from tests.unit.ooi.cloud import Cloud, Glance, Nova, UserToken

Answer = tuple[int, Any]
INFRA = "http://schemas.ogf.org/occi/infrastructure#"
DELETABLE = ("available", "error", "error_extending")


@dataclass
class Cinder:
    """Volumes, snapshots, and a record of what was asked."""

    url: str = ""
    page: int = 1000
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    # ("POST", path without its query) -> (status, JSON), in place of the answer
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def add(self, **changes: Any) -> str:
        volume_id = str(uuid.uuid4())
        self.volumes[volume_id] = {
            "id": volume_id,
            "name": "disk",
            "description": None,
            "size": 2,
            "status": "available",
            "multiattach": False,
            "metadata": {},
            "attachments": [],
            **changes,
        }
        return volume_id

    def attach(self, volume_id: str, server_id: Any, device: Any = "/dev/vdb") -> None:
        volume = self.volumes[volume_id]
        volume["status"] = "in-use"
        volume["attachments"].append({"server_id": server_id, "device": device})

    def asked(self) -> list[tuple[str, str]]:
        return [(method, path.partition("?")[0]) for method, path, _ in self.requests]

    def answer(self, method: str, path: str, body: Any) -> Answer:
        self.requests.append((method, path, body))
        place, _, query = path.partition("?")
        if (method, place) in self.answers:
            return self.answers[method, place]
        match method, place.removeprefix("/v3/").split("/"):
            case "GET", ["volumes", "detail"] | ["volumes"]:
                return self._listed(place, query)
            case "POST", ["volumes"]:
                volume_id = self.add(
                    **{"name": None, **body["volume"]}, status="creating"
                )
                return 202, {"volume": self.volumes[volume_id]}
            case "POST", ["snapshots"]:
                self.snapshots.append(body["snapshot"])
                return 202, {"snapshot": {"id": str(uuid.uuid4())}}
            case _, ["volumes", volume_id, *rest] if volume_id in self.volumes:
                return self._volume(method, self.volumes[volume_id], rest, body)
        return _fault(404, "Volume could not be found.")

    def _listed(self, place: str, query: str) -> Answer:
        marker = query.partition("marker=")[2]
        found = list(self.volumes.values())
        start = list(self.volumes).index(marker) + 1 if marker else 0
        page: dict[str, Any] = {"volumes": found[start : start + self.page]}
        if start + self.page < len(found):
            last = page["volumes"][-1]["id"]
            href = f"http://elsewhere{place}?limit=1000&marker={last}"
            page["volumes_links"] = [{"rel": "next", "href": href}]
        return 200, page

    def _volume(
        self, method: str, volume: dict[str, Any], rest: list[str], body: Any
    ) -> Answer:
        match method, rest:
            case "GET", []:
                return 200, {"volume": volume}
            case "PUT", []:
                volume.update(body["volume"])
                return 200, {"volume": volume}
            case "DELETE", []:
                if volume["status"] not in DELETABLE:
                    return _fault(400, "Volume status must be available or error")
                del self.volumes[volume["id"]]
                return 202, None
            case "POST", ["metadata"]:
                volume["metadata"].update(body["metadata"])
                return 200, {"metadata": volume["metadata"]}
            case "DELETE", ["metadata", name]:
                del volume["metadata"][name]
                return 200, None
        return self._act(volume, *body.items())

    def _act(self, volume: dict[str, Any], action: tuple[str, Any]) -> Answer:
        match action:
            case "os-unreserve", None:
                if volume["status"] == "attaching":
                    volume["status"] = "available"
                return 202, None
            case "os-reserve", None if volume["status"] == "available":
                volume["status"] = "attaching"
                return 202, None
            case "os-extend", {"new_size": int(size)} if size > volume["size"]:
                volume["size"] = size
                return 202, None
        return _fault(400, f"Invalid volume: {action} at {volume['status']}")


@dataclass(eq=False)
class NovaWithVolumes(Nova):
    """A Nova whose machines have volumes of `cinder`."""

    cinder: Cinder = field(default_factory=Cinder)
    # What it is about to attach: Cinder does not show it yet.
    pending: set[tuple[str, str]] = field(default_factory=set)

    @property
    def attaching(self) -> list[tuple[str, str, Any]]:
        """What was asked about volumes."""
        return [r for r in self.requests if "/os-volume_attachments" in r[1]]

    def _answer(
        self, method: str, path: str, asked: Any, query: str
    ) -> tuple[str, bytes]:
        match method, path.strip("/").split("/"):
            case _, ["servers", server_id, "os-volume_attachments", *rest] if (
                server_id in self.servers
            ):
                return self._attachment(method, server_id, rest, asked)
        return super()._answer(method, path, asked, query)

    def _attachment(
        self, method: str, server_id: str, rest: list[str], asked: Any
    ) -> tuple[str, bytes]:
        match method, rest:
            case "POST", []:
                wanted = asked["volumeAttachment"]
                device = wanted.get("device", "/dev/vdb")
                self.cinder.attach(wanted["volumeId"], server_id, device)
                return "200 OK", json.dumps({"volumeAttachment": wanted}).encode()
            case "GET", [volume_id] if (server_id, volume_id) in self.pending:
                found = {"volumeId": volume_id, "serverId": server_id, "device": None}
                return "200 OK", json.dumps({"volumeAttachment": found}).encode()
            case "DELETE", [volume_id]:
                volume = self.cinder.volumes.get(volume_id, {"attachments": []})
                here = [a for a in volume["attachments"] if a["server_id"] == server_id]
                for attachment in here:
                    volume["attachments"].remove(attachment)
                    volume["status"] = "available"
                    return "202 Accepted", b""
        fault = {"itemNotFound": {"message": "Volume attachment not found."}}
        return "404 Not Found", json.dumps(fault).encode()


def _fault(status: int, message: str) -> Answer:
    return status, {"badRequest": {"code": status, "message": message}}


@contextmanager
def cinder() -> Iterator[Cinder]:
    """Serve a Cinder without volumes on loopback."""
    service = Cinder()

    def answer(method: str, path: str, body: Any, headers: object) -> Answer:
        return service.answer(method, path, body)

    with loopback.serve(answer) as url:
        service.url = url
        yield service


def cloud_with(service: Cinder) -> Cloud:
    """Return the filter on a Nova and on `service`, which stands for all others."""
    return Cloud(
        Glance(),
        nova=NovaWithVolumes(cinder=service),
        environ={"keystone.token_auth": UserToken(service.url, "token-of-alice")},
    )


def storage(*more: str, size: str = "1") -> str:
    """Return the text of a request for storage, with `more` lines."""
    lines = [f'Category: storage; scheme="{INFRA}"; class="kind"', *more]
    if size:
        lines.append(f"X-OCCI-Attribute: occi.storage.size={size}")
    return "\n".join(lines)


def act(name: str, *more: str) -> str:
    """Return the text of an action of storage."""
    scheme = "http://schemas.ogf.org/occi/infrastructure/storage/action#"
    return "\n".join((f'Category: {name}; scheme="{scheme}"; class="action"', *more))
