# SPDX-License-Identifier: Apache-2.0
"""The lines for Nova's api-paste.ini against the file that Nova ships."""

import configparser
import sys
from pathlib import Path

import pytest
from paste import deploy

from vo_policy_ext.wsgi import Isolation

PASTE = Path(__file__).resolve().parents[4] / "paste"
OURS = PASTE / "nova-api-paste-isolation.ini"
STOCK = Path(sys.prefix) / "etc/nova/api-paste.ini"


def pipelines(*files):
    found = configparser.RawConfigParser(delimiters=("=", ":"), strict=True)
    assert len(found.read(files)) == len(files)
    return {
        name.partition(":")[2]: found[name]["keystone"].split()
        for name in found.sections()
        if found.has_option(name, "keystone")
    }


def test_each_pipeline_of_nova_gets_the_filter_and_no_other_change():
    stock, ours = pipelines(STOCK), pipelines(OURS)
    assert set(ours) == {*stock, "occi_api_11"}
    for name, pipeline in stock.items():
        assert ours[name] == [*pipeline[:-1], "vo_isolation", pipeline[-1]]


def test_the_filter_stands_between_occi_and_nova():
    occi = pipelines(PASTE / "nova-api-paste-occi.ini")["occi_api_11"]
    ours = pipelines(OURS)["occi_api_11"]
    assert ours == [*occi[:-1], "vo_isolation", occi[-1]]
    assert ours[-3:] == ["occi", "vo_isolation", "osapi_compute_app_v21"]


def test_paste_loads_the_filter():
    made = deploy.loadfilter(f"config:{OURS}", name="vo_isolation")
    assert isinstance(made(lambda environ, start_response: []), Isolation)


def test_paste_says_which_option_is_none(tmp_path):
    file = tmp_path / "api-paste.ini"
    file.write_text(OURS.read_text() + "exempt = bob\n")
    with pytest.raises(ValueError, match="no option exempt"):
        deploy.loadfilter(f"config:{file}", name="vo_isolation")
