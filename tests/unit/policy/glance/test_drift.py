# SPDX-License-Identifier: Apache-2.0
"""The installed Glance against the tables, and against a Glance with one change."""

import pytest

from tests.unit.policy.shared.drift import Watched


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched.read("glance")


def test_nothing_differs(watched):
    watched.is_as_known(rules=67, sites=80, paths=45)


def test_the_names_of_old_are_those_that_the_service_declares(watched):
    watched.declares_the_names_of_old()


def test_another_default(watched):
    watched.tells_another_default("delete_image")


def test_a_path_that_is_gone_and_a_new_one(watched):
    watched.tells_another_path("/v2/tasks")


def test_another_target_of_a_class_that_asks(watched, tmp_path):
    watched.tells_an_edit(
        tmp_path,
        "api/v2/policy.py",
        old="target = policy.ImageTarget(image)",
        new="target = {'project_id': image.owner}",
        says=[
            "glance/api/v2/policy.py asks <class ImageAPIPolicy> about",
            "glance/api/v2/policy.py does not ask <class ImageAPIPolicy> about",
        ],
    )


def test_another_image_that_is_asked_about(watched, tmp_path):
    watched.tells_an_edit(
        tmp_path,
        "api/v2/image_tags.py",
        old="api_policy.ImageAPIPolicy(req.context, image,",
        new="api_policy.ImageAPIPolicy(req.context, {},",
        says=[
            "glance/api/v2/image_tags.py asks <ImageAPIPolicy> about '{}'",
            "glance/api/v2/image_tags.py does not ask <ImageAPIPolicy> about 'image'",
        ],
    )


def test_a_rule_that_moved_to_another_class(watched, tmp_path):
    watched.tells_an_edit(
        tmp_path,
        "api/v2/policy.py",
        old="self._enforce('tasks_api_access')",
        new="self._enforce('tasks_api_access')\n        self._enforce('delete_image')",
        says=["delete_image: the target's class changed from OWNER to MIXED"],
    )
