# SPDX-License-Identifier: Apache-2.0
"""The installed Nova against the tables, and against a Nova with one change."""

import dataclasses
import os
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from vo_policy_ext import call_sites, drift, installed, legacy

SERVICE = "nova"
CHANGED = "os_compute_api:servers:stop"
ROOT = Path(str(metadata.distribution(SERVICE).locate_file("")))


@pytest.fixture(scope="module")
def now() -> installed.Installed:
    return installed.read(SERVICE)


def lines(now: installed.Installed, **changes) -> tuple[str, ...]:
    changed = dataclasses.replace(now, **changes)
    return drift.compared(changed, drift.known(SERVICE))


@pytest.fixture
def edited(tmp_path: Path):
    """Return a function that reads the call sites again, with one file edited."""

    def sites(file: str, old: str, new: str) -> tuple[call_sites.Site, ...]:
        left_out = {"__pycache__", "locale", "tests"}
        shutil.copytree(
            ROOT / SERVICE,
            tmp_path / SERVICE,
            ignore=lambda _, names: left_out.intersection(names),
            copy_function=os.symlink,
        )
        path = tmp_path / SERVICE / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.unlink()
        path.write_text(text.replace(old, new), encoding="utf-8")
        return call_sites.sites(tmp_path, SERVICE)

    return sites


def test_nothing_differs(now):
    assert not now.unread
    assert lines(now) == ()
    # It is not nothing that was compared.
    assert len(now.rules) == 214
    assert len(now.sites) > 200
    assert sum(now.paths.values()) > 120


def test_a_process_of_its_own_says_the_same():
    assert drift.differences(SERVICE) == drift.differences_here(SERVICE) == ()


def test_a_router_that_changed(monkeypatch):
    from nova.api.openstack.compute import routes

    monkeypatch.delattr(routes, "ROUTE_LIST")
    (line,) = lines(installed.read(SERVICE))
    assert "cannot be read from the service's router (AttributeError: " in line


def test_the_names_of_old_are_those_that_the_service_declares(now):
    declared: dict[str, tuple[str, ...]] = {}
    for rule in now.rules:
        if rule.formerly not in ("", rule.name):
            declared[rule.formerly] = (*declared.get(rule.formerly, ()), rule.name)
    assert legacy.new_names(SERVICE) == declared


def test_another_default(now):
    changed = tuple(
        dataclasses.replace(rule, default="@") if rule.name == CHANGED else rule
        for rule in now.rules
    )
    (line,) = lines(now, rules=changed)
    assert line.startswith(f"{CHANGED}: the default changed from ")
    assert "to '@'" in line


def test_a_path_that_is_gone_and_a_new_one(now):
    paths = dict(now.paths)
    del paths["/os-server-groups"]
    paths["/os-server-groups-of-all"] = True
    new, gone = lines(now, paths=paths)
    assert new.startswith("a new path /os-server-groups-of-all: ")
    assert gone.startswith("the path /os-server-groups is gone")


def test_a_target_without_its_owner(now, edited):
    sites = edited(
        "api/openstack/compute/lock_server.py",
        "target={'user_id': instance.user_id,",
        "target={",
    )
    (line,) = lines(now, sites=sites)
    assert line.startswith(
        "os_compute_api:os-lock-server:lock: the target's class changed from OWNER to "
        "NONE"
    )


def test_a_new_call_site(now, edited):
    sites = edited(
        "api/openstack/compute/servers.py",
        "        context.can(server_policies.SERVERS % 'show',",
        "        context.can(server_policies.SERVERS % 'show')\n"
        "        context.can(server_policies.SERVERS % 'show',",
    )
    (line,) = lines(now, sites=sites)
    assert "os_compute_api:servers:show: the target's class changed" in line
    assert "from NONE to MIXED" in line


def test_a_target_that_the_source_does_not_tell(now, edited):
    sites = edited(
        "api/openstack/compute/console_output.py",
        "target={'project_id': instance.project_id}",
        "target=made(instance)",
    )
    (line,) = lines(now, sites=sites)
    assert line.startswith(
        "nova/api/openstack/compute/console_output.py asks "
        "os_compute_api:os-console-output about 'made(instance)': this is new"
    )


def test_a_rule_that_is_not_asked_any_more(now, edited):
    sites = edited(
        "api/openstack/compute/console_output.py", "context.can(", "context.may("
    )
    (line,) = lines(now, sites=sites)
    assert line.startswith("os_compute_api:os-console-output (class NONE) is asked now")
