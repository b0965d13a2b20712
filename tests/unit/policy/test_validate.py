# SPDX-License-Identifier: Apache-2.0
"""What a rule set is refused for, each by one change to a good one."""

from pathlib import Path

import pytest

from vo_policy_ext import rulesets
from vo_policy_ext.policyfiles import Entry
from vo_policy_ext.targets import SERVICES, table
from vo_policy_ext.validate import faults, service_of

STOP = "os_compute_api:servers:stop"
SHOW = "os_compute_api:servers:show"
INDEX = "os_compute_api:servers:index"
CONSOLES = "os_compute_api:os-remote-consoles"
ADMIN = "rule:context_is_admin"


def entries(rules, file="90-site.yaml"):
    return [
        Entry(name=name, check=check, file=Path(file), line=line)
        for line, (name, check) in enumerate(rules.items(), 1)
    ]


def shipped(service, mode=rulesets.SHARED):
    rules = rulesets.ruleset(service, mode=mode)
    return entries({r.name: r.check for r in (*rules.aliases, *rules.rules)}, "50.yaml")


def found(rules, service="nova"):
    """Return what is wrong with the shipped rules and a file behind them."""
    return faults(service, [*shipped(service), *entries(rules)])


def only(rules, service="nova"):
    (fault,) = found(rules, service)
    return fault


@pytest.mark.parametrize("mode", rulesets.MODES)
@pytest.mark.parametrize("service", SERVICES)
def test_the_shipped_rules_are_fine(service, mode):
    assert faults(service, shipped(service, mode)) == ()


@pytest.mark.parametrize("service", SERVICES)
def test_the_defaults_of_a_service_are_fine(service):
    rows = table(service).values()
    assert faults(service, entries({row.name: row.default for row in rows})) == ()


def test_a_site_may_add_rules_of_its_own():
    assert (
        found({"site_staff": "role:staff", STOP: "rule:vo_write or rule:site_staff"})
        == ()
    )
    assert found({"vo_unused": "role:staff"}) == ()
    assert found({STOP: "rule:vo_write or http://pdp.example.org/%(user_id)s"}) == ()
    assert found({"context_is_admin": "role:admin or role:cloud_admin"}) == ()


def test_a_typo_in_the_name_of_a_rule():
    fault = only({"os_compute_api:servers:stopp": "rule:vo_write"})
    assert (fault.rule, fault.line) == ("os_compute_api:servers:stopp", 1)
    assert "nova 34 has no such rule" in fault.reason
    assert fault.mend == f"Did you mean {STOP}?"


def test_a_dead_rule_of_old():
    fault = only({"compute:get": "rule:admin_or_user"} | {"admin_or_user": "role:x"})
    assert (fault.rule, fault.mend) == ("compute:get", "Take it out: it does nothing.")


def test_a_typo_in_a_reference():
    fault = only({STOP: "rule:vo_writ"})
    assert "rule:vo_writ refers to a rule that there is not" in fault.reason
    assert fault.mend == "Did you mean vo_write?"
    assert only({STOP: "rule:xyz or rule:vo_write"}).mend == "Define it."


def test_what_the_rule_default_makes_of_a_typo_in_a_reference():
    """Glance has such a rule, which lets everybody through."""
    fault = only({"modify_image": "rule:vo_writ"}, "glance")
    told = "rule:vo_writ refers to a rule that there is not, and the rule default "
    assert fault.reason == f"{told}decides: @, which holds for everybody"
    admins = {"default": "role:admin", STOP: "rule:vo_writ or rule:vo_write"}
    assert found(admins)[-1].reason == f"{told}decides: role:admin"


def test_a_typo_in_an_attribute():
    fault = only({STOP: "rule:vo_write or user_id:%(usr_id)s"})
    assert fault.reason == (
        "it is handed no usr_id, so user_id:%(usr_id)s holds for nobody"
    )
    assert fault.mend == "Did you mean user_id?"


def test_an_attribute_that_the_target_has_not():
    fault = only({STOP: "rule:vo_write or domain_id:%(domain_id)s"})
    assert fault.mend == "There is: project_id, user_id."
    fault = only({"os_compute_api:os-hosts:list": f"{ADMIN} or rule:vo_manager"})
    assert "project_id:%(project_id)s (in rule:vo_manager)" in fault.reason
    assert fault.mend == "There is: nothing at all."


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (SHOW, "it is handed no user_id"),
        (INDEX, "it is handed the ids of the caller"),
        (CONSOLES, "some of its calls are handed the ids of the caller"),
    ],
)
@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("user_id:%(user_id)s or rule:vo_manager", "user_id:%(user_id)s"),
        ("rule:vo_write", "user_id:%(user_id)s (in rule:vo_owner)"),
    ],
)
def test_a_user_id_where_the_target_has_not_the_owners(rule, reason, check, told):
    fault = only({rule: f"{check} or {ADMIN}"})
    assert fault.rule == rule
    assert fault.reason.startswith(reason)
    assert told in fault.reason
    assert "Leave the owner to the filter" in fault.mend


