# SPDX-License-Identifier: Apache-2.0
"""Cinder's own API v3, with its database in memory."""

import oslo_messaging.conffixture
import pytest
from cinder import objects, rpc
from cinder.api import common, extensions
from cinder.common import config  # noqa: F401  (it registers the options)
from cinder.db import api as db
from cinder.db import models
from oslo_config import cfg

from tests.unit.policy.cinder.cloud import Cloud

CONF = cfg.CONF
SHIPPED = "policy/conf/cinder/resource_filters.json"


@pytest.fixture(scope="session")
def cinder_api(tmp_path_factory):
    """Return Cinder's router, made once: it keeps much in global places."""
    objects.register_all()
    # It looks into what register_all has made.
    from cinder.api.v3 import router

    home = tmp_path_factory.mktemp("cinder")
    filters = home / "resource_filters.json"
    with open(SHIPPED, encoding="utf-8") as file:
        filters.write_text(file.read(), encoding="utf-8")
    (home / "policy.yaml").write_text("{}\n", encoding="utf-8")
    CONF([], project="cinder", default_config_files=[])
    CONF.set_override("connection", "sqlite://", "database")
    CONF.set_override("resource_query_filters_file", str(filters))
    CONF.set_override("policy_file", str(home / "policy.yaml"), "oslo_policy")
    messaging = oslo_messaging.conffixture.ConfFixture(CONF)
    messaging.setUp()
    messaging.transport_url = "fake:/"
    rpc.init(CONF)
    # Nobody answers: what would ask a volume's host has got past the filter.
    CONF.set_override("rpc_response_timeout", 1)
    CONF.set_override(
        "osapi_volume_extension", ["cinder.api.contrib.standard_extensions"]
    )
    models.BASE.metadata.create_all(db.get_engine())
    return router.APIRouter(extensions.ExtensionManager())


@pytest.fixture
def filters(cinder_api, monkeypatch):
    """Return the resource filters that Cinder has loaded, free to be changed."""
    loaded = {k: list(v) for k, v in common.get_enabled_resource_filters().items()}
    monkeypatch.setattr(common, "_FILTERS_COLLECTION", loaded)
    return loaded


@pytest.fixture
def cloud(cinder_api, filters):
    """Return a project with nothing in it yet."""
    return Cloud(cinder_api)
