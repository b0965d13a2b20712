# SPDX-License-Identifier: Apache-2.0
"""The feature table, filled in: by the tests on the lab, or for the manual.

Owns: what makes a row pass, and how the table looks on a terminal and in the
documentation. Must never: let a row pass without a test that ran and passed.
Read `verdict` first.
"""

import textwrap
from collections.abc import Iterable, Mapping

from tests.occi.feature import CLIENTS, Feature

# Node id of pytest -> whether set-up, test and tear-down all passed.
Outcomes = Mapping[str, bool]

OK, FAILED, NOT_RUN, NOT_OFFERED = "ok", "FAILED", "NOT RUN", "n/a"
_NAME_WIDTH = 46

_HEAD = """\
..
   SPDX-License-Identifier: Apache-2.0
   Made by: python -m tests.occi --doc

=====================
What of OCCI there is
=====================

Both versions of OCCI are served by the same code, so the sections are those of OCCI
1.2 (GFD.221, 223, 224, 226 and 229), and of 1.1 (GFD.184) for what 1.2 has dropped.
*Level* is what the standard asks: MUST, SHOULD or MAY; an extension is in no document
of OCCI, and there because clients or sites have it. *Used by* names the clients whose
requests were looked at; others may use a feature too.

A *yes* is more than a word: ``make occi-report`` runs the tests that show each row on
a real OpenStack, and prints the same table with what it saw.

.. list-table::
   :header-rows: 1
   :widths: 30 14 10 16 30

   * - Feature
     - OCCI
     - Level
     - Used by
     - Here
"""


def path(test: str) -> str:
    """Return the node id of a test of the table: MODULE::FUNCTION[PARAMETER]."""
    module, _, function = test.partition("::")
    return f"tests/functional/{module}.py::{function}"


def wanted(features: Iterable[Feature]) -> tuple[str, ...]:
    """Return the node ids of all tests of the table, each once and by module."""
    return tuple(sorted({path(test) for f in features for test in f.tests}))


def verdict(feature: Feature, outcomes: Outcomes) -> str:
    """Return whether all tests of a row passed, with all their parameters."""
    if not feature.tests:
        return NOT_OFFERED
    found = [_outcomes(path(test), outcomes) for test in feature.tests]
    if not all(found):
        return NOT_RUN
    return OK if all(passed for one in found for passed in one) else FAILED


def table(features: Iterable[Feature], outcomes: Outcomes) -> tuple[list[str], bool]:
    """Return the lines of the table, and whether no row failed."""
    lines = [_line("", "feature", "level", "OCCI", "tests", "used by")]
    verdicts = []
    for feature in features:
        found = verdict(feature, outcomes)
        verdicts.append(found)
        missing = [
            test
            for test in feature.tests
            if not all(_outcomes(path(test), outcomes) or [False])
        ]
        total = len(feature.tests)
        lines.append(
            _line(
                found,
                feature.name,
                feature.level,
                feature.section,
                f"{total - len(missing)}/{total}" if total else "",
                _users(feature),
            )
        )
        lines += [f"{'':9}{test}" for test in missing]
        if found == NOT_OFFERED:
            lines.append(f"{'':9}{feature.reason}")
    good = verdicts.count(OK)
    rest = verdicts.count(NOT_OFFERED)
    lines.append(f"{good} of {len(verdicts) - rest} features pass; {rest} n/a")
    return lines, good + rest == len(verdicts)


def document(features: Iterable[Feature]) -> str:
    """Return the page of the manual; it claims what the table of tests must show."""
    rows = []
    for feature in features:
        here = f"yes. {feature.note}" if feature.note else "yes"
        if not feature.tests:
            here = f"no: {feature.reason}"
        cells = (
            feature.name,
            feature.section,
            feature.level,
            _users(feature) or "none yet",
            here,
        )
        marks = ("   * - ", *["     - "] * (len(cells) - 1))
        rows += [
            textwrap.fill(
                _plain(cell),
                width=88,
                initial_indent=mark,
                subsequent_indent=" " * len(mark),
                break_on_hyphens=False,
                break_long_words=False,
            )
            for mark, cell in zip(marks, cells, strict=True)
        ]
    return _HEAD + "\n".join(rows) + "\n"


def _outcomes(wanted_id: str, outcomes: Outcomes) -> list[bool]:
    """Return the outcomes of a test, of all parameters if none is named."""
    return [
        passed
        for node_id, passed in outcomes.items()
        if node_id == wanted_id or node_id.startswith(f"{wanted_id}[")
    ]


def _users(feature: Feature) -> str:
    return ", ".join(name for name in CLIENTS if name in feature.used_by)


def _plain(text: str) -> str:
    # What would be markup.
    return text.replace("*", "\\*").replace("_ ", "\\_ ").replace("`", "\\`")


def _line(*cells: str) -> str:
    found, name, level, section, tests, users = cells
    lines = textwrap.wrap(name, _NAME_WIDTH) or [""]
    rest = f"{level:9}  {section:21}  {tests:5}  {users}"
    first = f"{found:9}{lines[0]:{_NAME_WIDTH}}  {rest}".rstrip()
    return "\n".join([first, *(f"{'':9}{more}" for more in lines[1:])])
