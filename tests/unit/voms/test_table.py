# SPDX-License-Identifier: Apache-2.0
"""Runs the table of single changes, and sees that it says something of all rules.

Owns no row. Must never accept a row for its code alone: the good ones tell who
logs in with what. Read first: test_good, test_bad.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from keystone_voms_ext.voms.codes import CODES
from keystone_voms_ext.voms.errors import CredentialRefused
from tests.grid.ac import TARGETS
from tests.grid.certs import PROXY_CERT_INFO, proxy_cert_info
from tests.unit.voms.case import Case
from tests.unit.voms.table import BAD, CASES, GOOD

RULES = range(1, 24)


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_good(case: Case, tmp_path: Path) -> None:
    result = case.judged(tmp_path)
    assert {name: getattr(result, name) for name in case.expected} == case.expected


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad(case: Case, tmp_path: Path) -> None:
    with pytest.raises(CredentialRefused) as caught:
        case.judged(tmp_path)
    assert caught.value.code == case.code, str(caught.value)
    assert case.subject in (None, caught.value.subject)
    assert case.says in caught.value.what
    assert caught.value.status == 401


def test_the_table_is_large_enough() -> None:
    assert len(CASES) >= 150
    a_rule = Counter(case.rule for case in CASES)
    assert {rule: a_rule[rule] for rule in RULES if a_rule[rule] < 4} == {}
    assert set(a_rule) == set(RULES)


def test_each_rule_is_shown_kept_and_broken() -> None:
    assert {case.rule for case in GOOD} == {case.rule for case in BAD} == set(RULES)


def test_each_code_has_a_row_that_is_refused_with_it() -> None:
    assert {case.code for case in BAD} == set(CODES)


def test_no_two_rows_have_one_name() -> None:
    named = Counter(str(case) for case in CASES)
    assert [name for name, count in named.items() if count > 1] == []


def test_makers_agree_with_the_standard() -> None:
    info = proxy_cert_info(path_length=10)
    assert info.hex() == "300f02010a300a06082b06010505071501"
    assert PROXY_CERT_INFO.dotted_string == "1.3.6.1.5.5.7.1.14"
    assert TARGETS == "2.5.29.55"
