# SPDX-License-Identifier: Apache-2.0
"""The whole interface: ROUTES, and one function a route.

Owns: which path and method does what, in which order the services are asked,
and what must be undone when a step fails. Must never: build or read a text
of OCCI, nor keep anything from one request to the next. Read first: ROUTES.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from oslo_log import log as logging

from ooi_ext import check, kinds, translate
from ooi_ext.errors import (
    BadRequest,
    MethodNotAllowed,
    NotFound,
    NotSupported,
    UpstreamError,
    shown,
)
from ooi_ext.model import (
    Action,
    Body,
    Collection,
    Kind,
    Message,
    Mixin,
    QueryInterface,
)
from ooi_ext.nova import Nova
from ooi_ext.rendering import media
from ooi_ext.services import Services

LOG = logging.getLogger(__name__)

# Nova names a server by a UUID. Anything else never reaches it, so no id can
# be "detail", "../flavors" or another path of its API.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of a client, and the services as its user sees them.

    `endpoint` is the URL of the interface as the client typed it, without a
    slash at its end; `headers` have lower-case names.
    """

    endpoint: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    nova: Nova
    services: Services
    auth: Any
    default_architecture: str
    names: Mapping[str, str] = field(default_factory=dict)

    def url(self, location: str) -> str:
        """Return the full URL of a location that begins with a slash."""
        return self.endpoint + location

    def message(self) -> Message:
        """Return what the request's body or headers say; raises OcciError."""
        read = media.content(self.headers.get("content-type", ""))
        return read.parse(self.body, self.headers)

    def action(self) -> str:
        """Return NAME of ?action=NAME, empty if there is none."""
        names = parse_qs(self.query, keep_blank_values=True).get("action", [])
        if len(names) > 1 or names == [""]:
            raise BadRequest(f"One action at a time, not {shown(self.query)}.")
        return names[0] if names else ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a handler answers; `location` is the URL of what it has made."""

    body: Body | None = None
    status: int = 200
    location: str = ""


@dataclass(frozen=True)
class Handler:
    """A function of a route; `listing` if its answer is at most locations."""

    function: Callable[[Call], Answer]
    listing: bool = False


def query_interface(call: Call) -> Answer:
    """Answer with all kinds, actions, mixins and templates."""
    templates = [translate.flavor_mixin(flavor) for flavor in call.nova.flavors()]
    images = call.services.images(call.auth)
    templates += [translate.image_mixin(image) for image in images]
    categories = (*kinds.ADVERTISED, *templates)
    return Answer(body=QueryInterface(tuple(_located(call, c) for c in categories)))


def list_compute(call: Call) -> Answer:
    """Answer with the URLs of the project's machines."""
    return Answer(
        body=Collection(tuple(_compute_url(call, i) for i in call.nova.server_ids()))
    )


def show_compute(call: Call) -> Answer:
    """Answer with one machine."""
    server_id = _server_id(call)
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
    server_id = _server_id(call)
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
    call.nova.delete_server(_server_id(call))
    return Answer()


ROUTES: Mapping[str, Mapping[str, Handler]] = {
    "/-": {"GET": Handler(query_interface)},
    "/.well-known/org/ogf/occi/-": {"GET": Handler(query_interface)},
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


def route(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    """Return the handler for a request and the names that its path holds.

    A slash at the end does not count: clients differ. Raises NotFound or
    MethodNotAllowed.
    """
    parts = path.rstrip("/").split("/")
    for template, methods in ROUTES.items():
        wanted = template.split("/")
        if len(wanted) != len(parts):
            continue
        names = {w[1:-1]: p for w, p in zip(wanted, parts) if w.startswith("{")}
        if any(w != p and not w.startswith("{") for w, p in zip(wanted, parts)):
            continue
        handler = methods.get("GET" if method == "HEAD" else method)
        if handler is None:
            allow = tuple(m for g in methods for m in (g, "HEAD")[: 1 + (g == "GET")])
            raise MethodNotAllowed(
                f"{shown(path)} does not know the method {shown(method)}.",
                allow=allow,
                mend=f"It knows {', '.join(allow)}.",
            )
        return handler, names
    raise NotFound(
        f"There is nothing at {shown(path)}.", mend="GET /-/ lists what there is."
    )


def _located(call: Call, category: Kind | Mixin | Action) -> Kind | Mixin | Action:
    if isinstance(category, Action):
        return category
    return replace(category, location=call.url(category.location))


def _compute_url(call: Call, server_id: str) -> str:
    return call.url(f"{kinds.COMPUTE.location}{server_id}")


def _server_id(call: Call) -> str:
    server_id = call.names["id"]
    if not _UUID.fullmatch(server_id):
        raise NotFound(f"There is no compute {shown(server_id)}.")
    return server_id


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
