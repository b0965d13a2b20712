# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of voms.json accepts what the parser accepts, and nothing else."""

import itertools
import json
import sys
from pathlib import Path

import jsonschema
import pytest

from keystone_voms_ext import mapping
from keystone_voms_ext.voms.errors import SetupError
from tests.unit.keystone_ext import test_mapping

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[3] / "schema/voms.schema.json").read_text()
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# Files as sites have them today, of the old plugin and of the accounting.
REAL = (
    {"dteam": {"tenant": "dteam"}},
    {"/dteam/Role=NULL/Capability=NULL": {"tenants": ["dteam", "egi"]}},
    {
        "dteam": {"tenant": "dteam"},
        "/dteam/NGI_IBERGRID": {"tenant": "dteam_ibergrid"},
    },
    {
        "ops": {"projects": ["ops"]},
        "fedcloud.egi.eu": {"projects": ["fedcloud", "EGI access"]},
        "vo.access.egi.eu": {"project": "VO:vo.access.egi.eu"},
    },
)
PROJECTS = (
    {},
    {"project": "p"},
    {"tenant": "p q"},
    {"projects": ["a"]},
    {"tenants": ["a", "b"]},
    {"projects": ["a", "a"]},
    {"project": "p", "tenant": "t"},
    {"project": "p", "projects": ["p"]},
    {"projects": ["a"], "tenants": ["a"]},
    {"project": ""},
    {"project": " p"},
    {"project": None},
    {"project": 1},
    {"project": ["p"]},
    {"projects": []},
    {"projects": "p"},
    {"projects": {}},
    {"projects": ["a", 1]},
    {"projects": ["a", ""]},
    {"projects": ["a\n"]},
)
PER_USER = (
    {},
    *(
        {"project_per_user": value}
        for value in (
            *(False, True, 0, 1, None, "", [], {}, "x", "{hash}", "{vo}", "{hash"),
            *("{hash}}", "{{hash}}", "{hash}{hash}", "{HASH}", "{hash}{other}"),
            *(
                "a{vo}b{cn}c{hash}d",
                " {hash}",
                "{hash} ",
                "{vo} {hash}",
                "{vo} x{hash}",
            ),
            *("x{hash} {vo}", "x {hash} y", "{hash}\n", "\n{hash}", "a\n{hash}\nb"),
            *("{vo}{cn}{hash}{hash}", "{vo}{cn}{hash}{hash}x"),
            *("{vo}{cn}{hash}{vo}{cn}", "{vo}{cn}{vo}{cn}"),
            *(f"{'x' * 48}{{hash}}", f"{'x' * 49}{{hash}}"),
            *(f"{{vo}}{'x' * 32}{{hash}}", f"{{hash}}{'x' * 33}{{cn}}"),
            *(f"{{vo}}{{cn}}{'x' * 16}{{hash}}", f"{{vo}}{{cn}}{{hash}}{'x' * 17}"),
            "{hash}\N{GRINNING FACE}",
            f"{{hash}}{chr(0x1F600) * 48}",
            f"{{hash}}{chr(0x1F600) * 49}",
        )
    ),
)
OTHERS = (
    *({"roles": value} for value in ("r", [], ["r"], ["r", "r"], [""], [1], {}, None)),
    *({"domain": value} for value in ("d", "", " d", None, 1, ["d"], True)),
    *({"inherit": value} for value in (True, False, None, 1, 0, "true", [])),
    {"roles": ["a", "b"], "domain": "d", "inherit": True},
    {"projekt": "p"},
    {"Project": "p"},
    {"": "p"},
)
KEYS = (
    *("dteam", "vo.access.egi.eu", "_x", "a-b", "9", "-a", ".a", "d team", "", "/"),
    *("/dteam", "/dteam/", "//dteam", "dteam/x", "/d.t-e_m/A/B", "/dteam/\u00e9"),
    *("/dteam/Role=x", "/dteam/Role=x y", "/dteam/Role=", "/dteam/Role=a=b"),
    *("/dteam/Role=NULL/Capability=NULL", "/dteam/Capability=c", "/dteam/a/Role=\n"),
    *("/dteam/Capability=c/Role=r", "/dteam/Role=r/x", "/dteam/role=x", "dteam\n"),
    *("/dteam\n", "/dteam/Role=r\n", "\ndteam", "dt\u00e9am", "\u0131", "\uff10"),
)


