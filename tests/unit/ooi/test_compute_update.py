# SPDX-License-Identifier: Apache-2.0
"""Changing a machine: a part of it (POST), all of it (PUT), its size."""

from typing import Any

import pytest

from ooi_ext import kinds
from tests.unit.ooi.cloud import IMAGE_ID, Cloud
from tests.unit.ooi.test_compute import attribute

KIND = 'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; '
KIND += 'class="kind"'
NEXT = "5f1a2d4e-0000-4000-8000-5c3b1f7a9e22"


def size(term: str) -> str:
    """Return the mixin as rOCCI sends it: the whole definition."""
    return (
        f'Category: {term};scheme="{kinds.RESOURCE_TEMPLATE}";class="mixin";'
        f'title="Flavor";rel="{kinds.RESOURCE_TPL.identifier}";'
        f'location="http://cloud.example.org/occi1.1/resource_tpl/{term}/"'
    )


def image(term: str) -> str:
    return f'Category: {term}; scheme="{kinds.OS_TEMPLATE}"; class="mixin"'


def changed(cloud: Cloud) -> list[tuple[str, Any]]:
    """Return the method and body of all that changes something."""
    return [(m, asked) for m, _, asked in cloud.nova.requests if m in ("PUT", "POST")]


def test_names_are_changed(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    lines = (
        attribute("occi.core.title", "new"),
        attribute("occi.core.summary", "why"),
        attribute("occi.compute.hostname", "new.example.org"),
    )
    answer = cloud.send("POST", f"/compute/{server_id}", "\n".join(lines))
    assert answer.status == 200
    assert changed(cloud) == [
        (
            "PUT",
            {
                "server": {
                    "name": "new",
                    "description": "why",
                    "hostname": "new.example.org",
                }
            },
        )
    ]
    assert f'occi.core.id="{server_id}"' in answer.text
    assert 'occi.core.title="new"' in answer.text


def test_what_is_not_named_stays(cloud: Cloud) -> None:
    server_id = cloud.nova.add(description="why")
    body = f"{KIND}\n{attribute('occi.core.title', 'new')}"
    assert cloud.send("POST", f"/compute/{server_id}", body).status == 200
    assert changed(cloud) == [("PUT", {"server": {"name": "new"}})]


def test_a_summary_is_taken_away(cloud: Cloud) -> None:
    server_id = cloud.nova.add(description="why")
    body = attribute("occi.core.summary", "")
    assert cloud.send("POST", f"/compute/{server_id}", body).status == 200
    assert changed(cloud) == [("PUT", {"server": {"description": None}})]


def test_no_change_is_no_request(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    body = attribute("occi.core.title", "vm")
    assert cloud.send("POST", f"/compute/{server_id}", body).status == 200
    assert changed(cloud) == []


def test_what_was_shown_can_be_put_back(cloud: Cloud) -> None:
    server_id = cloud.nova.add(
        description="why",
        key_name="mine",
        **{"OS-EXT-AZ:availability_zone": "nova"},
    )
    cloud.neutron.add_port(server_id)
    shown = cloud.send("GET", f"/compute/{server_id}").text
    for body in (shown, shown.replace("active", "inactive")):
        answer = cloud.send("PUT", f"/compute/{server_id}", body)
        assert (answer.status, answer.text) == (200, shown)
    assert changed(cloud) == []


def test_a_put_takes_away_what_it_does_not_name(cloud: Cloud) -> None:
    server_id = cloud.nova.add(description="why")
    assert cloud.send("PUT", f"/compute/{server_id}", KIND).status == 200
    assert changed(cloud) == [("PUT", {"server": {"description": None}})]


def test_a_put_makes_nothing(cloud: Cloud) -> None:
    assert cloud.send("PUT", f"/compute/{NEXT}", KIND).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_new_size_is_confirmed(cloud: Cloud, method: str) -> None:
    cloud.set(wait_seconds=5)
    server_id = cloud.nova.add()
    body = size("2") if method == "POST" else f"{KIND}\n{size('2')}"
    answer = cloud.send(method, f"/compute/{server_id}", body)
    assert answer.status == 200
    assert [asked for _, asked in changed(cloud)] == [
        {"resize": {"flavorRef": "2"}},
        {"confirmResize": None},
    ]
    assert f'Category: 2; scheme="{kinds.RESOURCE_TEMPLATE}"' in answer.text
    assert "occi.compute.memory=2.0" in answer.text
    assert 'occi.compute.state="active"' in answer.text


def test_the_answer_waits_for_the_confirmation(cloud: Cloud) -> None:
    cloud.set(wait_seconds=5)
    server_id = cloud.nova.add()
    cloud.nova.resizing = (*("VERIFY_RESIZE",) * 3, "ACTIVE")
    assert cloud.send("POST", f"/compute/{server_id}", size("2")).status == 200
    # Nova is done with it: the next request meets no other on the way.
    assert cloud.nova.servers[server_id]["status"] == "ACTIVE"
    assert not cloud.nova.servers[server_id]["next"]
    asked = [method for method, _, _ in cloud.nova.requests]
    assert asked[asked.index("POST", asked.index("POST") + 1) :].count("GET") >= 3


def test_a_slow_resize_is_confirmed_when_it_is_asked_for_again(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    cloud.nova.resizing = ("RESIZE", "RESIZE", "VERIFY_RESIZE", "VERIFY_RESIZE")
    answer = cloud.send("POST", f"/compute/{server_id}", size("2"))
    assert answer.status == 200
    assert 'occi.compute.state="inactive"' in answer.text
    again = cloud.send("POST", f"/compute/{server_id}", size("2"))
    assert again.status == 200
    assert [asked for _, asked in changed(cloud)] == [
        {"resize": {"flavorRef": "2"}},
        {"confirmResize": None},
    ]


def test_a_resize_that_fails_is_told(cloud: Cloud) -> None:
    cloud.set(wait_seconds=5)
    cloud.nova.resizing, cloud.nova.resize_fails = ("RESIZE", "ACTIVE"), True
    server_id = cloud.nova.add()
    answer = cloud.send("POST", f"/compute/{server_id}", size("2"))
    assert answer.status == 409
    assert server_id in answer.text


def test_a_site_may_confirm_by_itself(cloud: Cloud) -> None:
    cloud.set(wait_seconds=5)
    cloud.nova.resizing = ("RESIZE", "ACTIVE")
    answer = cloud.send("POST", f"/compute/{cloud.nova.add()}", size("2"))
    assert answer.status == 200
    assert [a for _, a in changed(cloud)] == [{"resize": {"flavorRef": "2"}}]


def test_the_name_changes_with_the_size(cloud: Cloud) -> None:
    cloud.set(wait_seconds=5)
    server_id = cloud.nova.add()
    body = f"{size('2')}\n{attribute('occi.core.title', 'new')}"
    assert cloud.send("POST", f"/compute/{server_id}", body).status == 200
    assert [list(asked) for _, asked in changed(cloud)] == [
        ["resize"],
        ["server"],
        ["confirmResize"],
    ]


@pytest.mark.parametrize(
    ("line", "flavor"),
    [
        ("occi.compute.memory=2.0", "2"),
        ("occi.compute.cores=3", "M1.Large"),
        # as large as it is
        ("occi.compute.cores=1", None),
        ("occi.compute.memory=0.5", None),
    ],
)
def test_a_size_without_a_template(cloud: Cloud, line: str, flavor: str | None) -> None:
    server_id = cloud.nova.add()
    body = f"X-OCCI-Attribute: {line}"
    assert cloud.send("POST", f"/compute/{server_id}", body).status == 200
    wanted = {"resize": {"flavorRef": flavor}}
    assert [a for _, a in changed(cloud)] == ([wanted] if flavor else [])


def test_the_old_size_beside_a_new_template_is_overridden(cloud: Cloud) -> None:
    server_id = cloud.nova.add()
    body = f"{size('2')}\nX-OCCI-Attribute: occi.compute.memory=0.5"
    assert cloud.send("POST", f"/compute/{server_id}", body).status == 200
    assert changed(cloud)[0][1] == {"resize": {"flavorRef": "2"}}


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("", "nothing to change"),
        (size("none"), '"none"'),
        (f"{size('1')}\n{size('2')}", '"1" and "2"'),
        (f"{size('2')}\nX-OCCI-Attribute: occi.compute.cores=9", "not 9"),
        ("X-OCCI-Attribute: occi.compute.cores=99", "occi.compute.cores=99"),
        ("X-OCCI-Attribute: occi.compute.share=9", "occi.compute.share"),
        (image(NEXT), f'"{kinds.OS_TEMPLATE}{NEXT}" cannot be given'),
        (image("x y"), "no term"),
        (attribute("occi.core.title", ""), "without an occi.core.title"),
        (attribute("occi.core.title", r"a\nb"), "line break"),
        (attribute("occi.compute.colour", "red"), "not known"),
        (attribute("occi.compute.architecture", "x86"), "architecture"),
        (
            'Category: ssh_key; scheme="http://schemas.ogf.org/occi/infrastructure/'
            'credentials#"; class="mixin"\n'
            + attribute("occi.credentials.ssh.publickey", "ssh-rsa AA"),
            "#ssh_key",
        ),
        (
            'Category: user_data; scheme="http://schemas.openstack.org/compute/'
            'instance#"; class="mixin"\n'
            + attribute("org.openstack.compute.user_data", "QQ=="),
            "#user_data",
        ),
        (KIND.replace("compute;", "storage;"), "#storage"),
    ],
)
def test_what_cannot_be_changed(
    cloud: Cloud, method: str, lines: str, named: str
) -> None:
    server_id = cloud.nova.add()
    body = f"{KIND}\n{lines}" if method == "PUT" and lines else lines
    answer = cloud.send(method, f"/compute/{server_id}", body)
    assert answer.status == 400
    assert named in answer.text
    assert changed(cloud) == []


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (attribute("occi.compute.state", "inactive"), "immutable"),
        (
            f"{attribute('occi.core.title', 'x')}\nLink: </network/1>; "
            'rel="http://schemas.ogf.org/occi/infrastructure#network"',
            "POST it to the location",
        ),
    ],
)
def test_what_a_part_cannot_hold(cloud: Cloud, lines: str, named: str) -> None:
    answer = cloud.send("POST", f"/compute/{cloud.nova.add()}", lines)
    assert answer.status == 400
    assert named in answer.text
    assert changed(cloud) == []


def test_a_put_names_its_kind(cloud: Cloud) -> None:
    body = attribute("occi.core.title", "x")
    answer = cloud.send("PUT", f"/compute/{cloud.nova.add()}", body)
    assert answer.status == 400
    assert "names no kind" in answer.text


def test_a_key_stays(cloud: Cloud) -> None:
    server_id = cloud.nova.add(key_name="mine")
    name = "org.openstack.credentials.publickey.name"
    mixin = (
        'Category: public_key; scheme="http://schemas.openstack.org/instance/'
        'credentials#"; class="mixin"'
    )
    body = f"{mixin}\n{attribute(name, 'other')}"
    answer = cloud.send("POST", f"/compute/{server_id}", body)
    assert answer.status == 400
    assert f'"{name}" cannot be changed' in answer.text


def test_the_image_may_be_repeated(cloud: Cloud) -> None:
    body = f"{image(IMAGE_ID)}\n{attribute('occi.core.title', 'x')}"
    answer = cloud.send("POST", f"/compute/{cloud.nova.add()}", body)
    assert answer.status == 200
