# SPDX-License-Identifier: Apache-2.0
"""What OpenStack's words mean in OCCI."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.api.openstack import common
from ooi_ext import kinds, translate
from ooi_ext.model import Resource
from tests.unit.ooi.cloud import FLAVORS, SERVER


def shown(**changes: Any) -> Resource:
    server = {"id": "7", **SERVER, **changes}
    return translate.compute(
        server, url="http://x/compute/7", flavors=FLAVORS, architecture="x64"
    )


@pytest.mark.parametrize(
    ("status", "state", "actions"),
    [
        ("ACTIVE", "active", "stop restart suspend save"),
        ("REBOOT", "active", ""),
        ("BUILD", "inactive", ""),
        ("SHUTOFF", "inactive", "start save"),
        ("SHELVED_OFFLOADED", "inactive", "start"),
        ("SUSPENDED", "suspended", "start save"),
        ("PAUSED", "suspended", "start save"),
        ("ERROR", "error", ""),
        ("UNKNOWN", "inactive", ""),
        ("A_NEW_STATUS", "inactive", ""),
    ],
)
def test_states(status: str, state: str, actions: str) -> None:
    resource = shown(status=status)
    assert dict(resource.attributes)["occi.compute.state"] == state
    assert [link.target for link in resource.links] == [
        f"http://x/compute/7?action={name}" for name in actions.split()
    ]


def test_every_status_of_nova_has_a_state() -> None:
    ours = set(translate.STATES)
    theirs = {s for by_task in common._STATE_MAP.values() for s in by_task.values()}
    assert theirs - ours == set()


def test_booted_from_a_volume() -> None:
    resource = shown(image="")
    assert [m.term for m in resource.mixins] == ["1"]
    assert dict(resource.attributes)["occi.compute.architecture"] == "x64"


def test_a_flavor_that_is_gone_leaves_its_size() -> None:
    flavor = {"original_name": "deleted", "vcpus": 3, "ram": 1536}
    resource = shown(flavor=flavor)
    assert [m.depends for m in resource.mixins] == [(kinds.OS_TPL.identifier,)]
    attributes = dict(resource.attributes)
    assert attributes["occi.compute.cores"] == 3
    assert attributes["occi.compute.memory"] == 1.5


def test_a_server_of_a_cell_that_is_down() -> None:
    resource = translate.compute(
        {"id": "7", "status": "UNKNOWN"}, url="u", flavors=(), architecture=""
    )
    assert resource.attributes == (
        ("occi.core.id", "7"),
        ("occi.compute.state", "inactive"),
    )


def test_the_reason_of_an_error_is_told() -> None:
    fault = {"code": 500, "message": "No valid host was found."}
    attributes = dict(shown(status="ERROR", fault=fault).attributes)
    assert attributes["occi.compute.state.message"] == "No valid host was found."


@pytest.mark.parametrize(
    ("properties", "architecture"),
    [
        ({}, "x64"),
        ({"hw_architecture": "x86_64"}, "x64"),
        ({"hw_architecture": "i686"}, "x86"),
        ({"architecture": "i386"}, "x86"),
        # the standard has no word for it, and x64 would be wrong
        ({"hw_architecture": "aarch64"}, None),
    ],
)
def test_architectures(properties: dict[str, str], architecture: str | None) -> None:
    attributes = dict(shown(image={"id": "9", "properties": properties}).attributes)
    assert attributes.get("occi.compute.architecture") == architecture


def test_what_nova_is_about_to_do_is_told() -> None:
    server = {"OS-EXT-STS:task_state": "spawning", "status": "BUILD"}
    attributes = dict(shown(**server).attributes)
    assert attributes["occi.compute.state.message"] == "Nova's task: spawning"


@pytest.mark.parametrize(
    ("specs", "share"),
    [({"quota:cpu_shares": "200"}, 200), ({"quota:cpu_shares": "x"}, None), ({}, None)],
)
def test_the_share_is_the_flavors(specs: dict[str, str], share: int | None) -> None:
    flavor = {"original_name": "m1.tiny", "vcpus": 1, "ram": 512, "extra_specs": specs}
    attributes = dict(shown(flavor=flavor).attributes)
    assert attributes.get("occi.compute.share") == share


@pytest.mark.parametrize(
    ("key_name", "attribute"),
    [
        ("mine", "mine"),
        ("occi-x", "occi-x"),
        # the name of a pair that was there for one request
        ("occi-70f2d2b0-5f8e-4f0a-9d8e-5c3b1f7a9e11", None),
    ],
)
def test_a_key(key_name: str, attribute: str | None) -> None:
    resource = shown(key_name=key_name)
    assert kinds.PUBLIC_KEY in resource.mixins
    name = "org.openstack.credentials.publickey.name"
    assert dict(resource.attributes).get(name) == attribute


def test_the_zone_is_a_mixin() -> None:
    resource = shown(**{"OS-EXT-AZ:availability_zone": "AZ One"})
    (zone,) = (m for m in resource.mixins if m.scheme == kinds.ZONE_TEMPLATE)
    assert zone.depends == (kinds.AVAILABILITY_ZONE.identifier,)
    assert zone.term == translate.term_of("AZ One")


@given(st.text(min_size=1))
def test_terms_are_safe_and_told_apart(identifier: str) -> None:
    term = translate.term_of(identifier)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", term)
    if term != identifier:
        assert translate.is_made(term)
    assert translate.named_by([{"id": "other"}, {"id": identifier}], term) == {
        "id": identifier
    }


def test_an_id_is_found_before_a_term_that_looks_the_same() -> None:
    odd = {"id": "M1.Large"}
    taken = {"id": translate.term_of("M1.Large")}
    assert translate.named_by([odd, taken], taken["id"]) == taken
    assert translate.named_by([odd], taken["id"]) == odd
    assert translate.named_by([odd], "none") is None
