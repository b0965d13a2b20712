# SPDX-License-Identifier: Apache-2.0
"""The OCCI interface as a paste filter in Nova's pipeline.

Owns: the way from a WSGI environ to a handler and from its answer, or its
error, back to the client in the client's own format. It serves every prefix
alike: only the URLs in an answer depend on SCRIPT_NAME. Must never: keep state
of a request on the filter, which all threads share. Read first: Filter.
"""

import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from keystoneauth1.session import Session
from oslo_config import cfg
from oslo_log import log as logging

from ooi_ext import conf
from ooi_ext.errors import (
    BadRequest,
    MethodNotAllowed,
    NotSupported,
    OcciError,
    TooLarge,
    shown,
)
from ooi_ext.handlers.call import Answer, Call
from ooi_ext.handlers.routes import route
from ooi_ext.model import LinkEntity, Resource, located
from ooi_ext.nova import Nova
from ooi_ext.rendering import media
from ooi_ext.services import Services

LOG = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]

# GFD.223 section 5: a service names the versions it speaks on each response.
SERVER = "OCCI/1.2 OCCI/1.1"
_VERSION = (1, 2)
_CLIENT_VERSION = re.compile(r"\bOCCI/([0-9]{1,4})\.([0-9]{1,4})\b")

# Nova's sizelimit stands before us with 112 KiB; this holds without it too.
_BODY_BYTES = 1024 * 1024

_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Answers OCCI requests by asking `app`, the rest of Nova's pipeline."""

    app: Any
    services: Services
    default_architecture: str

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        status, headers, body = self._answer(environ)
        headers = [
            *headers,
            ("Content-Length", str(len(body))),
            ("Server", SERVER),
            # "specify the media types of the OCCI data formats it supports in
            # the Accept header" (GFD.223 section 5.2)
            ("Accept", media.NAMES),
        ]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: Environ) -> tuple[int, Headers, bytes]:
        headers = _headers(environ)
        try:
            base = endpoint(environ)
            handler, names = route(
                environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
            )
            _check_version(headers.get("user-agent", ""))
            chosen = media.accepted(headers.get("accept", ""), listing=handler.listing)
            answer = handler.function(
                Call(
                    endpoint=base,
                    query=environ.get("QUERY_STRING", ""),
                    headers=headers,
                    body=_body(environ),
                    nova=Nova(self.app, environ),
                    services=self.services,
                    auth=environ.get("keystone.token_auth"),
                    default_architecture=self.default_architecture,
                    names=names,
                    wants_entities=chosen.in_full,
                )
            )
            if isinstance(answer.body, Resource | LinkEntity):
                answer = replace(answer, body=located(answer.body, base))
            return _rendered(answer, chosen)
        except OcciError as error:
            return _error(error, headers)
        # The client gets no trace: _crash logs what it was.
        except Exception as error:
            return _error(_crash(error, environ), headers)


def _rendered(answer: Answer, chosen: media.Media) -> tuple[int, Headers, bytes]:
    more: Headers = [("Content-Type", f"{chosen.name}; charset=utf-8")]
    if answer.location:
        more.append(("Location", answer.location))
    if answer.body is None:
        return answer.status, more, chosen.nothing
    rendered, body = chosen.render(answer.body)
    return answer.status, [*more, *rendered], body


def filter_factory(
    global_conf: Mapping[str, str], **local_conf: str
) -> Callable[[Any], Filter]:
    """Return what PasteDeploy calls with the rest of the pipeline."""
    # Here, because importing Nova's API changes the whole process (up to 2025.2
    # it monkey-patches it): that is for the process that runs Nova to decide.
    from nova.api.openstack import FaultWrapper

    options = conf.register(cfg.CONF)
    services = Services(
        # One for the process: it keeps the connections open between requests.
        session=Session(verify=options.cafile or True),
        interface=options.endpoint_interface,
        region_name=options.region_name,
        timeout_seconds=options.timeout_seconds,
    )

    def make(app: Any) -> Filter:
        return Filter(
            # Nova's own catcher of its own crashes stands outside of us; a
            # second one inside makes of them an answer that we can name.
            app=FaultWrapper(app),
            services=services,
            default_architecture=options.default_architecture,
        )

    return make


