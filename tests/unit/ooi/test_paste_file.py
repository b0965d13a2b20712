# SPDX-License-Identifier: Apache-2.0
"""Nova's api-paste.ini: OCCI and vo_isolation put in, judged, taken out."""

import json
import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ooi_ext.paste_check import check
from ooi_ext.paste_file import install, remove
from ooi_ext.paste_lines import Unusual
from tests.unit.ooi.paste_files import (
    APP,
    INSTALLED,
    ISOLATED,
    SNIPPETS,
    STOCK,
    V21,
    bad,
    edited,
    line_of,
    pipelines,
)


def test_it_makes_what_the_shipped_lines_say():
    for text, snippet in (
        (INSTALLED, "nova-api-paste-occi.ini"),
        (ISOLATED, "nova-api-paste-isolation.ini"),
    ):
        shipped = pipelines((SNIPPETS / snippet).read_text())
        assert shipped.items() <= pipelines(text).items()


def test_nothing_but_its_own_lines_is_new():
    new = [line for line in INSTALLED.splitlines() if line not in STOCK.splitlines()]
    assert [line for line in new if not line.startswith("#")] == [
        "/occi1.1: occi_api_11",
        "/occi1.2: occi_api_11",
        "/occi: occi_api_11",
        "[composite:occi_api_11]",
        f"keystone = {' '.join(pipelines(INSTALLED)['occi_api_11'])}",
        "[filter:www_authenticate]",
        "paste.filter_factory = ooi_ext.authenticate:filter_factory",
        "[filter:occi]",
        "paste.filter_factory = ooi_ext.wsgi:filter_factory",
    ]


@pytest.mark.parametrize("isolation", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        STOCK,
        STOCK.rstrip("\n"),
        STOCK.replace("\n", "\r\n"),
        STOCK + "\n\n  \n# the end",
        # A header at this depth is more of the value of a line that begins before it.
        STOCK.replace("\n", "\n  "),
        edited(
            STOCK, " keystonecontext osapi", "\n\n # ours\n keystonecontext\n osapi"
        ),
    ],
)
def test_it_comes_and_goes_without_a_trace(text, isolation):
    there = install(text, isolation=isolation)
    assert there != text
    assert bad(there, isolation=isolation) == []
    assert install(there, isolation=isolation) == there
    assert remove(there, isolation=isolation) == text
    assert remove(text, isolation=isolation) == text


def test_the_filters_of_the_site_are_kept():
    text = edited(
        STOCK,
        "cors http_proxy_to_wsgi compute_req_id faultwrap request_log "
        f"sizelimit osprofiler authtoken keystonecontext {APP}",
        f"healthcheck authtoken keystonecontext audit {APP}",
    )
    assert pipelines(install(text))["occi_api_11"] == [
        *("www_authenticate", "healthcheck", "authtoken", "keystonecontext"),
        *("audit", "occi", APP),
    ]


def test_isolation_alone():
    text = install(STOCK, occi=False, isolation=True)
    assert "occi" not in text
    assert bad(text, occi=False, isolation=True) == []
    assert remove(text, occi=False, isolation=True) == STOCK
    # OCCI comes later, and goes; the isolation stays.
    assert pipelines(install(text))["occi_api_11"][-3:] == ["occi", "vo_isolation", APP]
    assert remove(install(text)) == text
    assert remove(ISOLATED, occi=False, isolation=True) == INSTALLED


def test_own_names_and_a_filter_that_is_ours_already():
    text = STOCK.replace("keystonecontext", "who").replace(APP, "nova")
    text = edited(
        text, "authtoken who nova\n", "www_authenticate authtoken who limit nova\n"
    ).replace("[app:nova]", "[app:real]")
    text += (
        "[filter-app:nova]\npaste.filter_factory = m:f\nnext = alias\n"
        "[app:alias]\nuse = real\n"
    )
    there = install(text, isolation=True)
    assert bad(there, isolation=True) == []
    occi = pipelines(there)["occi_api_11"]
    assert occi.count("www_authenticate") == 1
    assert occi[-5:] == ["who", "limit", "occi", "vo_isolation", "nova"]
    # Nova's own pipeline needs www_authenticate, so its section stays.
    left = remove(there, isolation=True)
    assert left.startswith(text)
    assert left[len(text) :].startswith("\n[filter:www_authenticate]\n")


