# SPDX-License-Identifier: Apache-2.0
"""Nova's and Glance's JSON to OCCI. Pure: values in, values out.

Owns: what a state and a size of Nova's mean in OCCI, and the terms under which
flavors, images and zones are shown. The way back, from OCCI to Nova, is
translate_server's. Must never: ask a service or know HTTP. Read first: compute.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ooi_ext import kinds
from ooi_ext.model import Action, Link, Mixin, Resource, Value

Json = Mapping[str, Any]

_RUNNING = (kinds.STOP, kinds.RESTART, kinds.SUSPEND, kinds.SAVE)
_STANDING = (kinds.START, kinds.SAVE)

# Nova's status -> the OCCI state and the actions that Nova takes in it. A
# machine under way from one state to another takes none.
STATES: Mapping[str, tuple[str, tuple[Action, ...]]] = {
    "ACTIVE": ("active", _RUNNING),
    "PASSWORD": ("active", _RUNNING),
    "REBOOT": ("active", ()),
    "HARD_REBOOT": ("active", ()),
    "MIGRATING": ("active", ()),
    "RESCUE": ("active", ()),
    "VERIFY_RESIZE": ("active", ()),
    "BUILD": ("inactive", ()),
    "REBUILD": ("inactive", ()),
    "RESIZE": ("inactive", ()),
    "REVERT_RESIZE": ("inactive", ()),
    "SHUTOFF": ("inactive", _STANDING),
    "SHELVED": ("inactive", (kinds.START,)),
    "SHELVED_OFFLOADED": ("inactive", (kinds.START,)),
    "SOFT_DELETED": ("inactive", ()),
    "DELETED": ("inactive", ()),
    "PAUSED": ("suspended", _STANDING),
    "SUSPENDED": ("suspended", _STANDING),
    "ERROR": ("error", ()),
}

_ARCHITECTURES = {"x86_64": "x64", "i686": "x86", "i386": "x86", "i586": "x86"}

# The terms that every client takes: rOCCI and jOCCI drop the whole model at
# one that they do not.
_SAFE_TERM = re.compile(r"[a-z0-9][a-z0-9_-]*")
_MADE_TERM = re.compile(r"[a-z0-9_-]*-x[0-9a-f]{8}")

# The key pair that a public key needs for the time of one request. A server
# keeps its name, but nothing has that name any more.
KEYPAIR_PREFIX = "occi-"
_KEYPAIR = re.compile(KEYPAIR_PREFIX + r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

MIB_PER_GIB = 1024


def term_of(identifier: str) -> str:
    """Return a term that every client takes for an OpenStack id.

    The id itself where it is safe, as UUIDs are; else its safe characters
    and a hash of it, so that two ids never share a term.
    """
    if _SAFE_TERM.fullmatch(identifier):
        return identifier
    plain = re.sub(r"[^a-z0-9]+", "-", identifier.lower()).strip("-") or "id"
    digest = hashlib.sha256(identifier.encode("utf-8", "replace")).hexdigest()
    return f"{plain}-x{digest[:8]}"


def is_made(term: str) -> bool:
    """Return whether `term` may be one made by term_of, and not an id itself."""
    return bool(_MADE_TERM.fullmatch(term)) or not _SAFE_TERM.fullmatch(term)


def named_by(items: Iterable[Json], term: str) -> Json | None:
    """Return the flavor or image of `items` that is shown as `term`."""
    items = tuple(items)
    for item in items:
        if item["id"] == term:
            return item
    for item in items:
        if term_of(item["id"]) == term:
            return item
    return None


def flavor_mixin(flavor: Json) -> Mixin:
    """Return the resource template for one flavor of Nova's list."""
    return Mixin(
        scheme=kinds.RESOURCE_TEMPLATE,
        term=term_of(flavor["id"]),
        title=f"Flavor: {flavor['name']}",
        depends=(kinds.RESOURCE_TPL.identifier,),
        applies=kinds.RESOURCE_TPL.applies,
        location=f"/resource_tpl/{term_of(flavor['id'])}/",
    )


