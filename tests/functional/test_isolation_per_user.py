# SPDX-License-Identifier: Apache-2.0
"""A project for each user, and no filter: the mode project-per-user.

Owns: the change of the session's lab into the mode, and back at the end. What is
tried stands in tests/isolation. Read `world` first.
"""

from collections.abc import Iterator

import pytest

from tests.isolation import matrix, run
from tests.isolation.world import World
from tests.lab.beside import set_otherwise
from tests.lab.lab import Lab
from tests.lab.settings import PROJECT_PER_USER


@pytest.fixture(scope="module")
def world(lab: Lab) -> Iterator[World]:
    try:
        with run.opened(set_otherwise(lab, isolation=PROJECT_PER_USER)) as found:
            yield found
    finally:
        lab.up()


@pytest.mark.parametrize(
    "row",
    [run.without_waiting(row) for row in matrix.rows(PROJECT_PER_USER)],
    ids=lambda row: f"{row.service} {row.operation}",
)
def test_each_persona_sees_its_cell(world: World, row: matrix.Row) -> None:
    assert run.result(world, row).cells == {n: row.cells[n] for n in row.tried()}
