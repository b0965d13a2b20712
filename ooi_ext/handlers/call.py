# SPDX-License-Identifier: Apache-2.0
"""What a handler is given and what it answers.

Owns: the values that stand between the WSGI filter and the handlers. Must
never: build or read a text of OCCI, nor keep anything from one request to the
next. Read first: Call, then Answer.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from ooi_ext.errors import BadRequest, NotFound, shown
from ooi_ext.model import Body, Message
from ooi_ext.nova import Nova
from ooi_ext.rendering import media
from ooi_ext.services import Remote, Services

# OpenStack names what it keeps by UUIDs. Anything else never reaches it, so no
# id can be "detail", "../flavors" or another path of its API.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of a client, and the services as its user sees them.

    `endpoint` is the URL of the interface as the client typed it, without a
    slash at its end; `headers` have lower-case names. `wants_entities` says
    that the rendering of the answer shows collections in full, so that their
    URIs alone do not do.
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
    wants_entities: bool = False

    def url(self, location: str) -> str:
        """Return the full URL of a location that begins with a slash."""
        return self.endpoint + location

    def remote(self, service: str) -> Remote:
        """Return a service of the catalog as this request's user sees it."""
        return Remote(services=self.services, auth=self.auth, service=service)

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


Routes = Mapping[str, Mapping[str, Handler]]


def entity_id(call: Call, kind: str) -> str:
    """Return the id in the path of an entity; raises NotFound if it is none."""
    found = call.names["id"]
    if not _UUID.fullmatch(found):
        raise NotFound(f"There is no {kind} {shown(found)}.")
    return found
