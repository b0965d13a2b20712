# SPDX-License-Identifier: Apache-2.0
"""text/uri-list (RFC 2483, GFD.229 section 8): the URIs of a collection.

Owns: both directions of this one rendering. Must never: render anything but a
collection; "while not requesting for a listing a Bad Request MUST be
returned" is kept by ooi_ext.rendering.media. Read first: parse.
"""

from collections.abc import Mapping

from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import Body, Message, message_of
from ooi_ext.rendering.grammar import URI, render_uri


def parse(body: bytes, headers: Mapping[str, str]) -> Message:
    """Return the URIs of a text/uri-list body; comments (#) are skipped.

    Lines end in LF or CRLF. Raises BadRequest, naming the offending line.
    """
    locations = []
    for raw in body.split(b"\n"):
        line = raw.decode("utf-8", "backslashreplace").removesuffix("\r")
        if not line or line.startswith("#"):
            continue
        if not URI.fullmatch(line):
            raise BadRequest(f"The line {shown(line)} of the list is no URI.")
        locations.append(line)
    return Message(locations=tuple(locations))


def render(body: Body) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Return no header, and the URIs of a collection, LF between them.

    RFC 2483 asks for CRLF; the clients split at LF and keep the CR.
    """
    return (), "\n".join(map(render_uri, message_of(body).locations)).encode("utf-8")
