# SPDX-License-Identifier: Apache-2.0
"""The paste filter www_authenticate: tells clients without a token where to go.

Owns: the one WWW-Authenticate header of a 401, in the form that old clients
parse, the Server header of every answer, and the form of what the filters
between it and the OCCI interface refuse. It stands first in the pipeline,
outside of authtoken. Must never: decide who is let in. Read first: Filter.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from ooi_ext.errors import OcciError
from ooi_ext.rendering import media
from ooi_ext.wsgi import SERVER

LOG = logging.getLogger(__name__)

Headers = list[tuple[str, str]]

# IM takes what stands between the first "=" and the next, jOCCI and pOCCI what
# stands between single quotes, and all of them put a version behind it.
_FIT = re.compile(r"https?://[^\s='\"<>\\,;?#]+")
_VERSION = re.compile(r"(/v[0-9.]+)?/*$")
_OF_AUTHTOKEN = re.compile(r"""Keystone uri=["']([^"']+)["']""")

# What the filters of Nova's pipeline refuse before a request reaches us.
_REASONS = {
    401: "The request needs a token of Keystone's in the header X-Auth-Token.",
    413: "The request is larger than this service reads.",
    503: "The token cannot be checked now. Try again later.",
}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Passes every request on to `app`, and gives its answers their headers.

    `uri` is where Keystone is; empty: what [keystone_authtoken] says.
    """

    app: Any
    uri: str = ""

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        status, headers, body = _answer(self.app, environ)
        code = int(status.split(" ", 1)[0])
        # The OCCI interface names its versions; no other filter does.
        if not any("OCCI/" in v for k, v in headers if k.lower() == "server"):
            headers = [*_without(headers, "server"), ("Server", SERVER)]
            if code >= 400:
                headers, body = _in_occi(code, status, headers, environ)
        if code == 401:
            headers = self._with_keystone(headers)
        start_response(status, headers)
        return [body]

    def _with_keystone(self, headers: Headers) -> Headers:
        said = [v for k, v in headers if k.lower() == "www-authenticate"]
        found = [_OF_AUTHTOKEN.fullmatch(value) for value in said]
        candidates = (self.uri, *_configured(), *(m[1] for m in found if m))
        for candidate in candidates:
            uri = _VERSION.sub("", candidate)
            if _FIT.fullmatch(uri):
                value = f"Keystone uri='{uri}'"
                break
        else:
            LOG.error(
                "code=no_keystone_uri no client can be told where Keystone is. Set "
                "[keystone_authtoken] www_authenticate_uri to a URL without a version."
            )
            value = "Keystone"
        return [*_without(headers, "www-authenticate"), ("WWW-Authenticate", value)]


def filter_factory(
    global_conf: Mapping[str, str], **local_conf: str
) -> Callable[[Any], Filter]:
    """Return what PasteDeploy calls with the rest of the pipeline.

    The section may set `keystone_uri`, where clients are to be sent elsewhere
    than [keystone_authtoken] says.
    """
    uri = local_conf.get("keystone_uri", "")
    if uri and not _FIT.fullmatch(_VERSION.sub("", uri)):
        raise ValueError(
            f"keystone_uri = {uri} in the paste file is no URL that clients can read: "
            "it begins with http:// or https:// and has no quotes, '=' or query."
        )
    return lambda app: Filter(app=app, uri=uri)


def _configured() -> tuple[str, ...]:
    # authtoken registers these, and it stands behind us: they are there when
    # the first request is, not when the filter is made.
    found = []
    for name in ("www_authenticate_uri", "auth_url"):
        try:
            section = cfg.CONF.keystone_authtoken
            if name == "auth_url":
                section = cfg.CONF[section.auth_section or "keystone_authtoken"]
            found.append(section[name] or "")
        except (cfg.NoSuchOptError, cfg.NoSuchGroupError):
            continue
    return tuple(found)


def _answer(app: Any, environ: dict[str, Any]) -> tuple[str, Headers, bytes]:
    """Return the whole answer of `app`: an OCCI answer is never a stream."""
    started: list[tuple[str, Headers]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Any:
        started.append((status, headers))
        return written.append

    answer: Iterable[bytes] = app(environ, start_response)
    try:
        written.extend(answer)
    finally:
        close = getattr(answer, "close", None)
        if close:
            close()
    status, headers = started[-1]
    return status, list(headers), b"".join(written)


def _in_occi(
    code: int, status: str, headers: Headers, environ: Mapping[str, Any]
) -> tuple[Headers, bytes]:
    """Return headers and body of a refusal in a rendering that the client reads."""
    try:
        chosen = media.accepted(environ.get("HTTP_ACCEPT", ""), listing=False)
    except OcciError:
        chosen = media.PLAIN
    reason = _REASONS.get(code) or status.partition(" ")[2] or "The request failed."
    more, body = chosen.render_error(code, reason)
    headers = [
        *_without(headers, "content-type", "content-length"),
        ("Content-Type", f"{chosen.name}; charset=utf-8"),
        ("Content-Length", str(len(body))),
        *more,
    ]
    return headers, b"" if environ.get("REQUEST_METHOD") == "HEAD" else body


def _without(headers: Headers, *names: str) -> Headers:
    return [(key, value) for key, value in headers if key.lower() not in names]
