# SPDX-License-Identifier: Apache-2.0
"""OCCI is mounted in Nova's api-paste.ini, whatever else is in there."""

import pytest

from tests.lab.api_paste import mount
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
