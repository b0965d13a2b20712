# SPDX-License-Identifier: Apache-2.0
"""One target under atheris: `python -m tests.fuzz.one NAME [libFuzzer options]`.

Owns the limits of one input, a second and 50 MB. Must import nothing of the
core before atheris has hooked the imports. Read first: main; `__main__` is the
one to call.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

from tests.fuzz.limits import limited

with atheris.instrument_imports(include=["keystone_voms_ext.voms"]):
    from tests.fuzz.targets import TARGETS, WORDS, Target
    from tests.fuzz.trees import mutated
    from tests.fuzz.world import World


def worded(data: bytes, chance: random.Random) -> bytes:
    """Return a text with a word of its grammar put in, once or many times."""
    word = chance.choice(WORDS).encode() * chance.choice((1, 1, 2, 4, 30))
    place = chance.randrange(len(data) + 1)
    return data[:place] + word + data[place + chance.choice((0, 0, 1, len(word))) :]


def _mutator(target: Target) -> Callable[[bytes, int, int], bytes]:
    """Return what makes a new input: of fields and words as well as of bytes."""

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.5:
            return atheris.Mutate(data, max_size)
        changed = mutated(data, chance) if target.is_der else worded(data, chance)
        return changed[:max_size]

    return mutate


def main() -> None:
    """Run one target until libFuzzer ends the process."""
    (target,) = [target for target in TARGETS if target.name == sys.argv[1]]
    with tempfile.TemporaryDirectory() as place:
        world = World.at(Path(place))
        for seed in target.seeds(world):
            assert target.feed(world, seed), f"a good {target.name} was refused"

        def once(data: bytes) -> None:
            limited(lambda: target.feed(world, data))

        atheris.Setup(
            [sys.argv[0], *sys.argv[2:]], once, custom_mutator=_mutator(target)
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
