# SPDX-License-Identifier: Apache-2.0
"""What OCCI costs, beside Nova's own request for the same on the same server.

Owns the requests that are compared: one user, in a project of its own, one
connection kept open, so that what differs is the server's work alone. ``upstream``
counts the calls that it causes. Must never assert, or leave a machine behind. Read
``run`` first.
"""

import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from ooi_ext import kinds
from tests.bench.measure import line, medians
from tests.bench.upstream import HEADER, counting
from tests.lab.cloud import Cloud
from tests.lab.configuration import password
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.provision import IMAGE
from tests.lab.settings import HOST, Settings

LIST_GOAL = 1.3
CREATE_GOAL = 1.2
# Calls for each 1,000 machines, for one machine, and for the query interface.
LIST_CALLS, SHOW_CALLS, QUERY_CALLS = 3, 3, 4
SIZES = (1, 20, 200)
ROUNDS = {1: 60, 20: 40, 200: 25}
CREATIONS = 12
# One machine can be there beside the many while the others are made and deleted.
QUOTA = {"instances": SIZES[-1] + 10, "cores": -1, "ram": -1}
FLAVOR = "m1.nano"
# What the interface asks Nova in, so that both are given the same to do.
MICROVERSION = {"OpenStack-API-Version": "compute 2.100"}
TEXT = {"Accept": "text/plain"}
JSON = {"Accept": "application/occi+json"}
SECONDS = 1800
PATIENCE = 20
KEPT_SECONDS = 30

Json = dict[str, Any]


def run() -> None:
    """Print all figures of the OCCI interface."""
    lab = Lab.from_environ()
    running = not any(service.fault for service in lab.status())
    lab.up()
    try:
        with user(lab) as owner:
            owner.measure_creations()
            for size in SIZES:
                owner.grow(size)
                owner.measure_reading(size)
                if size > SIZES[0]:
                    owner.count(size)
    finally:
        if not running:
            lab.down()


