# SPDX-License-Identifier: Apache-2.0
"""What a process remembers: for how long, how much, and of whom."""

import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ooi_ext.memory import Memory, known


def test_a_value_lasts_until_its_time() -> None:
    memory = Memory()
    memory.put("key", "value", until=10.0)
    assert memory.get("key", at=9.9) == "value"
    assert memory.get("key", at=10.0) is None
    assert memory.get("other", at=0.0) is None


def test_a_value_can_be_forgotten_and_replaced() -> None:
    memory = Memory()
    memory.put("key", 1, until=10.0)
    memory.put("key", 2, until=10.0)
    assert memory.get("key", at=0.0) == 2
    memory.forget("key")
    memory.forget("key")
    assert memory.get("key", at=0.0) is None


def test_there_are_never_too_many() -> None:
    memory = Memory(limit=3)
    for number in range(5):
        memory.put(number, number, until=10.0)
    found = [memory.get(number, at=0.0) for number in range(5)]
    assert found == [None, None, 2, 3, 4]


def test_many_threads_at_once() -> None:
    memory = Memory(limit=8)

    def work(number: int) -> Any:
        memory.put(number % 16, number, until=10.0)
        memory.forget(number % 7)
        return memory.get(number % 16, at=0.0)

    with ThreadPoolExecutor(8) as pool:
        for number, found in enumerate(pool.map(work, range(2000))):
            assert found is None or found % 16 == number % 16


class App:
    """An application that cannot be hashed."""

    __hash__ = None  # type: ignore[assignment]


def test_each_application_has_its_own_and_takes_it_along() -> None:
    one, two = App(), App()
    known(one).ceiling = (2, 93)
    assert known(one).ceiling == (2, 93)
    assert known(two).ceiling is None
    for _ in range(100):
        del one
        gc.collect()
        one = App()
        assert known(one).ceiling is None
        known(one).ceiling = (2, 93)
