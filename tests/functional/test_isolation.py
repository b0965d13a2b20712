# SPDX-License-Identifier: Apache-2.0
"""Users of one project do not reach each other's resources: mode shared-project.

Owns: one test for each row of the matrix, and one for each way around the filters.
What they try stands in tests/isolation. Read `test_each_persona_sees_its_cell` first.
"""

from collections.abc import Iterator

import pytest

from tests.isolation import attempts, matrix, run
from tests.isolation.world import World
from tests.lab.lab import Lab
from tests.lab.settings import SHARED_PROJECT

ROWS = matrix.rows(SHARED_PROJECT)


@pytest.fixture(scope="module")
def world(lab: Lab) -> Iterator[World]:
    assert lab.settings.isolation == SHARED_PROJECT, (
        f"the lab's mode is {lab.settings.isolation}; run this without ISOLATION"
    )
    with run.opened(lab) as found:
        yield found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.service} {row.operation}")
def test_each_persona_sees_its_cell(world: World, row: matrix.Row) -> None:
    assert run.result(world, row).cells == {n: row.cells[n] for n in row.tried()}


def test_no_way_around_reaches_what_is_alice_s(world: World) -> None:
    before = world.state(attempts.TOUCHED)
    seen = {one.name: attempts.outcome(world, one) for one in attempts.ATTEMPTS}
    assert {k: v for k, v in seen.items() if v != attempts.CLOSED} == {}
    assert world.state(attempts.TOUCHED) == before
