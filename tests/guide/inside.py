# SPDX-License-Identifier: Apache-2.0
"""The run on the site's machine: make the site, follow the guide, say how it went.

Owns the order and the last line. It must never run anywhere but in the namespaces of
tests/guide/world.py: it changes the machine that it is on. Read main.

Command: python -m tests.guide.inside VARIANT   (as tests/guide/world.py starts it)
"""

import subprocess
import sys
import time
from pathlib import Path

from tests.guide import isolation, own_port, people, site, spoiled
from tests.guide.actions import GuideError
from tests.guide.follow import Done, Follower, show
from tests.guide.promises import Told, calls_wrong
from tests.guide.reader import APACHE, read
from tests.guide.systemctl import STATE
from tests.guide.units import Units
from tests.lab.errors import LabError
from tests.lab.lab import SOURCE

GUIDE = SOURCE / "doc/source/install/index.rst"
# The first process of the namespaces that the run has for itself.
FIRST = "/proc/1/cmdline"


def main() -> int:
    """Return 0 if all is as the guide says, 1 with the reason if not."""
    variant = sys.argv[1]
    if b"tests.guide.world" not in Path(FIRST).read_bytes():
        print("guide: it is followed by `python -m tests.guide`", file=sys.stderr)
        return 1
    begin = time.monotonic()
    try:
        done = follow(variant)
    except (GuideError, LabError, OSError, subprocess.SubprocessError) as error:
        print(f"guide, {variant}: {error}", flush=True)
        return 1
    seconds = time.monotonic() - begin
    print(
        f"{variant}: followed {done.blocks} blocks ({done.commands} commands, "
        f"{done.files} files) in {seconds:.0f} s: all as the guide says",
        flush=True,
    )
    return 0


def follow(variant: str) -> Done:
    """Return how much was followed, and found to be as the guide says."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    actions = read(GUIDE.read_text(), variant=variant)
    units = Units(root=Path("/"), state=STATE)
    lab = site.make(units)
    everybody = people.equip(lab, units, site.LAB_PATH)
    try:
        by_hand = people.by_hand(lab, units)
        done = Follower(people=everybody, by_hand=by_hand).follow(actions)
        print("step 12 of the guide: the page on isolation", flush=True)
        by_hand = isolation.by_hand(everybody)
        page = isolation.read_page(isolation.PAGE.read_text())
        done += Follower(people=everybody, by_hand=by_hand).follow(page)
        isolation.see_that_they_are_apart(lab, units, everybody)
        if variant == APACHE:
            print("instead of step 11: OCCI on a port of its own", flush=True)
            section = own_port.read_section(own_port.PAGE.read_text())
            follower = Follower(
                people=everybody, by_hand={}, promises=own_port.PROMISES
            )
            done += follower.follow(section)
        look_once_more(everybody)
        spoil(variant, everybody)
    finally:
        everybody.close()
    return done


def look_once_more(everybody: people.People) -> None:
    """Ask the configuration check in the end, when nothing is to come any more."""
    print("when all is done: check-config", flush=True)
    result = everybody.administrator.run("keystone-voms-manage check-config")
    show(result)
    wrong = calls_wrong(set())(result, Told())
    if wrong:
        raise GuideError(f"In the end {wrong}.")


def spoil(variant: str, everybody: people.People) -> None:
    """Spoil one thing after the other, and see that each is found."""

    def run(command: str) -> tuple[int, str]:
        result = everybody.administrator.run(command, may_fail=True)
        return result.status, result.output + result.errors

    found = spoiled.look(variant, run)
    print(f"spoiled {found} things, one at a time: each was found", flush=True)


if __name__ == "__main__":
    sys.exit(main())
