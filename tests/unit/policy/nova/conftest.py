# SPDX-License-Identifier: Apache-2.0
"""A Nova of one process: its own API, with databases in files and no computes.

Needs a process of its own: Nova's options are global, and clash with Cinder's and
Glance's.
"""

from pathlib import Path

import pytest
from nova import config, policy
from nova.db.api import api as api_db
from nova.db.api import models as api_models
from nova.db.main import api as main_db
from nova.db.main import models as main_models
from nova.network import security_group_api

from tests.unit.policy.nova.site import Nova

ROOT = Path(__file__).resolve().parents[4]
RULE_SET = ROOT / "policy/shared-project/nova/50-vo.yaml"


@pytest.fixture(scope="session")
def _nova(tmp_path_factory) -> Path:
    """Set Nova up; return the folder of rules that its policy reads."""
    place = tmp_path_factory.mktemp("nova")
    (place / "policy.d").mkdir()
    (place / "nova.conf").write_text(
        "[DEFAULT]\ntransport_url = fake:/\n"
        f"[api_database]\nconnection = sqlite:///{place}/api.sqlite\n"
        f"[database]\nconnection = sqlite:///{place}/cell.sqlite\n"
        f"[oslo_policy]\npolicy_dirs = {place}/policy.d\n"
        "policy_file = nothing.yaml\n"
        f"[oslo_concurrency]\nlock_path = {place}\n"
    )
    config.parse_args(
        ["nova", "--config-file", str(place / "nova.conf")], default_config_files=[]
    )
    api_models.BASE.metadata.create_all(api_db.get_engine())
    main_models.BASE.metadata.create_all(main_db.get_engine())
    return place / "policy.d"


@pytest.fixture(scope="session")
def _site(_nova: Path) -> Nova:
    return Nova()


@pytest.fixture
def site(_site: Nova, _nova: Path, request, monkeypatch) -> Nova:
    """Nova with our rule set; parametrized with `stock`, with Nova's own rules."""
    stock = getattr(request, "param", "") == "stock"
    rules = "" if stock else RULE_SET.read_text()
    file = _nova / "50-vo.yaml"
    if not file.exists() or file.read_text() != rules:
        file.write_text(rules)
        policy.reset()
        policy.init(suppress_deprecation_warnings=True)
    # Neutron is not there.
    monkeypatch.setattr(
        security_group_api,
        "get_instances_security_groups_bindings",
        lambda *given: {},
    )
    _site.renew()
    return _site
