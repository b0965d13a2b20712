# SPDX-License-Identifier: Apache-2.0
"""Compute resources over Nova: list, show, act, delete.

Owns: in which order Nova is asked for these, for one machine and for many.
Must never: build or read a text of OCCI. How a machine is made stands in
compute_create, how one is changed in compute_update. Read first: ROUTES.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from ooi_ext import check, kinds, translate, translate_server
from ooi_ext.errors import BadRequest, UpstreamError
from ooi_ext.handlers import compute_create, compute_update
from ooi_ext.handlers import listing, machines, templates
from ooi_ext.handlers.call import Answer, Call, Handler, Routes, entity_id
from ooi_ext.memory import known
from ooi_ext.model import Action, Attributes, Mixin, QueryInterface

Json = dict[str, Any]


def list_compute(call: Call) -> Answer:
    """Answer with the project's machines."""
    return listing.answer(
        call, lambda: machines.entities(call), lambda: machines.urls(call)
    )


def show_compute(call: Call) -> Answer:
    """Answer with one machine."""
    return Answer(body=machines.shown(call, entity_id(call, "compute")))


def post_to_all(call: Call) -> Answer:
    """Make a machine, or act on all that there are."""
    if not call.action():
        return compute_create.create(call)
    action, attributes = wanted_action(call)
    return act_on(call, call.nova.servers(), action, attributes)


def post_to_one(call: Call) -> Answer:
    """Change a machine, or act on it."""
    server_id = entity_id(call, "compute")
    if not call.action():
        return compute_update.update(call, server_id, whole=False)
    action, attributes = wanted_action(call)
    # Most actions are the same in any state that has them.
    needed = action in (kinds.START, kinds.SAVE)
    server = call.nova.server(server_id) if needed else {"id": server_id}
    step = _step(call, server, action, attributes)
    return _answer(call, [step()])


def put_compute(call: Call) -> Answer:
    """Change a machine to what the request says, all of it."""
    return compute_update.update(call, entity_id(call, "compute"), whole=True)


def delete_compute(call: Call) -> Answer:
    """Delete a machine."""
    server_id = entity_id(call, "compute")
    call.nova.delete_server(server_id)
    compute_create.release(call, [server_id])
    return Answer()


def delete_all(call: Call) -> Answer:
    """Delete all machines of the project."""
    servers = call.nova.servers()
    public: list[str] = []

    def delete(server: Json) -> None:
        call.nova.delete_server(server["id"])
        if translate.has_floating_ip(server):
            public.append(server["id"])

    try:
        _each(servers, "deleted", delete)
    finally:
        if public:
            compute_create.release(call, public)
    return Answer()


def wanted_action(call: Call) -> tuple[Action, Attributes]:
    """Return the action that a request wants; raises BadRequest."""
    action, attributes = check.action(
        call.message(), name=call.action(), kind=kinds.COMPUTE
    )
    name = str(dict(attributes).get("name", ""))
    translate_server.one_line(name, "name")
    return action, attributes


def act_on(
    call: Call, servers: Iterable[Json], action: Action, attributes: Attributes
) -> Answer:
    """Act on those machines that offer the action now; the others stay.

    To stop what stands still already is no failure. Raises UpstreamError when
    it did not work for one, after it was tried for all of them.
    """
    ready = [s for s in servers if action in _offered(s)]
    # Each is found possible before the first is done.
    steps = {s["id"]: _step(call, s, action, attributes) for s in ready}
    saved: list[Mixin | None] = []
    _each(
        ready,
        f"acted on ({action.term})",
        lambda server: saved.append(steps[server["id"]]()),
    )
    return _answer(call, saved)


def _offered(server: Json) -> tuple[Action, ...]:
    return translate.STATES.get(server.get("status", ""), ("", ()))[1]


def _step(
    call: Call, server: Json, action: Action, attributes: Attributes
) -> Callable[[], Mixin | None]:
    """Return what acts on a machine, and returns the template of a save.

    Raises BadRequest if it cannot be.
    """
    name = _image_name(server, attributes) if action == kinds.SAVE else ""
    asked = translate_server.action(
        action, attributes, status=server.get("status", ""), name=name
    )

    def act() -> Mixin | None:
        answered = call.nova.act(server["id"], asked)
        if action != kinds.SAVE:
            return None
        return translate.image_mixin({"id": answered["image_id"], "name": name})

    return act


def _image_name(server: Json, attributes: Attributes) -> str:
    given = dict(attributes)
    if given.get("method") == "deferred" and server["status"] != "SHUTOFF":
        raise BadRequest(
            f"The machine {server['id']} is not stopped, and Nova cannot save it as "
            "soon as it will be.",
            mend='Stop it first, or save it with method="hot".',
        )
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return str(given.get("name") or f"{server['name']} {at}")


def _answer(call: Call, saved: Iterable[Mixin | None]) -> Answer:
    mixins = [mixin for mixin in saved if mixin]
    if not mixins:
        return Answer()
    # "a response containing the rendering of the newly created OS Template"
    # (GFD.224 section 3.1); whoever asks for the templates next wants to see it.
    known(call.nova.app).answers.forget(("templates", call.nova.user))
    return Answer(
        body=QueryInterface(tuple(templates.located(call, m) for m in mixins))
    )


def _each(
    servers: Iterable[Json], done: str, function: Callable[[Json], object]
) -> None:
    failures: list[tuple[str, UpstreamError]] = []
    servers = tuple(servers)
    for server in servers:
        try:
            function(server)
        except UpstreamError as error:
            # Gone since we looked.
            if error.status != 404:
                failures.append((server["id"], error))
    if failures:
        server_id, first = failures[0]
        raise UpstreamError(
            f"{len(failures)} of {len(servers)} machines were not {done}. The first "
            f"is {server_id}: {first.what}",
            service=first.service,
            status=first.status,
            mend=first.mend,
        ) from first


ROUTES: Routes = {
    "/compute": {
        "GET": Handler(list_compute, listing=True),
        "POST": Handler(post_to_all, listing=True),
        "DELETE": Handler(delete_all, listing=True),
    },
    "/compute/{id}": {
        "GET": Handler(show_compute),
        "POST": Handler(post_to_one, listing=True),
        "PUT": Handler(put_compute),
        "DELETE": Handler(delete_compute, listing=True),
    },
}
