# SPDX-License-Identifier: Apache-2.0
"""Counts what an OCCI request makes the interface ask other services.

Owns the two paste filters that stand around the filter occi, and the process
that they run in: Nova's own log does not show what is asked inside of Nova. Good
for one request at a time. Must never: count what Nova asks for itself. Read
``counting``, then Outside.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from ooi_ext import application
from ooi_ext.services import Services
from tests.lab.errors import LabError
from tests.lab.settings import HOST, Settings

# The calls of a request, by service, stand in this header of its answer.
HEADER = "X-Bench-Calls"

_PORT_DISTANCE = 96
_START_SECONDS = 60
_CALLS: Counter[str] = Counter()
_LOCK = threading.Lock()

Environ = dict[str, Any]


@contextmanager
def counting(settings: Settings) -> Iterator[int]:
    """Yield the port of an OCCI interface that counts, on the lab's nova.conf."""
    port = settings.port_base + _PORT_DISTANCE
    with TemporaryDirectory() as place, ExitStack() as stack:
        paste, log = Path(place) / "paste.ini", Path(place) / "log"
        paste.write_text(_paste(settings))
        file = stack.enter_context(log.open("wb"))
        module = "tests.lab.run.wsgi_server"
        process = subprocess.Popen(
            [sys.executable, "-m", module, "ooi_ext.application", str(port)],
            cwd=settings.source,
            env={
                **os.environ,
                "OS_NOVA_CONFIG_DIR": str(settings.etc),
                application.PASTE_VARIABLE: str(paste),
            },
            stdout=file,
            stderr=file,
        )
        stack.callback(process.wait, _START_SECONDS)
        stack.callback(process.terminate)
        end = time.monotonic() + _START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > end:
                raise LabError(f"no answer on port {port}: {log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield port


@dataclass(frozen=True)
class Outside:
    """Names in a header how often a request made `app` ask which service."""

    app: Any

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        with _LOCK:
            _CALLS.clear()
        started: list[Any] = []
        body = list(self.app(environ, lambda *given: started.append(given)))
        status, headers = started[-1][:2]
        start_response(status, [*headers, (HEADER, json.dumps(_CALLS))])
        return body


@dataclass(frozen=True)
class Inside:
    """Counts what the interface asks Nova, which is `app`."""

    app: Any

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        _count("nova")
        return self.app(environ, start_response)


def outside(global_conf: Environ) -> Callable[[Any], Outside]:
    """Return a paste filter; from now on the other services are counted as well."""
    _count_the_others()
    return Outside


def inside(global_conf: Environ) -> Callable[[Any], Inside]:
    """Return a paste filter."""
    return Inside


@cache
def _count_the_others() -> None:
    # Once, though the pipeline is made for each of its paths.
    ask = Services.ask

    def counted(self: Services, auth: Any, service: str, *more: Any) -> Any:
        _count(service)
        return ask(self, auth, service, *more)

    setattr(Services, "ask", counted)


def _count(service: str) -> None:
    with _LOCK:
        _CALLS[service] += 1


def _paste(settings: Settings) -> str:
    """Return the shipped paste file with the two filters in its pipeline."""
    shipped = application.paste_file({"OS_NOVA_CONFIG_DIR": str(settings.etc)})
    text = shipped.read_text()
    for before, after in (
        ("= www_authenticate ", "= bench_outside www_authenticate "),
        (" occi vo_isolation ", " occi bench_inside vo_isolation "),
    ):
        if text.count(before) != 1:
            raise LabError(f"{shipped} has no pipeline with {before!r} to count in.")
        text = text.replace(before, after)
    for name in ("outside", "inside"):
        factory = f"paste.filter_factory = tests.bench.upstream:{name}"
        text += f"\n[filter:bench_{name}]\n{factory}\n"
    return text


def _answers(port: int) -> bool:
    try:
        requests.get(f"http://{HOST}:{port}/-/", timeout=60)
        return True
    except requests.ConnectionError:
        return False
