# SPDX-License-Identifier: Apache-2.0
"""The installed Nova against the tables, and against a Nova with one change."""

import pytest

from tests.unit.policy.shared.drift import Watched
from vo_policy_ext import drift, installed

API = "api/openstack/compute"


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched.read("nova")


def test_nothing_differs(watched):
    watched.is_as_known(rules=214, sites=200, paths=120)


def test_the_names_of_old_are_those_that_the_service_declares(watched):
    watched.declares_the_names_of_old()


def test_another_default(watched):
    watched.tells_another_default("os_compute_api:servers:stop")


def test_a_path_that_is_gone_and_a_new_one(watched):
    watched.tells_another_path("/os-server-groups")


def test_a_process_of_its_own_says_the_same():
    assert drift.differences("nova") == drift.differences_here("nova") == ()


def test_a_router_that_changed(monkeypatch):
    from nova.api.openstack.compute import routes

    monkeypatch.delattr(routes, "ROUTE_LIST")
    (line,) = Watched("nova", installed.read("nova")).lines()
    assert "cannot be read from the service's router (AttributeError: " in line


def test_a_target_without_its_owner(watched, tmp_path):
    watched.tells_an_edit(
        tmp_path,
        f"{API}/lock_server.py",
        old="target={'user_id': instance.user_id,",
        new="target={",
        says=[
            "os_compute_api:os-lock-server:lock: the target's class changed from "
            "OWNER to NONE"
        ],
    )


def test_a_new_call_site(watched, tmp_path):
    watched.tells_an_edit(
        tmp_path,
        f"{API}/servers.py",
        old="        context.can(server_policies.SERVERS % 'show',",
        new="        context.can(server_policies.SERVERS % 'show')\n"
        "        context.can(server_policies.SERVERS % 'show',",
        says=[
            "os_compute_api:servers:show: the target's class changed from NONE to MIXED"
        ],
    )


def test_a_target_that_the_source_does_not_tell(watched, tmp_path):
    watched.tells_an_edit(
        tmp_path,
        f"{API}/console_output.py",
        old="target={'project_id': instance.project_id}",
        new="target=made(instance)",
        says=[
            f"nova/{API}/console_output.py asks os_compute_api:os-console-output about "
            "'made(instance)': this is new"
        ],
    )


def test_a_rule_that_is_not_asked_any_more(watched, tmp_path):
    watched.tells_an_edit(
        tmp_path,
        f"{API}/console_output.py",
        old="context.can(",
        new="context.may(",
        says=["os_compute_api:os-console-output (class NONE) is asked nowhere"],
    )
