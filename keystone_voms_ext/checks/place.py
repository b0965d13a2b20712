# SPDX-License-Identifier: Apache-2.0
"""Where a line of a server's configuration stands, and how such a file is read.

Owns the edge to the host's files for the checks of Apache, uWSGI and HAProxy. It
must never read more than a configuration can have, for what a file includes may be
anything. Read ``read`` first.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Place:
    """A line of a file, the first being 1."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


def read(path: Path) -> str:
    """Return the text of a plain file, up to ``MAX_BYTES``. Raises OSError."""
    try:
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}")
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except ValueError as error:
        # A name with a NUL in it.
        raise FileNotFoundError(f"{str(path)!r} is no name of a file") from error


def names_in_code(name: str, script: str) -> bool:
    """Tell whether a script of Python has a name, elsewhere than in a comment."""
    return re.search(rf"(?m)^[^#\n]*{re.escape(name)}", script) is not None


def chosen(variable: str, *usual: str) -> Path:
    """Return the file that an environment variable names, else the usual one.

    Of several usual ones it is the first that exists, or the first.
    """
    if named := os.environ.get(variable, "").strip():
        return Path(named)
    there = [name for name in usual if os.path.exists(name)]
    return Path((there or usual)[0])


def is_directory(path: Path) -> bool:
    """Tell whether a directory is there; one that cannot be looked at is."""
    try:
        return path.is_dir()
    except (OSError, ValueError) as error:
        return isinstance(error, PermissionError)


def is_file(path: Path) -> bool:
    """Tell whether a plain file is there; one that cannot be looked at is."""
    try:
        return path.is_file()
    except (OSError, ValueError) as error:
        return isinstance(error, PermissionError)
