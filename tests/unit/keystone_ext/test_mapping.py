# SPDX-License-Identifier: Apache-2.0
"""voms.json: what it grants, and how a bad one is named."""

import pytest

from keystone_voms_ext import mapping
from keystone_voms_ext.voms.errors import SetupError

FILE = """{
  "dteam": {"project": "dteam"},
  "/dteam/NGI_TEST": {"projects": ["ngi", "ngi-test"], "roles": ["reader"]},
  "/dteam/NGI_TEST/Role=Admin": {"tenant": "ngi-admin", "domain": "grid"},
  "/dteam/sub": {"tenants": ["sub"], "inherit": true},
  "/ops/Role=NULL/Capability=NULL": {"tenant": "ops"}
}
"""


def granted(vo, *fqans, text=FILE):
    entries = mapping.parse(text, source="voms.json").grants(vo=vo, fqans=fqans)
    return [entry.projects for entry in entries]


@pytest.mark.parametrize(
    ("vo", "fqans", "projects"),
    [
        ("dteam", ("/dteam",), [("dteam",)]),
        ("dteam", ("/dteam/Role=NULL/Capability=NULL",), [("dteam",)]),
        ("dteam", ("/dteam/other",), [("dteam",)]),
        (
            "dteam",
            ("/dteam/NGI_TEST/Role=NULL/Capability=NULL", "/dteam"),
            [("dteam",), ("ngi", "ngi-test")],
        ),
        # A role without an entry of its own has what its group has.
        ("dteam", ("/dteam/NGI_TEST/Role=User",), [("dteam",), ("ngi", "ngi-test")]),
        ("dteam", ("/dteam/NGI_TEST/Role=Admin",), [("dteam",), ("ngi-admin",)]),
        (
            "dteam",
            ("/dteam/NGI_TEST/Role=Admin/Capability=NULL",),
            [("dteam",), ("ngi-admin",)],
        ),
        # A group is not its subgroups, unless the entry says so.
        ("dteam", ("/dteam/NGI_TEST/deep",), [("dteam",)]),
        ("dteam", ("/dteam/sub/deep/er",), [("dteam",), ("sub",)]),
        ("dteam", ("/dteam/sub/deep/Role=X",), [("dteam",), ("sub",)]),
        ("dteam", ("/dteam/sub", "/dteam/sub/deep"), [("dteam",), ("sub",)]),
        # Keys as the old plugin wanted them.
        ("ops", ("/ops/Role=NULL/Capability=NULL",), [("ops",)]),
        # A name that begins like another is another; so is one in other case.
        ("ops", ("/ops",), []),
        ("dteam2", ("/dteam2",), []),
        ("Dteam", ("/Dteam",), []),
        # An FQAN earns nothing in a VO that is not its own.
        ("ops", ("/dteam/NGI_TEST",), []),
    ],
)
def test_an_fqan_earns_its_most_specific_entry_and_the_vo_adds_its_own(
    vo, fqans, projects
):
    assert granted(vo, *fqans) == projects


def test_an_entry_keeps_roles_domain_and_the_line_it_stands_on():
    entries = mapping.parse(FILE, source="voms.json").entries
    by_key = {entry.key: entry for entry in entries}
    assert by_key["/dteam/NGI_TEST"].roles == ("reader",)
    assert by_key["/dteam/NGI_TEST"].line == 3
    assert by_key["/dteam/NGI_TEST/Role=Admin"].domain == "grid"
    assert by_key["dteam"].roles == () and by_key["dteam"].domain is None
    assert by_key["/dteam/sub"].vo == "dteam"


def test_a_fault_of_an_entry_names_file_line_and_mend():
    entry = mapping.parse(FILE, source="/etc/keystone/voms.json").entries[2]
    fault = entry.fault("mapping_role_unknown", what="No such role.", mend="Mend it.")
    assert str(fault) == "/etc/keystone/voms.json, line 4: No such role. Mend it."


@pytest.mark.parametrize(
    ("text", "code", "line", "offence"),
    [
        ('{"dteam": {"project": "dteam"},\n}', "mapping_not_json", 2, "JSON"),
        ("", "mapping_not_json", 1, "JSON"),
        ("[" * 100_000, "mapping_not_json", 1, "nested"),
        ("[]", "mapping_invalid", 1, "object"),
        ('{\n"d team": {"project": "x"}}', "mapping_invalid", 2, "d team"),
        ('{\n"/dteam/../ops": {"project": "x"}, "": 1}', "mapping_invalid", 2, "''"),
        (
            '{"a": {"project": "x"},\n"a": {"project": "y"}}',
            "mapping_invalid",
            1,
            "'a'",
        ),
        ('{\n\n"a": "x"}', "mapping_invalid", 3, "'a'"),
        ('{\n"a": {"projekt": "x"}}', "mapping_invalid", 2, "'projekt'"),
        ('{"a": {"project": "x", "project": "y"}}', "mapping_invalid", 1, "twice"),
        ('{"a": {"project": "x", "tenant": "y"}}', "mapping_invalid", 1, "'a'"),
        ('{"a": {}}', "mapping_invalid", 1, "no project"),
        ('{"a": {"project": ["x"]}}', "mapping_invalid", 1, "'project'"),
        ('{"a": {"project": ""}}', "mapping_invalid", 1, "'project'"),
        ('{"a": {"projects": "x"}}', "mapping_invalid", 1, "'projects'"),
        ('{"a": {"projects": []}}', "mapping_invalid", 1, "'projects'"),
        ('{"a": {"projects": [1]}}', "mapping_invalid", 1, "'projects'"),
        ('{"a": {"project": "x", "roles": "r"}}', "mapping_invalid", 1, "'roles'"),
        ('{"a": {"project": "x", "roles": []}}', "mapping_invalid", 1, "'roles'"),
        ('{"a": {"project": "x", "domain": 1}}', "mapping_invalid", 1, "'domain'"),
        ('{"a": {"project": "x", "inherit": "true"}}', "mapping_invalid", 1, "inherit"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text, code, line, offence):
    with pytest.raises(SetupError) as caught:
        mapping.parse(text, source="voms.json")
    assert caught.value.code == code
    assert f"voms.json, line {line}: " in str(caught.value)
    assert offence in str(caught.value)
    assert caught.value.mend
