# SPDX-License-Identifier: Apache-2.0
"""The paths of Cinder, by hand: what each gives access to."""

import json

import pytest

from vo_policy_ext.cinder_routes import (
    ACTION,
    DETACHING,
    FILTERED,
    MARKERS,
    NARROWED,
    NEVER,
    RAISED,
    ROUTES,
    TABLE,
    collection,
    parameters,
)
from vo_policy_ext.routes import Access

UUID = "0f0f0f0f-0000-4000-8000-00000000abcd"
KINDS = {
    "volumes": "volume",
    "snapshots": "snapshot",
    "backups": "backup",
    "attachments": "attachment",
    "groups": "group",
    "group_snapshots": "group_snapshot",
    "consistencygroups": "group",
    "cgsnapshots": "group_snapshot",
    "volume-transfers": "transfer",
    "os-volume-transfer": "transfer",
    "messages": "message",
}


def _match(path):
    return TABLE.match(path, project_id="abc")


@pytest.mark.parametrize(("of", "kind"), KINDS.items())
@pytest.mark.parametrize("prefix", ["", "/abc"])
def test_one_resource_is_its_owners(of, kind, prefix):
    assert _match(f"{prefix}/{of}/{UUID}").owned == (kind, UUID)
    assert _match(f"{prefix}/{of}").route.access is Access.LIST
    assert _match(f"/def/{of}/{UUID}") is None


@pytest.mark.parametrize("of", KINDS)
def test_every_list_is_narrowed_by_the_query_or_in_the_answer(of):
    lists = [r for r in ROUTES if r.access is Access.LIST and collection(r) == of]
    assert lists
    assert all(r.items is not None or of in NARROWED for r in lists)


def test_all_below_one_resource_is_its_owners():
    for route in ROUTES:
        of = collection(route)
        if of in KINDS and "{" in route.path and not route.path.endswith("/accept"):
            assert (route.access, route.parameters[0]) == (Access.OWNED, KINDS[of])


def test_a_service_passes_on_what_lets_go_of_a_volume_and_no_more():
    through = {r.path: set(r.through_service) for r in ROUTES if r.through_service}
    assert through == {ACTION: {"POST"}, "/attachments/{attachment}": {"DELETE"}}
    assert all("detach" in a or "terminate" in a for a in DETACHING)


@pytest.mark.parametrize("path", ["/volumes/{volume}/encryption", "/attachments/detail",
    "/volumes/{volume}/encryption/{key}", "/attachments/{attachment}",
    "/volume-transfers/{transfer}", "/backups/{backup}/export_record"])  # fmt: skip
def test_secrets_are_not_for_an_auditor(path):
    (route,) = [r for r in ROUTES if r.path == path]
    assert not route.auditor


def test_the_lists_of_a_query_agree():
    assert set(RAISED) < set(NARROWED)
    assert set(NARROWED) < set(MARKERS)
    assert {of for of, resource in NARROWED.items() if resource} < set(FILTERED)
    for of in KINDS:
        assert {"limit", "marker"} <= parameters(of)
        assert not parameters(of) & NEVER
    assert "with_count" in parameters("volumes")


def test_the_shipped_filters_have_the_owner():
    with open("policy/conf/cinder/resource_filters.json", encoding="utf-8") as file:
        shipped = json.load(file)
    for resource in NARROWED.values():
        assert resource is None or "user_id" in shipped[resource]
    for names in shipped.values():
        assert not (NEVER - {"user_id"}) & set(names)
