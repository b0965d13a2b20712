# SPDX-License-Identifier: Apache-2.0
"""A small OpenStack service on loopback, made of one function.

Owns: the HTTP around it. Must never: know which service it is. Read first: serve.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Method, path with its query, body, headers -> status and what to send as JSON.
Answering = Callable[[str, str, Any, Mapping[str, str]], tuple[int, Any]]


@contextmanager
def serve(answer: Answering) -> Iterator[str]:
    """Serve `answer`, and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, found = answer(
                self.command, self.path, json.loads(raw) if raw else None, self.headers
            )
            body = b"" if found is None else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
