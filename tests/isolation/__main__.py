# SPDX-License-Identifier: Apache-2.0
"""The command `python -m tests.isolation`: the matrix, tried on the lab in each mode.

Owns: the change of modes, what is printed and the exit status. The lab (LAB_ROOT,
LAB_PORT_BASE) is left in the mode and the state in which it was found. Must never:
judge a cell; that is for run and report. Read first: main.
"""

import argparse
import sys
import time
from collections.abc import Iterable

from tests.isolation import attempts, matrix, report
from tests.isolation.run import Result, opened, result
from tests.isolation.world import World
from tests.lab.beside import set_otherwise
from tests.lab.lab import Lab
from tests.lab.settings import ISOLATION, OFF, PROJECT_PER_USER, SHARED_PROJECT


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 when all is as expected, 1 when a cell differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.isolation")
    parser.add_argument("modes", nargs="*", choices=[[], *ISOLATION], default=[])
    parser.add_argument("--only", default="", help="rows that have this text")
    chosen = parser.parse_args(arguments)
    lab = Lab.from_environ(say=print)
    running = not any(service.fault for service in lab.status())
    good = True
    try:
        for mode in chosen.modes or (SHARED_PROJECT, PROJECT_PER_USER, OFF):
            good &= _mode(lab, mode, chosen.only)
    finally:
        if running:
            lab.up()
        else:
            lab.down()
    return 0 if good else 1


def _mode(lab: Lab, mode: str, only: str) -> bool:
    there = set_otherwise(lab, isolation=mode)
    begin = time.monotonic()
    print("\n" + "\n".join(report.head(mode)))
    rows = [r for r in matrix.rows(mode) if only in f"{r.service} {r.operation}"]
    with opened(there) as world:
        found = list(_shown(world, rows))
        bad = _ways_around(world, mode) if not only else []
    text, good = report.total(found)
    print(f"{mode}: {text}; {time.monotonic() - begin:.0f} s")
    return good and not bad


def _shown(world: World, rows: Iterable[matrix.Row]) -> Iterable[Result]:
    for row in rows:
        begin = time.monotonic()
        found = result(world, row)
        print(report.line(found, time.monotonic() - begin), flush=True)
        yield found


def _ways_around(world: World, mode: str) -> list[str]:
    """Print and return the attempts whose outcome is not the expected one."""
    bad = []
    before = world.state(attempts.TOUCHED)
    for attempt in attempts.ATTEMPTS if mode != PROJECT_PER_USER else ():
        seen = attempts.outcome(world, attempt)
        if (seen != attempts.CLOSED) is not (attempt.leaks and mode == OFF):
            bad.append(attempt.name)
            print(f"WRONG way around: {attempt.name}: {seen}")
    if mode == SHARED_PROJECT and world.state(attempts.TOUCHED) != before:
        bad.append("something of alice's has changed")
        print(f"WRONG ways around: {bad[-1]}")
    if mode != PROJECT_PER_USER:
        count = len(attempts.ATTEMPTS)
        print(f"{mode}: {count - len(bad)} of {count} ways around as expected")
    return bad


if __name__ == "__main__":
    sys.exit(main())
