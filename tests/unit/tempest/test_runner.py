# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.tempest`, as far as it goes without a lab."""

import configparser
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from oslo_config import cfg

from fedcloud_tempest_plugin import config
from tests.lab import rendering
from tests.lab.lab import Lab
from tests.lab.settings import ISOLATION, OFF, Settings
from tests.tempest import __main__ as command
from tests.tempest import results, settings, stock
from tests.tempest.running import Tempest, TempestError

ROOT = Path(__file__).resolve().parents[3]
ENVIRON = {
    "LAB_PROXIES": "/lab/grid/proxies",
    "OS_AUTH_URL": "https://127.0.0.1:15000/v3",
    "OS_CACERT": "/lab/grid/ca.pem",
    "OS_PROJECT_NAME": "dteam",
    "OS_PROJECT_DOMAIN_NAME": "Default",
    "OCCI_ENDPOINT": "http://127.0.0.1:15003/occi1.1",
}
FACTS = settings.Facts(
    image="i",
    flavor="f",
    larger_flavor="l",
    network="n",
    outside_network="o",
    admin_password="secret",
)
TABLE = """\
test,status,start_time,stop_time
"a.T.test_one[id-1,smoke]",success,1,2
a.T.test_two[id-2],fail,1,2
a.T.test_three,skip,1,2
a.T.test_four,xfail,1,2
"""


def read():
    """Return a reader that takes [DEFAULT] for a section like the others."""
    return configparser.ConfigParser(interpolation=None, default_section="")


def conf_of(isolation):
    values = settings.sections(
        FACTS, ENVIRON, isolation=isolation, folder=Path("/lab/tempest")
    )
    found = read()
    found.read_string(settings.render(values))
    return found


@pytest.mark.parametrize("isolation", ISOLATION)
def test_each_option_of_ours_is_one_that_the_plugin_has(tmp_path, isolation):
    file = tmp_path / "tempest.conf"
    found = conf_of(isolation)
    with file.open("w") as opened:
        found.write(opened)
    conf = cfg.ConfigOpts()
    for group, options in config.list_opts():
        conf.register_opts(options, group=group)
    conf(["--config-file", str(file)])
    known = {one.name for one in config.OPTS}
    for name, text in found["fedcloud"].items():
        assert name in known
        assert str(conf.fedcloud[name]) == text
    assert conf.fedcloud.isolation == isolation
    # Whatever is left empty would be skipped.
    optional = {one for one in known if one.endswith("_proxy")}
    assert all(conf.fedcloud[name] for name in (*optional, "foreign_project"))


def test_the_table_is_counted():
    found = results.read(TABLE)
    assert str(found) == "4 run, 1 passed, 2 failed, 1 skipped"
    assert found.named(results.PASSED) == ("a.T.test_one",)
    assert found.bad == ("a.T.test_four", "a.T.test_two")
    with pytest.raises(ValueError, match="no table"):
        results.read("Traceback")


def test_what_passes_without_our_parts_alone_is_lost():
    def of(**outcomes):
        return results.Results(outcomes=outcomes)

    without = of(a="success", b="success", c="success", d="fail", e="skip")
    having = of(a="success", b="fail", c="skip", d="success", e="success")
    assert results.lost(without=without, having=having) == ("b", "c")
    assert results.lost(without=without, having=without) == ()
    # A test that did not run at all has not passed.
    assert results.lost(without=of(a="success"), having=of()) == ("a",)


def test_a_stock_keystone_has_no_word_of_ours():
    lab = Settings(root=Path("/lab"), port_base=15000, source=ROOT, venv=Path("/v"))
    template = (ROOT / "tests/lab/etc/keystone.conf").read_text()
    words = rendering.words(lab, password="p", voms=True)
    words["primary_methods"] = "additional_primary_auth_methods = voms"
    having = rendering.render(template, lab, words)
    assert having.count("= voms\n") == 3
    without = stock.without_voms(having)
    found = read()
    found.read_string(without)
    assert found["auth"]["methods"] == ",".join(rendering.STOCK_METHODS)
    assert set(found["auth"]) == {"methods"}
    assert not found.has_section("voms")
    before = read()
    before.read_string(having)
    assert set(before.sections()) - set(found.sections()) == {"voms"}


