# SPDX-License-Identifier: Apache-2.0
"""The control: without isolation it leaks, what its rows say and nothing else.

Owns: the change of the session's lab into the mode off, and back at the end. What is
tried stands in tests/isolation. Read `world` first.
"""

from collections.abc import Iterator

import pytest

from tests.isolation import attempts, matrix, run
from tests.isolation.world import World
from tests.lab.beside import set_otherwise
from tests.lab.lab import Lab
from tests.lab.settings import OFF


@pytest.fixture(scope="module")
def world(lab: Lab) -> Iterator[World]:
    try:
        with run.opened(set_otherwise(lab, isolation=OFF)) as found:
            yield found
    finally:
        lab.up()


@pytest.mark.parametrize(
    "row",
    [run.without_waiting(row) for row in matrix.rows(OFF)],
    ids=lambda row: f"{row.service} {row.operation}",
)
def test_each_persona_sees_its_cell(world: World, row: matrix.Row) -> None:
    assert run.result(world, row).cells == {n: row.cells[n] for n in row.tried()}


def test_the_ways_around_lead_to_what_is_alice_s(world: World) -> None:
    """Each way that is said to leak does, so what closes it is the isolation."""
    leaks = {
        one.name
        for one in attempts.ATTEMPTS
        if attempts.outcome(world, one) != attempts.CLOSED
    }
    assert leaks == {one.name for one in attempts.ATTEMPTS if one.leaks}
