# SPDX-License-Identifier: Apache-2.0
"""A PasteDeploy file as lines: read into sections, and edited one line at a time.

Owns: where a section, an option and a word stand, and edits that leave every
other byte as it is. What it reads is held against Python's own parser, which
PasteDeploy uses, before and after each edit. Must never: write a file anew from
what was parsed, or know what OCCI is. Read first: parse.
"""

import configparser
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_ENDS = re.compile(r"(\r\n|\n|\r)")
# Some editors put it before the first line.
_MARK = "\ufeff"
_HEADER = re.compile(r"\[(.+)\]")
_OPTION = re.compile(r"(.*?)\s*[=:]")
# PasteDeploy takes either.
_ALIASES = {"application": "app", "composit": "composite"}
_APPS = ("app", "composite", "pipeline", "filter-app")


class Unusual(Exception):
    """A file that cannot be edited safely: what, in which line, how to mend it.

    `line` counts from 1; 0 stands for the whole file.
    """

    def __init__(self, what: str, *, line: int = 0, mend: str) -> None:
        """Take the finding, and what the reader can do about it."""
        super().__init__(f"line {line}: {what} {mend}" if line else f"{what} {mend}")
        self.what = what
        self.line = line
        self.mend = mend


@dataclass(frozen=True, kw_only=True)
class Option:
    """`key = value`; it stands in the lines `first` to `last`, counted from 0."""

    key: str
    words: tuple[str, ...]
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Section:
    """`[kind:name]` in line `first`; `last` is its last line that says something.

    The comments behind that line are taken for those of the next section.
    """

    header: str
    options: tuple[Option, ...]
    first: int
    last: int

    @property
    def kind(self) -> str:
        """Return what it describes: app, composite, pipeline, filter, filter-app."""
        kind = self.header.partition(":")[0]
        return _ALIASES.get(kind, kind)

    @property
    def name(self) -> str:
        """Return the name that others call it by, empty if it has none."""
        return self.header.partition(":")[2].strip()

    def get(self, key: str) -> Option | None:
        """Return the option of that name, if there is one."""
        return next((o for o in self.options if o.key == key), None)

    def value(self, key: str) -> str:
        """Return the words of that option, a space between them."""
        option = self.get(key)
        return " ".join(option.words) if option else ""


@dataclass(frozen=True)
class Lines:
    """A file: each line with what ends it, and the sections they make."""

    lines: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """Return the file as it is stored."""
        return "".join(text + end for text, end in self.lines)

    def app(self, name: str) -> Section | None:
        """Return what a pipeline or a composite finds under `name`."""
        return self._find(name, _APPS)

    def filter(self, name: str) -> Section | None:
        """Return the section of the filter `name`."""
        return self._find(name, ("filter",))

    def with_section(self, *lines: str) -> "Lines":
        """Return the file with a section at its end, and an empty line before it."""
        made = parse("\n".join(lines)).sections
        wanted = _said(self.sections) + _said(made)
        return self._insert(len(self.lines) - 1, ("", *lines), wanted)

    def without_section(self, section: Section) -> "Lines":
        """Return the file without a section and one empty line before it."""
        spaced = section.first > 0 and self.lines[section.first - 1][0] == ""
        wanted = _said(s for s in self.sections if s != section)
        return self._cut(section.first - spaced, section.last, wanted)

    def with_option(self, section: Section, key: str, value: str) -> "Lines":
        """Return the file with `key: value` behind the last option of a section.

        The section has an option.
        """
        # Deeper than the one before it, it would go on with its value.
        line = self.lines[section.options[-1].first][0]
        indent = line[: len(line) - len(line.lstrip())]
        option = Option(key=key, words=tuple(value.split()), first=0, last=0)
        changed = replace(section, options=(*section.options, option))
        wanted = _said(changed if s == section else s for s in self.sections)
        return self._insert(section.last, (f"{indent}{key}: {value}",), wanted)

    def without_option(self, section: Section, option: Option) -> "Lines":
        """Return the file without an option of a section."""
        left = tuple(o for o in section.options if o != option)
        wanted = _said(
            replace(s, options=left) if s == section else s for s in self.sections
        )
        return self._cut(option.first, option.last, wanted)

    def with_word(self, option: Option, word: str) -> "Lines":
        """Return the file with `word` before the last word of an option."""
        text, end = self.lines[option.last]
        at = len(text.rstrip()) - len(option.words[-1])
        lines = list(self.lines)
        lines[option.last] = (f"{text[:at]}{word} {text[at:]}", end)
        words = (*option.words[:-1], word, option.words[-1])
        return _made(lines, self._said_with(option, words))

    def without_word(self, option: Option, word: str) -> "Lines":
        """Return the file without `word`, which is not the last one of an option."""
        pattern = re.compile(rf"(?<!\S){re.escape(word)}(?:\s+(?=\S)|(?!\S))")
        lines = list(self.lines)
        for number in range(option.first, option.last + 1):
            text, end = lines[number]
            begin = _OPTION.match(text) if number == option.first else None
            head = text[: begin.end()] if begin else ""
            if _silent(text):
                continue
            left = pattern.sub("", text[len(head) :], count=1)
            if head + left == text:
                continue
            if not left.strip() and not begin:
                del lines[number]
            else:
                # The last word of its line leaves the space before it.
                ended = text.rstrip().endswith(word)
                lines[number] = (head + (left.rstrip() if ended else left), end)
            break
        words = list(option.words)
        words.remove(word)
        return _made(lines, self._said_with(option, tuple(words)))

    def _find(self, name: str, kinds: tuple[str, ...]) -> Section | None:
        found = (s for s in self.sections if s.kind in kinds and s.name == name)
        return next(found, None)

    def _said_with(self, option: Option, words: tuple[str, ...]) -> "_Said":
        def changed(section: Section) -> Section:
            return replace(
                section,
                options=tuple(
                    replace(o, words=words) if o == option else o
                    for o in section.options
                ),
            )

        return _said(map(changed, self.sections))

    def _insert(self, after: int, new: tuple[str, ...], wanted: "_Said") -> "Lines":
        lines = list(self.lines)
        text, end = lines[after]
        usual = end or lines[0][1] or "\n"
        lines[after] = (text, usual)
        # A file whose last line has no end keeps that habit: this is what tells
        # _cut later to take the end away that was given here.
        added = [(line, usual) for line in new]
        added[-1] = (new[-1], end)
        lines[after + 1 : after + 1] = added
        return _made(lines, wanted)

    def _cut(self, first: int, last: int, wanted: "_Said") -> "Lines":
        lines = list(self.lines)
        open_end = lines[last][1] == ""
        del lines[first : last + 1]
        if open_end and lines:
            lines[-1] = (lines[-1][0], "")
        return _made(lines, wanted)


