# SPDX-License-Identifier: Apache-2.0
"""The rows of the table: one change to a good credential, and the verdict on it.

Owns the form of a row and how it is judged. Must never hold a row itself: the
modules ``cases_*`` do, one for each group of rules.
Read first: Case, then ``good`` and ``bad``, which write rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from keystone_voms_ext.voms.chain import certificates_from_pem
from keystone_voms_ext.voms.validate import VomsAttributes, validate
from tests.unit.voms.site import ALICE, FQANS, NOW, Chain, Site

# A row changes the files of the good site, or returns a changed chain; bytes
# are a PEM text.
Build = Callable[[Site], Chain | bytes]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row: with a `code` it must be refused with it, else it must be accepted.

    A bad row may also tell the `subject` of the refusal and what its text
    `says`; a good one has `expected` fields of the result.
    """

    rule: int
    name: str
    build: Build
    code: str | None = None
    subject: str | None = None
    says: str = ""
    expected: Mapping[str, object] = field(default_factory=dict)
    at: datetime = NOW + timedelta(minutes=1)
    rules: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"rule {self.rule}: {self.name}"

    def judged(
        self, root: Path, judge: Callable[..., VomsAttributes] = validate
    ) -> VomsAttributes:
        """Return the verdict of `judge` on a new site below `root`."""
        site = Site(root=root)
        chain = self.build(site)
        if isinstance(chain, bytes):
            chain = certificates_from_pem(chain)
        return site.validate(chain, at=self.at, judge=judge, **self.rules)


def bad(rule: int, code: str, name: str, build: Build, **fields: object) -> Case:
    """Return a row that must be refused with `code`."""
    return Case(rule=rule, code=code, name=name, build=build, **fields)


def good(
    rule: int,
    name: str,
    build: Build,
    *,
    at: datetime = NOW + timedelta(minutes=1),
    rules: Mapping[str, object] | None = None,
    **changed: object,
) -> Case:
    """Return a row that must be accepted as alice of dteam, but for `changed`."""
    expected = {"dn": ALICE, "vo": "dteam", "fqans": FQANS, **changed}
    return Case(
        rule=rule, name=name, build=build, at=at, rules=rules or {}, expected=expected
    )
