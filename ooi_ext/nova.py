# SPDX-License-Identifier: Apache-2.0
"""Nova, asked by sub-requests down the pipeline that the filter stands in.

Owns: the WSGI environ of a sub-request, the microversion, Nova's pages and
Nova's errors. Must never: pass a header of the client's on, nor know OCCI.
Read first: Nova.ask.
"""

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from oslo_log import log as logging

from ooi_ext.errors import UpstreamError
from ooi_ext.memory import known

LOG = logging.getLogger(__name__)

# Nova has no error of its own for a service that it asks and that is down.
_ABOUT_OTHERS = ("keystoneauth1.exceptions", "GlanceConnectionFailed")

Environ = Mapping[str, Any]
Json = dict[str, Any]

# 2.47 embeds the flavor in a server, 2.90 lets a user set the hostname, 2.94 a
# hostname with dots, 2.98 shows the properties of the image. Nothing between
# the last and the newest release changes what we send. Debian 12 ends at 2.93.
_WANTED = (2, 100)
_NEEDED = (2, 90)
_DOTTED_HOSTNAMES = (2, 94)

_PAGE = 1000  # Nova's own default of [api] max_limit
_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")
_KNOWN_REFUSALS = (400, 401, 403, 404, 409, 413, 429)

# What a sub-request inherits: the server it runs in, and who the user is. No
# header of the client's, so nothing that a client writes can steer Nova.
_INHERITED = (
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "REMOTE_ADDR",
    "wsgi.version",
    "wsgi.url_scheme",
    "wsgi.errors",
    "wsgi.multithread",
    "wsgi.multiprocess",
    "wsgi.run_once",
    "nova.context",
    "keystone.token_auth",
    "keystone.token_info",
    "openstack.request_id",
    "openstack.global_request_id",
)


