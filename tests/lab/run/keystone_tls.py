# SPDX-License-Identifier: Apache-2.0
"""Keystone behind the voms pipeline, served over TLS by one process or several.

Owns nothing but the order: build the application, then listen, so that a
broken configuration ends the process with its reason in the log. It must never
serve Keystone without TLS. Read main.

Command: python -m tests.lab.run.keystone_tls PORT GRID TLS_LOG WORKERS
"""

import io
import logging
import sys
from pathlib import Path
from wsgiref.util import setup_testing_defaults

from cheroot import wsgi

from keystone_voms_ext.wsgi import application
from tests.lab.run import tls
from tests.lab.run.siblings import Siblings, wait_to_listen
from tests.lab.run.wsgi_server import (
    new_server,
    serve_until_stopped,
    stopped_at_the_end,
)


# Stands in place of the number of workers for each but the first.
SIBLING = "sibling"


def main() -> None:
    port, grid, log, workers = sys.argv[1:]
    first = workers != SIBLING
    with stopped_at_the_end() as stops:
        siblings = Siblings(
            [*_command(), port, grid, log, SIBLING],
            count=int(workers) - 1 if first else 0,
        )
        stops.append(siblings.stop)
        del sys.argv[1:]
        _ask_once()
        server = _server(int(port), Path(grid), Path(log))
        server.reuse_port = workers != "1"
        if first:
            siblings.let_listen()
        else:
            wait_to_listen()
        serve_until_stopped(server, stops)


def _command() -> list[str]:
    return [sys.executable, "-m", "tests.lab.run.keystone_tls"]


def _server(port: int, grid: Path, log: Path) -> wsgi.Server:
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    tls.LOG.addHandler(handler)
    tls.LOG.setLevel(logging.INFO)
    tls.LOG.propagate = False
    server = new_server(application, port)
    server.ConnectionClass = tls.TlsConnection
    server.ssl_adapter = tls.ProxyCertAdapter(
        certificate=grid / "host/cert.pem",
        key=grid / "host/key.pem",
        ca_files=[grid / "ca.pem", grid / "crl.pem"],
    )
    return server


def _ask_once() -> None:
    # The pipeline is built at the first request. Asked here, an error in it
    # ends the process instead of failing every client.
    environ: dict[str, object] = {"wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    for _ in application(environ, lambda *_: None):
        pass


if __name__ == "__main__":
    main()
