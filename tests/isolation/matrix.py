# SPDX-License-Identifier: Apache-2.0
"""The matrix: what each persona is to see, by operation and mode.

Owns: reading matrix.csv. A cell is what `run` observes, word for word: a status, and
after it whose resources the answer shows ("200 alice+bob", "200 none"); "-" is not
tried. Must never: take a cell for more than its text. Read first: rows.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.isolation.personas import NAMES
from tests.lab.settings import ISOLATION

FILE = Path(__file__).parent / "matrix.csv"
NOT_TRIED = "-"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One operation in one mode."""

    service: str
    operation: str
    mode: str
    cells: Mapping[str, str]
    why: str

    def tried(self) -> tuple[str, ...]:
        """Return the personas that try it, those first who must be refused."""
        names = [name for name in NAMES if self.cells[name] != NOT_TRIED]
        return tuple(sorted(names, key=self.is_allowed))

    def is_allowed(self, persona: str) -> bool:
        """Return whether the persona is to succeed."""
        return self.cells[persona].startswith("2")


def rows(mode: str, file: Path = FILE) -> tuple[Row, ...]:
    """Return the rows of a mode, in order; ValueError for a file that is no matrix."""
    found = []
    with file.open(encoding="utf-8", newline="") as text:
        for number, line in enumerate(csv.DictReader(text, strict=True), start=2):
            if None in line or not all(line.values()) or line["mode"] not in ISOLATION:
                raise ValueError(f"{file}, line {number}: a cell is missing or odd.")
            cells = {name: line[name] for name in NAMES}
            plain = {key: line[key] for key in ("service", "operation", "mode", "why")}
            found.append(Row(cells=cells, **plain))
    keys = [(row.service, row.operation, row.mode) for row in found]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise ValueError(f"{file} has more than one row for {sorted(twice)}.")
    return tuple(row for row in found if row.mode == mode)
