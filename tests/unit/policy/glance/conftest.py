# SPDX-License-Identifier: Apache-2.0
"""Glance's own API v2, with its database in memory and our rules."""

import shutil

import pytest
from glance.common import config  # noqa: F401  (it registers the options)
from glance.db.sqlalchemy import api as db
from glance.db.sqlalchemy import models, models_metadef
from oslo_config import cfg
from oslo_db import options as db_options
from oslo_policy import opts as policy_options

from tests.unit.policy.glance.cloud import Cloud

CONF = cfg.CONF
RULES = "policy/shared-project/glance/50-vo.yaml"
PROTECTIONS = "policy/conf/glance/property-protections.conf"


@pytest.fixture
def glance_conf(tmp_path):
    """Set up Glance with our rules and in memory, and take it all back."""
    policies = tmp_path / "policy.d"
    policies.mkdir()
    shutil.copy(RULES, policies)
    shutil.copy(PROTECTIONS, tmp_path)
    db_options.set_defaults(CONF)
    policy_options.set_defaults(CONF)
    CONF([], project="glance", default_config_files=[])
    CONF.set_override("connection", "sqlite://", "database")
    CONF.set_override("policy_file", str(tmp_path / "none.yaml"), "oslo_policy")
    CONF.set_override("policy_dirs", [str(policies)], "oslo_policy")
    CONF.set_override("node_staging_uri", f"file://{tmp_path}/staging")
    yield CONF
    CONF.reset()
    for name, group in (
        ("connection", "database"),
        ("policy_file", "oslo_policy"),
        ("policy_dirs", "oslo_policy"),
        ("node_staging_uri", None),
        ("property_protection_file", None),
    ):
        CONF.clear_override(name, group)


@pytest.fixture
def protected(glance_conf, tmp_path):
    """Protect properties as the shipped file says."""
    glance_conf.set_override(
        "property_protection_file", str(tmp_path / "property-protections.conf")
    )


@pytest.fixture
def cloud(glance_conf):
    """Return a project with nothing in it yet."""
    engine = db.get_engine()
    models.BASE.metadata.drop_all(engine)
    models.BASE.metadata.create_all(engine)
    models_metadef.BASE_DICT.metadata.create_all(engine)
    return Cloud()
