# SPDX-License-Identifier: Apache-2.0
"""Any bytes give our error or a value: each parser, and chains with good signatures.

What a value must hold, and which errors are ours, is in `tests.fuzz.targets`.
"""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.world import World
from tests.grid.certs import der
from tests.properties.strategies import STEADY, changed, elements, policy_texts
from tests.unit.voms.site import ALICE

BY_NAME = {target.name: target for target in TARGETS}
DER_TARGETS = [target for target in TARGETS if target.is_der]
TEXT_TARGETS = [target for target in TARGETS if not target.is_der]


def named(targets: list[Target]) -> pytest.MarkDecorator:
    """Return the mark that runs a test for each of these targets."""
    return pytest.mark.parametrize("target", targets, ids=lambda target: target.name)


@named(list(TARGETS))
def test_the_good_is_accepted(world: World, target: Target) -> None:
    for seed in target.seeds(world):
        assert target.feed(world, seed)


@named(list(TARGETS))
def test_any_bytes(world: World, target: Target) -> None:
    @STEADY
    @given(st.binary(max_size=300))
    def holds(data: bytes) -> None:
        target.feed(world, data)

    holds()


@named(list(TARGETS))
def test_the_good_slightly_changed(world: World, target: Target) -> None:
    verdicts = set()

    @STEADY
    @given(changed(list(target.seeds(world))))
    def holds(data: bytes) -> None:
        verdicts.add(target.feed(world, data))

    holds()
    # Changes that are all refused, or all accepted, would prove little.
    assert verdicts == {True, False}


@named(DER_TARGETS)
def test_any_der(world: World, target: Target) -> None:
    @STEADY
    @given(elements())
    def holds(data: bytes) -> None:
        target.feed(world, data)

    holds()


@named(TEXT_TARGETS)
def test_any_words(world: World, target: Target) -> None:
    @STEADY
    @given(policy_texts())
    def holds(data: bytes) -> None:
        target.feed(world, data)

    holds()


@STEADY
@given(body=elements())
def test_any_ac_that_the_server_signed(world: World, body: bytes) -> None:
    BY_NAME["signed_ac"].feed(world, der(0x30, body))


PLACES = st.lists(st.integers(0, 2), max_size=5)


@STEADY
@given(places=PLACES, extra=st.lists(elements(), max_size=2), at=st.integers(0, 5))
def test_any_order_of_a_good_chain(
    world: World, places: list[int], extra: list[bytes], at: int
) -> None:
    good = world.proxy.chain()
    chain = [good[place] for place in places]
    chain[at:at] = extra
    accepted = BY_NAME["chain"].feed(world, b"".join(chain))
    # Alone the proxy, the user and, if they like, the CA above, in this order.
    assert accepted == (not extra and places in ([0, 1], [0, 1, 2]))


@pytest.mark.parametrize(("place", "bit"), list(product(range(3), range(8))))
def test_no_flipped_bit_makes_another_person(
    world: World, place: int, bit: int
) -> None:
    good = world.proxy.chain()
    data = good[place]
    for index in range(0, len(data), 7):
        flipped = bytearray(data)
        flipped[index] ^= 1 << bit
        chain = (*good[:place], bytes(flipped), *good[place + 1 :])
        assert not BY_NAME["chain"].feed(world, b"".join(chain))


def test_the_world_is_good(world: World) -> None:
    found = world.verdict(world.proxy.chain())
    assert (found.dn, found.vo) == (ALICE, "dteam")
