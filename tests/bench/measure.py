# SPDX-License-Identifier: Apache-2.0
"""How the benchmarks measure and print: medians of one run, side by side.

Absolute times say little on a shared machine, so the actions take turns in each
round and each figure is printed with its ratio to the floor. Must never assert:
a goal is reported as met or missed. Read ``medians`` first.
"""

import statistics
import time
from collections.abc import Callable, Mapping


def medians(
    actions: Mapping[str, Callable[[], object]], *, rounds: int
) -> dict[str, float]:
    """Return the median time of each action in microseconds."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            begin = time.perf_counter()
            action()
            times[name].append((time.perf_counter() - begin) * 1e6)
    return {name: statistics.median(taken) for name, taken in times.items()}


def verdict(value: float, goal: float | None) -> str:
    """Return what to print after a figure that is to be at most ``goal``."""
    if goal is None:
        return ""
    return f"  goal {goal:g}: {'goal met' if value <= goal else 'MISSED'}"


def line(what: str, figure: str, value: float, goal: float | None = None) -> None:
    """Print one figure, with its value measured against the goal."""
    print(f"{what:<58} {figure:>12}{verdict(value, goal)}", flush=True)
