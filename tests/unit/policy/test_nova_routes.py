# SPDX-License-Identifier: Apache-2.0
"""What Nova's table gives to whom."""

import pytest

from vo_policy_ext.nova_routes import TABLE
from vo_policy_ext.routes import Access

ROUTES = {route.path: route for route in TABLE.routes}


def paths(access):
    return {path for path, route in ROUTES.items() if route.access is access}


def test_the_lists():
    assert paths(Access.LIST) == {
        "/servers",
        "/servers/detail",
        "/os-volumes_boot",
        "/os-volumes_boot/detail",
    }


def test_the_query_of_each_list_does_it():
    assert not [path for path, route in ROUTES.items() if route.items]


def test_what_an_auditor_reads_of_one_server():
    read = {p for p in paths(Access.OWNED) if ROUTES[p].auditor}
    assert read == {
        "/servers/{server}",
        "/servers/{server}/ips",
        "/servers/{server}/ips/{network}",
        "/servers/{server}/metadata",
        "/servers/{server}/metadata/{key}",
        "/servers/{server}/os-instance-actions",
        "/servers/{server}/os-instance-actions/{request}",
        "/servers/{server}/os-interface",
        "/servers/{server}/os-interface/{port}",
        "/servers/{server}/os-volume_attachments",
        "/servers/{server}/os-volume_attachments/{volume}",
        "/servers/{server}/tags",
        "/servers/{server}/tags/{tag}",
        "/os-volumes_boot/{server}",
    }


def test_what_an_auditor_reads_of_the_project():
    read = {p for p in paths(Access.PROJECT) if ROUTES[p].auditor}
    assert read == {"/os-simple-tenant-usage/{project}"}


def test_what_services_do():
    assert {
        (path, *sorted(route.service))
        for path, route in ROUTES.items()
        if route.service
    } == {
        ("/servers/{server}", "GET"),
        ("/servers/{server}/os-volume_attachments/{volume}", "PUT"),
        ("/os-server-external-events", "POST"),
        ("/os-assisted-volume-snapshots", "POST"),
        ("/os-assisted-volume-snapshots/{snapshot}", "DELETE"),
    }
    assert {
        (path, *sorted(route.through_service))
        for path, route in ROUTES.items()
        if route.through_service
    } == {("/servers/{server}/os-volume_attachments/{volume}", "GET")}


@pytest.mark.parametrize(
    "path",
    [
        "/os-simple-tenant-usage/abc",
        "/os-server-groups",
        "/os-server-groups/0",
        "/os-migrations",
        "/os-hypervisors/1/servers",
        "/os-instance_usage_audit_log",
        "/os-console-auth-tokens/0",
        "/os-fping",
    ],
)
def test_what_shows_the_servers_of_others_is_closed(path):
    match = TABLE.match(path, project_id="abc")
    assert match is not None
    assert match.route.access is Access.PROJECT


@pytest.mark.parametrize("path", ["/servers", "/os-volumes_boot"])
def test_what_a_new_server_may_name(path):
    assert {(r.at, r.kind) for r in ROUTES[path].references} == {
        ((hints, name), kind)
        for hints in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")
        for name, kind in (
            ("same_host", "server"),
            ("different_host", "server"),
            ("group", "server_group"),
            ("query", "host_query"),
        )
    }
