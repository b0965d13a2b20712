# SPDX-License-Identifier: Apache-2.0
"""A service that writes down what reaches it, and the filter before it."""

import io
import json
from types import SimpleNamespace

from vo_policy_ext.errors import Malformed
from vo_policy_ext.routes import Access, Items, Reference, Route, Table
from vo_policy_ext.wsgi import Isolation

ALICES = "a11ce000-0000-4000-8000-000000000001"
BOBS = "b0b00000-0000-4000-8000-000000000002"
NOBODYS = "00000000-0000-4000-8000-000000000003"
OWNERS = {ALICES: "alice", BOBS: "bob"}
GET, POST = frozenset({"GET"}), frozenset({"POST"})


class Service:
    table = Table(
        [
            Route(path="/open", access=Access.OPEN),
            Route(
                path="/servers",
                access=Access.LIST,
                references=(
                    Reference(method="POST", at=("same_host",), kind="server"),
                ),
            ),
            Route(path="/servers/{server}", access=Access.OWNED, service=GET),
            Route(
                path="/servers/{server}/volumes",
                access=Access.OWNED,
                through_service=GET,
            ),
            Route(
                path="/servers/{server}/password", access=Access.OWNED, auditor=False
            ),
            Route(path="/usage", access=Access.PROJECT),
            Route(path="/events", access=Access.PROJECT, auditor=False, service=POST),
            Route(
                path="/items",
                access=Access.LIST,
                items=Items(key="items", kind="server", by="server_id"),
            ),
        ]
    )

    def __init__(self):
        self.asked = []

    def context(self, environ):
        return environ.get("context")

    def owners(self, context, kind, ids):
        self.asked += [(kind, i) for i in ids]
        if context.user_id == "unlucky":
            raise OSError("no database")
        return {i: OWNERS[i] for i in ids if i in OWNERS}

    def missing(self, kind, resource_id):
        return f"{kind} {resource_id} could not be found."

    def adapted(self, environ, context, caller, match, method):
        if environ["QUERY_STRING"] == "bad":
            raise Malformed("No.", code="no")
        if environ["QUERY_STRING"] == "broken":
            raise OSError("no database")
        return {**environ, "adapted": (match.route.path, method)}


class Behind:
    """The rest of the service."""

    status = "200 OK"

    def __init__(self):
        self.environs = []
        self.closed = 0
        self.chunks = [b"wel", b"come"]

    def __call__(self, environ, start_response):
        self.environs.append(environ)
        headers = [("Content-Length", "1"), ("X-Kept", "yes")]
        start_response(self.status, headers)(b"")
        return self

    def __iter__(self):
        return iter(self.chunks)

    def close(self):
        self.closed += 1


class Site:
    def __init__(self):
        self.behind = Behind()
        self.service = Service()
        self.filter = Isolation(self.behind, self.service)
        self.headers = {}

    def ask(self, method, path, *roles, user="bob", raw=b"", query="", **context):
        """Return the status and the body of the answer."""
        who = SimpleNamespace(user_id=user, project_id="p", roles=roles, is_admin=False)
        for name, value in context.items():
            setattr(who, name, value)
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": io.BytesIO(raw),
            "context": who if user else None,
        }
        seen = []

        def start_response(status, headers, exc_info=None):
            seen.append(int(status[:3]))
            self.headers = dict(headers)
            return lambda data: None

        body = b"".join(self.filter(environ, start_response))
        (status,) = seen
        return status, body


def message(body):
    ((_, fault),) = json.loads(body).items()
    return fault["message"]
