# SPDX-License-Identifier: Apache-2.0
"""Parsers of the small text files: LSC, namespaces, signing_policy.

Owns their grammar, but for that of the patterns (``expressions``). Must never
read a file, nor take one that is longer than a person writes. Read ``parse_lsc``,
``parse_namespaces`` and ``parse_signing_policy`` first; each takes the octets
of one file and raises PolicyFileError.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from keystone_voms_ext.voms.expressions import (
    MAX_SUBJECT,
    ExpressionError,
    Matcher,
    compiled,
    compiled_glob,
)
from keystone_voms_ext.voms.names import dn_from_file, text_from_file

MAX_FILE_BYTES = 50_000
MAX_STATEMENTS = 1000

_NEXT_CHAIN = re.compile(rb"[-\s]*NEXT\s*CHAIN[-\s]*")


class PolicyFileError(ValueError):
    """The file does not follow its grammar."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One rule on what an issuer may sign; ``issuer`` None means the file's CA."""

    issuer: str | None
    permit: bool
    pattern: Matcher


def _lines(data: bytes) -> list[bytes]:
    _check_size(data)
    return data.splitlines()


def _check_size(data: bytes) -> None:
    if len(data) > MAX_FILE_BYTES:
        raise PolicyFileError(f"it is longer than {MAX_FILE_BYTES} bytes")


def parse_lsc(data: bytes) -> tuple[tuple[str, ...], ...]:
    """Return the chains of an LSC file, each a list of DNs, the signer first."""
    chains: list[tuple[str, ...]] = []
    chain: list[str] = []
    for number, line in enumerate(_lines(data), start=1):
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
    _check_size(data)
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
        pattern=_compile(compiled, text_from_file(subject[1:])),
    )


def _compile(make: Callable[[str], Matcher], text: str) -> Matcher:
    try:
        return make(text)
    except ExpressionError as error:
        raise PolicyFileError(str(error)) from error


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
    for number, line in enumerate(_lines(data), start=1):
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
                compiled = _compile(compiled_glob, dn_from_file(pattern))
                statements.append(
                    Statement(issuer=issuer, permit=True, pattern=compiled)
                )
                if len(statements) > MAX_STATEMENTS:
                    raise PolicyFileError("there are too many patterns")
        else:
            raise PolicyFileError(f"line {number} is not supported")
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


def permits(statements: tuple[Statement, ...], dn: str) -> bool:
    """Tell whether one statement permits this DN and none denies it.

    ``dn`` is in the form of ``Name.in_files``.
    """
    if len(dn) > MAX_SUBJECT:
        return False
    verdicts = {
        statement.permit for statement in statements if statement.pattern.fullmatch(dn)
    }
    return verdicts == {True}
