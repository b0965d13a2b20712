# SPDX-License-Identifier: Apache-2.0
"""The matrix as a table on a terminal.

Owns: how a row looks, and the count of cells. Must never: count a cell that was not
observed. Read first: line.
"""

from collections.abc import Sequence

from tests.isolation.matrix import NOT_TRIED
from tests.isolation.personas import NAMES
from tests.isolation.run import Result

_NAME, _CELL = 43, 15


def head(mode: str) -> list[str]:
    """Return the lines above the rows of a mode."""
    columns = "".join(f"{name:{_CELL}}" for name in NAMES)
    return [f"{mode}", f"{'':{_NAME}} {columns}".rstrip()]


def line(result: Result, seconds: float) -> str:
    """Return a row: what each saw, how long it took, and what was expected instead."""
    row = result.row
    cells = "".join(f"{result.cells.get(name, NOT_TRIED):{_CELL}}" for name in NAMES)
    text = f"{row.service + ' ' + row.operation:{_NAME}} {cells}{seconds:5.1f} s"
    wrong = [
        f"{'':{_NAME}} WRONG {name}: {result.cells[name]!r}, "
        f"expected {row.cells[name]!r} ({row.why})"
        for name in result.wrong
    ]
    return "\n".join([text, *wrong])


def total(results: Sequence[Result]) -> tuple[str, bool]:
    """Return the count of cells, and whether there are some and all are right."""
    cells = sum(len(result.cells) for result in results)
    wrong = sum(len(result.wrong) for result in results)
    return f"{cells - wrong} of {cells} cells as expected", bool(cells) and not wrong
