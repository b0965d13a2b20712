# SPDX-License-Identifier: Apache-2.0
"""Cinder's own enforcer with our rules: who gets through which rule."""

import uuid
from pathlib import Path

import pytest
from cinder import context as cinder_context
from cinder import objects, policies
from cinder import policy as cinder_policy
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
    "service": ("nova", "service", ("service",)),
}
READERS = "owner demoted other reader manager admin"
MEMBERS = "owner other manager admin"
WRITERS = "owner manager admin"

# What is handed over, who gets through with our rules, and which rules.
SHARED = (
    (
        "volume",
        WRITERS,
        """
        volume:attachment_create volume:multiattach_bootable_volume
        volume:create_snapshot backup:create volume:extend
        volume:extend_attached_volume volume:revert_to_snapshot volume:retype
        volume:update_readonly_flag volume:reimage volume:reimage_reserved
        volume:create_transfer volume:delete_transfer volume:update volume:delete
        volume:create_volume_metadata volume:update_volume_metadata
        volume:delete_volume_metadata volume_extension:volume_image_metadata:set
        volume_extension:volume_image_metadata:remove
        volume_extension:volume_actions:initialize_connection
        volume_extension:volume_actions:terminate_connection
        volume_extension:volume_actions:roll_detaching
        volume_extension:volume_actions:reserve
        volume_extension:volume_actions:unreserve
        volume_extension:volume_actions:begin_detaching
        volume_extension:volume_actions:attach
        volume_extension:volume_actions:detach
        """,
    ),
    ("volume", f"{WRITERS} demoted auditor", "volume:get"),
    (
        "volume",
        f"{WRITERS} demoted",
        "volume_extension:volume_encryption_metadata",
    ),
    (
        "snapshot",
        WRITERS,
        """
        volume:update_snapshot volume:delete_snapshot
        volume:update_snapshot_metadata volume:delete_snapshot_metadata
        snapshot_extension:snapshot_actions:update_snapshot_status
        """,
    ),
    (
        "snapshot",
        f"{WRITERS} demoted auditor",
        "volume:get_snapshot volume:get_snapshot_metadata",
    ),
    ("backup", WRITERS, "backup:update backup:delete backup:restore"),
    ("backup", f"{WRITERS} demoted auditor", "backup:get"),
    (
        "group",
        WRITERS,
        """
        group:update group:delete group:create_group_snapshot
        group:enable_replication group:disable_replication
        group:failover_replication group:list_replication_targets
        """,
    ),
    ("group", f"{WRITERS} demoted auditor", "group:get"),
    (
        "group_snapshot",
        WRITERS,
        "group:update_group_snapshot group:delete_group_snapshot",
    ),
    ("group_snapshot", f"{WRITERS} demoted auditor", "group:get_group_snapshot"),
    (
        "nothing",
        f"{READERS} auditor elsewhere",
        """
        volume:get_all volume:get_all_snapshots backup:get_all group:get_all
        group:get_all_group_snapshots limits_extension:used_limits
        volume_extension:volume_tenant_attribute
        volume_extension:volume_image_metadata:show
        volume_extension:extended_snapshot_attributes volume_extension:type_get
        volume_extension:type_get_all volume_extension:access_types_extra_specs
        volume_extension:types_extra_specs:index
        volume_extension:types_extra_specs:show
        """,
    ),
    (
        "volume",
        f"{READERS} auditor",
        "volume:get_volume_metadata",
    ),
    ("project", f"{READERS} auditor", "volume_extension:quotas:show"),
)
PER_USER = (
    ("volume", f"{READERS} auditor", "volume:get volume:get_volume_metadata"),
    (
        "snapshot",
        f"{READERS} auditor",
        "volume:get_snapshot volume:get_snapshot_metadata",
    ),
    ("backup", f"{READERS} auditor", "backup:get"),
    ("group", f"{READERS} auditor", "group:get"),
    ("group_snapshot", f"{READERS} auditor", "group:get_group_snapshot"),
    SHARED[11],
    ("project", f"{READERS} auditor", "volume_extension:quotas:show"),
)
# What the rules must leave as it is, with either mode.
UNTOUCHED = (
    ("nothing", f"{MEMBERS} elsewhere", "volume:create volume:accept_transfer"),
    ("nothing", f"{READERS} elsewhere", "volume:get_transfer message:get_all"),
    ("nothing", "admin", "volume_extension:services:index"),
    ("volume", "admin", "volume:force_delete"),
    ("volume", "admin", "volume_extension:volume_admin_actions:reset_status"),
    ("attachment", MEMBERS, "volume:attachment_delete volume:attachment_update"),
)
OF_ALICE = {"project_id": "vo", "user_id": "alice"}


