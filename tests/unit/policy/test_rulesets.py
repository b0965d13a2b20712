# SPDX-License-Identifier: Apache-2.0
"""The rule sets: as committed, and within the limits that make them safe."""

from pathlib import Path

import pytest
import yaml

from vo_policy_ext import expressions, rulesets
from vo_policy_ext.targets import SERVICES, Target, table

POLICY = Path(__file__).parents[3] / "policy"
EACH = [(service, mode) for mode in rulesets.MODES for service in SERVICES]


@pytest.fixture(params=EACH, ids=lambda part: "-".join(part))
def rules(request):
    service, mode = request.param
    return rulesets.ruleset(service, mode=mode)


def reached(rules, check):
    """Yield each check that a rule comes to, within the rule set."""
    aliases = {alias.name: alias.check for alias in rules.aliases}
    for leaf in expressions.leaves(expressions.parsed(check)):
        if leaf.referred in aliases:
            yield from reached(rules, aliases[leaf.referred])
        else:
            yield leaf


def test_the_committed_file_is_the_generated_one(rules):
    file = POLICY / rules.mode / rules.service / rulesets.FILE_NAME
    assert file.read_text(encoding="utf-8") == rulesets.rendered(rules)


def test_the_file_holds_the_rule_set_and_each_rule_once(rules):
    every = (*rules.aliases, *rules.rules)
    assert yaml.safe_load(rulesets.rendered(rules)) == {r.name: r.check for r in every}
    assert len({rule.name for rule in every}) == len(every)


def test_each_rule_is_told_with_its_operations_and_why(rules):
    lines = rulesets.rendered(rules).splitlines()
    for rule in rules.rules:
        above = lines[: lines.index(f'"{rule.name}": "{rule.check}"')]
        block = above[len(above) - above[::-1].index("") :]
        operations = table(rules.service)[rule.name].operations
        assert block[: len(operations)] == [f"# {said}" for said in operations]
        assert rule.why.split()[0] in block[len(operations)]


def test_no_comment_is_too_wide_to_read(rules):
    told = [x for x in rulesets.rendered(rules).splitlines() if x.startswith("# ")]
    assert all(len(line) <= 120 for line in told)


def test_no_alias_of_a_service_and_no_rule_of_services_alone_is_changed(rules):
    rows = table(rules.service)
    for alias in rules.aliases:
        assert alias.name.startswith("vo_") and alias.name not in rows
    for rule in rules.rules:
        assert rows[rule.name].target is not Target.ALIAS
        assert rows[rule.name].default not in ("rule:service_api", "!")
        assert "service_or_admin" not in rows[rule.name].default


def test_no_attribute_is_asked_for_that_is_not_handed_over(rules):
    for rule in rules.rules:
        row = table(rules.service)[rule.name]
        for leaf in reached(rules, rule.check):
            assert set(leaf.attributes) <= row.attributes, (rule.name, leaf.text)
            assert "user_id" not in leaf.attributes or row.target is Target.OWNER


def test_each_alias_is_used(rules):
    checks = [rule.check for rule in (*rules.aliases, *rules.rules)]
    referred = {
        leaf.referred
        for check in checks
        for leaf in expressions.leaves(expressions.parsed(check))
    }
    assert {alias.name for alias in rules.aliases} <= referred


@pytest.mark.parametrize("service", SERVICES)
def test_with_a_project_for_each_user_no_rule_asks_for_a_user(service):
    rules = rulesets.ruleset(service, mode=rulesets.PER_USER)
    every = (*rules.aliases, *rules.rules)
    assert not [rule.name for rule in every if "user_id:" in rule.check]


@pytest.mark.parametrize(
    ("service", "rule"),
    [
        ("nova", "os_compute_api:os-server-password:show"),
        ("nova", "os_compute_api:os-console-output"),
        ("nova", "os_compute_api:os-remote-consoles"),
        ("nova", "os_compute_api:os-keypairs:index"),
        ("nova", "os_compute_api:os-keypairs:show"),
        ("cinder", "volume_extension:volume_encryption_metadata"),
        ("cinder", "volume:get_transfer"),
        ("cinder", "volume:accept_transfer"),
        ("glance", "download_image"),
        ("glance", "get_image_location"),
    ],
)
@pytest.mark.parametrize("mode", rulesets.MODES)
def test_an_auditor_gets_no_secret_and_no_data(service, rule, mode):
    rules = rulesets.ruleset(service, mode=mode)
    checks = [r.check for r in rules.rules if r.name == rule]
    said = [leaf.text for check in checks for leaf in reached(rules, check)]
    assert "role:vo_auditor" not in said


def test_the_alias_that_the_modes_differ_by():
    for service, mode in EACH:
        names = {a.name for a in rulesets.ruleset(service, mode=mode).aliases}
        assert ("vo_owner" in names) is (mode == rulesets.SHARED)
