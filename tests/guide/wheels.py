# SPDX-License-Identifier: Apache-2.0
"""Fetches what `pip install` of the guide needs, for a time without a network.

Owns the list: a client's requirements, and what building the project takes. Of the
project itself it must never fetch anything. Read main.

Command: python -m tests.guide.wheels FOLDER
"""

import subprocess
import sys
import tomllib

from tests.lab.lab import SOURCE

# As the guide names it, beside the project's own extra for clients.
CLIENT = "python-openstackclient"


def main() -> int:
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text())
    wanted = [CLIENT, *project["build-system"]["requires"]]
    command = [
        *(sys.executable, "-m", "pip", "download", "-qqq", "--dest", sys.argv[1]),
        *("--constraint", str(SOURCE / "constraints/2026.2.txt")),
        *("--requirement", str(SOURCE / "requirements.txt")),
        *wanted,
    ]
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
