# SPDX-License-Identifier: Apache-2.0
"""The command `python -m tests.lab up|down|status|voms-proxy-init2 USER ...`.

Owns what a person reads on the terminal and the exit status. It must never do
the work itself. Read main.
"""

import argparse
import signal
import subprocess
import sys
import time

from tests.lab.errors import LabError
from tests.lab.lab import Lab, ServiceStatus
from tests.lab.settings import ISOLATION, MODES
from tests.lab.voms_client import CLIENTS

MEBIBYTE = 1024 * 1024


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 when the lab is as asked, 1 with a reason."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab",
        description="A small real OpenStack on loopback. LAB_ROOT (default .lab) "
        "says where it lives, LAB_PORT_BASE (default 15000) on which ports, "
        "LAB_KEYSTONE_WORKERS (default 1) how many processes serve Keystone, "
        "LAB_VOMS_DELEGATION=1 lets tokens of VOMS logins make further ones, and "
        f"ISOLATION ({', '.join(ISOLATION)}) says how users of one VO are kept apart, "
        f"MODE ({', '.join(MODES)}) how the services run.",
    )
    parser.add_argument("command", choices=("up", "down", "status", *CLIENTS))
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        help=f"of {' or '.join(CLIENTS)} (MODE=production): a user, then its options",
    )
    chosen = parser.parse_args(arguments)
    command = chosen.command
    if bool(chosen.arguments) != (command in CLIENTS):
        parser.error(f"{command}: a user is named for {' and '.join(CLIENTS)} alone")
    # As Ctrl-C does, so that a start that is told to end stops what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    try:
        lab = Lab.from_environ(say=say)
        if command == "status":
            return _show(lab.status())
        if command in CLIENTS:
            made, environ = lab.voms_proxy_init(*chosen.arguments, client=command)
            return subprocess.call(made, env=environ)
        if command == "down":
            lab.down()
            say("the lab is stopped")
            return 0
        lab.up()
        say(f"the lab is up; a client's shell: . {lab.settings.clients_env}")
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; what was started is stopped", file=sys.stderr)
        return 130
    return 0


def _show(found: tuple[ServiceStatus, ...]) -> int:
    for one in found:
        pid = str(one.pid or "-")
        size = f"{one.resident_bytes / MEBIBYTE:4.0f} MiB"
        verdict = one.fault or "answers"
        print(f"{one.name:16} {pid:>8} {size}  {one.address:23} {verdict}")
    if all(one.answers for one in found):
        total = sum(one.resident_bytes for one in found) / MEBIBYTE
        print(f"all answer; together {total:.0f} MiB")
        return 0
    if not any(one.pid for one in found):
        print("the lab does not run. `make lab` starts it.")
        return 1
    culprits = [one.name for one in found if one.fault and not one.waits_for]
    print(f"not answering: {', '.join(culprits)}. `make lab` starts what is missing.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
