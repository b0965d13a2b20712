# SPDX-License-Identifier: Apache-2.0
"""Apache's configuration as a row of directives.

Owns what a file means to Apache: what it includes, defines and leaves out by a
condition. It runs nothing, so it must say in ``untold`` whatever it could not
follow: a Define of the command line is not seen, a Macro not expanded. Read
``load`` first.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keystone_voms_ext.checks.place import Place, read

MAX_FILES = 1000
MAX_DEPTH = 20
# The name under which a variable of Debian's envvars stands among the directives.
ENVVARS = "envvars"

_WORD = re.compile(r""""((?:[^"\\]|\\.)*)"?|'((?:[^'\\]|\\.)*)'?|(\S+)""")
_ESCAPED = re.compile(r"""\\(["'\\])""")
_VARIABLE = re.compile(r"\$\{([^}]{0,200})\}")
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)")
_VERSION = re.compile(r"(!?)\s*(<=?|>=?|==?)?\s*(\d+(?:\.\d+)*)")
# Debian has these in the binary itself.
_BUILT_IN = ("core", "so", "http", "log_config", "logio", "version", "unixd")
_BUILT_IN_FILES = ("core.c", "http_core.c", "mod_watchdog.c")
# 2.4 is the only Apache there is, and its third number is not known here.
_APACHE = (2, 4, 9999)


@dataclass(frozen=True)
class Section:
    """A container such as ``<VirtualHost *:5000>``; the kind is in lower case."""

    kind: str
    words: tuple[str, ...]
    place: Place


@dataclass(frozen=True)
class Directive:
    """A directive with its arguments; the name is in lower case.

    ``within`` are the containers around it, the outermost first, without the
    conditions, which are decided.
    """

    name: str
    words: tuple[str, ...]
    place: Place
    within: tuple[Section, ...]


@dataclass(frozen=True)
class Apache:
    """All that is loaded, in the order in which Apache reads it."""

    root: Path
    directives: tuple[Directive, ...]
    modules: frozenset[str]
    untold: tuple[str, ...]


def load(main: Path) -> Apache:
    """Return the configuration that begins with a file. Raises OSError."""
    reader = _Reader(main)
    reader.take(read(main), main, depth=0)
    return Apache(
        root=reader.root,
        directives=tuple(reader.directives),
        modules=frozenset(reader.modules),
        untold=tuple(dict.fromkeys(reader.untold)),
    )


