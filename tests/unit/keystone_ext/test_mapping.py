# SPDX-License-Identifier: Apache-2.0
"""voms.json: what it grants, and how a bad one is named."""

import datetime
import hashlib

import pytest

from keystone_voms_ext import mapping
from keystone_voms_ext.voms.attributes import VoAttributes, VomsAttributes
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
        ('{"a": {"project_per_user": false}}', "mapping_invalid", 1, "no project"),
        ('{"a": {"project_per_user": 1}}', "mapping_invalid", 1, "per_user"),
        ('{"a": {"project_per_user": "{cn}"}}', "mapping_invalid", 1, "per_user"),
        ('{"a": {"project_per_user": "{hash}{x}"}}', "mapping_invalid", 1, "per_user"),
        ('{"a": {"project_per_user": " {hash}"}}', "mapping_invalid", 1, "per_user"),
        (
            '{"a": {"project_per_user": "%s{hash}"}}' % ("x" * 49),
            "mapping_invalid",
            1,
            "too long",
        ),
        (
            '{"a": {"projects": ["x", "y"], "project_per_user": true}}',
            "mapping_invalid",
            1,
            "parent",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text, code, line, offence):
    with pytest.raises(SetupError) as caught:
        mapping.parse(text, source="voms.json")
    assert caught.value.code == code
    assert f"voms.json, line {line}: " in str(caught.value)
    assert offence in str(caught.value)
    assert caught.value.mend


def entry_of(value):
    (entry,) = mapping.parse(f'{{"dteam": {value}}}', source="voms.json").entries
    return entry


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


DN = "/DC=org/DC=example/O=People/CN=Alice \\xC3\\x89 O'Hara"


def test_each_user_has_a_project_of_its_own_name():
    plain = entry_of('{"project": "dteam", "project_per_user": true}')
    assert plain.projects == ("dteam",)
    assert plain.own_project(DN) == f"dteam-Alice-xC3-x89-O-Hara-{digest(DN)}"
    named = entry_of('{"domain": "grid", "project_per_user": "u_{hash}_{vo}"}')
    assert named.projects == ()
    assert named.own_project("/CN=a") == f"u_{digest('/CN=a')}_dteam"


def test_names_of_users_are_cut_and_their_digest_is_not():
    entry = entry_of('{"project_per_user": true}')
    long = [entry.own_project(f"/CN={'x' * 200}{end}") for end in "ab"]
    assert [len(name) for name in long] == [64, 64]
    assert len(set(long)) == 2
    assert entry.own_project("/CN=\\xC3").startswith("dteam-xC3-")
    assert entry.own_project("/CN=???").startswith("dteam-user-")


def test_all_vos_of_a_credential_earn():
    at = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
    dates = {"not_before": at, "not_after": at}
    server = {"ac_issuer": "/CN=voms", "voms_host": "voms", "generic_attributes": ()}
    ops = VoAttributes(vo="ops", fqans=("/ops",), **dates, **server)
    proved = VomsAttributes(
        dn="/CN=a",
        issuer_dn="/CN=ca",
        vo="dteam",
        fqans=("/dteam", "/dteam/sub"),
        primary_fqan="/dteam",
        limited=False,
        others=(ops,),
        **dates,
        **server,
    )
    text = FILE.replace("/ops/Role=NULL/Capability=NULL", "/ops")
    earned = mapping.parse(text, source="voms.json").earned(proved)
    assert [entry.key for entry in earned] == ["dteam", "/dteam/sub", "/ops"]
