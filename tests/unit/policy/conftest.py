# SPDX-License-Identifier: Apache-2.0
"""What the tests of the three services have in common."""

import pytest

from vo_policy_ext import rulesets


@pytest.fixture
def mode() -> str:
    """Return the mode whose rule set is in force, unless a test names another."""
    return rulesets.SHARED
