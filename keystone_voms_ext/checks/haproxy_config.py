# SPDX-License-Identifier: Apache-2.0
"""HAProxy's configuration as sections of lines.

Owns how a haproxy.cfg is read; what ``.if`` and variables make of it is not known
here. It must never judge: ``haproxy`` does. Read ``parse`` first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from keystone_voms_ext.checks.apache_config import words
from keystone_voms_ext.checks.place import Place, is_directory, is_file

_SECTIONS = ("global", "defaults", "frontend", "backend", "listen")
# Of a directory, HAProxy loads these only; the names by hash of IGTF are none.
_IN_DIRECTORY = (".pem", ".crt", ".cer", ".crl")


@dataclass(frozen=True)
class Line:
    """A line of a section: its words, and where it stands."""

    words: tuple[str, ...]
    place: Place

    @property
    def name(self) -> str:
        """Return its first word; of ``no option`` and the like, the ``no``."""
        return self.words[0]


@dataclass(frozen=True)
class Section:
    """``frontend``, ``backend`` and the others, with their name or ''."""

    kind: str
    name: str
    place: Place
    lines: tuple[Line, ...]

    def of(self, *start: str) -> tuple[Line, ...]:
        """Return the lines that begin with some words."""
        return tuple(one for one in self.lines if one.words[: len(start)] == start)


def parse(text: str, *, file: Path) -> tuple[Section, ...]:
    """Return the sections of a haproxy.cfg; lines before the first belong to none."""
    found: list[tuple[Section, list[Line]]] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        # A quoted or escaped "#" begins no comment.
        bare = re.match(r"""(?:\\.|"[^"]*"|'[^']*'|[^#\\])*""", raw)
        row = words(bare[0].strip()) if bare else ()
        if not row:
            continue
        place = Place(file, number)
        if row[0] in _SECTIONS:
            found.append((Section(row[0], "".join(row[1:2]), place, ()), []))
        elif found:
            found[-1][1].append(Line(row, place))
    return tuple(replace(one, lines=tuple(lines)) for one, lines in found)


def backends(door: Section, sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Return the backends that a frontend names; a ``listen`` is its own."""
    if door.kind == "listen":
        return (door,)
    names = {
        one.words[1]
        for one in (*door.of("default_backend"), *door.of("use_backend"))
        if len(one.words) > 1
    }
    return tuple(
        one
        for one in sections
        if one.kind in ("backend", "listen") and one.name in names
    )


def argument(row: tuple[str, ...], name: str) -> str:
    """Return the word behind a keyword, '' if there is none."""
    return "".join(row[row.index(name) + 1 :][:1]) if name in row else ""


def is_loaded(path: Path) -> bool:
    """Tell whether HAProxy finds anything there: a file, or a directory of them."""
    if is_file(path):
        return True
    try:
        return is_directory(path) and any(
            one.suffix in _IN_DIRECTORY for one in path.iterdir()
        )
    except OSError as error:
        return isinstance(error, PermissionError)
