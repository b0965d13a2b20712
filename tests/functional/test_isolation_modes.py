# SPDX-License-Identifier: Apache-2.0
"""The other two modes: a project for each user, and none, the control.

Owns: the change of the session's lab into each mode, and back at the end. What is
tried stands in tests/isolation. Read `world` first.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.isolation import attempts, matrix, run
from tests.isolation.world import World
from tests.lab.beside import set_otherwise
from tests.lab.lab import Lab
from tests.lab.settings import OFF, PROJECT_PER_USER

ROWS = [
    (mode, run.without_waiting(row))
    for mode in (PROJECT_PER_USER, OFF)
    for row in matrix.rows(mode)
]


@pytest.fixture(scope="module")
def back(lab: Lab) -> Iterator[Lab]:
    """Return the lab; it is in its own mode again at the end."""
    yield lab
    lab.up()


@pytest.fixture(scope="module")
def world(back: Lab, request: pytest.FixtureRequest) -> Iterator[World]:
    """Return the world in the mode of the test's parameter."""
    with run.opened(set_otherwise(back, isolation=request.param)) as found:
        yield found


def _name(value: Any) -> str:
    return value if isinstance(value, str) else f"{value.service} {value.operation}"


@pytest.mark.parametrize(("world", "row"), ROWS, indirect=["world"], ids=_name)
def test_each_persona_sees_its_cell(world: World, row: matrix.Row) -> None:
    assert run.result(world, row).cells == {n: row.cells[n] for n in row.tried()}


@pytest.mark.parametrize("world", [OFF], indirect=True)
def test_without_isolation_the_ways_lead_to_what_is_alice_s(world: World) -> None:
    """Each way that is said to leak does, so what closes it is the isolation."""
    leaks = {
        one.name
        for one in attempts.ATTEMPTS
        if attempts.outcome(world, one) != attempts.CLOSED
    }
    assert leaks == {one.name for one in attempts.ATTEMPTS if one.leaks}
