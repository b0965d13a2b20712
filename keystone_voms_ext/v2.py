# SPDX-License-Identifier: Apache-2.0
"""The filter ``voms_v2``: as much of the v2.0 API as a login with a proxy needs.

Owns the requests of v2.0. It decides nothing: each answer is made of those that
v3 gives, asked of the application below. It must keep nothing of a request on
the filter, which threads share. Read ``_ROUTES`` first.
"""

from __future__ import annotations

import datetime
import http
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keystone.conf
from oslo_log import log
from oslo_middleware import sizelimit

from keystone_voms_ext import conf, credential, sources
from keystone_voms_ext.identity import tokens
from keystone_voms_ext.mapping import Entry
from keystone_voms_ext.subrequest import App, Below, Environ, Headers, Reply
from keystone_voms_ext.v2_documents import access_of, error_of, tenant_of, version_of
from keystone_voms_ext.voms.errors import SetupError, VomsError

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)

_UNSCOPED: dict[str, Any] = {"unscoped": {}}
_NAME_LENGTH = 64  # project.name
# What is ours to say in an answer that is made of another one.
_REPLACED = frozenset(
    {"content-length", "content-type", "www-authenticate", "x-subject-token"}
)


class _Refused(Exception):
    """The request itself is bad, and the client may hear why."""

    def __init__(self, code: int, message: str, *more: tuple[str, str]) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = more


def filter_factory(
    global_conf: dict[str, str], **local_conf: str
) -> Callable[[App], App]:
    """Return the maker of the filter ``voms_v2``, for ``[filter:voms_v2]``."""
    conf.register(CONF)
    CONF.register_opts(sizelimit.OPTS, group="oslo_middleware")
    return V2Filter


class V2Filter:
    """Serves v2.0 to clients with a VOMS proxy, and passes on everything else."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        reply = None
        if CONF.voms.v2_enabled:
            reply = _serve(Below(app=self._app, environ=environ))
        if reply is None:
            return self._app(environ, start_response)
        start_response(reply.status, list(reply.headers))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else reply.body]


def _serve(below: Below) -> Reply | None:
    """Return the answer to a request that is ours, else None."""
    # Clients join URLs with one slash too many, or end them with one.
    parts = str(below.environ.get("PATH_INFO", "")).split("/")
    path = "/".join(part for part in parts if part)
    if path not in _ROUTES:
        return None
    allow, serve = _ROUTES[path]
    try:
        if below.environ["REQUEST_METHOD"] in allow.split(", "):
            return serve(below)
        if path:
            raise _Refused(405, f"/{path} takes {allow} alone.", ("Allow", allow))
    except _Refused as refused:
        return _error(below, refused.code, refused.message, refused.headers)
    except SetupError as error:
        fault = error
    else:
        return None
    # Past the handler: oslo.log adds the text of an exception in handling.
    LOG.error("VOMS login is out of order [%s] %s", fault.code, fault)
    message = "VOMS logins are out of order at this site."
    return _error(
        below, 500, f"{message} The reason is in the log of the identity service."
    )


def _versions(below: Below) -> Reply | None:
    """GET /: Keystone's own answer, and v2.0 in it where the site wants that."""
    if not CONF.voms.v2_advertise:
        return None
    reply = below.pass_on()
    document = reply.document
    if reply.code != 300 or "versions" not in document:
        return reply  # in another form, for which the client asked
    document["versions"]["values"].append(version_of(below.url(reply)))
    return _json(reply.status, document, _others(reply))


def _version(below: Below) -> Reply:
    """GET /v2.0."""
    return _json("200 OK", {"version": version_of(below.url())})


def _token(below: Below) -> Reply | None:
    """POST /v2.0/tokens."""
    auth = _auth(_body(below.environ))
    if auth is None:
        return None
    if auth["voms"] is not True:
        raise _Refused(400, "'voms' is true, without quotes, or it is not there.")
    name, project_id = _text(auth, "tenantName"), _text(auth, "tenantId")
    if name and project_id:
        raise _Refused(400, "Give 'tenantName' or 'tenantId', not both.")
    if name:
        reply = _log_in_by_name(below, name)
    else:
        # Without a scope Keystone would go on to the user's default project.
        scope = {"project": {"id": project_id}} if project_id else _UNSCOPED
        reply = below.log_in(scope)
    if reply.code != 201:
        return _refusal(below, reply)
    document = access_of(_subject(reply), reply.document["token"])
    return _json("200 OK", document, _others(reply))


def _tenants(below: Below) -> Reply:
    """GET /v2.0/tenants."""
    reply = below.projects(str(below.environ.get("HTTP_X_AUTH_TOKEN", "")))
    if reply.code != 200:
        return _refusal(below, reply)
    found = [tenant_of(project) for project in reply.document["projects"]]
    return _json("200 OK", {"tenants": found, "tenants_links": []}, _others(reply))