@pytest.mark.parametrize(
    ("shape", "left"),
    [
        ("a vo_isolation\n app", "a\n app"),
        ("a\n vo_isolation\n app", "a\n app"),
        ("a\n # vo_isolation\n\tvo_isolation app", "a\n # vo_isolation\n\tapp"),
        ("vo_isolation\n app", "\n app"),
        ("a vo_isolation vo_isolation app", "a app"),
    ],
)
def test_a_word_is_taken_out_wherever_it_stands(shape, left):
    own = f"\n[pipeline:own]\npipeline ={{}}\n[app:app]\nuse = {APP}\n"
    text = install(STOCK, occi=False, isolation=True) + own.format(f" {shape}")
    after = remove(text, occi=False, isolation=True)
    assert after in (STOCK + own.format(f" {left}"), STOCK + own.format(left))


def test_an_edit_that_would_change_other_lines_is_refused():
    factory = "paste.filter_factory = ooi_ext.wsgi:filter_factory\n"
    text = edited(INSTALLED, factory, f"    {factory}  [filter:z]\n  use = egg:z\n")
    assert bad(text) == []
    # Without the section before it, this header would be more of a value.
    with pytest.raises(Unusual, match="would change what other lines"):
        remove(text)


def test_every_pipeline_to_novas_application_is_isolated():
    text = STOCK + (
        "\n[pipeline:own]\npipeline = authtoken keystonecontext mine\n"
        "[app:mine]\nuse = osapi_compute_app_v21\n"
        "[pipeline:other]\npipeline = cors metaapp\n"
    )
    there = install(text, isolation=True)
    assert "pipeline = authtoken keystonecontext vo_isolation mine\n" in there
    assert "pipeline = cors metaapp\n" in there
    assert remove(there, isolation=True) == text


def test_a_file_edited_by_hand():
    head = STOCK[: STOCK.index("/v2.1/+")]
    own = edited(
        (SNIPPETS / "nova-api-paste-occi.ini").read_text(),
        "[composite:osapi_compute]\n",
        "",
    )
    mounts, sections = own.split("[composite:occi_api_11]")
    mounts = "".join(f"{n} = occi_api_11\n" for n in ("/occi1.1", "/occi1.2", "/occi"))
    text = head + mounts + STOCK[len(head) :] + "[composite:occi_api_11]" + sections
    assert bad(text) == []
    assert install(text) == text
    assert pipelines(remove(text)) == pipelines(STOCK)
    assert "occi" not in remove(text).replace("OCCI", "").partition("# occi ")[0]


def test_own_names_for_our_filters():
    text = INSTALLED.replace("[filter:occi]", "[filter:grid]").replace(
        "keystonecontext occi ", "keystonecontext grid "
    )
    text = text.replace("ooi_ext.wsgi:filter_factory", "egg:fedcloud-openstack#occi")
    text = text.replace("paste.filter_factory = egg:", "use = egg:")
    assert bad(text) == []
    assert install(text) == text
    assert remove(text) == STOCK


def test_a_filter_that_others_use_stays():
    text = INSTALLED + "\n[pipeline:own]\npipeline = www_authenticate meta\n"
    left = remove(text)
    assert "[filter:www_authenticate]" in left
    assert "[filter:occi]" not in left


def test_a_pipeline_that_others_use_stays():
    text = edited(INSTALLED, "/occi: ", "/mine: occi_api_11\n/occi: ")
    with pytest.raises(Unusual, match="/mine") as refused:
        remove(text)
    assert refused.value.line == line_of(text, "/mine")


WORD = st.text("abcdefgh_", min_size=1, max_size=6).map("x_".__add__)
BLANK = st.sampled_from(["", "# occi was here", "   ", "; [filter:occi]", "\t"])


