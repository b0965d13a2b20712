# SPDX-License-Identifier: Apache-2.0
"""Files that are right in part, wrong, or a way around vo_isolation."""

import pytest

from ooi_ext.paste_check import HOLE, MISSING, WRONG, check
from ooi_ext.paste_file import install, remove
from ooi_ext.paste_lines import Unusual
from tests.unit.ooi.paste_files import (
    APP,
    INSTALLED,
    ISOLATED,
    OLD,
    STOCK,
    V21,
    bad,
    edited,
    line_of,
)

PARTS = [
    ("/occi1.2: occi_api_11\n", "", "/occi1.2"),
    (
        "\n[filter:occi]\npaste.filter_factory = ooi_ext.wsgi:filter_factory\n",
        "",
        "[filter:occi]",
    ),
    (
        INSTALLED[
            INSTALLED.index("\n[composite:occi_api_11]") : INSTALLED.index(
                "\n[filter:www"
            )
        ],
        "",
        "[composite:occi_api_11]",
    ),
]


@pytest.mark.parametrize(("old", "new", "named"), PARTS)
def test_a_file_edited_in_part_is_completed(old, new, named):
    text = edited(INSTALLED, old, new)
    (finding,) = bad(text)
    assert (finding.verdict, named in finding.what) == (MISSING, True)
    assert "--install" in finding.mend
    assert bad(install(text)) == []
    assert remove(text) == STOCK
    assert remove(install(text)) == STOCK


WRONGS = [
    ("keystonecontext occi", "occi keystonecontext", "keystone = www", "tells it"),
    (f"occi {APP}", f"{APP} occi", "keystone = www", "does not end in Nova's"),
    ("keystonecontext occi", "occi", "keystone = www", "has no keystonecontext"),
    ("= www_authenticate cors", "= cors", "[composite:occi", "does not begin"),
    ("www_authenticate cors ", "www_authenticate ", "keystone = www", "lacks"),
    ("/occi: occi_api_11", "/occi: meta", "/occi: meta", "leads to 'meta'"),
]


@pytest.mark.parametrize(("old", "new", "begin", "what"), WRONGS)
def test_what_is_wrong_is_named_and_left_alone(old, new, begin, what):
    text = edited(INSTALLED, old, new)
    (finding,) = bad(text)
    assert finding.verdict == WRONG
    assert what in finding.what
    assert finding.mend
    # A pipeline is named by its own line, behind `use`.
    behind = 3 if begin.startswith("[composite") else 0
    assert finding.line == line_of(text, begin) + behind
    with pytest.raises(Unusual) as refused:
        install(text)
    assert (refused.value.what, refused.value.line) == (finding.what, finding.line)


@pytest.mark.parametrize(("old", "new", "begin", "what"), WRONGS[:5])
def test_a_wrong_pipeline_is_made_anew(old, new, begin, what):
    assert remove(edited(INSTALLED, old, new)) == STOCK


def test_the_predecessor():
    text = edited(
        INSTALLED,
        "ooi_ext.wsgi:filter_factory",
        "ooi.wsgi:OCCIMiddleware.factory\nopenstack_version = /v2.1",
    )
    (finding,) = bad(text)
    assert finding.verdict == WRONG
    assert finding.line == line_of(text, "[filter:occi]")
    assert "no longer runs" in finding.what
    with pytest.raises(Unusual, match="--remove"):
        install(text)
    assert remove(text) == STOCK
    renamed = STOCK + OLD.replace("occi", "grid")
    assert [f.line for f in bad(renamed) if f.verdict == WRONG] == [
        line_of(renamed, "[filter:grid]")
    ]


def test_a_way_around_the_filter_is_a_hole():
    text = edited(
        ISOLATED,
        f"legacy_v2_compatible vo_isolation {APP}",
        f"legacy_v2_compatible {APP}",
    )
    for wanted in ({}, {"isolation": True}, {"occi": False, "isolation": True}):
        (finding,) = bad(text, **wanted)
        assert finding.verdict == HOLE
        assert "v2_compatible] has no vo_isolation" in finding.what
        assert "keystone" in text.splitlines()[finding.line - 1]
    assert install(text) == text
    assert install(text, isolation=True) == ISOLATED


