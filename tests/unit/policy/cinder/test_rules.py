# SPDX-License-Identifier: Apache-2.0
"""Cinder's own enforcer with our rules: who gets through which rule."""

import uuid

import pytest
from cinder import context as cinder_context
from cinder import objects, policies
from cinder import policy as cinder_policy

from tests.unit.policy.shared import rules
from tests.unit.policy.shared.rules import MEMBERS, READERS, WRITERS
from vo_policy_ext import rulesets

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


def lets(enforcer, persona, rule, what):
    """Return whether Cinder lets a persona through. It asks the one in force."""
    context = cinder_context.RequestContext(
        persona.user, persona.project, roles=list(persona.roles)
    )
    return context.authorize(rule, fatal=False, **handed(what))


MATRIX = rules.Matrix(service="cinder", lets=lets, personas=rules.PERSONAS)


@pytest.fixture
def enforcer(mode, monkeypatch):
    """Put Cinder's rules and the committed files of one mode into force."""
    objects.register_all()
    found = rules.enforcer("cinder", mode, cinder_policy.register_rules)
    monkeypatch.setattr(cinder_policy, "_ENFORCER", found)
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
    MATRIX.covers(mode, groups)


@pytest.mark.parametrize("mode", rulesets.MODES)
def test_oslo_policy_finds_nothing_wrong(enforcer, mode):
    assert enforcer.check_rules(raise_on_violation=True)


def test_the_table_has_the_rules_and_defaults_of_cinder():
    rules.table_is_of("cinder", policies.list_rules())