def programs(folder, *, table=TABLE):
    """Write the three programs; return the one that is called tempest."""
    (folder / "table").write_text(table)
    for name, line in (
        ("tempest", f'echo "$@" > {folder}/asked'),
        ("stestr", "echo record"),
        ("subunit2csv", f'read record; [ "$record" = record ] && cat {folder}/table'),
    ):
        file = folder / name
        file.write_text(f"#!/bin/sh\n{line}\n")
        file.chmod(0o700)
    return folder / "tempest"


def tempest(tmp_path, **more):
    found = Tempest(
        program=programs(tmp_path, **more),
        folder=tmp_path / "run",
        environ={"PATH": "/usr/bin:/bin"},
    )
    found.configure("[auth]\n")
    return found


def test_the_results_are_those_that_tempest_recorded(tmp_path):
    found = tempest(tmp_path).run("fedcloud", at_once=2)
    assert found == results.read(TABLE)
    asked = (tmp_path / "asked").read_text().split()
    assert asked[0] == "run"
    assert {"--regex=fedcloud", "--concurrency=2"} <= set(asked)


def test_the_configuration_is_its_owner_s_alone(tmp_path):
    there = tempest(tmp_path)
    (there.folder / "left").write_text("of the last run")
    there.configure("[auth]\n")
    (file,) = there.folder.iterdir()
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("[auth]\n", 0o600)


def test_a_run_of_nothing_is_an_error(tmp_path):
    there = tempest(tmp_path, table="test,status,start_time,stop_time\n")
    with pytest.raises(TempestError, match="found no test for 'fedcloud'"):
        there.run("fedcloud", at_once=1)


def test_a_tempest_that_is_not_there_is_named(tmp_path):
    there = tempest(tmp_path)
    there.program.unlink()
    with pytest.raises(TempestError, match="--tempest"):
        there.run("fedcloud", at_once=1)


def test_a_skipped_test_of_ours_is_a_fault_unless_isolation_is_off():
    found = results.read(TABLE)
    strict = command._faults(found, skips=False)
    assert "was skipped: a.T.test_three" in strict
    assert {"fails: a.T.test_two", "fails: a.T.test_four"} < set(strict)
    assert command._faults(found, skips=True) == [
        "fails: a.T.test_four",
        "fails: a.T.test_two",
    ]
    assert OFF in ISOLATION


@dataclass
class Answered:
    """Stands in for an answer of requests."""

    status_code: int
    text: str = ""
    headers: dict = field(default_factory=dict)


STOCK_LOGIN = Answered(401, "Attempted to authenticate with an unsupported method.")
STOCK_NOVA = Answered(404, headers={"Server": "Cheroot/11"})


@pytest.mark.parametrize(
    ("login", "nova", "named"),
    [
        (STOCK_LOGIN, STOCK_NOVA, ""),
        (Answered(201, '{"token": {}}'), STOCK_NOVA, "a VOMS login is answered 201"),
        (
            Answered(401, "The VOMS login was refused."),
            STOCK_NOVA,
            "a VOMS login is answered 401",
        ),
        (
            STOCK_LOGIN,
            Answered(401, headers={"Server": "OCCI/1.2"}),
            "OCCI answers 401",
        ),
    ],
)
def test_a_lab_that_is_not_stock_is_noticed(monkeypatch, login, nova, named):
    class Session:
        trust_env = True

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def post(self, url, **_):
            assert url == "https://127.0.0.1:15000/v3/auth/tokens"
            return login

        def get(self, url, **_):
            assert url == "http://127.0.0.1:15003/occi1.1/-/"
            return nova

    monkeypatch.setattr(stock.requests, "Session", Session)
    lab = Settings(root=Path("/lab"), port_base=15000, source=ROOT, venv=Path("/v"))
    left = stock._left(Lab(lab))
    assert left.startswith(named) if named else left == ""
