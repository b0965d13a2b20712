# SPDX-License-Identifier: Apache-2.0
"""The install guide's text as the list of what a person does who follows it.

Owns which block of the guide is an action, of what kind, and in which variant. It must
never leave a block out in silence, nor read a file or run a command. Read read.
"""

import re

from tests.guide.actions import Action, Commands, File, GuideError
from tests.guide.ini import options
from tests.guide.page import Block, Part, Shown, Table, parts

APACHE, HAPROXY = "apache", "haproxy"
VARIANTS = (APACHE, HAPROXY)
# What stands in the place of what: the second, wherever it is, for the first.
APACHES_PART = "7. The TLS server / Apache"
HAPROXYS_PART = "HAProxy in place of Apache"

# The first line of each block that no variant follows, and why.
NOT_FOLLOWED = {
    "python3 -m venv --system-site-packages /opt/fedcloud-openstack": (
        "for a Keystone from packages; the site that follows has one from pip"
    ),
}
# How captions say which file a text belongs into, and that it is not all of it.
_WHOLE = re.compile(r"/\S+")
_MERGED = re.compile(r"in (/\S+)")
_TABLE = "in each file of the table"


def read(text: str, *, variant: str) -> tuple[Action, ...]:
    """Return what a person does, in order, to follow the guide in a variant.

    Raises GuideError if a block is neither an action nor in NOT_FOLLOWED, or a file is
    shown that no command installs.
    """
    if variant not in VARIANTS:
        raise GuideError(f"There is no variant {variant!r}. Use one of {VARIANTS}.")
    page = parts(text)
    _check_not_followed(page)
    _check_shown(page)
    found = [
        action
        for part in _in_order(page, variant)
        if isinstance(part, Block) and _first_line(part) not in NOT_FOLLOWED
        for action in _actions(part, page)
    ]
    _check_tables(page)
    return tuple(found)


def _in_order(page: tuple[Part, ...], variant: str) -> list[Part]:
    """Return the parts that a variant has, in the order of following."""
    apaches = [part for part in page if part.section == APACHES_PART]
    haproxys = [part for part in page if part.section == HAPROXYS_PART]
    if not apaches or not haproxys:
        raise GuideError(
            f"{APACHES_PART!r} or {HAPROXYS_PART!r} has no block in the guide. "
            "Name the parts so, or change their names in tests/guide/reader.py."
        )
    others = [part for part in page if part not in apaches and part not in haproxys]
    before = sum(part.line < apaches[0].line for part in others)
    chosen = apaches if variant == APACHE else haproxys
    return [*others[:before], *chosen, *others[before:]]


def _actions(block: Block, page: tuple[Part, ...]) -> list[Action]:
    """Return what a block asks for: commands, a file, or options of several."""
    section, line, text = block.section, block.line, block.text
    if block.caption is None:
        return [Commands(section=section, line=line, text=text)]
    if _WHOLE.fullmatch(block.caption):
        path = block.caption
        return [File(section=section, line=line, path=path, text=text, merge=False)]
    if found := _MERGED.fullmatch(block.caption):
        path = found[1]
        return [File(section=section, line=line, path=path, text=text, merge=True)]
    if block.caption == _TABLE:
        return [
            File(section=section, line=line, path=path, text=own, merge=True)
            for path, own in _rows(block, page)
        ]
    raise GuideError(
        f"Line {line}: nothing tells what to do with this block. Give it the caption "
        f"'/PATH' of its file, 'in /PATH' if it is a part, or {_TABLE!r}; let '::' "
        "begin commands; or give the reason in NOT_FOLLOWED of tests/guide/reader.py."
    )


def _rows(block: Block, page: tuple[Part, ...]) -> list[tuple[str, str]]:
    """Return the path and the options of each row of the table behind a block.

    The heads of the second and third column name options of the block. A row has, in
    the second, more sections for these options, and in the third, options of another
    name that get the value of the one that the head names.
    """
    values = {name: value for _, name, value in options(block.text)}
    table = _table_of(block, page)
    _, also, (other,) = table.rows[0]
    found = []
    for (path,), sections, names in table.rows[1:]:
        text = block.text
        for section in sections:
            lines = [f"{name} = {values[name]}" for name in also]
            text += "\n".join(["", section, *lines, ""])
        for name in names:
            section, _, option = name.partition(" ")
            text += "\n".join(["", section, f"{option} = {values[other]}", ""])
        found.append((path, text))
    return found


def _table_of(block: Block, page: tuple[Part, ...]) -> Table:
    tables = [
        part
        for part in page
        if isinstance(part, Table) and part.section == block.section
    ]
    names = {name for _, name, _ in options(block.text)}
    if len(tables) == 1 and _is_right(tables[0], names):
        return tables[0]
    raise GuideError(
        f"Line {block.line}: {block.section!r} has no table of files that can be "
        "followed. It wants three columns of literals: '/PATH'; '[SECTION]', with "
        "options of the block in the head; '[SECTION] OPTION', with one in the head."
    )


def _is_right(table: Table, names: set[str]) -> bool:
    head, *rows = table.rows
    shapes = (_WHOLE, re.compile(r"\[\w+\]"), re.compile(r"\[\w+\] \w+"))
    return (
        bool(rows)
        and len(head) == len(shapes)
        and head[0] == ()
        and len(head[1]) > 0
        and len(head[2]) == 1
        and names.issuperset((*head[1], *head[2]))
        and all(len(row[0]) == 1 for row in rows)
        and all(
            shape.fullmatch(literal)
            for row in rows
            for shape, cell in zip(shapes, row, strict=True)
            for literal in cell
        )
    )


def _first_line(block: Block) -> str:
    return block.text.partition("\n")[0]


def _check_not_followed(page: tuple[Part, ...]) -> None:
    there = [_first_line(part) for part in page if isinstance(part, Block)]
    for line in NOT_FOLLOWED:
        if there.count(line) != 1:
            raise GuideError(
                f"NOT_FOLLOWED of tests/guide/reader.py has {line!r}, with which "
                f"{there.count(line)} blocks of the guide begin. Let it name one."
            )


def _check_shown(page: tuple[Part, ...]) -> None:
    """See that each file that is shown is installed by a command of its section."""
    for shown in page:
        if isinstance(shown, Shown) and not any(
            isinstance(part, Block)
            and part.caption is None
            and part.section == shown.section
            and shown.path in part.text.split()
            for part in page
        ):
            raise GuideError(
                f"Line {shown.line}: {shown.path} is shown, and no command of "
                f"{shown.section!r} installs it. Add one that names it."
            )


def _check_tables(page: tuple[Part, ...]) -> None:
    """See that each table belongs to a block."""
    owners = {
        part.section
        for part in page
        if isinstance(part, Block) and part.caption == _TABLE
    }
    for part in page:
        if isinstance(part, Table) and part.section not in owners:
            raise GuideError(
                f"Line {part.line}: no block of {part.section!r} has the caption "
                f"{_TABLE!r}. Say by one what belongs into the files of this table."
            )
