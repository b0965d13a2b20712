# SPDX-License-Identifier: Apache-2.0
"""The memcached that the processes of one Keystone share.

Owns its command line. It keeps nothing on disk, and is part of a lab only
where Keystone has several processes: as at a site, what one of them forgets
all have to forget. It must never listen beyond loopback. Read command.
"""

import os
import socket

from tests.lab import environment
from tests.lab.settings import HOST, MEMCACHED, Settings

MEGABYTES = 16
CONNECTIONS = 256
PROBE_SECONDS = 5


def command(settings: Settings) -> list[str]:
    """Return the command that serves an empty cache on loopback."""
    return [
        environment.program("memcached"),
        f"--listen={HOST}",
        f"--port={settings.port(MEMCACHED)}",
        "--udp-port=0",
        f"--memory-limit={MEGABYTES}",
        f"--conn-limit={CONNECTIONS}",
        "--threads=1",
        # memcached refuses root unless root is asked for by name.
        *(["--user=root"] if os.getuid() == 0 else []),
    ]


def probe(settings: Settings) -> str:
    """Return why memcached does not answer, or '' when it does."""
    place = (HOST, settings.port(MEMCACHED))
    try:
        with socket.create_connection(place, PROBE_SECONDS) as connection:
            connection.sendall(b"version\r\n")
            answer = connection.recv(100)
    except OSError as error:
        return str(error)
    return "" if answer.startswith(b"VERSION ") else f"it answers {answer!r}"
