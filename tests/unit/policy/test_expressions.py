# SPDX-License-Identifier: Apache-2.0
"""Check strings: read, written, judged."""

from types import SimpleNamespace

import pytest
from oslo_policy import policy

from vo_policy_ext import expressions
from vo_policy_ext.expressions import Leaf, Unreadable, judged, leaves, parsed, written

TARGET = {"user_id": "alice", "project_id": "vo"}
CALLER = {"user_id": "alice", "project_id": "vo", "roles": ["Member"]}


def came_out(text, **rules):
    return judged(
        parsed(text),
        {name: parsed(check) for name, check in rules.items()},
        target=TARGET,
        caller=CALLER,
    )


@pytest.mark.parametrize(
    "text",
    [
        "role:member",
        "@",
        "!",
        "rule:a or role:b",
        "role:a and project_id:%(project_id)s and not role:c",
        "role:a and (role:b or role:c)",
        "not (role:a or role:b)",
        "'public':%(visibility)s or True:%(shared)s",
    ],
)
def test_what_is_read_is_written_again(text):
    assert written(parsed(text)) == text


def test_a_sign_of_percent_is_written_twice():
    assert parsed("user_id:100%%") == Leaf("user_id:100%%", "user_id", "100%%", None)


def test_an_empty_text_is_for_everybody():
    assert written(parsed("")) == "@"


@pytest.mark.parametrize(
    "text",
    [
        "role:a and",
        "role:a role:b",
        "(role:a",
        "not",
        "member",
        "'member'",
        "role:a or foo",
        "user_id:%(user_id)",
    ],
)
def test_what_oslo_policy_cannot_read_is_told(text):
    with pytest.raises(Unreadable, match="is no check string"):
        parsed(text)


@pytest.mark.parametrize(
    "text", ["user_id:%(user_id)d", "user_id:%(user_id", "user_id:%s", "user_id:5%"]
)
def test_an_attribute_that_is_written_otherwise_is_told(text):
    with pytest.raises(Unreadable, match="is misread"):
        parsed(text)


def test_a_leaf_tells_what_it_asks_for_and_refers_to():
    one, other = leaves(parsed("rule:vo_owner and user_id:%(user_id)s-%(project_id)s"))
    assert (one.referred, one.attributes) == ("vo_owner", ())
    assert (other.referred, other.attributes) == ("", ("user_id", "project_id"))
    assert one == Leaf("rule:vo_owner", "rule", "vo_owner", check=None)


@pytest.mark.parametrize(
    "text",
    [
        "@",
        "rule:x",
        "role:x",
        "http://pdp.example.org/%(user_id)s",
        "https://pdp.example.org/",
        "user_id:%(user_id)s",
        "roles.name:x",
        "is_admin:True",
        "'public':%(visibility)s",
        "1:%(user_id)s",
        "None:%(user_id)s",
    ],
)
def test_a_kind_that_something_checks_is_fine(text):
    (leaf,) = leaves(parsed(text))
    assert expressions.fault_of_kind(leaf) == ""


@pytest.mark.parametrize("text", ["rul:x", "usr_id:%(user_id)s", "class:x", "a-b:c"])
def test_a_kind_that_nothing_checks_is_told(text):
    (leaf,) = leaves(parsed(text))
    assert repr(leaf.kind) in expressions.fault_of_kind(leaf)


def test_a_plugin_that_is_installed_is_known(monkeypatch):
    class Point:
        name = "vo_pdp"

    monkeypatch.setattr(expressions.metadata, "entry_points", lambda group: [Point])
    expressions._plugins.cache_clear()
    (leaf,) = leaves(parsed("vo_pdp:x"))
    try:
        assert expressions.fault_of_kind(leaf) == ""
        assert leaf.is_remote
    finally:
        monkeypatch.undo()
        expressions._plugins.cache_clear()


@pytest.mark.parametrize(
    ("text", "granted"),
    [
        ("@", True),
        ("!", False),
        ("role:member", True),
        ("role:member and !", False),
        ("! or user_id:%(user_id)s", True),
        ("not role:member", False),
        ("not (role:x and role:y)", True),
        ("user_id:%(owner)s", False),
        ("rule:known and role:member", True),
        ("rule:unknown", False),
        ("class:alice", False),
    ],
)
def test_a_verdict_is_that_of_oslo_policy(text, granted):
    assert came_out(text, known="user_id:alice").granted is granted


def test_a_verdict_has_all_its_parts():
    verdict = came_out("rule:known or role:x", known="user_id:alice")
    one, other = verdict.parts
    assert (verdict.granted, one.granted, other.granted) == (True, True, False)
    assert written(one.parts[0].expression) == "user_id:alice"


def test_what_goes_round_in_a_circle_grants_nothing():
    verdict = came_out("rule:a", a="rule:b", b="rule:a")
    assert not verdict.granted
    assert verdict.parts[0].parts[0].note == "goes round in a circle"


def test_a_server_is_not_asked():
    text = "http://pdp.example.org/"
    assert came_out(text).note == "not asked here"
    assert not came_out(text).granted
    assert judged(parsed(text), {}, target={}, caller={}, remote=True).granted


def test_a_check_of_a_plugin_without_a_kind_has_its_text(monkeypatch):
    class Odd(policy.Check):
        def __init__(self, kind, match):
            self.said = match

        def __str__(self):
            return f"odd {self.said}"

        def __call__(self, target, creds, enforcer, current_rule=None):
            return True

    monkeypatch.setattr(policy.RuleDefault, "check", Odd("odd", "x"), raising=False)
    monkeypatch.setattr(policy.RuleDefault, "__init__", lambda self, name, text: None)
    assert written(parsed("odd:x")) == "odd x"


def test_a_rule_that_is_not_there_is_decided_by_default_as_in_oslo_policy():
    for default, granted in (("", True), ("role:admin", False)):
        found = came_out("rule:none", default=default)
        assert found.granted is granted
        assert found.note == "no such rule, so default decides"
        rules = policy.Rules.from_dict({"default": default}, "default")
        enforcer = SimpleNamespace(rules=rules)
        check = policy.RuleDefault("asked", "rule:none").check
        assert check(TARGET, CALLER, enforcer) is granted
    assert came_out("rule:none", default="rule:none").note
    assert not came_out("rule:none", default="rule:none").granted
    assert came_out("rule:none").note == "there is no such rule"
