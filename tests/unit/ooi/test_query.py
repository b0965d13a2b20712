# SPDX-License-Identifier: Apache-2.0
"""The query interface, through the filter."""

import re
from types import SimpleNamespace

import pytest

from ooi_ext import catalog, kinds, kinds_network
from ooi_ext.handlers import templates
from ooi_ext.rendering import text
from tests.unit.ooi.cloud import ALICE, IMAGE_ID, Cloud

PATHS = ["/-/", "/-", "/.well-known/org/ogf/occi/-/"]

# One line as rOCCI, jOCCI and pOCCI expect it: this order and these characters.
LINE = re.compile(
    r"Category: [a-z0-9][a-z0-9_-]*"
    r'; scheme="[^";\s]+#"; class="(kind|mixin|action)"'
    r'(; title="[^";\\,]+")?(; rel="\S+")?(; location="\S+/")?'
    r'(; attributes="[a-z0-9_.{} -]+")?(; actions="\S+( \S+)*")?'
)


@pytest.fixture(autouse=True)
def a_pool(cloud: Cloud) -> None:
    cloud.neutron.add("networks", name="public", **{"router:external": True})


@pytest.mark.parametrize("path", PATHS)
def test_it_lists_kinds_actions_and_templates(cloud: Cloud, path: str) -> None:
    answer = cloud.send("GET", path)
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/plain; charset=utf-8"
    assert answer.header("Server") == "OCCI/1.2 OCCI/1.1"
    lines = answer.text.split("\n")
    assert all(LINE.fullmatch(line) for line in lines)
    read = text.parse_plain(answer.body, {}).categories
    found = {category.identifier: category for category in read}
    # three flavors, one image, one pool and one zone
    assert len(found) == len(lines) == len(catalog.ADVERTISED) + 6
    compute = found[kinds.COMPUTE.identifier]
    assert {a.name: a.mutable for a in compute.attributes} == {
        "occi.compute.architecture": True,
        "occi.compute.cores": True,
        "occi.compute.hostname": True,
        "occi.compute.memory": True,
        "occi.compute.share": True,
        "occi.compute.state": False,
        "occi.compute.state.message": False,
    }
    assert compute.actions == kinds.COMPUTE.actions
    assert compute.location == "http://cloud.example.org/occi1.1/compute/"
    image = found[kinds.OS_TEMPLATE + IMAGE_ID]
    assert (image.title, image.depends) == ("cirros", (kinds.OS_TPL.identifier,))
    flavor = found[kinds.RESOURCE_TEMPLATE + "1"]
    assert flavor.title == "Flavor: m1.tiny"
    stop = found[kinds.STOP.identifier]
    assert [a.name for a in stop.attributes] == ["method"]
    pool = found[kinds_network.FLOATING_IP_POOLS + "public"]
    assert pool.depends == (kinds_network.FLOATING_IP_POOL.identifier,)
    zone = found[kinds.ZONE_TEMPLATE + "nova"]
    assert zone.location == "http://cloud.example.org/occi1.1/availability_zone/nova/"


def asked(cloud: Cloud) -> list[tuple[str, str]]:
    return [
        *(r[:2] for r in cloud.nova.requests),
        *(r[:2] for r in cloud.neutron.requests),
        *(("GET", "/v2/images") for _ in cloud.glance.tokens),
    ]


def test_it_costs_four_requests(cloud: Cloud) -> None:
    cloud.send("GET", "/-/")
    assert asked(cloud) == [
        ("GET", "/flavors/detail"),
        ("GET", "/os-availability-zone"),
        ("GET", "/v2.0/networks"),
        ("GET", "/v2/images"),
    ]
    cloud.send("GET", "/-/")
    # Nobody knows who asks, so nothing is remembered.
    assert len(asked(cloud)) == 8


def test_it_is_remembered_for_its_user(cloud: Cloud) -> None:
    cloud.set(cache_seconds=60)
    cloud.environ = {"nova.context": ALICE}
    first = cloud.send("GET", "/-/")
    cloud.glance.images()
    again = cloud.send("GET", "/-/", headers={"Host": "other.example.org"})
    assert len(asked(cloud)) == 4
    # In the words of who asks now.
    assert again.text == first.text.replace("//cloud.", "//other.")
    for changed in ({"user_id": "bob"}, {"project_id": "p"}, {"roles": ["admin"]}):
        context = SimpleNamespace(**{**vars(ALICE), **changed})
        other = cloud.send("GET", "/-/", **{"nova.context": context})
        assert IMAGE_ID not in other.text
    assert len(asked(cloud)) == 16


