# SPDX-License-Identifier: Apache-2.0
"""OpenStack's JSON to OCCI and back. Pure: values in, values out.

Owns: what a state, a size, a template and an action mean in Nova's words,
and the terms under which flavors and images are shown. Must never: ask a
service or know HTTP. Read first: compute, then server.
"""

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from ooi_ext import kinds
from ooi_ext.check import Wish
from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import Action, Attributes, Link, Mixin, Resource, Value

Json = Mapping[str, Any]

_RUNNING = (kinds.STOP, kinds.RESTART, kinds.SUSPEND)

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
    "SHUTOFF": ("inactive", (kinds.START,)),
    "SHELVED": ("inactive", (kinds.START,)),
    "SHELVED_OFFLOADED": ("inactive", (kinds.START,)),
    "SOFT_DELETED": ("inactive", ()),
    "DELETED": ("inactive", ()),
    "PAUSED": ("suspended", (kinds.START,)),
    "SUSPENDED": ("suspended", (kinds.START,)),
    "ERROR": ("error", ()),
}

# Nova has a request of its own for each way to stand still.
_START_REQUESTS = {
    "PAUSED": "unpause",
    "SUSPENDED": "resume",
    "SHELVED": "unshelve",
    "SHELVED_OFFLOADED": "unshelve",
}

_ARCHITECTURES = {"x86_64": "x64", "i686": "x86", "i386": "x86", "i586": "x86"}

# The terms that every client takes: rOCCI and jOCCI drop the whole model at
# one that they do not.
_SAFE_TERM = re.compile(r"[a-z0-9][a-z0-9_-]*")
_MADE_TERM = re.compile(r"[a-z0-9_-]*-x[0-9a-f]{8}")

_MIB_PER_GIB = 1024


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
        location=f"/resource_tpl/{term_of(flavor['id'])}/",
    )


def image_mixin(image: Json) -> Mixin:
    """Return the OS template for one image of Glance's list."""
    return Mixin(
        scheme=kinds.OS_TEMPLATE,
        term=term_of(image["id"]),
        title=image.get("name") or "",
        depends=(kinds.OS_TPL.identifier,),
        location=f"/os_tpl/{term_of(image['id'])}/",
    )


def compute(
    server: Json, *, url: str, flavors: Iterable[Json], architecture: str
) -> Resource:
    """Return the compute resource at `url` for a server of Nova (>= 2.47).

    `flavors` are Nova's, of which the server names one; `architecture` is
    shown where the image names none (empty: nothing is shown).
    """
    state, actions = STATES.get(server.get("status", ""), ("inactive", ()))
    # "" when the server was booted from a volume
    image = server.get("image") or {}
    flavor = server.get("flavor") or {}
    mixins = [image_mixin(image)] if image else []
    mixins += [
        flavor_mixin(listed)
        for listed in flavors
        if listed["name"] == flavor.get("original_name")
    ]
    properties = image.get("properties") or {}
    named = properties.get("hw_architecture") or properties.get("architecture")
    fault = (server.get("fault") or {}).get("message")
    ram = flavor.get("ram")
    attributes: tuple[tuple[str, Value | None], ...] = (
        ("occi.core.id", server["id"]),
        ("occi.core.title", server.get("name")),
        ("occi.core.summary", server.get("description")),
        (
            "occi.compute.architecture",
            _ARCHITECTURES.get(named) if named else architecture,
        ),
        ("occi.compute.cores", flavor.get("vcpus")),
        ("occi.compute.hostname", server.get("OS-EXT-SRV-ATTR:hostname")),
        ("occi.compute.memory", None if ram is None else ram / _MIB_PER_GIB),
        ("occi.compute.state", state),
        ("occi.compute.state.message", fault),
    )
    return Resource(
        kind=kinds.COMPUTE,
        mixins=tuple(mixins),
        attributes=tuple((k, v) for k, v in attributes if v is not None and v != ""),
        links=tuple(Link(f"{url}?action={a.term}", (a.identifier,)) for a in actions),
    )


