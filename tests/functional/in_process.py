# SPDX-License-Identifier: Apache-2.0
"""Serves requests, given as JSON on stdin, by the WSGI application itself.

A TLS server refuses most spoilt certificates before Keystone sees them, so
this hands them over in the environ. Run with the lab's Keystone configuration
in OS_KEYSTONE_CONFIG_DIR; prints the answers as JSON on the last line.
"""

import io
import json
import sys

from keystone_voms_ext.wsgi import application


def serve(request):
    """Return status, headers and body of one request."""
    body = json.dumps(request["body"]).encode() if request.get("body") else b""
    environ = {
        "REQUEST_METHOD": request.get("method", "POST"),
        "SCRIPT_NAME": "",
        "PATH_INFO": request["path"],
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "5000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **request.get("environ", {}),
    }
    answer = {}

    def start_response(status, headers, exc_info=None):
        answer.update(status=int(status.split()[0]), headers=dict(headers))

    chunks = application(environ, start_response)
    answer["body"] = b"".join(chunks).decode()
    return answer


if __name__ == "__main__":
    requests = json.load(sys.stdin)
    # Keystone takes the arguments of the process for its own.
    sys.argv[1:] = []
    print(json.dumps([serve(request) for request in requests]))