def test_it_is_not_remembered_when_that_is_off(cloud: Cloud) -> None:
    cloud.set(cache_seconds=0)
    cloud.environ = {"nova.context": ALICE}
    for _ in range(2):
        cloud.send("GET", "/-/")
    assert len(asked(cloud)) == 8


def test_it_is_remembered_for_a_time(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.set(cache_seconds=60)
    cloud.environ = {"nova.context": ALICE}
    for now, requests in ((1000.0, 4), (1059.9, 4), (1060.0, 8)):
        with monkeypatch.context() as patch:
            patch.setattr(templates.time, "monotonic", lambda now=now: now)
            cloud.send("GET", "/-/")
        assert len(asked(cloud)) == requests


def test_without_neutron_the_rest_goes_on_and_is_not_remembered(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.set(cache_seconds=60)
    cloud.environ = {"nova.context": ALICE}
    cloud.neutron.down = ("",)
    answer = cloud.send("GET", "/-/")
    assert answer.status == 200
    assert IMAGE_ID in answer.text and "floatingippool#" not in answer.text
    assert "code=templates_left_out what=pools" in caplog.text
    cloud.neutron.down = ()
    assert "floatingippool#" in cloud.send("GET", "/-/").text


def test_without_zones_the_rest_goes_on(cloud: Cloud) -> None:
    cloud.nova.refuse("GET", "/os-availability-zone", 403, "policy")
    answer = cloud.send("GET", "/-/")
    assert answer.status == 200
    assert kinds.ZONE_TEMPLATE not in answer.text


def test_a_zone_that_is_down_is_not_offered(cloud: Cloud) -> None:
    cloud.nova.zones = ("Rack 1", "down", "north")
    read = text.parse_plain(cloud.send("GET", "/-/").body, {}).categories
    zones = [c.title for c in read if c.scheme == kinds.ZONE_TEMPLATE]
    assert zones == ["Availability zone: Rack 1", "Availability zone: north"]


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        (
            'compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; '
            'class="kind"',
            "compute start stop restart suspend save os_tpl resource_tpl "
            "availability_zone public_key user_data ssh_key user_data",
        ),
        (
            'resource_tpl; scheme="http://schemas.ogf.org/occi/infrastructure#"; '
            'class="mixin"',
            "resource_tpl",
        ),
        (
            'stop; scheme="http://schemas.ogf.org/occi/infrastructure/compute/'
            'action#"; class="action"',
            "stop",
        ),
        ('x; scheme="http://example.org/x#"; class="kind"', ""),
    ],
)
@pytest.mark.parametrize("content_type", ["text/occi", ""])
def test_a_filter(cloud: Cloud, line: str, terms: str, content_type: str) -> None:
    cloud.nova.flavors = ()
    cloud.glance.images()
    cloud.nova.zones = ()
    headers = {"Category": line, "Content-Type": content_type}
    answer = cloud.send("GET", "/-/", headers=headers)
    assert answer.status == 200
    read = text.parse_plain(answer.body, {}).categories
    assert [c.term for c in read] == terms.split()


def test_a_filter_finds_templates(cloud: Cloud) -> None:
    line = (
        'resource_tpl; scheme="http://schemas.ogf.org/occi/infrastructure#"; '
        'class="mixin"'
    )
    answer = cloud.send("GET", "/-/", headers={"Category": line})
    read = text.parse_plain(answer.body, {}).categories
    assert [c.term for c in read[:3]] == ["resource_tpl", "1", "2"]
    assert len(read) == 4


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_mixins_of_users_are_refused(cloud: Cloud, method: str) -> None:
    line = 'my_stuff; scheme="http://example.org/tags#"; class="mixin"'
    headers = {"Content-Type": "text/occi", "Category": line}
    answer = cloud.send(method, "/-/", headers=headers)
    assert answer.status == 501
    assert '"http://example.org/tags#my_stuff"' in answer.text
    assert cloud.send(method, "/-/").status == 400
    assert asked(cloud) == []


