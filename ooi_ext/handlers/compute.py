# SPDX-License-Identifier: Apache-2.0
"""Compute resources over Nova: list, show, create, act, delete.

Owns: in which order Nova and Glance are asked, and what must be undone when a
step fails. Must never: build or read a text of OCCI. Read first: ROUTES.
"""

import uuid
from typing import Any

from oslo_log import log as logging

from ooi_ext import check, kinds, translate
from ooi_ext.errors import BadRequest, NotSupported, UpstreamError, shown
from ooi_ext.handlers.call import Answer, Call, Handler, Routes, entity_id
from ooi_ext.model import Collection
from ooi_ext.nova import Nova

LOG = logging.getLogger(__name__)


def list_compute(call: Call) -> Answer:
    """Answer with the URLs of the project's machines."""
    return Answer(
        body=Collection(tuple(_compute_url(call, i) for i in call.nova.server_ids()))
    )


def show_compute(call: Call) -> Answer:
    """Answer with one machine."""
    server_id = entity_id(call, "compute")
    return Answer(
        body=translate.compute(
            call.nova.server(server_id),
            url=_compute_url(call, server_id),
            flavors=call.nova.flavors(),
            architecture=call.default_architecture,
        )
    )


def create_compute(call: Call) -> Answer:
    """Make a machine, and answer with its URL."""
    if call.action():
        raise NotSupported(
            "Actions on a whole collection are not offered.",
            mend="Send the action to one machine: POST /compute/ID?action=NAME.",
        )
    wish = check.entity(call.message(), kind=kinds.COMPUTE)
    _check_architecture(wish, call.default_architecture)
    public_key = translate.public_key(wish)
    # Everything is checked before the first thing is made.
    body = translate.server(
        wish, flavor=_flavor_id(call, wish), image=_image_id(call, wish)
    )
    try:
        server_id = _create_server(call.nova, body, public_key)
    except UpstreamError as error:
        # "Invalid imageRef provided." alone does not say which.
        asked = " and ".join(shown(m.identifier) for m in wish.mixins)
        error.what += f" The request named {asked}."
        # What is not there is named in the body, not in the path.
        error.status = 400 if error.status == 404 else error.status
        raise
    url = _compute_url(call, server_id)
    return Answer(status=201, location=url, body=Collection((url,)))


def act_on_compute(call: Call) -> Answer:
    """Start, stop, restart or suspend a machine."""
    server_id = entity_id(call, "compute")
    name = call.action()
    if not name:
        raise NotSupported(
            "A machine cannot be changed yet, only acted on.",
            mend="POST /compute/ID?action=NAME.",
        )
    action, attributes = check.action(call.message(), name=name, kind=kinds.COMPUTE)
    # Only the way to start depends on how the machine stands still.
    status = call.nova.server(server_id)["status"] if action == kinds.START else ""
    call.nova.act(server_id, translate.action(action, attributes, status=status))
    return Answer()


def delete_compute(call: Call) -> Answer:
    """Delete a machine."""
    call.nova.delete_server(entity_id(call, "compute"))
    return Answer()


def _compute_url(call: Call, server_id: str) -> str:
    return call.url(f"{kinds.COMPUTE.location}{server_id}")


def _flavor_id(call: Call, wish: check.Wish) -> str:
    term = wish.term(kinds.RESOURCE_TPL)
    sizes = {"occi.compute.cores", "occi.compute.memory"} & set(wish.attributes)
    if not term and not sizes:
        raise BadRequest(
            "The request names no resource_tpl, so its size is unknown.",
            mend="GET /-/ lists the mixins with resource_tpl in rel.",
        )
    if term and not sizes and not translate.is_made(term):
        return term
    return str(translate.choose_flavor(call.nova.flavors(), wish)["id"])


def _image_id(call: Call, wish: check.Wish) -> str:
    term = wish.term(kinds.OS_TPL)
    if not term:
        raise BadRequest(
            "The request names no os_tpl, so there is nothing to boot.",
            mend="GET /-/ lists the mixins with os_tpl in rel.",
        )
    if not translate.is_made(term):
        return term
    image = translate.named_by(call.services.images(call.auth), term)
    if image is None:
        raise BadRequest(
            f"There is no os_tpl {shown(term)}.", mend="GET /-/ lists those there are."
        )
    return str(image["id"])


def _check_architecture(wish: check.Wish, default: str) -> None:
    wanted = wish.text("occi.compute.architecture")
    if wanted not in ("", default):
        raise BadRequest(
            f'occi.compute.architecture="{wanted}" cannot be had on request.',
            mend="The image decides; leave the attribute out.",
        )


def _create_server(nova: Nova, body: dict[str, Any], public_key: str) -> str:
    if not public_key:
        return nova.create_server(body)
    # Nova knows keys by name only. It copies the key into the server, so the
    # pair is needed for no longer than the request for the server.
    name = f"occi-{uuid.uuid4()}"
    server = {**body["server"], "key_name": name}
    try:
        nova.create_keypair(name, public_key)
        return nova.create_server({"server": server})
    finally:
        # Even when creating it failed: Nova may have made it all the same.
        _forget_keypair(nova, name)


def _forget_keypair(nova: Nova, name: str) -> None:
    try:
        nova.delete_keypair(name)
    except UpstreamError as error:
        if error.status != 404:
            LOG.error("code=keypair_left keypair=%s: %s", name, error)


ROUTES: Routes = {
    "/compute": {
        "GET": Handler(list_compute, listing=True),
        "POST": Handler(create_compute, listing=True),
    },
    "/compute/{id}": {
        "GET": Handler(show_compute),
        "POST": Handler(act_on_compute, listing=True),
        "DELETE": Handler(delete_compute, listing=True),
    },
}
