# SPDX-License-Identifier: Apache-2.0
"""A page of the documentation as its blocks, shown files and tables, in order.

Owns the ways of reStructuredText to print a block, as far as the guide uses them; any
other is an error. It must never know what a block is for: reader does. Read parts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docutils import frontend, nodes, utils
from docutils.parsers import rst
from docutils.parsers.rst import directives, roles

from tests.guide.actions import GuideError

_WARNING = 2
_SEPARATOR = " / "
_UP = "../"


@dataclass(frozen=True, kw_only=True)
class Block:
    """A text that is printed; ``caption`` is None behind a ``::``, else maybe ''.

    ``section`` has the titles from the outermost inwards, less that of the page.
    ``line`` is that of the first line of the text, from 1.
    """

    section: str
    line: int
    text: str
    caption: str | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A file that is included to be shown; ``path`` begins at the project's folder."""

    section: str
    line: int
    path: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """The literals of each cell by row, of which the first is the head."""

    section: str
    line: int
    rows: tuple[tuple[tuple[str, ...], ...], ...]


Part = Block | Shown | Table


class _code_block(nodes.General, nodes.Element):
    """What ``code-block`` makes."""


class _included(nodes.General, nodes.Element):
    """What ``literalinclude`` makes."""


class _CodeBlock(rst.Directive):
    required_arguments = 1
    has_content = True
    option_spec = {"caption": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        self.assert_has_content()
        node = _code_block(
            text="\n".join(self.content), caption=self.options.get("caption", "")
        )
        node.line = self.content.offset(0) + 1
        return [node]


class _LiteralInclude(rst.Directive):
    required_arguments = 1
    option_spec = {
        "caption": directives.unchanged_required,
        "language": directives.unchanged_required,
        "start-at": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        path = self.arguments[0]
        while path.startswith(_UP):
            path = path.removeprefix(_UP)
        if self.options.get("caption") != path:
            raise self.error(f"The caption of {path} has to be its path.")
        node = _included(path=path)
        node.line = self.lineno
        return [node]


def parts(text: str) -> tuple[Part, ...]:
    """Return the parts of a page in the order in which they are printed.

    Raises GuideError for text that docutils warns of, or a block of another kind.
    """
    return tuple(_parts(_parsed(text)))


def _parsed(text: str) -> nodes.document:
    # docutils has one table of these for all parsers of a process.
    directives.register_directive("code-block", _CodeBlock)
    directives.register_directive("literalinclude", _LiteralInclude)
    for role in ("doc", "ref"):
        roles.register_generic_role(role, nodes.emphasis)
    settings = frontend.get_default_settings(rst.Parser)
    settings.halt_level = _WARNING
    settings.report_level = _WARNING
    settings.warning_stream = False
    settings.file_insertion_enabled = False
    settings.raw_enabled = False
    document = utils.new_document("the guide", settings)
    try:
        rst.Parser().parse(text, document)
    except utils.SystemMessage as error:
        raise GuideError(f"{error} Mend the markup.") from error
    return document


def _parts(document: nodes.document) -> Iterator[Part]:
    for node in document.findall(nodes.Element):
        where: dict[str, Any] = {"section": _section(node), "line": _line(node)}
        if isinstance(node, _included):
            yield Shown(path=node["path"], **where)
        elif isinstance(node, _code_block):
            yield Block(text=f"{node['text']}\n", caption=node["caption"], **where)
        elif isinstance(node, nodes.table):
            yield Table(rows=_rows(node), **where)
        elif isinstance(node, nodes.literal_block) and node["classes"] == []:
            yield Block(text=f"{node.astext()}\n", caption=None, **where)
        elif _is_block(node):
            raise GuideError(
                f"Line {where['line']}: tests/guide/page.py knows no block of the kind "
                f"{node.tagname}. Use '::', code-block or literalinclude."
            )


def _is_block(node: nodes.Element) -> bool:
    known = (nodes.comment, nodes.literal_block)
    if isinstance(node, nodes.literal_block):
        return True
    return isinstance(node, nodes.FixedTextElement) and not isinstance(node, known)


def _rows(table: nodes.table) -> tuple[tuple[tuple[str, ...], ...], ...]:
    return tuple(
        tuple(
            tuple(" ".join(one.astext().split()) for one in cell.findall(nodes.literal))
            for cell in row.findall(nodes.entry)
        )
        for row in table.findall(nodes.row)
    )


def _section(node: nodes.Node) -> str:
    titles = []
    above: Any = node.parent
    while above is not None:
        if isinstance(above, nodes.section):
            titles.append(above[0].astext())
        above = above.parent
    return _SEPARATOR.join(reversed(titles[:-1]))


def _line(node: nodes.Node) -> int:
    """Return the line of a node, or of what is in it or around it."""
    for one in (node, *node.findall()):
        if one.line:
            return int(one.line)
    return _line(node.parent) if node.parent is not None else 0
