# SPDX-License-Identifier: Apache-2.0
"""The documentation shows every code of the validator, as the code has it."""

import importlib.util
from pathlib import Path

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import directives

from keystone_voms_ext.voms.codes import CODES, Code

SOURCE = Path(__file__).resolve().parents[3] / "doc" / "source"


@pytest.fixture(scope="module")
def codes_table():
    """Return the directive's module, which is no package of ours."""
    path = SOURCE / "_ext" / "codes_table.py"
    spec = importlib.util.spec_from_file_location("codes_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    directives.register_directive("voms-codes", module.VomsCodes)
    return module


@pytest.fixture
def rows(codes_table):
    """Return the table's rows as a function: each a tuple of the cells' texts."""

    def build():
        tree = publish_doctree(
            ".. voms-codes::\n", settings_overrides={"halt_level": 2}
        )
        (body,) = tree.findall(nodes.tbody)
        return [tuple(cell.astext() for cell in row) for row in body]

    return build


def test_every_code_is_shown_once_with_its_standard_promise_and_mend(rows):
    shown = [row for row in rows() if len(row) > 1]
    limit = "a limit of this program"
    assert sorted(shown) == sorted(
        (name, code.spec or limit, code.holds, code.mend)
        for name, code in CODES.items()
    )


def test_a_code_stands_under_the_title_of_its_rule(rows, codes_table):
    title, places = None, {}
    for row in rows():
        if len(row) == 1:
            (title,) = row
        else:
            places[row[0]] = title
    assert places == {
        name: f"Rule {code.rule}: {codes_table.TITLES[code.rule]}"
        for name, code in CODES.items()
    }


def test_a_new_rule_and_signs_of_the_markup_break_nothing(rows, monkeypatch):
    odd = Code(99, "RFC |1|", "*a* `b` c_ is --so", "Run | tee_ **twice** --now.")
    monkeypatch.setitem(CODES, "odd_code", odd)
    found = rows()
    assert found[-2:] == [("Rule 99",), ("odd_code", odd.spec, odd.holds, odd.mend)]


def test_the_page_for_administrators_shows_the_table():
    page = (SOURCE / "admin" / "voms-trust.rst").read_text(encoding="utf-8")
    assert "\n.. voms-codes::\n" in page
    assert '"codes_table"' in (SOURCE / "conf.py").read_text(encoding="utf-8")
