# SPDX-License-Identifier: Apache-2.0
"""A small lab beside the one that the environment names: Keystone alone.

Owns its place: a root of its own, and ports at a distance. For whoever needs a
Keystone with another setting, or one that nobody else asks anything. It must
never outlive its block. Read keystone_alone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.lab.lab import SOURCE, Lab
from tests.lab.settings import EMBEDDED, from_environ


@contextmanager
def keystone_alone(root: Path, *, distance: int, **setting: Any) -> Iterator[Lab]:
    """Yield a lab of Keystone and its stores, running; `setting` is of Settings.

    Its ports begin `distance` above those of the environment's lab. In the
    block `set_otherwise` changes its setting.
    """
    beside = from_environ(os.environ, source=SOURCE)
    plain = {"keystone_workers": 1, "voms_delegation": False, "mode": EMBEDDED}
    settings = replace(
        beside,
        root=root,
        port_base=beside.port_base + distance,
        **{**plain, **setting},
    )
    lab = Lab(settings, only=["keystone"])
    try:
        lab.up()
        yield lab
    finally:
        lab.down()


def set_otherwise(lab: Lab, **setting: Any) -> Lab:
    """Return the same lab, running with another setting."""
    changed = Lab(replace(lab.settings, **setting), only=lab.names)
    changed.up()
    return changed
