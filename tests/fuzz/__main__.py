# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.fuzz [--seconds 60] [--target NAME] [--input FILE]`.

Owns the round over all targets, each in a process of its own and for its share
of the time, and the saved input when one fails. It must say nothing was found
only if every target ran. Exit 0: nothing found; 1: something; 2: it could not
run. Read first: main.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib.util
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from tests.fuzz.limits import limited
from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.world import World

# A chain may have 200,000 bytes; what is new in long inputs is in short ones too.
MAX_BYTES = 20_000
# An input that never ends is stopped then; one that ends is held to `limits`.
STOP_SECONDS = 5
_EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+)")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument(
        "--seconds", type=int, default=60, help="of fuzzing in all; starts come on top"
    )
    parser.add_argument(
        "--target", action="append", choices=[target.name for target in TARGETS]
    )
    parser.add_argument("--input", type=Path, help="run one saved input, no atheris")
    return parser.parse_args()


def repeated(targets: list[Target], path: Path) -> int:
    """Feed one saved input to these targets and show what happens."""
    with tempfile.TemporaryDirectory() as place:
        world = World.at(Path(place))
        for target in targets:
            # Shows where an input that never ends goes round, and exits with 1.
            faulthandler.dump_traceback_later(STOP_SECONDS, exit=True)
            try:
                limited(lambda target=target: target.feed(world, path.read_bytes()))
            except Exception:
                traceback.print_exc()
                return 1
            finally:
                faulthandler.cancel_dump_traceback_later()
            print(f"{target.name}: nothing wrong with {path}")
    return 0


def fuzzed(target: Target, seconds: int, found: Path) -> tuple[int, int, str]:
    """Return exit status, number of executions and output of a target's run."""
    with tempfile.TemporaryDirectory() as place:
        corpus = Path(place) / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(target.seeds(World.at(Path(place)))):
            (corpus / f"seed-{number}").write_bytes(seed)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.one", target.name),
                f"-max_total_time={seconds}",
                f"-timeout={STOP_SECONDS}",
                f"-max_len={MAX_BYTES}",
                f"-artifact_prefix={found}/{target.name}-",
                "-rss_limit_mb=1024",
                "-print_final_stats=1",
                str(corpus),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    executions = _EXECUTIONS.search(done.stdout)
    return done.returncode, int(executions[1]) if executions else 0, done.stdout


def main() -> int:
    """Run the targets in turn; return the exit status."""
    arguments = _arguments()
    names = arguments.target or [target.name for target in TARGETS]
    targets = [target for target in TARGETS if target.name in names]
    if arguments.input:
        return repeated(targets, arguments.input)
    if importlib.util.find_spec("atheris") is None:
        print(
            "atheris is not installed. `make fuzz` installs it, or: "
            f"{sys.executable} -m pip install atheris",
            file=sys.stderr,
        )
        return 2
    found = Path(tempfile.mkdtemp(prefix="voms-fuzz-"))
    total, failed = 0, []
    for index, target in enumerate(targets):
        # The shares differ by a second at most, and make up the whole.
        share = max(1, (arguments.seconds + index) // len(targets))
        status, executions, output = fuzzed(target, share, found)
        total += executions
        covered = (_COVERED.findall(output) or ["?"])[-1]
        print(f"{target.name:16}{executions:9} executions, {covered} edges", flush=True)
        if status or not executions:
            failed.append(target.name)
            print(output[-4000:])
    if not failed:
        found.rmdir()
        print(f"fuzz: nothing found, {total} executions of {len(targets)} parsers")
        return 0
    for path in sorted(found.iterdir()):
        name = path.name.split("-")[0]
        print(
            f"fuzz: saved {path}; to repeat: "
            f"{sys.executable} -m tests.fuzz --target {name} --input {path}"
        )
    print(f"fuzz: FOUND something in {', '.join(failed)}, {total} executions")
    return 1


if __name__ == "__main__":
    sys.exit(main())
