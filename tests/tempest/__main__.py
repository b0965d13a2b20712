# SPDX-License-Identifier: Apache-2.0
"""The command `python -m tests.tempest`: Tempest on the lab, with and without ours.

Owns: the order, what is printed and the exit status. The lab (LAB_ROOT, LAB_PORT_BASE)
is left as it was found. Must never: call a run good in which nothing ran. Read main.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab.configuration import password
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.settings import OFF
from tests.tempest import results, settings
from tests.tempest.results import SKIPPED, Results
from tests.tempest.running import Tempest, TempestError
from tests.tempest.stock import made_stock

OURS = "fedcloud"
UPSTREAM = r"(tempest\.api\.(identity|compute|image|volume)\..*smoke)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 when all is well, 1 with what is not."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tempest",
        description="Run our Tempest tests on the lab, and Tempest's own smoke tests "
        "with our parts and without.",
    )
    beside = Path(sys.executable).with_name("tempest")
    parser.add_argument("--tempest", type=Path, default=beside, help="the program")
    parser.add_argument("--at-once", type=int, default=2, help="tests at a time")
    parser.add_argument("--ours", action="store_true", help="our tests alone")
    chosen = parser.parse_args(arguments)
    try:
        lab = Lab.from_environ(say=print)
        running = not any(service.fault for service in lab.status())
        try:
            bad = _compared(lab, chosen.tempest, chosen.at_once, ours=chosen.ours)
        finally:
            if running:
                lab.up()
            else:
                lab.down()
    except (LabError, TempestError) as error:
        print(f"tempest: {error}", file=sys.stderr)
        return 1
    for line in bad:
        print(f"WRONG {line}")
    return 1 if bad else 0


def _compared(lab: Lab, program: Path, at_once: int, *, ours: bool) -> list[str]:
    """Run everything, print the counts and return what is wrong."""
    lab.up()
    tempest = _tempest(lab, program)
    lines, bad = [], []
    found = _timed(tempest, OURS, at_once, "our tests", lines)
    bad += _faults(found, skips=lab.settings.isolation == OFF)
    if not ours:
        words = "Tempest's smoke tests,"
        having = _timed(tempest, UPSTREAM, at_once, f"{words} with our parts", lines)
        made_stock(lab)
        without = _timed(tempest, UPSTREAM, at_once, f"{words} without", lines)
        missing = results.lost(without=without, having=having)
        bad += [f"passes without our parts alone: {name}" for name in missing]
        if not having.named(results.PASSED):
            bad.append("none of Tempest's own smoke tests passed")
    print("\n" + "\n".join(lines))
    return bad


def _tempest(lab: Lab, program: Path) -> Tempest:
    """Return Tempest with the configuration of a lab that runs."""
    # Not resolved: a link would lead out of the environment that Tempest is in.
    found = Path(shutil.which(program) or program).absolute()
    folder, environ = lab.settings.root / "tempest", lab.client_environ()
    tempest = Tempest(program=found, folder=folder, environ=environ)
    values = settings.sections(
        settings.facts(lab, password(lab.settings)),
        environ,
        isolation=lab.settings.isolation,
        folder=folder,
    )
    tempest.configure(settings.render(values))
    return tempest


def _timed(
    tempest: Tempest, regex: str, at_once: int, title: str, lines: list[str]
) -> Results:
    """Return the results, and add the line that tells of them."""
    print(f"\n{title}: {regex}", flush=True)
    begin = time.monotonic()
    found = tempest.run(regex, at_once=at_once)
    lines.append(f"{title}: {found}; {time.monotonic() - begin:.0f} s")
    return found


def _faults(found: Results, *, skips: bool) -> list[str]:
    """Return what is wrong with the results of our tests.

    Everything is configured in the lab, so none may be skipped but for isolation
    where it is off.
    """
    left_out = () if skips else found.named(SKIPPED)
    return [
        *(f"fails: {name}" for name in found.bad),
        *(f"was skipped: {name}" for name in left_out),
    ]


if __name__ == "__main__":
    sys.exit(main())
