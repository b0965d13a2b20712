# SPDX-License-Identifier: Apache-2.0
"""Bad requests: the right status, the offending text named, nothing done."""

import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.ooi.cloud import IMAGE_ID, Cloud, compute

NETWORK = "http://schemas.ogf.org/occi/infrastructure#network"
STOP = (
    'Category: stop; scheme="http://schemas.ogf.org/occi/infrastructure/compute/'
    'action#"; class="action"'
)
KEY_MIXIN = (
    'Category: public_key; scheme="http://schemas.openstack.org/instance/'
    'credentials#"; class="mixin"'
)
SSH_KEY = (
    'Category: ssh_key; scheme="http://schemas.ogf.org/occi/infrastructure/'
    'credentials#"; class="mixin"'
)
DATA_MIXIN = (
    'Category: user_data; scheme="http://schemas.openstack.org/compute/instance#"; '
    'class="mixin"'
)
OCCI_DATA = (
    'Category: user_data; scheme="http://schemas.ogf.org/occi/infrastructure/'
    'compute#"; class="mixin"'
)
LINES = compute().split("\n")


def given_as(name: str, value: str) -> str:
    return f"X-OCCI-Attribute: {name}={value}"


PUBLIC = "org.openstack.credentials.publickey"
DATA = "org.openstack.compute.user_data"

BAD_CREATES = [
    ("", "names no Category"),
    ("X-OCCI-Attribute: a=1", "names no Category"),
    ("Category: compute", "scheme"),
    ("\n".join(LINES[1:]), "names no kind"),
    (compute(LINES[0]), '#compute" stands twice'),
    (compute(LINES[1]), "stands twice"),
    (compute(STOP), 'action "http://schemas.ogf.org/occi/infrastructure/compute/'),
    (STOP, "has no place in a request for a compute"),
    (LINES[0].replace("compute;", "storage;"), "infrastructure#storage"),
    (LINES[0].replace("infrastructure#", "wrong#"), "occi/wrong#compute"),
    (LINES[0].replace('"kind"', '"mixin"'), "mixin"),
    (compute('Category: x; scheme="http://y#"; class="mixin"'), '"http://y#x"'),
    (compute(LINES[1].replace(IMAGE_ID, "other")), f'"{IMAGE_ID}" and "other"'),
    ("\n".join(LINES[::2]), "os_tpl"),
    ("\n".join(LINES[:2]), "resource_tpl"),
    (compute(size="x-x00000000"), '"x-x00000000"'),
    (compute(size="M1.Huge"), '"M1.Huge"'),
    (compute(os="x-x00000000"), '"x-x00000000"'),
    (compute(given_as("occi.compute.colour", '"red"')), '"occi.compute.colour"'),
    (compute(given_as(DATA, '"QQ=="')), f'"{DATA}" is not known'),
    (compute(given_as("occi.core.title", "1")), 'a string, not "1"'),
    (compute(given_as("occi.core.title", "true")), 'a string, not "True"'),
    (compute(given_as("occi.compute.cores", '"2"')), 'an integer, not "2"'),
    (compute(given_as("occi.compute.cores", "2.5")), 'an integer, not "2.5"'),
    (compute(given_as("occi.compute.cores", "true")), "occi.compute.cores"),
    (compute(given_as("occi.compute.memory", '"2"')), "a number"),
    (compute(given_as("occi.compute.memory", "9" * 400)), "occi.compute.memory"),
    (compute(given_as("occi.compute.state", '"active"')), "immutable"),
    (compute(given_as("occi.compute.architecture", '"ppc"')), 'cannot be "ppc"'),
    (compute(given_as("occi.compute.architecture", '"x86"')), '"x86"'),
    (compute(*[given_as("occi.core.title", '"a"')] * 2), '"occi.core.title" stands'),
    (compute(given_as("occi.core.title", r'"a\r\nX-Evil: 1"')), "line break"),
    (compute(given_as("occi.compute.hostname", r'"a\nb"')), "occi.compute.hostname"),
    (compute(KEY_MIXIN), f'"{PUBLIC}.data" is missing'),
    (compute(SSH_KEY), '"occi.credentials.ssh.publickey" is missing'),
    (compute(KEY_MIXIN, given_as(f"{PUBLIC}.data", '""')), f"{PUBLIC}.data"),
    (compute(KEY_MIXIN, given_as(f"{PUBLIC}.data", r'"a\nb"')), f"{PUBLIC}.data"),
    (
        compute(
            KEY_MIXIN,
            SSH_KEY,
            given_as(f"{PUBLIC}.data", '"a"'),
            given_as("occi.credentials.ssh.publickey", '"a"'),
        ),
        "Two public keys",
    ),
    (compute(DATA_MIXIN), f'"{DATA}" is missing'),
    (compute(DATA_MIXIN, given_as(DATA, '"#!/bin/sh"')), f'"{DATA}" is not base64'),
    (compute(DATA_MIXIN, given_as(DATA, '"é"')), f'"{DATA}" is not base64'),
    (
        compute(
            DATA_MIXIN,
            OCCI_DATA,
            given_as(DATA, '"QQ=="'),
            given_as("occi.compute.userdata", '"QQ=="'),
        ),
        "User data is given twice",
    ),
    (compute('Link: </storage/1>; rel="http://x#storage"'), '"/storage/1"'),
    (compute(f'Link: </net/1>; rel="{NETWORK}"'), '"/net/1" is no network'),
    (compute(f'Link: </network/>; rel="{NETWORK}"'), '"/network/" is no network'),
    (compute(f'Link: </network/1>; rel="{NETWORK}"; category="http://x#y"'), "cannot"),
    (
        compute(f'Link: </network/1>; rel="{NETWORK}"; occi.networkinterface.mac="a"'),
        '"occi.networkinterface.mac"',
    ),
    (b"\xff\xfe", "not UTF-8"),
    (b"\x00" * 100, "is no line of an OCCI text"),
]


