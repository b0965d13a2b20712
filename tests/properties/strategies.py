# SPDX-License-Identifier: Apache-2.0
"""What the property tests draw from: bytes, DER, good objects gone slightly bad.

Owns the settings that make each run the same, on a slow machine too. Must
never draw from a clock or a key made on the spot. Read first: STEADY, changed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.fuzz.targets import WORDS
from tests.fuzz.trees import mutated
from tests.grid.certs import der

STEADY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=80,
    suppress_health_check=list(HealthCheck),
)

_PRIMITIVE = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x17, 0x18, 0x1E, 0x82)
_CONSTRUCTED = (0x30, 0x30, 0x30, 0x31, 0xA0, 0xA1, 0xA3, 0xA4)


def elements() -> st.SearchStrategy[bytes]:
    """Return well-formed DER of any meaning, nested."""
    leaves = st.builds(der, st.sampled_from(_PRIMITIVE), st.binary(max_size=24))
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda tag, parts: der(tag, *parts),
            st.sampled_from(_CONSTRUCTED),
            st.lists(inner, max_size=7),
        ),
        max_leaves=25,
    )


def changed(good: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return good objects after a few changes: flipped, cut, repeated, spliced,
    with other tags, lengths and values."""
    return st.builds(
        lambda data, seed: mutated(data, random.Random(seed)),
        st.sampled_from(good),
        st.integers(0, 2**48),
    )


def policy_texts() -> st.SearchStrategy[bytes]:
    """Return texts of the words of the LSC, namespaces and signing_policy files."""
    words = st.lists(st.sampled_from(WORDS), max_size=30)
    return st.builds(lambda some, sign: sign.join(some).encode(), words, _SIGNS)


_SIGNS = st.sampled_from(("", " "))
