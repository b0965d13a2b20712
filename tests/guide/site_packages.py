# SPDX-License-Identifier: Apache-2.0
"""Installs the system packages that the site has before the guide is followed.

Owns nothing but the choice: those of the lab's services without the ones that the
guide brings. Read main.

Command: python -m tests.guide.site_packages
"""

import sys

from tests.guide.site import settings
from tests.lab import packages, services
from tests.lab.errors import LabError
from tests.lab.settings import VOMSD


def main() -> int:
    names = (*services.names(settings()), VOMSD)
    try:
        packages.ensure(names, lambda text: print(text, flush=True))
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
