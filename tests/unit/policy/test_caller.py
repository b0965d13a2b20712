# SPDX-License-Identifier: Apache-2.0
"""Who asks: the roles that make a difference."""

from types import SimpleNamespace

import pytest

from vo_policy_ext.caller import Caller


def caller(*roles, project_id="p", service_roles=(), is_admin=False):
    found = Caller.from_context(
        SimpleNamespace(
            user_id="alice",
            project_id=project_id,
            roles=list(roles),
            service_roles=list(service_roles),
            is_admin=is_admin,
        )
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    "context",
    [None, SimpleNamespace(user_id=None), SimpleNamespace(user_id="")],
)
def test_nobody_is_no_caller(context):
    assert Caller.from_context(context) is None


def test_a_context_may_lack_a_project_and_roles():
    context = SimpleNamespace(user_id=7, project_id=None, roles=None, is_admin=None)
    assert Caller.from_context(context) == Caller(
        user_id="7", project_id="", roles=frozenset()
    )


@pytest.mark.parametrize(
    ("who", "changes", "reads"),
    [
        (caller("reader"), False, False),
        (caller("member"), False, False),
        (caller("service"), False, False),
        (caller("vo_auditor"), False, True),
        (caller("VO_Auditor"), False, True),
        (caller("vo_auditors", "managers"), False, False),
        (caller("manager"), True, True),
        (caller("Manager"), True, True),
        (caller("admin"), False, False),
        (caller("admin", is_admin=True), True, True),
        (caller("manager", project_id=None), False, False),
        (caller("vo_auditor", project_id=""), False, False),
        (caller(is_admin=True, project_id=None), True, True),
    ],
)
def test_who_reads_and_changes_all(who, changes, reads):
    assert (who.changes_all, who.reads_all) == (changes, reads)


def test_a_service_by_itself_is_not_a_user_through_a_service():
    alone, through = caller("Service"), caller("member", service_roles=["SERVICE"])
    assert (alone.is_service, alone.through_service) == (True, False)
    assert (through.is_service, through.through_service) == (False, True)
