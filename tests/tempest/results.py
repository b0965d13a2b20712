# SPDX-License-Identifier: Apache-2.0
"""What came out of a run of Tempest, and how two runs differ.

Owns: the counts, and what counts as worse. Must never: count a test that was skipped
as passed. Read first: Results and lost.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

PASSED, SKIPPED = "success", "skip"


@dataclass(frozen=True, kw_only=True)
class Results:
    """The outcome of each test by its name, which has no attributes in brackets."""

    outcomes: Mapping[str, str]

    def named(self, outcome: str) -> tuple[str, ...]:
        """Return the names of the tests with an outcome, in order."""
        return tuple(sorted(n for n, o in self.outcomes.items() if o == outcome))

    @property
    def bad(self) -> tuple[str, ...]:
        """Return the names of the tests that neither passed nor were skipped."""
        good = (PASSED, SKIPPED)
        return tuple(sorted(n for n, o in self.outcomes.items() if o not in good))

    def __str__(self) -> str:
        count = Counter(self.outcomes.values())
        return (
            f"{len(self.outcomes)} run, {count[PASSED]} passed, "
            f"{len(self.bad)} failed, {count[SKIPPED]} skipped"
        )


def read(table: str) -> Results:
    """Return the results of what subunit2csv printed; ValueError for other text."""
    rows = csv.DictReader(io.StringIO(table))
    if not {"test", "status"}.issubset(rows.fieldnames or ()):
        raise ValueError(f"This is no table of subunit2csv: {table[:200]!r}")
    return Results(
        outcomes={row["test"].partition("[")[0]: row["status"] for row in rows}
    )


def lost(*, without: Results, having: Results) -> tuple[str, ...]:
    """Return the tests that pass without our parts and do not pass with them."""
    return tuple(sorted(set(without.named(PASSED)) - set(having.named(PASSED))))
