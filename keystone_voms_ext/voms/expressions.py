# SPDX-License-Identifier: Apache-2.0
"""The expressions and globs of policy files, matched without ever going back.

Owns their grammar, that of POSIX but for what no policy file has, and the
matching in time that the expression alone decides. Must never hand `re` what
may make it try again: its time can double with each letter. A set of places
in a DN is one integer here, a bit for each place. Read ``compiled`` first.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import NamedTuple, Protocol

MAX_LENGTH = 1000
# A DN beyond this is matched by nothing.
MAX_SUBJECT = 1024
# Steps of one match; a step is a few operations on an integer of a DN's length.
MAX_COST = 10_000
_MAX_DEPTH = 10

# What a DN is made of (see ``Name.oneline``).
_LETTERS = frozenset(map(chr, range(0x20, 0x7F)))
_CLASSES = {
    "\\d": frozenset("0123456789"),
    "\\s": frozenset(" "),
    "\\w": frozenset(sign for sign in _LETTERS if sign.isalnum() or sign == "_"),
}
_CLASSES |= {name.upper(): _LETTERS - found for name, found in _CLASSES.items()}

_PIECE = re.compile(
    r"""(?P<octet>\\x[0-9A-F]{2})      # an octet beyond ASCII, as DNs show it
      | \\(?P<quoted>[^A-Za-z0-9])
      | (?P<kind>\\[dDsSwW])
      | \[(?P<negated>\^?)(?P<members>\]?(?:[^\[\]\\]|\\[^A-Za-z0-9])*)\]
      | \{(?P<least>[0-9]{1,3})(?P<open>,(?P<most>[0-9]{1,3})?)?\}
      | (?P<sign>[.()|?*+^$])
      | (?P<plain>[^\\\[\]{}])
    """,
    re.VERBOSE,
)
_MEMBER = re.compile(r"\\?(.)(?:-\\?(.))?")
_Bounds = tuple[int, int | None]
_REPEATS: dict[str, _Bounds] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class ExpressionError(ValueError):
    """The expression is not one that is supported here."""


class Matcher(Protocol):
    """What a compiled expression can do; so can a pattern of `re`."""

    def fullmatch(self, dn: str, /) -> object:
        """Return something true if the whole DN is matched."""


class Subject:
    """A DN with the places of each set of letters, found when first asked for."""

    def __init__(self, dn: str) -> None:
        self.dn = dn
        self.everywhere = (1 << len(dn)) - 1
        self._places: dict[frozenset[str], int] = {}

    def places(self, letters: frozenset[str]) -> int:
        """Return the places at which one of these letters stands."""
        found = self._places.get(letters)
        if found is None:
            bits = "".join("01"[letter in letters] for letter in reversed(self.dn))
            found = self._places[letters] = int(bits or "0", 2)
        return found


# Each statement of a file is asked about the same few DNs.
_subject = functools.lru_cache(maxsize=64)(Subject)


class OneOf(NamedTuple):
    """One letter of a set; of any at all if there is no set."""

    letters: frozenset[str] | None
    cost: int = 1

    def places(self, subject: Subject) -> int:
        """Return the places at which it matches."""
        if self.letters is None:
            return subject.everywhere
        return subject.places(self.letters)

    def ends(self, begins: int, subject: Subject) -> int:
        """Return where matches that begin at one of ``begins`` end."""
        return (begins & self.places(subject)) << 1


class Edge(NamedTuple):
    """The beginning of the DN, or its end."""

    is_end: bool
    cost: int = 1

    def ends(self, begins: int, subject: Subject) -> int:
        """Return where matches that begin at one of ``begins`` end."""
        return begins & (1 << len(subject.dn) if self.is_end else 1)


class Group(NamedTuple):
    """Branches, each a sequence; one of them matches."""

    branches: tuple[tuple[Node, ...], ...]

    @property
    def cost(self) -> int:
        """The steps of a match."""
        return 1 + sum(node.cost for branch in self.branches for node in branch)

    def ends(self, begins: int, subject: Subject) -> int:
        """Return where matches that begin at one of ``begins`` end."""
        found = 0
        for branch in self.branches:
            current = begins
            for node in branch:
                current = node.ends(current, subject)
            found |= current
        return found


class Repeat(NamedTuple):
    """A part from ``least`` to ``most`` times; without ``most``, any number."""

    part: OneOf | Group
    least: int
    most: int | None

    @property
    def cost(self) -> int:
        """The steps of a match."""
        if self.most is not None:
            rounds = self.most
        else:
            rounds = self.least + (1 if isinstance(self.part, OneOf) else MAX_SUBJECT)
        return 1 + rounds * self.part.cost

    def ends(self, begins: int, subject: Subject) -> int:
        """Return where matches that begin at one of ``begins`` end."""
        for _ in range(self.least):
            begins = self.part.ends(begins, subject)
        if self.most is None and isinstance(self.part, OneOf):
            # A carry runs through each row of places in one addition.
            places = self.part.places(subject)
            return ((begins & places) + places ^ places) | begins
        found = fresh = begins
        left = MAX_SUBJECT if self.most is None else self.most - self.least
        while fresh and left:
            fresh = self.part.ends(fresh, subject) & ~found
            found |= fresh
            left -= 1
        return found


Node = OneOf | Edge | Group | Repeat

_ANY = OneOf(None)
_STAR = Repeat(_ANY, 0, None)


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that `re` might take for ever with."""

    group: Group

    def fullmatch(self, dn: str, /) -> bool:
        """Tell whether the whole DN is matched."""
        if len(dn) > MAX_SUBJECT:
            return False
        return bool(self.group.ends(1, _subject(dn)) >> len(dn) & 1)


