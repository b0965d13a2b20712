# SPDX-License-Identifier: Apache-2.0
"""The installed Cinder against the tables, and against a Cinder with one change."""

import dataclasses
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path

import pytest

from vo_policy_ext import call_sites, drift, installed, legacy

SERVICE = "cinder"
CHANGED = "volume:delete"
ROOT = Path(str(metadata.distribution(SERVICE).locate_file("")))


@pytest.fixture(scope="module")
def now() -> installed.Installed:
    """Return what is installed, read by a process of its own: it changes options."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as pool:
        return pool.submit(installed.read, SERVICE).result()


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
    assert len(now.rules) == 167
    assert len(now.sites) > 170
    assert sum(now.paths.values()) > 100


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
    del paths["/messages"]
    paths["/messages-of-all"] = True
    new, gone = lines(now, paths=paths)
    assert new.startswith("a new path /messages-of-all: ")
    assert gone.startswith("the path /messages is gone")


def test_a_target_without_its_object(now, edited):
    sites = edited(
        "volume/api.py",
        "context.authorize(vol_policy.DELETE_POLICY, target_obj=volume)",
        "context.authorize(vol_policy.DELETE_POLICY)",
    )
    (line,) = lines(now, sites=sites)
    assert line.startswith(
        "volume:delete: the target's class changed from OWNER to CALLER"
    )


def test_an_object_that_came_another_way(now, edited):
    sites = edited(
        "api/v3/messages.py",
        "self.message_api.get(context, id)",
        "self.message_api.find(context, id)",
    )
    found = lines(now, sites=sites)
    assert len(found) == 2
    for line, rule in zip(found, ("message:delete", "message:get"), strict=True):
        assert line.startswith(f"cinder/api/v3/messages.py asks {rule} about 'message")


def test_a_rule_that_is_made_at_run_time(now, edited):
    sites = edited(
        "api/contrib/admin_actions.py",
        "'volume_extension:volume_admin_actions:%(action)s'",
        "'volume_extension:admin:%(action)s'",
    )
    new, gone = lines(now, sites=sites)
    assert "asks <'volume_extension:admin:%(action)s'" in new
    assert "does not ask <'volume_extension:volume_admin_actions" in gone
