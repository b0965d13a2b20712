# SPDX-License-Identifier: Apache-2.0
"""What a login costs, against one with an application credential.

Owns the kinds of login that are compared: on one Keystone, into one project,
each over a TLS connection of its own, with password_hash_rounds = 4, so that
hashing flatters nobody. A lab of its own keeps everybody else out. Must never
assert. Read ``run`` first.
"""

import http.client
import itertools
import json
import os
import ssl
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.bench.measure import line, medians
from tests.grid.accounts import BASE_DN, SERVERS, VOMS_PORT, full_fqan
from tests.grid.ac import make_ac
from tests.grid.certs import Credential, make_proxy, make_user, pooled_key
from tests.grid.grid import Grid
from tests.grid.reissue import write_private
from tests.lab.beside import keystone_alone
from tests.lab.cloud import Cloud
from tests.lab.configuration import password
from tests.lab.lab import Lab
from tests.lab.settings import HOST

KNOWN_GOAL = 1.15
PORT_DISTANCE = 300
ROUNDS = 60
# Logins of each kind by one client and by several, and while SQL is counted.
LOGINS = 48
CLIENTS = (1, 8)
COUNTED = 10
PROJECT, VO = "dteam", "dteam"
WARM_UP = 3
FLOOR = "application credential"
FIRST = "voms, first login of a user"
KINDS = {
    FLOOR: None,
    "password": None,
    FIRST: None,
    "voms, known user, new proxy": KNOWN_GOAL,
    "voms, known user, same proxy": KNOWN_GOAL,
}
STATEMENTS = ("Com_select", "Com_insert", "Com_update", "Com_delete")
VOMS = {"methods": ["voms"], "voms": {}}

Login = Callable[[], object]


def run() -> None:
    """Print all figures of logins."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "lab"
        with keystone_alone(root, distance=PORT_DISTANCE) as lab:
            logins = dict(zip(KINDS, _logins(lab, Path(place)), strict=True))
            for login in logins.values():
                for _ in range(WARM_UP):
                    login()
            _latencies(logins)
            _rates(lab, logins)
            _statements(lab, logins)


def _latencies(logins: dict[str, Login]) -> None:
    # Apart from the others: a first login empties caches, which the next of
    # the round would have to fill.
    known = {kind: login for kind, login in logins.items() if kind != FIRST}
    found = medians(known, rounds=ROUNDS)
    found |= medians({FIRST: logins[FIRST]}, rounds=ROUNDS)
    for kind, goal in KINDS.items():
        ratio = found[kind] / found[FLOOR]
        figure = f"{found[kind] / 1000:.1f} ms {ratio:5.2f}"
        line(f"keystone: {kind}", figure, ratio, goal)


def _rates(lab: Lab, logins: dict[str, Login]) -> None:
    server = next(one.pid for one in lab.status() if one.name == "keystone")
    for clients, (kind, login) in itertools.product(CLIENTS, logins.items()):
        begin, busy = time.perf_counter(), _cpu_seconds(server)
        with ThreadPoolExecutor(clients) as pool:
            for done in [pool.submit(login) for _ in range(LOGINS)]:
                done.result()
        rate = LOGINS / (time.perf_counter() - begin)
        cpu = (_cpu_seconds(server) - busy) / LOGINS * 1000
        what = f"keystone: {kind}, {clients} client(s), CPU"
        line(what, f"{rate:.1f} /s {cpu:4.0f} ms", rate)


def _cpu_seconds(pid: int | None) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _statements(lab: Lab, logins: dict[str, Login]) -> None:
    with closing(_database(lab)) as connection:
        for kind, login in logins.items():
            login()  # fills what the login of the line above has emptied
            before = _counters(connection)
            for _ in range(COUNTED):
                login()
            after = _counters(connection)
            reads, *writes = ((after[k] - before[k]) / COUNTED for k in STATEMENTS)
            figure = f"{reads:.1f} + {sum(writes):.1f}"
            line(f"keystone: {kind}, SQL reads + writes", figure, reads)


def _database(lab: Lab) -> Any:
    return pymysql.connect(
        host=HOST,
        port=lab.settings.port("mariadb"),
        user="lab",
        password=password(lab.settings),
    )


def _counters(connection: Any) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS")
        found = dict(cursor.fetchall())
    return {name: int(found[name]) for name in STATEMENTS}


def _logins(lab: Lab, place: Path) -> Iterator[Login]:
    """Yield a login of each kind, in the order of KINDS."""
    settings = lab.settings
    project = {"name": PROJECT, "domain": {"id": "default"}}
    client = _Client(port=settings.port("keystone"), ca_file=settings.ca_file)
    local = _local_user(lab, client)
    yield lambda: client.log_in(local.application_credential)
    yield lambda: client.log_in(local.password, project)

    people = _People(Grid(settings.grid), place)
    guests = (people.proxy(people.person()) for _ in itertools.count())
    first = _ready(client, guests)
    yield lambda: client.log_in(VOMS, project, next(first))
    known = people.person()
    again = _ready(client, (people.proxy(known) for _ in itertools.count()))
    yield lambda: client.log_in(VOMS, project, next(again))
    same = client.context(people.proxy(known))
    yield lambda: client.log_in(VOMS, project, same)


def _ready(client: "_Client", proxies: Iterator[Path]) -> Iterator[ssl.SSLContext]:
    """Return what gives a new proxy to each login, made before any is timed."""
    needed = WARM_UP + ROUNDS + len(CLIENTS) * LOGINS + COUNTED + 1
    return iter([client.context(next(proxies)) for _ in range(needed)])


class _Client:
    """A client that does little but wait, so that the server is what is timed."""

    def __init__(self, *, port: int, ca_file: Path) -> None:
        self._port = port
        self._ca_file = ca_file
        self._plain = self.context()

    def context(self, proxy: Path | None = None) -> ssl.SSLContext:
        """Return what a client, with this proxy, brings to its handshakes."""
        context = ssl.create_default_context(cafile=self._ca_file)
        if proxy:
            context.load_cert_chain(proxy)
        return context

    def log_in(
        self,
        identity: dict[str, Any],
        project: dict[str, Any] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> str:
        """Return a token, got over a new connection."""
        auth: dict[str, Any] = {"identity": identity}
        if project:
            auth["scope"] = {"project": project}
        headers, _ = self.post("/v3/auth/tokens", {"auth": auth}, context=context)
        return headers["X-Subject-Token"]

    def post(
        self,
        path: str,
        body: object,
        *,
        context: ssl.SSLContext | None = None,
        token: str = "",
    ) -> tuple[http.client.HTTPMessage, Any]:
        """Return headers and body of a 201; RuntimeError for any other answer."""
        connection = http.client.HTTPSConnection(
            HOST, self._port, context=context or self._plain, timeout=60
        )
        with closing(connection):
            headers = {"Content-Type": "application/json", "X-Auth-Token": token}
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"POST {path} was answered {answer.status}: {text!r}")
        return answer.headers, json.loads(text)


@dataclass(frozen=True, kw_only=True)
class _Identities:
    """How a user of Keystone's own logs in: the identity of each request."""

    password: dict[str, Any]
    application_credential: dict[str, Any]


