# SPDX-License-Identifier: Apache-2.0
"""Keystone's auth methods: the native ``voms`` and the capped ``mapped``.

Owns the way from a validated credential to Keystone's answer: one line in the
log for each login, a short message to the client, and a token that ends with
the proxy. Keystone shares one instance among its threads, so nothing of a
request is ever kept on it. Read ``log_in`` first.
"""

from __future__ import annotations

import datetime
import http
from dataclasses import dataclass
from typing import Any, NoReturn

import flask
import keystone.conf
from keystone import exception
from keystone.auth.plugins import base, mapped, token
from keystone.common import utils
from keystone.server.flask import common as ks_flask
from oslo_log import log
from werkzeug.exceptions import HTTPException

from keystone_voms_ext import conf, credential, sources
from keystone_voms_ext.identity import audit, places, rights, tokens, users
from keystone_voms_ext.voms.errors import CredentialRefused, SetupError, VomsError

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Login:
    """A login that succeeded: whose it is, when it ends (aware time), and the
    projects that it reaches. ``mark`` ties its tokens to what was earned."""

    user_id: str
    expires_at: datetime.datetime
    reach: tokens.Reach
    mark: str


def log_in(environ: dict[str, Any]) -> Login:
    """Return the login of the request's VOMS proxy, made good in Keystone's store.

    The user exists afterwards, and is in the groups that the mapping gives to
    this proxy. Raises CredentialRefused or SetupError.
    """
    at = datetime.datetime.now(datetime.UTC)
    proved = credential.of_request(environ, at=at)
    entries = sources.voms_map().earned(proved)
    if not entries:
        raise sources.not_mapped(proved.dn, vo=proved.vo, fqans=proved.fqans)
    granted = rights.resolve(entries, dn=proved.dn)
    user = users.find_or_create_user(proved.dn)
    if CONF.voms.add_roles:
        vos = (proved.vo, *(other.vo for other in proved.others))
        granted = rights.sync(user, granted, dn=proved.dn, vos=vos)
    projects = {
        project.id: project.name
        for one in granted
        for project in one.projects
        if project.id is not None
    }
    ends = min(proved.not_after, at + datetime.timedelta(seconds=CONF.token.expiration))
    LOG.info(
        'VOMS login: dn="%s" vo=%s fqan=%s project=%s user=%s (%s) until %s',
        proved.dn,
        proved.vo,
        proved.primary_fqan,
        ",".join(projects.values()),
        user.id,
        "created" if user.created else "found",
        ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return Login(
        user_id=user.id,
        expires_at=ends,
        reach=tokens.Reach(user_id=user.id, projects=frozenset(projects)),
        mark=tokens.mark([one.group for one in granted]),
    )


class Voms(base.AuthMethodHandler):
    """The auth method ``voms``: POST /v3/auth/tokens over a handshake with a proxy."""

    def __init__(self) -> None:
        super().__init__()
        conf.register(CONF)
        try:
            # From the start there is a good mapping to fall back to when an
            # edit goes wrong.
            sources.voms_map()
        except SetupError as error:
            failure = error
        else:
            return
        # Past the handler, as in _answer_failure.
        LOG.error("VOMS logins are out of order [%s] %s", failure.code, failure)

    def authenticate(self, auth_payload: Any) -> base.AuthHandlerResponse:
        """Return the user and the end of the token. The payload holds nothing."""
        login = _log_in_or_answer(flask.request)
        audit.succeeded(login.user_id)
        data = {"user_id": login.user_id, "audit_id": login.mark}
        return _response(data, ends=login.expires_at)


class Mapped(mapped.Mapped):
    """Keystone's ``mapped``, whose logins with a proxy are those of ``voms``.

    Other identity providers on the same Keystone are served as before.
    """

    def __init__(self) -> None:
        super().__init__()
        conf.register(CONF)

    def authenticate(self, auth_payload: Any) -> base.AuthHandlerResponse:
        """Return what the mapping says, for a VOMS login no longer than its proxy."""
        if "id" in auth_payload:  # a token to rescope, which keeps its own end
            return super().authenticate(auth_payload)
        if places.is_our_provider(auth_payload.get("identity_provider")):
            # Whatever user and groups the site's rules name: this is the user of
            # the other doors, with the rights of the same mapping.
            login = _log_in_or_answer(flask.request, federated=auth_payload)
            audit.succeeded(login.user_id)
            data = {"user_id": login.user_id, "audit_id": login.mark}
            return _response(data, ends=login.expires_at)
        # The mapping of another provider may read the proxy's assertion too.
        found = super().authenticate(auth_payload)
        proved = credential.proved_by(flask.request.environ)
        if proved is None:
            return found
        return _response(found.response_data, ends=proved.not_after)


class Token(token.Token):
    """Keystone's ``token``, which scopes a VOMS login to what its proxy earned."""

    def __init__(self) -> None:
        super().__init__()
        conf.register(CONF)

    def authenticate(self, auth_payload: Any) -> base.AuthHandlerResponse:
        """Return what Keystone says, if the scope is within the token's reach."""
        found = super().authenticate(auth_payload)
        reach = tokens.reach(auth_payload["id"])
        if reach is not None:
            try:
                _check_scope(flask.request, reach)
            except VomsError as error:
                failure = error
            else:
                return found
            _answer_failure(flask.request, failure)
        return found


def _check_scope(request: flask.Request, reach: tokens.Reach) -> None:
    """Refuse a scope that the login's proxy did not earn."""
    if CONF.voms.honour_other_grants:
        return
    body = request.get_json(silent=True, force=True)
    auth = body.get("auth") if isinstance(body, dict) else None
    scope = auth.get("scope") if isinstance(auth, dict) else None
    if scope == "unscoped" or (isinstance(scope, dict) and "unscoped" in scope):
        return
    if scope is None:
        # Keystone goes on to the user's default project, if it has one.
        default = users.default_project(reach.user_id)
        if default is None or default in reach.projects:
            return
        asked = f"the user's default project {default}"
    else:
        if tokens.scope_project(scope) in reach.projects:
            return
        asked = "the scope of the request"
    raise CredentialRefused(
        "scope_not_earned",
        subject=reach.user_id,
        what=f"The proxy does not earn {asked}.",
        mend="Map the VO or the group to it; [voms] honour_other_grants lets "
        "operators' own grants count as well.",
    )


def _response(
    data: dict[str, Any], *, ends: datetime.datetime
) -> base.AuthHandlerResponse:
    # Keystone takes a datetime too, but compares a string when the method is
    # combined with 'token'.
    ends = min(ends, _latest_end(datetime.datetime.now(datetime.UTC)))
    naive = ends.astimezone(datetime.UTC).replace(tzinfo=None)
    data["expires_at"] = utils.isotime(naive, subsecond=True)
    return base.AuthHandlerResponse(status=True, response_body=None, response_data=data)


def _latest_end(at: datetime.datetime) -> datetime.datetime:
    """Return the end that [token] expiration sets to a token issued at ``at``."""
    return at + datetime.timedelta(seconds=CONF.token.expiration)


def _log_in_or_answer(
    request: flask.Request, *, federated: dict[str, Any] | None = None
) -> Login:
    """Return the login of a request, or end the request with 401 or 500.

    ``federated`` is the payload of a login by the federation URL, which has no
    scope; the rules of its mapping may still refuse it.
    """
    try:
        if federated is not None:
            places.check_mapping(federated, mapped.extract_assertion_data())
        login = log_in(request.environ)
        if federated is None:
            _check_scope(request, login.reach)
    except VomsError as error:
        failure = error
    else:
        return login
    _answer_failure(request, failure)


def _answer_failure(request: flask.Request, failure: VomsError) -> NoReturn:
    """End the request with 401 or 500.

    The client hears that it was refused; why, only the log says. It is called
    past the handler, for oslo.log adds the text of an exception in handling to
    each warning. And answered, not raised: Keystone would log it a second
    time, a fault of the set-up even with a stack trace.
    """
    audit.failed(failure.code, status=failure.status)
    if isinstance(failure, SetupError):
        LOG.error("VOMS login is out of order [%s] %s", failure.code, failure)
        message = (
            "VOMS logins are out of order at this site. The reason is in the log of "
            "the identity service."
        )
        raise HTTPException(response=_answer(500, message))
    LOG.warning(
        "VOMS login refused [%s]%s from %s: %s",
        failure.code,
        _whose(failure),
        request.remote_addr,
        failure,
    )
    # Keystone's own words: with others, a client that nobody knows could tell a
    # scope that exists, and comes to this, from one that Keystone does not find.
    answer = _answer(401, str(exception.Unauthorized.message_format))
    answer.headers["WWW-Authenticate"] = f'Keystone uri="{ks_flask.base_url()}"'
    raise HTTPException(response=answer)


def _whose(failure: VomsError) -> str:
    """Return the user that a refusal is about, and the certificate if another."""
    user = getattr(failure, "user", None) or failure.subject
    if user is None:
        return ""
    what = failure.subject if failure.subject != user else None
    return f' dn="{user}"' + (f' subject="{what}"' if what else "")


def _answer(status: int, message: str) -> flask.Response:
    """Return an answer in the form of Keystone's own errors."""
    error = {
        "code": status,
        "title": http.HTTPStatus(status).phrase,
        "message": message,
    }
    return flask.make_response({"error": error}, status)
