# SPDX-License-Identifier: Apache-2.0
"""The one good world of these tests: made once, never changed."""

from __future__ import annotations

import pytest

from tests.fuzz.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the world whose chains the tests change."""
    return World.at(tmp_path_factory.mktemp("world"))