def test_head_has_the_headers_and_no_body(cloud: Cloud) -> None:
    got, head = cloud.send("GET", "/-/"), cloud.send("HEAD", "/-/")
    assert (head.status, head.headers, head.body) == (200, got.headers, b"")


def test_text_occi_says_the_same(cloud: Cloud) -> None:
    plain = cloud.send("GET", "/-/")
    answer = cloud.send("GET", "/-/", headers={"Accept": "text/occi"})
    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.header("Content-Type").startswith("text/occi")
    read = text.parse_headers(b"", {"category": answer.header("Category")})
    assert read == text.parse_plain(plain.body, {})


def test_it_is_no_list_of_uris(cloud: Cloud) -> None:
    answer = cloud.send("GET", "/-/", headers={"Accept": "text/uri-list"})
    assert answer.status == 400
    assert answer.header("Content-Type").startswith("text/plain")
    assert "text/uri-list" in answer.text


def test_names_set_in_openstack_break_nothing(cloud: Cloud) -> None:
    evil = 'a"; class="kind"\r\nX-Evil: 1, \\ \ud800 é ✓'
    cloud.nova.flavors = ({**cloud.nova.flavors[0], "name": evil},)
    cloud.glance.images({"id": IMAGE_ID, "name": evil}, {"id": "ID x", "name": None})
    cloud.neutron.networks[0]["name"] = evil
    cloud.nova.zones = (evil, evil)
    plain = cloud.send("GET", "/-/")
    assert all(LINE.fullmatch(line) for line in plain.text.split("\n"))
    answer = cloud.send("GET", "/-/", headers={"Accept": "text/occi"})
    assert {name for name, _ in answer.headers} == {
        "Accept",
        "Content-Type",
        "Content-Length",
        "Category",
        "Server",
    }


@pytest.mark.parametrize(
    ("headers", "environ", "expected"),
    [
        ({}, {}, "http://cloud.example.org/occi1.1"),
        ({"Host": "10.0.0.1:8774"}, {}, "http://10.0.0.1:8774/occi1.1"),
        ({"Host": "[::1]:8774"}, {}, "http://[::1]:8774/occi1.1"),
        ({"Host": ""}, {}, "http://127.0.0.1:8774/occi1.1"),
        (
            {"X-Forwarded-Prefix": "/cloud/../x"},
            {},
            "http://cloud.example.org/occi1.1",
        ),
        ({}, {"wsgi.url_scheme": "https"}, "https://cloud.example.org/occi1.1"),
        (
            {
                "X-Forwarded-Proto": "https, http",
                "X-Forwarded-Host": "occi.example.org, inner",
                "X-Forwarded-Prefix": "/cloud/",
            },
            {},
            "https://occi.example.org/cloud/occi1.1",
        ),
        # oslo.middleware has put the prefix in place already
        (
            {"X-Forwarded-Prefix": "/cloud"},
            {"SCRIPT_NAME": "/cloud/occi1.1"},
            "http://cloud.example.org/cloud/occi1.1",
        ),
        (
            {
                "X-Forwarded-Proto": "javascript",
                "X-Forwarded-Host": "a b",
                "X-Forwarded-Prefix": '/">',
            },
            {},
            "http://cloud.example.org/occi1.1",
        ),
    ],
)
def test_locations_begin_as_the_client_typed(
    cloud: Cloud, headers: dict[str, str], environ: dict[str, str], expected: str
) -> None:
    answer = cloud.send("GET", "/-/", headers=headers, **environ)
    assert f'; location="{expected}/compute/";' in answer.text


@pytest.mark.parametrize("host", ['a"b', "a/b", "a b", "a:b", "[::1"])
def test_a_host_that_is_none_is_refused(cloud: Cloud, host: str) -> None:
    answer = cloud.send("GET", "/-/", headers={"Host": host})
    assert answer.status == 400
    assert "Host" in answer.text
    assert cloud.nova.requests == []


def test_glance_down_is_503_and_names_it(cloud: Cloud) -> None:
    cloud.glance.images(status=500)
    answer = cloud.send("GET", "/-/", headers={"Accept": "text/occi"})
    assert answer.status == 503
    assert answer.header("X-OCCI-Error") == (
        "The image service does not answer. Try again later."
    )
