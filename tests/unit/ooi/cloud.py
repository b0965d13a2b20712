# SPDX-License-Identifier: Apache-2.0
"""The edge of the host: a small Nova and a small Glance to stand the filter on.

Nova is a WSGI application, as it is in its pipeline; Glance is a server on
loopback, so that connections, pages and failures are real ones.
Read Cloud first: it puts the filter on both and sends requests.
"""

import io
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from wsgiref.validate import validator

from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token

from ooi_ext.services import Services
from ooi_ext.wsgi import Filter

IMAGE_ID = "70f2d2b0-5f8e-4f0a-9d8e-5c3b1f7a9e11"
FLAVORS = (
    {"id": "1", "name": "m1.tiny", "vcpus": 1, "ram": 512, "disk": 1},
    {"id": "2", "name": "m1.small", "vcpus": 1, "ram": 2048, "disk": 20},
    {"id": "M1.Large", "name": 'big "one"; really', "vcpus": 4, "ram": 8192, "disk": 4},
)
SERVER = {
    "name": "vm",
    "status": "ACTIVE",
    "description": None,
    "image": {"id": IMAGE_ID, "properties": {}},
    "flavor": {"original_name": "m1.tiny", "vcpus": 1, "ram": 512},
    "OS-EXT-SRV-ATTR:hostname": "vm.example.org",
}


@dataclass
class Nova:
    """Servers, flavors and key pairs, and a record of what was asked."""

    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    keypairs: dict[str, str] = field(default_factory=dict)
    flavors: tuple[dict[str, Any], ...] = FLAVORS
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    environs: list[dict[str, Any]] = field(default_factory=list)
    # ("POST", "/servers") -> (status line, body)
    answers: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    page: int = 1000

    def add(self, **changes: Any) -> str:
        server_id = str(uuid.uuid4())
        self.servers[server_id] = {**SERVER, "id": server_id, **changes}
        return server_id

    def refuse(self, method: str, path: str, status: int, message: str) -> None:
        fault = {"fault": {"code": status, "message": message}}
        line = f"{status} Refused"
        self.answers[method, path] = (line, json.dumps(fault).encode())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        raw = environ["wsgi.input"].read()
        asked = json.loads(raw) if raw else None
        self.requests.append((method, path, asked))
        self.environs.append(environ)
        status, answer = self.answers.get((method, path)) or self._answer(
            method, path, asked, environ["QUERY_STRING"]
        )
        start_response(status, [("Content-Type", "application/json")])
        return [answer]

    def _answer(
        self, method: str, path: str, asked: Any, query: str
    ) -> tuple[str, bytes]:
        parts = path.strip("/").split("/")
        match method, parts:
            case "GET", ["servers"]:
                return self._listed("servers", list(self.servers.values()), query)
            case "GET", ["flavors", "detail"]:
                return self._listed("flavors", list(self.flavors), query)
            case "POST", ["servers"]:
                server_id = self.add(name=asked["server"]["name"], status="BUILD")
                return _json(202, {"server": {"id": server_id}})
            case "POST", ["os-keypairs"]:
                pair = asked["keypair"]
                self.keypairs[pair["name"]] = pair["public_key"]
                return _json(201, {"keypair": pair})
            case "DELETE", ["os-keypairs", name] if name in self.keypairs:
                del self.keypairs[name]
                return "204 No Content", b""
            case "GET", ["servers", server_id] if server_id in self.servers:
                return _json(200, {"server": self.servers[server_id]})
            case "DELETE", ["servers", server_id] if server_id in self.servers:
                del self.servers[server_id]
                return "204 No Content", b""
            case "POST", ["servers", server_id, "action"] if server_id in self.servers:
                return "202 Accepted", b""
        return _json(404, {"itemNotFound": {"message": f"{path} could not be found."}})

    def _listed(
        self, name: str, items: list[dict[str, Any]], query: str
    ) -> tuple[str, bytes]:
        marker = query.partition("marker=")[2]
        ids = [item["id"] for item in items]
        start = ids.index(marker) + 1 if marker else 0
        page = {name: items[start : start + self.page]}
        if start + self.page < len(items):
            page[f"{name}_links"] = [{"rel": "next", "href": "unused"}]
        return _json(200, page)


def _json(status: int, body: Any) -> tuple[str, bytes]:
    return f"{status} Status", json.dumps(body).encode()


@dataclass
class Glance:
    """What the image service answers: path with query -> (status, body)."""

    url: str = ""
    pages: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    def images(self, *images: dict[str, Any], status: int = 200) -> None:
        body = json.dumps({"images": list(images)}).encode()
        self.pages = {"/v2/images?status=active&limit=1000": (status, body)}


@contextmanager
def glance() -> Iterator[Glance]:
    """Serve a Glance with one image on loopback."""
    service = Glance()
    service.images({"id": IMAGE_ID, "name": "cirros"})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.tokens.append(self.headers["X-Auth-Token"])
            status, body = service.pages.get(self.path, (404, b"{}"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return ", ".join(v for k, v in self.headers if k.lower() == name.lower())

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Cloud:
    """The filter on its Nova and its Glance, at http://cloud.example.org/occi1.1."""

    glance: Glance
    nova: Nova = field(default_factory=Nova)
    environ: dict[str, Any] = field(default_factory=dict)

    @property
    def filter(self) -> Filter:
        services = Services(session=Session(), timeout_seconds=2)
        return Filter(app=self.nova, services=services, default_architecture="x64")

    def send(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: dict[str, str] | None = None,
        **environ: Any,
    ) -> Answer:
        """Send one request through the filter, under wsgiref's validator."""
        raw = body.encode() if isinstance(body, str) else body
        path, _, query = path.partition("?")
        whole = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/occi1.1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8774",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "cloud.example.org",
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(raw),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "keystone.token_auth": Token(self.glance.url, "token-of-alice"),
            **self.environ,
            **environ,
        }
        for name, value in (headers or {}).items():
            key = name.upper().replace("-", "_")
            whole[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        taken: list[Any] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
            taken.extend((status, headers))
            return lambda data: None

        answer = validator(self.filter)(whole, start_response)
        content = b"".join(answer)
        answer.close()
        return Answer(int(taken[0][:3]), taken[1], content)


def compute(*more: str, os: str = IMAGE_ID, size: str = "1") -> str:
    """Return the text of a request for a machine, with `more` lines."""
    return "\n".join(
        (
            'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; '
            'class="kind"',
            f'Category: {os}; scheme="http://schemas.openstack.org/template/os#"; '
            'class="mixin"',
            f'Category: {size}; scheme="http://schemas.openstack.org/template/'
            'resource#"; class="mixin"',
            *more,
        )
    )
