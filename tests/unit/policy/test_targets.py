# SPDX-License-Identifier: Apache-2.0
"""The tables of rules: whole, and in agreement with the checks they describe."""

import pytest

from vo_policy_ext import expressions
from vo_policy_ext.targets import SERVICES, Target, table

ROWS = [(service, row) for service in SERVICES for row in table(service).values()]


@pytest.mark.parametrize(
    ("service", "rule", "target", "attributes"),
    [
        ("nova", "os_compute_api:servers:stop", "OWNER", "project_id user_id"),
        ("nova", "os_compute_api:os-keypairs:show", "OWNER", "user_id"),
        ("nova", "os_compute_api:servers:show", "NONE", "project_id"),
        ("nova", "os_compute_api:servers:index", "CALLER", "project_id user_id"),
        ("nova", "os_compute_api:os-remote-consoles", "MIXED", "project_id"),
        ("nova", "os_compute_api:os-hosts:list", "NONE", ""),
        ("nova", "project_member_api", "ALIAS", ""),
        ("cinder", "volume:get", "OWNER", "project_id user_id"),
        ("cinder", "volume:attachment_delete", "CALLER", "project_id user_id"),
        ("cinder", "volume:get_volume_metadata", "MIXED", "project_id"),
        ("glance", "add_image", "NONE", "owner project_id visibility"),
    ],
)
def test_a_row_has_what_the_service_hands_to_the_rule(
    service, rule, target, attributes
):
    row = table(service)[rule]
    assert (row.target, row.attributes) == (Target[target], set(attributes.split()))


def test_a_row_has_its_default_and_its_operations():
    row = table("nova")["os_compute_api:os-lock-server:lock"]
    assert row.default == "rule:project_member_or_admin"
    assert row.operations == ("POST /servers/{server_id}/action (lock)",)
    assert table("cinder")["volume:get_all_snapshots"].operations == (
        "GET /snapshots",
        "GET /snapshots/detail",
    )


def test_each_service_has_all_its_rules():
    sizes = {service: len(table(service)) for service in SERVICES}
    assert sizes == {"nova": 214, "cinder": 167, "glance": 67}


def test_a_service_without_a_table_is_told():
    with pytest.raises(KeyError, match="neutron"):
        table("neutron")


@pytest.mark.parametrize(("service", "row"), ROWS, ids=lambda part: str(part)[:60])
def test_a_default_asks_for_nothing_that_it_is_not_handed(service, row):
    asked = {
        name
        for leaf in expressions.leaves(expressions.parsed(row.default))
        for name in leaf.attributes
    }
    assert row.target is Target.ALIAS or asked <= row.attributes


@pytest.mark.parametrize("service", SERVICES)
def test_an_owner_is_a_user(service):
    for row in table(service).values():
        if row.target is Target.OWNER:
            assert "user_id" in row.attributes, row.name
        if row.target in (Target.NONE, Target.MIXED):
            assert "user_id" not in row.attributes, row.name
