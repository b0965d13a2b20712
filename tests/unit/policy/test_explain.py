# SPDX-License-Identifier: Apache-2.0
"""What is told of a rule: who gets through, by what, and what the filter does."""

import pytest

from vo_policy_ext import expressions, rulesets
from vo_policy_ext.explain import CannotTell, Question, explained
from vo_policy_ext.targets import table

API = "os_compute_api:"


def rules_of(service, mode=rulesets.SHARED, **more):
    chosen = rulesets.ruleset(service, mode=mode)
    rules = {row.name: row.default for row in table(service).values()}
    rules |= {rule.name: rule.check for rule in (*chosen.aliases, *chosen.rules)}
    rules |= more
    return {name: expressions.parsed(check) for name, check in rules.items()}


def asked(
    rule,
    user="bob",
    roles="member,reader",
    *,
    owner="alice",
    project="vo",
    target_project="vo",
    service="nova",
    mode=rulesets.SHARED,
    has_filter=True,
    **given,
):
    question = Question(
        user=user,
        project=project,
        roles=tuple(roles.split(",")),
        owner=owner,
        target_project=target_project,
        given=given,
    )
    rules = rules_of(service, mode)
    return explained(service, rule, question, rules, has_filter=has_filter)


def line(answer, start):
    (found,) = [line for line in answer.lines if line.startswith(start)]
    return found.removeprefix(start).strip()


def step(answer, text):
    """Return the first step about a check, without where it stands."""
    steps = [said.strip() for said in answer.lines if "[yes]" in said or "[no]" in said]
    return next(s for s in steps if s.partition("]")[2].strip().startswith(text))


def test_what_is_asked_is_told_before_the_answer():
    answer = asked(f"{API}servers:stop")
    assert answer.lines[0] == f"rule      {API}servers:stop (nova 34)"
    assert line(answer, "asked for ") == "POST /servers/{server_id}/action (os-stop)"
    assert line(answer, "check ") == "rule:vo_write"
    assert line(answer, "target ").startswith("OWNER: the ids of the resource")
    assert "          project_id=vo, user_id=alice" in answer.lines
    assert line(answer, "caller ") == "user bob, project vo, roles member, reader"


def test_another_user_is_stopped_by_policy_and_filter():
    answer = asked(f"{API}servers:stop")
    assert not answer.allowed
    assert line(answer, "policy ") == "denies it:"
    assert step(answer, "user_id:%(user_id)s") == (
        "[no]  user_id:%(user_id)s: alice is wanted, the caller's is bob"
    )
    assert step(answer, "role:member") == "[yes] role:member"
    assert step(answer, "role:manager") == (
        "[no]  role:manager: the caller has not this role"
    )
    assert line(answer, "verdict ") == (
        "denied by the filter, before the policy is asked"
    )


def test_where_the_policy_lets_all_in_it_is_the_filter_that_decides():
    answer = asked(f"{API}servers:show")
    assert not answer.allowed
    assert line(answer, "policy ") == "allows it:"
    assert line(answer, "filter ") == (
        "answers 404 at /servers/{server_id}: it is alice's, not bob's"
    )
    assert line(answer, "verdict ") == "denied by the filter; the policy allows it"


def test_the_owner_gets_through_both():
    answer = asked(f"{API}servers:show", "alice")
    assert answer.allowed
    assert line(answer, "filter ") == "lets the user through at /servers/{server_id}"
    assert line(answer, "verdict ") == (
        "allowed; it is the filter, not this rule, that keeps users apart here"
    )
    assert line(asked(f"{API}servers:stop", "alice"), "verdict ") == "allowed"


def test_a_list_is_narrowed():
    answer = asked(f"{API}servers:index")
    assert answer.allowed
    assert "          project_id=vo, user_id=bob" in answer.lines
    assert "a list, narrowed to the caller's own" in line(answer, "filter ")


@pytest.mark.parametrize(
    ("rule", "roles", "allowed"),
    [
        ("servers:show", "vo_auditor", True),
        ("servers:stop", "vo_auditor", False),
        ("os-server-password:show", "vo_auditor,reader", False),
        ("servers:stop", "manager,member,reader", True),
        ("servers:stop", "Admin", True),
        ("servers:stop", "reader", False),
        ("os-simple-tenant-usage:show", "member,reader", False),
        ("os-simple-tenant-usage:show", "vo_auditor", True),
    ],
)
def test_roles_make_the_difference(rule, roles, allowed):
    assert asked(f"{API}{rule}", roles=roles).allowed is allowed


