# SPDX-License-Identifier: Apache-2.0
"""Keystone behind the voms pipeline, served over TLS in one process.

Owns nothing but the order: build the application, then listen, so that a
broken configuration ends the process with its reason in the log. It must never
serve Keystone without TLS. Read main.

Command: python -m tests.lab.run.keystone_tls PORT GRID TLS_LOG
"""

import io
import logging
import sys
from pathlib import Path
from wsgiref.util import setup_testing_defaults

from keystone_voms_ext.wsgi import application
from tests.lab.run import tls
from tests.lab.run.wsgi_server import (
    new_server,
    serve_until_stopped,
    stopped_at_the_end,
)


def main() -> None:
    port, grid, log = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    del sys.argv[1:]
    _ask_once()
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
    with stopped_at_the_end() as stops:
        serve_until_stopped(server, stops)


def _ask_once() -> None:
    # The pipeline is built at the first request. Asked here, an error in it
    # ends the process instead of failing every client.
    environ: dict[str, object] = {"wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    for _ in application(environ, lambda *_: None):
        pass


if __name__ == "__main__":
    main()
