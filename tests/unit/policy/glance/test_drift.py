# SPDX-License-Identifier: Apache-2.0
"""The installed Glance against the tables, and against a Glance with one change."""

import dataclasses
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path

import pytest

from vo_policy_ext import call_sites, drift, installed, legacy

SERVICE = "glance"
CHANGED = "delete_image"
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
    assert len(now.rules) == 67
    assert len(now.sites) > 80
    assert sum(now.paths.values()) > 45


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
    del paths["/v2/tasks"]
    paths["/v2/tasks-of-all"] = True
    new, gone = lines(now, paths=paths)
    assert new.startswith("a new path /v2/tasks-of-all: ")
    assert gone.startswith("the path /v2/tasks is gone")


def test_another_target_of_a_class_that_asks(now, edited):
    sites = edited(
        "api/v2/policy.py",
        "target = policy.ImageTarget(image)",
        "target = {'project_id': image.owner}",
    )
    new, gone = lines(now, sites=sites)
    assert "glance/api/v2/policy.py asks <class ImageAPIPolicy> about" in new
    assert "does not ask <class ImageAPIPolicy> about" in gone


def test_another_image_that_is_asked_about(now, edited):
    sites = edited(
        "api/v2/image_tags.py",
        "api_policy.ImageAPIPolicy(req.context, image,",
        "api_policy.ImageAPIPolicy(req.context, {},",
    )
    new, gone = lines(now, sites=sites)
    assert "glance/api/v2/image_tags.py asks <ImageAPIPolicy> about '{}'" in new
    assert "image_tags.py does not ask <ImageAPIPolicy> about 'image'" in gone


def test_a_rule_that_moved_to_another_class(now, edited):
    sites = edited(
        "api/v2/policy.py",
        "self._enforce('tasks_api_access')",
        "self._enforce('tasks_api_access')\n        self._enforce('delete_image')",
    )
    (line,) = lines(now, sites=sites)
    assert line.startswith(
        "delete_image: the target's class changed from OWNER to MIXED"
    )
