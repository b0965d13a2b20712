# SPDX-License-Identifier: Apache-2.0
"""The installed Cinder against the tables, and against a Cinder with one change."""

import pytest

from tests.unit.policy.shared.drift import Watched


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched.read("cinder")


def test_nothing_differs(watched):
    watched.is_as_known(rules=167, sites=170, paths=100)


def test_the_names_of_old_are_those_that_the_service_declares(watched):
    watched.declares_the_names_of_old()


def test_another_default(watched):
    watched.tells_another_default("volume:delete")


def test_a_path_that_is_gone_and_a_new_one(watched):
    watched.tells_another_path("/messages")


def test_a_target_without_its_object(watched, tmp_path):
    watched.tells_an_edit(
        tmp_path,
        "volume/api.py",
        old="context.authorize(vol_policy.DELETE_POLICY, target_obj=volume)",
        new="context.authorize(vol_policy.DELETE_POLICY)",
        says=["volume:delete: the target's class changed from OWNER to CALLER"],
    )


def test_an_object_that_came_another_way(watched, tmp_path):
    watched.tells_an_edit(
        tmp_path,
        "api/v3/messages.py",
        old="self.message_api.get(context, id)",
        new="self.message_api.find(context, id)",
        says=[
            "cinder/api/v3/messages.py asks message:delete about 'message",
            "cinder/api/v3/messages.py asks message:get about 'message",
        ],
    )


def test_a_rule_that_is_made_at_run_time(watched, tmp_path):
    file = "api/contrib/admin_actions.py"
    watched.tells_an_edit(
        tmp_path,
        file,
        old="'volume_extension:volume_admin_actions:%(action)s'",
        new="'volume_extension:admin:%(action)s'",
        says=[
            f"cinder/{file} asks <'volume_extension:admin:%(action)s'",
            f"cinder/{file} does not ask <'volume_extension:volume_admin_actions",
        ],
    )
