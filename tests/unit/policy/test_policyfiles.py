# SPDX-License-Identifier: Apache-2.0
"""Policy files: what is read of them, and what is not taken in silence."""

import pytest

from vo_policy_ext import policyfiles
from vo_policy_ext.policyfiles import NotReadable, files, merged, read


@pytest.fixture
def wrote(tmp_path):
    def write(text, name="policy.yaml"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_rules_are_read_in_order_with_their_lines(wrote):
    entries, faults = read(wrote('# a comment\n"a": "role:x"\n\nb: rule:a\n"c": ""\n'))
    assert [(e.name, e.check, e.line) for e in entries] == [
        ("a", "role:x", 2),
        ("b", "rule:a", 4),
        ("c", "", 5),
    ]
    assert faults == ()


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_a_file_without_rules_is_fine(wrote, text):
    assert read(wrote(text)) == ((), ())


def test_json_is_read_too(wrote):
    (entry,), faults = read(wrote('{"a": "role:x"}'))
    assert (entry.name, entry.check, faults) == ("a", "role:x", ())


@pytest.mark.parametrize(
    ("text", "line", "rule", "reason"),
    [
        ("a: 'x\nb: y", 2, "", "this is no YAML"),
        ('a: "x"\nb: @\n', 2, "", "this is no YAML"),
        ("[" * 5000, 1, "", "nested too deeply"),
        ("- a\n- b\n", 1, "", "no list of rules"),
        ("text", 1, "", "no list of rules"),
        ('a: "x"\nb: 5\n', 2, "b", "the check is no text"),
        ('a: "x"\nb:\n', 2, "b", "the check is no text"),
        ("b: !\n", 1, "b", "the check is no text"),
        ('b: ["role:x"]\n', 1, "b", "the check is no text"),
        ('5: "x"\n', 1, "5", "the name is no text"),
        ('a: "x"\nb: "y"\na: "z"\n', 3, "a", "it stands in line 1 too"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(wrote, text, line, rule, reason):
    _, (fault,) = read(wrote(text))
    assert (fault.line, fault.rule) == (line, rule)
    assert reason in fault.reason
    assert str(fault).startswith(f"{fault.file}:{line}: ")


def test_of_a_name_that_stands_twice_the_last_file_counts(wrote):
    one, _ = read(wrote('a: "x"\nb: "y"', "10.yaml"))
    two, _ = read(wrote('a: "z"', "20.yaml"))
    found = merged((*one, *two))
    assert {name: entry.check for name, entry in found.items()} == {"a": "z", "b": "y"}


def test_a_folder_is_read_as_oslo_policy_reads_it(wrote, tmp_path):
    for name in ("50-vo.yaml", "90-site.json", ".hidden.yaml", "10-first"):
        wrote("", name)
    (tmp_path / "below").mkdir()
    names = [file.name for file in files(tmp_path)]
    assert names == ["10-first", "50-vo.yaml", "90-site.json"]


def test_a_file_stands_for_itself(tmp_path):
    assert files(tmp_path / "policy.yaml") == (tmp_path / "policy.yaml",)


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(NotReadable, match="No such file"):
        read(tmp_path / "policy.yaml")
    (tmp_path / "latin").write_bytes(b"\xe9: x")
    with pytest.raises(NotReadable, match="no text in UTF-8"):
        read(tmp_path / "latin")


def test_a_folder_that_cannot_be_listed_is_told(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(policyfiles.Path, "iterdir", refuse)
    with pytest.raises(NotReadable, match="Permission denied"):
        files(tmp_path)