def endpoint(environ: Mapping[str, Any]) -> str:
    """Return the URL under which the client reached us, no slash at its end.

    X-Forwarded-Proto, -Host and -Prefix hold, also where oslo's
    http_proxy_to_wsgi has already put them in place or is switched off: they
    only shape the links in the answer to whoever sent them. Raises BadRequest
    for a Host header that is no host (RFC 9112 section 3.2).
    """
    scheme = _first(environ, "HTTP_X_FORWARDED_PROTO").lower()
    if scheme not in ("http", "https"):
        scheme = environ["wsgi.url_scheme"]
    host = _first(environ, "HTTP_X_FORWARDED_HOST")
    if not _HOST.fullmatch(host):
        host = environ.get("HTTP_HOST", "")
    if host and not _HOST.fullmatch(host):
        raise BadRequest(f"Host: {shown(host)} is no host.")
    if not host:
        host = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    path = environ.get("SCRIPT_NAME", "").rstrip("/")
    prefix = _first(environ, "HTTP_X_FORWARDED_PREFIX").rstrip("/")
    if _PREFIX.fullmatch(prefix) and not path.startswith(prefix + "/"):
        path = prefix + path
    return f"{scheme}://{host}{path}"


def _first(environ: Mapping[str, Any], name: str) -> str:
    # A chain of proxies makes a list; the first one stood before the client.
    return str(environ.get(name, "")).split(",")[0].strip()


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {
        key[5:].replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE") or ""
    return headers


def _body(environ: Mapping[str, Any]) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
        # It can only be a filter, and nobody sends one by chance: it has a
        # length and a type.
        if length.strip("0") == "" or not environ.get("CONTENT_TYPE"):
            return b""
    if length:
        if not (length.isascii() and length.isdecimal()) or len(length) > 15:
            raise BadRequest(f"Content-Length: {shown(length)} is no length.")
        wanted = min(int(length), _BODY_BYTES + 1)
    elif environ.get("wsgi.input_terminated"):
        wanted = _BODY_BYTES + 1
    else:
        # Reading on without a length would wait for the client for ever.
        return b""
    body: bytes = environ["wsgi.input"].read(wanted)
    if len(body) > _BODY_BYTES:
        raise TooLarge(f"The body is longer than {_BODY_BYTES} bytes.")
    return body


def _check_version(user_agent: str) -> None:
    # GFD.223 section 5: 501 for a client of a version that we do not speak.
    for major, minor in _CLIENT_VERSION.findall(user_agent):
        if (int(major), int(minor)) > _VERSION:
            raise NotSupported(
                f"This service does not speak OCCI/{major}.{minor}.",
                mend=f"It speaks {SERVER}.",
            )


def _error(error: OcciError, headers: Mapping[str, str]) -> tuple[int, Headers, bytes]:
    try:
        chosen = media.accepted(headers.get("accept", ""), listing=False)
    except OcciError:
        # A list of URIs has no place for a message, and neither has a
        # rendering that we do not know.
        chosen = media.PLAIN
    text = str(error)
    LOG.debug("Refused with %s: %s", error.status, text)
    more: Headers = [("Content-Type", f"{chosen.name}; charset=utf-8")]
    if isinstance(error, MethodNotAllowed):
        more.append(("Allow", ", ".join(error.allow)))
    rendered, body = chosen.render_error(error.status, text)
    return error.status, [*more, *rendered], body


def _crash(error: Exception, environ: Mapping[str, Any]) -> OcciError:
    """Log a failure of our own in one line, and return what the client is told."""
    request = environ.get("openstack.request_id") or "-"
    place = traceback.extract_tb(error.__traceback__)[-1]
    LOG.error(
        "code=occi_failed request_id=%s %s %s: %s at %s:%s",
        request,
        environ["REQUEST_METHOD"],
        shown(environ.get("PATH_INFO", "")),
        shown(repr(error)),
        place.filename,
        place.lineno,
    )
    LOG.debug("The failure of %s in full:", request, exc_info=error)
    return OcciError(
        "The OCCI interface failed.",
        mend=f"Its operator finds the reason in the log, under {request}.",
    )
