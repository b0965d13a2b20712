# SPDX-License-Identifier: Apache-2.0
"""Tempest as a program, in a folder of its own below the lab's root.

Owns: the command lines and the environment. Must never: take an exit status for a
result; what is counted is what Tempest recorded. Read first: Tempest.run.
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.tempest import results
from tests.tempest.results import Results

SECONDS = 1800
CONFIGURATION = "tempest.conf"


class TempestError(Exception):
    """Tempest did not get as far as its tests."""


@dataclass(frozen=True, kw_only=True)
class Tempest:
    """The programs beside `program`, which is called tempest, and their folder."""

    program: Path
    folder: Path
    environ: Mapping[str, str]

    def configure(self, text: str) -> None:
        """Begin with an empty folder, and this configuration in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        file = self.folder / CONFIGURATION
        # The administrator's password is in it.
        file.touch(mode=0o600)
        file.write_text(text)

    def run(self, regex: str, *, at_once: int) -> Results:
        """Return the results of the tests that a regular expression finds.

        What Tempest prints goes to the terminal. Raises TempestError when it
        recorded no test.
        """
        self._call(
            self.program,
            "run",
            f"--config-file={CONFIGURATION}",
            f"--regex={regex}",
            f"--concurrency={at_once}",
            output=None,
        )
        record = self._call(self._beside("stestr"), "last", "--subunit")
        table = self._call(
            self._beside("subunit2csv"), "--no-passthrough", given=record
        )
        found = results.read(table.decode())
        if not found.outcomes:
            raise TempestError(
                f"Tempest found no test for {regex!r}. See {self.folder}/tempest.log; "
                "is fedcloud-openstack installed beside it?"
            )
        return found

    def _beside(self, name: str) -> Path:
        return self.program.parent / name

    def _call(
        self,
        program: Path,
        *arguments: str,
        given: bytes = b"",
        output: int | None = subprocess.PIPE,
    ) -> bytes:
        try:
            done = subprocess.run(
                [program, *arguments],
                cwd=self.folder,
                env=dict(self.environ),
                input=given,
                stdout=output,
                timeout=SECONDS,
            )
        except FileNotFoundError as error:
            raise TempestError(
                f"There is no {program}. `make venv` installs Tempest, or --tempest "
                "names the program."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise TempestError(
                f"{program.name} takes more than {SECONDS} s."
            ) from error
        return done.stdout or b""
