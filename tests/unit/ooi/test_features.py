# SPDX-License-Identifier: Apache-2.0
"""The feature table: every row names tests that exist, and passes by them alone."""

import ast
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.occi import report
from tests.occi.__main__ import DOCUMENT, Recorder
from tests.occi.feature import CLIENTS, LEVELS, MAY, MUST, Feature
from tests.occi.features import FEATURES

FUNCTIONAL = Path(__file__).resolve().parents[2] / "functional"
TESTS = sorted({test for feature in FEATURES for test in feature.tests})
GABBITS = sorted(path.stem for path in (FUNCTIONAL / "gabbits").glob("*.yaml"))
ROW = Feature(name="a", section="b", level=MUST, tests=("test_x::test_a",))
NODE = "tests/functional/test_x.py::test_a"


@pytest.mark.parametrize("test", TESTS)
def test_each_named_test_is_there(test: str) -> None:
    module, _, function = test.partition("::")
    function, _, parameter = function.partition("[")
    tree = ast.parse((FUNCTIONAL / f"{module}.py").read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert function in names
    if parameter:
        # Those of other functions are not known before pytest collects them.
        assert module == "test_occi_gabbi"
        assert parameter.removesuffix("]") in GABBITS


@pytest.mark.parametrize("feature", FEATURES, ids=lambda one: one.name)
def test_each_row_has_a_test_or_may_be_left_out(feature: Feature) -> None:
    assert feature.level in LEVELS
    assert set(feature.used_by) <= set(CLIENTS)
    assert bool(feature.tests) != bool(feature.reason)
    assert feature.tests or feature.level == MAY


def test_the_table_is_whole() -> None:
    names = [feature.name for feature in FEATURES]
    assert len(set(names)) == len(names)
    used = {t.partition("[")[2].removesuffix("]") for t in TESTS if "gabbi" in t}
    assert used == set(GABBITS)


def test_the_manual_has_the_same_table() -> None:
    """Mend it by: python -m tests.occi --doc"""
    assert DOCUMENT.read_text(encoding="utf-8") == report.document(FEATURES)


@pytest.mark.parametrize(
    ("outcomes", "wanted"),
    [
        ({NODE: True}, report.OK),
        ({f"{NODE}[1]": True, f"{NODE}[2]": True}, report.OK),
        ({NODE: False}, report.FAILED),
        ({f"{NODE}[1]": True, f"{NODE}[2]": False}, report.FAILED),
        ({}, report.NOT_RUN),
        ({f"{NODE}_too": True}, report.NOT_RUN),
        ({"tests/functional/test_y.py::test_a": True}, report.NOT_RUN),
    ],
)
def test_a_row_passes_by_its_tests_alone(
    outcomes: dict[str, bool], wanted: str
) -> None:
    assert report.verdict(ROW, outcomes) == wanted
    lines, passed = report.table([ROW], outcomes)
    assert lines[1].startswith(f"{wanted} ")
    assert passed == (wanted == report.OK)
    assert (ROW.tests[0] in "\n".join(lines)) == (not passed)


def test_a_row_needs_all_of_its_tests() -> None:
    row = replace(ROW, tests=("test_x::test_a", "test_x::test_b"))
    assert report.verdict(row, {NODE: True}) == report.NOT_RUN
    both = {NODE: True, NODE.replace("_a", "_b"): False}
    assert report.verdict(row, both) == report.FAILED


def test_what_is_left_out_is_said_so() -> None:
    row = Feature(name="a", section="b", level=MAY, reason="nobody has it")
    lines, passed = report.table([ROW, row], {NODE: True})
    assert passed
    assert lines[2].startswith("n/a ")
    assert "nobody has it" in lines[3]
    assert "no: nobody has it" in report.document([row])
    assert lines[-1] == "1 of 1 features pass; 1 n/a"


@pytest.mark.parametrize(
    ("ends", "passed"),
    [
        ({"setup": "passed", "call": "passed", "teardown": "passed"}, True),
        ({"setup": "passed", "call": "passed", "teardown": "failed"}, False),
        ({"setup": "passed", "call": "failed", "teardown": "passed"}, False),
        ({"setup": "failed", "teardown": "passed"}, False),
        ({"setup": "skipped", "teardown": "passed"}, False),
    ],
)
def test_a_test_passes_as_a_whole(ends: dict[str, str], passed: bool) -> None:
    recorder = Recorder()
    for outcome in ends.values():
        found = SimpleNamespace(nodeid=NODE, outcome=outcome)
        recorder.pytest_runtest_logreport(found)
    assert recorder.outcomes == {NODE: passed}


def test_what_is_expected_to_fail_shows_nothing() -> None:
    recorder = Recorder()
    found = SimpleNamespace(nodeid=NODE, outcome="passed", wasxfail="")
    recorder.pytest_runtest_logreport(found)
    assert recorder.outcomes == {NODE: False}
