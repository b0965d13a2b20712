# SPDX-License-Identifier: Apache-2.0
"""Rule 8: the expressions of namespaces files, and that none runs away."""

from __future__ import annotations

import time

import pytest

from keystone_voms_ext.voms.expressions import (
    MAX_LENGTH,
    MAX_SUBJECT,
    Expression,
    ExpressionError,
    compiled,
    compiled_glob,
)


@pytest.mark.parametrize(
    ("expression", "matched", "others"),
    [
        ("/CN=a", ["/CN=a"], ["", "/CN=", "/CN=ab", "x/CN=a"]),
        ("^/CN=a.*$", ["/CN=a", "/CN=ab"], ["/CN=b"]),
        (".**b", ["b", "aab"], ["ba"]),
        (".*/.*/.*.*b", ["//b", "/a//ab"], ["/b", "//", "//ba"]),
        ("a(b|c)", ["ab", "ac"], ["a", "abc"]),
        ("a|b", ["a", "b"], ["ab", ""]),
        ("(^a|b$)c?", ["a", "ac", "b"], ["bc"]),
        ("()a", ["a"], [""]),
        ("(/OU=[^/]+)*/CN=.+", ["/CN=a", "/OU=a/OU=b/CN=c"], ["/OU=/CN=a", "/CN="]),
        ("(ab){2}", ["abab"], ["ab", "ababab"]),
        ("(ab){1,2}c*", ["ab", "ababcc"], ["", "ababab"]),
        ("a{2,}b?", ["aa", "aaab"], ["a", "ab"]),
        ("(a{2}|b)+", ["aa", "baab"], ["a", "bab"]),
        (".[ab].*", ["xa", "ybz"], ["a", "xc"]),
        ("[a-c]-?", ["a", "c-"], ["d", "-"]),
        ("[^a-c/]{1}", ["d", "-"], ["a", "/", ""]),
        ("[]x-]+", ["]x-"], ["y"]),
        (r"[\]\-\.]+", ["]-."], ["\\", "a"]),
        (r"\d\D\s\S\w\W?", ["1a b_", "1a b_."], ["aa b_", "1a b."]),
        (r"\.\*(a)?", [".*", ".*a"], ["a*", "."]),
        (r"\xC3\xA9(x)?", [r"\xC3\xA9", r"\xC3\xA9x"], ["é", "x"]),
    ],
)
def test_what_is_matched(
    expression: str, matched: list[str], others: list[str]
) -> None:
    found = compiled(expression)
    assert all(found.fullmatch(dn) for dn in matched)
    assert not any(found.fullmatch(dn) for dn in others)


@pytest.mark.parametrize(
    "expression",
    [
        *("", "^", "$", "^$", "a" * (MAX_LENGTH + 1), "(" * 11 + ")" * 11),
        *("*a", "a|*", "(+)", "a+*", "a??", "a{3,2}", "^*", "{2}"),
        *("(a", "a)", "[a", "a]", "[]", "[b-a]", "a{", "a}", "a{1000}"),
        *("\\", "\\a", "\\x4", "[\\d]", "[[:alpha:]]", "((a{99}){99}){99}"),
    ],
)
def test_what_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        compiled(expression)


def test_globs() -> None:
    found = compiled_glob("/CN=?.*[a]*")
    assert found.fullmatch("/CN=a.x[a]")
    assert not found.fullmatch("/CN=a.xa")
    assert compiled_glob("").fullmatch("")
    with pytest.raises(ExpressionError):
        compiled_glob("*" * (MAX_LENGTH + 1))


@pytest.mark.parametrize(
    "expression",
    ["a*a*a*a*a*b", "a?" * 99 + "b", "(a|aa)" * 99 + "b", "(a*)*b", "(a|a)*b"],
)
def test_none_runs_away(expression: str) -> None:
    begin = time.perf_counter()
    found = compiled(expression)
    assert isinstance(found, Expression)
    assert not found.fullmatch("a" * MAX_SUBJECT)
    assert time.perf_counter() - begin < 0.5


def test_a_dn_longer_than_any() -> None:
    found = compiled("(a|b)+")
    assert found.fullmatch("a" * MAX_SUBJECT)
    assert not found.fullmatch("a" * (MAX_SUBJECT + 1))