def words(text: str) -> tuple[str, ...]:
    """Return the words of a line, without the quotes around them."""
    found = []
    for match in _WORD.finditer(text):
        quoted = match[1] if match[1] is not None else match[2]
        found.append(match[3] if quoted is None else _ESCAPED.sub(r"\1", quoted))
    return tuple(found)


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are no comment, continued ones joined, with numbers."""
    parts: list[str] = []
    begun = 0
    for number, line in enumerate(text.split("\n"), start=1):
        begun = begun if parts else number
        line = line.rstrip("\r")
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        whole = "".join([*parts, line]).strip()
        parts = []
        if whole and not whole.startswith("#"):
            yield begun, whole
    if whole := "".join(parts).strip():
        yield begun, whole


@dataclass(frozen=True)
class _Open:
    kind: str
    taken: bool
    section: Section | None


class _Reader:
    """Reads one file after the other, as Apache does: what is above holds below."""

    def __init__(self, main: Path) -> None:
        self.root = main.parent
        self.directives: list[Directive] = []
        self.modules = {f"{name}_module" for name in _BUILT_IN}
        self.modules |= {f"mod_{name}.c" for name in _BUILT_IN} | {*_BUILT_IN_FILES}
        self.untold: list[str] = []
        self._files = 0
        self._defined: dict[str, str | None] = {}
        self._environment: dict[str, str] = {}
        self._open: list[_Open] = []
        self._envvars(main.parent / "envvars")

    def take(self, text: str, file: Path, *, depth: int) -> None:
        """Read the text of a file, and what it includes."""
        for number, line in lines(text):
            self._line(line, Place(file, number), depth)

    def _line(self, line: str, place: Place, depth: int) -> None:
        if line.startswith("</"):
            self._close(line[2:].rstrip("> \t").lower())
            return
        active = all(one.taken for one in self._open)
        if line.startswith("<"):
            # A blank behind the name may be a tab.
            kind, *rest = line[1:].rstrip().removesuffix(">").split(None, 1) or ("",)
            self._begin(kind.lower(), "".join(rest).strip(), place, active)
        elif active:
            name, *arguments = words(self._resolved(line)) or ("",)
            self._directive(name.lower(), tuple(arguments), place, depth)

    def _begin(self, kind: str, rest: str, place: Place, active: bool) -> None:
        taken = self._condition(kind, rest, place) if active else False
        if taken is not None:
            self._open.append(_Open(kind, taken, None))
            return
        section = Section(kind, words(self._resolved(rest)), place)
        self._open.append(_Open(kind, True, section))

    def _close(self, kind: str) -> None:
        for index in reversed(range(len(self._open))):
            if self._open[index].kind == kind:
                del self._open[index:]
                return

    def _condition(self, kind: str, rest: str, place: Place) -> bool | None:
        """Return whether a condition holds; None for a container that is none."""
        wanted = not rest.startswith("!")
        name = "".join(words(self._resolved(rest.lstrip("! \t")))[:1])
        if kind == "ifdefine":
            return (name in self._defined) is wanted
        if kind == "ifmodule":
            return (name in self.modules) is wanted
        if kind == "iffile":
            return os.path.exists(self._path(name)) is wanted
        if kind == "ifversion":
            return _version_holds(rest)
        if kind in ("ifdirective", "ifsection"):
            self.untold.append(f"{place}: <{kind}> is taken as if it held.")
            return True
        if kind == "macro":
            self.untold.append(f"{place}: what a Macro makes is not looked at.")
            return False
        return None

    def _directive(
        self, name: str, arguments: tuple[str, ...], place: Place, depth: int
    ) -> None:
        if name in ("include", "includeoptional") and arguments:
            self._include(arguments[0], place, depth, needed=name == "include")
        elif name in ("define", "undefine") and arguments:
            self._defined.pop(arguments[0], None)
            if name == "define":
                self._defined[arguments[0]] = "".join(arguments[1:2]) or None
        elif name == "serverroot" and arguments:
            self.root = Path(arguments[0])
        elif name == "loadmodule" and len(arguments) == 2:
            self.modules.update(_known_as(arguments[0], arguments[1]))
        within = tuple(one.section for one in self._open if one.section is not None)
        self.directives.append(Directive(name, arguments, place, within))

    def _include(self, name: str, place: Place, depth: int, *, needed: bool) -> None:
        if "${" in name:
            self.untold.append(f"{place}: what {name} stands for is not known here.")
            return
        found = False
        for path in self._files_of(self._path(name)):
            found = True
            self._files += 1
            if self._files > MAX_FILES or depth >= MAX_DEPTH:
                self.untold.append(f"{place}: it includes too many files.")
                return
            try:
                self.take(read(path), path, depth=depth + 1)
            except OSError as error:
                self.untold.append(f"{place}: {path} cannot be read: {error}.")
        if needed and not found:
            self.untold.append(f"{place}: there is no file {name!r} to include.")

    def _files_of(self, name: str) -> Iterator[Path]:
        """Yield the files of a name, a pattern or a directory, in Apache's order."""
        if "\0" in name:
            return
        paths = sorted(glob.glob(name)) if glob.has_magic(name) else [name]
        for path in paths:
            if not os.path.isdir(path):
                if os.path.lexists(path):
                    yield Path(path)
                continue
            for directory, below, files in os.walk(path):
                below.sort()
                yield from (Path(directory, file) for file in sorted(files))

    def _path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def _resolved(self, text: str) -> str:
        """Return a text with its variables replaced; unknown ones stay."""

        def value(match: re.Match[str]) -> str:
            known = self._defined.get(match[1]) or self._environment.get(match[1])
            return match[0] if known is None else known

        return _VARIABLE.sub(value, text)

    def _envvars(self, path: Path) -> None:
        """Read what Debian's shell file gives Apache, as far as it needs no shell."""
        try:
            text = read(path)
        except OSError:
            return
        for number, line in lines(text):
            if match := _ASSIGNMENT.fullmatch(line):
                # It is the second instance's name, and empty for the first.
                value = re.sub(r"\$\{?SUFFIX\}?", "", match[2])
                value = "".join(words(value)[:1])
                if not re.search(r"[$`]", value):
                    self._environment[match[1]] = value
                place = Place(path, number)
                self.directives.append(Directive(ENVVARS, (match[1], value), place, ()))


def _known_as(module: str, path: str) -> tuple[str, ...]:
    """Return what <IfModule> knows a module by: its name, and that of its source.

    The file need not have the name of the source: mod_wsgi_python3.so is mod_wsgi.c.
    """
    name = module.removesuffix("_module")
    if name.startswith("mpm_"):
        return module, f"{name.removeprefix('mpm_')}.c"
    file = path.rpartition("/")[2].removesuffix(".so")
    return module, f"mod_{name}.c", f"{file}.c"


def _version_holds(rest: str) -> bool:
    match = _VERSION.fullmatch(rest.strip())
    if match is None or len(match[3]) > 20:
        return True
    number = tuple(int(part) for part in match[3].split("."))
    # "= 2.4" is true for any 2.4.
    compared = (_APACHE[: len(number)] > number) - (_APACHE[: len(number)] < number)
    holds = {
        "<": compared < 0,
        "<=": compared <= 0,
        ">": compared > 0 or (len(number) < 3 and compared == 0),
        ">=": compared >= 0,
    }.get(match[2] or "=", compared == 0)
    return holds is not bool(match[1])
