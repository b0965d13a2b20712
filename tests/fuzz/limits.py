# SPDX-License-Identifier: Apache-2.0
"""What one input may cost: a second of this process and 50 MB.

Owns the two figures and their measuring. Must not slow down what it measures,
so it looks at the counters of the system. Read first: limited.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

SECONDS = 1.0
MEGABYTES = 50


class LimitExceededError(AssertionError):
    """One input took more time or memory than any input may."""


def _peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def limited(action: Callable[[], object]) -> None:
    """Call `action`; raises LimitExceededError if it took more than it may."""
    # The processor's time: the machine may have other things to do as well.
    begin, peak = time.process_time(), _peak_kilobytes()
    action()
    seconds = time.process_time() - begin
    megabytes = (_peak_kilobytes() - peak) / 1024
    if seconds > SECONDS or megabytes > MEGABYTES:
        raise LimitExceededError(f"it took {seconds:.2f} s and {megabytes:.0f} MB")
