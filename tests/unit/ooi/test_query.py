# SPDX-License-Identifier: Apache-2.0
"""The query interface, through the filter."""

import re

import pytest

from ooi_ext import kinds
from ooi_ext.rendering import text
from tests.unit.ooi.cloud import IMAGE_ID, Cloud

PATHS = ["/-/", "/-", "/.well-known/org/ogf/occi/-/"]

# One line as rOCCI, jOCCI and pOCCI expect it: this order and these characters.
LINE = re.compile(
    r"Category: [a-z0-9][a-z0-9_-]*"
    r'; scheme="[^";\s]+#"; class="(kind|mixin|action)"'
    r'(; title="[^";\\,]+")?(; rel="\S+")?(; location="\S+/")?'
    r'(; attributes="[a-z0-9_.{} -]+")?(; actions="\S+( \S+)*")?'
)


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
    assert len(found) == len(lines) == len(kinds.ADVERTISED) + 4
    compute = found[kinds.COMPUTE.identifier]
    assert {a.name: a.mutable for a in compute.attributes} == {
        "occi.compute.architecture": True,
        "occi.compute.cores": True,
        "occi.compute.hostname": True,
        "occi.compute.memory": True,
        "occi.compute.state": False,
        "occi.compute.state.message": False,
    }
    assert compute.actions == kinds.COMPUTE.actions
    assert compute.location == "http://cloud.example.org/occi1.1/compute/"
    image = found[kinds.OS_TEMPLATE + IMAGE_ID]
    assert (image.title, image.depends) == ("cirros", (kinds.OS_TPL.identifier,))
    flavor = found[kinds.RESOURCE_TEMPLATE + "1"]
    assert flavor.title == "Flavor: m1.tiny"


def test_it_costs_two_requests(cloud: Cloud) -> None:
    cloud.send("GET", "/-/")
    assert [r[:2] for r in cloud.nova.requests] == [("GET", "/flavors/detail")]
    assert cloud.glance.tokens == ["token-of-alice"]


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
    plain = cloud.send("GET", "/-/")
    assert all(LINE.fullmatch(line) for line in plain.text.split("\n"))
    answer = cloud.send("GET", "/-/", headers={"Accept": "text/occi"})
    assert {name for name, _ in answer.headers} == {
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
        ({"Host": 'a"b'}, {}, "http://127.0.0.1:8774/occi1.1"),
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


def test_glance_down_is_503_and_names_it(cloud: Cloud) -> None:
    cloud.glance.images(status=500)
    answer = cloud.send("GET", "/-/", headers={"Accept": "text/occi"})
    assert answer.status == 503
    assert answer.header("X-OCCI-Error") == (
        "The image service does not answer. Try again later."
    )
