# SPDX-License-Identifier: Apache-2.0
"""What was started is stopped, and waiting has an end."""

import pytest

from tests.lab.run.wsgi_server import stopped_at_the_end


def test_everything_is_stopped_when_a_start_fails():
    called = []
    with pytest.raises(ImportError):
        with stopped_at_the_end() as stops:
            stops.append(lambda: called.append("one"))
            stops.append(lambda: called.append("two"))
            raise ImportError("no driver")
    assert sorted(called) == ["one", "two"]


def test_a_stop_that_fails_keeps_no_other_from_stopping():
    called = []

    def fail():
        raise OSError("stuck")

    with pytest.raises(OSError, match="stuck"):
        with stopped_at_the_end() as stops:
            stops += [fail, lambda: called.append("two")]
    assert called == ["two"]