def cells(groups):
    return [
        pytest.param(rule, what, set(who.split()), id=rule)
        for what, who, rules in groups
        for rule in rules.split()
    ]


@pytest.fixture
def enforcer(request, monkeypatch):
    """Put Cinder's rules and the committed files of one mode into force."""
    objects.register_all()
    conf = cfg.ConfigOpts()
    found = policy.Enforcer(conf, policy_file="nothing.yaml")
    conf([], project="cinder", default_config_files=[])
    mode = getattr(request, "param", rulesets.SHARED)
    folder = [str(POLICY / mode / "cinder")] if mode else []
    conf.set_override("policy_dirs", folder, "oslo_policy")
    found.suppress_deprecation_warnings = True
    cinder_policy.register_rules(found)
    found.load_rules()
    monkeypatch.setattr(cinder_policy, "_ENFORCER", found)
    return found


def handed(what):
    """Return what Cinder's code gives to authorize: alice's resource in vo."""
    identity = str(uuid.uuid4())
    if what == "nothing":
        return {}
    if what == "project":
        return {"target": {"project_id": "vo"}}
    if what == "volume":
        return {"target_obj": objects.Volume(id=identity, **OF_ALICE)}
    if what == "attachment":
        volume = objects.Volume(id=identity, **OF_ALICE)
        found = objects.VolumeAttachment(id=identity, volume=volume)
        return {"target_obj": found}
    if what == "backup":
        # Cinder looks at its metadata to tell what has changed.
        return {"target_obj": objects.Backup(id=identity, metadata={}, **OF_ALICE)}
    kind = {
        "snapshot": objects.Snapshot,
        "group": objects.Group,
        "group_snapshot": objects.GroupSnapshot,
    }[what]
    return {"target_obj": kind(id=identity, **OF_ALICE)}


def passing(rule, what):
    """Return the personas that Cinder lets through."""
    found = set()
    for persona, (user, project, roles) in PERSONAS.items():
        context = cinder_context.RequestContext(user, project, roles=list(roles))
        if context.authorize(rule, fatal=False, **handed(what)):
            found.add(persona)
    return found


@pytest.mark.parametrize(("rule", "what", "who"), cells(SHARED))
def test_a_shared_project(enforcer, rule, what, who):
    assert passing(rule, what) == who


@pytest.mark.parametrize("enforcer", [rulesets.PER_USER], indirect=True)
@pytest.mark.parametrize(("rule", "what", "who"), cells(PER_USER))
def test_a_project_for_each_user(enforcer, rule, what, who):
    assert passing(rule, what) == who


@pytest.mark.parametrize("enforcer", ["", *rulesets.MODES], indirect=True)
@pytest.mark.parametrize(("rule", "what", "who"), cells(UNTOUCHED))
def test_what_stays_as_by_default(enforcer, rule, what, who):
    assert passing(rule, what) == who


def test_cinder_itself_passes_as_an_admin(enforcer):
    # What Cinder does by itself, or for a user who may not: with no user at all.
    for context in (
        cinder_context.get_admin_context(),
        cinder_context.RequestContext("bob", "vo", roles=["member"]).elevated(),
    ):
        assert context.authorize("volume:get", fatal=False, **handed("volume"))


@pytest.mark.parametrize(
    ("mode", "groups"), [(rulesets.SHARED, SHARED), (rulesets.PER_USER, PER_USER)]
)
def test_the_cells_are_of_all_rules_that_are_changed(mode, groups):
    changed = {rule.name for rule in rulesets.ruleset("cinder", mode=mode).rules}
    assert {r for *_, rules in groups for r in rules.split()} == changed


@pytest.mark.parametrize("enforcer", rulesets.MODES, indirect=True)
def test_oslo_policy_finds_nothing_wrong(enforcer):
    assert enforcer.check_rules(raise_on_violation=True)


def test_the_table_has_the_rules_and_defaults_of_cinder():
    rules = {rule.name: rule for rule in policies.list_rules()}
    rows = table("cinder")
    assert {n: r.check_str for n, r in rules.items()} == {
        n: r.default for n, r in rows.items()
    }
    for name, rule in rules.items():
        said = {o["path"] for o in getattr(rule, "operations", ())}
        told = {o.split(" ", 2)[1] for o in rows[name].operations}
        assert told == {path.split(" ")[0] for path in said}, name
