# SPDX-License-Identifier: Apache-2.0
"""The matrix of isolation, as far as it can be judged without a lab."""

import pytest

from keystone_voms_ext import mapping
from tests.grid.accounts import ACCOUNTS
from tests.isolation import attempts, matrix, report
from tests.isolation.matrix import Row
from tests.isolation.operation import filled
from tests.isolation.personas import NAMES, own_project
from tests.isolation.run import OPERATIONS, Result
from tests.lab.settings import ISOLATION, SHARED_PROJECT

HEAD = ",".join(("service", "operation", "mode", *NAMES, "why"))
CELLS = ",".join(["404"] * len(NAMES))


def row(**cells):
    found = {**dict.fromkeys(NAMES, "404"), **cells}
    return Row(service="nova", operation="show", mode="off", cells=found, why="w")


def written(tmp_path, *lines):
    file = tmp_path / "matrix.csv"
    file.write_text("\n".join([HEAD, *lines]) + "\n")
    return file


def test_each_row_names_an_operation_and_each_operation_has_a_row():
    named = {(r.service, r.operation) for m in ISOLATION for r in matrix.rows(m)}
    assert named == set(OPERATIONS)
    shared = {(r.service, r.operation) for r in matrix.rows(SHARED_PROJECT)}
    assert shared == set(OPERATIONS)


def test_the_rows_of_a_mode_are_read_as_they_are_written(tmp_path):
    file = written(
        tmp_path, f"nova,show,off,{CELLS},a", f"nova,show,shared-project,{CELLS},b"
    )
    (found,) = matrix.rows("off", file)
    assert (found.service, found.operation, found.why) == ("nova", "show", "a")
    assert found.cells == dict.fromkeys(NAMES, "404")


@pytest.mark.parametrize(
    "line",
    [
        f"nova,show,off,{CELLS}",
        f"nova,show,off,{CELLS},",
        f"nova,show,off,{CELLS},why,more",
        f"nova,show,on,{CELLS},why",
    ],
)
def test_a_line_with_a_cell_too_few_or_too_many_or_no_mode_is_refused(tmp_path, line):
    with pytest.raises(ValueError, match="line 2"):
        matrix.rows("off", written(tmp_path, line))


def test_two_rows_of_one_operation_are_refused(tmp_path):
    line = f"nova,show,off,{CELLS},why"
    with pytest.raises(ValueError, match="show"):
        matrix.rows("off", written(tmp_path, line, line))


def test_the_refused_try_first_and_those_without_a_cell_never():
    found = row(alice="200 alice", bob="404", admin="-")
    assert found.tried()[-1] == "alice"
    assert set(found.tried()) == set(NAMES) - {"admin"}


def test_a_cell_that_differs_is_shown_with_what_was_expected():
    cells = {**row().cells, "bob": "200 alice"}
    found = Result(row=row(), cells=cells)
    assert found.wrong == ("bob",)
    assert "WRONG bob: '200 alice', expected '404'" in report.line(found, 0)
    assert report.total([found]) == ("6 of 7 cells as expected", False)


def test_only_what_was_observed_counts_and_nothing_is_no_success():
    good = Result(row=row(admin="-"), cells={"bob": "404"})
    assert report.total([good]) == ("1 of 1 cells as expected", True)
    assert report.total([]) == ("0 of 0 cells as expected", False)
    assert "WRONG" not in report.line(good, 0)


def test_words_in_braces_are_replaced_at_every_depth():
    body = {"a": ["{x}", {"b": "{x}{y}"}], "c": 1, "d": None}
    assert filled(body, {"x": "1", "y": "2"}) == {
        "a": ["1", {"b": "12"}],
        "c": 1,
        "d": None,
    }
    assert filled("%7B{x}%7D {z}", {"x": "1"}) == "%7B1%7D {z}"


def test_no_attempt_stands_twice():
    names = [one.name for one in attempts.ATTEMPTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_user_s_project_has_the_name_that_the_login_gives_it(name):
    dn = ACCOUNTS[name].dn
    entry = mapping.Entry(
        key="dteam",
        projects=("dteam",),
        roles=(),
        domain=None,
        inherit=False,
        project_per_user=mapping.DEFAULT_TEMPLATE,
        source="voms.json",
        line=1,
    )
    assert own_project("dteam", dn) == entry.own_project(dn)
