# SPDX-License-Identifier: Apache-2.0
"""Which rendering a request is in and which its answer takes.

Owns: the one table of media types, and the reading of Accept and
Content-Type (RFC 9110 section 12.5.1). Must never: touch an OCCI value.
Read first: MEDIA, then accepted and content.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ooi_ext.errors import BadRequest, NotAcceptable, UnsupportedMediaType, shown
from ooi_ext.model import Body, Message
from ooi_ext.rendering import occi_json, text, urilist


@dataclass(frozen=True, kw_only=True)
class Media:
    """One media type.

    `render_error` takes an HTTP status and a message. `listing_only` says that
    it can hold nothing but locations, `in_full` that it shows a collection by
    its entities and not by their locations. `nothing` is the body of a success
    that has nothing to say.
    """

    name: str
    parse: Callable[[bytes, Mapping[str, str]], Message]
    render: Callable[[Body], tuple[text.Headers, bytes]]
    render_error: Callable[[int, str], tuple[text.Headers, bytes]] = text.render_error
    listing_only: bool = False
    in_full: bool = False
    nothing: bytes = b""


PLAIN = Media(name="text/plain", parse=text.parse_plain, render=text.render_plain)
HEADERS = Media(
    name="text/occi",
    parse=text.parse_headers,
    render=text.render_headers,
    render_error=text.render_error_header,
    # "The body MUST contain the string OK on successful operations" (GFD.229
    # section 7)
    nothing=b"OK",
)
# The first is the default, and the choice when a client accepts several alike:
# a browser, and curl, accept everything.
MEDIA = (
    PLAIN,
    HEADERS,
    Media(name="text/occi+plain", parse=text.parse_plain, render=text.render_plain),
    Media(
        name="text/uri-list",
        parse=urilist.parse,
        render=urilist.render,
        listing_only=True,
    ),
    # Under this name alone, which GFD.226 section 3 makes a MUST: a client that
    # says application/json is told the right one (406, 415).
    Media(
        name="application/occi+json",
        parse=occi_json.parse,
        render=occi_json.render,
        render_error=occi_json.render_error,
        in_full=True,
        # An empty body would be no JSON.
        nothing=b"{}",
    ),
)
_BY_NAME = {media.name: media for media in MEDIA}
NAMES = ", ".join(_BY_NAME)

_Q = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def accepted(header: str, *, listing: bool) -> Media:
    """Return the rendering for an answer that `header` (Accept) likes most.

    An absent header accepts everything. `listing` says whether the answer is
    a list of locations. Raises NotAcceptable, or BadRequest when the only
    renderings accepted hold nothing but lists.
    """
    ranges = _ranges(header) if header.strip() else {"*/*": 1.0}
    liked = [(_quality(ranges, media.name), media) for media in MEDIA]
    liked = [(quality, media) for quality, media in liked if quality > 0]
    if not liked:
        raise NotAcceptable(
            f"No rendering here is acceptable to Accept: {shown(header)}.",
            mend=f"There are {NAMES}.",
        )
    fit = [(q, media) for q, media in liked if listing or not media.listing_only]
    if not fit:
        raise BadRequest(
            f"Accept: {shown(header)} asks for a list, but this is none.",
            mend="Accept text/plain or application/occi+json here.",
        )
    return max(fit, key=lambda pair: pair[0])[1]


def content(header: str) -> Media:
    """Return the rendering that a request body is in by its Content-Type.

    An absent header means text/plain. Of a list, which is wrong but what
    rOCCI, IM and the Nagios probe send ("text/plain,text/occi"), the first
    known one holds. Raises UnsupportedMediaType.
    """
    if not header.strip():
        return PLAIN
    for item in header.split(","):
        name, *params = (part.strip().lower() for part in item.split(";"))
        charsets = [p.partition("=")[2].strip('" ') for p in params if "charset" in p]
        if name in _BY_NAME and {"utf-8", "us-ascii"}.issuperset(charsets):
            return _BY_NAME[name]
    raise UnsupportedMediaType(
        f"Content-Type: {shown(header)} is not known here.",
        mend=f"Send one of {NAMES}, in UTF-8.",
    )


def _ranges(header: str) -> dict[str, float]:
    ranges = {}
    for item in header.split(","):
        name, *params = (part.strip().lower() for part in item.split(";"))
        quality = 1.0
        for key, _, value in (param.partition("=") for param in params):
            if key.strip() == "q":
                # A q that is no number says nothing that could be honoured.
                value = value.strip()
                quality = float(value) if _Q.fullmatch(value) else 0.0
        ranges[name] = quality
    return ranges


def _quality(ranges: Mapping[str, float], name: str) -> float:
    # The most specific range decides (RFC 9110 section 12.5.1).
    for pattern in (name, name.partition("/")[0] + "/*", "*/*"):
        if pattern in ranges:
            return ranges[pattern]
    return 0.0
