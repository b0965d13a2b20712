# SPDX-License-Identifier: Apache-2.0
"""The table has each path of the installed Cinder's API, and no other."""

import re

from vo_policy_ext.cinder_routes import ROUTES


def _answers(controller, action):
    """Return whether a controller does something at a route of its router."""
    inner = controller.controller
    if action == "action":
        return bool(controller.wsgi_actions)
    versioned = getattr(type(inner), "versioned_methods", None) or {}
    return action in versioned or any(
        action in vars(base) for base in type(inner).__mro__
    )


def _plain(path):
    path = re.sub(r"^/\{project_id[^}]*\}", "", path).replace(".:(format)", "")
    return re.sub(r":\(?\w+\)?|\{\w+\}", "*", path)


def test_the_table_is_the_router(cinder_api):
    found = {
        _plain(route.routepath)
        for route in cinder_api.map.matchlist
        if "controller" in route.defaults
        and _answers(route.defaults["controller"], route.defaults["action"])
    }
    # Its route stands in the router, and nothing answers there.
    table = {_plain(route.path) for route in ROUTES} - {"/attachments/summary"}
    assert table == found
    assert len(found) > 90


def test_all_is_reached_by_the_project_too(cinder_api):
    with_project = {
        _plain(route.routepath)
        for route in cinder_api.map.matchlist
        if route.routepath.startswith("/{project_id")
    }
    assert "/volumes/*" in with_project
