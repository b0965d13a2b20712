# SPDX-License-Identifier: Apache-2.0
"""OCCI and the isolation filter get into paste files, whatever else is in there."""

import sys
from pathlib import Path

import pytest

from tests.lab.api_paste import mount, overlay
from tests.lab.errors import LabError

NOVA = """\
# An operator's own remark.
[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: oscomputeversions
# v21 is better
/v2.1/+: openstack_compute_api_v21

# About the next section.
[composite:openstack_compute_api_v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors authtoken osapi_compute_app_v21
"""

OCCI = """\
# How to use this file.
[composite:osapi_compute]
/occi1.1: occi_api_11

[composite:occi_api_11]
use = call:nova.api.auth:pipeline_factory_v21
# Why here.
keystone = cors authtoken occi osapi_compute_app_v21

[filter:occi]
paste.filter_factory = ooi_ext.wsgi:filter_factory
"""


def mounted(paste, sections=OCCI):
    return mount(
        paste,
        composite="osapi_compute",
        path="/occi1.1",
        app="occi_api_11",
        sections=sections,
    )


def test_the_path_joins_the_paths_of_the_composite():
    lines = mounted(NOVA).splitlines()
    assert lines.index("/occi1.1: occi_api_11") == 1 + lines.index(
        "/v2.1/+: openstack_compute_api_v21"
    )


def test_the_new_sections_are_added_once():
    text = mounted(NOVA)
    assert text.count("[composite:osapi_compute]") == 1
    assert text.count("[composite:occi_api_11]") == 1
    assert "paste.filter_factory = ooi_ext.wsgi:filter_factory" in text


def test_what_was_there_stays_as_it_was():
    before, after = NOVA.splitlines(), mounted(NOVA).splitlines()
    assert [line for line in after if line in before and line] == [
        *(line for line in before if line),
        # The factory that the new composite has in common with the old one.
        "use = call:nova.api.auth:pipeline_factory_v21",
    ]


def test_a_second_run_changes_nothing():
    assert mounted(mounted(NOVA)) == mounted(NOVA)


@pytest.mark.parametrize("line", ["/occi1.1: other", "/occi1.1 = other"])
def test_an_operators_own_mount_wins(line):
    own = NOVA.replace("/: osc", f"{line}\n/: osc")
    assert "/occi1.1: occi_api_11" not in mounted(own)


def test_a_mount_in_a_comment_is_none():
    own = NOVA.replace("# v21 is better", "# /occi1.1: later")
    assert "\n/occi1.1: occi_api_11\n" in mounted(own)


def test_the_last_section_of_a_file_can_be_the_composite():
    text = mounted("[composite:osapi_compute]\n/: versions\n")
    assert text.startswith(
        "[composite:osapi_compute]\n/: versions\n/occi1.1: occi_api_11\n"
    )


def test_a_file_without_the_composite_is_refused_by_name():
    with pytest.raises(LabError, match=r"\[composite:osapi_compute\]"):
        mounted("[composite:metadata]\n/: meta\n")


PIPELINES = """\
# Before the pipelines.
[composite:api]
use = call:factory
noauth = cors noauth app
# Why here.
keystone = cors authtoken app
keystone_nolimit: cors authtoken app

[app:app]
paste.app_factory = a:b
"""

ISOLATION = """\
# What to do with this file.
[composite:api]
keystone = cors authtoken vo_isolation app
keystone_nolimit = cors authtoken vo_isolation app
keystone_other = cors vo_isolation app

[filter:vo_isolation]
paste.filter_factory = vo:f
"""


def test_a_line_takes_the_place_of_the_one_with_its_key_and_no_other_changes():
    before = PIPELINES.splitlines()
    before[5:7] = [
        "keystone = cors authtoken vo_isolation app",
        "keystone_nolimit = cors authtoken vo_isolation app",
        "keystone_other = cors vo_isolation app",
    ]
    wanted = [*before, "", "[filter:vo_isolation]", "paste.filter_factory = vo:f"]
    assert overlay(PIPELINES, ISOLATION).splitlines() == wanted


def test_a_second_overlay_changes_nothing():
    once = overlay(PIPELINES, ISOLATION)
    assert overlay(once, ISOLATION) == once


def test_a_line_in_a_comment_is_not_replaced():
    own = PIPELINES.replace("# Why here.", "# keystone = cors app")
    text = overlay(own, ISOLATION)
    assert "\n# keystone = cors app\nkeystone = cors authtoken vo_isolation app" in text


@pytest.mark.parametrize("service", ["nova", "cinder", "glance"])
def test_the_shipped_sections_put_the_filter_into_every_pipeline_of_users(service):
    """Of the services' own files, as they are installed."""
    root = Path(__file__).resolve().parents[3]
    own = {"nova": "nova/api-paste.ini", "cinder": "cinder/api-paste.ini"}
    place = own.get(service, "glance/glance-api-paste.ini")
    text = (Path(sys.prefix) / "etc" / place).read_text()
    shipped = (root / f"paste/{service}-api-paste-isolation.ini").read_text()
    pipelines = [
        line.partition("=")[2].split()
        for line in overlay(text, shipped).splitlines()
        if "authtoken" in line and "=" in line and "factory" not in line
    ]
    assert pipelines
    assert all(line.count("vo_isolation") == 1 for line in pipelines)
    end = "cache" if service == "glance" else None
    for line in pipelines:
        at = line.index("vo_isolation")
        assert line[at - 1] in ("keystonecontext", "context", "occi") or (
            line[at - 1] == "legacy_v2_compatible"
        )
        assert end in line[at + 1 :] or len(line) == at + 2
