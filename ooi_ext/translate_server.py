# SPDX-License-Identifier: Apache-2.0
"""OCCI to the bodies of Nova's requests. Pure: values in, values out.

Owns: what a wish for a machine, a change of one and an action mean in Nova's
words. Must never: ask a service or know HTTP. Read first: server, then action.

What an action does, by its attribute method; the first is what it does
without one:

========  ===================  ===================================================
action    method               Nova
========  ===================  ===================================================
start     (has none)           os-start; unpause, resume or unshelve, as it stands
stop      graceful, acpioff,   os-stop: it asks the guest by ACPI, and switches it
          poweroff             off when that takes too long. Nova has no harder one
restart   graceful, warm       reboot, SOFT
restart   cold                 reboot, HARD
suspend   hibernate            suspend: the memory goes to disk
suspend   suspend              pause: the memory stays where it is
save      hot                  createImage, of a machine in any state that has it
save      deferred             createImage, of a machine that is stopped
========  ===================  ===================================================
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ooi_ext import kinds, kinds_network, kinds_storage
from ooi_ext.check import LinkWish, Wish
from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import Action, Attributes
from ooi_ext.translate import MIB_PER_GIB, named_by

Json = Mapping[str, Any]

# Nova has a request of its own for each way to stand still.
_START_REQUESTS = {
    "PAUSED": "unpause",
    "SUSPENDED": "resume",
    "SHELVED": "unshelve",
    "SHELVED_OFFLOADED": "unshelve",
}

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

SIZES = ("occi.compute.cores", "occi.compute.memory", "occi.compute.share")


def choose_flavor(flavors: Iterable[Json], wish: Wish) -> Json:
    """Return the flavor that `wish` names by a template, a size or both.

    Of several that are large enough the smallest. Raises BadRequest.
    """
    term = wish.term(kinds.RESOURCE_TPL)
    cores = wish.number("occi.compute.cores")
    memory = wish.number("occi.compute.memory")
    ram = memory * MIB_PER_GIB
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
                f"{flavor['ram'] / MIB_PER_GIB}, not {cores} and {memory}.",
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


def server(
    wish: Wish,
    *,
    flavor: str,
    image: str,
    zone: str = "",
    outside: Collection[str] = (),
    dotted: bool = True,
) -> dict[str, Any]:
    """Return the body of Nova's POST /servers (>= 2.90) for `wish`.

    `flavor` and `image` are ids, `zone` is a name, `outside` are the ids of
    external networks; `dotted` says that Nova takes a fully qualified
    hostname. A key that `wish` only names goes in by that name. Raises
    BadRequest for what Nova cannot be asked.
    """
    hostname = _hostname(wish, dotted)
    title = line(wish, "occi.core.title")
    fully_qualified = line(wish, "occi.compute.hostname")
    interfaces = of_kind(wish, kinds_network.NETWORK_INTERFACE)
    networks = [_network(link, outside) for link in interfaces]
    wanted: dict[str, Any] = {
        "name": title or fully_qualified or "occi-vm",
        "flavorRef": flavor,
        "imageRef": image,
        # "auto" takes the one network that the project can use, and is
        # refused with 409 when there are several, which IM waits for.
        "networks": [network for network in networks if network] or "auto",
    }
    optional = {
        "hostname": hostname,
        "description": line(wish, "occi.core.summary"),
        "key_name": line(wish, "org.openstack.credentials.publickey.name"),
        "user_data": _user_data(wish),
        "availability_zone": zone,
        "security_groups": [
            {"name": id_of(link)}
            for link in of_kind(wish, kinds_network.SECURITY_GROUP_LINK)
        ],
        "block_device_mapping_v2": _disks(wish, image),
    }
    wanted.update({key: value for key, value in optional.items() if value})
    return {"server": wanted}


def of_kind(wish: Wish, kind: Any) -> tuple[LinkWish, ...]:
    """Return the links of that kind in `wish`."""
    return tuple(link for link in wish.links if link.kind == kind)


def is_floating(link: LinkWish) -> bool:
    """Return whether a network interface asks for a floating IP.

    It does when it names a pool, by a mixin or in the place of a network's
    id, or an address that the project has reserved.
    """
    return bool(
        link.term(kinds_network.FLOATING_IP_POOL)
        or link.target_kind == kinds_network.IP_RESERVATION
        or not _UUID.fullmatch(link.target)
    )


def inside(link: LinkWish, outside: Collection[str]) -> str:
    """Return the id of the network that a machine is plugged in, if any.

    With a pool it is the one that the floating IP leads to.
    """
    if link.target_kind != kinds_network.NETWORK or link.target in outside:
        return ""
    return link.target if _UUID.fullmatch(link.target) else ""


def id_of(link: LinkWish) -> str:
    """Return the id of the target of a link; raises BadRequest if it is none."""
    if not _UUID.fullmatch(link.target):
        raise BadRequest(f"There is no {link.target_kind.term} {shown(link.target)}.")
    return link.target


def changes(wish: Wish, *, whole: bool, dotted: bool = True) -> dict[str, Any]:
    """Return the body of Nova's PUT /servers/ID for what `wish` changes.

    Of a `whole` representation a summary that is not there is taken away; a
    machine always has a name and a hostname. Raises BadRequest.
    """
    found: dict[str, Any] = {}
    title = line(wish, "occi.core.title")
    if title:
        found["name"] = title
    elif "occi.core.title" in wish.attributes:
        raise BadRequest("A machine cannot be without an occi.core.title.")
    if whole or "occi.core.summary" in wish.attributes:
        found["description"] = line(wish, "occi.core.summary") or None
    if hostname := _hostname(wish, dotted):
        found["hostname"] = hostname
    return found


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


def action(
    wanted: Action, attributes: Attributes, *, status: str, name: str
) -> dict[str, Any]:
    """Return the body of Nova's POST /servers/ID/action.

    `status` is Nova's word for the present state; only a start needs it.
    `name` is that of an image to be saved.
    """
    method = dict(attributes).get("method")
    match wanted:
        case kinds.START:
            return {_START_REQUESTS.get(status, "os-start"): None}
        case kinds.STOP:
            return {"os-stop": None}
        case kinds.RESTART:
            return {"reboot": {"type": "HARD" if method == "cold" else "SOFT"}}
        case kinds.SUSPEND:
            return {"pause" if method == "suspend" else "suspend": None}
        case _:
            return {"createImage": {"name": name, "metadata": {}}}


def line(wish: Wish, name: str) -> str:
    """Return the text of an attribute, empty if there is none.

    Raises BadRequest for a line break and its like, which would break a
    configuration or a log.
    """
    return one_line(wish.text(name), name)


def one_line(value: str, name: str) -> str:
    """Return `value`; raises BadRequest if it is more than a line."""
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
        raise BadRequest(
            f"The attribute {shown(name)} holds a line break or another control "
            f"character: {shown(value)}."
        )
    return value


def _hostname(wish: Wish, dotted: bool) -> str:
    hostname = line(wish, "occi.compute.hostname")
    return hostname if dotted else hostname.partition(".")[0]


def _network(link: LinkWish, outside: Collection[str]) -> dict[str, str]:
    """Return the network to plug a machine in; empty for a floating IP alone."""
    for name in ("occi.networkinterface.mac", "occi.networkinterface.gateway"):
        if name in link.attributes:
            raise BadRequest(
                f"The attribute {shown(name)} of a link cannot be chosen here.",
                mend="Leave it out.",
            )
    address = link.text("occi.networkinterface.address")
    if link.text("occi.networkinterface.allocation") == "static" and not address:
        raise BadRequest(
            'occi.networkinterface.allocation="static" needs an '
            "occi.networkinterface.address."
        )
    network_id = inside(link, outside)
    if not network_id:
        return {}
    # With a pool the address is the one outside.
    fixed = {} if is_floating(link) or not address else {"fixed_ip": address}
    return {"uuid": network_id, **fixed}


def _disks(wish: Wish, image: str) -> list[dict[str, Any]]:
    links = of_kind(wish, kinds_storage.STORAGE_LINK)
    if not links:
        return []
    # Nova takes the list for all that there is: the first disk belongs to it.
    boot = {
        "boot_index": 0,
        "uuid": image,
        "source_type": "image",
        "destination_type": "local",
        "delete_on_termination": True,
    }
    return [boot, *(_volume(link) for link in links)]


def _volume(link: LinkWish) -> dict[str, Any]:
    device = line(link, "occi.storagelink.deviceid")
    return {
        "boot_index": None,
        "uuid": id_of(link),
        "source_type": "volume",
        "destination_type": "volume",
        "delete_on_termination": False,
        **({"device_name": device} if device else {}),
    }


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
