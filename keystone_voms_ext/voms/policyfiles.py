# SPDX-License-Identifier: Apache-2.0
"""Parsers of the small text files: LSC, namespaces, signing_policy.

Owns their grammar. Must never read a file, and never let a pattern run away:
those that could are refused with the file. Read ``parse_lsc``,
``parse_namespaces`` and ``parse_signing_policy`` first; each takes the octets
of one file and raises PolicyFileError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from keystone_voms_ext.voms.names import dn_from_file, text_from_file

MAX_PATTERN = 1000
MAX_STATEMENTS = 1000
_MAX_DEPTH = 10
_MAX_REPEATS = 4
# A DN beyond this is permitted by nothing; see _check_repeats.
_MAX_SUBJECT = 1024

_NEXT_CHAIN = re.compile(rb"[-\s]*NEXT\s*CHAIN[-\s]*")


class PolicyFileError(ValueError):
    """The file does not follow its grammar."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One rule on what an issuer may sign; ``issuer`` None means the file's CA."""

    issuer: str | None
    permit: bool
    pattern: re.Pattern[str]


def parse_lsc(data: bytes) -> tuple[tuple[str, ...], ...]:
    """Return the chains of an LSC file, each a list of DNs, the signer first."""
    chains: list[tuple[str, ...]] = []
    chain: list[str] = []
    for number, line in enumerate(data.splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        if _NEXT_CHAIN.fullmatch(text):
            chains.append(tuple(chain))
            chain = []
        elif text.startswith(b"/"):
            chain.append(dn_from_file(text))
        else:
            raise PolicyFileError(f"line {number} is neither a DN nor NEXT CHAIN")
    chains.append(tuple(chain))
    kept = tuple(found for found in chains if found)
    if not kept:
        raise PolicyFileError("it lists no DN")
    return kept


_TOKEN = re.compile(rb'\s+|#[^\n]*|"([^"\n]*)"|([A-Za-z]+)')


def parse_namespaces(data: bytes) -> tuple[Statement, ...]:
    """Return the statements of a namespaces file:
    ``TO Issuer "DN"|SELF PERMIT|DENY Subject "expression"``."""
    words: list[bytes] = []
    text = re.sub(rb"\\[ \t]*\r?\n", b" ", data)
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            line = text.count(b"\n", 0, position) + 1
            raise PolicyFileError(f"line {line} is not a statement")
        if match[1] is not None:
            words.append(b'"' + match[1])
        elif match[2] is not None:
            words.append(match[2].upper())
        position = match.end()
    if len(words) % 6 or len(words) > 6 * MAX_STATEMENTS:
        raise PolicyFileError("a statement is not complete, or there are too many")
    return tuple(
        _namespace(words[index : index + 6]) for index in range(0, len(words), 6)
    )


def _namespace(words: list[bytes]) -> Statement:
    to, issuer_word, issuer, verb, subject_word, subject = words
    if (
        (to, issuer_word, subject_word) != (b"TO", b"ISSUER", b"SUBJECT")
        or verb not in (b"PERMIT", b"DENY")
        or not (issuer == b"SELF" or issuer.startswith(b'"'))
        or not subject.startswith(b'"')
    ):
        shown = b" ".join(words)[:80].decode("ascii", "replace")
        raise PolicyFileError(f"not a statement: {shown!r}")
    return Statement(
        issuer=None if issuer == b"SELF" else dn_from_file(issuer[1:]),
        permit=verb == b"PERMIT",
        pattern=_compile(_expression(subject[1:])),
    )


_PIECE = re.compile(
    r"""\\x[0-9A-F]{2}          # an octet beyond ASCII, as DNs show it
      | \\[^A-Za-z0-9]          # a quoted sign
      | \\[dDsSwW]
      | \[\^?\]?(?:[^\[\]\\]|\\[^A-Za-z0-9])*\]
      | \{[0-9]{1,3}(?:,[0-9]{0,3})?\}
      | [^\\\[\]{}]
    """,
    re.VERBOSE,
)
# Signs that `re` reads as operators on sets, POSIX as members of one.
_SET_OPERATOR = re.compile(r"--|&&|~~|\|\|")


def _expression(octets: bytes) -> str:
    """Return a namespaces expression as one for `re`, to be matched in full.

    Python and POSIX agree on what is let through here.
    """
    text = text_from_file(octets)
    if text.startswith("^"):
        text = text[1:]
    if text.endswith("$") and not text.endswith("\\$"):
        text = text[:-1]
    pieces: list[str] = []
    position = 0
    while position < len(text):
        match = _PIECE.match(text, position)
        if match is None or (match[0][0] == "[" and _SET_OPERATOR.search(match[0])):
            raise PolicyFileError(f"the expression {text[:80]!r} is not supported")
        piece = match[0]
        position = match.end()
        pieces.append(re.escape(piece) if piece.startswith("\\x") else piece)
    runs = _literal_runs(pieces)
    if runs is not None:
        return _with_stars(runs)
    _check_repeats(pieces, text)
    return "".join(pieces)


def _literal_runs(pieces: list[str]) -> list[str] | None:
    """Return the runs between the ``.*`` of an expression with nothing else."""
    runs = [""]
    for piece, following in zip(pieces, [*pieces[1:], ""], strict=True):
        if piece == "." and following == "*":
            runs.append("")
        elif piece == "*" and len(runs) > 1 and not runs[-1]:
            continue
        elif piece in "()|+?*^$" or piece[0] == "{":
            return None
        else:
            runs[-1] += piece
    return runs


def _with_stars(runs: list[str]) -> str:
    """Return an expression for literal runs with anything in between.

    Each run is searched for once and never again (an atomic group), so that
    the time stays linear in the length of the DN.
    """
    first, *middle = runs
    if not middle:
        return first
    last = middle.pop()
    searched = "".join(f"(?>.*?{run})" for run in middle if run)
    return f"{first}{searched}.*{last}"


def _check_repeats(pieces: list[str], text: str) -> None:
    """Refuse what could take forever on a long DN: repeats inside repeats."""
    is_varied = [False]
    closed_varied = repeated = False
    repeats = 0
    for piece, before in zip(pieces, ["(", *pieces], strict=False):
        repeated = piece in "*+" or piece[0] == "{"
        if repeated:
            repeats += 1
            if closed_varied or before in "*+?" or before[0] == "{":
                raise PolicyFileError(f"the expression {text[:80]!r} repeats repeats")
        if repeated or piece in "?|":
            is_varied[-1] = True
        if piece == "?" and before == "(":
            raise PolicyFileError(f"the expression {text[:80]!r} is not supported")
        closed_varied = False
        if piece == "(":
            is_varied.append(False)
        elif piece == ")" and len(is_varied) > 1:
            closed_varied = is_varied.pop()
            is_varied[-1] = is_varied[-1] or closed_varied
        if len(is_varied) > _MAX_DEPTH or repeats > _MAX_REPEATS:
            raise PolicyFileError(f"the expression {text[:80]!r} is too complex")


def _compile(expression: str) -> re.Pattern[str]:
    if len(expression) > MAX_PATTERN:
        raise PolicyFileError(f"an expression is longer than {MAX_PATTERN}")
    try:
        return re.compile(expression, re.ASCII | re.DOTALL)
    except (re.error, OverflowError) as error:
        raise PolicyFileError(f"the expression {expression[:80]!r}: {error}") from error


_KEYWORD = re.compile(
    rb"(access_id_CA|pos_rights|cond_subjects)\s+(\S+)\s+(\S.*)", re.IGNORECASE
)
_QUOTED = re.compile(rb"\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']+))\s*")


def parse_signing_policy(data: bytes) -> tuple[Statement, ...]:
    """Return the statements of a signing_policy file in the Globus grammar:
    ``access_id_CA X509 'DN'``, ``pos_rights globus CA:sign``,
    ``cond_subjects globus '"pattern" ...'`` with ``*`` and ``?``."""
    statements: list[Statement] = []
    issuer: str | None = None
    may_sign = False
    for number, line in enumerate(data.splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        match = _KEYWORD.fullmatch(text)
        if match is None:
            raise PolicyFileError(f"line {number} is not a statement")
        keyword, authority, value = match[1].lower(), match[2].lower(), match[3]
        if keyword == b"access_id_ca" and authority == b"x509":
            (dn,) = _quoted(value, number, most=1)
            issuer, may_sign = dn_from_file(dn), False
        elif keyword == b"pos_rights" and authority == b"globus":
            may_sign = _quoted(value, number, most=1) == [b"CA:sign"]
        elif keyword == b"cond_subjects" and authority == b"globus" and issuer:
            if not may_sign:
                raise PolicyFileError(f"line {number} is not preceded by CA:sign")
            for pattern in _patterns(value, number):
                compiled = _compile(_glob(pattern))
                statements.append(
                    Statement(issuer=issuer, permit=True, pattern=compiled)
                )
        else:
            raise PolicyFileError(f"line {number} is not supported")
    if len(statements) > MAX_STATEMENTS:
        raise PolicyFileError("there are too many patterns")
    return tuple(statements)


def _patterns(value: bytes, number: int) -> list[bytes]:
    (outer,) = _quoted(value, number, most=1)
    # Without quotes of its own, the whole is one pattern, blanks included.
    if b'"' not in outer and b"'" not in outer:
        return [outer]
    return _quoted(outer, number, most=MAX_STATEMENTS)


def _quoted(value: bytes, number: int, most: int) -> list[bytes]:
    found: list[bytes] = []
    position = 0
    while position < len(value):
        match = _QUOTED.match(value, position)
        if match is None or len(found) == most:
            raise PolicyFileError(f"line {number} has broken quotes")
        found.append(match[1] or match[2] or match[3] or b"")
        position = match.end()
    return found


def _glob(octets: bytes) -> str:
    runs = dn_from_file(octets).split("*")
    return _with_stars(
        [
            "".join("." if sign == "?" else re.escape(sign) for sign in run)
            for run in runs
        ]
    )


def permits(statements: tuple[Statement, ...], dn: str) -> bool:
    """Tell whether one statement permits this DN and none denies it.

    ``dn`` is in the form of ``Name.in_files``.
    """
    if len(dn) > _MAX_SUBJECT:
        return False
    verdicts = {
        statement.permit for statement in statements if statement.pattern.fullmatch(dn)
    }
    return verdicts == {True}
