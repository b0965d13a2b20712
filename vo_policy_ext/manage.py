# SPDX-License-Identifier: Apache-2.0
"""``vo-policy``: write, check and explain the rules that keep users apart.

Owns: the command line and what is printed. Must never: need a running service,
or write anything but what generate is told to. Read first: main.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from vo_policy_ext import explain, expressions, policyfiles, rulesets, validate
from vo_policy_ext.policyfiles import Entry, Fault
from vo_policy_ext.targets import SERVICES, table

FINE, PROBLEM, MISUSE = 0, 1, 2
# An alias of the mode that has the filter, and of no other.
_MARK = "vo_owner"


class CannotTell(Exception):
    """The command leaves open what should be done."""


def main(argv: list[str] | None = None) -> int:
    """Run one command. 0: all is well. 1: refused, denied, or there are differences.

    2: wrong use, or a file that cannot be read.
    """
    # oslo.policy says in the log, with a trace, what is said here in one line.
    logging.getLogger("oslo_policy").setLevel(logging.CRITICAL + 1)
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except (CannotTell, explain.CannotTell, policyfiles.NotReadable) as error:
        return _misuse(str(error))
    except OSError as error:
        return _misuse(f"{error.filename}: {error.strerror}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vo-policy", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[Any], int], help_text: str) -> Any:
        command = commands.add_parser(
            name, help=help_text, description=help_text, allow_abbrev=False
        )
        command.set_defaults(run=run)
        return command

    def add_services(command: Any) -> None:
        command.add_argument(
            "--service",
            action="append",
            choices=SERVICES,
            help="may be repeated; all, if it is left out",
        )

    command = add(
        "generate",
        _generate,
        f"Write the rule set of each service, as DIR/SERVICE/{rulesets.FILE_NAME}.",
    )
    command.add_argument("--mode", choices=rulesets.MODES, default=rulesets.SHARED)
    add_services(command)
    command.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="print the rule sets, if it is left out",
    )
    command = add(
        "validate",
        _validate,
        "Check that policy files do what they say: names, references, attributes.",
    )
    command.add_argument("--service", choices=SERVICES, help="told by folder or rules")
    command.add_argument(
        "--policy-file",
        type=Path,
        metavar="FILE",
        help="the policy.yaml that the files of policy.d win over",
    )
    command.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="a file, or a policy.d folder: its files in order of their names",
    )
    _add_explain(add("explain", _explain, "Tell step by step why a rule lets a user."))
    command = add(
        "diff-targets",
        _diff_targets,
        "Tell where the installed services differ from those the rules are made for.",
    )
    add_services(command)
    command = add(
        "migrate-legacy",
        _migrate_legacy,
        "Tell what a policy.json of the old federation guide does today.",
    )
    command.add_argument("path", type=Path, metavar="OLD_POLICY_JSON")
    return parser


def _add_explain(command: Any) -> None:
    command.add_argument("--user", required=True, metavar="ID")
    command.add_argument("--project", required=True, metavar="ID")
    command.add_argument(
        "--roles", required=True, metavar="A,B", help="implied roles must be named too"
    )
    command.add_argument(
        "--owner", metavar="ID", help="the user whose resource it is; else the same"
    )
    command.add_argument(
        "--target-project", metavar="ID", help="the project of the resource"
    )
    command.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another attribute of the resource: visibility=public; may be repeated",
    )
    command.add_argument("--service", choices=SERVICES, help="told by the rule")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--mode", choices=rulesets.MODES, default=rulesets.SHARED)
    which.add_argument(
        "--policy", type=Path, metavar="PATH", help="a policy file or policy.d"
    )
    command.add_argument("rule", metavar="RULE")


def _generate(options: Any) -> int:
    for service in options.service or SERVICES:
        text = rulesets.rendered(rulesets.ruleset(service, mode=options.mode))
        if options.output is None:
            print(text, end="")
            continue
        file = options.output / service / rulesets.FILE_NAME
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        print(file)
    return FINE


def _validate(options: Any) -> int:
    found: dict[str, list[Entry]] = {}
    faults: dict[str, list[Fault]] = {}
    for path in options.paths:
        entries, wrong = _read(path)
        service = options.service or validate.service_of(path, entries)
        if not service:
            raise CannotTell(f"{path}: for which service is it? Say --service.")
        found.setdefault(service, []).extend(entries)
        faults.setdefault(service, []).extend(wrong)
    if options.policy_file is not None:
        if len(found) > 1:
            raise CannotTell(
                f"--policy-file is for one service, the paths are for "
                f"{', '.join(found)}. Check them one by one."
            )
        entries, wrong = _read(options.policy_file)
        for service in found:
            found[service] = [*entries, *found[service]]
            faults[service] = [*wrong, *faults[service]]
    for service, entries in found.items():
        wrongs = (*faults[service], *validate.faults(service, entries))
        for fault in wrongs:
            print(_plain(str(fault)))
        rules = len(policyfiles.merged(entries))
        verdict = f"{len(wrongs)} faults" if wrongs else "ok"
        print(f"{service}: {verdict}, {rules} rules")
        faults[service] = list(wrongs)
    return PROBLEM if any(faults.values()) else FINE


def _explain(options: Any) -> int:
    service = options.service or _service_of_rule(options.rule)
    rules = {row.name: row.default for row in table(service).values()}
    rules |= _changed(service, options)
    parsed = {name: _parsed(name, text) for name, text in rules.items()}
    question = explain.Question(
        user=options.user,
        project=options.project,
        roles=tuple(filter(None, options.roles.split(","))),
        owner=options.owner or options.user,
        target_project=options.target_project or options.project,
        given=_given(options.target),
    )
    answer = explain.explained(
        service, options.rule, question, parsed, has_filter=_MARK in rules
    )
    _print(answer.lines)
    return FINE if answer.allowed else PROBLEM


def _diff_targets(options: Any) -> int:
    from vo_policy_ext import drift

    differ = compared = False
    for service in options.service or SERVICES:
        try:
            lines = drift.differences(service)
        except drift.NotInstalledError as error:
            if options.service:
                raise CannotTell(str(error)) from error
            # A host has the services that it runs.
            print(f"{service}: not installed here, not compared")
            continue
        differ, compared = differ or bool(lines), True
        print(f"{service}: {len(lines)} differences" if lines else f"{service}: ok")
        _print(lines)
    if not compared:
        raise CannotTell(
            "None of nova, cinder and glance is installed in this environment. Use "
            "the vo-policy of the environment that they run in."
        )
    return PROBLEM if differ else FINE


def _migrate_legacy(options: Any) -> int:
    from vo_policy_ext import legacy

    try:
        lines = legacy.explained(options.path)
    except legacy.LegacyFileError as error:
        raise CannotTell(str(error)) from error
    _print(lines)
    return FINE


def _read(path: Path) -> tuple[list[Entry], list[Fault]]:
    entries: list[Entry] = []
    faults: list[Fault] = []
    for file in policyfiles.files(path):
        read, wrong = policyfiles.read(file)
        entries += read
        faults += wrong
    return entries, faults


def _service_of_rule(rule: str) -> str:
    found = [service for service in SERVICES if rule in table(service)]
    if len(found) != 1:
        kind = "is a rule of each of" if found else "is no rule of"
        raise CannotTell(
            f"{rule} {kind} {', '.join(found or SERVICES)}. Say --service, or look "
            "for the name with vo-policy generate."
        )
    return found[0]


def _changed(service: str, options: Any) -> Mapping[str, str]:
    """Return the check strings of the files that are asked about."""
    if options.policy is None:
        chosen = rulesets.ruleset(service, mode=options.mode)
        return {rule.name: rule.check for rule in (*chosen.aliases, *chosen.rules)}
    entries, faults = _read(options.policy)
    if faults:
        raise CannotTell(f"{faults[0]} See vo-policy validate.")
    return {name: entry.check for name, entry in policyfiles.merged(entries).items()}


def _parsed(name: str, text: str) -> expressions.Expression:
    try:
        return expressions.parsed(text)
    except expressions.Unreadable as error:
        raise CannotTell(f"{name}: {error}. See vo-policy validate.") from error


def _given(texts: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise CannotTell(f"--target {text}: write NAME=VALUE.")
        found[name] = value
    return found


def _misuse(text: str) -> int:
    print(f"vo-policy: {_plain(text)}", file=sys.stderr)
    return MISUSE


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(_plain(line))


def _plain(text: str) -> str:
    """Return a text that cannot steer a terminal: files have what somebody typed."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
