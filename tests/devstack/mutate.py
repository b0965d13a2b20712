# SPDX-License-Identifier: Apache-2.0
"""Leaves lines of the DevStack plugin out, and tells which no scenario misses.

``python -m tests.devstack.mutate [PART]...`` tries each line of these files of
devstack/, or of plugin.sh and all of lib. A line is fine when some scenario fails
without it. Read first: missed.
"""

import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.devstack import scenarios
from tests.devstack.world import CHECKOUT, checkout_with

Scenario = Callable[[Path], None]


def lines_of(part: str) -> list[int]:
    """Return the numbers, from 0, of the lines that are code."""
    lines = (CHECKOUT / "devstack" / part).read_text().splitlines()
    return [
        number
        for number, line in enumerate(lines)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def missed(part: str, number: int, tried: Iterable[Scenario]) -> str:
    """Return the line if no scenario misses it; empty if one fails without it."""
    lines = (CHECKOUT / "devstack" / part).read_text().splitlines(keepends=True)
    line = lines.pop(number)
    with checkout_with(part, lines) as checkout:
        for scenario in tried:
            try:
                scenario(checkout)
            except (AssertionError, LookupError, OSError, subprocess.TimeoutExpired):
                return ""
    return line


def main(parts: list[str]) -> int:
    """Print the lines that nothing misses. 0: there are none."""
    lib = sorted((CHECKOUT / "devstack/lib").iterdir())
    parts = parts or ["plugin.sh", *(f"lib/{path.name}" for path in lib)]
    tried = [(part, number) for part in parts for number in lines_of(part)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: missed(*one, scenarios.ALL), tried))
    left = [(*place, line) for place, line in zip(tried, found, strict=True) if line]
    for part, number, line in left:
        print(f"{part}:{number + 1}: {line.rstrip()}")
    print(f"{len(tried)} lines left out, one at a time; {len(left)} not missed")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
