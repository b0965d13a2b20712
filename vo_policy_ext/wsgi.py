# SPDX-License-Identifier: Apache-2.0
"""The filter between a service's authentication and its API.

Owns: the order of the checks, the same for each service, and the line that a
refusal leaves in the log. Must never: let a request through because something
could not be found out. Read first: Isolation.__call__.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from oslo_log import log as logging

from vo_policy_ext import request
from vo_policy_ext.caller import Caller
from vo_policy_ext.errors import Missing, Refused, Unready
from vo_policy_ext.request import Environ
from vo_policy_ext.routes import CANONICAL, READING, Access, Match, Table

LOG = logging.getLogger(__name__)

StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# The names that the services give to the one member of an error's document.
_FAULTS = {
    400: "badRequest",
    403: "forbidden",
    404: "itemNotFound",
    503: "serviceUnavailable",
}


class Service(Protocol):
    """What the filter has to know of the service that it stands before."""

    table: Table

    def context(self, environ: Environ) -> Any:
        """Return the RequestContext that the service made of the token, or None."""

    def owners(
        self, context: Any, kind: str, ids: Collection[str]
    ) -> Mapping[str, str]:
        """Return the user id of the owner of each resource that there is.

        `ids` are canonical. What does not exist, or has no owner, is left out.
        May raise whatever the database raises: the request is refused then.
        """

    def missing(self, kind: str, resource_id: str) -> str:
        """Return the service's own text for a resource that does not exist."""

    def adapted(
        self, environ: Environ, context: Any, caller: Caller, match: Match, method: str
    ) -> Environ:
        """Return the environ to pass on, the query of a LIST narrowed in it.

        Called for each request that gets through, whoever sends it. Raises
        Refused.
        """


class Isolation:
    """A WSGI application that keeps the users of one project apart."""

    def __init__(self, app: Application, service: Service) -> None:
        """`app` is the rest of the service's pipeline."""
        self._app = app
        self._service = service

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer the request or pass it on."""
        context = self._service.context(environ)
        caller = Caller.from_context(context)
        try:
            if caller is None:
                raise Refused("The token has no user.", code="no_user")
            method = request.method(environ)
            match = self._service.table.match(
                _path(environ), project_id=caller.project_id
            )
            if match is None:
                if caller.is_admin:
                    return self._app(environ, start_response)
                raise Missing("The resource could not be found.", code="unknown_path")
            free = is_free(caller, match, method)
            if not free:
                self._check(environ, context, caller, match, method)
            passed = self._adapted(environ, context, caller, match, method)
            if free or match.route.items is None or method not in READING:
                return self._app(passed, start_response)
            answer = _Answer(self._app, passed)
            return answer.sent(
                start_response, self._own_items(answer, context, caller, match)
            )
        except Refused as error:
            _log(error, environ, caller)
            return _refusal(error, environ, start_response)

    def _check(
        self, environ: Environ, context: Any, caller: Caller, match: Match, method: str
    ) -> None:
        """Raise Refused unless a plain user may do this."""
        if not caller.project_id:
            raise Refused("The token is for no project.", code="no_project")
        if match.route.access is Access.PROJECT:
            raise Refused(
                "Only a manager or an auditor of the project may ask for this.",
                code="project_wide",
            )
        if match.owned is not None:
            self._check_owner(context, caller, *match.owned, code="not_the_owner")
        references = [r for r in match.route.references if r.method == method]
        if references:
            document = request.body(environ)
            for reference in references:
                for named in request.named(document, reference):
                    self._check_owner(
                        context, caller, reference.kind, named, code="names_anothers"
                    )

    def _check_owner(
        self, context: Any, caller: Caller, kind: str, resource_id: str, *, code: str
    ) -> None:
        if CANONICAL.fullmatch(resource_id):
            owners = self._owners(context, kind, (resource_id,))
            if owners.get(resource_id) == caller.user_id:
                return
        raise Missing(self._service.missing(kind, resource_id), code=code)

    def _adapted(
        self, environ: Environ, context: Any, caller: Caller, match: Match, method: str
    ) -> Environ:
        try:
            return self._service.adapted(environ, context, caller, match, method)
        except Refused:
            raise
        # As below: what could not be narrowed is not passed on.
        except Exception as error:
            LOG.exception("A request cannot be narrowed.")
            raise Unready(
                "The request cannot be narrowed to what is yours now.",
                code="not_narrowed",
                mend="see the error above; is the service's database there?",
            ) from error

    def _owners(
        self, context: Any, kind: str, ids: Collection[str]
    ) -> Mapping[str, str]:
        try:
            return self._service.owners(context, kind, ids)
        # Whatever it is (the database, a release that changed): nobody is let
        # through because the owner is not known.
        except Exception as error:
            LOG.exception("The owner of a %s cannot be found out.", kind)
            raise Unready(
                "The owner of the resource cannot be found out now.",
                code="owner_unknown",
                mend="see the error above; is the service's database there?",
            ) from error

    def _own_items(
        self, answer: "_Answer", context: Any, caller: Caller, match: Match
    ) -> bytes:
        """Return the body of the answer with the caller's own items alone."""
        items = match.route.items
        # The answer to HEAD is empty.
        if items is None or not answer.succeeded or not answer.body:
            return answer.body
        try:
            document = json.loads(answer.body)
            listed = document[items.key]
            ids = [str(item[items.by]) for item in listed]
        except (ValueError, KeyError, TypeError) as error:
            raise Unready(
                "The list cannot be narrowed to what is yours.",
                code="odd_answer",
                mend=f"the service sent no list {items.key!r} of items with "
                f"{items.by!r}; is it of a release that this filter knows?",
            ) from error
        owners = self._owners(
            context, items.kind, {i for i in ids if CANONICAL.fullmatch(i)}
        )
        document[items.key] = [
            item
            for item, resource_id in zip(listed, ids, strict=True)
            if owners.get(resource_id) == caller.user_id
        ]
        return json.dumps(document).encode()


