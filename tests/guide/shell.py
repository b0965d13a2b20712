# SPDX-License-Identifier: Apache-2.0
"""A shell in which somebody types the guide, one command after the other.

Owns the session: what a command exports holds for those that follow. It must never
go on behind a failed command unless it was told that this one fails. Read Shell.run
and split.
"""

import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.guide.actions import GuideError

COMMAND_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one command did; `lines` are those of its standard output."""

    command: str
    status: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()


def split(text: str) -> tuple[str, ...]:
    """Return the commands of a block, each with all of its lines.

    Raises GuideError where bash would wait for more.
    """
    found: list[str] = []
    begun: list[str] = []
    for line in text.splitlines():
        if not begun and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begun.append(line)
        if _is_whole("\n".join(begun)):
            found.append("\n".join(begun))
            begun = []
    if begun:
        raise GuideError("This command has no end:\n" + "\n".join(begun))
    return tuple(found)


def _is_whole(text: str) -> bool:
    if text.endswith("\\"):
        return False
    parsed = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    # Bash takes a here-document without its end, and only warns.
    return parsed.returncode == 0 and not parsed.stderr


class Shell:
    """A bash of its own, with -euo pipefail, that lives until it is closed."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        folder: Path,
        scratch: Path,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start bash in `folder`, as another user by the command `prefix`."""
        scratch.mkdir(parents=True, exist_ok=True)
        scratch.chmod(0o777)
        self._scratch = scratch
        self._statuses, ours = os.pipe()
        self._process = subprocess.Popen(
            [*prefix, "bash", "--norc", "--noprofile"],
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.PIPE,
            pass_fds=(ours,),
            text=True,
        )
        os.close(ours)
        self._type(f"exec 9>&{ours} {ours}>&-; set -euo pipefail")

    def run(self, command: str, *, may_fail: bool = False) -> Result:
        """Return what a command did; GuideError when it fails and must not."""
        files = [self._scratch / name for name in ("command", "output", "errors")]
        for file, text in zip(files, (command + "\n", "", ""), strict=True):
            file.write_text(text)
            file.chmod(0o666)
        source, output, errors = files
        typed = f"{{ . {source}; }} </dev/null >{output} 2>{errors}"
        self._type(
            f"{typed} && typed=0 || typed=$?" if may_fail else f"{typed}; typed=0"
        )
        self._type('echo "$typed" >&9')
        status = self._status(command)
        result = Result(
            command=command,
            status=status,
            output=output.read_text(errors="replace"),
            errors=errors.read_text(errors="replace"),
        )
        if status and not may_fail:
            raise GuideError(
                f"It ended with status {status}.\n{result.output}{result.errors}"
            )
        return result

    def close(self) -> None:
        """End the session."""
        self._process.kill()
        self._process.wait()
        os.close(self._statuses)

    def _type(self, line: str) -> None:
        stdin = self._process.stdin
        if stdin is None:
            raise GuideError("The shell has no input.")
        try:
            stdin.write(line + "\n")
            stdin.flush()
        except BrokenPipeError:
            # It ended at the command before, whose status comes from its end.
            return

    def _status(self, command: str) -> int:
        ready, _, _ = select.select([self._statuses], [], [], COMMAND_SECONDS)
        if not ready:
            raise GuideError(f"It did not end in {COMMAND_SECONDS} s: {command}")
        text = os.read(self._statuses, 100).decode()
        return int(text) if text else self._process.wait()
