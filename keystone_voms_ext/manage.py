# SPDX-License-Identifier: Apache-2.0
"""``keystone-voms-manage``: check the set-up, foresee a login, list and purge users.

Owns the command line and what is printed; ``foretell`` has the words of ``map``.
Only ``purge`` may ever write, and it must print each thing before it is done.
Read ``main`` first.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keystone.conf
from oslo_config import cfg

from keystone_voms_ext import foretell, sources, status
from keystone_voms_ext.checks.finding import NOTE, OK, WRONG
from keystone_voms_ext.identity import accounts
from keystone_voms_ext.voms.chain import PEM_MAX_BYTES
from keystone_voms_ext.voms.errors import SetupError, VomsError

CONF = keystone.conf.CONF

FINE, PROBLEM, MISUSE = 0, 1, 2
# Where Keystone may log to; with none of them set it is the standard output.
_LOGS = ("log_file", "log_dir", "log_config_append", "use_syslog", "use_journal")
_WORDS = {OK: "ok", NOTE: "note", WRONG: "WRONG"}


def main() -> int:
    """Run one command. 0: all is well. 1: something is wrong, or refused.

    2: wrong use, or nothing can be told, as without a database.
    """
    status.register()
    CONF.register_cli_opt(cfg.SubCommandOpt("voms_command", handler=_add_commands))
    try:
        CONF(
            args=sys.argv[1:],
            project="keystone",
            default_config_files=status.default_config_files(),
        )
    except cfg.Error as error:
        return _misuse(f"{error}. Correct the configuration.")
    command = CONF.voms_command
    if command.asks_store and (fault := status.fault_of_store()):
        return _misuse(fault)
    try:
        return int(command.run(command))
    except SetupError as error:
        print(f"keystone-voms-manage: [{error.code}] {error}", file=sys.stderr)
        return PROBLEM
    except Exception as error:
        # Whatever a broken site raises ends here, as a line and not as a trace.
        if CONF.debug:
            raise
        return _misuse(f"{status.shown(error)} (--debug shows where.)")


def _add_commands(commands: Any) -> None:
    def add(name: str, run: Callable[[Any], int], help_text: str) -> Any:
        parser = commands.add_parser(name, help=help_text, description=help_text)
        parser.set_defaults(run=run, asks_store=name != "check-config")
        return parser

    add(
        "check-config",
        _check_config,
        "Check all that a VOMS login needs: options, directories, mapping, database.",
    )
    parser = add(
        "map",
        _map,
        "Tell what a login would do, for a proxy or for a DN with FQANs. "
        "Nothing is changed.",
    )
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--proxy", type=Path, metavar="FILE", help="a proxy, in PEM")
    whose.add_argument("--dn", help="the DN of a user, as the name of its account")
    parser.add_argument(
        "--fqan",
        action="append",
        default=[],
        help="with --dn: an FQAN that the user has; may be repeated",
    )
    parser.add_argument("--vo", help="with --dn: the primary VO, else that of --fqan")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser = add("users", _users, "List the users of VOMS logins, and their groups.")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser = add(
        "purge",
        _purge,
        "Take the rights of VOs, and what was made under them, from users without a "
        "login for some days, and delete groups that no entry of the mapping names.",
    )
    parser.add_argument(
        "--inactive-days",
        type=_days,
        required=True,
        metavar="N",
        help="days since the last login, 1 or more",
    )
    parser.add_argument(
        "--delete-users",
        action="store_true",
        help="delete these users too, unless an operator gave them something",
    )
    parser.add_argument("--dry-run", action="store_true", help="only tell what it does")


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 100_000):
        raise ArgumentTypeError(f"{text!r} is not a number of days, 1 or more")
    return int(text)


def _misuse(text: str) -> int:
    print(f"keystone-voms-manage: {text}", file=sys.stderr)
    return MISUSE


def _check_config(command: Any) -> int:
    worst = OK
    for check in status.CHECKS:
        found = status.run(check)
        level = max((finding.level for finding in found), default=OK)
        worst = max(worst, level)
        print(f"{_WORDS[level]:<7}{check.title}")
        for finding in found:
            print(f"       {_WORDS[finding.level]}: {_plain(finding.text)}")
    return PROBLEM if worst == WRONG else FINE


def _users(command: Any) -> int:
    everybody = accounts.linked()
    if command.json:
        listed = [
            {
                **dataclasses.asdict(one),
                "last_login": one.last_login.isoformat() if one.last_login else None,
                "places": list(map(foretell.place_object, one.places)),
            }
            for one in everybody
        ]
        print(json.dumps(listed))
        return FINE
    for one in everybody:
        enabled = "enabled" if one.enabled else "disabled"
        print(
            _plain(f"{one.id} {enabled} last login {one.last_login or '?'} {one.name}")
        )
        for place in one.places:
            print(_plain(f"    {place.group}, {foretell.until(place)}"))
    return FINE


def _map(command: Any) -> int:
    if bool(command.fqan or command.vo) == bool(command.proxy):
        return _misuse("--proxy stands alone; --dn needs --fqan or --vo.")
    if command.proxy:
        try:
            with command.proxy.open("rb") as file:
                # One byte more shows that the file is too large.
                pem = file.read(PEM_MAX_BYTES + 1)
        except OSError as error:
            return _misuse(f"{command.proxy} cannot be read: {error.strerror}.")
    at = datetime.now(UTC)
    try:
        if command.proxy:
            claim = foretell.claim_of_proxy(pem, at=at)
        else:
            claim = foretell.claim_of_names(command.dn, command.vo, command.fqan)
        login = foretell.foresee(claim, at=at)
    except VomsError as error:
        found: Any = foretell.refusal_object(error)
        lines = foretell.refusal_lines(error)
    else:
        found, lines = foretell.login_object(login), foretell.login_lines(login)
    if command.json:
        print(json.dumps(found))
    else:
        _print(lines)
    return FINE if found["verdict"] == "accept" else PROBLEM


def _purge(command: Any) -> int:
    plan = accounts.plan(
        sources.voms_map().entries,
        days=command.inactive_days,
        today=datetime.now(UTC).date(),
        delete_users=command.delete_users,
    )
    if not command.dry_run and any(CONF[option] for option in _LOGS):
        # What is taken away is told in Keystone's own log as well.
        keystone.conf.setup_logging()
    would = "would " if command.dry_run else ""
    for goodbye in plan.goodbyes:
        account = goodbye.loss.account
        print(_plain(f"{account.id} {account.name}, last login {account.last_login}"))
        _print(_loss_lines(goodbye.loss, would))
        if command.delete_users:
            stays = f"stays: {goodbye.stays}"
            print(f"    {stays if goodbye.stays else f'{would}delete the user'}")
        if not command.dry_run:
            accounts.carry_out(goodbye.loss)
            if not goodbye.stays:
                accounts.delete_user(account)
    for group in plan.groups:
        print(_plain(f"group {group.name} {group.id}, which no entry names"))
        for loss in group.losses:
            _print(_loss_lines(loss, would))
        print(f"    {would}delete the group")
        if not command.dry_run:
            accounts.delete_group(group)
    if not (plan.goodbyes or plan.groups):
        print("There is nothing to purge.")
    return FINE


def _loss_lines(loss: accounts.Loss, would: str) -> Iterator[str]:
    user = loss.account.id
    for place in loss.places:
        yield f"    {would}take user {user} out of {place.group}"
    for made in loss.made:
        yield f"    {would}delete {made.kind} {made.id} in project {made.project_id}"
    if loss.projects:
        yield f"    {would}revoke the tokens of user {user}"


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(_plain(line))


def _plain(text: str) -> str:
    """Return a text that cannot steer a terminal: names are what somebody typed."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
