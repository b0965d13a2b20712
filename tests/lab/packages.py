# SPDX-License-Identifier: Apache-2.0
"""The system packages that a lab needs and pip cannot bring.

Owns the list of programs and the packages they come in. It must never start or
configure a system daemon: where a package brings one its start is left out, and
the -core and -bin packages hold the programs alone. Read ensure.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from tests.lab import apache, rabbitmq, voms_client, voms_server
from tests.lab.environment import search_path
from tests.lab.errors import LabError
from tests.lab.settings import APACHE, EPMD, MEMCACHED, RABBITMQ, VOMSD

NEEDED = {
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",
    "mariadb": "mariadb-client-core",
}
NEEDED_BY = {
    MEMCACHED: {"memcached": "memcached"},
    APACHE: {apache.PROGRAM: "apache2-bin", apache.GRIDSITE: "gridsite"},
    RABBITMQ: {rabbitmq.PROGRAM: "rabbitmq-server"},
    EPMD: {"epmd": "erlang-base"},
    VOMSD: {
        voms_server.PROGRAM: "voms-server",
        voms_server.LIBRARY: "voms-mysql-plugin",
        voms_client.C: "voms-clients",
        voms_client.JAVA: "voms-clients-java",
    },
}
# systemctl and invoke-rc.d leave the daemons of new packages alone then.
NO_START = {"SYSTEMD_OFFLINE": "1", "RUNLEVEL": "1"}
# The test grid makes attribute certificates itself where this one is missing;
# only CI insists on the real program.
WANTED = {"voms-proxy-fake": "voms-clients"}


def missing(
    programs: Mapping[str, str], *, find: Callable[[str], str | None]
) -> list[str]:
    """Return the packages of the programs that `find` does not know, in order."""
    return list(
        dict.fromkeys(package for name, package in programs.items() if not find(name))
    )


def needed_by(services: Collection[str]) -> dict[str, str]:
    """Return the programs that a lab of these services needs, with their packages."""
    found = dict(NEEDED)
    for service, programs in NEEDED_BY.items():
        if service in services:
            found |= programs
    return found


def ensure(services: Collection[str], say: Callable[[str], None]) -> None:
    """Install what is missing with apt as root; raise LabError otherwise."""
    needed = missing(needed_by(services), find=_find)
    wanted = missing(WANTED, find=_find)
    if not needed and not (wanted and os.environ.get("CI")):
        return
    # Of two labs that start at once, one waits until the other has what it needs.
    with Path(__file__).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = missing({**needed_by(services), **WANTED}, find=_find)
        if found:
            _install(found, say)


def _find(name: str) -> str | None:
    if name.startswith("/"):
        return name if Path(name).exists() else None
    return shutil.which(name, path=search_path())


def _install(packages: list[str], say: Callable[[str], None]) -> None:
    names = " ".join(packages)
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise LabError(
            f"System packages are missing: {names}. As root on Debian or Ubuntu: "
            f"apt-get install {names}. Elsewhere install the programs of the same "
            "names; no service of the system has to run."
        )
    say(f"installing the system packages {names}")
    environ = {**os.environ, **NO_START, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["update", "-qq"], install):
        result = subprocess.run(
            ["apt-get", *command],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if result.returncode:
            last = (result.stderr.strip().splitlines() or ["(no message)"])[-1]
            raise LabError(f"apt-get {' '.join(command)} failed: {last}")
