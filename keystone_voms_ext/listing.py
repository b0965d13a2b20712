# SPDX-License-Identifier: Apache-2.0
"""The projects that a token may be scoped to, as Keystone's lists tell them.

Owns the cut of these lists to what the proxy of a VOMS login earned; the
tokens of other logins are let be. Must never add to a list. Read
``within_reach`` first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from keystone import exception

from keystone_voms_ext.identity import tokens

Environ = MutableMapping[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]

_PROJECTS = frozenset({"/v3/auth/projects", "/v3/OS-FEDERATION/projects"})
_DOMAINS = frozenset({"/v3/auth/domains", "/v3/OS-FEDERATION/domains"})


def is_of_projects(environ: Environ) -> bool:
    """Tell whether a request asks for the scopes of its token."""
    path = str(environ.get("PATH_INFO", "")).rstrip("/")
    return environ.get("REQUEST_METHOD") == "GET" and path in _PROJECTS | _DOMAINS


def within_reach(app: App, environ: Environ, start_response: Any) -> Iterable[bytes]:
    """Serve such a request, with the projects out of the token's reach left out."""
    answer: list[Any] = []

    def keep(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        answer[:] = [status, headers]

    chunks = app(environ, keep)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    status, headers = answer
    if status.startswith("200"):
        body = _cut(body, str(environ.get("HTTP_X_AUTH_TOKEN", "")))
        headers = [
            (name, value) for name, value in headers if name.lower() != "content-length"
        ]
        headers.append(("Content-Length", str(len(body))))
    start_response(status, headers)
    return [body]


def _cut(body: bytes, token_id: str) -> bytes:
    try:
        reach = tokens.reach(token_id)
    except exception.TokenNotFound:
        # It died since Keystone answered.
        reach = tokens.Reach(user_id="", projects=frozenset())
    if reach is None:
        return body
    document = json.loads(body)
    if "projects" in document:
        document["projects"] = [
            project
            for project in document["projects"]
            if project["id"] in reach.projects
        ]
    if "domains" in document:
        # A proxy earns projects only.
        document["domains"] = []
    return json.dumps(document).encode()
