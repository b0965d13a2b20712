# SPDX-License-Identifier: Apache-2.0
"""Storage links: Cinder's volumes at Nova's servers.

Owns: list, show, attach and detach, and which of the two services is asked.
Must never: build or read a text of OCCI. Read first: ROUTES, then show_link.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from ooi_ext import check, cinder, translate_storage
from ooi_ext.cinder import Cinder
from ooi_ext.errors import BadRequest, NotFound, NotSupported, UpstreamError, shown
from ooi_ext.handlers import listing
from ooi_ext.handlers.call import Answer, Call, Handler, Routes
from ooi_ext.handlers.storage import bare, each
from ooi_ext.kinds_storage import STORAGE_LINK
from ooi_ext.model import Collection, LinkEntity
from ooi_ext.translate_storage import Attachment


def list_links(call: Call) -> Answer:
    """Answer with the attachments of the project's volumes."""

    def found() -> tuple[Attachment, ...]:
        return translate_storage.attachments(_cinder(call).volumes())

    def entities() -> tuple[LinkEntity, ...]:
        return tuple(translate_storage.storage_link(a, url=call.url) for a in found())

    def locations() -> tuple[str, ...]:
        return tuple(
            translate_storage.storage_link_url(a, url=call.url) for a in found()
        )

    return listing.answer(call, entities, locations)


def show_link(call: Call) -> Answer:
    """Answer with one attachment.

    Cinder has it once it is made; while Nova is about to make it, or to end
    it, only Nova has it.
    """
    server_id, volume_id = _ids(call)
    known = translate_storage.attachments([_cinder(call).volume(volume_id)])
    for attachment in known:
        if attachment.server_id == server_id:
            return _shown(call, attachment)
    asked = call.nova.ask("GET", f"/servers/{_path(server_id, volume_id)}")
    attachment = translate_storage.of_nova(asked["volumeAttachment"])
    return _shown(call, replace(attachment, state="inactive"))


def create_link(call: Call) -> Answer:
    """Attach a volume to a machine, and answer with the link's URL."""
    if call.action():
        raise _no_actions(call)
    wish = check.entity(call.message(), kind=STORAGE_LINK)
    bare(wish)
    server_id, volume_id = translate_storage.ends(wish)
    wanted: dict[str, Any] = {"volumeId": volume_id}
    if device := wish.text("occi.storagelink.deviceid"):
        wanted["device"] = device
    try:
        _check_free(_cinder(call).volume(volume_id))
        call.nova.ask(
            "POST",
            f"/servers/{server_id}/os-volume_attachments",
            {"volumeAttachment": wanted},
        )
    except UpstreamError as error:
        # What is not there is named in the body, not in the path.
        error.status = 400 if error.status == 404 else error.status
        raise
    attachment = Attachment(server_id, volume_id)
    url = translate_storage.storage_link_url(attachment, url=call.url)
    return Answer(status=201, location=url, body=Collection((url,)))


def change_link(call: Call) -> Answer:
    """Refuse: an attachment is what it is."""
    show_link(call)
    if call.action():
        raise _no_actions(call)
    raise NotSupported(
        "A storage link cannot be changed.", mend="Delete it and make another."
    )


def delete_link(call: Call) -> Answer:
    """Detach a volume."""
    _detach(call, *_ids(call))
    return Answer()


def delete_all_links(call: Call) -> Answer:
    """Detach all volumes of the project."""
    found = translate_storage.attachments(_cinder(call).volumes())
    each((a.id, partial(_detach, call, a.server_id, a.volume_id)) for a in found)
    return Answer()


def _cinder(call: Call) -> Cinder:
    return Cinder(call.remote(cinder.SERVICE_TYPE))


def _ids(call: Call) -> tuple[str, str]:
    found = translate_storage.link_ids(call.names["id"])
    if found is None:
        raise NotFound(f"There is no storagelink {shown(call.names['id'])}.")
    return found


def _path(server_id: str, volume_id: str) -> str:
    return f"{server_id}/os-volume_attachments/{volume_id}"


def _shown(call: Call, attachment: Attachment) -> Answer:
    return Answer(body=translate_storage.storage_link(attachment, url=call.url))


def _no_actions(call: Call) -> BadRequest:
    return BadRequest(f"A storage link has no action {shown(call.action())}.")


def _check_free(volume: dict[str, Any]) -> None:
    status = str(volume.get("status"))
    shared = volume.get("multiattach") and status == "in-use"
    if status != "available" and not shared:
        raise UpstreamError(
            f"The storage {volume['id']} cannot be linked: Cinder's status of it is "
            f"{shown(status)}.",
            service=cinder.SERVICE_TYPE,
            status=409,
            mend="Set it online."
            if translate_storage.is_marked(volume)
            else "Try again when it is available.",
        )


def _detach(call: Call, server_id: str, volume_id: str) -> None:
    try:
        call.nova.ask("DELETE", f"/servers/{_path(server_id, volume_id)}")
    except UpstreamError as error:
        # Nova's 400 to a well-formed request is about the volume's state.
        error.status = 409 if error.status == 400 else error.status
        raise


_COLLECTION = {
    "GET": Handler(list_links, listing=True),
    "POST": Handler(create_link, listing=True),
    "DELETE": Handler(delete_all_links, listing=True),
}
_ENTITY = {
    "GET": Handler(show_link),
    "POST": Handler(change_link),
    "PUT": Handler(change_link),
    "DELETE": Handler(delete_link, listing=True),
}
# rOCCI makes its links below /link/.
ROUTES: Routes = {
    f"{place}/storagelink{entity}": methods
    for place in ("", "/link")
    for entity, methods in (("", _COLLECTION), ("/{id}", _ENTITY))
}
