# SPDX-License-Identifier: Apache-2.0
"""The Tempest plugin, as far as it can be judged without a cloud."""

import ast
from pathlib import Path

import pytest
from oslo_config import cfg

from fedcloud_tempest_plugin import config
from fedcloud_tempest_plugin.plugin import FedcloudPlugin

PACKAGE = Path(config.__file__).parent


@pytest.fixture
def conf():
    """Return a configuration of its own that knows the options."""
    found = cfg.ConfigOpts()
    FedcloudPlugin().register_opts(found)
    found([])
    return found


def decorated():
    """Yield each test, and what its decorators are called with, by their names."""
    for path in sorted((PACKAGE / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield (
                    f"{path.name}:{node.name}",
                    {one.func.attr: one for one in node.decorator_list},
                )


def test_tempest_finds_the_tests_and_the_options():
    plugin = FedcloudPlugin()
    tests, top = (Path(folder) for folder in plugin.load_tests())
    assert tests == PACKAGE / "tests"
    assert top == PACKAGE.parent
    ((name, options),) = plugin.get_opt_lists()
    assert name == "fedcloud"
    assert {one.name for one in options} == {one.name for one in config.OPTS}


def test_each_option_says_what_it_is():
    for one in config.OPTS:
        assert one.help.endswith("."), one.name
        assert one.default is not None, one.name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("isolation", "some"),
        ("http_timeout", "0"),
        ("http_timeout", "601"),
        ("http_timeout", "long"),
        ("v2", "perhaps"),
    ],
)
def test_a_value_out_of_bounds_is_refused(tmp_path, name, value):
    file = tmp_path / "tempest.conf"
    file.write_text(f"[fedcloud]\n{name} = {value}\n")
    found = cfg.ConfigOpts()
    FedcloudPlugin().register_opts(found)
    with pytest.raises((ValueError, cfg.ConfigFileValueError)):
        found(["--config-file", str(file)])
        found.fedcloud[name]


def test_without_a_word_isolation_is_tested_and_occi_is_not(conf):
    assert conf.fedcloud.isolation == config.SHARED_PROJECT
    assert conf.fedcloud.occi_endpoint == ""
    assert conf.fedcloud.v2 is True


def test_each_test_has_an_id_of_its_own():
    found = {
        test: ast.literal_eval(decorators["idempotent_id"].args[0])
        for test, decorators in decorated()
    }
    assert len(found) > 30
    assert len(set(found.values())) == len(found)


def test_some_tests_of_each_kind_are_smoke_tests():
    smoke = {
        test.partition(":")[0]
        for test, decorators in decorated()
        if "attr" in decorators
        and "smoke" in ast.unparse(decorators["attr"].keywords[0].value)
    }
    assert smoke == {path.name for path in PACKAGE.rglob("test_*.py")}
