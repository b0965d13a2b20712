# SPDX-License-Identifier: Apache-2.0
"""Each scenario of the DevStack plugin holds, and notices a line that is missing."""

import subprocess
from pathlib import Path

import pytest

from tests.devstack import expected, scenarios
from tests.devstack.mutate import lines_of, missed
from tests.devstack.world import CHECKOUT, PREFIX, REAL, STACK, world


@pytest.mark.parametrize("scenario", scenarios.ALL, ids=lambda one: one.__name__)
def test_scenario(scenario):
    scenario(CHECKOUT)


def test_the_real_ooi_manage_edits_novas_file_once():
    with world() as host:
        host.use_ooi_manage(REAL)
        paste = "etc/nova/api-paste.ini"
        host.run("stack:post-config")
        edited = host.text(paste)
        assert host.ini(paste, "composite:osapi_compute")["/occi1.1"] == "occi_api_11"
        for api in ("openstack_compute_api_v21", "occi_api_11"):
            words = host.ini(paste, f"composite:{api}")["keystone"].split()
            assert words[-2:] == ["vo_isolation", "osapi_compute_app_v21"]
        host.run("stack:post-config")
        assert host.text(paste) == edited
        host.run("unstack")
        folder = {n: v for n, v in host.tree().items() if n.startswith("etc/nova")}
        assert folder == {
            n: v for n, v in host.pristine.items() if n.startswith("etc/nova")
        }


@pytest.mark.parametrize("number", lines_of("plugin.sh"))
def test_no_line_of_plugin_sh_can_be_left_out(number):
    assert missed("plugin.sh", number, scenarios.DISPATCH) == ""


def test_the_scenarios_do_not_fail_without_a_comment():
    assert missed("plugin.sh", 1, scenarios.DISPATCH).startswith("# SPDX")


def test_the_documented_local_conf_sets_what_there_is():
    """Each FEDCLOUD_ name of the page is one of devstack/settings."""
    page = (CHECKOUT / "doc/source/contributor/devstack.rst").read_text()
    settings = (CHECKOUT / "devstack/settings").read_text()
    named = {word.strip("`=.,:") for word in page.replace("=", " ").split()}
    named = {word for word in named if word.startswith("FEDCLOUD_")}
    assert named
    for name in named:
        assert f"{name}=${{{name}" in settings


def test_tempest_knows_the_options_that_are_written():
    from fedcloud_tempest_plugin.config import OPTS

    with world() as host:
        host.run(*STACK)
        written = host.ini("etc/tempest/tempest.conf", "fedcloud")
    assert set(written) <= {option.name for option in OPTS}


def test_the_shipped_virtual_host_takes_the_variables():
    shipped = (CHECKOUT / "deploy/apache/keystone-voms.conf").read_text()
    defined = [
        line.split()[1] for line in expected.SITE.splitlines() if line[:7] == "Define "
    ]
    for name in defined:
        assert f"${{{name}}}" in shipped


def test_shell_files_are_clean():
    shell = (
        CHECKOUT / "devstack/plugin.sh",
        *sorted((CHECKOUT / "devstack/lib").iterdir()),
        *sorted((CHECKOUT / "tests/devstack").glob("*.sh")),
    )
    subprocess.run(
        [
            PREFIX / "bin/bashate",
            "--ignore",
            "E006",
            *shell,
            CHECKOUT / "devstack/settings",
        ],
        check=True,
    )
    for file in shell:
        assert len(Path(file).read_text().splitlines()) < 200
