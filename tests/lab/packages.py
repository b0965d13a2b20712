# SPDX-License-Identifier: Apache-2.0
"""The system packages that a lab needs and pip cannot bring.

Owns the list of programs and the packages they come in. It must never start or
configure a system daemon: the -core packages hold the programs alone. Read
ensure.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

from tests.lab.environment import search_path
from tests.lab.errors import LabError

NEEDED = {
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",
    "mariadb": "mariadb-client-core",
}
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


def ensure(say: Callable[[str], None]) -> None:
    """Install what is missing with apt as root; raise LabError otherwise."""
    needed = missing(NEEDED, find=_find)
    wanted = missing(WANTED, find=_find)
    if needed or (wanted and os.environ.get("CI")):
        _install([*needed, *wanted], say)


def _find(name: str) -> str | None:
    return shutil.which(name, path=search_path())


def _install(packages: list[str], say: Callable[[str], None]) -> None:
    names = " ".join(packages)
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise LabError(
            f"System packages are missing: {names}. As root on Debian or Ubuntu: "
            f"apt-get install {names}. Elsewhere install MariaDB's server programs; "
            "no service has to run."
        )
    say(f"installing the system packages {names}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
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