def choose_flavor(flavors: Iterable[Json], wish: Wish) -> Json:
    """Return the flavor that `wish` names by a template, a size or both.

    Of several that are large enough the smallest. Raises BadRequest.
    """
    term = wish.term(kinds.RESOURCE_TPL)
    cores = wish.number("occi.compute.cores")
    memory = wish.number("occi.compute.memory")
    ram = memory * _MIB_PER_GIB
    if term:
        flavor = named_by(flavors, term)
        if flavor is None:
            raise BadRequest(
                f"There is no resource_tpl {shown(term)}.",
                mend="GET /-/ lists those there are.",
            )
        if cores not in (0, flavor["vcpus"]) or ram not in (0, flavor["ram"]):
            raise BadRequest(
                f"The resource_tpl {shown(term)} has occi.compute.cores="
                f"{flavor['vcpus']} and occi.compute.memory="
                f"{flavor['ram'] / _MIB_PER_GIB}, not {cores} and {memory}.",
                mend="Leave these attributes out, or leave the template out.",
            )
        return flavor
    large = [f for f in flavors if f["vcpus"] >= cores and f["ram"] >= ram]
    if not large:
        raise BadRequest(
            f"No flavor here has occi.compute.cores={cores} and "
            f"occi.compute.memory={memory}."
        )
    return min(large, key=lambda f: (f["vcpus"], f["ram"], f["disk"], f["id"]))


def server(wish: Wish, *, flavor: str, image: str) -> dict[str, Any]:
    """Return the body of Nova's POST /servers (>= 2.90) for `wish`.

    `flavor` and `image` are ids. A key that `wish` only names goes in by that
    name. Raises BadRequest for what Nova cannot be asked.
    """
    hostname = _line(wish, "occi.compute.hostname")
    wanted: dict[str, Any] = {
        "name": _line(wish, "occi.core.title") or hostname or "occi-vm",
        "flavorRef": flavor,
        "imageRef": image,
        # "auto" takes the one network that the project can use, and is
        # refused with 409 when there are several, which IM waits for.
        "networks": [{"uuid": _target_id(link)} for link in wish.links] or "auto",
    }
    optional = {
        "hostname": hostname,
        "description": _line(wish, "occi.core.summary"),
        "key_name": _line(wish, "org.openstack.credentials.publickey.name"),
        "user_data": _user_data(wish),
    }
    wanted.update({key: value for key, value in optional.items() if value})
    return {"server": wanted}


def public_key(wish: Wish) -> str:
    """Return the SSH public key that `wish` brings, empty if it brings none."""
    names = (
        "org.openstack.credentials.publickey.data",
        "occi.credentials.ssh.publickey",
    )
    given = [name for name in names if name in wish.attributes]
    if len(given) > 1:
        raise BadRequest(f"Two public keys are given: {' and '.join(given)}.")
    if not given:
        named = wish.text("org.openstack.credentials.publickey.name")
        if kinds.PUBLIC_KEY in wish.mixins and not named:
            raise BadRequest(f"The attribute {shown(names[0])} is missing.")
        return ""
    # rOCCI sends the file as it is, with the line feed at its end.
    key = wish.text(given[0]).strip()
    if not key or not key.isprintable():
        raise BadRequest(f"{given[0]} is no line of a public key file: {shown(key)}.")
    return key


def action(wanted: Action, attributes: Attributes, *, status: str) -> dict[str, Any]:
    """Return the body of Nova's POST /servers/ID/action.

    `status` is Nova's word for the present state; only a start needs it.
    """
    # Of the methods Nova knows only the way to restart: its stop asks the guest
    # and switches it off when that takes too long, its suspend writes to disk.
    method = dict(attributes).get("method")
    match wanted:
        case kinds.START:
            return {_START_REQUESTS.get(status, "os-start"): None}
        case kinds.STOP:
            return {"os-stop": None}
        case kinds.RESTART:
            return {"reboot": {"type": "HARD" if method == "cold" else "SOFT"}}
        case _:
            return {"suspend": None}


def _line(wish: Wish, name: str) -> str:
    value = wish.text(name)
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
        raise BadRequest(
            f"The attribute {shown(name)} holds a line break or another control "
            f"character: {shown(value)}."
        )
    return value


def _user_data(wish: Wish) -> str:
    names = ("org.openstack.compute.user_data", "occi.compute.userdata")
    given = [name for name in names if name in wish.attributes]
    if len(given) > 1:
        raise BadRequest(f"User data is given twice: {' and '.join(given)}.")
    data = "".join(wish.text(*names).split())
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        # Not shown: it may hold the secrets of the machine.
        raise BadRequest(f"The attribute {shown(given[0])} is not base64.") from error
    return data


def _target_id(link: Link) -> str:
    # Targets come as /network/ID, as /prefix/network/ID and as a full URI.
    place, _, identifier = link.target.rstrip("/").rpartition("/")
    if not place.endswith("/network") or not identifier:
        raise BadRequest(f"The link target {shown(link.target)} is no network.")
    return identifier
