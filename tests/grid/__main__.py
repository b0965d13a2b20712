# SPDX-License-Identifier: Apache-2.0
"""The command `python -m tests.grid ROOT`: make a test grid and name its parts.

Owns the command line only; grid.py does the work.
Read first: main().
"""

import argparse
import sys
from pathlib import Path

from tests.grid.grid import make_grid
from tests.grid.proxyfake import ProxyFakeError
from tests.grid.reissue import GridError


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status; 1 with one line on standard error on failure."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.grid",
        description="Make a grid of test CAs, VOMS servers and users, "
        "valid for 24 hours, in place of an older one.",
    )
    parser.add_argument("root", type=Path, metavar="ROOT", help="the directory")
    parser.add_argument(
        "--maker",
        choices=("auto", "own", "voms-proxy-fake"),
        default="auto",
        help="who makes the proxies and ACs; auto: voms-proxy-fake if installed",
    )
    chosen = parser.parse_args(arguments)
    try:
        grid = make_grid(chosen.root.absolute(), maker=chosen.maker)
    except (GridError, ProxyFakeError, OSError) as error:
        print(f"test grid: {error}", file=sys.stderr)
        return 1
    print(f"CA directory  {grid.certificates}")
    print(f"vomsdir       {grid.vomsdir}")
    print(f"proxies       {grid.proxies}")
    print(f"keys          {grid.keys}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
