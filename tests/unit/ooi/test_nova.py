# SPDX-License-Identifier: Apache-2.0
"""The sub-request: what Nova gets to see, and what its answers mean."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ooi_ext.errors import UpstreamError
from ooi_ext.nova import Nova
from tests.unit.ooi.cloud import ALICE, Cloud, compute


def version(start_response: Any, number: str = "2.104") -> list[bytes]:
    start_response("200 OK", [])
    return [json.dumps({"version": {"version": number}}).encode()]


def test_the_environ_is_new_and_holds_nothing_of_the_client(cloud: Cloud) -> None:
    cloud.environ = {
        "nova.context": ALICE,
        "keystone.token_info": {"token": {}},
        "wsgi.file_wrapper": list,
        "HTTP_X_ROLES": "admin",
        "REMOTE_ADDR": "192.0.2.7",
        "webob.adhoc_attrs": {},
    }
    headers = {
        "X-Auth-Token": "secret",
        "OpenStack-API-Version": "compute 2.1",
        "X-OpenStack-Nova-API-Version": "2.1",
        "X-HTTP-Method-Override": "DELETE",
        "Forwarded": "host=evil.example.org",
        "Cookie": "a=b",
    }
    cloud.send("POST", "/compute/", compute(), headers)
    (environ,) = cloud.nova.environs
    raw = json.dumps(cloud.nova.requests[0][2]).encode()
    assert {k: v for k, v in environ.items() if not k.startswith("wsgi.")} == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "/v2.1",
        "PATH_INFO": "/servers",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8774",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_LENGTH": str(len(raw)),
        "CONTENT_TYPE": "application/json",
        "HTTP_ACCEPT": "application/json",
        "HTTP_OPENSTACK_API_VERSION": "compute 2.100",
        "nova.context": ALICE,
        "keystone.token_info": {"token": {}},
        "keystone.token_auth": environ["keystone.token_auth"],
    }
    assert "wsgi.file_wrapper" not in environ


@pytest.mark.parametrize(
    ("line", "body", "status", "named"),
    [
        ("400 Bad", b'{"badRequest": {"message": "no\\n"}}', 400, "refused: no"),
        ("403 No", b'{"forbidden": {"message": "quota"}}', 403, "refused: quota"),
        ("404 No", b"<html>", 404, "refused: GET /servers"),
        ("413 No", b"[]", 413, "refused: GET /servers"),
        ("429 No", b'{"overLimit": {}}', 429, "refused: GET /servers"),
        ("406 No", b'{"x": {"message": "Version 2.100"}}', 502, "Version 2.100"),
        ("500 Oops", b'{"computeFault": {"message": "Oops"}}', 502, "500"),
        (
            "500 Oops",
            b'{"x": {"message": "<class \'keystoneauth1.exceptions.X\'>"}}',
            503,
            "a service that it needs does not answer",
        ),
        ("500 Oops", b"", 502, "it gave no reason"),
        ("503 Later", b"{}", 503, "compute service failed with 503"),
        ("200 OK", b"<html>", 502, "no JSON"),
    ],
)
def test_what_nova_answers(
    cloud: Cloud, line: str, body: bytes, status: int, named: str
) -> None:
    cloud.nova.answers["GET", "/servers"] = (line, body)
    answer = cloud.send("GET", "/compute/")
    assert answer.status == status
    assert named in answer.text
    assert "compute service" in answer.text


def test_a_streaming_application_is_read_and_closed() -> None:
    closed = []

    class Body:
        def __iter__(self) -> Any:
            yield b'{"flavors'
            yield b'": []}'

        def close(self) -> None:
            closed.append(True)

    def app(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/":
            return version(start_response)
        start_response("503 Wait", [])
        start_response("200 OK", [], (None, None, None))(b"")
        return Body()

    assert Nova(app, {}).flavors() == ()
    assert closed == [True]


def test_a_next_page_after_nothing_ends() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/":
            return version(start_response)
        start_response("200 OK", [])
        return [b'{"servers": [], "servers_links": [{"rel": "next"}]}']

    assert Nova(app, {}).server_ids() == ()


def test_ids_are_quoted() -> None:
    asked = []

    def app(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/":
            return version(start_response)
        asked.append(environ["PATH_INFO"] + "?" + environ["QUERY_STRING"])
        start_response("404 No", [])
        return [b""]

    with pytest.raises(UpstreamError):
        Nova(app, {}).delete_keypair("a/b?c")
    assert asked == ["/os-keypairs/a%2Fb%3Fc?"]


@pytest.mark.parametrize(
    ("ceiling", "asked"),
    [("2.104", "2.100"), ("2.100", "2.100"), ("2.93", "2.93"), ("2.90", "2.90")],
)
def test_the_microversion_is_the_highest_up_to_ours(
    cloud: Cloud, ceiling: str, asked: str
) -> None:
    cloud.nova.ceiling = ceiling
    assert cloud.send("GET", "/compute/").status == 200
    (environ,) = cloud.nova.environs
    assert environ["HTTP_OPENSTACK_API_VERSION"] == f"compute {asked}"


@pytest.mark.parametrize("ceiling", ["2.89", "", "none"])
def test_a_nova_that_is_too_old_is_named(cloud: Cloud, ceiling: str) -> None:
    cloud.nova.ceiling = ceiling
    answer = cloud.send("GET", "/compute/")
    assert answer.status == 503
    assert "2.90" in answer.text
    # Nothing is remembered of it: a new Nova is asked anew.
    cloud.nova.ceiling = "2.93"
    assert cloud.send("GET", "/compute/").status == 200


def test_the_ceiling_is_asked_once_in_a_process() -> None:
    asked = []

    def app(environ: Any, start_response: Any) -> Any:
        asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/":
            assert "HTTP_OPENSTACK_API_VERSION" not in environ
            return version(start_response)
        start_response("200 OK", [])
        return [b'{"servers": []}']

    for _ in range(2):
        assert Nova(app, {}).server_ids() == ()
    assert asked == ["/", "/servers", "/servers"]


def test_a_server_of_another_project_is_never_among_ours(cloud: Cloud) -> None:
    cloud.nova.add(tenant_id="another")
    own = cloud.nova.add()
    nova = Nova(cloud.nova, {"nova.context": ALICE})
    assert [server["id"] for server in nova.servers()] == [own]
    assert len(Nova(cloud.nova, {}).servers()) == 2


def test_who_asks() -> None:
    context = SimpleNamespace(user_id="u", project_id="p", roles=["b", "a"])
    assert Nova(None, {"nova.context": context}).user == ("u", "p", ("a", "b"))
    context.project_id = None
    assert Nova(None, {"nova.context": context}).user is None
    assert Nova(None, {}).user is None
