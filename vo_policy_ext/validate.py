# SPDX-License-Identifier: Apache-2.0
"""Why a service's policy would not do what its files say.

Owns: the checks that oslo.policy leaves out, or writes into a log alone. Must
never: need the service installed; the tables say what its rules are. Read
first: faults.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vo_policy_ext import expressions
from vo_policy_ext.expressions import Expression, Leaf
from vo_policy_ext.policyfiles import Entry, Fault, merged
from vo_policy_ext.targets import RELEASES, SERVICES, Row, Target, table

_USER = "user_id"
_WITHOUT_OWNER = {
    Target.CALLER: "it is handed the ids of the caller, so {check} holds for everybody",
    Target.MIXED: "some of its calls are handed the ids of the caller, for whom "
    "{check} always holds, and some no user_id, so that it never does",
    Target.NONE: "it is handed no user_id, so {check} holds for nobody, the owner too",
}
_NO_OWNER = (
    "Leave the owner to the filter: grant it as by default, to rule:vo_list or to "
    "rule:vo_manager."
)


@dataclass(frozen=True)
class _Step:
    """A check that a rule comes to, and the rules on the way to it."""

    leaf: Leaf
    way: tuple[str, ...]


def service_of(path: Path, entries: Iterable[Entry]) -> str:
    """Return the service that a file or folder is for, empty if that is open.

    The folders of the path tell it (/etc/nova/policy.d), else the rules.
    """
    for part in reversed(path.absolute().parts):
        if part in SERVICES:
            return part
    names = {entry.name for entry in entries}
    known = {
        service: sum(
            # Many services have these by one name: context_is_admin, default.
            row.name in names and row.target is not Target.ALIAS
            for row in table(service).values()
        )
        for service in SERVICES
    }
    most = max(known.values())
    found = [service for service in SERVICES if known[service] == most]
    return found[0] if most and len(found) == 1 else ""


def faults(service: str, entries: Iterable[Entry]) -> tuple[Fault, ...]:
    """Return what is wrong with the rules of all files of one service.

    `entries` are in the order that they count in: of one name, the last.
    """
    found = _Policy(service, merged(entries)).faults()
    return tuple(sorted(found, key=lambda fault: (str(fault.file), fault.line)))


class _Policy:
    """The rules that hold at a service: those of its files, else the defaults."""

    def __init__(self, service: str, entries: Mapping[str, Entry]) -> None:
        self._service = service
        self._rows = table(service)
        self._entries = entries
        self._defaults = {
            row.name: expressions.parsed(row.default) for row in self._rows.values()
        }
        self._rules: dict[str, Expression] = dict(self._defaults)
        # Rules of which it is known already that they do not do what they say.
        self._unsound: set[str] = set()
        self._unreadable: list[Fault] = []
        for name, entry in entries.items():
            try:
                self._rules[name] = expressions.parsed(entry.check)
            except expressions.Unreadable as error:
                self._rules[name] = expressions.parsed("!")
                self._unsound.add(name)
                self._unreadable.append(
                    _fault(
                        entry,
                        f"{error}, and nobody would get through",
                        "A check is written kind:match, or rule:name; and, or, not "
                        "stand between two.",
                    )
                )

    def faults(self) -> Iterator[Fault]:
        yield from self._unreadable
        for entry in self._entries.values():
            yield from self._names(entry)
            for fault in (*self._checks(entry), *self._circles(entry)):
                self._unsound.add(entry.name)
                yield fault
        yield from self._of_targets()

    def _names(self, entry: Entry) -> Iterator[Fault]:
        name = entry.name
        if name in self._rows or name.startswith("vo_"):
            return
        referred = {
            leaf.referred
            for rule in self._rules.values()
            for leaf in expressions.leaves(rule)
        }
        if name not in referred:
            release = f"{self._service} {RELEASES[self._service]}"
            yield _fault(
                entry,
                f"{release} has no such rule, and no rule refers to it",
                _meant(name, self._rows, otherwise="Take it out: it does nothing."),
            )

    def _checks(self, entry: Entry) -> Iterator[Fault]:
        for leaf in expressions.leaves(self._rules[entry.name]):
            if leaf.referred and leaf.referred not in self._rules:
                yield _fault(
                    entry,
                    f"{leaf.text} refers to a rule that there is not, and "
                    f"{self._in_its_place()}",
                    _meant(leaf.referred, self._rules, otherwise="Define it."),
                )
            fault = expressions.fault_of_kind(leaf)
            if fault:
                yield _fault(
                    entry,
                    f"{fault} in {leaf.text}, and it holds for nobody",
                    _meant(
                        leaf.kind,
                        ("role", "rule", *expressions.CREDENTIALS),
                        otherwise="It is role, rule, what a token says (user_id, "
                        "project_id), a text in quotes or an installed plugin.",
                    ),
                )

    def _in_its_place(self) -> str:
        """Return what a reference to a missing rule comes to."""
        default = self._rules.get(expressions.DEFAULT)
        if default is None:
            return "holds for nobody"
        check = expressions.written(default)
        everybody = ", which holds for everybody" if check == "@" else ""
        return f"the rule {expressions.DEFAULT} decides: {check}{everybody}"

    def _circles(self, entry: Entry) -> Iterator[Fault]:
        """Yield the shortest way by which a rule refers to itself.

        Each rule of a circle tells it: each is a place to cut it.
        """
        waiting: list[tuple[str, ...]] = [(entry.name,)]
        seen: set[str] = set()
        while waiting:
            way = waiting.pop(0)
            for name in self._referred(way[-1]):
                if name == entry.name:
                    yield _fault(
                        entry,
                        f"it refers to itself: {' -> '.join((*way, name))}",
                        "Take one of these references out.",
                    )
                    return
                if name not in seen:
                    seen.add(name)
                    waiting.append((*way, name))

    def _referred(self, name: str) -> Iterator[str]:
        for leaf in expressions.leaves(self._rules[name]):
            if leaf.referred in self._rules:
                yield leaf.referred

    def _of_targets(self) -> Iterator[Fault]:
        """Yield what is wrong where rules meet what their services hand them.

        A rule counts if it stands in a file, or refers to one that does.
        """
        found: dict[tuple[Entry, str, str], list[str]] = {}
        for row in self._rows.values():
            steps = list(self._steps(row.name, (row.name,)))
            names = [name for step in steps for name in step.way]
            changed = [self._entries[name] for name in names if name in self._entries]
            if row.target is Target.ALIAS or not changed:
                continue
            if not self._unsound.isdisjoint(names):
                continue
            reasons = list(self._attributes(row, steps))
            reasons += [(changed[0], *lost) for lost in self._lost(row)]
            for said in dict.fromkeys(reasons):
                found.setdefault(said, []).append(row.name)
        for (entry, reason, mend), asking in found.items():
            yield _fault(entry, _asked_by(entry, asking) + reason, mend)

    def _steps(self, name: str, way: tuple[str, ...]) -> Iterator[_Step]:
        for leaf in expressions.leaves(self._rules[name]):
            yield _Step(leaf, way)
            if leaf.referred in self._rules and leaf.referred not in way:
                yield from self._steps(leaf.referred, (*way, leaf.referred))

    def _attributes(
        self, row: Row, steps: Iterable[_Step]
    ) -> Iterator[tuple[Entry, str, str]]:
        for step in steps:
            changed = [name for name in step.way if name in self._entries]
            if not changed:
                continue
            entry, check = self._entries[changed[0]], step.leaf.text
            if step.way[-1] != entry.name:
                check = f"{check} (in rule:{step.way[-1]})"
            for name in step.leaf.attributes:
                if name == _USER and row.target in _WITHOUT_OWNER:
                    reason = _WITHOUT_OWNER[row.target].format(check=check)
                    yield entry, reason, _NO_OWNER
                elif name not in row.attributes:
                    reason = f"it is handed no {name}, so {check} holds for nobody"
                    yield entry, reason, _handed(name, row)

    def _lost(self, row: Row) -> Iterator[tuple[str, str]]:
        """Yield that admins, or managers, do not get through any more."""
        admin = {"nova": "rule:context_is_admin", "cinder": "rule:admin_api"}
        for who, mend in (
            ("admin", admin.get(self._service, "rule:context_is_admin")),
            ("manager", "rule:vo_manager"),
        ):
            before = _gets_through(who, row, self._defaults)
            if before and not _gets_through(who, row, self._rules):
                yield (
                    f"{'an' if who == 'admin' else 'a'} {who} gets through by default "
                    "and does not any more",
                    f"Add to it: or {mend}.",
                )


def _gets_through(who: str, row: Row, rules: Mapping[str, Expression]) -> bool:
    """Return whether a rule lets in somebody who is not the owner.

    That is an admin, who is of another project, or a manager of the same one.
    """
    is_admin = who == "admin"
    project = "elsewhere" if is_admin else "project"
    caller = {
        "user_id": "caller",
        "project_id": project,
        "roles": ["admin"] if is_admin else ["manager", "member", "reader"],
        "is_admin": is_admin,
        "is_admin_project": True,
    }
    target = dict.fromkeys(row.attributes, "")
    target |= {"project_id": "project", "owner": "project", "user_id": "owner"}
    if row.target is Target.CALLER:
        target |= {"project_id": project, "user_id": "caller"}
    return expressions.judged(
        rules[row.name], rules, target=target, caller=caller, remote=True
    ).granted


def _fault(entry: Entry, reason: str, mend: str) -> Fault:
    return Fault(
        file=entry.file, line=entry.line, rule=entry.name, reason=reason, mend=mend
    )


def _asked_by(entry: Entry, names: list[str]) -> str:
    """Return for which rules an alias is at fault; empty for a rule itself."""
    if names == [entry.name]:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"asked for by {names[0]}{more}: "


def _handed(name: str, row: Row) -> str:
    there = sorted(row.attributes)
    return _meant(
        name, there, otherwise=f"There is: {', '.join(there) or 'nothing at all'}."
    )


def _meant(name: str, known: Iterable[str], *, otherwise: str) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"Did you mean {close[0]}?" if close else otherwise
