# SPDX-License-Identifier: Apache-2.0
"""What a call costs: the processor's time, and the memory at its peak.

Owns the measuring. Must never judge: the tests hold the figures against their
bounds. Read first: cost.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

from keystone_voms_ext.voms.errors import CredentialRefused


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The best time of several, the highest memory, and what came of it."""

    seconds: float
    megabytes: float
    outcome: object


def cost(action: Callable[[], object], *, rounds: int = 3) -> Cost:
    """Return the cost of `action`; an error that it raises is its outcome."""
    seconds: list[float] = []
    for _ in range(rounds):
        begin = time.process_time()
        outcome = _outcome(action)
        seconds.append(time.process_time() - begin)
    # Once more, for the counting of memory makes everything slow.
    tracemalloc.start()
    try:
        _outcome(action)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Cost(seconds=min(seconds), megabytes=peak / 2**20, outcome=outcome)


def _outcome(action: Callable[[], object]) -> object:
    try:
        return action()
    except (CredentialRefused, ValueError) as error:
        # DerError, PemError and PolicyFileError are ValueErrors.
        return error
