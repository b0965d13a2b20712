# SPDX-License-Identifier: Apache-2.0
"""Cinder's volumes and their attachments to OCCI and back. Pure.

Owns: what a state and a size mean in Cinder's words, and the id of a storage
link, SERVERID_VOLUMEID. Must never: ask a service or know HTTP. Read first:
storage, then links.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ooi_ext import check, kinds, kinds_storage
from ooi_ext.check import Wish
from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import Action, End, Kind, Link, LinkEntity, Resource, Value

Json = Mapping[str, Any]
# Returns the full URL of a location that begins with a slash.
Url = Callable[[str], str]

# The metadata of a volume that the action offline has reserved. Without it a
# volume that Nova is about to attach would look the same.
OFFLINE_MARK = "occi_offline"

# Cinder's own bound of a size in GiB.
_MOST_GIB = 2**31 - 1

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = re.compile(_ID)
_LINK_ID = re.compile(f"({_ID})_({_ID})")


@dataclass(frozen=True)
class Attachment:
    """A volume at a server; `device` may be unknown, and then is empty."""

    server_id: str
    volume_id: str
    device: str = ""
    state: str = "active"

    @property
    def id(self) -> str:
        return f"{self.server_id}_{self.volume_id}"


def link_ids(identifier: str) -> tuple[str, str] | None:
    """Return the ids of server and volume in the id of a storage link."""
    found = _LINK_ID.fullmatch(identifier)
    return (found[1], found[2]) if found else None


def state(volume: Json) -> str:
    """Return the OCCI state: online, offline or error.

    What a machine uses is online, whatever else Cinder does to it.
    """
    status = str(volume.get("status"))
    if status.startswith("error"):
        return "error"
    online = status in ("available", "in-use") or volume.get("attachments")
    return "online" if online else "offline"


def is_marked(volume: Json) -> bool:
    """Return whether the action offline holds this volume."""
    metadata = volume.get("metadata") or {}
    return volume.get("status") == "attaching" and OFFLINE_MARK in metadata


def storage(volume: Json, *, url: Url) -> Resource:
    """Return the storage resource for a volume of Cinder's."""
    place = storage_url(volume["id"], url=url)
    status = str(volume.get("status"))
    attributes: tuple[tuple[str, Value | None], ...] = (
        ("occi.core.id", volume["id"]),
        ("occi.core.title", volume.get("name")),
        ("occi.core.summary", volume.get("description")),
        ("occi.storage.size", float(volume["size"])),
        ("occi.storage.state", state(volume)),
        (
            "occi.storage.state.message",
            # Of a state that lasts, Cinder's word says no more than ours.
            "" if status in ("available", "in-use") else f"Cinder says: {status}",
        ),
    )
    return Resource(
        kind=kinds_storage.STORAGE,
        attributes=tuple((k, v) for k, v in attributes if v is not None and v != ""),
        links=tuple(
            Link(f"{place}?action={a.term}", (a.identifier,)) for a in _actions(volume)
        ),
    )


def storage_url(volume_id: str, *, url: Url) -> str:
    """Return the URL of a storage resource."""
    return url(f"{kinds_storage.STORAGE.location}{volume_id}")


def storage_link_url(attachment: Attachment, *, url: Url) -> str:
    """Return the URL of a storage link."""
    return url(f"{kinds_storage.STORAGE_LINK.location}{attachment.id}")


def attachments(volumes: Iterable[Json]) -> tuple[Attachment, ...]:
    """Return the attachments that Cinder's `volumes` hold, one for each link."""
    return tuple(_of_volumes(volumes))


def storage_link(attachment: Attachment, *, url: Url) -> LinkEntity:
    """Return the storage link for an attachment."""
    attributes = (
        ("occi.core.id", attachment.id),
        ("occi.storagelink.deviceid", attachment.device),
        ("occi.storagelink.state", attachment.state),
    )
    return LinkEntity(
        kind=kinds_storage.STORAGE_LINK,
        source=End(
            url(f"{kinds.COMPUTE.location}{attachment.server_id}"),
            kinds.COMPUTE.identifier,
        ),
        target=End(
            storage_url(attachment.volume_id, url=url),
            kinds_storage.STORAGE.identifier,
        ),
        attributes=tuple((name, value) for name, value in attributes if value),
    )


