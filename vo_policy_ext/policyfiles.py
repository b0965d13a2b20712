# SPDX-License-Identifier: Apache-2.0
"""Policy files as oslo.policy reads them: what stands where, and who wins.

Owns: the reading of YAML files and of policy.d folders. Must never: take what
oslo.policy would take in silence, a name that stands twice for example. Read
first: read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

_TEXT = "tag:yaml.org,2002:str"


class NotReadable(Exception):
    """A file or a folder that cannot be read at all."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One rule as it stands in a file. `line` counts from 1."""

    name: str
    check: str
    file: Path
    line: int


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a rule or a file is refused, and how to mend it.

    `rule` is empty where the whole file is meant.
    """

    file: Path
    line: int
    rule: str
    reason: str
    mend: str

    def __str__(self) -> str:
        of = f"{self.rule}: " if self.rule else ""
        return f"{self.file}:{self.line}: {of}{self.reason}. {self.mend}"


def files(path: Path) -> tuple[Path, ...]:
    """Return the file, or the files of a folder in the order that they count in.

    As in oslo.policy: sorted by name whatever the ending, hidden ones left out,
    nothing of folders below. Raises NotReadable.
    """
    try:
        if not path.is_dir():
            return (path,)
        found = (file for file in path.iterdir() if file.is_file())
        return tuple(sorted(file for file in found if not file.name.startswith(".")))
    except OSError as error:
        raise NotReadable(f"{path} cannot be read: {error.strerror}.") from error


def read(path: Path) -> tuple[tuple[Entry, ...], tuple[Fault, ...]]:
    """Return the rules of one file in order, and what is wrong with the file.

    Raises NotReadable.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotReadable(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise NotReadable(f"{path} is no text in UTF-8.") from error
    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it is nested too deeply"
        fault = Fault(
            file=path,
            line=mark.line + 1 if mark else 1,
            rule="",
            reason=f"this is no YAML: {problem}",
            mend='A line is written "name": "check string".',
        )
        return (), (fault,)
    if document is None:
        return (), ()
    if not isinstance(document, yaml.MappingNode):
        fault = Fault(
            file=path,
            line=1,
            rule="",
            reason="the file is no list of rules",
            mend='A line is written "name": "check string".',
        )
        return (), (fault,)
    return _entries(path, document)


def merged(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the entry of each name that counts: the last one."""
    return {entry.name: entry for entry in entries}


def _entries(
    path: Path, document: yaml.MappingNode
) -> tuple[tuple[Entry, ...], tuple[Fault, ...]]:
    found: dict[str, Entry] = {}
    faults: list[Fault] = []
    for key, value in document.value:
        name, line = str(key.value), key.start_mark.line + 1

        def refuse(reason: str, mend: str, name: str = name, line: int = line) -> None:
            faults.append(
                Fault(file=path, line=line, rule=name, reason=reason, mend=mend)
            )

        if key.tag != _TEXT:
            refuse("the name is no text", "Put it in quotes.")
        elif value.tag != _TEXT:
            refuse(
                "the check is no text",
                'Put it in quotes; "!" lets nobody in, "@" everybody.',
            )
        elif name in found:
            refuse(
                f"it stands in line {found[name].line} too, and only the last counts",
                "Take one of them out.",
            )
        else:
            found[name] = Entry(name=name, check=value.value, file=path, line=line)
    return tuple(found.values()), tuple(faults)
