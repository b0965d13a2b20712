# SPDX-License-Identifier: Apache-2.0
"""Storage resources over Cinder: list, show, create, change, act, delete.

Owns: in which order Cinder is asked, and what must be undone when a step
fails. Must never: build or read a text of OCCI. Read first: ROUTES; what the
actions do stands at _step.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ooi_ext import check, cinder, kinds_storage, translate_storage
from ooi_ext.cinder import Cinder
from ooi_ext.errors import BadRequest, NotSupported, UpstreamError, shown
from ooi_ext.handlers import listing
from ooi_ext.handlers.call import Answer, Call, Handler, Routes, entity_id
from ooi_ext.kinds_storage import STORAGE
from ooi_ext.model import Action, Attributes, Collection, Resource

Json = dict[str, Any]


def list_storage(call: Call) -> Answer:
    """Answer with the project's volumes."""

    def entities() -> tuple[Resource, ...]:
        volumes = _cinder(call).volumes()
        return tuple(translate_storage.storage(v, url=call.url) for v in volumes)

    def locations() -> tuple[str, ...]:
        ids = _cinder(call).volume_ids()
        return tuple(translate_storage.storage_url(i, url=call.url) for i in ids)

    return listing.answer(call, entities, locations)


def show_storage(call: Call) -> Answer:
    """Answer with one volume."""
    volume = _cinder(call).volume(entity_id(call, "storage"))
    return Answer(body=translate_storage.storage(volume, url=call.url))


def create_storage(call: Call) -> Answer:
    """Make a volume, and answer with its URL; or act on all that there are."""
    if call.action():
        return _act_on_all(call)
    wish = check.entity(call.message(), kind=STORAGE)
    bare(wish)
    made = _cinder(call).create(translate_storage.volume(wish))
    url = translate_storage.storage_url(made["id"], url=call.url)
    return Answer(status=201, location=url, body=Collection((url,)))


def change_storage(call: Call) -> Answer:
    """Act on a volume, or change what the request names of it."""
    volume_id = entity_id(call, "storage")
    if call.action():
        action, attributes = _wanted(call)
        volume = _cinder(call).volume(volume_id)
        _step(_cinder(call), volume, action, attributes)()
        return Answer()
    return _update(call, volume_id)


def replace_storage(call: Call) -> Answer:
    """Change a volume to what the request says, all of it."""
    return _update(call, entity_id(call, "storage"), whole=True)


def delete_storage(call: Call) -> Answer:
    """Delete a volume."""
    _delete(_cinder(call), entity_id(call, "storage"))
    return Answer()


def delete_all_storage(call: Call) -> Answer:
    """Delete all volumes of the project, or none if one is in use."""
    volumes = _cinder(call).volumes()
    for volume in volumes:
        if volume.get("attachments"):
            raise _conflict(volume, "it is attached; nothing was deleted")
    each((v["id"], partial(_delete, _cinder(call), v["id"])) for v in volumes)
    return Answer()


def each(steps: Iterable[tuple[str, Callable[[], None]]]) -> None:
    """Take the steps for many entities, and each although another one fails.

    Each comes with the id of its entity. One that is gone since we looked is
    no failure. Raises UpstreamError for the first that is one.
    """
    failures: list[tuple[str, UpstreamError]] = []
    done = 0
    for entity, step in steps:
        try:
            step()
            done += 1
        except UpstreamError as error:
            if error.status != 404:
                failures.append((entity, error))
    if failures:
        entity, first = failures[0]
        raise UpstreamError(
            f"It was done for {done}, and not for {len(failures)}; the first of these "
            f"is {entity}: {first.what}",
            service=first.service,
            status=first.status,
            mend=first.mend,
        ) from first


def bare(wish: check.Wish) -> None:
    """Raise BadRequest if `wish` has mixins or links, which Cinder knows not."""
    named = [*(m.identifier for m in wish.mixins), *(k.target for k in wish.links)]
    if named:
        raise BadRequest(
            f"A {wish.kind.term} cannot be made with {shown(named[0])}.",
            mend="Leave its mixins and links out.",
        )


def _cinder(call: Call) -> Cinder:
    return Cinder(call.remote(cinder.SERVICE_TYPE))


def _wanted(call: Call) -> tuple[Action, Attributes]:
    if call.action() == "backup":
        raise NotSupported(
            "Backups of storage are not offered.",
            mend="The actions online, offline, snapshot and resize are.",
        )
    return check.action(call.message(), name=call.action(), kind=STORAGE)


def _act_on_all(call: Call) -> Answer:
    action, attributes = _wanted(call)
    volumes = _cinder(call).volumes()
    # Each is found possible before the first is done.
    each([(v["id"], _step(_cinder(call), v, action, attributes)) for v in volumes])
    return Answer()


