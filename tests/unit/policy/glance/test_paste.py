# SPDX-License-Identifier: Apache-2.0
"""The lines for glance-api-paste.ini against the file that Glance ships."""

from tests.unit.policy.shared.paste import Snippet
from vo_policy_ext.wsgi import Isolation

PASTE = Snippet(service="glance", installed="glance/glance-api-paste.ini")


def test_each_pipeline_is_the_installed_one_with_the_filter():
    PASTE.adds_the_filter_alone()


def test_the_filter_stands_behind_the_context():
    PASTE.stands(
        {
            "api keystone": "context vo_isolation rootapp",
            "api keystone+caching": "context vo_isolation cache",
            "api keystone+cachemanagement": "context vo_isolation cache",
        }
    )


def test_the_factory_is_there():
    made = PASTE.loaded()
    assert isinstance(made(lambda environ, start_response: []), Isolation)


def test_paste_says_which_option_is_none(tmp_path):
    PASTE.refuses_an_option(tmp_path)
