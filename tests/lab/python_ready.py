# SPDX-License-Identifier: Apache-2.0
"""Says before anything is installed whether this Python will do.

Run by the system's own Python, of whatever age, so it uses nothing new. On
Debian and Ubuntu the module venv is a package of its own; root gets it
installed, everybody else is told its name.
"""

import importlib.util
import os
import shutil
import subprocess
import sys

NEEDED = (3, 11)


def main():
    if sys.version_info < NEEDED:
        return "Python %d.%d or later is needed, this is %d.%d: set PYTHON=..." % (
            NEEDED + sys.version_info[:2]
        )
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return 0
    package = "python%d.%d-venv" % sys.version_info[:2]
    if os.getuid() != 0 or not shutil.which("apt-get"):
        return "The module venv is missing: install the package %s." % package
    subprocess.check_call(["apt-get", "update", "-qq"])
    return subprocess.call(["apt-get", "install", "-y", "-qq", package])


if __name__ == "__main__":
    sys.exit(main())
