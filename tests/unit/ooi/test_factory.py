# SPDX-License-Identifier: Apache-2.0
"""The filter as PasteDeploy makes it in Nova's process."""

import configparser
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from ooi_ext import conf
from ooi_ext.wsgi import Filter, filter_factory
from tests.unit.ooi.cloud import Cloud

PASTE = Path(__file__).parents[3] / "paste" / "nova-api-paste-occi.ini"


def test_the_paste_file_names_the_factory() -> None:
    paste = configparser.ConfigParser()
    paste.read(PASTE)
    module, _, name = paste["filter:occi"]["paste.filter_factory"].partition(":")
    assert getattr(sys.modules[module], name) is filter_factory
    app = paste["composite:osapi_compute"]["/occi1.1"]
    pipeline = paste[f"composite:{app}"]["keystone"].split()
    assert pipeline[-3:] == ["keystonecontext", "occi", "osapi_compute_app_v21"]


def test_a_crash_of_nova_is_named_not_shown(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(environ: Any, start_response: Any) -> Any:
        raise RuntimeError("a secret of the database")

    made = filter_factory({})(crash)
    monkeypatch.setattr(Cloud, "filter", made)
    answer = cloud.send("GET", "/compute/")
    assert answer.status == 502
    assert answer.text.startswith("The compute service failed with 500")
    assert "secret" not in answer.text


def test_requests_at_once_do_not_meet(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [cloud.nova.add() for _ in range(40)]
    monkeypatch.setattr(Cloud, "filter", cloud.filter)

    def show(number: int) -> str:
        headers = {"Host": f"host-{number}"}
        return cloud.send("GET", f"/compute/{ids[number]}", headers=headers).text

    with ThreadPoolExecutor(8) as pool:
        for number, text in enumerate(pool.map(show, range(40))):
            assert f'occi.core.id="{ids[number]}"' in text
            assert text.count(f"http://host-{number}/occi1.1/") == 4
            assert text.count("http://host-") == 4


def test_options_reach_the_filter() -> None:
    filter_factory({})
    cfg.CONF.set_override("default_architecture", "", group="ooi")
    cfg.CONF.set_override("region_name", "north", group="ooi")
    cfg.CONF.set_override("endpoint_interface", "internal", group="ooi")
    cfg.CONF.set_override("timeout_seconds", 3, group="ooi")
    cfg.CONF.set_override("cafile", "/etc/ssl/ca.pem", group="ooi")
    try:
        made: Filter = filter_factory({})(None)
    finally:
        for option in conf.OPTIONS:
            cfg.CONF.clear_override(option.name, group="ooi")
    assert made.default_architecture == ""
    assert made.services.region_name == "north"
    assert made.services.interface == "internal"
    assert made.services.timeout_seconds == 3
    assert made.services.session.verify == "/etc/ssl/ca.pem"


def test_every_option_is_listed_and_explained() -> None:
    ((group, options),) = conf.list_opts()
    assert group == "ooi"
    assert options == conf.OPTIONS
    assert all(len(option.help) > 60 for option in options)


def test_importing_the_filter_imports_neither_nova_nor_eventlet() -> None:
    program = (
        "import sys, ooi_ext.wsgi, ooi_ext.conf; "
        "print([m for m in ('nova', 'eventlet', 'keystone') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert run.stdout.strip() == "[]", run.stderr
