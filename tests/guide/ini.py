# SPDX-License-Identifier: Apache-2.0
"""Options put into an ini file that is there, as a person would type them.

Owns where they go. It must never touch another option, a comment or the order of
lines; files are read and written elsewhere. Read merged.
"""

import re
from dataclasses import dataclass

from tests.guide.actions import GuideError

_SECTION = re.compile(r"\[([^\]]+)\]\s*(?:[#;].*)?")
_OPTION = re.compile(r"([^\s\[#;=:][^=:]*?)\s*[=:].*")


@dataclass(frozen=True)
class _Piece:
    """The head of a section, an option with its continuation lines, or other text."""

    section: str
    option: str
    text: str


def merged(old: str, snippet: str) -> str:
    """Return ``old`` with the options of ``snippet`` set, each in its section.

    An option that is there is replaced at its first place and taken out at any other;
    one that is missing goes behind the last option of its section, a section that is
    missing to the end. An option that stands more than once in the snippet has all
    these values. Raises GuideError if the snippet has anything but options in
    sections.
    """
    wanted: dict[tuple[str, str], list[_Piece]] = {}
    for piece in _options(snippet):
        wanted.setdefault((piece.section, piece.option), []).append(piece)
    found = _pieces(old)
    for key, pieces in wanted.items():
        found = _with(found, key, pieces)
    return "".join(f"{piece.text}\n" for piece in found)


def options(snippet: str) -> tuple[tuple[str, str, str], ...]:
    """Return the section, the name and the value of each option of a snippet.

    Raises GuideError as merged does.
    """
    return tuple(
        (
            piece.section,
            piece.option,
            re.split("[=:]", piece.text, maxsplit=1)[1].strip(),
        )
        for piece in _options(snippet)
    )


def _options(snippet: str) -> list[_Piece]:
    found = []
    for piece in _pieces(snippet):
        if piece.option and piece.section:
            found.append(piece)
        elif piece.text.strip() and not _is_head(piece):
            raise GuideError(
                f"{piece.text!r} is no option of a section. Print nothing but options "
                "below the heads of their sections."
            )
    return found


def _pieces(text: str) -> list[_Piece]:
    """Return a text cut up; lines that begin with a blank continue an option."""
    found: list[_Piece] = []
    section = ""
    for line in text.splitlines():
        if head := _SECTION.fullmatch(line):
            section = head[1]
            found.append(_Piece(section, "", line))
        elif option := _OPTION.fullmatch(line):
            found.append(_Piece(section, option[1], line))
        elif line[:1].isspace() and line.strip() and found and found[-1].option:
            last = found.pop()
            found.append(_Piece(section, last.option, f"{last.text}\n{line}"))
        else:
            found.append(_Piece(section, "", line))
    return found


def _with(
    pieces: list[_Piece], key: tuple[str, str], new: list[_Piece]
) -> list[_Piece]:
    section, _ = key
    places = [n for n, one in enumerate(pieces) if (one.section, one.option) == key]
    kept = [one for one in pieces if (one.section, one.option) != key]
    if places:
        # Nothing before the first place goes, so it is the same in what is kept.
        return [*kept[: places[0]], *new, *kept[places[0] :]]
    ends = [
        n
        for n, one in enumerate(kept, start=1)
        if one.section == section and (one.option or _is_head(one))
    ]
    if ends:
        return [*kept[: ends[-1]], *new, *kept[ends[-1] :]]
    gap = [_Piece("", "", "")] if kept and kept[-1].text.strip() else []
    return [*kept, *gap, _Piece(section, "", f"[{section}]"), *new]


def _is_head(piece: _Piece) -> bool:
    return bool(_SECTION.fullmatch(piece.text))