def test_who_has_the_role_is_told_to_pass_the_filter():
    answer = asked(f"{API}servers:show", roles="vo_auditor")
    assert line(answer, "filter ") == (
        "lets the caller's roles through at /servers/{server_id}"
    )


def test_what_is_about_the_whole_project_is_refused_by_the_filter():
    answer = asked(f"{API}os-simple-tenant-usage:show")
    assert line(answer, "filter ").startswith("answers 403 at /os-simple-tenant-usage/")


def test_another_project_is_kept_out_by_policy():
    answer = asked(f"{API}servers:stop", "alice", project="else", target_project="vo")
    assert not answer.allowed
    assert line(answer, "verdict ") == "denied by the policy"


def test_without_a_filter_none_is_told():
    answer = asked(f"{API}servers:show", mode=rulesets.PER_USER, has_filter=False)
    assert answer.allowed
    assert not [told for told in answer.lines if told.startswith("filter")]
    assert line(answer, "verdict ") == (
        "allowed; this rule tells projects apart, and not the users of one"
    )


def test_an_operation_that_the_filter_does_not_know_is_told():
    answer = asked("volume:create_transfer", "alice", service="cinder")
    told = [said for said in answer.lines if said.startswith("filter")]
    assert any("has no path /volume_transfers" in said for said in told)
    assert answer.allowed


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"visibility": "public"}, True),
        ({"visibility": "community"}, True),
        ({"visibility": "shared"}, False),
        ({}, False),
    ],
)
def test_an_image_that_is_everybodys_is_left_to_glance(given, allowed):
    assert asked("get_image", service="glance", **given).allowed is allowed


def test_an_image_of_another_project_is_left_to_glance():
    rule, where = "get_image", {"service": "glance", "target_project": "else"}
    assert asked(rule, **where, member_id="vo").allowed
    answer = asked(rule, **where)
    assert not answer.allowed
    assert step(answer, "project_id:%(member_id)s").endswith("has no member_id")
    assert step(answer, "'public':%(visibility)s").endswith(": it is private")


def test_a_part_that_must_not_hold_and_a_server_that_is_not_asked():
    rule = f"{API}servers:stop"
    text = "not role:x and (http://pdp.example.org/ or ! or @)"
    answer = explained(
        "nova",
        rule,
        Question(user="bob", project="vo", roles=(), owner="bob", target_project="vo"),
        rules_of("nova", **{rule: text}),
        has_filter=False,
    )
    assert answer.allowed
    assert line(answer, "caller ") == "user bob, project vo, roles -"
    assert step(answer, "not role:x") == "[yes] not role:x (the other way round)"
    assert step(answer, "http:").endswith("//pdp.example.org/: not asked here")
    assert step(answer, "one of") == "[yes] one of"
    assert step(answer, "!") == "[no]  !"


def test_an_alias_is_explained_for_a_resource_of_the_owner():
    answer = asked("vo_write")
    assert not answer.allowed
    assert line(answer, "target ").startswith("ALIAS")
    assert line(answer, "verdict ") == "denied by the policy"
    assert asked("vo_write", "alice").allowed
    assert asked("project_member_api").allowed


def test_a_rule_that_is_handed_nothing():
    answer = asked(f"{API}os-hosts:list", roles="admin")
    assert "          nothing" in answer.lines


def test_a_rule_that_there_is_not():
    with pytest.raises(CannotTell, match="nova 34 has no rule compute:get"):
        asked("compute:get")


def test_an_attribute_that_the_rule_is_not_handed():
    with pytest.raises(CannotTell, match="handed no visibility. There is: project_id"):
        asked(f"{API}servers:show", visibility="public")
    with pytest.raises(CannotTell, match="There is: nothing"):
        asked(f"{API}os-hosts:list", visibility="public")


def test_what_decides_in_place_of_a_rule_that_is_not_there():
    question = Question(
        user="eve", project="else", roles=(), owner="alice", target_project="vo"
    )
    rules = rules_of("glance", modify_image="rule:vo_writ")
    answer = explained("glance", "modify_image", question, rules, has_filter=False)
    assert answer.allowed
    text = "[yes] rule:vo_writ = @ (no such rule, so default decides)"
    assert step(answer, "rule:vo_writ") == text
    rules = rules_of("nova", **{f"{API}servers:stop": "rule:vo_writ"})
    answer = explained("nova", f"{API}servers:stop", question, rules, has_filter=False)
    assert not answer.allowed
    assert step(answer, "rule:vo_writ").endswith(": there is no such rule")
