# SPDX-License-Identifier: Apache-2.0
"""The grammars of namespaces, signing_policy and LSC files.

Owns what a parser makes of a text; what a verdict makes of a file is in the
table. Read first: the parsers in ``policyfiles``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from keystone_voms_ext.voms.policyfiles import (
    PolicyFileError,
    parse_lsc,
    parse_namespaces,
    parse_signing_policy,
    permits,
)
from tests.unit.voms.cases_lsc import BROKEN_LSC


def namespaces(text: str, dn: str) -> bool:
    return permits(parse_namespaces(text.encode()), dn)


def one(expression: str) -> str:
    return f'TO Issuer "/CN=CA" PERMIT Subject "{expression}"'


@pytest.mark.parametrize(
    ("expression", "dn", "permitted"),
    [
        ("/DC=org/.*", "/DC=org/CN=a", True),
        ("/DC=org/.*", "/DC=org", False),
        ("/DC=org/.*", "/CN=x/DC=org/CN=a", False),
        ("/DC=org", "/DC=org", True),
        ("/DC=org", "/DC=org/CN=a", False),
        (".*", "/CN=a", True),
        (".*.*", "/CN=a", True),
        ("/C=XX/.*/CN=.*", "/C=XX/O=a/CN=b", True),
        ("/C=XX/.*/CN=.*", "/C=XX/O=a/OU=b", False),
        ("/C=XX/.*/CN=.*a", "/C=XX/O=a/CN=ba", True),
        ("^/CN=a$", "/CN=a", True),
        (r"/CN=a\.b", "/CN=a.b", True),
        (r"/CN=a\.b", "/CN=axb", False),
        (r"/CN=cost \$", "/CN=cost $", True),
        ("/C=(DE|FR)/CN=.+", "/C=FR/CN=a", True),
        ("/C=(DE|FR)/CN=.+", "/C=IT/CN=a", False),
        ("/C=[A-Z]{2}/CN=[^/]+", "/C=FR/CN=a", True),
        ("/C=[A-Z]{2}/CN=[^/]+", "/C=fr/CN=a", False),
        (r"/CN=[a\-z]", "/CN=-", True),
        (r"/CN=\d\d", "/CN=12", True),
        ("/CN=ab?c", "/CN=ac", True),
        ("/CN=ab*c", "/CN=abbc", True),
        ("(/OU=[^/]+)?/CN=a", "/OU=x/CN=a", True),
        ("/Email=a@b", "/emailAddress=a@b", True),
        ("/CN=Jos\u00e9", r"/CN=Jos\xC3\xA9", True),
        ("/CN=Jos.*", r"/CN=Jos\xC3\xA9", True),
    ],
)
def test_expressions(expression: str, dn: str, permitted: bool) -> None:
    assert namespaces(one(expression), dn) is permitted


@pytest.mark.parametrize(
    "expression",
    [
        "((a?)+)+",
        "a**",
        "a*+",
        "a?+",
        "a{2}{3}",
        "(?:a)b",
        "*",
        "(",
        ")a|",
        "[a",
        "[[:alpha:]]",
        "[a--b]",
        "{2}",
        r"\1",
        r"\q",
        "(" * 11 + ")" * 11,
        "a" * 1001,
        "",
        "^$",
        "a{3,2}b",
    ],
)
def test_expressions_that_are_refused(expression: str) -> None:
    with pytest.raises(PolicyFileError):
        parse_namespaces(one(expression).encode())


def test_a_denial_wins() -> None:
    text = one("/DC=org/.*") + '\nTO Issuer "/CN=CA" DENY Subject ".*/CN=bob"'
    assert namespaces(text, "/DC=org/CN=alice")
    assert not namespaces(text, "/DC=org/CN=bob")


def test_nothing_permits_an_endless_name() -> None:
    assert not namespaces(one(".*"), "/CN=" + "a" * 2000)


def test_comments_case_and_continued_lines() -> None:
    text = '# a comment\n\nto issuer "/CN=CA" \\\r\n  permit subject "/CN=.*" # end\n'
    (statement,) = parse_namespaces(text.encode())
    assert (statement.issuer, statement.permit) == ("/CN=CA", True)


@pytest.mark.parametrize(
    "text",
    [
        "TO",
        'TO Issuer "/CN=CA" PERMIT Subject',
        'TO Issuer OTHER PERMIT Subject "/CN=a"',
        'TO Issuer "/CN=CA" ALLOW Subject "/CN=a"',
        'TO Issuer "/CN=CA" PERMIT Subject SELF',
        'FOR Issuer "/CN=CA" PERMIT Subject "/CN=a"',
        'TO Issuer "/CN=CA PERMIT Subject',
        "TO Issuer 'x'",
        one("a") * 1001,
    ],
)
def test_namespaces_files_that_are_refused(text: str) -> None:
    with pytest.raises(PolicyFileError):
        parse_namespaces(text.encode())


def signing_policy(subjects: str, dn: str) -> bool:
    text = (
        "# a comment\n\naccess_id_CA X509 '/CN=CA'\n"
        f"pos_rights globus CA:sign\ncond_subjects globus {subjects}\n"
    )
    return permits(parse_signing_policy(text.encode()), dn)


@pytest.mark.parametrize(
    ("subjects", "dn", "permitted"),
    [
        ("'\"/DC=org/*\"'", "/DC=org/CN=a", True),
        ("'\"/DC=org/*\"'", "/DC=net/CN=a", False),
        ('\'"/DC=org/*" "/DC=net/*"\'', "/DC=net/CN=a", True),
        ("'/O=Some Org/*'", "/O=Some Org/CN=a", True),
        ('"/O=Some Org/*"', "/O=Some Org/CN=a", True),
        ("/O=Org/*", "/O=Org/CN=a", True),
        ("'\"/CN=?b\"'", "/CN=ab", True),
        ("'\"/CN=?b\"'", "/CN=b", False),
        ("'\"*\"'", "/CN=b", True),
        ("'\"/CN=a.b\"'", "/CN=axb", False),
        ("'\"/CN=**b*b\"'", "/CN=abcb", True),
    ],
)
def test_signing_policies(subjects: str, dn: str, permitted: bool) -> None:
    assert signing_policy(subjects, dn) is permitted


@pytest.mark.parametrize(
    "text",
    [
        "words",
        "access_id_CA X509 '/CN=CA' '/CN=CB'",
        "access_id_CA X509 'open",
        "access_id_CA globus '/CN=CA'",
        "cond_subjects globus '*'",
        "access_id_CA X509 '/CN=CA'\ncond_subjects globus '*'",
        "access_id_CA X509 '/CN=CA'\npos_rights globus CA:read\n"
        "cond_subjects globus '*'",
        "access_id_CA X509 '/CN=CA'\nneg_rights globus CA:sign",
    ],
)
def test_signing_policy_files_that_are_refused(text: str) -> None:
    with pytest.raises(PolicyFileError):
        parse_signing_policy(text.encode())


def test_too_many_patterns() -> None:
    stanza = (
        "access_id_CA X509 '/CN=CA'\npos_rights globus CA:sign\n"
        "cond_subjects globus '/CN=a'\n"
    )
    with pytest.raises(PolicyFileError):
        parse_signing_policy(stanza.encode() * 1001)


def test_old_forms_of_names_in_an_lsc() -> None:
    lines = rb"/CN=a/Email=a@b/E=c/USERID=d", b"/CN=\xc3\xa9", rb"/CN=host\/a\+b"
    (chain,) = parse_lsc(b"\n".join(lines))
    assert chain == (
        "/CN=a/emailAddress=a@b/emailAddress=c/UID=d",
        r"/CN=\xC3\xA9",
        "/CN=host/a+b",
    )


@pytest.mark.parametrize("content", BROKEN_LSC.values(), ids=BROKEN_LSC)
def test_lsc_files_that_are_refused(content: bytes) -> None:
    with pytest.raises(PolicyFileError):
        parse_lsc(content)


@pytest.mark.parametrize("parse", [parse_lsc, parse_namespaces, parse_signing_policy])
def test_files_that_are_too_long(parse: Callable[[bytes], object]) -> None:
    comment = b"# a comment\n"
    with pytest.raises(PolicyFileError, match="longer than"):
        parse(comment * 10_000)
