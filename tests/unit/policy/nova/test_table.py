# SPDX-License-Identifier: Apache-2.0
"""The table against the routes of the installed Nova."""

import re

from nova.api.openstack.compute.routes import ROUTE_LIST

from vo_policy_ext.nova_routes import TABLE
from vo_policy_ext.routes import Access

METHODS = {
    path: frozenset() if isinstance(methods, str) else frozenset(methods)
    for path, methods in ROUTE_LIST
}
_NAME = re.compile(r"\{[a-z_]+\}")


def shape(path):
    """A path without the names of its parameters: ours are of another kind."""
    return _NAME.sub("{}", path)


OURS = {shape(route.path): route for route in TABLE.routes}


def test_the_table_has_each_path_of_nova_and_no_other():
    assert {shape(path) for path in METHODS} == set(OURS)
    assert len(OURS) == len(TABLE.routes) == len(ROUTE_LIST)


def test_each_path_matches_its_own_route():
    for path in METHODS:
        real = _NAME.sub("0", path)
        for prefix in ("", "/abc") if path else ("",):
            match = TABLE.match(prefix + real, project_id="abc")
            assert match is not None, path
            assert match.route is OURS[shape(path)], path


def test_methods_of_services_are_novas():
    for path, methods in METHODS.items():
        route = OURS[shape(path)]
        assert route.service <= methods, path
        assert route.through_service <= methods, path
        assert {r.method for r in route.references} <= methods, path


def test_each_path_of_one_server_is_owned():
    for path in METHODS:
        route = OURS[shape(path)]
        of_a_server = re.match(r"/(servers|os-volumes_boot)/\{", path)
        assert (route.access is Access.OWNED) == bool(of_a_server), path
        if of_a_server:
            assert route.parameters[0] == "server"


def test_each_creation_of_a_server_is_looked_into():
    creations = {
        path
        for path, methods in ROUTE_LIST
        if not isinstance(methods, str)
        and "POST" in methods
        and methods["POST"][1] == "create"
        and path in ("/servers", "/os-volumes_boot")
    }
    assert creations == {"/servers", "/os-volumes_boot"}
    assert {r.path for r in TABLE.routes if r.references} == creations