def _step(
    service: Cinder, volume: Json, action: Action, attributes: Attributes
) -> Callable[[], None]:
    """Return what carries `action` out; raises OcciError if it cannot be.

    Offline keeps a volume, which nothing uses, from being attached; online
    gives it free again. Both change nothing where the state is so already.
    Snapshot and resize are Cinder's own.
    """
    status = str(volume.get("status"))
    attached = bool(volume.get("attachments"))
    marked = translate_storage.is_marked(volume)
    match action:
        case kinds_storage.ONLINE:
            if marked:
                return partial(_set_online, service, volume["id"])
            if translate_storage.state(volume) != "online":
                raise _conflict(volume, f"Cinder's status of it is {status}")
            return _nothing
        case kinds_storage.OFFLINE:
            if attached:
                raise _conflict(volume, "it is attached", "Delete the link first.")
            if not marked and status != "available":
                raise _conflict(volume, f"Cinder's status of it is {status}")
            return _nothing if marked else partial(_set_offline, service, volume["id"])
        case kinds_storage.SNAPSHOT:
            if status not in ("available", "in-use"):
                raise _conflict(volume, f"Cinder's status of it is {status}")
            return partial(service.snapshot, volume["id"], attached=attached)
        case _:
            size = translate_storage.gib(float(dict(attributes)["size"]))
            return partial(service.extend, volume["id"], _larger(volume, size))


def _larger(volume: Json, size: int) -> int:
    if size <= volume["size"]:
        raise BadRequest(
            f"The storage has {volume['size']} GiB and cannot be made {size} GiB.",
            mend="It can only grow.",
        )
    if volume.get("attachments"):
        raise _conflict(volume, "it is attached", "Delete the link first.")
    if volume.get("status") != "available":
        raise _conflict(volume, f"Cinder's status of it is {volume.get('status')}")
    return size


def _set_offline(service: Cinder, volume_id: str) -> None:
    service.reserve(volume_id)
    try:
        service.set_metadata(volume_id, translate_storage.OFFLINE_MARK, "true")
    except UpstreamError:
        # Without the mark nobody could set it online again.
        service.unreserve(volume_id)
        raise


def _set_online(service: Cinder, volume_id: str) -> None:
    # In this order: a mark alone says nothing, a reservation alone is stuck.
    service.unreserve(volume_id)
    service.delete_metadata(volume_id, translate_storage.OFFLINE_MARK)


def _nothing() -> None:
    """Do nothing: the volume is in that state already."""


def _update(call: Call, volume_id: str, *, whole: bool = False) -> Answer:
    wish = check.update(call.message(), kind=STORAGE, whole=whole)
    bare(wish)
    changes = translate_storage.changes(wish)
    if whole:
        # A full update takes away what it does not name.
        changes = {"name": "", "description": "", **changes}
    service = _cinder(call)
    volume = service.volume(volume_id)
    if "occi.storage.size" in wish.attributes:
        size = translate_storage.gib(wish.number("occi.storage.size"))
        # The step that may fail comes first; a new name alone would be half.
        if size != volume["size"]:
            service.extend(volume_id, _larger(volume, size))
    after = service.update(volume_id, changes) if changes else service.volume(volume_id)
    return Answer(body=translate_storage.storage(after, url=call.url))


def _delete(service: Cinder, volume_id: str) -> None:
    try:
        _ask_delete(service, volume_id)
    except UpstreamError as error:
        if error.status != 409:
            raise
        if not translate_storage.is_marked(service.volume(volume_id)):
            raise
        # Offline keeps others from using it, not its owner from deleting it.
        _set_online(service, volume_id)
        _ask_delete(service, volume_id)


def _ask_delete(service: Cinder, volume_id: str) -> None:
    try:
        service.delete(volume_id)
    except UpstreamError as error:
        # Cinder's 400 to a well-formed request is about the volume's state.
        error.status = 409 if error.status == 400 else error.status
        raise


def _conflict(volume: Json, why: str, mend: str = "Try again later.") -> UpstreamError:
    return UpstreamError(
        f"The storage {volume['id']} cannot be changed so: {why}.",
        service=cinder.SERVICE_TYPE,
        status=409,
        mend=mend,
    )


ROUTES: Routes = {
    "/storage": {
        "GET": Handler(list_storage, listing=True),
        "POST": Handler(create_storage, listing=True),
        "DELETE": Handler(delete_all_storage, listing=True),
    },
    "/storage/{id}": {
        "GET": Handler(show_storage),
        "POST": Handler(change_storage, listing=True),
        "PUT": Handler(replace_storage),
        "DELETE": Handler(delete_storage, listing=True),
    },
}