def test_occi_is_never_the_hole():
    text = edited(ISOLATED, f"occi vo_isolation {APP}", f"occi {APP}")
    (finding,) = bad(text)
    assert (finding.verdict, "occi_api_11" in finding.what) == (HOLE, True)
    assert install(text) == ISOLATED


def test_an_application_without_a_pipeline_is_a_hole():
    text = edited(ISOLATED, "/occi: ", f"/direct: {APP}\n/occi: ")
    (finding,) = bad(text)
    assert (finding.verdict, finding.line) == (HOLE, line_of(text, "/direct"))
    assert bad(edited(INSTALLED, "/occi: ", f"/direct: {APP}\n/occi: ")) == []


def test_the_filter_stands_last():
    text = edited(ISOLATED, f"occi vo_isolation {APP}", f"vo_isolation occi {APP}")
    (finding,) = bad(text)
    assert (finding.verdict, "occi behind vo_isolation" in finding.what) == (
        WRONG,
        True,
    )
    with pytest.raises(Unusual, match="Move vo_isolation"):
        install(text, isolation=True)


UNUSUAL = [
    ("", "[DEFAULT]\n", "no .composite:osapi_compute"),
    (V21, "[composite:mine]", "no .composite:openstack_compute_api_v21"),
    (V21, f"[composite:osapi_compute]\nuse = a\n{V21}", "twice"),
    (V21, f"[pipeline:metaapp]\npipeline = meta\n{V21}", "twice"),
    (V21, f"{V21}\nuse = a", "use stands twice"),
    (V21, f"{V21}\nfilter", "neither a header nor an option"),
    (V21, f"{V21}\nkey = a\n= b", "PasteDeploy cannot read"),
    ("context osapi_compute_app_v21", "context a # b", "comment"),
    ("context osapi_compute_app_v21", "context %(app)s", "%"),
    (f"legacy_v2_compatible {APP}", f"legacy_v2_compatible {APP} # v2", "comment"),
    (
        f"legacy_v2_compatible {APP}",
        f"legacy_v2_compatible \\\n {APP}",
        "end of a line",
    ),
    (V21, "[composite:mine]", "Give what /v2.1 leads to that name"),
    ("", "\ufeff[DEFAULT]\n", "byte order mark"),
    (
        "keystone = cors http_proxy_to_wsgi compute_req_id faultwrap request_log "
        f"sizelimit osprofiler authtoken keystonecontext {APP}",
        "",
        "no line `keystone`",
    ),
    (f"authtoken keystonecontext {APP}", f"authtoken {APP}", "not know the user"),
    (f"keystonecontext {APP}", f"keystonecontext occi {APP}", "of its own"),
    (f"{V21}\nuse = ", f"{V21}\nx = ", "no composite with a line `use`"),
    ("APIRouterV21.factory", "Other.factory", "is not Nova's application"),
]


@pytest.mark.parametrize(("old", "new", "what"), UNUSUAL)
def test_a_file_that_cannot_be_edited_is_left_alone(old, new, what):
    text = edited(STOCK, old, new) if old else new
    wrong = [f for f in check(text) if f.verdict == WRONG]
    assert wrong and wrong[0].mend
    for isolation in (False, True):
        with pytest.raises(Unusual, match=what):
            install(text, isolation=isolation)


@pytest.mark.parametrize("pipeline", ["context", "legacy_v2_compatible"])
def test_the_filter_in_a_pipeline_of_novas_own(pipeline):
    own = f"{pipeline} {APP}"
    text = edited(STOCK, own, own.replace(" ", " occi ")) + "\n[filter:occi]\n"
    text += "paste.filter_factory = ooi_ext.wsgi:filter_factory\n"
    wrong = [f for f in check(text) if f.verdict == WRONG]
    assert [f.mend for f in wrong] == ["Take occi out of it."]
    for edit in (install, remove):
        # It is not what leads to Nova's pipeline that has to go.
        with pytest.raises(Unusual, match="Take occi out of it") as refused:
            edit(text)
        assert refused.value.line == wrong[0].line


def test_a_filter_of_that_name():
    text = edited(INSTALLED, "ooi_ext.wsgi:filter_factory", "x:y")
    finding = bad(text)[0]
    assert (finding.verdict, finding.line) == (WRONG, line_of(text, "[filter:occi]"))
    assert "another filter" in finding.what
    with pytest.raises(Unusual, match="another filter"):
        install(text)