@pytest.mark.parametrize(("body", "named"), BAD_CREATES)
def test_a_bad_create_is_400_and_does_nothing(
    cloud: Cloud, body: str | bytes, named: str
) -> None:
    answer = cloud.send("POST", "/compute/", body)
    assert answer.status == 400
    assert named in answer.text
    assert "\n" not in answer.text
    assert answer.header("Server") == "OCCI/1.2 OCCI/1.1"
    assert [m for m, _, _ in cloud.nova.requests if m != "GET"] == []


KIND = "http://schemas.ogf.org/occi/infrastructure#compute"
DOCUMENT = {
    "kind": KIND,
    "mixins": [
        f"http://schemas.openstack.org/template/os#{IMAGE_ID}",
        "http://schemas.openstack.org/template/resource#1",
    ],
    "title": 'a "title"',
}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kind": "compute"}, 'kind cannot be "compute"'),
        ({"mixins": ["http://x#y"]}, 'The mixin "http://x#y" is not known'),
        ({"title": 1}, "title is a number"),
        ({"title": "a\r\nX-Evil: 1"}, "line break"),
        ({"title": "a\ud800"}, "half a character"),
        ({"attributes": {"occi.compute.cores": True}}, "occi.compute.cores"),
        ({"attributes": {"occi.compute.colour": "red"}}, "occi.compute.colour"),
        ({"attributes": {"occi.compute.memory": None}}, "is null"),
        ({"attributes": {"occi.core.title": "other"}}, "occi.core.title"),
        ({"links": [{"target": {"location": "/net/1"}}]}, '"/net/1"'),
        ({"action": KIND}, "is not known"),
        ({"name": "x"}, '"name" is not known'),
    ],
)
def test_a_bad_document_is_400_and_does_nothing(
    cloud: Cloud, changes: dict[str, Any], named: str
) -> None:
    name = "application/occi+json"
    headers = {"Accept": name, "Content-Type": name}
    answer = cloud.send("POST", "/compute/", json.dumps(DOCUMENT | changes), headers)
    assert answer.status == 400
    assert named in json.loads(answer.body)["error"]["message"]
    assert [m for m, _, _ in cloud.nova.requests if m != "GET"] == []
    made = cloud.send("POST", "/compute/", json.dumps(DOCUMENT), headers)
    assert made.status == 201
    assert json.loads(made.body) == [made.header("Location")]


@pytest.mark.parametrize(
    ("body", "query", "named"),
    [
        ("", "action=stop", "names none"),
        (STOP, "action=start", "compute/action#start"),
        (STOP, "action=explode", '"explode"'),
        (STOP, "action=", "One action at a time"),
        (STOP, "action=stop&action=start", "One action at a time"),
        (STOP + "\n" + LINES[0], "action=stop", "and kind"),
        (STOP.replace('"action"', '"kind"'), "action=stop", "names kind"),
        (STOP + '\nX-OCCI-Attribute: method="fast"', "action=stop", '"fast"'),
        (STOP + "\nX-OCCI-Attribute: method=1", "action=stop", '"method"'),
        (STOP + '\nX-OCCI-Attribute: x="y"', "action=stop", '"x"'),
    ],
)
def test_a_bad_action_is_400_and_does_nothing(
    cloud: Cloud, body: str, query: str, named: str
) -> None:
    answer = cloud.send("POST", f"/compute/{cloud.nova.add()}?{query}", body)
    assert answer.status == 400
    assert named in answer.text
    assert cloud.nova.requests == []


