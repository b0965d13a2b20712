# SPDX-License-Identifier: Apache-2.0
"""Where an installed service differs from the release that all here was made for.

Owns: the comparison of rules, call sites and paths with the tables, and what a
difference means for the isolation. Must never: say nothing because a part of
the service could not be read; that is a difference too. Read first: compared.
"""

import csv
import importlib
import multiprocessing
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import resources

from vo_policy_ext import call_sites, targets
from vo_policy_ext.call_sites import UNKNOWN, Site
from vo_policy_ext.installed import Installed, Rule, read
from vo_policy_ext.installed import NotInstalledError as NotInstalledError
from vo_policy_ext.routes import Table
from vo_policy_ext.targets import Row, Target

# What stands in the column `class` of tables/call-sites.csv for a site that is
# of no rule: a class that asks, a name of a rule that is made at run time.
WATCHED = "-"

# The rules that these releases themselves announce to drop.
_GOING = {
    "nova": frozenset({"admin_or_owner", "admin_api"}),
    "cinder": frozenset[str](),
    "glance": frozenset({"modify_task"}),
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the rule sets and the filter of a service were made for.

    `sites` has the class that a person gave to a site that the source does not
    tell, by Site.key; without a file, of a rule that no site names.
    """

    rules: Mapping[str, Row]
    sites: Mapping[tuple[str, str, str], str]
    paths: Table
    going: frozenset[str] = frozenset()
    table: str = ""


def differences(service: str) -> tuple[str, ...]:
    """Return a line for each difference, none if there is none.

    A new process imports the service and ends. Raises NotInstalledError.
    """
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as pool:
        return pool.submit(differences_here, service).result()


def differences_here(service: str) -> tuple[str, ...]:
    """Return the same, of a process that has imported no other service."""
    return compared(read(service), known(service))


def known(service: str) -> Known:
    """Return what is recorded here of one of targets.SERVICES."""
    file = resources.files("vo_policy_ext") / "tables" / "call-sites.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    return Known(
        rules=targets.table(service),
        sites={
            (line["rule"], line["file"], line["target"]): line["class"]
            for line in csv.DictReader(lines)
            if line["service"] == service
        },
        paths=importlib.import_module(f"vo_policy_ext.{service}_routes").TABLE,
        going=_GOING[service],
        table=f"vo_policy_ext/tables/{service}.csv",
    )


def compared(now: Installed, then: Known) -> tuple[str, ...]:
    """Return a line for each difference: what, what it means, what to do."""
    return (
        *_changed_rules(now, then),
        *_changed_sites(now, then),
        *_changed_paths(now, then),
    )


def _changed_rules(now: Installed, then: Known) -> Iterator[str]:
    rules = {rule.name: rule for rule in now.rules}
    gone = [name for name in then.rules if name not in rules]
    for rule in now.rules:
        before = then.rules.get(rule.name)
        if before is None:
            yield _new_rule(rule, now, then, renamed=rule.formerly in gone)
            continue
        if rule.default != before.default:
            yield (
                f"{rule.name}: the default changed from {before.default!r} to "
                f"{rule.default!r}. Others than before may do it wherever the rule "
                "sets leave the default alone, and a rule set that names it may be "
                "weaker or stricter than the service now. Read the release note, "
                f"then put the new default into {then.table} and generate the rule "
                "sets anew."
            )
        if set(rule.operations) != set(before.operations):
            yield (
                f"{rule.name}: the operations changed from "
                f"{_listed(before.operations)} to {_listed(rule.operations)}. The "
                "rule guards something that nobody has looked at. See that the "
                "filter has each path, and that the body names nobody else's "
                f"resource; then mend {then.table}."
            )
        if rule.going and rule.name not in then.going:
            yield (
                f"{rule.name} is deprecated: the service will drop it. A rule set "
                "that names it will do nothing then. Find the rule that takes its "
                "place."
            )
    for name in gone:
        if not any(rule.formerly == name for rule in now.rules):
            yield (
                f"{name} is gone: the service does not ask it any more, so a rule "
                "set that names it protects nothing. Find what guards "
                f"{_listed(then.rules[name].operations)} now, and take the rule out "
                f"of {then.table} and the rule sets."
            )


def _new_rule(rule: Rule, now: Installed, then: Known, *, renamed: bool) -> str:
    asked = [site for site in now.sites if site.rule == rule.name]
    files = ", ".join(sorted({site.file for site in asked})) or "no file that is read"
    what = f"a new rule {rule.name}"
    means = "nobody has looked at it; the filter refuses its path if that is new too"
    if renamed:
        what = f"{rule.formerly} is named {rule.name} now"
        means = "what the rule sets say of the old name may do nothing"
    return (
        f"{what}, with the default {rule.default!r}, of class "
        f"{call_sites.classified(asked) or 'unknown'}, for "
        f"{_listed(rule.operations)}: {means}. Read where it is asked ({files}), "
        f"give it a row in {then.table}, and one in the rule sets if it is about "
        "one user's resource."
    )


def _changed_sites(now: Installed, then: Known) -> Iterator[str]:
    asked: dict[str, list[Site]] = {}
    unread: set[str] = set()
    for site in now.sites:
        judged = then.sites.get(site.key)
        if judged is None and (
            site.target_class == UNKNOWN
            or (site.rule not in then.rules and site.rule.startswith("<"))
        ):
            unread.add(site.rule)
            yield (
                f"{site.file} asks {site.rule} about {site.target or 'no target'!r}: "
                "this is new or changed, and the source does not tell whose ids "
                "the rule gets. A check of user_id in it may be true for everybody "
                "or for nobody. Read the code; then add a row with this rule, file "
                "and target to vo_policy_ext/tables/call-sites.csv, and the class "
                f"that you found ({WATCHED} if it is of no one rule)."
            )
        asked.setdefault(site.rule, []).append(
            Site(*site.key, site.target_class if judged is None else judged)
        )
    yield from _changed_classes(now, then, asked, unread)
    there = {site.key for site in now.sites}
    for (rule, file, target), judged in then.sites.items():
        if file and (rule, file, target) not in there and judged == WATCHED:
            yield (
                f"{file} does not ask {rule} about {target or 'no target'!r} any "
                "more. What was asked there may be asked nowhere, or about another "
                "target. Read the code, and take the row out of "
                "vo_policy_ext/tables/call-sites.csv."
            )


def _changed_classes(
    now: Installed, then: Known, asked: Mapping[str, list[Site]], unread: set[str]
) -> Iterator[str]:
    registered = {rule.name for rule in now.rules}
    for name, row in then.rules.items():
        if name in unread or name not in registered or row.target is Target.ALIAS:
            continue
        found = call_sites.classified(asked.get(name, ()))
        if found == UNKNOWN and then.sites.get((name, "", "")) == row.target.name:
            continue
        if found == UNKNOWN:
            yield (
                f"{name} (class {row.target.name}) is asked nowhere in the source "
                "that is read. It protects nothing any more, or it is asked in a "
                "new way. Look for its name in the service's code."
            )
        elif found != row.target.name:
            files = ", ".join(sorted({site.file for site in asked[name]}))
            yield (
                f"{name}: the target's class changed from {row.target.name} to "
                f"{found} ({Target[found].value}). A check of user_id in it does "
                f"not mean any more what the rule sets take it for. Read {files}, "
                f"mend {then.table}, and generate and validate the rule sets anew."
            )


def _changed_paths(now: Installed, then: Known) -> Iterator[str]:
    if now.unread:
        yield (
            "The paths of the API cannot be read from the service's router "
            f"({now.unread}), so they are not compared with the filter's table. A "
            "new path is refused to plain users all the same. Compare them by hand, "
            "and mend vo_policy_ext/drift.py."
        )
        return
    had = {_shape(route.path): route.path for route in then.paths.routes}
    has = {_shape(path) for path in now.paths}
    # A Route with a parameter where the API has names stands for each of them.
    wide = {shape: _pattern(shape) for shape in had.keys() - has}
    used = set()
    for path, answered in now.paths.items():
        covers = {s for s, pattern in wide.items() if pattern.fullmatch(_shape(path))}
        used |= covers
        if answered and _shape(path) not in had and not covers:
            yield (
                f"a new path {path}: the filter does not have it and refuses it "
                "(404) to all but an admin. Find out whose resources it gives access "
                "to; then give it a Route in the filter's table."
            )
    for shape in wide.keys() - used:
        yield (
            f"the path {had[shape]} is gone from the API. Its Route in the filter's "
            "table does nothing. If the operation has another path now, that one is "
            "named above; take this one out."
        )


def _pattern(shape: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, shape.split("{}"))))


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _listed(operations: Iterable[str]) -> str:
    return "; ".join(operations) or "no operation"
