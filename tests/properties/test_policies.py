# SPDX-License-Identifier: Apache-2.0
"""What policy files mean, against small matchers that know nothing of ours.

The expression of a namespaces file is drawn as a tree; the oracle walks the
tree. Globs are held against `fnmatch`, LSC files against what was written.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from keystone_voms_ext.voms.policyfiles import (
    PolicyFileError,
    parse_lsc,
    parse_namespaces,
    parse_signing_policy,
    permits,
)
from tests.properties.strategies import STEADY

LETTERS = "ab/=."
DNS = st.text(st.sampled_from(LETTERS), max_size=9)


@dataclass(frozen=True)
class OneOf:
    """One letter out of these, written as `source`."""

    source: str
    letters: str

    def ends(self, dn: str, at: int) -> set[int]:
        """Return where a match that begins at `at` may end."""
        return {at + 1} if at < len(dn) and dn[at] in self.letters else set()


@dataclass(frozen=True)
class Either:
    """A group of branches, each a sequence."""

    branches: tuple[tuple[Node, ...], ...]

    @property
    def source(self) -> str:
        """Return the group as it stands in a file."""
        return "(" + "|".join(source_of(branch) for branch in self.branches) + ")"

    def ends(self, dn: str, at: int) -> set[int]:
        """Return where a match that begins at `at` may end."""
        return {end for branch in self.branches for end in ends_of(branch, dn, at)}


@dataclass(frozen=True)
class Repeated:
    """A part that occurs from `least` to `most` times, written with `sign`."""

    part: OneOf | Either
    sign: str
    least: int
    most: int

    @property
    def source(self) -> str:
        """Return the part and its sign as they stand in a file."""
        return self.part.source + self.sign

    def ends(self, dn: str, at: int) -> set[int]:
        """Return where a match that begins at `at` may end."""
        found: set[int] = set()
        current = {at}
        for count in range(self.most + 1):
            if count >= self.least:
                found |= current
            current = {end for place in current for end in self.part.ends(dn, place)}
        return found


Node = OneOf | Either | Repeated


def source_of(nodes: Sequence[Node]) -> str:
    """Return a sequence as it stands in a file."""
    return "".join(node.source for node in nodes)


def ends_of(nodes: Sequence[Node], dn: str, at: int) -> set[int]:
    """Return where a match of the whole sequence from `at` may end."""
    current = {at}
    for node in nodes:
        current = {end for place in current for end in node.ends(dn, place)}
    return current


ANY = OneOf(".", LETTERS)
LITERALS = st.sampled_from([OneOf(sign.replace(".", "\\."), sign) for sign in LETTERS])
SETS = st.sampled_from(
    [OneOf("[ab]", "ab"), OneOf("[^/]", "ab=."), OneOf("[a-b.]", "ab."), ANY]
)
STAR = Repeated(ANY, "*", 0, 9)
REPEATS = st.sampled_from(
    [("*", 0, 9), ("+", 1, 9), ("?", 0, 1), ("{2}", 2, 2), ("{1,3}", 1, 3)]
    + [("{0,1}", 0, 1), ("{1,}", 1, 9)]
)


def repeated(parts: st.SearchStrategy[OneOf | Either]) -> st.SearchStrategy[Repeated]:
    """Return these parts with a sign of repetition."""
    return st.builds(lambda part, sign: Repeated(part, *sign), parts, REPEATS)


ATOMS = LITERALS | SETS
PARTS = LITERALS | LITERALS | SETS | repeated(ATOMS)
GROUPS = st.builds(
    lambda branches: Either(tuple(map(tuple, branches))),
    st.lists(st.lists(PARTS, max_size=3), min_size=1, max_size=3),
)
EXPRESSIONS = st.lists(PARTS | GROUPS | repeated(GROUPS), min_size=1, max_size=6)
STARRED = st.lists(ATOMS | st.just(STAR), min_size=1, max_size=8)


def namespaces(verb: str, expression: str) -> bytes:
    """Return one statement."""
    return f'TO Issuer SELF {verb} Subject "{expression}"\n'.encode()


def agrees(nodes: Sequence[Node], dns: Sequence[str], anchors: tuple[str, str]) -> bool:
    """Check each DN against the tree; False if the expression is refused."""
    source = source_of(nodes).join(anchors)
    try:
        statements = parse_namespaces(namespaces("PERMIT", source))
    except PolicyFileError:
        return False
    for dn in dns:
        assert permits(statements, dn) == (len(dn) in ends_of(nodes, dn, 0)), dn
    return True


ANCHORS = st.sampled_from([("", ""), ("^", "$"), ("^", ""), ("", "$")])


def test_expressions_mean_what_they_say() -> None:
    accepted = 0

    @settings(STEADY, max_examples=600)
    @given(EXPRESSIONS, st.lists(DNS, min_size=4, max_size=4), ANCHORS)
    def holds(nodes: list[Node], dns: list[str], anchors: tuple[str, str]) -> None:
        nonlocal accepted
        accepted += agrees(nodes, dns, anchors)

    holds()
    # What could run away is refused; most of the others must not be.
    assert accepted > 200


@settings(STEADY, max_examples=400)
@given(STARRED, st.lists(DNS, min_size=4, max_size=4), ANCHORS)
def test_stars_mean_what_they_say(
    nodes: list[Node], dns: list[str], anchors: tuple[str, str]
) -> None:
    assert agrees(nodes, dns, anchors)


GLOB_LETTERS = "ab/.[]+"


@settings(STEADY, max_examples=400)
@given(
    st.text(st.sampled_from(GLOB_LETTERS + "**??"), min_size=1, max_size=10),
    st.lists(st.text(st.sampled_from(GLOB_LETTERS), max_size=9), max_size=4),
)
def test_globs_mean_what_they_say(pattern: str, dns: list[str]) -> None:
    statements = parse_signing_policy(
        "access_id_CA X509 '/CN=CA'\npos_rights globus CA:sign\n"
        f"cond_subjects globus '\"{pattern}\"'\n".encode()
    )
    # A bracket is a plain sign in a signing_policy file.
    other = pattern.replace("[", "[[]")
    for dn in (*dns, pattern.replace("*", "").replace("?", "a")):
        assert permits(statements, dn) == fnmatch.fnmatchcase(dn, other)


VERDICTS = st.lists(st.tuples(st.sampled_from(["PERMIT", "DENY"]), DNS), max_size=5)


@STEADY
@given(VERDICTS, DNS)
def test_a_denial_wins_and_silence_permits_nothing(
    rules: list[tuple[str, str]], dn: str
) -> None:
    rules = [(verb, literal) for verb, literal in rules if literal]
    text = b"".join(
        namespaces(verb, literal.replace(".", "\\.")) for verb, literal in rules
    )
    said = {verb for verb, literal in rules if literal == dn}
    assert permits(parse_namespaces(text), dn) == (said == {"PERMIT"})


MARKS = st.sampled_from(
    [
        "NEXT CHAIN",
        "NEXTCHAIN",
        "------ NEXT CHAIN ------",
        "--NEXT CHAIN",
        "NEXT  CHAIN-",
    ]
)
BLANKS = st.sampled_from(["", "\n", "# /CN=none\n", "  \t\n", "\r\n"])
LISTED = st.builds(
    "/CN={}{}".format,
    st.text(st.sampled_from("ab= é#-"), max_size=6),
    st.sampled_from("xé"),
)
TAILS = st.sampled_from(["\n", "\r\n", "  \n", "\t\r\n"])


@STEADY
@given(st.lists(st.lists(LISTED, max_size=3), min_size=1, max_size=4), st.data())
def test_lsc_files(chains: list[list[str]], data: st.DataObject) -> None:
    text = ""
    for number, chain in enumerate(chains):
        if number:
            text += data.draw(MARKS) + data.draw(TAILS)
        for dn in chain:
            text += data.draw(BLANKS) + dn + data.draw(TAILS)
    wanted = tuple(
        tuple(dn.replace("é", "\\xC3\\xA9") for dn in chain)
        for chain in chains
        if chain
    )
    try:
        assert parse_lsc(text.encode()) == wanted
    except PolicyFileError:
        assert not wanted
