# SPDX-License-Identifier: Apache-2.0
"""Changing a machine: its names, and its size.

Owns: what of a machine can be changed, and the two steps of a resize. Must
never: rebuild a machine; that would take what is on its disk. Read first:
update.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from ooi_ext import check, conf, kinds, translate, translate_server
from ooi_ext.check import Wish
from ooi_ext.errors import BadRequest, UpstreamError, shown
from ooi_ext.handlers import machines
from ooi_ext.handlers.call import Answer, Call
from ooi_ext.nova import Nova

Json = dict[str, Any]

_POLL_SECONDS = 0.5
_RESIZED = "VERIFY_RESIZE"
_UNDER_WAY = ("RESIZE", "UNKNOWN")


def update(call: Call, server_id: str, *, whole: bool) -> Answer:
    """Change a machine as the request says, and answer with it."""
    wish = check.update(call.message(), kind=kinds.COMPUTE, whole=whole)
    server = call.nova.server(server_id)
    _check_fixed(call, wish, server)
    changes = _changes(call, wish, server, whole=whole)
    # The step that may fail comes first; a new name alone would be half.
    resize(call, [server], wish, then=lambda: _change(call.nova, server_id, changes))
    return Answer(body=machines.shown(call, server_id))


def resize(
    call: Call,
    servers: Iterable[Json],
    wish: Wish,
    then: Callable[[], None] = lambda: None,
) -> None:
    """Resize machines to what `wish` names, if it names a size; then do `then`.

    A resize is confirmed as soon as Nova waits for that, if it does so within
    [ooi] wait_seconds; else when the same is asked for again. Raises OcciError.
    """
    wanted = [(server, _new_flavor(call, wish, server)) for server in servers]
    begun = []
    for server, flavor in wanted:
        if flavor:
            body = {"resize": {"flavorRef": flavor["id"]}}
            call.nova.act(server["id"], body)
            begun.append((server["id"], str(flavor["name"])))
        elif server["status"] == _RESIZED and _names_size(wish):
            call.nova.act(server["id"], {"confirmResize": None})
    then()
    end = time.monotonic() + conf.wait_seconds()
    for server_id, name in begun:
        _confirm(call.nova, server_id, name, end)


def _change(nova: Nova, server_id: str, changes: Json) -> None:
    if changes:
        nova.update_server(server_id, changes)


def _changes(call: Call, wish: Wish, server: Json, *, whole: bool) -> Json:
    wanted = translate_server.changes(
        wish, whole=whole, dotted=call.nova.takes_dotted_hostnames
    )
    present = {
        "name": server.get("name"),
        "description": server.get("description"),
        "hostname": server.get("OS-EXT-SRV-ATTR:hostname"),
    }
    return {k: v for k, v in wanted.items() if v != present[k]}


def _names_size(wish: Wish) -> bool:
    sizes = set(translate_server.SIZES) & set(wish.attributes)
    return bool(wish.term(kinds.RESOURCE_TPL) or sizes)


def _new_flavor(call: Call, wish: Wish, server: Json) -> Json | None:
    """Return the flavor to resize to, None if the machine has it.

    "an assigned Resource Template will override" the size that an entity
    carries (GFD.224 section 3.5.2): so a client can send the machine's own
    size along with a new template.
    """
    if not _names_size(wish):
        return None
    present = dict(
        translate.compute(server, url="", flavors=(), architecture="").attributes
    )
    repeated = {
        name
        for name in translate_server.SIZES
        if name in wish.attributes and wish.attributes[name] == present.get(name)
    }
    term = wish.term(kinds.RESOURCE_TPL)
    other = set(translate_server.SIZES) & set(wish.attributes) - repeated
    if "occi.compute.share" in other:
        raise BadRequest(
            "occi.compute.share cannot be changed.",
            mend="The resource_tpl decides; leave the attribute out.",
        )
    if not term and not other:
        return None
    # What is not named stays as it is.
    kept = {
        name: value
        for name, value in present.items()
        if not term and name in translate_server.SIZES
    }
    wanted = Wish(
        kind=wish.kind,
        mixins=wish.mixins,
        attributes={**kept, **{n: wish.attributes[n] for n in other}},
    )
    flavor = translate_server.choose_flavor(machines.flavors(call), wanted)
    same = flavor["name"] == _flavor_name(server)
    return None if same else dict(flavor)


def _flavor_name(server: Json) -> str:
    return str((server.get("flavor") or {}).get("original_name"))


def _check_fixed(call: Call, wish: Wish, server: Json) -> None:
    """Raise BadRequest for what a machine keeps for its life."""
    shown_now = translate.compute(
        server, url="", flavors=(), architecture=call.default_architecture
    )
    present = {mixin.identifier for mixin in shown_now.mixins}
    for mixin in wish.mixins:
        if kinds.RESOURCE_TPL.identifier in mixin.depends:
            continue
        if mixin.identifier not in present:
            raise BadRequest(
                f"The mixin {shown(mixin.identifier)} cannot be given to a machine "
                "that exists.",
                mend="Name it when a machine is made.",
            )
    attributes = dict(shown_now.attributes)
    fixed = {"occi.compute.architecture", *_context()}
    for name in sorted(fixed & set(wish.attributes)):
        if wish.attributes[name] != attributes.get(name):
            raise BadRequest(
                f"The attribute {shown(name)} cannot be changed.",
                mend="It is given when a machine is made.",
            )


def _context() -> set[str]:
    mixins = (
        kinds.PUBLIC_KEY,
        kinds.USER_DATA,
        kinds.SSH_KEY,
        kinds.OCCI_USER_DATA,
    )
    return {a.name for mixin in mixins for a in mixin.attributes}


def _confirm(nova: Nova, server_id: str, flavor_name: str, end: float) -> None:
    while (server := nova.server(server_id))["status"] != _RESIZED:
        if server["status"] not in _UNDER_WAY:
            if _flavor_name(server) == flavor_name:
                # The site confirms for its users.
                return
            raise UpstreamError(
                f"The compute service could not resize the machine {server_id}.",
                service="compute",
                status=409,
                mend="There may be no room for it now; try again later.",
            )
        if time.monotonic() >= end:
            return
        time.sleep(_POLL_SECONDS)
    nova.act(server_id, {"confirmResize": None})
    # Whatever is asked of the machine before Nova is done with it may fail.
    while time.monotonic() < end and nova.server(server_id)["status"] == _RESIZED:
        time.sleep(_POLL_SECONDS)
