# SPDX-License-Identifier: Apache-2.0
"""What a policy.json from the time of the guide would do to a service of today.

Owns: the reading of such a file, the meaning of the guide's three edits, and
the comparison of each rule with today's default. Must never: write a file, or
ask a server that an old rule names. Read first: explained.
"""

import csv
import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from vo_policy_ext import expressions, targets
from vo_policy_ext.expressions import Expression
from vo_policy_ext.targets import Row, Target

# Nova's of Mitaka had 26 KiB.
MOST_BYTES = 1024 * 1024

_GROUPS = {
    "nova": ("compute", "compute_extension", "network", "os_compute_api", "cells"),
    "cinder": ("volume", "volume_extension", "backup", "snapshot_extension")
    + ("consistencygroup", "scheduler_extension"),
    "glance": (),
}


# The same few texts stand in hundreds of rules.
_read = functools.cache(expressions.parsed)


class LegacyFileError(ValueError):
    """The file is no policy.json. The text says what it is and what to do."""


@dataclass(frozen=True, kw_only=True)
class OldFile:
    """A policy file as JSON has it: the last of two equal names holds."""

    rules: Mapping[str, str]
    repeated: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Persona:
    """Somebody who asks for a resource of the user `alice` in the project `vo`."""

    name: str
    user: str
    roles: tuple[str, ...]
    project: str = "vo"


_MEMBER = ("member", "reader")
_MANAGER = ("manager", *_MEMBER)
PERSONAS = (
    Persona(name="an admin", user="root", roles=("admin", *_MANAGER)),
    Persona(name="a manager", user="carol", roles=_MANAGER),
    Persona(name="the owner", user="alice", roles=_MEMBER),
    Persona(name="another member", user="bob", roles=_MEMBER),
    Persona(name="a reader", user="dave", roles=("reader",)),
    Persona(name="a user with no such role", user="erin", roles=()),
    Persona(
        name="a member of another project", user="fay", roles=_MEMBER, project="other"
    ),
    Persona(name="a service", user="nova", roles=("service",), project="services"),
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A rule of today, and who gains and who loses with the old file."""

    row: Row
    check: str
    gain: tuple[str, ...]
    lose: tuple[str, ...]


def explained(path: Path) -> tuple[str, ...]:
    """Return what an old policy.json means today, line by line.

    Raises LegacyFileError.
    """
    old = read(path)
    service = recognised(old)
    table = targets.table(service)
    renamed = new_names(service)
    live = [name for name in old.rules if name in table or name in renamed]
    parsed = _parsed({name: old.rules[name] for name in live})
    used = {leaf.referred for e in parsed.values() for leaf in expressions.leaves(e)}
    dead = [name for name in old.rules if name not in used.union(live)]
    judged, undecided = _judged(old, service)
    return (
        f"{path}: a policy file of {service}, {len(old.rules)} rules.",
        *(f"  {name} stands in it twice; the last one holds." for name in old.repeated),
        "",
        *_edits(old, service),
        "",
        *_dead(dead, service),
        "",
        *_compared(judged, undecided, live, service),
        "",
        *_instead(service),
    )


def read(path: Path) -> OldFile:
    """Read a policy.json. Raises LegacyFileError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise LegacyFileError(f"{path} cannot be read: {error.strerror}.") from error
    if len(raw) > MOST_BYTES:
        raise LegacyFileError(
            f"{path} has more than {MOST_BYTES} bytes: that is no policy file."
        )
    repeated: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counted = Counter(name for name, _ in pairs)
        repeated.extend(name for name, count in counted.items() if count > 1)
        return dict(pairs)

    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=once)
    except UnicodeDecodeError as error:
        raise LegacyFileError(
            f"{path} is not in UTF-8 (byte {error.start}). Save it so, or give "
            "another file."
        ) from error
    except (ValueError, RecursionError) as error:
        raise LegacyFileError(
            f"{path} is no JSON ({error}). A policy.yaml is of a later age: for that "
            "run `vo-policy validate`."
        ) from error
    if not isinstance(document, dict):
        raise LegacyFileError(
            f"{path} is no policy file: its top is no object of names and rules."
        )
    rules = {name: _text(path, name, value) for name, value in document.items()}
    return OldFile(rules=rules, repeated=tuple(repeated))