class _Python(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        """Return the key as it is: PasteDeploy tells capitals from small letters."""
        return optionstr


# What a file says: each header with its keys and their words.
_Said = list[tuple[str, list[tuple[str, tuple[str, ...]]]]]


def parse(text: str) -> Lines:
    """Return the sections of a paste file.

    Raises Unusual if PasteDeploy could not read it, if something stands twice, or
    if this reading of it and Python's differ.
    """
    if text.startswith(_MARK):
        raise Unusual(
            "The file begins with a byte order mark, so Nova cannot read it either.",
            line=1,
            mend="Save it as UTF-8 without that mark.",
        )
    pieces = _ENDS.split(text)
    lines = tuple(zip(pieces[::2], (*pieces[1::2], ""), strict=True))
    if lines[-1] == ("", ""):
        lines = lines[:-1]
    sections = _sections(lines)
    _refuse_twice(sections)
    by_python = _Python(default_section="", strict=True)
    try:
        by_python.read_file(line for line, _ in lines)
    except configparser.Error as error:
        raise Unusual(
            f"PasteDeploy cannot read the file: {error.message}",
            line=getattr(error, "lineno", 0),
            mend="Mend that line.",
        ) from error
    theirs = [
        (name, [(key, tuple(value.split())) for key, value in by_python.items(name)])
        for name in by_python.sections()
    ]
    if theirs != _said(sections):
        raise Unusual(
            "The file can be read in two ways.",
            mend="Begin headers and options at the first column.",
        )
    return Lines(lines, sections)


def _sections(lines: tuple[tuple[str, str], ...]) -> tuple[Section, ...]:
    found: list[Section] = []
    option: Option | None = None
    depth = 0
    for number, (text, _) in enumerate(lines):
        if _silent(text):
            continue
        words, indent = text.strip(), len(text) - len(text.lstrip())
        if option and indent > depth:
            option = replace(option, words=(*option.words, *words.split()), last=number)
            options = (*found[-1].options[:-1], option)
            found[-1] = replace(found[-1], options=options, last=number)
            continue
        depth = indent
        if header := _HEADER.match(words):
            option = None
            found.append(
                Section(header=header[1], options=(), first=number, last=number)
            )
        elif (begin := _OPTION.match(words)) and found:
            option = Option(
                key=begin[1],
                words=tuple(words[begin.end() :].split()),
                first=number,
                last=number,
            )
            options = (*found[-1].options, option)
            found[-1] = replace(found[-1], options=options, last=number)
        else:
            raise Unusual(
                f"{words[:60]!r} is neither a header nor an option.",
                line=number + 1,
                mend="Mend that line: Nova cannot read the file either.",
            )
    return tuple(found)


def _refuse_twice(sections: tuple[Section, ...]) -> None:
    known: dict[tuple[str, ...], int] = {}
    for section in sections:
        sort = "an application" if section.kind in _APPS else section.kind
        keys = {(sort, section.name): f"[{section.header}]", (section.header,): ""}
        for key in keys:
            if key in known:
                raise Unusual(
                    f"[{section.header}] stands there twice; first in line "
                    f"{known[key] + 1}.",
                    line=section.first + 1,
                    mend="Take one of them out.",
                )
        known |= dict.fromkeys(keys, section.first)
        options: dict[str, int] = {}
        for option in section.options:
            if option.key in options:
                raise Unusual(
                    f"{option.key} stands twice in [{section.header}]; first in line "
                    f"{options[option.key] + 1}.",
                    line=option.first + 1,
                    mend="Take one of them out.",
                )
            options[option.key] = option.first


def _said(sections: Iterable[Section]) -> _Said:
    return [(s.header, [(o.key, o.words) for o in s.options]) for s in sections]


def _made(lines: list[tuple[str, str]], wanted: _Said) -> Lines:
    made = parse("".join(text + end for text, end in lines))
    if _said(made.sections) != wanted:
        raise Unusual(
            "An edit would change what other lines of the file mean.",
            mend="Begin headers and options at the first column.",
        )
    return made


def _silent(text: str) -> bool:
    return not text.strip() or text.strip()[0] in "#;"
