# SPDX-License-Identifier: Apache-2.0
"""Rule 8: namespaces and signing_policy files, and their grammars."""

from __future__ import annotations

import pytest

from keystone_voms_ext.voms.policyfiles import (
    PolicyFileError,
    parse_namespaces,
    parse_signing_policy,
    permits,
)
from tests.unit.voms.conftest import Refused
from tests.unit.voms.site import ALICE, ROOT, SUB, Site, ca_files, cast, proxy

# The site names the root's files 00000000.* and the sub-CA's 00000001.*.
NAMESPACES = "00000001.namespaces"
SIGNING_POLICY = "00000001.signing_policy"
ROOT_NAMESPACES = "00000000.namespaces"
ROOT_SIGNING_POLICY = "00000000.signing_policy"


def test_both_missing(site: Site, refused: Refused) -> None:
    del site.ca_files[NAMESPACES], site.ca_files[SIGNING_POLICY]
    assert SUB in refused("namespaces_missing", proxy()).what


def test_both_missing_at_the_root(site: Site, refused: Refused) -> None:
    del site.ca_files[ROOT_NAMESPACES], site.ca_files[ROOT_SIGNING_POLICY]
    assert ROOT in refused("namespaces_missing", proxy()).what


@pytest.mark.parametrize("name", [NAMESPACES, SIGNING_POLICY])
def test_one_is_enough(site: Site, name: str) -> None:
    del site.ca_files[name]
    assert site.validate(proxy()).dn == ALICE


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (NAMESPACES, "namespaces_denied"),
        (SIGNING_POLICY, "signing_policy_denied"),
        (ROOT_NAMESPACES, "namespaces_denied"),
        (ROOT_SIGNING_POLICY, "signing_policy_denied"),
    ],
)
def test_either_may_deny(site: Site, refused: Refused, name: str, code: str) -> None:
    site.ca_files[name] = site.ca_files[name].replace(b"example/", b"elsewhere/")
    refused(code, proxy())


@pytest.mark.parametrize(
    ("name", "code"),
    [(NAMESPACES, "namespaces_denied"), (SIGNING_POLICY, "signing_policy_denied")],
)
@pytest.mark.parametrize("content", [b"", b"torn", b"\xff"])
def test_a_bad_or_silent_file_permits_nothing(
    site: Site, refused: Refused, name: str, code: str, content: bytes
) -> None:
    site.ca_files[name] = content
    refused(code, proxy())


def test_a_roots_own_policy_does_not_apply_to_itself(site: Site) -> None:
    for name in (ROOT_NAMESPACES, ROOT_SIGNING_POLICY):
        permitted = SUB.encode().replace(b".", b"\\.")
        old = site.ca_files[name]
        site.ca_files[name] = old.replace(b"/DC=org/DC=example/.*", permitted).replace(
            b"/DC=org/DC=example/*", permitted
        )
    assert site.validate(proxy()).dn == ALICE


def test_rules_of_a_sub_ca_in_the_files_of_its_root(
    site: Site, refused: Refused
) -> None:
    for name, above in (
        (NAMESPACES, ROOT_NAMESPACES),
        (SIGNING_POLICY, ROOT_SIGNING_POLICY),
    ):
        site.ca_files[above] += site.ca_files.pop(name)
    assert site.validate(proxy()).dn == ALICE
    for name in ("certificates/" + NAMESPACES, "certificates/" + SIGNING_POLICY):
        assert not (site.root / name).exists()
    site.ca_files[ROOT_NAMESPACES] = site.ca_files[ROOT_NAMESPACES].replace(
        f'"{SUB}" PERMIT Subject "/DC=org'.encode(),
        f'"{SUB}" PERMIT Subject "/DC=net'.encode(),
    )
    refused("namespaces_denied", proxy())


def test_self_means_the_ca_of_the_file(site: Site, refused: Refused) -> None:
    site.ca_files[NAMESPACES] = b'TO Issuer SELF PERMIT Subject "/DC=org/.*"'
    assert site.validate(proxy()).dn == ALICE
    site.ca_files[NAMESPACES] = b'TO Issuer SELF PERMIT Subject "/DC=net/.*"'
    refused("namespaces_denied", proxy())


def test_a_file_of_another_ca_changes_nothing(site: Site) -> None:
    site.ca_files |= ca_files("other", cast().alice)
    denial = f'TO Issuer "{SUB}" DENY Subject ".*"\n'.encode()
    site.ca_files["other.namespaces"] = denial
    assert site.validate(proxy()).dn == ALICE


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
        "(a*)*",
        "(a|aa)*",
        "((a?)+)+",
        "(a+){9}",
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
        "a+b+c+d+e+",
        "(" * 11 + ")" * 11,
        "a" * 1001,
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
