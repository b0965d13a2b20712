# SPDX-License-Identifier: Apache-2.0
"""What each rule of a service is asked about: the tables that all is built on.

Owns: the reading of tables/*.csv, one row a rule of the releases in RELEASES.
Must never: look at an installed service; `vo-policy diff-targets` tells where
the tables and it differ. Read first: table.
"""

import csv
import enum
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

# The releases whose rules the tables list, of OpenStack 2026.2.
RELEASES = MappingProxyType({"nova": 34, "cinder": 29, "glance": 33})
SERVICES = tuple(RELEASES)


class Target(enum.Enum):
    """Whose ids a service hands to a rule for %(user_id)s and the like."""

    OWNER = "the ids of the resource, its user_id among them"
    CALLER = "the ids of the caller: a check of user_id is true for everybody"
    MIXED = "now the ids of the caller, now none: user_id proves nothing"
    NONE = "no user_id: a check of it is false for everybody"
    ALIAS = "no operation; other rules refer to it"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One rule of a service.

    `default` is the check string that holds when no file names the rule.
    `attributes` are those that each call hands over; for MIXED, those that mean
    the same in each. `operations` are in the form `POST /servers/{id}/action (x)`.
    """

    name: str
    target: Target
    attributes: frozenset[str]
    default: str
    operations: tuple[str, ...]


@functools.cache
def table(service: str) -> Mapping[str, Row]:
    """Return the rules of one of SERVICES by name, in the service's own order.

    Raises KeyError for another service.
    """
    if service not in RELEASES:
        raise KeyError(service)
    file = resources.files("vo_policy_ext") / "tables" / f"{service}.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = [_row(line) for line in csv.DictReader(lines)]
    return MappingProxyType({row.name: row for row in rows})


def _row(line: Mapping[str, str]) -> Row:
    return Row(
        name=line["rule"],
        target=Target[line["target"]],
        attributes=frozenset(line["attributes"].split()),
        default=line["default"],
        operations=tuple(filter(None, line["operations"].split("; "))),
    )