def test_a_user_id_where_one_call_of_cinder_hands_none():
    fault = only({"volume:multiattach": "rule:vo_write"}, "cinder")
    assert "some of its calls" in fault.reason


def test_an_alias_of_the_service_that_is_changed_is_tried_in_each_rule():
    text = "role:member and user_id:%(user_id)s or role:manager"
    reasons = [fault.reason for fault in found({"project_member_api": text})]
    assert len(reasons) == 3
    assert all(reason.startswith("asked for by ") for reason in reasons)
    assert "and 45 more: it is handed no user_id" in reasons[0]
    assert "os-remote-consoles: some of its calls" in reasons[1]
    assert "and 3 more: it is handed the ids of the caller" in reasons[2]


def test_an_alias_that_one_rule_asks_for():
    fault = only(
        {"project_manager_api": "role:chief"}
        | {
            name: "role:manager or rule:context_is_admin"
            for name, row in table("nova").items()
            if "project_manager_or_admin" in row.default
            and name != "os_compute_api:os-migrations:index"
        }
    )
    assert fault.reason.startswith(
        "asked for by os_compute_api:os-migrations:index: a manager gets through"
    )


@pytest.mark.parametrize(
    ("kind", "mend"),
    [
        ("usr_id:%(user_id)s", "Did you mean user_id?"),
        ("rul:vo_write", "Did you mean rule?"),
        ("zzz:x", "It is role, rule, what a token says"),
    ],
)
def test_a_check_of_an_unknown_kind(kind, mend):
    fault = only({STOP: f"rule:vo_write or {kind}"})
    assert f"nothing can check {kind.split(':')[0]!r}" in fault.reason
    assert mend in fault.mend


def test_a_text_that_oslo_policy_cannot_read():
    fault = only({STOP: "rule:vo_write or"})
    assert "is no check string" in fault.reason


def test_a_rule_behind_one_that_cannot_be_read_is_not_blamed():
    assert only({"vo_write": "rule:vo_owner or"}).rule == "vo_write"


def test_a_circle_is_told_by_each_rule_on_it():
    one, two = found({"vo_a": "rule:vo_b", "vo_b": "rule:vo_a", STOP: "rule:vo_a"})
    assert one.reason == "it refers to itself: vo_a -> vo_b -> vo_a"
    assert two.reason == "it refers to itself: vo_b -> vo_a -> vo_b"


def test_a_circle_beside_a_way_out_is_found():
    text = "rule:vo_owner or rule:vo_manager or rule:vo_write"
    fault = only({"vo_write": text})
    assert fault.reason == "it refers to itself: vo_write -> vo_write"


@pytest.mark.parametrize(
    ("check", "who"),
    [
        ("rule:vo_owner or rule:vo_manager", "an admin"),
        (f"rule:vo_owner or {ADMIN}", "a manager"),
    ],
)
def test_a_rule_that_loses_somebody(check, who):
    fault = only({STOP: check})
    assert fault.reason.startswith(f"{who} gets through by default")
    assert fault.mend.startswith("Add to it: or rule:")


def test_admins_of_cinder_have_an_alias_of_their_own():
    fault = only({"volume:delete": "rule:vo_owner or rule:vo_manager"}, "cinder")
    assert fault.mend == "Add to it: or rule:admin_api."


def test_who_does_not_get_through_by_default_is_not_lost():
    assert found({"compute:servers:resize:cross_cell": "!"}) == ()
    assert found({"os_compute_api:os-evacuate": ADMIN}) == ()


def test_all_faults_come_in_the_order_of_the_file():
    rules = {
        STOP: "user_id:%(usr_id)s or rule:vo_write",
        "os_compute_api:servers:shw": ADMIN,
        SHOW: "rule:vo_write",
    }
    assert [fault.line for fault in found(rules)] == [1, 2, 3]


def test_the_service_is_told_by_the_folder():
    assert service_of(Path("/etc/cinder/policy.d"), ()) == "cinder"
    assert service_of(Path("/srv/nova/glance/a.yaml"), ()) == "glance"


def test_the_service_is_told_by_the_rules():
    nova = entries({STOP: "", "context_is_admin": ""})
    assert service_of(Path("/tmp/a.yaml"), nova) == "nova"
    assert service_of(Path("/tmp/a.yaml"), entries({"context_is_admin": ""})) == ""
    neutron = entries({"context_is_admin": "", "default": "", "get_port": ""})
    assert service_of(Path("/etc/neutron/policy.d"), neutron) == ""