def compiled(text: str) -> Matcher:
    """Return a regular expression, ready to be matched with a whole DN.

    Raises ExpressionError.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression is longer than {MAX_LENGTH}")
    group = _group(text)
    runs = _runs(group)
    if runs == [""]:
        raise ExpressionError("an expression is empty")
    if runs is not None:
        return _with_stars(runs)
    if group.cost > MAX_COST:
        raise ExpressionError(f"the expression {text[:80]!r} is too complex")
    return Expression(group)


def compiled_glob(text: str) -> Matcher:
    """Return a pattern in which only ``*`` and ``?`` are signs; raises
    ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"a pattern is longer than {MAX_LENGTH}")
    return _with_stars(
        [
            "".join("." if sign == "?" else re.escape(sign) for sign in run)
            for run in text.split("*")
        ]
    )


def _runs(group: Group) -> list[str] | None:
    """Return the runs between the ``.*`` of an expression with nothing else."""
    nodes = list(group.branches[0])
    if nodes[:1] == [Edge(False)]:
        del nodes[0]
    if nodes[-1:] == [Edge(True)]:
        del nodes[-1]
    runs = [""]
    for node in nodes:
        if node == _STAR:
            runs.append("")
        elif isinstance(node, OneOf):
            runs[-1] += _source(node)
        else:
            return None
    return runs if len(group.branches) == 1 else None


@functools.lru_cache(maxsize=256)
def _source(one: OneOf) -> str:
    if one.letters is None:
        return "."
    found = "".join(map(re.escape, sorted(one.letters)))
    return found if len(one.letters) == 1 else f"[{found}]"


def _with_stars(runs: list[str]) -> re.Pattern[str]:
    """Return a pattern for runs of single letters with anything in between.

    Each run is searched for once and never again (an atomic group), so that
    the time stays linear in the length of the DN.
    """
    first, *middle = runs
    if not middle:
        return re.compile(first, re.DOTALL)
    last = middle.pop()
    searched = "".join(f"(?>.*?{run})" for run in middle if run)
    return re.compile(f"{first}{searched}.*{last}", re.DOTALL)


def _group(text: str) -> Group:
    """Return the tree of an expression; nothing here recurses."""
    waiting: list[list[list[Node]]] = []
    branches: list[list[Node]] = [[]]
    position = 0
    while position < len(text):
        match = _PIECE.match(text, position)
        if match is None:
            raise ExpressionError(f"the expression {text[:80]!r} is not supported")
        position = match.end()
        sign = match["sign"]
        if sign == "(" and len(waiting) < _MAX_DEPTH:
            waiting.append(branches)
            branches = [[]]
        elif sign == ")" and waiting:
            group = Group(tuple(map(tuple, branches)))
            branches = waiting.pop()
            branches[-1].append(group)
        elif sign == "|":
            branches.append([])
        elif sign in ("(", ")"):
            raise ExpressionError(f"the expression {text[:80]!r} has a stray {sign}")
        elif sign in _REPEATS or match["least"]:
            _repeat(branches[-1], _bounds(match), text)
        elif match["octet"]:
            # Four letters in the DN, one for whoever wrote the expression.
            branches[-1].extend(map(_letter, match["octet"]))
        else:
            branches[-1].append(_single(match, text))
    if waiting:
        raise ExpressionError(f"the expression {text[:80]!r} lacks a )")
    return Group(tuple(map(tuple, branches)))


def _bounds(match: re.Match[str]) -> _Bounds:
    if match["sign"]:
        return _REPEATS[match["sign"]]
    least = int(match["least"])
    if match["open"] is None:
        return least, least
    return least, int(match["most"]) if match["most"] else None


def _repeat(nodes: list[Node], bounds: _Bounds, text: str) -> None:
    least, most = bounds
    last = nodes.pop() if nodes else None
    if bounds == (0, None) and last == _STAR:
        nodes.append(last)
    elif isinstance(last, OneOf | Group) and (most is None or least <= most):
        nodes.append(Repeat(last, least, most))
    else:
        raise ExpressionError(f"the expression {text[:80]!r} repeats nothing")


def _single(match: re.Match[str], text: str) -> OneOf | Edge:
    if match["sign"]:
        return _ANY if match["sign"] == "." else Edge(match["sign"] == "$")
    if match["kind"]:
        return OneOf(_CLASSES[match["kind"]])
    if match["members"] is not None:
        letters = _members(match["members"], text)
        return OneOf(_LETTERS - letters if match["negated"] else letters)
    return _letter(match["quoted"] or match["plain"])


@functools.lru_cache(maxsize=256)
def _letter(letter: str) -> OneOf:
    return OneOf(frozenset(letter))


def _members(text: str, expression: str) -> frozenset[str]:
    found: set[str] = set()
    for first, last in _MEMBER.findall(text):
        if last and last < first:
            raise ExpressionError(f"the set [{text[:80]}] has a bad range")
        found.update(map(chr, range(ord(first), ord(last or first) + 1)))
    if not found:
        raise ExpressionError(f"the expression {expression[:80]!r} has an empty set")
    return frozenset(found)
