# SPDX-License-Identifier: Apache-2.0
"""The real voms-proxy-init, where it reaches the lab's VOMS server.

Owns the options that every user of the lab would type: whose certificate, which
server, which CAs. It must never make a proxy by itself. Read command.
"""

import os

from tests.grid.accounts import ACCOUNTS
from tests.grid.grid import Grid
from tests.lab import environment, voms_server
from tests.lab.errors import LabError
from tests.lab.settings import Settings

# The clients in C and in Java, by Debian's names.
C, JAVA = "voms-proxy-init2", "voms-proxy-init3"
CLIENTS = (C, JAVA)
USERS = (*ACCOUNTS, "mallory")


def proxy_file(settings: Settings, user: str) -> str:
    """Return where a user's proxy is written, unless --out says another place."""
    return str(settings.root / f"proxies/{user}.pem")


def command(
    settings: Settings, pid: int, user: str, *arguments: str, client: str = C
) -> list[str]:
    """Return the command that asks the server with this pid for a user's proxy."""
    if user not in USERS:
        raise LabError(f"There is no user {user}; there are {', '.join(USERS)}.")
    grid = Grid(settings.grid)
    pair = grid.user(user)
    own = ["--cert", str(pair.certificate), "--key", str(pair.key)]
    own += ["--vomses", str(voms_server.vomses(settings))]
    if client == JAVA:
        # The server of Debian has only the older of the two protocols.
        own += ["--enable_legacy_protocol"]
        own += ["--certdir", str(grid.certificates), "--vomsdir", str(grid.vomsdir)]
    if not any(word.lstrip("-").startswith("out") for word in arguments):
        own += ["--out", proxy_file(settings, user)]
    joined = [f"{settings.venv}/bin/python", "-m", "tests.lab.run.network", str(pid)]
    return [*joined, environment.program(client), *own, *arguments]


def environ(settings: Settings) -> dict[str, str]:
    """Return the environment of a client, made from nothing."""
    grid = Grid(settings.grid)
    return {
        **environment.for_service(settings),
        "X509_CERT_DIR": str(grid.certificates),
        "X509_VOMS_DIR": str(grid.vomsdir),
        # Without a file of random bytes at hand the C client complains.
        "RANDFILE": os.devnull,
    }
