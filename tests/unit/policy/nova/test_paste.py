# SPDX-License-Identifier: Apache-2.0
"""The lines for Nova's api-paste.ini against the file that Nova ships."""

from tests.unit.policy.shared.paste import Snippet
from vo_policy_ext.wsgi import Isolation

PASTE = Snippet(
    service="nova", installed="nova/api-paste.ini", more=("nova-api-paste-occi.ini",)
)
API, OLD = "openstack_compute_api_v21", "legacy_v2_compatible"
APP = "osapi_compute_app_v21"


def test_each_pipeline_of_nova_gets_the_filter_and_no_other_change():
    PASTE.adds_the_filter_alone()


def test_the_filter_stands_between_occi_and_nova():
    PASTE.stands(
        {
            f"{API} keystone": f"keystonecontext vo_isolation {APP}",
            f"{API}_{OLD} keystone": f"{OLD} vo_isolation {APP}",
            "occi_api_11 keystone": f"occi vo_isolation {APP}",
        }
    )


def test_paste_loads_the_filter():
    made = PASTE.loaded()
    assert isinstance(made(lambda environ, start_response: []), Isolation)


def test_paste_says_which_option_is_none(tmp_path):
    PASTE.refuses_an_option(tmp_path)
