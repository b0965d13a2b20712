# SPDX-License-Identifier: Apache-2.0
"""What is said of a policy.json of old, one rule or one fault at a time."""

import json
import os
import re
from pathlib import Path

import pytest

from vo_policy_ext import legacy

# The shape of Nova's file of Mitaka, in small, after the guide's edits.
NOVA = {
    "context_is_admin": "role:admin",
    "admin_or_owner": "is_admin:True or project_id:%(project_id)s",
    "admin_or_user": "is_admin:True or user_id:%(user_id)s",
    "default": "rule:admin_or_user",
    "admin_api": "is_admin:True",
    "compute:create": "",
    "compute:get": "rule:admin_or_owner",
    "compute:get_all": "",
    "network:get_all": "",
    "os_compute_api:servers:delete": "rule:admin_or_owner",
}


@pytest.fixture
def said(tmp_path: Path):
    def of(document: object) -> str:
        path = tmp_path / "policy.json"
        text = document if isinstance(document, str) else json.dumps(document)
        path.write_text(text, encoding="utf-8")
        return "\n".join(legacy.explained(path))

    return of


def block(text: str, title: str) -> list[str]:
    """Return the lines below a title that are indented."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(title))
    found = []
    for line in lines[start + 1 :]:
        if not line.startswith("  "):
            break
        found.append(line.strip())
    return found


class TestEdits:
    def test_each_edit_that_took_is_explained(self, said):
        first, second, third, verdict = block(said(NOVA), "What the guide's")
        assert "'is_admin:True or user_id:%(user_id)s'" in first
        assert "default refers to it" in first
        assert "default is rule:admin_or_user" in second
        assert "this one is dead" in second
        assert "is rule:admin_or_owner, as in Mitaka without the edit" in third
        assert "did not keep the users of one project apart" in verdict

    def test_a_file_without_the_edits(self, said):
        rules = {"compute:create": "", "compute:get": ""}
        first, second, third, _ = block(said(rules), "What the guide's")
        assert "the first edit did not take" in first
        assert "default is 'not there': the second edit did not take" in second
        assert "compute:get is '': the edit did not take" in third

    def test_the_alias_that_nothing_refers_to(self, said):
        first, *_ = block(said({**NOVA, "default": ""}), "What the guide's")
        assert "no rule refers to it" in first

    def test_the_edit_of_a_file_of_liberty_wrote_a_name_twice(self, said):
        text = said(
            '{"compute:get": "rule:admin_or_owner", "compute:get_all": "", '
            '"compute:get": ""}'
        )
        assert "compute:get stands in it twice; the last one holds" in text
        assert "compute:get stands twice, as the edit left it in Liberty" in text

    def test_only_nova_was_edited(self, said):
        text = said({"volume:delete": "rule:admin_or_owner", "default": ""})
        assert "The guide edited Nova's file alone; cinder's it left" in text


class TestDead:
    def test_counted_by_group(self, said):
        text = said(NOVA)
        assert "Dead: 6 rules that nova 34 does not ask" in text
        assert "compute: 3" in block(text, "Dead")
        assert "network: 1" in block(text, "Dead")

    def test_an_alias_that_a_live_rule_uses_is_not_dead(self, said):
        text = said({**NOVA, "os_compute_api:servers:stop": "rule:admin_or_user"})
        assert "admin_or_user: 1" not in block(text, "Dead")


def judged(text: str, rule: str) -> tuple[str, str]:
    """Return the title that a rule stands below, and its line."""
    title = ""
    for line in text.splitlines():
        if re.match(r"\w.*: \d+$", line):
            title = line.rpartition(":")[0]
        elif line.startswith(f"  {rule}: "):
            return title, line
    raise AssertionError(f"{rule} is not judged")


SERVERS = "os_compute_api:servers"


@pytest.mark.parametrize(
    ("rule", "check", "title", "who"),
    [
        (
            f"{SERVERS}:delete",
            "rule:admin_or_owner",
            "Weaker than today",
            "today 'rule:project_member_or_admin': lets in a reader, a user with no "
            "such role",
        ),
        (
            f"{SERVERS}:delete",
            "",
            "Weaker than today",
            "lets in a reader, a user with no such role, a member of another "
            "project, a service",
        ),
        (
            f"{SERVERS}:stop",
            "is_admin:True or user_id:%(user_id)s",
            "Stricter than today",
            "shuts out a manager, another member",
        ),
        (
            f"{SERVERS}:delete",
            "role:service",
            "Weaker for some and stricter for others",
            "lets in a service; shuts out an admin, a manager, the owner, another "
            "member",
        ),
        ("os_compute_api:os-evacuate", "rule:admin_api", "The same people", ""),
        # A check of the user where Nova does not tell it: nobody passes.
        (
            f"{SERVERS}:reboot",
            "user_id:%(user_id)s",
            "Stricter than today",
            "shuts out an admin, a manager, the owner, another member",
        ),
        # And where the caller's own id is told: everybody passes.
        (
            f"{SERVERS}:detail",
            "user_id:%(user_id)s",
            "Weaker than today",
            "lets in a user with no such role, a service",
        ),
        (
            "os_compute_api:os-remote-consoles",
            "user_id:%(user_id)s",
            "Weaker than today",
            "lets in a reader",
        ),
        # What oslo.policy cannot read, and a circle, let nobody through.
        (f"{SERVERS}:show", "role:", "Stricter", "shuts out an admin"),
        (f"{SERVERS}:show", "((", "Stricter", "shuts out an admin"),
        (f"{SERVERS}:show", f"rule:{SERVERS}:show", "Stricter", "shuts out an admin"),
        (f"{SERVERS}:show", "rule:nowhere", "Stricter", "shuts out an admin"),
        # The form of the oldest files: one of these lists, all of its texts.
        (
            f"{SERVERS}:delete",
            [["role:member", "project_id:%(project_id)s"], "role:admin"],
            "The same people",
            "",
        ),
    ],
)
def test_a_live_rule(said, rule: str, check: object, title: str, who: str):
    found, line = judged(said({"compute:get": "", rule: check}), rule)
    assert found.startswith(title)
    assert who in line


def test_a_rule_that_nobody_defined_is_asked_as_the_default(said):
    rules = {f"{SERVERS}:show": "rule:nowhere", "default": "role:reader"}
    title, line = judged(said(rules), f"{SERVERS}:show")
    assert title.startswith("Weaker")
    assert "lets in a member of another project" in line


def test_an_old_name_holds_for_the_new_ones(said):
    rules = {"os_compute_api:os-attach-interfaces": "rule:admin_or_owner"}
    text = said(rules)
    for name in ("list", "show", "create", "delete"):
        title, _ = judged(text, f"os_compute_api:os-attach-interfaces:{name}")
        assert title == "Weaker than today"
    assert "Live: 1 names" in text


def test_an_alias_changes_rules_that_the_file_does_not_name(said):
    rules = {"compute:get": "", "context_is_admin": "role:admin or role:reader"}
    title, line = judged(said(rules), "os_compute_api:os-evacuate")
    assert title == "Weaker than today"
    assert "lets in a manager, the owner" in line


def test_what_another_program_decides_is_not_judged(said):
    text = said({f"{SERVERS}:show": "http://127.0.0.1:1/x", "compute:get": ""})
    assert f"Decided by another program, not judged: {SERVERS}:show" in text


@pytest.mark.parametrize(
    ("rules", "service", "weaker"),
    [
        ({"volume:delete": "rule:admin_or_owner"}, "cinder", "volume:delete"),
        ({"get_image": "", "delete_image": ""}, "glance", "delete_image"),
    ],
)
def test_the_other_services(said, rules: dict[str, str], service: str, weaker: str):
    text = said(rules)
    assert f"a policy file of {service}" in text
    assert judged(text, weaker)[0] == "Weaker than today"
    assert f"in [oslo_policy] of {service}.conf not name it" in text


def test_what_to_do_instead(said):
    advice = "\n".join(block(said(NOVA), "What to do"))
    assert "Do not carry the file over" in advice
    assert "project-per-user" in advice
    assert "shared-project" in advice
    assert "vo_isolation" in advice


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'"compute:get": ""\n"default": ""\n', "is no JSON"),
        (b"", "is no JSON"),
        (b"[" * 100000, "is no JSON"),
        (b'["compute:get"]', "its top is no object"),
        (b'{"compute:get": "\xff"}', r"not in UTF-8 \(byte 17\)"),
        (b'{"compute:get": 1}', "'compute:get' is no text"),
        (b'{"compute:get": [1]}', "'compute:get' is no text"),
        (b'{"compute:get": [[1]]}', "'compute:get' is no text"),
        (b'{"identity:get_user": ""}', "no rule that nova, cinder or glance"),
        (b" " * (legacy.MOST_BYTES + 1), "has more than 1048576 bytes"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, raw: bytes, reason: str):
    path = tmp_path / "policy.json"
    path.write_bytes(raw)
    with pytest.raises(legacy.LegacyFileError, match=reason):
        legacy.explained(path)


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(legacy.LegacyFileError, match="cannot be read: No such file"):
        legacy.explained(tmp_path / "policy.json")


def test_a_directory(tmp_path: Path):
    with pytest.raises(legacy.LegacyFileError, match="cannot be read"):
        legacy.explained(tmp_path)


def test_no_file_is_written(tmp_path: Path, said):
    said(NOVA)
    assert os.listdir(tmp_path) == ["policy.json"]