def no_options(service: str, options: Collection[str]) -> None:
    """Raise ValueError for an option of the filter in a paste file: it has none."""
    if options:
        raise ValueError(
            f"[filter:vo_isolation] in {service}'s paste file has no option "
            f"{', '.join(sorted(options))}. Take it out: the filter has none."
        )


def is_free(caller: Caller, match: Match, method: str) -> bool:
    """Return whether the service's own policy is all that holds for the caller."""
    route = match.route
    return (
        caller.changes_all
        or (caller.is_service and method in route.service)
        or (caller.through_service and method in route.through_service)
        or (caller.reads_all and route.auditor and method in READING)
    )


class _Answer:
    """The whole answer of an application to one request."""

    def __init__(self, app: Application, environ: Environ) -> None:
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        written: list[bytes] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
            self._status, self._headers = status, list(headers)
            return written.append

        chunks = app(environ, start_response)
        try:
            written += chunks
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        self.body = b"".join(written)

    @property
    def succeeded(self) -> bool:
        return self._status.startswith("200")

    def sent(self, start_response: StartResponse, body: bytes) -> Iterable[bytes]:
        """Send the answer with another body."""
        kept = [h for h in self._headers if h[0].lower() != "content-length"]
        start_response(self._status, [*kept, ("Content-Length", str(len(body)))])
        return [body]


def _path(environ: Mapping[str, Any]) -> str:
    return str(environ.get("PATH_INFO", ""))


def _log(error: Refused, environ: Mapping[str, Any], caller: Caller | None) -> None:
    who = (caller.user_id, caller.project_id) if caller else ("-", "-")
    about = (error.code, environ["REQUEST_METHOD"], _path(environ), *who)
    if isinstance(error, Unready):
        LOG.error(
            "Not decided (%s): %s %r by user %s in project %s. To mend it: %s",
            *about,
            error.mend,
        )
    else:
        LOG.warning("Refused (%s): %s %r by user %s in project %s", *about)


def _refusal(
    error: Refused, environ: Mapping[str, Any], start_response: StartResponse
) -> Iterable[bytes]:
    fault = {"code": error.status, "message": error.message}
    raw = json.dumps({_FAULTS[error.status]: fault}).encode()
    start_response(
        f"{error.status} {HTTPStatus(error.status).phrase}",
        [("Content-Type", "application/json"), ("Content-Length", str(len(raw)))],
    )
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [raw]