@dataclass(frozen=True)
class Nova:
    """Nova as the user of one request sees it.

    `app` is the rest of the pipeline, `environ` that of the client's request.
    Every method raises UpstreamError when Nova refuses or fails.
    """

    app: Any
    environ: Environ

    @property
    def microversion(self) -> tuple[int, int]:
        """The microversion that Nova is asked in: its highest, up to ours."""
        about = known(self.app)
        if not about.ceiling:
            # Without a microversion: Nova shows itself in any.
            shown = self._sent("GET", "/", None, microversion="") or {}
            found = _VERSION.fullmatch(str(shown.get("version", {}).get("version")))
            ceiling = (int(found[1]), int(found[2])) if found else (0, 0)
            if ceiling < _NEEDED:
                raise UpstreamError(
                    "The compute service has microversions up to {}.{}.".format(
                        *ceiling
                    ),
                    service="compute",
                    status=503,
                    mend="It must have {}.{}, of 2021.".format(*_NEEDED),
                )
            about.ceiling = ceiling
        return min(about.ceiling, _WANTED)

    @property
    def takes_dotted_hostnames(self) -> bool:
        """Whether Nova takes a fully qualified name for a hostname."""
        return self.microversion >= _DOTTED_HOSTNAMES

    @property
    def user(self) -> tuple[str, str, tuple[str, ...]] | None:
        """Who asks: the ids of user and project, and the roles; None if unknown."""
        context: Any = self.environ.get("nova.context")
        if context is None or not context.user_id or not context.project_id:
            return None
        return context.user_id, context.project_id, tuple(sorted(context.roles))

    def server_ids(self) -> tuple[str, ...]:
        """Return the ids of the project's servers."""
        return tuple(server["id"] for server in self._pages("servers"))

    def servers(self) -> tuple[Json, ...]:
        """Return the project's servers, each as `server` returns it."""
        found = self._pages("servers", detail="/detail")
        if self.user is None:
            return tuple(found)
        # Nova shows no other; but what is shown here may be deleted at once.
        _, project_id, _ = self.user
        return tuple(s for s in found if s.get("tenant_id", project_id) == project_id)

    def server(self, server_id: str) -> Json:
        """Return one server, with its flavor and image in it."""
        found: Json = self.ask("GET", f"/servers/{quote(server_id)}")["server"]
        return found

    def flavors(self) -> tuple[Json, ...]:
        """Return the flavors that the project can use."""
        return tuple(self._pages("flavors", detail="/detail"))

    def zones(self) -> tuple[str, ...]:
        """Return the names of the availability zones that take servers now."""
        found = self.ask("GET", "/os-availability-zone")["availabilityZoneInfo"]
        return tuple(z["zoneName"] for z in found if z["zoneState"]["available"])

    def create_server(self, body: Json) -> str:
        """Return the id of the server that is being made of `body`."""
        return str(self.ask("POST", "/servers", body)["server"]["id"])

    def update_server(self, server_id: str, changes: Json) -> None:
        """Change the name, description or hostname of a server."""
        self.ask("PUT", f"/servers/{quote(server_id)}", {"server": changes})

    def act(self, server_id: str, body: Json) -> Json:
        """Ask for an action (a body of POST /servers/ID/action)."""
        return self.ask("POST", f"/servers/{quote(server_id)}/action", body) or {}

    def delete_server(self, server_id: str) -> None:
        """Ask for the end of a server."""
        self.ask("DELETE", f"/servers/{quote(server_id)}")

    def create_keypair(self, name: str, public_key: str) -> None:
        """Import a public key of the user's under `name`."""
        keypair = {"name": name, "type": "ssh", "public_key": public_key}
        self.ask("POST", "/os-keypairs", {"keypair": keypair})

    def delete_keypair(self, name: str) -> None:
        """Delete a key pair of the user's."""
        self.ask("DELETE", f"/os-keypairs/{quote(name, safe='')}")

    def ask(self, method: str, path: str, body: Json | None = None) -> Any:
        """Return Nova's JSON for one request, None if the answer is empty.

        `path` stands below /v2.1, quoted, with its query if it has one.
        """
        version = "{}.{}".format(*self.microversion)
        return self._sent(method, path, body, microversion=version)

    def _sent(
        self, method: str, path: str, body: Json | None, *, microversion: str
    ) -> Any:
        environ = self._environ(method, path, body)
        if microversion:
            environ["HTTP_OPENSTACK_API_VERSION"] = f"compute {microversion}"
        status, raw = _call(self.app, environ)
        if status >= 400:
            raise _refusal(status, raw, f"{method} {path.partition('?')[0]}")
        if not raw:
            return None
        try:
            return json.loads(raw)
        except ValueError as error:
            raise UpstreamError(
                f"The compute service sent no JSON for {method} {path}.",
                service="compute",
                status=502,
            ) from error

    def _environ(self, method: str, path: str, body: Json | None) -> dict[str, Any]:
        raw = b"" if body is None else json.dumps(body).encode()
        path_info, _, query = path.partition("?")
        environ = {key: self.environ[key] for key in _INHERITED if key in self.environ}
        environ |= {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/v2.1",
            "PATH_INFO": path_info,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(raw)),
            "HTTP_ACCEPT": "application/json",
            "wsgi.input": io.BytesIO(raw),
        }
        if raw:
            environ["CONTENT_TYPE"] = "application/json"
        return environ

    def _pages(self, collection: str, detail: str = "") -> Iterator[Json]:
        query: dict[str, Any] = {"limit": _PAGE}
        while True:
            page = self.ask("GET", f"/{collection}{detail}?{urlencode(query)}")
            yield from page[collection]
            links = page.get(f"{collection}_links", ())
            if not page[collection] or all(link["rel"] != "next" for link in links):
                return
            query["marker"] = page[collection][-1]["id"]


def _call(app: Any, environ: dict[str, Any]) -> tuple[int, bytes]:
    statuses: list[str] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        statuses.append(status)
        return written.append

    answer: Iterable[bytes] = app(environ, start_response)
    try:
        written.extend(answer)
    finally:
        close = getattr(answer, "close", None)
        if close:
            close()
    return int(statuses[-1].split(" ", 1)[0]), b"".join(written)


def _refusal(status: int, raw: bytes, request: str) -> UpstreamError:
    message = _message(raw)
    if status in _KNOWN_REFUSALS:
        return UpstreamError(
            f"The compute service refused: {message or request}",
            service="compute",
            status=status,
        )
    if any(word in message for word in _ABOUT_OTHERS):
        LOG.warning("code=service_failed service=compute: %s: %s", request, message)
        return UpstreamError(
            f"The compute service cannot do {request} now: a service that it needs "
            "does not answer.",
            service="compute",
            status=503,
            mend="Try again later.",
        )
    what = f"The compute service failed with {status} at {request}"
    if message and status >= 500:
        # Its own words name classes and addresses: they are for the log.
        LOG.warning("code=service_failed service=compute: %s: %s", what, message)
        what += "."
    else:
        what += f": {message or 'it gave no reason.'}"
    return UpstreamError(
        what,
        service="compute",
        status=503 if status == 503 else 502,
        mend="The reason is in the log of the Nova API.",
    )


def _message(raw: bytes) -> str:
    # {"badRequest": {"code": 400, "message": "..."}}
    try:
        faults = list(json.loads(raw).values())
        return str(faults[0]["message"]).removesuffix("\n")[:500]
    except (ValueError, AttributeError, LookupError, TypeError):
        return ""
