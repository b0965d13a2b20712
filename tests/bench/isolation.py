# SPDX-License-Identifier: Apache-2.0
"""What the isolation filter costs a request, beside the same without it.

Owns the two Nova APIs that are compared: on one database and one rule set, each in a
process of its own, the one with the filter in its pipeline and the other without.
One user asks both in turn over connections that are kept open. Must never assert, or
leave a machine behind. Read ``run`` first.

CPython 3.11 gives a thread its stack in pieces, and a loop at the end of a piece maps
memory with each call. Where Nova's loops stand moves by the frames of a filter, so a
list in detail can be quicker with it; the page faults of the two processes tell.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from tests.bench.measure import line, medians
from tests.bench.occi import MICROVERSION, Client, user
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.settings import HOST, SHARED_PROJECT, Settings

GOAL = 1.05
SERVERS = 200
ROUNDS = {"list": 40, "list detail": 30, "show": 150}
FILTER = " vo_isolation "
WARM_UP = 5
PORT = re.compile(rb":\d+(?=/)")

_PORT_DISTANCE = {"with the filter": 94, "without": 95}
_START_SECONDS = 60


def run() -> None:
    """Print how long each request takes with the filter, and what it costs."""
    found = Lab.from_environ()
    lab = Lab(replace(found.settings, isolation=SHARED_PROJECT))
    running = not any(service.fault for service in lab.status())
    lab.up()
    try:
        with user(lab) as owner, _apis(lab.settings, owner.client.token) as clients:
            owner.grow(SERVERS)
            _measure(clients, owner.servers()[0]["id"])
    finally:
        if not running:
            lab.down()


def _measure(clients: dict[str, Client], server: str) -> None:
    for what, path in (
        ("list", "/v2.1/servers"),
        ("list detail", "/v2.1/servers/detail"),
        ("show", f"/v2.1/servers/{server}"),
    ):
        actions = {
            name: lambda client=client, path=path: client.send(
                "GET", path, **MICROVERSION
            )
            for name, client in clients.items()
        }
        for _ in range(WARM_UP):
            _compare(path, {name: action()[1] for name, action in actions.items()})
        found = medians(actions, rounds=ROUNDS[what])
        with_filter, without = (found[name] for name in _PORT_DISTANCE)
        of = f"{what}, {SERVERS} servers"
        line(
            f"isolation: {of}, without the filter", f"{without / 1000:.1f} ms", without
        )
        ratio = with_filter / without
        figure = f"{with_filter / 1000:.1f} ms {ratio:5.3f}"
        line(f"isolation: {of}, with it", figure, ratio, GOAL)


def _compare(path: str, bodies: dict[str, bytes]) -> None:
    """Raise LabError unless both APIs answer alike but for their own address."""
    alike = {PORT.sub(b"", body) for body in bodies.values()}
    if len(alike) > 1:
        sizes = {name: len(body) for name, body in bodies.items()}
        raise LabError(f"GET {path} has two answers, of {sizes} bytes.")


@contextmanager
def _apis(settings: Settings, token: str) -> Iterator[dict[str, Client]]:
    """Yield a client of each API, which answers."""
    with TemporaryDirectory() as place, ExitStack() as stack:
        found = {}
        for name, distance in _PORT_DISTANCE.items():
            port = settings.port_base + distance
            here = Path(place) / str(port)
            here.mkdir()
            _write(settings, here, filtered=name != "without")
            process = _started(settings, here, port, stack)
            _wait(port, process, here / "log")
            found[name] = Client(port, token)
        yield found


def _write(settings: Settings, here: Path, *, filtered: bool) -> None:
    """Write a nova.conf and its paste file, with the filter or without."""
    paste = (settings.etc / "api-paste.ini").read_text()
    if FILTER not in paste:
        raise LabError(f"{settings.etc}/api-paste.ini has no{FILTER}to leave out.")
    if not filtered:
        paste = paste.replace(FILTER, " ")
    (here / "api-paste.ini").write_text(paste)
    conf = (settings.etc / "nova.conf").read_text()
    lab = f"api_paste_config = {settings.etc}/api-paste.ini"
    (here / "nova.conf").write_text(
        conf.replace(lab, f"api_paste_config = {here}/api-paste.ini")
    )


def _started(
    settings: Settings, here: Path, port: int, stack: ExitStack
) -> "subprocess.Popen[bytes]":
    file = stack.enter_context((here / "log").open("wb"))
    module = "tests.lab.run.wsgi_server"
    process = subprocess.Popen(
        [sys.executable, "-m", module, "nova.wsgi.osapi_compute", str(port)],
        cwd=settings.source,
        env={**os.environ, "OS_NOVA_CONFIG_DIR": str(here)},
        stdout=file,
        stderr=file,
    )
    stack.callback(process.wait, _START_SECONDS)
    stack.callback(process.terminate)
    return process


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            requests.get(f"http://{HOST}:{port}/", timeout=60)
            return
        except requests.ConnectionError:
            if process.poll() is not None or time.monotonic() > end:
                text = log.read_text()[-2000:]
                raise LabError(f"no answer on port {port}: {text}") from None
        time.sleep(0.2)
