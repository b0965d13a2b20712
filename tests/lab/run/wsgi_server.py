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
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib import request
from urllib.error import HTTPError

from cheroot import wsgi

HOST = "127.0.0.1"
# Requests wait for other services; fewer threads could wait for each other.
THREADS = 12
QUEUE = 128
IDLE_SECONDS = 60
FINISH_SECONDS = 2
ANSWER_SECONDS = 90
POLL_SECONDS = 0.1

LOG = logging.getLogger(__name__)


def new_server(application: Any, port: int) -> wsgi.Server:
    """Return a server for an application, not listening yet."""
    server = wsgi.Server(
        (HOST, port),
        application,
        numthreads=THREADS,
        request_queue_size=QUEUE,
        timeout=IDLE_SECONDS,
        shutdown_timeout=FINISH_SECONDS,
    )
    server.error_log = log_server_error
    return server


def serve_until_stopped(
    server: wsgi.Server, *, stop: Iterable[Callable[[], object]] = ()
) -> None:
    """Listen until SIGTERM or SIGINT, then call the functions of stop together."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    server.prepare()
    loop = threading.Thread(target=server.serve, name="wsgi", daemon=True)
    loop.start()
    while loop.is_alive() and not told.wait(1):
        pass
    with ThreadPoolExecutor() as pool:
        for ended in [pool.submit(function) for function in (server.stop, *stop)]:
            ended.result()


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
    serve_until_stopped(new_server(application, port))


if __name__ == "__main__":
    main()
