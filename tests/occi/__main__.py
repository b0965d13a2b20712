# SPDX-License-Identifier: Apache-2.0
"""The command `python -m tests.occi`: the feature table, shown on the lab.

Owns: running the tests that the table names, in this process, and the exit
status. Must never: judge a row; that is report's. Read `main` first.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.occi import report
from tests.occi.features import FEATURES

SOURCE = Path(__file__).resolve().parents[2]
DOCUMENT = SOURCE / "doc/source/user/occi-features.rst"


class Recorder:
    """A plugin of pytest that keeps how each test ended."""

    def __init__(self) -> None:
        self.outcomes: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        # A test that is skipped, or fails as expected, shows nothing.
        passed = report.outcome == "passed" and not hasattr(report, "wasxfail")
        known = self.outcomes.get(report.nodeid, True)
        self.outcomes[report.nodeid] = known and passed


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 when every row passes, 1 when one does not."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.occi",
        description="Runs the tests of each feature of OCCI on the lab (LAB_ROOT, "
        "LAB_PORT_BASE) and prints the table of features.",
    )
    parser.add_argument(
        "--doc", action="store_true", help=f"write {DOCUMENT.name} and run nothing"
    )
    if parser.parse_args(arguments).doc:
        DOCUMENT.write_text(report.document(FEATURES), encoding="utf-8")
        return 0
    recorder = Recorder()
    options = ["--quiet", "--tb=short", f"--rootdir={SOURCE}"]
    tests = [str(SOURCE / node_id) for node_id in report.wanted(FEATURES)]
    pytest.main([*options, *tests], plugins=[recorder])
    lines, passed = report.table(FEATURES, recorder.outcomes)
    print("\n" + "\n".join(lines))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