def _text(path: Path, name: str, value: Any) -> str:
    """Return a rule as a check string; the oldest files have lists of lists."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [[part] if isinstance(part, str) else part for part in value]
        if all(
            isinstance(part, list) and all(isinstance(check, str) for check in part)
            for part in parts
        ):
            return " or ".join(f"({' and '.join(part)})" for part in parts if part)
    raise LegacyFileError(f"{path}: the rule {name!r} is no text and no list of texts.")


def recognised(old: OldFile) -> str:
    """Return the service that a file is for. Raises LegacyFileError."""
    found = {}
    for service in targets.SERVICES:
        known = targets.table(service)
        found[service] = sum(
            name.partition(":")[0] in _GROUPS[service]
            or (name in known and known[name].target is not Target.ALIAS)
            for name in old.rules
        )
    service = max(found, key=lambda name: found[name])
    if not found[service]:
        raise LegacyFileError(
            "The file names no rule that nova, cinder or glance has or had. Give "
            "the policy.json of one of these."
        )
    return service


def new_names(service: str) -> Mapping[str, tuple[str, ...]]:
    """Return by an old name the rules that have its check where a file names it alone.

    So oslo.policy does it with what a service declares deprecated.
    """
    file = resources.files("vo_policy_ext") / "tables" / "legacy-mitaka.csv"
    found: dict[str, tuple[str, ...]] = {}
    for line in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
        if line["service"] == service:
            found[line["old"]] = (*found.get(line["old"], ()), line["new"])
    return found


def _judged(old: OldFile, service: str) -> tuple[tuple[Judged, ...], tuple[str, ...]]:
    """Return each rule that the file touches, and those that nobody can judge.

    A rule that is not in the file is touched if who passes it changes.
    """
    table, renamed = targets.table(service), new_names(service)
    taken = {new: old.rules[o] for o in old.rules for new in renamed.get(o, ())}
    checks = {name: row.default for name, row in table.items()} | taken | {**old.rules}
    then = _parsed(checks)
    now = _today(service)
    elsewhere = any(e.is_remote for r in then.values() for e in expressions.leaves(r))
    judged: list[Judged] = []
    undecided: list[str] = []
    for row in table.values():
        if row.target is Target.ALIAS:
            continue
        before, after = now[row.name], _passing(row, then, remote=False)
        if elsewhere and after != _passing(row, then, remote=True):
            undecided.append(row.name)
            continue
        gain = tuple(p.name for p in PERSONAS if p in after and p not in before)
        lose = tuple(p.name for p in PERSONAS if p in before and p not in after)
        if gain or lose or row.name in taken or row.name in old.rules:
            judged.append(Judged(row=row, check=checks[row.name], gain=gain, lose=lose))
    return tuple(judged), tuple(undecided)


@functools.cache
def _today(service: str) -> Mapping[str, tuple[Persona, ...]]:
    """Return who passes each rule when no file names any."""
    table = targets.table(service)
    rules = _parsed({name: row.default for name, row in table.items()})
    return {n: _passing(row, rules, remote=False) for n, row in table.items()}


def _parsed(checks: Mapping[str, str]) -> Mapping[str, Expression]:
    """Return the rules as oslo.policy takes them.

    What it cannot read lets nobody through. What nobody defined but a rule
    refers to is asked as `default`.
    """
    rules: dict[str, Expression] = {}
    for name, check in checks.items():
        try:
            rules[name] = _read(check)
        except expressions.Unreadable:
            rules[name] = expressions.parsed("!")
    referred = {leaf.referred for e in rules.values() for leaf in expressions.leaves(e)}
    for name in referred - rules.keys() - {""}:
        rules[name] = rules.get("default", expressions.parsed("!"))
    return rules


def _passing(
    row: Row, rules: Mapping[str, Expression], *, remote: bool
) -> tuple[Persona, ...]:
    """Return the personas that pass a rule, in order.

    `remote` is taken for what another program decides.
    """

    def passes(name: str, target: Mapping[str, Any], caller: Mapping[str, Any]) -> bool:
        return expressions.judged(
            rules[name], rules, target=target, caller=caller, remote=remote
        ).granted

    found = []
    for persona in PERSONAS:
        caller: dict[str, Any] = {
            "user_id": persona.user,
            "project_id": persona.project,
            "roles": list(persona.roles),
            "is_admin": False,
            "is_admin_project": True,
        }
        # So the services make it, before they ask anything else.
        caller["is_admin"] = passes("context_is_admin", caller, caller)
        if any(passes(row.name, target, caller) for target in _targets(row, persona)):
            found.append(persona)
    return tuple(found)


def _targets(row: Row, persona: Persona) -> Iterator[Mapping[str, Any]]:
    """Yield what a rule may be asked about, when alice's resource is asked for."""
    resource = dict.fromkeys(row.attributes, "")
    resource |= {n: "vo" for n in ("project_id", "owner") if n in row.attributes}
    if row.target in (Target.CALLER, Target.MIXED):
        yield {**resource, "user_id": persona.user, "project_id": persona.project}
    if row.target is Target.OWNER:
        yield {**resource, "user_id": "alice"}
    if row.target in (Target.NONE, Target.MIXED):
        yield {name: resource[name] for name in row.attributes if name != "user_id"}