def both(document):
    """Return the verdicts of the schema and of the parser on a document."""
    try:
        mapping.parse(json.dumps(document), source="voms.json")
    except SetupError as error:
        assert error.code == "mapping_invalid"
        parsed = False
    else:
        parsed = True
    return VALIDATOR.is_valid(document), parsed


def differing(documents):
    return [found for found in documents if len(set(both(found))) > 1]


def verdicts(documents):
    return {both(document)[1] for document in documents}


def test_the_schema_is_one():
    VALIDATOR.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("document", [*REAL, *SCHEMA["examples"]])
def test_files_of_sites_are_accepted(document):
    assert both(document) == (True, True)


def test_the_file_of_the_parsers_tests_is_accepted():
    assert both(json.loads(test_mapping.FILE)) == (True, True)


@pytest.mark.parametrize("document", [{}, [], None, 1, "x", {"dteam": None}, {"a": []}])
def test_what_is_no_object_is_refused_and_an_empty_one_accepted(document):
    assert both(document) == ((document == {}),) * 2


def test_all_ways_to_name_projects_with_all_templates():
    documents = [
        {"dteam": {**projects, **per_user}}
        for projects, per_user in itertools.product(PROJECTS, PER_USER)
    ]
    assert verdicts(documents) == {True, False}
    assert differing(documents) == []


def test_all_other_fields():
    good = ({"project": "p"}, {"project_per_user": True}, {"projects": []})
    documents = [
        {"dteam": {**projects, **other}}
        for projects, other in itertools.product(good, OTHERS)
    ]
    assert verdicts(documents) == {True, False}
    assert differing(documents) == []


def test_keys():
    documents = [{key: {"project": "p"}} for key in KEYS]
    assert verdicts(documents) == {True, False}
    assert differing(documents) == []


def test_one_bad_entry_among_good_ones():
    documents = [{"a": {"project": "x"}, "b": bad} for bad in ({}, {"project": "y"})]
    assert [both(document) for document in documents] == [(False,) * 2, (True,) * 2]


def test_every_kind_of_white_space_at_either_end():
    blanks = [chr(c) for c in range(sys.maxunicode + 1) if chr(c).isspace()]
    lookalikes = ["\u200b", "\ufeff", "\u180e", "\u0000", "\u001b", "\u2060"]
    assert "\u3000" in blanks and "\u0085" in blanks
    documents = [
        {"dteam": entry}
        for blank in (*blanks, *lookalikes)
        for entry in (
            {"project": f"{blank}p"},
            {"project": f"p{blank}"},
            {"project": f"p{blank}q"},
            {"project": blank},
            {"project_per_user": f"{blank}{{hash}}"},
            {"project_per_user": f"{{hash}}{blank}x"},
            {"project_per_user": f"x{{hash}}{blank}"},
        )
    ]
    assert verdicts(documents) == {True, False}
    assert differing(documents) == []


def test_what_only_the_parser_sees_is_a_thing_that_stands_there_twice():
    text = '{"a": {"project": "x"}, "a": {"project": "x"}}'
    with pytest.raises(SetupError, match="twice"):
        mapping.parse(text, source="voms.json")
    assert VALIDATOR.is_valid(json.loads(text))
    assert "twice" in SCHEMA["$comment"]
    # All other files that the parser's tests refuse, the schema refuses too.
    ((_, cases),) = (
        mark.args
        for mark in test_mapping.test_a_bad_file_is_refused_with_its_line.pytestmark
    )
    texts = [text for text, code, *_ in cases if code == "mapping_invalid"]
    alone = [text for text in texts if VALIDATOR.is_valid(json.loads(text))]
    assert (
        texts
        and [
            text
            for text in alone
            if text.count('"a"') < 2 and text.count('"project"') < 2
        ]
        == []
    )
