# SPDX-License-Identifier: Apache-2.0
"""The documentation explains every code that a login can fail with, and no other.

Owns reading the codes out of the source, so that a new one cannot be forgotten.
It must never hold a list of codes. Read ``Codes.found`` first.
"""

import ast
import re
from pathlib import Path

import pytest

from keystone_voms_ext.voms.codes import CODES

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "keystone_voms_ext"
PAGE = ROOT / "doc" / "source" / "admin" / "troubleshooting.rst"

REFUSED, SETUP = "CredentialRefused", "SetupError"
ROW = re.compile(r"^   \* - ``([a-z0-9_]+)``$", re.MULTILINE)
LABELS = {REFUSED: ".. _refused-codes:", SETUP: ".. _setup-codes:"}


class Codes:
    """The codes of some source texts: where, and with which kind of error.

    Errors are made by the two classes, by classes that derive from them, and
    by functions that pass their own parameter ``code`` on to one of these.
    """

    def __init__(self, sources):
        self._trees = {name: ast.parse(text) for name, text in sources.items()}
        self._makers = {"VomsError": REFUSED, REFUSED: REFUSED, SETUP: SETUP}
        known = 0
        while known != len(self._makers):
            known = len(self._makers)
            for tree in self._trees.values():
                self._learn(tree)
        self.found = {}  # code -> the kinds of error that it comes with
        self.hidden = []  # places whose code no reader of the source can tell
        for name, tree in self._trees.items():
            self._read(name, tree)

    def _learn(self, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    if called(base) in self._makers:
                        self._makers.setdefault(node.name, self._makers[called(base)])
            elif takes_code(node):
                for call in self._calls(node):
                    if is_name(code_of(call), "code"):
                        self._makers.setdefault(
                            node.name, self._makers[called(call.func)]
                        )

    def _calls(self, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node.func) in self._makers:
                yield node

    def _read(self, name, tree):
        passed_on = {
            id(call)
            for node in ast.walk(tree)
            if takes_code(node)
            for call in self._calls(node)
            if is_name(code_of(call), "code")
        }
        for call in self._calls(tree):
            code, kind = code_of(call), self._makers[called(call.func)]
            if isinstance(code, ast.Constant):
                self.found.setdefault(code.value, set()).add(kind)
            elif isinstance(code, ast.Attribute) and code.attr == "code":
                for value in self._class_codes():
                    self.found.setdefault(value, set()).add(kind)
            # refusal() looks its code up in CODES, so none is missing there.
            elif id(call) not in passed_on and called(call.func) != "refusal":
                self.hidden.append(f"{name}:{call.lineno}")

    def _class_codes(self):
        for tree in self._trees.values():
            for node in ast.walk(tree):
                for line in node.body if isinstance(node, ast.ClassDef) else ():
                    if (
                        isinstance(line, ast.Assign)
                        and is_name(line.targets[0], "code")
                        and isinstance(line.value, ast.Constant)
                    ):
                        yield line.value.value


def called(node):
    """Return the last part of a name: fault for self.entry.fault."""
    return getattr(node, "attr", getattr(node, "id", None))


def code_of(call):
    named = [word.value for word in call.keywords if word.arg == "code"]
    return (named or call.args or [None])[0]


def is_name(node, name):
    return isinstance(node, ast.Name) and node.id == name


def takes_code(node):
    if not isinstance(node, ast.FunctionDef) or node.name == "__init__":
        return False
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return any(argument.arg == "code" for argument in arguments)


@pytest.fixture(scope="module")
def codes():
    paths = sorted(PACKAGE.rglob("*.py"))
    return Codes({str(p.relative_to(ROOT)): p.read_text("utf-8") for p in paths})


@pytest.fixture(scope="module")
def tables():
    """Return the codes that the page lists, by the kind of error, in order."""
    page = PAGE.read_text(encoding="utf-8")
    begins = {kind: page.index(label) for kind, label in LABELS.items()}
    first, second = sorted(begins, key=begins.get)
    return {
        first: ROW.findall(page[begins[first] : begins[second]]),
        second: ROW.findall(page[begins[second] :]),
    }


def test_each_code_is_in_the_validators_table_or_on_the_page(codes, tables):
    documented = {code for rows in tables.values() for code in rows} | set(CODES)
    assert sorted(set(codes.found) - documented) == []


def test_no_code_is_made_up_while_the_program_runs(codes):
    assert codes.hidden == []


@pytest.mark.parametrize("kind", [REFUSED, SETUP])
def test_each_table_has_the_codes_of_its_kind_once_and_nothing_old(codes, tables, kind):
    rows = tables[kind]
    assert rows == list(dict.fromkeys(rows))
    own = {c for c, kinds in codes.found.items() if kind in kinds and c not in CODES}
    assert sorted(rows) == sorted(own)


def test_each_row_tells_what_happened_and_what_to_do():
    page = PAGE.read_text(encoding="utf-8")
    rows = ROW.split(page)[1:]
    for code, rest in zip(rows[::2], rows[1::2], strict=True):
        row = re.split(r"^(?:   \* - |\S)", rest, maxsplit=1, flags=re.MULTILINE)[0]
        cells = re.split(r"^     - ", row, flags=re.MULTILINE)[1:]
        assert len(cells) == 2 and all(cell.strip() for cell in cells), code


# Every way of the package to raise a code, with a code that no page has.
WAYS = {
    "direct": 'raise SetupError("odd", what="w", mend="m")',
    "by its module": 'raise errors.CredentialRefused("odd", what="w", mend="m")',
    "by keyword": 'raise SetupError(code="odd", what="w", mend="m")',
    "by a function": (
        'def _no(code, text):\n    return SetupError(code, what=text, mend="")\n'
        'raise _no("odd", "w")'
    ),
    "by a method, through a function": (
        "def _no(code, what):\n    return SetupError(code, what=what)\n"
        "class Entry:\n    def wrong(self, code, *, what):\n"
        "        return _no(code, what=what)\n"
        'raise entry.wrong("odd", what="w")'
    ),
    "by a class of its own": (
        'class Late(CredentialRefused):\n    pass\nraise Late("odd", what="w")'
    ),
    "by an attribute of a class": (
        'class Store:\n    code = "odd"\n'
        '    def read(self):\n        raise SetupError(self.code, what="w")'
    ),
}


@pytest.mark.parametrize("text", WAYS.values(), ids=WAYS)
def test_a_code_is_seen_by_whatever_way_it_is_raised(text):
    found = Codes({"x.py": text})
    assert set(found.found) == {"odd"} and found.hidden == []


@pytest.mark.parametrize("argument", ['f"odd_{x}"', "table[x]", "name", '"o" + x'])
def test_a_code_that_cannot_be_read_is_told(argument):
    found = Codes({"x.py": f'raise SetupError({argument}, what="w", mend="m")'})
    assert found.found == {} and found.hidden == ["x.py:1"]
