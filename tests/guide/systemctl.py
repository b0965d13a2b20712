# SPDX-License-Identifier: Apache-2.0
"""`systemctl` and `journalctl` where there is no systemd.

Owns what the guide may type. A word that it does not know is an error: nothing is
ignored. Read main.

Command: python -m tests.guide.systemctl systemctl start keystone-voms
         python -m tests.guide.systemctl journalctl -u keystone-voms
"""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.guide.actions import GuideError
from tests.guide.units import Units

STATE = Path("/run/units-of-the-site")
INACTIVE = 3


def main(arguments: list[str] | None = None, *, units: Units | None = None) -> int:
    """Return the exit status of the command."""
    program, *words = sys.argv[1:] if arguments is None else arguments
    units = units or Units(root=Path("/"), state=STATE)
    try:
        if program == "journalctl":
            return _journal(units, words)
        return _systemctl(units, words)
    except GuideError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1


def _systemctl(units: Units, words: list[str]) -> int:
    now = "--now" in words
    verb, *names = [word for word in words if word != "--now"] or [""]
    names = [name.removesuffix(".service") for name in names]
    if now and verb not in ("enable", "disable"):
        raise GuideError(f"--now does not go with {verb!r}.")
    if verb == "daemon-reload" and not names:
        units.read_again()
        return 0
    if verb not in VERBS or not names or any(name.startswith("-") for name in names):
        raise GuideError(
            f"the stand-in does not know `systemctl {' '.join(words)}`; it knows "
            f"{', '.join(VERBS)} with names, and daemon-reload."
        )
    statuses = [VERBS[verb](units, name) for name in names]
    if now:
        follow = units.start if verb == "enable" else units.stop
        for name in names:
            follow(name)
    return max(statuses)


def _start(units: Units, name: str) -> int:
    units.start(name)
    return 0


def _stop(units: Units, name: str) -> int:
    units.stop(name)
    return 0


def _restart(units: Units, name: str) -> int:
    units.stop(name)
    units.start(name)
    return 0


def _reload(units: Units, name: str) -> int:
    units.reload(name)
    return 0


def _enable(units: Units, name: str) -> int:
    links = units.wanted_links(name)
    if not links:
        raise GuideError(f"{name}.service has no [Install] WantedBy.")
    for link in links:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(str(units.unit_file(name)))
    return 0


def _disable(units: Units, name: str) -> int:
    for link in units.wanted_links(name):
        link.unlink(missing_ok=True)
    return 0


def _is_active(units: Units, name: str) -> int:
    active = units.is_active(name)
    print("active" if active else "inactive")
    return 0 if active else INACTIVE


def _is_enabled(units: Units, name: str) -> int:
    enabled = any(link.is_symlink() for link in units.wanted_links(name))
    print("enabled" if enabled else "disabled")
    return 0 if enabled else 1


VERBS: dict[str, Callable[[Units, str], int]] = {
    "start": _start,
    "stop": _stop,
    "restart": _restart,
    "reload": _reload,
    "enable": _enable,
    "disable": _disable,
    "is-active": _is_active,
    "is-enabled": _is_enabled,
}


def _journal(units: Units, words: list[str]) -> int:
    if len(words) != 2 or words[0] != "-u":
        raise GuideError(
            f"the stand-in does not know `journalctl {' '.join(words)}`; it knows "
            "`journalctl -u UNIT`."
        )
    name = words[1].removesuffix(".service")
    units.load(name)
    log = units.log(name)
    print(log.read_text(errors="replace") if log.exists() else "-- No entries --")
    return 0


if __name__ == "__main__":
    sys.exit(main())
