# SPDX-License-Identifier: Apache-2.0
"""The paths of Glance, by hand: what each gives access to."""

import pytest

from vo_policy_ext.glance_routes import TABLE
from vo_policy_ext.routes import Access

UUID = "0f0f0f0f-0000-4000-8000-00000000abcd"


def _match(path):
    return TABLE.match(path, project_id="p")


@pytest.mark.parametrize("below", ["", "/file", "/stage", "/import", "/locations",
    "/members", "/members/x", "/tags/x", "/actions/deactivate"])  # fmt: skip
def test_below_an_image_all_is_of_the_image(below):
    assert _match(f"/v2/images/{UUID}{below}").owned == ("image", UUID)


def test_the_tasks_of_an_image_are_of_its_owner_alone():
    assert _match(f"/v2/images/{UUID}/tasks").owned == ("own_image", UUID)


@pytest.mark.parametrize("path", ["/v2/tasks", "/v2/tasks/x", "/v2/cache",
    "/v2/cache/x", "/v2/cache/clean", "/v2/cache/nodes/x"])  # fmt: skip
def test_what_is_the_operators(path):
    route = _match(path).route
    assert (route.access, route.auditor) == (Access.PROJECT, False)


@pytest.mark.parametrize("path", ["", "/v2", "/v1/images", "/v2/images/x/y", "/images",
    "/v2/images//file", "/v2/images/../tasks", "/v2/shared-images/x"])  # fmt: skip
def test_what_glance_does_not_have(path):
    assert _match(path) is None


def test_no_user_gets_through_by_a_service_token():
    assert not any(route.through_service for route in TABLE.routes)


@pytest.mark.parametrize("below", ["/file", "/stage", "/locations", "/tasks"])
def test_what_an_auditor_does_not_read(below):
    assert not _match(f"/v2/images/{UUID}{below}").route.auditor
    assert _match(f"/v2/images/{UUID}").route.auditor