# Path -> the methods, as Allow names them, and what serves them.
_ROUTES: dict[str, tuple[str, Callable[[Below], Reply | None]]] = {
    "": ("GET", _versions),
    "v2.0": ("GET, HEAD", _version),
    "v2.0/tenants": ("GET, HEAD", _tenants),
    "v2.0/tokens": ("POST", _token),
}


def _body(environ: Environ) -> bytes:
    """Return the body, and leave it to be read once more."""
    most = CONF.oslo_middleware.max_request_body_size
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length and not (length.isascii() and length.isdigit()):
        raise _Refused(400, "The Content-Length is not a number.")
    if length:
        wanted = int(length[:20])  # int() itself fails beyond 4,300 digits
    else:
        # Not every server makes a body without a length end.
        wanted = most + 1 if environ.get("wsgi.input_terminated") else 0
    too_long = bool(length) and wanted > most
    octets: bytes = b"" if too_long else environ["wsgi.input"].read(wanted)
    if too_long or len(octets) > most:
        raise _Refused(413, f"The body has more than {most} bytes.")
    environ["wsgi.input"] = io.BytesIO(octets)
    environ["CONTENT_LENGTH"] = str(len(octets))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return octets


def _auth(body: bytes) -> dict[str, Any] | None:
    """Return what stands below ``auth``, None if it is no login with a proxy."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Refused(400, "The body is not JSON.") from error
    auth = document.get("auth") if isinstance(document, dict) else None
    return auth if isinstance(auth, dict) and "voms" in auth else None


def _text(auth: Mapping[str, Any], key: str) -> str:
    """Return a text that can be the name or id of a project, "" without one."""
    value = auth.get(key)
    if value is None:
        return ""
    # Keystone logs the name as it is, and its database takes three bytes a character.
    if (
        not isinstance(value, str)
        or max(value, default="") > "\uffff"
        or not value.isprintable()
    ):
        raise _Refused(400, f"'{key}' names no project.")
    if len(value) > _NAME_LENGTH:
        raise _Refused(400, f"'{key}' has more than {_NAME_LENGTH} characters.")
    return value


def _log_in_by_name(below: Below, name: str) -> Reply:
    """Return the answer to a login in the project that the client means by a name.

    v2.0 knows no domains. What the proxy earns comes first, then the project in
    ``[voms] project_domain``, then any that the user's list has.
    """
    domain = {"name": _domain(below, name)}
    scope: dict[str, Any] = {"project": {"name": name, "domain": domain}}
    found = tokens.scope_project(scope)
    if found is None:
        # This login also makes the user's own project, if it has none yet.
        login = below.log_in(_UNSCOPED)
        if login.code != 201:
            return login
        listed = below.projects(_subject(login)).document.get("projects", [])
        found = next((one["id"] for one in listed if one["name"] == name), None)
    # A project that is nowhere is for Keystone to refuse, and to tell of.
    return below.log_in({"project": {"id": found}} if found else scope)


def _domain(below: Below, name: str) -> str:
    """Return the id or name of the domain in which a project's name counts."""
    default = str(CONF.voms.project_domain)
    try:
        at = datetime.datetime.now(datetime.UTC)
        proved = credential.of_request(below.environ, at=at)
        earned = sources.voms_map().earned(proved)
    except VomsError:
        return default  # the login fails for the same reason, and tells of it
    return domain_of(name, earned, dn=proved.dn) or default


def domain_of(name: str, earned: Sequence[Entry], *, dn: str) -> str | None:
    """Return the domain of the first entry that gives ``dn`` a project of a name."""
    for entry in earned:
        own = entry.project_per_user is not None
        if name in ((entry.own_project(dn),) if own else entry.projects):
            return entry.domain
    return None


def _subject(login: Reply) -> str:
    return login.header("X-Subject-Token")


def _others(reply: Reply) -> Headers:
    """Return the headers of an answer that also hold for one made of it."""
    return tuple(one for one in reply.headers if one[0].lower() not in _REPLACED)


def _json(status: str, document: Mapping[str, Any], more: Headers = ()) -> Reply:
    body = json.dumps(document).encode()
    own = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    return Reply(status=status, headers=(*more, *own), body=body)


def _refusal(below: Below, reply: Reply) -> Reply:
    """Return v2.0's form of an error of v3."""
    error = reply.document.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    title = http.HTTPStatus(reply.code).phrase
    return _error(below, reply.code, message or title, _others(reply))


def _error(below: Below, code: int, message: str, more: Headers = ()) -> Reply:
    title = http.HTTPStatus(code).phrase
    if code == 401:
        more = (*more, ("WWW-Authenticate", f'Keystone uri="{below.url()}"'))
    return _json(f"{code} {title}", error_of(code, title, message), more)
