# SPDX-License-Identifier: Apache-2.0
"""What an operator may choose, and what a check is told besides its subject.

Owns the options, the ``Case`` and the way in which a list of checks is run.
There must never be an option here that turns a signature, holder, LSC or path
check off. Read ``Rules`` first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Literal, TypeVar, get_args

from keystone_voms_ext.voms.anchors import Anchors, VoServers
from keystone_voms_ext.voms.chain import MAX_PROXIES
from keystone_voms_ext.voms.codes import CODES, refusal

T = TypeVar("T")
CrlPolicy = Literal["require", "if_present", "off"]
CRL_POLICIES: tuple[CrlPolicy, ...] = get_args(CrlPolicy)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The choices of a site; the defaults are those of the core.

    ``crl_policy``: ``require`` a CRL of every issuer, take it ``if_present``,
    or ``off``. ``skew_seconds`` helps the beginning of proxies, ACs and CRLs,
    never an end. ``hostnames`` are the names of this host that an AC may be
    targeted at; with none, a targeted AC is refused.
    """

    crl_policy: CrlPolicy = "require"
    allow_limited: bool = True
    allow_legacy: bool = False
    max_proxies: int = MAX_PROXIES
    skew_seconds: int = 300
    hostnames: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.crl_policy not in CRL_POLICIES:
            raise ValueError(f"unknown crl_policy {self.crl_policy!r}")
        if not 1 <= self.max_proxies <= MAX_PROXIES:
            raise ValueError(f"max_proxies is not within 1 and {MAX_PROXIES}")
        if self.skew_seconds < 0:
            raise ValueError("skew_seconds is negative")


@dataclass(frozen=True, slots=True)
class Step:
    """One check that passed: its code (see ``codes.CODES``), on what, and what
    the code promises."""

    code: str
    subject: str
    holds: str

    def __str__(self) -> str:
        return f"ok {self.code}: {self.subject}: {self.holds}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One validation: the moment, the choices and what is trusted."""

    at: datetime
    latest_begin: datetime
    rules: Rules
    anchors: Anchors
    servers: VoServers
    trace: Callable[[Step], None] | None

    @classmethod
    def of(
        cls,
        *,
        at: datetime,
        rules: Rules,
        anchors: Anchors,
        servers: VoServers,
        trace: Callable[[Step], None] | None,
    ) -> Case:
        """Return the case at the aware moment ``at``; ValueError if it is naive."""
        if at.tzinfo is None:
            raise ValueError("the moment of a validation must be aware")
        return cls(
            at=at,
            latest_begin=at + timedelta(seconds=rules.skew_seconds),
            rules=rules,
            anchors=anchors,
            servers=servers,
            trace=trace,
        )

    def passed(self, code: str, subject: str) -> None:
        """Tell who listens that this check has passed."""
        if self.trace is not None:
            self.trace(Step(code, subject, CODES[code].holds))


class Moot(Enum):
    """Says that a check has nothing to look at: no such file, an option off."""

    MOOT = "moot"


MOOT: Final = Moot.MOOT
# Each check returns None if it holds, and one sentence on what is wrong if not.
Finding = str | Literal[Moot.MOOT] | None
Checks = tuple[tuple[str, Callable[[T, Case], Finding]], ...]


def run(checks: Checks[T], item: T, case: Case, subject: str) -> None:
    """Raise the refusal of the first check that does not hold."""
    for code, check in checks:
        found = check(item, case)
        if found is None:
            case.passed(code, subject)
        elif found is not MOOT:
            raise refusal(code, found, subject)
