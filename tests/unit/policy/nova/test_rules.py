# SPDX-License-Identifier: Apache-2.0
"""Nova's own enforcer with our rules: who gets through which rule."""

import pytest
from nova import context as nova_context
from nova import policies
from nova import policy as nova_policy

from tests.unit.policy.shared import rules
from tests.unit.policy.shared.rules import MEMBERS, READERS, WRITERS
from vo_policy_ext import rulesets

OWNED = {"project_id": "vo", "user_id": "alice"}
PROJECT = {"project_id": "vo"}
CALLER = None

AUDITED = f"{READERS} auditor"

# What the service hands over, who gets through with our rules, and which rules.
SHARED = (
    (
        OWNED,
        WRITERS,
        "os-admin-password os-deferred-delete:force os-lock-server:lock "
        "os-pause-server:pause os-rescue os-shelve:shelve os-suspend-server:suspend "
        "servers:delete servers:update servers:resize servers:rebuild "
        "servers:rebuild:trusted_certs servers:start servers:stop "
        "servers:trigger_crash_dump",
    ),
    (
        CALLER,
        f"{AUDITED} elsewhere",
        "servers:index servers:detail servers:allow_all_filters",
    ),
    (
        PROJECT,
        AUDITED,
        "servers:show servers:show:flavor-extra-specs ips:index ips:show "
        "server-metadata:index server-metadata:show os-server-tags:index "
        "os-server-tags:show os-instance-actions:list os-instance-actions:show "
        "os-volumes-attachments:index os-volumes-attachments:show "
        "os-attach-interfaces:list os-attach-interfaces:show "
        "os-flavor-extra-specs:index os-flavor-extra-specs:show os-quota-sets:show "
        "os-quota-sets:detail",
    ),
    (
        PROJECT,
        "manager auditor admin",
        "os-simple-tenant-usage:show",
    ),
    (
        PROJECT,
        "manager admin",
        "os-server-groups:create os-server-groups:delete os-server-groups:index "
        "os-server-groups:show os-server-diagnostics",
    ),
)
PER_USER = (
    (CALLER, f"{AUDITED} elsewhere", "servers:index servers:detail"),
    (
        PROJECT,
        AUDITED,
        f"{SHARED[2][2]} os-simple-tenant-usage:show",
    ),
    (PROJECT, "manager admin", "os-server-diagnostics"),
)
# What the rules must leave as it is: by default and with either mode the same.
UNTOUCHED = (
    (PROJECT, MEMBERS, "servers:reboot os-console-output os-remote-consoles"),
    (PROJECT, READERS, "os-server-password:show os-server-shares:index"),
    (PROJECT, "admin", "os-migrate-server:migrate:host"),
    (PROJECT, "manager admin", "os-migrate-server:migrate"),
    ({}, "admin service", "os-server-external-events:create"),
    ({}, "admin service", "os-volumes-attachments:swap"),
    ({"user_id": "alice"}, "owner demoted admin", "os-keypairs:show os-keypairs:index"),
    (OWNED, "admin", "os-evacuate os-shelve:shelve_offload"),
    (CALLER, "admin", "servers:detail:get_all_tenants"),
)


def lets(enforcer, persona, rule, target):
    """Return whether Nova lets a persona through. It asks the one in force."""
    context = nova_context.RequestContext(
        user_id=persona.user,
        project_id=persona.project,
        roles=list(persona.roles),
        overwrite=False,
    )
    handed = None if target is None else dict(target)
    return context.can(rule, handed, fatal=False)


MATRIX = rules.Matrix(
    service="nova", lets=lets, personas=rules.PERSONAS, prefix="os_compute_api:"
)


@pytest.fixture
def enforcer(mode, monkeypatch):
    """Put Nova's rules and the committed files of one mode into force."""
    found = rules.enforcer("nova", mode, nova_policy.register_rules)
    monkeypatch.setattr(nova_policy, "_ENFORCER", found)
    return found


@pytest.mark.parametrize("cell", MATRIX.cells(SHARED))
def test_a_shared_project(enforcer, mode, cell):
    MATRIX.holds(enforcer, mode, cell)


@pytest.mark.parametrize("mode", [rulesets.PER_USER])
@pytest.mark.parametrize("cell", MATRIX.cells(PER_USER))
def test_a_project_for_each_user(enforcer, mode, cell):
    MATRIX.holds(enforcer, mode, cell)


@pytest.mark.parametrize("mode", ["", *rulesets.MODES])
@pytest.mark.parametrize("cell", MATRIX.cells(UNTOUCHED))
def test_what_stays_as_by_default(enforcer, mode, cell):
    MATRIX.holds(enforcer, mode, cell)


@pytest.mark.parametrize(
    ("mode", "groups"), [(rulesets.SHARED, SHARED), (rulesets.PER_USER, PER_USER)]
)
def test_the_cells_are_of_all_rules_that_are_changed(mode, groups):
    MATRIX.covers(mode, groups)


@pytest.mark.parametrize("mode", rulesets.MODES)
def test_oslo_policy_finds_nothing_wrong(enforcer, mode):
    assert enforcer.check_rules(raise_on_violation=True)


def test_the_table_has_the_rules_and_defaults_of_nova():
    rules.table_is_of("nova", policies.list_rules())
