# SPDX-License-Identifier: Apache-2.0
"""Serves one WSGI application on loopback until the process is told to stop.

Owns the life of a service process: listen, wait for SIGTERM, stop listening,
let the service's own threads end. It must never bind beyond loopback. Read
serve_until_stopped.

As a command: python -m tests.lab.run.wsgi_server MODULE PORT serves the
`application` of a module.
"""

import importlib
import logging
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib import request
from urllib.error import HTTPError

from cheroot import server as cheroot_server
from cheroot import wsgi

HOST = "127.0.0.1"
# Requests wait for other services; fewer threads could wait for each other.
THREADS = 12
QUEUE = 128
IDLE_SECONDS = 60
FINISH_SECONDS = 2
ANSWER_SECONDS = 90
POLL_SECONDS = 0.1

# OCCI repeats these in a request; of other repeated headers cheroot keeps one.
OCCI_HEADERS = (b"Category", b"Link", b"X-Occi-Attribute", b"X-Occi-Location")

LOG = logging.getLogger(__name__)


class KeepInputOpen:
    """An application that may close its input without closing the connection.

    Glance closes what it has stored. The next request on the connection would
    then be answered with an error before it is read.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input"] = _OpenInput(environ["wsgi.input"])
        return self._application(environ, start_response)


class _OpenInput:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)

    def close(self) -> None:
        """Leave the stream to the server (PEP 3333 gives it no close)."""


def new_server(application: Any, port: int) -> wsgi.Server:
    """Return a server for an application, not listening yet."""
    known = cheroot_server.comma_separated_headers
    known.extend(name for name in OCCI_HEADERS if name not in known)
    server = wsgi.Server(
        (HOST, port),
        KeepInputOpen(application),
        numthreads=THREADS,
        request_queue_size=QUEUE,
        timeout=IDLE_SECONDS,
        shutdown_timeout=FINISH_SECONDS,
    )
    server.error_log = log_server_error
    return server


@contextmanager
def stopped_at_the_end() -> Iterator[list[Callable[[], object]]]:
    """Yield a list for the functions that stop what is started in the block.

    They are called together, however the block ends. Otherwise the threads of
    a worker that did start would keep a process alive whose start failed.
    """
    stops: list[Callable[[], object]] = []
    try:
        yield stops
    finally:
        with ThreadPoolExecutor() as pool:
            for ended in [pool.submit(stop) for stop in stops]:
                ended.result()


def serve_until_stopped(server: wsgi.Server, stops: list[Callable[[], object]]) -> None:
    """Listen until SIGTERM or SIGINT; what ends the listening joins `stops`."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    server.prepare()
    stops.append(server.stop)
    loop = threading.Thread(target=server.serve, name="wsgi", daemon=True)
    loop.start()
    while loop.is_alive() and not told.wait(1):
        pass
    # Connections that clients keep open break now, which is no error of theirs.
    server.error_log = _log_at_the_end


def wait_for_answer(urls: Iterable[str], ca_file: str) -> None:
    """Return when every URL is answered, with whatever status.

    Raises TimeoutError when one is not within a minute and a half.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    opener = request.build_opener(
        request.ProxyHandler({}),
        request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)),
    )
    for url in urls:
        while not _answers(opener, url):
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody answers at {url}")
            time.sleep(POLL_SECONDS)


def log_server_error(message: str = "", level: int = 20, traceback: bool = False):
    """Log what cheroot itself has to say, in the service's log."""
    LOG.log(level, "%s", message, exc_info=traceback)


def _log_at_the_end(message: str = "", *_: Any, **__: Any) -> None:
    LOG.info("while stopping: %s", message)


def _answers(opener: request.OpenerDirector, url: str) -> bool:
    try:
        opener.open(url, timeout=ANSWER_SECONDS).close()
    except HTTPError:
        return True
    except OSError:
        return False
    return True


def main() -> None:
    module, port = sys.argv[1], int(sys.argv[2])
    # The services read their own options from the command line.
    del sys.argv[1:]
    application = importlib.import_module(module).application
    with stopped_at_the_end() as stops:
        serve_until_stopped(new_server(application, port), stops)


if __name__ == "__main__":
    main()