def compute_links(
    items: Iterable[Json], *, url: Url, server_id: str
) -> tuple[Link, ...]:
    """Return the storage links in the compute resource of a server.

    `items` are any of these: Nova's os-volume_attachments, what Nova shows in
    a server as os-extended-volumes:volumes_attached (which has no device), or
    Cinder's volumes, of which those of other servers are left out.
    """
    found: list[Attachment] = []
    for item in items:
        if "attachments" in item:
            found += [a for a in _of_volumes([item]) if a.server_id == server_id]
        else:
            found.append(_of_nova(item, server_id))
    return tuple(_inline(attachment, url) for attachment in found)


def of_nova(item: Json) -> Attachment:
    """Return the attachment that Nova has for one of os-volume_attachments."""
    return _of_nova(item, item["serverId"])


def volume(wish: Wish) -> dict[str, Any]:
    """Return the body of Cinder's POST /volumes for `wish`. Raises BadRequest."""
    wanted = {"size": gib(wish.number("occi.storage.size")), **changes(wish)}
    return {"volume": wanted}


def changes(wish: Wish) -> dict[str, str]:
    """Return what `wish` says of a volume's name and description."""
    names = {"name": "occi.core.title", "description": "occi.core.summary"}
    return {
        key: _line(wish, name) for key, name in names.items() if name in wish.attributes
    }


def gib(size: int | float) -> int:
    """Return a size that holds `size` GiB, in whole ones. Raises BadRequest."""
    if not 0 < size <= _MOST_GIB:
        raise BadRequest(
            f"A size of {shown(str(size))} GiB cannot be had.",
            mend="It is a number of GiB above 0; a part of one is rounded up.",
        )
    return math.ceil(size)


def ends(wish: Wish) -> tuple[str, str]:
    """Return the ids of the server and of the volume that a link shall join.

    Raises BadRequest.
    """
    return (
        _end(wish, "occi.core.source", kinds.COMPUTE),
        _end(wish, "occi.core.target", kinds_storage.STORAGE),
    )


def _actions(volume: Json) -> tuple[Action, ...]:
    if volume.get("status") == "available":
        return (kinds_storage.OFFLINE, kinds_storage.SNAPSHOT, kinds_storage.RESIZE)
    if volume.get("status") == "in-use":
        return (kinds_storage.SNAPSHOT,)
    return (kinds_storage.ONLINE,) if is_marked(volume) else ()


def _of_volumes(volumes: Iterable[Json]) -> Iterator[Attachment]:
    for volume in volumes:
        status = str(volume.get("status"))
        link_state = "error" if status.startswith("error") else "active"
        for item in volume.get("attachments") or ():
            server_id = str(item.get("server_id"))
            # A host that is no server of Nova's can have a volume too.
            if _UUID.fullmatch(server_id):
                device = item.get("device") or ""
                yield Attachment(server_id, volume["id"], device, link_state)


def _of_nova(item: Json, server_id: str) -> Attachment:
    return Attachment(
        server_id, item.get("volumeId") or item["id"], item.get("device") or ""
    )


def _inline(attachment: Attachment, url: Url) -> Link:
    entity = storage_link(attachment, url=url)
    return Link(
        target=entity.target.location,
        rel=(kinds_storage.STORAGE.identifier,),
        self=storage_link_url(attachment, url=url),
        category=(kinds_storage.STORAGE_LINK.identifier,),
        attributes=(
            *entity.attributes,
            # IM knows a link by these two, and not by what stands around them.
            ("occi.core.source", entity.source.location),
            ("occi.core.target", entity.target.location),
        ),
    )


def _line(wish: Wish, name: str) -> str:
    value = wish.text(name)
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
        raise BadRequest(
            f"The attribute {shown(name)} holds a line break or another control "
            f"character: {shown(value)}."
        )
    return value


def _end(wish: Wish, name: str, kind: Kind) -> str:
    uri = wish.text(name)
    identifier = check.place(uri, kind=kind)
    if not _UUID.fullmatch(identifier):
        raise BadRequest(f"The attribute {shown(name)} is no {kind.term}: {shown(uri)}")
    return identifier
