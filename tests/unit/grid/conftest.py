# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one grid of each maker for all tests of this directory.

Owns which makers are tested. Must never let a missing voms-proxy-fake pass
unseen in CI: there it is always a parameter, and make_grid raises.
Read first: MAKERS.
"""

import os
from pathlib import Path

import pytest

from tests.grid.grid import Grid, make_grid
from tests.grid.proxyfake import program

MAKERS = ("own", "voms-proxy-fake")
if program() is None and os.environ.get("CI") != "true":
    MAKERS = ("own",)


@pytest.fixture(scope="session")
def grids(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Grid]:
    """Return the grid of each maker, made once."""
    made: dict[str, Grid] = {}
    for maker in MAKERS:
        root: Path = tmp_path_factory.mktemp(f"grid-{maker}")
        made[maker] = make_grid(root, maker=maker)
    return made


@pytest.fixture(params=MAKERS)
def maker(request: pytest.FixtureRequest) -> str:
    """Return the name of each maker in turn."""
    return request.param


@pytest.fixture
def grid(grids: dict[str, Grid], maker: str) -> Grid:
    """Return the grid of each maker in turn."""
    return grids[maker]


@pytest.fixture
def own_grid(grids: dict[str, Grid]) -> Grid:
    """Return the grid whose proxies are ours."""
    return grids["own"]
