# SPDX-License-Identifier: Apache-2.0
"""The edge of the host: a small Nova, Glance and Neutron to stand the filter on.

Nova is a WSGI application, as it is in its pipeline; Glance and Neutron are a
server on loopback, so that connections, pages and failures are real ones.
Read Cloud first: it puts the filter on them and sends requests.
"""

import io
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from wsgiref.validate import validator

from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token
from oslo_config import cfg

from ooi_ext import conf
from ooi_ext.services import Services
from ooi_ext.wsgi import Filter

PROJECT_ID = "5c8ad3f4c6d84a7f8d6e0d8f3a1b2c3d"
ALICE = SimpleNamespace(user_id="alice", project_id=PROJECT_ID, roles=["member"])
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
    "tenant_id": PROJECT_ID,
}
# Nova's status after an action, for those that change it at once here.
AFTER = {
    "os-stop": "SHUTOFF",
    "os-start": "ACTIVE",
    "suspend": "SUSPENDED",
    "pause": "PAUSED",
    "confirmResize": "ACTIVE",
}


@dataclass(eq=False)
class Nova:
    """Servers, flavors and key pairs, and a record of what was asked."""

    ceiling: str = "2.104"
    zones: tuple[str, ...] = ("nova",)
    # What a resize leads to: the statuses that are shown one after another.
    resizing: tuple[str, ...] = ("RESIZE", "VERIFY_RESIZE")
    resize_fails: bool = False

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
        if (method, path) == ("GET", "/"):
            # Not among the requests: it is asked once in the life of a process.
            start_response("200 OK", [])
            return [json.dumps({"version": {"version": self.ceiling}}).encode()]
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
                brief = [{"id": server_id} for server_id in self.servers]
                return self._listed("servers", brief, query)
            case "GET", ["servers", "detail"]:
                return self._listed("servers", list(self.servers.values()), query)
            case "GET", ["os-availability-zone"]:
                zones = [
                    {"zoneName": name, "zoneState": {"available": name != "down"}}
                    for name in self.zones
                ]
                return _json(200, {"availabilityZoneInfo": zones})
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
                return _json(200, {"server": self._shown(server_id)})
            case "PUT", ["servers", server_id] if server_id in self.servers:
                self.servers[server_id] |= asked["server"]
                return _json(200, {"server": self.servers[server_id]})
            case "DELETE", ["servers", server_id] if server_id in self.servers:
                del self.servers[server_id]
                return "204 No Content", b""
            case "POST", ["servers", server_id, "action"] if server_id in self.servers:
                return self._act(self.servers[server_id], *asked.items())
        return _json(404, {"itemNotFound": {"message": f"{path} could not be found."}})

    def _act(
        self, server: dict[str, Any], action: tuple[str, Any]
    ) -> tuple[str, bytes]:
        match action:
            case "createImage", _:
                return _json(202, {"image_id": str(uuid.uuid4())})
            case "resize", {"flavorRef": flavor_id}:
                (flavor,) = (f for f in self.flavors if f["id"] == flavor_id)
                server["next"] = list(self.resizing)
                if not self.resize_fails:
                    own = {k: flavor[k] for k in ("vcpus", "ram")}
                    server["flavor"] = {"original_name": flavor["name"], **own}
            case name, _:
                server["status"] = AFTER.get(name, server["status"])
        return "202 Accepted", b""

    def _shown(self, server_id: str) -> dict[str, Any]:
        server = self.servers[server_id]
        if server.get("next"):
            server["status"] = server["next"].pop(0)
        return server

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
    neutron: "Neutron" = field(default_factory=lambda: Neutron())

    def images(self, *images: dict[str, Any], status: int = 200) -> None:
        body = json.dumps({"images": list(images)}).encode()
        self.pages = {"/v2/images?status=active&limit=1000": (status, body)}


@dataclass
class Neutron:
    """What a project has of networks, and a record of what was asked."""

    networks: list[dict[str, Any]] = field(default_factory=list)
    subnets: list[dict[str, Any]] = field(default_factory=list)
    security_groups: list[dict[str, Any]] = field(default_factory=list)
    ports: list[dict[str, Any]] = field(default_factory=list)
    floatingips: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    # Collections that it does not answer for; "" stands for all.
    down: tuple[str, ...] = ()
    refusing: int = 0  # a new floating IP, with this status

    def add(self, collection: str, **values: Any) -> str:
        item = {"id": str(uuid.uuid4()), "project_id": PROJECT_ID, **values}
        getattr(self, collection).append(item)
        return str(item["id"])

    def add_port(self, server_id: str, address: str = "10.0.0.5") -> str:
        return self.add(
            "ports",
            device_id=server_id,
            device_owner="compute:nova",
            network_id=str(uuid.uuid4()),
            mac_address="fa:16:3e:00:00:01",
            status="ACTIVE",
            fixed_ips=[{"ip_address": address}],
        )

    def answer(self, method: str, path: str, asked: Any) -> tuple[int, Any]:
        place = urlsplit(path)
        self.requests.append((method, place.path, asked))
        name, *rest = place.path.removeprefix("/v2.0/").split("/")
        if {name, ""} & set(self.down):
            return 503, {}
        collection = name.replace("-", "_")
        items: list[dict[str, Any]] = getattr(self, collection)
        if rest:
            found = [item for item in items if item["id"] == rest[0]]
            if not found:
                return 404, {"NeutronError": {"message": f"No {rest[0]} found"}}
            if method == "DELETE":
                items.remove(found[0])
                return 204, None
            found[0].update(asked[collection[:-1]] if asked else {})
            return 200, {collection[:-1]: found[0]}
        if method == "POST":
            if self.refusing:
                return self.refusing, {"NeutronError": {"message": "Quota exceeded"}}
            values = {"floating_ip_address": "192.0.2.9", **asked[collection[:-1]]}
            self.add(collection, **values)
            return 201, {collection[:-1]: items[-1]}
        query = [q for q in parse_qsl(place.query) if q[0] not in ("limit", "fields")]
        return 200, {
            collection: [
                item
                for item in items
                if all(str(item.get(k, v)).lower() == v.lower() for k, v in query)
            ]
        }


@contextmanager
def glance() -> Iterator[Glance]:
    """Serve a Glance with one image on loopback, and the Neutron of a cloud."""
    service = Glance()
    service.images({"id": IMAGE_ID, "name": "cirros"})

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.startswith("/v2.0/"):
                asked = json.loads(raw) if raw else None
                status, shown = service.neutron.answer(self.command, self.path, asked)
                body = b"" if shown is None else json.dumps(shown).encode()
            else:
                service.tokens.append(self.headers["X-Auth-Token"])
                status, body = service.pages.get(self.path, (404, b"{}"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer

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


class UserToken(Token):
    """A token as authtoken leaves it: it knows its project."""

    def get_project_id(self, session: Any, **kwargs: Any) -> str:
        return PROJECT_ID


@dataclass
class Cloud:
    """The filter on its services, at http://cloud.example.org/occi1.1."""

    glance: Glance
    nova: Nova = field(default_factory=Nova)
    neutron: Neutron = field(default_factory=Neutron)
    environ: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.glance.neutron = self.neutron
        # No wait, and no memory, but where a test asks for them.
        self.set(cache_seconds=0, wait_seconds=0)

    def set(self, **options: Any) -> None:
        """Set options of [ooi] for the rest of the test."""
        conf.register(cfg.CONF)
        for name, value in options.items():
            cfg.CONF.set_override(name, value, group=conf.GROUP)

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
            "keystone.token_auth": UserToken(self.glance.url, "token-of-alice"),
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
