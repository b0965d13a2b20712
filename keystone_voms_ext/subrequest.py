# SPDX-License-Identifier: Apache-2.0
"""Requests of our own to the application below, in the name of one client.

Owns what of the client's request is handed down with them: a list, so that
nothing that an outer server or the client may claim slips through. It must keep
no request beyond its end. Read ``Below.ask`` first.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from wsgiref import util

from keystone_voms_ext import credential, headers, listing

Environ = MutableMapping[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]
Headers = tuple[tuple[str, str], ...]

_KEPT = frozenset(
    {
        "HTTP_FORWARDED",
        "HTTP_HOST",
        "HTTP_USER_AGENT",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_X_FORWARDED_HOST",
        "HTTP_X_FORWARDED_PORT",
        "HTTP_X_FORWARDED_PREFIX",
        "HTTP_X_FORWARDED_PROTO",
        "HTTP_X_OPENSTACK_REQUEST_ID",
        "REMOTE_ADDR",
        "REMOTE_PORT",
        "SCRIPT_NAME",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "SSL_SESSION_RESUMED",
        credential.VERDICT,
        *headers.HEADERS,
    }
)
_KEPT_PREFIXES = ("SSL_CLIENT_", "wsgi.")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer: status line without the protocol, headers, body."""

    status: str
    headers: Headers
    body: bytes

    @property
    def code(self) -> int:
        """The status code."""
        return int(self.status[:3])

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object in the body, empty if there is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def header(self, name: str) -> str:
        """Return the value of a header, "" without it."""
        found = (value for key, value in self.headers if key.lower() == name.lower())
        return next(found, "")


@dataclass(frozen=True, kw_only=True)
class Below:
    """The application below a filter, for the client of one request."""

    app: App
    environ: Environ

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        token: str = "",
    ) -> Reply:
        """Return the answer to a request of our own."""
        octets = b"" if body is None else json.dumps(body).encode()
        environ: dict[str, Any] = {
            key: value
            for key, value in self.environ.items()
            if key in _KEPT or key.startswith(_KEPT_PREFIXES)
        }
        environ |= {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(octets)),
            "HTTP_ACCEPT": "application/json",
            "wsgi.input": io.BytesIO(octets),
        }
        if token:
            environ["HTTP_X_AUTH_TOKEN"] = token
        if listing.is_of_projects(environ):
            # The filter that cuts lists may stand in front of the asking one.
            return answer(functools.partial(listing.within_reach, self.app), environ)
        return answer(self.app, environ)

    def pass_on(self) -> Reply:
        """Return the answer to the client's own request."""
        return answer(self.app, self.environ)

    def log_in(self, scope: Mapping[str, Any]) -> Reply:
        """Return the answer to a native login with the client's proxy."""
        identity = {"methods": ["voms"], "voms": {}}
        body = {"auth": {"identity": identity, "scope": scope}}
        return self.ask("POST", "/v3/auth/tokens", body=body)

    def projects(self, token: str) -> Reply:
        """Return the answer that lists the projects of a token."""
        return self.ask("GET", "/v3/auth/projects", token=token)

    def url(self, versions: Reply | None = None) -> str:
        """Return the unversioned URL by which clients reach Keystone.

        Keystone tells it in its answer to GET /, for it knows the front ends and
        options that make it.
        """
        told = (versions or self.ask("GET", "/")).header("Location")
        url = told or util.application_uri(dict(self.environ))
        return url.rstrip("/").removesuffix("/v3")


def answer(app: App, environ: Environ) -> Reply:
    """Return the whole answer of an application."""
    begun: list[Any] = []

    def begin(status: str, found: list[tuple[str, str]], exc_info: Any = None) -> None:
        begun[:] = [status, tuple(found)]

    chunks = app(environ, begin)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return Reply(status=begun[0], headers=begun[1], body=body)