def _local_user(lab: Lab, client: _Client) -> _Identities:
    """Make a user with a role of its own in the project, and its credential."""
    secret = uuid.uuid4().hex
    body = {"name": "bench", "password": secret, "domain_id": "default"}
    with Cloud(lab.settings, password(lab.settings)) as cloud:
        user = cloud.call("POST", "keystone", "/users", {"user": body})["user"]["id"]
        found = cloud.call("GET", "keystone", f"/projects?name={PROJECT}")
        project = found["projects"][0]["id"]
        role = cloud.call("GET", "keystone", "/roles?name=member")["roles"][0]["id"]
        path = f"/projects/{project}/users/{user}/roles/{role}"
        cloud.call("PUT", "keystone", path)
    who = {"user": {"id": user, "password": secret}}
    by_password = {"methods": ["password"], "password": who}
    token = client.log_in(by_password, {"id": project})
    path = f"/v3/users/{user}/application_credentials"
    _, made = client.post(
        path, {"application_credential": {"name": "bench"}}, token=token
    )
    keys = {name: made["application_credential"][name] for name in ("id", "secret")}
    return _Identities(
        password=by_password,
        application_credential={
            "methods": ["application_credential"],
            "application_credential": keys,
        },
    )


class _People:
    """People of the grid in any number, and proxies of theirs in any number."""

    def __init__(self, grid: Grid, place: Path) -> None:
        self._issuer = grid.authority("root").load()
        self._voms = grid.voms(VO).load()
        self._place = place
        self._numbers = itertools.count()

    def person(self) -> Credential:
        """Return somebody new. Keys are shared, which no server can tell."""
        dn = f"{BASE_DN}/O=People/CN=bench {next(self._numbers)}"
        return make_user(dn, issuer=self._issuer, key=pooled_key(0))

    def proxy(self, person: Credential) -> Path:
        """Return a new proxy of a member of the VO."""
        ac = make_ac(
            holder=person.certificate,
            voms=self._voms,
            vo=VO,
            fqans=[full_fqan(f"/{VO}")],
            host=SERVERS[VO].host,
            port=VOMS_PORT,
        )
        path = self._place / f"proxy-{next(self._numbers)}.pem"
        write_private(path, make_proxy(person, ac=ac).pem())
        return path