def _edits(old: OldFile, service: str) -> Iterator[str]:
    yield "What the guide's edits meant"
    if service != "nova":
        yield f"  The guide edited Nova's file alone; {service}'s it left as it was."
        return
    rules = old.rules
    if "admin_or_user" in rules:
        users = [n for n, c in rules.items() if "rule:admin_or_user" in c]
        yield (
            f"  1. admin_or_user is there ({rules['admin_or_user']!r}), and "
            f"{', '.join(users) or 'no rule'} refers to it. A user's id was part of "
            "what a rule is asked about for a few operations only; for the others "
            "Nova took the caller's own, so the check was true for everybody."
        )
    else:
        yield "  1. admin_or_user is not there: the first edit did not take."
    if rules.get("default") == "rule:admin_or_user":
        yield (
            "  2. default is rule:admin_or_user. It held for rules that the file "
            "does not name: many up to Kilo, hardly one in Liberty, none in Mitaka. "
            "Today every rule has a default of its own, and this one is dead."
        )
    else:
        yield (
            f"  2. default is {rules.get('default', 'not there')!r}: the second edit "
            "did not take."
        )
    if "compute:get" in old.repeated:
        took = (
            "stands twice, as the edit left it in Liberty: its line is first, and "
            "the last one holds"
        )
    elif rules.get("compute:get") == "rule:admin_or_owner":
        took = "is rule:admin_or_owner, as in Mitaka without the edit"
    else:
        took = f"is {rules.get('compute:get', 'not there')!r}: the edit did not take"
    yield (
        f"  3. compute:get {took}. The owner there is the project, so every member "
        "saw every server; the list (compute:get_all) was open too. In Mitaka the "
        "API did not ask the compute: rules at all, and they are dead today."
    )
    yield "  So these edits did not keep the users of one project apart."


def _dead(dead: list[str], service: str) -> Iterator[str]:
    release = targets.RELEASES[service]
    yield f"Dead: {len(dead)} rules that {service} {release} does not ask"
    groups = Counter(n.partition(":")[0] for n in dead)
    for group, count in sorted(groups.items()):
        yield f"  {group}: {count}"


def _compared(
    judged: Iterable[Judged], undecided: tuple[str, ...], live: list[str], service: str
) -> Iterator[str]:
    groups: dict[str, list[str]] = {
        "Weaker than today": [],
        "Stricter than today": [],
        "Weaker for some and stricter for others": [],
        "The same people as today": [],
    }
    weaker, stricter, other, equal = groups.values()
    for rule in judged:
        line = f"  {rule.row.name}: {rule.check!r}"
        if not rule.gain and not rule.lose:
            equal.append(line)
            continue
        changes = []
        if rule.gain:
            changes.append(f"lets in {', '.join(rule.gain)}")
        if rule.lose:
            changes.append(f"shuts out {', '.join(rule.lose)}")
        group = other if len(changes) == 2 else weaker if rule.gain else stricter
        group.append(f"{line}, today {rule.row.default!r}: {'; '.join(changes)}")
    yield (
        f"Live: {len(live)} names of the file would replace defaults of {service}, or "
        "aliases that defaults refer to"
    )
    for title, lines in groups.items():
        yield f"{title}: {len(lines)}"
        yield from lines
    if undecided:
        yield f"Decided by another program, not judged: {', '.join(undecided)}"


def _instead(service: str) -> Iterator[str]:
    yield "What to do"
    yield (
        f"  Do not carry the file over, and let `policy_file` in [oslo_policy] of "
        f"{service}.conf not name it: oslo.policy reads a policy.json only when it "
        "is named there."
    )
    yield (
        "  For a new site, or one that can move: one project for each user, with "
        "the rule set project-per-user."
    )
    yield (
        "  For users who share a project: the rule set shared-project in policy.d, "
        "and the filter vo_isolation in the paste pipeline. One without the other "
        "does not keep users apart."
    )
    yield (
        "  If a weaker rule above was meant, write that one rule anew in policy.d, "
        "and run `vo-policy validate`."
    )
