# SPDX-License-Identifier: Apache-2.0
"""The paste snippet differs from the installed file by the filter alone."""

import configparser
import importlib
import sys
from pathlib import Path

import pytest

SECTION = "composite:api"
SNIPPET = "paste/glance-api-paste-isolation.ini"


def _read(path):
    parser = configparser.ConfigParser(interpolation=None)
    assert parser.read(path) == [str(path)]
    return parser


@pytest.fixture
def snippet():
    return _read(SNIPPET)


def test_each_pipeline_is_the_installed_one_with_the_filter(snippet):
    installed = _read(Path(sys.prefix) / "etc" / "glance/glance-api-paste.ini")[SECTION]
    ours = dict(snippet[SECTION])
    pipelines = [name for name in installed if name.startswith("keystone")]
    assert pipelines == [name for name in ours if name.startswith("keystone")]
    for name, value in ours.items():
        plain = [word for word in value.split() if word != "vo_isolation"]
        assert plain == installed[name].split()


def test_the_filter_stands_behind_the_context(snippet):
    for name, value in snippet[SECTION].items():
        if name.startswith("keystone"):
            words = value.split()
            at = words.index("vo_isolation")
            assert words[at - 1] in ("keystonecontext", "context")
            assert words[at + 1] in ("apiv3", "rootapp", "cache")


def test_the_factory_is_there(snippet):
    module, name = snippet["filter:vo_isolation"]["paste.filter_factory"].split(":")
    assert callable(getattr(importlib.import_module(module), name)({}))