def image_mixin(image: Json) -> Mixin:
    """Return the OS template for one image of Glance's list."""
    return Mixin(
        scheme=kinds.OS_TEMPLATE,
        term=term_of(image["id"]),
        title=image.get("name") or "",
        depends=(kinds.OS_TPL.identifier,),
        applies=kinds.OS_TPL.applies,
        location=f"/os_tpl/{term_of(image['id'])}/",
    )


def zone_mixin(zone: str) -> Mixin:
    """Return the mixin of one availability zone of Nova's."""
    return Mixin(
        scheme=kinds.ZONE_TEMPLATE,
        term=term_of(zone),
        title=f"Availability zone: {zone}",
        depends=(kinds.AVAILABILITY_ZONE.identifier,),
        applies=kinds.AVAILABILITY_ZONE.applies,
        location=f"{kinds.AVAILABILITY_ZONE.location}{term_of(zone)}/",
    )


def compute(
    server: Json,
    *,
    url: str,
    flavors: Iterable[Json],
    architecture: str,
    links: Iterable[Link] = (),
) -> Resource:
    """Return the compute resource at `url` for a server of Nova (>= 2.47).

    `flavors` are Nova's, of which the server names one; `architecture` is
    shown where the image names none (empty: nothing is shown); `links` are
    those to networks and storage.
    """
    state, actions = STATES.get(server.get("status", ""), ("inactive", ()))
    acting = (Link(f"{url}?action={a.term}", (a.identifier,)) for a in actions)
    return Resource(
        kind=kinds.COMPUTE,
        mixins=tuple(_mixins(server, flavors)),
        attributes=tuple(
            (name, value)
            for name, value in _attributes(server, state, architecture)
            if value is not None and value != ""
        ),
        links=(*acting, *links),
        location=url,
    )


def has_floating_ip(server: Json) -> bool:
    """Return whether a floating IP leads to a server of Nova's."""
    return any(
        address.get("OS-EXT-IPS:type") == "floating"
        for addresses in (server.get("addresses") or {}).values()
        for address in addresses
    )


def _mixins(server: Json, flavors: Iterable[Json]) -> Iterator[Mixin]:
    # "" when the server was booted from a volume
    if server.get("image"):
        yield image_mixin(server["image"])
    name = (server.get("flavor") or {}).get("original_name")
    for flavor in flavors:
        if flavor["name"] == name:
            yield flavor_mixin(flavor)
    if server.get("OS-EXT-AZ:availability_zone"):
        yield zone_mixin(server["OS-EXT-AZ:availability_zone"])
    if server.get("key_name"):
        yield kinds.PUBLIC_KEY


def _attributes(
    server: Json, state: str, architecture: str
) -> Iterator[tuple[str, Value | None]]:
    properties = (server.get("image") or {}).get("properties") or {}
    named = properties.get("hw_architecture") or properties.get("architecture")
    key = server.get("key_name") or ""
    # Why it failed, or what it is about to become.
    fault = (server.get("fault") or {}).get("message")
    task = server.get("OS-EXT-STS:task_state")
    yield "occi.core.id", server["id"]
    yield "occi.core.title", server.get("name")
    yield "occi.core.summary", server.get("description")
    yield (
        "occi.compute.architecture",
        _ARCHITECTURES.get(named) if named else architecture,
    )
    yield from _size(server.get("flavor") or {})
    yield "occi.compute.hostname", server.get("OS-EXT-SRV-ATTR:hostname")
    yield "occi.compute.state", state
    yield "occi.compute.state.message", fault or (task and f"Nova's task: {task}")
    if not _KEYPAIR.fullmatch(key):
        yield "org.openstack.credentials.publickey.name", key


def _size(flavor: Json) -> Iterator[tuple[str, Value]]:
    if "vcpus" in flavor:
        yield "occi.compute.cores", flavor["vcpus"]
    if "ram" in flavor:
        yield "occi.compute.memory", flavor["ram"] / MIB_PER_GIB
    # Nova shows extra_specs to those that its policy lets see them.
    share = str((flavor.get("extra_specs") or {}).get("quota:cpu_shares", ""))
    if re.fullmatch("[0-9]{1,9}", share):
        yield "occi.compute.share", int(share)
