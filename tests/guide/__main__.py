# SPDX-License-Identifier: Apache-2.0
"""The command `python -m tests.guide apache|haproxy`: the install guide as a test.

Owns the way into namespaces of its own, and where the logs lie. It must never follow
the guide on the machine itself. Read main.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.guide.reader import VARIANTS
from tests.lab.lab import SOURCE

LOGS = SOURCE / ".lab-guide"
INTERRUPTED = 130
NAMESPACES = (
    *("unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child"),
    *("--propagation", "private"),
)


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the guide holds in this variant, 1 with the reason if not."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.guide",
        description="Follows doc/source/install/index.rst on a site of its own.",
    )
    parser.add_argument("variant", choices=VARIANTS)
    variant = parser.parse_args(arguments).variant
    refusal = why_not_here()
    if refusal:
        print(f"guide: {refusal}", file=sys.stderr)
        return 1
    # As Ctrl-C does, so that the namespaces go when this process has to.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logs = LOGS / variant
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="guide-", dir="/var/tmp") as work:
        command = [
            *NAMESPACES,
            *(sys.executable, "-m", "tests.guide.world", work, variant),
        ]
        try:
            environ = {**os.environ, "GUIDE_LOGS": str(logs)}
            status = _teed(command, logs / "guide.log", environ)
        except KeyboardInterrupt:
            print("guide: interrupted; nothing of it runs any more", file=sys.stderr)
            return INTERRUPTED
    print(f"guide: the logs are in {logs}")
    return 1 if status else 0


def why_not_here() -> str:
    """Return why the guide cannot be followed on this machine, or ''."""
    if os.getuid() != 0:
        return "it is followed as root, in namespaces of its own. Start it as root."
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True)
    if tried.returncode:
        return (
            "this machine lets nobody have namespaces of his own "
            f"({tried.stderr.strip()}). In a container it takes CAP_SYS_ADMIN."
        )
    return ""


def _teed(command: list[str], log: Path, environ: dict[str, str]) -> int:
    with (
        log.open("w") as file,
        subprocess.Popen(
            command,
            cwd=SOURCE,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                file.write(line)
            ended = process.wait()
        finally:
            # The namespaces end with it, and all that runs in them.
            process.kill()
    return ended


if __name__ == "__main__":
    sys.exit(main())
