# SPDX-License-Identifier: Apache-2.0
"""``keystone-voms-status``: is this site ready for VOMS logins?

Owns the list of all checks and how one is run, for ``keystone-voms-manage
check-config`` too. It only reads, and must never stop at a fault of the site.
Read ``CHECKS`` first.
"""

from __future__ import annotations

import logging
import os
import sys
from functools import lru_cache

import keystone.conf
from keystone.common import sql
from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from keystone_voms_ext import conf
from keystone_voms_ext.checks import (
    apache,
    configuration,
    haproxy,
    site,
    trust,
    uwsgi,
)
from keystone_voms_ext.checks.finding import NOTE, OK, WRONG, Check, Finding
from keystone_voms_ext.identity import store
from keystone_voms_ext.voms.errors import SetupError

CONF = keystone.conf.CONF

FAILED = 255

CHECKS = (
    *configuration.CHECKS,
    *trust.CHECKS,
    *apache.CHECKS,
    *uwsgi.CHECKS,
    *haproxy.CHECKS,
    *site.CHECKS,
)


def run(check: Check) -> tuple[Finding, ...]:
    """Return what a check finds; one that cannot go on says why, as a finding."""
    if check.asks_store and (fault := fault_of_store()):
        return (Finding(WRONG, fault),)
    found: list[Finding] = []
    try:
        for finding in check.find():
            found.append(finding)
    except SetupError as error:
        found.append(Finding(WRONG, str(error)))
    except Exception as error:
        # Whatever a broken site raises is what this is to show.
        found.append(Finding(WRONG, f"This cannot be checked: {shown(error)}"))
    return tuple(found)


@lru_cache(maxsize=1)
def fault_of_store() -> str:
    """Start Keystone's managers, once; return why they do not start, '' if they do."""
    if not (CONF.config_file or CONF.config_dir):
        # Keystone would go on with a new and empty database.
        return (
            "No configuration of Keystone is found. Name it with --config-file, "
            "--config-dir or OS_KEYSTONE_CONFIG_DIR."
        )
    # Nobody wants to wait here for a database to come back.
    CONF.set_override("max_retries", 0, group="database")
    try:
        store.load()
    except (Exception, SystemExit) as error:
        return f"Keystone itself cannot start: {shown(error)}"
    return ""


def shown(error: BaseException) -> str:
    """Return an error of somebody else's in one line."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def default_config_files() -> list[str] | None:
    """Return the files that Keystone's own variables name, None for the usual ones."""
    names = os.environ.get("OS_KEYSTONE_CONFIG_FILES", "").split(";")
    files = [name.strip() for name in names if name.strip()]
    if directory := os.environ.get("OS_KEYSTONE_CONFIG_DIR", "").strip():
        return [f"{directory}/{name}" for name in files or ["keystone.conf"]]
    return files or None


def register() -> None:
    """Register all options of Keystone and ours; nothing is read yet."""
    # Keystone and the libraries below it have their say in the service's log.
    logging.basicConfig(level=logging.CRITICAL)
    keystone.conf.configure()
    sql.initialize()
    keystone.conf.set_config_defaults()
    conf.register(CONF)


def _result(check: Check) -> upgradecheck.Result:
    found = run(check)
    worst = max((finding.level for finding in found), default=OK)
    texts = [finding.text for finding in found if finding.level >= min(worst, NOTE)]
    return upgradecheck.Result(worst, "\n".join(texts) or None)


class Checks(upgradecheck.UpgradeCommands):
    """The checks as ``upgrade check`` runs them."""

    _upgrade_checks = tuple(
        (check.title, lambda _, check=check: _result(check)) for check in CHECKS
    )


def main() -> int:
    """Run ``upgrade check``: 0 all well, 1 with warnings, 2 something is wrong.

    255: nothing can be told.
    """
    register()
    try:
        return int(
            upgradecheck.main(
                CONF,
                "keystone",
                Checks(),
                argv=sys.argv[1:],
                default_config_files=default_config_files(),
            )
        )
    except cfg.Error as error:
        # With a trace, it would be 1, and 1 stands for warnings.
        print(
            f"keystone-voms-status: {error}. Correct the configuration.",
            file=sys.stderr,
        )
        return FAILED
