# SPDX-License-Identifier: Apache-2.0
"""Nova's own enforcer with our rules: who gets through which rule."""

from pathlib import Path

import pytest
from nova import context as nova_context
from nova import policies
from nova import policy as nova_policy
from oslo_config import cfg
from oslo_policy import policy

from vo_policy_ext import rulesets
from vo_policy_ext.targets import table

POLICY = Path(__file__).parents[4] / "policy"
# Who asks: user, project, roles. Keystone adds the roles that a role implies.
PERSONAS = {
    "owner": ("alice", "vo", ("member", "reader")),
    "demoted": ("alice", "vo", ("reader",)),
    "other": ("bob", "vo", ("member", "reader")),
    "reader": ("carol", "vo", ("reader",)),
    "manager": ("mary", "vo", ("manager", "member", "reader")),
    "auditor": ("caso", "vo", ("vo_auditor",)),
    "admin": ("root", "ops", ("admin", "manager", "member", "reader")),
    "elsewhere": ("eve", "else", ("manager", "member", "reader", "vo_auditor")),
    "visitor": ("vic", "vo", ("guest",)),
    "service": ("cinder", "service", ("service",)),
}
OWNED = {"project_id": "vo", "user_id": "alice"}
PROJECT = {"project_id": "vo"}
CALLER = None

MEMBERS = "owner other manager admin"
READERS = "owner demoted other reader manager admin"
AUDITED = f"{READERS} auditor"
# Who changes one resource: nobody else of the project.
WRITERS = "owner manager admin"
API = "os_compute_api:"

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


def cells(groups):
    return [
        pytest.param(f"{API}{rule}", target, set(who.split()), id=rule)
        for target, who, rules in groups
        for rule in rules.split()
    ]


@pytest.fixture
def enforcer(request, monkeypatch):
    """Put Nova's rules and the committed files of one mode into force."""
    conf = cfg.ConfigOpts()
    found = policy.Enforcer(conf, policy_file="nothing.yaml")
    conf([], project="nova", default_config_files=[])
    mode = getattr(request, "param", rulesets.SHARED)
    folder = [str(POLICY / mode / "nova")] if mode else []
    conf.set_override("policy_dirs", folder, "oslo_policy")
    found.suppress_deprecation_warnings = True
    nova_policy.register_rules(found)
    found.load_rules()
    monkeypatch.setattr(nova_policy, "_ENFORCER", found)
    return found


def passing(rule, target):
    """Return the personas that Nova lets through."""
    found = set()
    for persona, (user, project, roles) in PERSONAS.items():
        context = nova_context.RequestContext(
            user_id=user, project_id=project, roles=list(roles), overwrite=False
        )
        handed = None if target is None else dict(target)
        if context.can(rule, handed, fatal=False):
            found.add(persona)
    return found


@pytest.mark.parametrize(("rule", "target", "who"), cells(SHARED))
def test_a_shared_project(enforcer, rule, target, who):
    assert passing(rule, target) == who


@pytest.mark.parametrize("enforcer", [rulesets.PER_USER], indirect=True)
@pytest.mark.parametrize(("rule", "target", "who"), cells(PER_USER))
def test_a_project_for_each_user(enforcer, rule, target, who):
    assert passing(rule, target) == who


@pytest.mark.parametrize("enforcer", ["", *rulesets.MODES], indirect=True)
@pytest.mark.parametrize(("rule", "target", "who"), cells(UNTOUCHED))
def test_what_stays_as_by_default(enforcer, rule, target, who):
    assert passing(rule, target) == who


@pytest.mark.parametrize(
    ("mode", "groups"), [(rulesets.SHARED, SHARED), (rulesets.PER_USER, PER_USER)]
)
def test_the_cells_are_of_all_rules_that_are_changed(mode, groups):
    changed = {rule.name for rule in rulesets.ruleset("nova", mode=mode).rules}
    assert {f"{API}{r}" for *_, rules in groups for r in rules.split()} == changed


@pytest.mark.parametrize("enforcer", rulesets.MODES, indirect=True)
def test_oslo_policy_finds_nothing_wrong(enforcer):
    assert enforcer.check_rules(raise_on_violation=True)


def test_the_table_has_the_rules_and_defaults_of_nova():
    rules = {rule.name: rule for rule in policies.list_rules()}
    rows = table("nova")
    assert {n: r.check_str for n, r in rules.items()} == {
        n: r.default for n, r in rows.items()
    }
    for name, rule in rules.items():
        said = {o["path"] for o in getattr(rule, "operations", ())}
        told = {o.split(" ", 2)[1] for o in rows[name].operations}
        assert told == {path.split(" ")[0] for path in said}, name
