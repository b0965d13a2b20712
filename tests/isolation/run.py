# SPDX-License-Identifier: Apache-2.0
"""The matrix, tried on the lab.

Owns: the order in which a row is tried, and what is written into a cell. A refusal
that shows something of alice's, changes something of hers or tells an existing
resource from a missing one is not the refusal that the matrix has. Must never: look
at what is expected when it writes down what it saw. Read first: observed.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.isolation import (
    image_operations,
    nova_operations,
    occi_operations,
    storage_operations,
)
from tests.isolation.asking import Answer, Api
from tests.isolation.matrix import NOT_TRIED, Row
from tests.isolation.operation import Operation, Target, filled
from tests.isolation.personas import ALICE, BOB, NAMES, Persona, personas
from tests.isolation.world import World, world
from tests.lab.lab import Lab
from tests.lab.settings import SHARED_PROJECT

AT_ONCE = 4

OPERATIONS = {
    (one.service, one.name): one
    for one in (
        *nova_operations.OPERATIONS,
        *storage_operations.OPERATIONS,
        *image_operations.OPERATIONS,
        *occi_operations.OPERATIONS,
    )
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was seen of one row, by persona."""

    row: Row
    cells: Mapping[str, str]

    @property
    def wrong(self) -> tuple[str, ...]:
        """Return the personas whose cell is not as expected."""
        return tuple(n for n, seen in self.cells.items() if seen != self.row.cells[n])


def result(world: World, row: Row) -> Result:
    """Return what is seen of a row; KeyError for one that names no operation."""
    operation = OPERATIONS[row.service, row.operation]
    return Result(row=row, cells=observed(world, operation, row))


def without_waiting(row: Row) -> Row:
    """Return a row with what costs seconds left to alice and bob.

    In the modes that have no filter the others who may do it show nothing new: a
    control has to leak to another user of the project, and that is bob.
    """
    operation = OPERATIONS[row.service, row.operation]
    if not (operation.fresh or operation.after):
        return row
    left = {n for n in row.tried() if row.is_allowed(n)} - {ALICE, BOB}
    cells = {n: NOT_TRIED if n in left else cell for n, cell in row.cells.items()}
    return replace(row, cells=cells)


@contextmanager
def opened(lab: Lab) -> Iterator[World]:
    """Yield the world of a lab that runs, in the mode of its settings."""
    with personas(lab) as people, world(Api(lab.settings), people) as found:
        yield found


def observed(world: World, operation: Operation, row: Row) -> dict[str, str]:
    """Return what each persona sees, the refused ones first.

    alice's resources are compared after the last who is to be refused: what one
    of them has changed is held against all of them. Those who change nothing try
    at the same time.
    """
    refused = [name for name in row.tried() if not row.is_allowed(name)]
    allowed = [name for name in row.tried() if row.is_allowed(name)]

    def tried(name: str) -> str:
        fresh = operation.fresh if row.is_allowed(name) else ""
        return _cell(world, operation, world.personas[name], row, fresh)

    before = world.state(operation.touches) if refused else {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        cells = dict(zip(refused, pool.map(tried, refused), strict=True))
    if refused and world.state(operation.touches) != before:
        cells = {name: f"{seen} CHANGED" for name, seen in cells.items()}
    at_once = 1 if operation.touches or operation.after else AT_ONCE
    with ThreadPoolExecutor(at_once) as pool:
        cells |= zip(allowed, pool.map(tried, allowed), strict=True)
    return {name: cells[name] for name in NAMES if name in cells}


def _cell(
    world: World, operation: Operation, persona: Persona, row: Row, fresh: str
) -> str:
    """Return what a persona sees in each version, once if it is the same."""
    seen = []
    # What is made anew or waited for costs seconds: beside alice, those who may do
    # it do so in the newest version alone.
    waited = operation.after and persona.name != ALICE and row.is_allowed(persona.name)
    newest = operation.versions[-1:]
    for version in newest if fresh or waited else operation.versions:
        target = world.target
        if fresh:
            target = {**target, fresh: world.make(fresh)}
        answer = operation.ask(world, persona, target, version)
        seen.append(_word(world, operation, persona, answer, target))
        if answer.succeeded and operation.after:
            operation.after(world, answer, target)
        elif (
            answer.status == 404
            and operation.like_missing
            and row.mode == SHARED_PROJECT
        ):
            seen[-1] += _unlike_missing(world, operation, persona, version, answer)
    return " / ".join(dict.fromkeys(seen))


def _word(
    world: World,
    operation: Operation,
    persona: Persona,
    answer: Answer,
    target: Target,
) -> str:
    # What the client said itself comes back in a link to the next page.
    said = filled(operation.path, {**target, **world.own(persona)})
    text = answer.text.replace(said.partition("?")[2] or said, "")
    if not answer.succeeded:
        mark = world.belongings[ALICE].mark
        shown = mark in text and mark not in said
        return f"{answer.status} SHOWS" if shown else str(answer.status)
    if operation.reads:
        return f"{answer.status} {operation.reads(world, persona, answer)}"
    if operation.content:
        return f"{answer.status} {world.seen(text if '?' in said else answer.text)}"
    return str(answer.status)


def _unlike_missing(
    world: World, operation: Operation, persona: Persona, version: str, answer: Answer
) -> str:
    """Return '' if the same about nothing is answered alike, but for the ids."""
    if persona.name == ALICE:
        return ""
    missing = world.missing()
    other = operation.ask(world, persona, missing, version)
    if _plain(answer, world.target) == _plain(other, missing):
        return ""
    return f" UNLIKE {other.status}"


def _plain(answer: Answer, target: Target) -> tuple[int, str]:
    text = answer.text
    for word, resource in target.items():
        text = text.replace(resource, f"<{word}>")
    try:
        return answer.status, json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return answer.status, text
