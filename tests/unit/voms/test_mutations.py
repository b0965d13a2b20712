# SPDX-License-Identifier: Apache-2.0
"""Each check in the ordered lists of ``validate`` is needed: without it a row fails.

Owns the deleting of one entry from the source of ``validate``. Must never touch
the module that the other tests use. Read first: test_each_check_is_needed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from keystone_voms_ext.voms import validate as original
from keystone_voms_ext.voms.codes import CODES
from keystone_voms_ext.voms.errors import CredentialRefused
from tests.unit.voms.case import Case
from tests.unit.voms.table import BAD

SOURCE = Path(original.__file__).read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a list of checks: its code, and its place in that list."""

    listed_in: str
    index: int
    code: str
    check: str

    def __str__(self) -> str:
        return f"{self.listed_in}: {self.code}"


def lists(tree: ast.Module) -> Iterator[tuple[str, ast.Tuple]]:
    """Yield name and value of each list of checks at the top of the module."""
    for statement in tree.body:
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(statement.value, ast.Tuple)
            and ast.unparse(statement.annotation).startswith("Checks[")
        ):
            yield statement.target.id, statement.value


def entries() -> Iterator[Entry]:
    """Yield all entries of all lists."""
    for name, found in lists(ast.parse(SOURCE)):
        for index, entry in enumerate(found.elts):
            code, check = entry.elts
            yield Entry(
                listed_in=name,
                index=index,
                code=ast.literal_eval(code),
                check=ast.unparse(check),
            )


ENTRIES = tuple(entries())


def without(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a new ``validate`` whose source lacks one entry."""
    tree = ast.parse(SOURCE)
    del dict(lists(tree))[entry.listed_in].elts[entry.index]
    module = ModuleType("validate_without_a_check")
    # Dataclasses look for their module by its name.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(tree, f"<without {entry}>", "exec"), vars(module))  # noqa: S102
    return module


def outcome(case: Case, root: Path, judge: Callable[..., object]) -> str:
    """Return `accepted`, the code of the refusal, or `breakdown`."""
    root.mkdir()
    try:
        case.judged(root, judge)
    except CredentialRefused as error:
        return error.code
    except Exception:
        return "breakdown"
    return "accepted"


def test_the_lists_are_found() -> None:
    tables = {
        name
        for name, value in vars(original).items()
        if name.isupper() and isinstance(value, tuple)
    }
    assert {name for name, _ in lists(ast.parse(SOURCE))} == tables
    assert sum(len(getattr(original, name)) for name in tables) == len(ENTRIES)
    assert len(ENTRIES) > 70
    assert {entry.code for entry in ENTRIES} <= set(CODES)


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_each_check_is_needed(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant = without(entry, monkeypatch)
    rows = [case for case in BAD if case.code == entry.code]
    outcomes = (
        outcome(case, tmp_path / str(number), mutant.validate)
        for number, case in enumerate(rows)
    )
    assert any(seen not in ("breakdown", entry.code) for seen in outcomes)