@pytest.mark.parametrize(
    ("method", "path", "status", "named"),
    [
        ("GET", "/nothing/", 404, '"/nothing/"'),
        ("GET", "/compute/detail", 404, '"detail"'),
        ("GET", "/compute/..", 404, '".."'),
        ("GET", "/compute/1/2", 404, '"/compute/1/2"'),
        ("DELETE", "/compute/../flavors/1", 404, "flavors"),
        ("GET", "/compute/70F2D2B0-5F8E-4F0A-9D8E-5C3B1F7A9E11", 404, "70F2D2B0"),
        ("GET", f"/compute/{IMAGE_ID}", 404, IMAGE_ID),
        ("GET", "/compute/\xff\x00", 404, r"\x00"),
        ("PUT", "/compute/", 405, "PUT"),
        ("PUT", "/-/", 405, "GET, HEAD, POST, DELETE"),
        ("PATCH", f"/compute/{IMAGE_ID}", 405, "GET, HEAD, POST, PUT, DELETE"),
        ("POST", f"/compute/{IMAGE_ID}", 400, "has no place"),
    ],
)
def test_paths_and_methods(
    cloud: Cloud, method: str, path: str, status: int, named: str
) -> None:
    answer = cloud.send(method, path, STOP)
    assert answer.status == status
    assert named in answer.text
    assert (answer.header("Allow") in answer.text) == (status != 200)
    assert bool(answer.header("Allow")) == (status == 405)


@pytest.mark.parametrize(
    ("headers", "status", "named"),
    [
        ({"Accept": "application/xml"}, 406, "application/xml"),
        ({"Content-Type": "application/json"}, 415, "application/json"),
        ({"User-Agent": "new/1 OCCI/2.0"}, 501, "OCCI/2.0"),
        ({"User-Agent": "new/1 OCCI/1.10"}, 501, "OCCI/1.10"),
        ({"Content-Length": "9" * 16}, 400, "Content-Length"),
    ],
)
def test_headers_that_are_refused(
    cloud: Cloud, headers: dict[str, str], status: int, named: str
) -> None:
    environ: dict[str, Any] = {}
    if "Content-Length" in headers:
        environ["CONTENT_LENGTH"] = headers.pop("Content-Length")
    answer = cloud.send("POST", "/compute/", compute(), headers, **environ)
    assert answer.status == status
    assert named in answer.text
    assert cloud.nova.requests == []


@pytest.mark.parametrize("version", ["OCCI/1.1", "OCCI/1.2", "OCCI/1.0", "curl/8"])
def test_versions_that_we_speak(cloud: Cloud, version: str) -> None:
    headers = {"User-Agent": f"rOCCI-core/4.3.6 {version} ruby"}
    assert cloud.send("GET", "/compute/", headers=headers).status == 200


@pytest.mark.parametrize("accept", ["text/occi", "text/occi, text/uri-list;q=0.1"])
def test_an_error_for_text_occi_stands_in_a_header(cloud: Cloud, accept: str) -> None:
    headers = {"Accept": accept, "Content-Type": "text/occi", "Category": "é"}
    answer = cloud.send("POST", "/compute/", b"", headers)
    assert answer.status == 400
    assert answer.header("Content-Type").startswith("text/occi")
    assert answer.header("X-OCCI-Error") == answer.text.encode().decode("latin-1")


def test_a_body_that_is_too_long_is_413(cloud: Cloud) -> None:
    body = compute() + "\n" * 1024 * 1024
    answer = cloud.send("POST", "/compute/", body)
    assert answer.status == 413
    assert cloud.nova.requests == []


def test_a_body_without_a_length(cloud: Cloud) -> None:
    length: dict[str, Any] = {"CONTENT_LENGTH": ""}
    assert "no Category" in cloud.send("POST", "/compute/", compute(), **length).text
    chunked = {**length, "wsgi.input_terminated": True}
    assert cloud.send("POST", "/compute/", compute(), **chunked).status == 201
    endless = {**chunked, "wsgi.input": io.BytesIO(b"\n" * 2 * 1024 * 1024)}
    assert cloud.send("POST", "/compute/", **endless).status == 413


def test_the_headers_of_a_plain_request_are_not_looked_at(cloud: Cloud) -> None:
    headers = {"Category": "garbage;;", "X-OCCI-Attribute": "x"}
    assert cloud.send("POST", "/compute/", compute(), headers).status == 201


MEDIA = ["text/plain", "text/occi", "text/uri-list", "application/occi+json"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.binary()
    | st.builds(lambda t: (compute() + "\n" + t).encode(), st.text())
    | st.builds(lambda t: json.dumps({**DOCUMENT, "title": t}).encode(), st.text()),
    accept=st.sampled_from([*MEDIA, "x", "*/*"]),
    kind=st.sampled_from([*MEDIA, "x/y", ""]),
    path=st.sampled_from(["/-/", "/compute/", f"/compute/{IMAGE_ID}", "/%"])
    # GET / asks services that are not there.
    | st.text(st.characters(max_codepoint=255))
    .filter(lambda text: text.strip("/?"))
    .map("/".__add__),
    query=st.sampled_from(["", "action=stop", "action=%ff", "&=&;", "page=0&number=1"]),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]),
)
def test_no_request_is_our_failure(
    cloud: Cloud,
    body: bytes,
    accept: str,
    kind: str,
    path: str,
    query: str,
    method: str,
) -> None:
    headers = {"Accept": accept, "Content-Type": kind, "Category": path}
    whole = f"{path.replace('?', '')}?{query}"
    answer = cloud.send(method, whole, body, headers)
    assert answer.status in (200, 201, 400, 404, 405, 406, 415, 501)