@dataclass
class Client:
    """Sends requests over one connection, and does little but wait."""

    port: int
    token: str
    _connection: http.client.HTTPConnection = field(init=False)
    _used: float = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(HOST, self.port, timeout=120)

    def send(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[http.client.HTTPMessage, bytes]:
        """Return headers and body of a success; LabError for any other answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["X-Auth-Token"] = self.token
        now = time.monotonic()
        # A server closes what nobody has used for a while.
        if now > self._used + KEPT_SECONDS:
            self._connection.close()
        self._used = now
        self._connection.request(method, path, body or None, named)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise LabError(f"{method} {path} was answered {answer.status}: {text!r}")
        return answer.headers, text


@dataclass(frozen=True)
class _User:
    """A user in a project that holds nothing but the machines made here."""

    client: Client
    settings: Settings
    image: str
    flavor: str

    def nova(self, method: str, path: str, body: object = None) -> Json:
        """Return the JSON of Nova's own answer."""
        raw = json.dumps(body).encode() if body else b""
        headers = {**MICROVERSION, "Content-Type": "application/json"}
        _, text = self.client.send(method, f"/v2.1{path}", raw, **headers)
        return json.loads(text) if text else {}

    def occi(self, path: str, headers: Mapping[str, str]) -> bytes:
        """Return the interface's answer to a GET."""
        return self.client.send("GET", f"/occi1.1{path}", **headers)[1]

    def servers(self) -> list[Json]:
        found: list[Json] = self.nova("GET", "/servers/detail")["servers"]
        return found

    def server(self) -> Json:
        """Return what Nova is asked to make, the same that OCCI asks it."""
        return {
            "name": "bench",
            "flavorRef": self.flavor,
            "imageRef": self.image,
            "networks": "auto",
        }

    def compute(self) -> bytes:
        """Return the same in OCCI."""
        references = (
            (kinds.COMPUTE.term, kinds.COMPUTE.scheme, "kind"),
            (self.image, kinds.OS_TEMPLATE, "mixin"),
            (self.flavor, kinds.RESOURCE_TEMPLATE, "mixin"),
        )
        lines = [
            f'Category: {term}; scheme="{scheme}"; class="{class_name}"'
            for term, scheme, class_name in references
        ]
        lines.append('X-OCCI-Attribute: occi.core.title="bench"')
        return "\n".join(lines).encode()

    def make(self) -> None:
        """Make a machine by OCCI."""
        headers = {**TEXT, "Content-Type": "text/plain"}
        self.client.send("POST", "/occi1.1/compute/", self.compute(), **headers)

    def grow(self, size: int) -> None:
        """Have `size` machines, all of them at work."""
        missing = size - len(self.servers())
        if missing > 0:
            begin = time.perf_counter()
            body = {**self.server(), "min_count": missing, "max_count": missing}
            self.nova("POST", "/servers", {"server": body})
            self.until_active()
            taken = time.perf_counter() - begin
            line(f"occi: {missing} more machines, in seconds", f"{taken:.0f} s", taken)

    def empty(self) -> None:
        """Delete all machines, and wait until they are gone."""
        for server in self.servers():
            self.nova("DELETE", f"/servers/{server['id']}")
        self.until_none("")

    def until_none(self, query: str) -> None:
        """Wait until Nova lists no machine for `query`."""
        begin = asked = time.monotonic()
        while self.nova("GET", f"/servers{query}")["servers"]:
            answered = time.monotonic()
            if answered > begin + SECONDS:
                raise LabError(f"/servers{query} is not empty after {SECONDS} s")
            # The process that makes the machines answers this, too.
            time.sleep(max(0.5, PATIENCE * (answered - asked)))
            asked = time.monotonic()

    def until_active(self) -> None:
        """Wait until all machines are made."""
        self.until_none("?status=BUILD")
        bad = [s["id"] for s in self.servers() if s["status"] != "ACTIVE"]
        if bad:
            raise LabError(f"Nova could not make {len(bad)} machines: {bad[:3]}")

    def measure_creations(self) -> None:
        """Print the time until each has answered; what it began is not timed."""

        def settle() -> None:
            self.until_active()
            self.empty()

        self.make()
        settle()
        found = medians(
            {
                "nova": lambda: self.nova(
                    "POST", "/servers", {"server": self.server()}
                ),
                "after nova": settle,
                "occi": self.make,
                "after occi": settle,
            },
            rounds=CREATIONS,
        )
        _side_by_side("create", found, {"occi": ("without a key", CREATE_GOAL)})

    def measure_reading(self, size: int) -> None:
        """Print how long a list and one machine take, of `size` machines."""
        place = f"/{self.servers()[0]['id']}"
        goal = LIST_GOAL if size == SIZES[-1] else None
        for what, native, path, limit in (
            (f"list of {size}", "/servers/detail", "/compute/", goal),
            (f"show one of {size}", f"/servers{place}", f"/compute{place}", None),
        ):
            actions: dict[str, Callable[[], object]] = {
                "nova": lambda native=native: self.nova("GET", native),
                "text": lambda path=path: self.occi(path, TEXT),
                "json": lambda path=path: self.occi(path, JSON),
            }
            for action in actions.values():
                action()
            found = medians(actions, rounds=ROUNDS[size])
            _side_by_side(
                what, found, {"text": ("text", limit), "json": ("JSON", limit)}
            )

    def count(self, size: int) -> None:
        """Print the calls of each request: of the first of its kind, and after."""
        place = f"/compute/{self.servers()[0]['id']}"
        with counting(self.settings) as port:
            client = Client(port, self.client.token)
            for what, path, headers, goal in (
                (f"list of {size}, text", "/compute/", TEXT, LIST_CALLS),
                (f"show one of {size}, text", place, TEXT, SHOW_CALLS),
                (f"show one of {size}, JSON", place, JSON, SHOW_CALLS),
                (f"list of {size}, JSON", "/compute/", JSON, LIST_CALLS),
                ("query interface", "/-/", TEXT, QUERY_CALLS),
            ):
                first, after = (
                    json.loads(
                        client.send("GET", f"/occi1.1{path}", **headers)[0][HEADER]
                    )
                    for _ in range(2)
                )
                figure = f"{_words(first)}; then {_words(after)}"
                line(
                    f"occi: calls, {what}", figure, max(map(_sum, (first, after))), goal
                )


def _sum(calls: Mapping[str, int]) -> int:
    return sum(calls.values())


def _words(calls: Mapping[str, int]) -> str:
    return " + ".join(f"{n} {service}" for service, n in calls.items()) or "none"


def _side_by_side(
    what: str,
    found: Mapping[str, float],
    ours: Mapping[str, tuple[str, float | None]],
) -> None:
    floor = found["nova"]
    line(f"occi: {what}, Nova's own", f"{floor / 1000:.1f} ms {1:5.2f}", 1)
    for name, (form, goal) in ours.items():
        ratio = found[name] / floor
        figure = f"{found[name] / 1000:.1f} ms {ratio:5.2f}"
        line(f"occi: {what}, {form}", figure, ratio, goal)


@contextmanager
def user(lab: Lab) -> Iterator[_User]:
    """Yield a user with a project; both go, with all machines, at the end."""
    settings = lab.settings
    name, secret = f"bench-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    domain = {"name": name, "domain_id": "default"}
    with Cloud(settings, password(settings)) as cloud, ExitStack() as undo:

        def made(kind: str, **values: str) -> str:
            body = {kind: {**domain, **values}}
            found = cloud.call("POST", "keystone", f"/{kind}s", body)[kind]["id"]
            undo.callback(cloud.call, "DELETE", "keystone", f"/{kind}s/{found}")
            return str(found)

        project, user = made("project"), made("user", password=secret)
        role = cloud.call("GET", "keystone", "/roles?name=member")["roles"][0]["id"]
        path = f"/projects/{project}/users/{user}/roles/{role}"
        cloud.call("PUT", "keystone", path)
        cloud.call("PUT", "nova", f"/os-quota-sets/{project}", {"quota_set": QUOTA})
        images = cloud.call("GET", "glance", f"/images?name={IMAGE}")["images"]
        flavors = cloud.call("GET", "nova", "/flavors")["flavors"]
        found = _User(
            client=Client(
                settings.port("nova"), _token(settings, user, secret, project)
            ),
            settings=settings,
            image=images[0]["id"],
            flavor=next(f["id"] for f in flavors if f["name"] == FLAVOR),
        )
        undo.callback(found.empty)
        yield found


def _token(settings: Settings, user: str, secret: str, project: str) -> str:
    who = {"id": user, "password": secret}
    answer = requests.post(
        f"{settings.url('keystone')}/v3/auth/tokens",
        json={
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": who}},
                "scope": {"project": {"id": project}},
            }
        },
        verify=str(settings.ca_file),
        timeout=60,
    )
    answer.raise_for_status()
    return answer.headers["X-Subject-Token"]
