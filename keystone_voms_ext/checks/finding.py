# SPDX-License-Identifier: Apache-2.0
"""What a check of the site finds, and how bad it is.

Owns the form of a finding, which two commands print. It must never check
anything itself. Read ``Finding`` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from oslo_upgradecheck.upgradecheck import Code

OK, NOTE, WRONG = Code.SUCCESS, Code.WARNING, Code.FAILURE


@dataclass(frozen=True)
class Finding:
    """What was found, and how to mend it.

    WRONG is what stops VOMS logins, or makes them unsafe; a NOTE is worth
    knowing; OK tells how the site has it.
    """

    level: Code
    text: str


Findings = Iterator[Finding]


@dataclass(frozen=True)
class Check:
    """A check, and whether it asks Keystone's store."""

    title: str
    find: Callable[[], Findings]
    asks_store: bool = False