@st.composite
def files(draw):
    """Files of Nova in any order, spacing and shape that PasteDeploy reads."""
    sign = st.sampled_from([" = ", ": ", "=", ":", "\t=  "])
    filters = draw(st.lists(WORD, max_size=4, unique=True))
    app = draw(st.sampled_from([APP, "nova", "app.v21"]))

    def option(key, words):
        gap = draw(st.sampled_from([" ", "  ", "\t", "\n  ", "\n\n\t", "\n# c\n    "]))
        return f"{key}{draw(sign)}{gap.join(words)}"

    def pipeline(key):
        some = draw(st.lists(st.sampled_from(filters), unique=True)) if filters else []
        cut = draw(st.integers(0, len(some)))
        return option(key, [*some[:cut], "keystonecontext", *some[cut:], app])

    use = option("use", ["call:nova.api.auth:pipeline_factory_v21"])
    sections = [
        [
            "[composite:osapi_compute]",
            option("use", ["call:nova.api.openstack.urlmap:urlmap_factory"]),
            option("/v2.1/+", ["openstack_compute_api_v21"]),
            option("/v2/+", ["legacy"]),
        ],
        [
            draw(st.sampled_from([V21, "[composit: openstack_compute_api_v21]"])),
            use,
            pipeline("keystone"),
        ],
        ["[composite:legacy]", use, pipeline("keystone")],
        ["[pipeline:own]", pipeline("pipeline")],
        [
            f"[app:{app}]",
            option(
                "paste.app_factory", ["nova.api.openstack.compute:APIRouterV21.factory"]
            ),
        ],
        [
            "[filter:keystonecontext]",
            option(
                "paste.filter_factory", ["nova.api.auth:NovaKeystoneContext.factory"]
            ),
        ],
        *(
            [f"[filter:{name}]", option("paste.filter_factory", ["m:f"])]
            for name in filters
        ),
    ]
    lines = []
    for section in draw(st.permutations(sections)):
        lines += draw(st.lists(BLANK, max_size=2))
        depth = draw(st.sampled_from(["", "", "  "]))
        for line in section:
            shift = depth if line is not section[0] else ""
            lines += [f"{shift}{line}".replace("\n", f"\n{shift}")]
            lines += draw(st.lists(BLANK, max_size=1))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return text.replace("\n", end)


@settings(deadline=None)
@given(files(), st.sampled_from([(True, False), (True, True), (False, True)]))
def test_any_file_is_as_before(text, wanted):
    wanted = dict(zip(("occi", "isolation"), wanted, strict=True))
    before = pipelines(text)
    there = install(text, **wanted)
    assert bad(there, **wanted) == []
    assert install(there, **wanted) == there
    assert remove(there, **wanted) == text
    after = pipelines(there)
    for name, words in before.items():
        own = [word for word in after[name] if word != "vo_isolation"]
        assert own == words
        assert ("vo_isolation" == after[name][-2]) is wanted["isolation"]
    assert ("occi_api_11" in after) is wanted["occi"]


@settings(deadline=None)
@given(st.data())
def test_lines_in_any_disorder_never_lose_one(data):
    lines = ISOLATED.splitlines(keepends=True)
    cut = data.draw(st.lists(st.integers(0, len(lines) - 1), max_size=4))
    twice = data.draw(st.lists(st.integers(0, len(lines) - 1), max_size=1))
    text = "".join(
        line * (n in twice and 2 or n not in cut) for n, line in enumerate(lines)
    )
    assert check(text)
    try:
        there = install(text, isolation=True)
    except Unusual as error:
        assert error.mend
        return
    assert install(there, isolation=True) == there
    assume(there != text)
    old = iter(there.splitlines())
    gone = [line for line in text.splitlines() if line not in old]
    assert [line for line in gone if "keystone" not in line] == []


PROGRAM = """
import json, sys
from nova import config, objects
from nova.api import wsgi
objects.register_all()
config.parse_args(["nova"], default_config_files=[sys.argv[1]])
def names(app):
    while app is not None:
        yield type(app).__name__
        inner = (getattr(app, n, None) for n in ("application", "_app", "app"))
        app = next(filter(None, inner), None)
found = wsgi.Loader(sys.argv[2]).load_app("osapi_compute")
print(json.dumps({path: [*names(app)] for (_, path), app in found.items()}))
"""


def test_nova_loads_what_is_made(tmp_path):
    # A process of its own: Nova's options are those of the whole process.
    conf, paste = tmp_path / "nova.conf", tmp_path / "api-paste.ini"
    conf.write_text(
        "[DEFAULT]\ntransport_url = fake://\n[keystone_authtoken]\n"
        "auth_url = http://127.0.0.1:1\n"
    )
    paste.write_text(ISOLATED)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, conf, paste],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert {"/v2/+", "/v2.1/+", "/occi1.1", "/occi1.2", "/occi"} <= set(found)
    for path, names in found.items():
        if names[-1] == "APIRouterV21":
            assert names[-2] == "Isolation", path
    for path in ("/occi1.1", "/occi1.2", "/occi"):
        assert found[path][-1] == "APIRouterV21"
        behind = found[path][found[path].index("NovaKeystoneContext") + 1 :]
        assert behind[0] == "Filter"
