# SPDX-License-Identifier: Apache-2.0
"""Who gets through which rule of a service: what the three tables have in common.

Owns: who asks, the form of a table, and the comparison of a row with what the
service's own enforcer says. Must never: import a service, for the options of two
clash in one process; fail without the service, the rule and the file. Read first:
Matrix.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg
from oslo_policy import policy

from vo_policy_ext import rulesets, targets

ROOT = Path(__file__).parents[4]


@dataclass(frozen=True)
class Persona:
    """Who asks. Keystone adds the roles that a role implies, and so does this."""

    user: str
    project: str
    roles: tuple[str, ...]


MEMBER, READER = ("member", "reader"), ("reader",)
PERSONAS = {
    "owner": Persona("alice", "vo", MEMBER),
    "demoted": Persona("alice", "vo", READER),
    "other": Persona("bob", "vo", MEMBER),
    "reader": Persona("carol", "vo", READER),
    "manager": Persona("mary", "vo", ("manager", *MEMBER)),
    "auditor": Persona("caso", "vo", ("vo_auditor",)),
    "admin": Persona("root", "ops", ("admin", "manager", *MEMBER)),
    "elsewhere": Persona("eve", "else", ("manager", *MEMBER, "vo_auditor")),
    "visitor": Persona("vic", "vo", ("guest",)),
    "service": Persona("another", "service", ("service",)),
}
# Who changes one resource: nobody else of the project.
WRITERS = "owner manager admin"
MEMBERS = "owner other manager admin"
READERS = "owner demoted other reader manager admin"

# What is handed over, who gets through, and which rules.
Group = tuple[Any, str, str]
Lets = Callable[[Any, Persona, str, Any], bool]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One rule, asked about one thing, and who gets through."""

    rule: str
    what: Any
    who: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """How to read the tables of one service, and how to ask it.

    `lets` returns whether the service lets a persona through a rule about a thing.
    `prefix` stands before the names of the rules, and `name` is how a case is called.
    """

    service: str
    lets: Lets
    personas: Mapping[str, Persona]
    prefix: str = ""
    name: str = "{rule}"

    def cells(self, groups: Iterable[Group]) -> list[Any]:
        """Return a parameter for each rule of a table."""
        return [
            pytest.param(
                Cell(
                    rule=f"{self.prefix}{rule}", what=what, who=frozenset(who.split())
                ),
                id=self.name.format(rule=rule, what=what),
            )
            for what, who, rules in groups
            for rule in rules.split()
        ]

    def passing(self, enforcer: Any, rule: str, what: Any) -> set[str]:
        """Return the personas that the service lets through."""
        return {
            name
            for name, persona in self.personas.items()
            if self.lets(enforcer, persona, rule, what)
        }

    def holds(self, enforcer: Any, mode: str, cell: Cell) -> None:
        """Fail unless those get through who are named, and nobody else."""
        found = self.passing(enforcer, cell.rule, cell.what)
        assert found == cell.who, (
            f"{self.service} {cell.rule} about {cell.what!r}, with "
            f"{_file(self.service, mode)}: let through against the table "
            f"{sorted(found - cell.who)}, refused against it {sorted(cell.who - found)}"
        )

    def covers(self, mode: str, groups: Iterable[Group]) -> None:
        """Fail unless a table has each rule that a mode changes, and no other."""
        changed = {r.name for r in rulesets.ruleset(self.service, mode=mode).rules}
        here = {
            f"{self.prefix}{rule}" for *_, rules in groups for rule in rules.split()
        }
        more, less = sorted(changed - here), sorted(here - changed)
        assert here == changed, (
            f"{self.service}: the set of {_file(self.service, mode)} changes {more} "
            f"too, and does not change {less}"
        )


def _file(service: str, mode: str) -> str:
    """Return the file that is in force, of the repository's root."""
    if not mode:
        return "the rules of the service alone"
    return f"policy/{mode}/{service}/{rulesets.FILE_NAME}"


def folders(service: str, mode: str) -> list[str]:
    """Return policy_dirs for the committed files of a mode; without one, none."""
    return [str((ROOT / _file(service, mode)).parent)] if mode else []


def enforcer(
    service: str, mode: str, register: Callable[[policy.Enforcer], None]
) -> policy.Enforcer:
    """Return an enforcer with the rules of a service and the files of a mode."""
    conf = cfg.ConfigOpts()
    found = policy.Enforcer(conf, policy_file="nothing.yaml")
    conf([], project=service, default_config_files=[])
    conf.set_override("policy_dirs", folders(service, mode), "oslo_policy")
    found.suppress_deprecation_warnings = True
    register(found)
    found.load_rules()
    return found


def table_is_of(service: str, registered: Iterable[policy.RuleDefault]) -> None:
    """Fail unless the table has the rules, defaults and paths of the service."""
    rules = {rule.name: rule for rule in registered}
    rows = targets.table(service)
    file = f"vo_policy_ext/tables/{service}.csv"
    assert rules.keys() == rows.keys(), (
        f"{file} has not {sorted(rules.keys() - rows.keys())}, and {service} has not "
        f"{sorted(rows.keys() - rules.keys())}"
    )
    for name, rule in rules.items():
        row = rows[name]
        assert rule.check_str == row.default, (
            f"the default of {service} {name} is {rule.check_str!r}, in {file} "
            f"{row.default!r}"
        )
        said = {
            operation["path"].split(" ")[0]
            for operation in getattr(rule, "operations", ())
        }
        told = {operation.split(" ", 2)[1] for operation in row.operations}
        assert told == said, (
            f"the paths of {service} {name} are {sorted(said)}, in {file} "
            f"{sorted(told)}"
        )
