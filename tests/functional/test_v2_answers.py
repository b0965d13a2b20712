# SPDX-License-Identifier: Apache-2.0
"""The v2.0 door's answers to what is wrong, and to what is not a login.

Each error has the form of v2.0, tells nothing of the inside, and is in the log
once.
"""

import json
import re

import pytest

from tests.functional.calls import V2, Caller, v2
from tests.functional.serving import VOMS as NATIVE
from tests.functional.serving import keys_of

LEAKS = re.compile(r"Traceback|File \"|/[a-z]+/[a-z_]+\.py|<html|<!doctype")


@pytest.fixture(scope="session")
def call(lab_env):
    return Caller(lab_env)


def assert_error(answer, code, title):
    """Assert an error in the form of v2.0, which tells nothing of the inside."""
    assert answer.status_code == code, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert not LEAKS.search(answer.text)
    error = answer.json()
    assert set(error) == {"error"}
    assert set(error["error"]) == {"code", "title", "message"}
    assert (error["error"]["code"], error["error"]["title"]) == (code, title)
    assert 0 < len(error["error"]["message"]) < 200


def assert_unauthorized(call, answer):
    assert_error(answer, 401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{call.root}"'


BAD_BODIES = {
    "a string": '{"auth": {"voms": "true"}}',
    "false": '{"auth": {"voms": false}}',
    "one": '{"auth": {"voms": 1}}',
    "null": '{"auth": {"voms": null}}',
    "a list": '{"auth": {"voms": [true]}}',
    "both": '{"auth": {"voms": true, "tenantName": "a", "tenantId": "b"}}',
    "a number for a name": '{"auth": {"voms": true, "tenantName": 5}}',
    "an object for an id": '{"auth": {"voms": true, "tenantId": {}}}',
    "a long name": json.dumps({"auth": {"voms": True, "tenantName": "x" * 65}}),
    "half a character": '{"auth": {"voms": true, "tenantName": "\\ud83d"}}',
    "two lines": '{"auth": {"voms": true, "tenantName": "a\\nb"}}',
    "an emoji": '{"auth": {"voms": true, "tenantName": "\\ud83d\\ude00"}}',
    "no JSON": "auth=voms",
    "half of it": '{"auth": {"voms": true}',
    "nothing": "",
    "no text": b"\xff\xfe\xfd",
    "deep": "[" * 50_000,
    "a long number": '{"auth": {"voms": ' + "1" * 5000 + "}}",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_a_body_that_makes_no_sense_is_a_bad_request(call, proxies, logged, body):
    answer = call("POST", "/v2.0/tokens", proxy=proxies("alice"), data=body)
    assert_error(answer, 400, "Bad Request")
    assert "WWW-Authenticate" not in answer.headers
    assert "Traceback" not in logged()


def test_a_body_is_as_long_as_keystone_allows_and_no_longer(call, proxies):
    def answer(length, *, chunked):
        octets = json.dumps(V2).encode().ljust(length)
        return call(
            "POST",
            "/v2.0/tokens",
            proxy=proxies("alice"),
            data=iter([octets]) if chunked else octets,
        )

    most = 114_688  # [oslo_middleware] max_request_body_size
    for chunked in (False, True):
        allowed = answer(most, chunked=chunked)
        assert allowed.status_code == 200, allowed.text
        refused = answer(most + 1, chunked=chunked)
        assert_error(refused, 413, "Request Entity Too Large")


def test_refusals_are_401_tell_where_keystone_is_and_are_logged_once(
    call, proxies, logged
):
    cases = {
        "no_client_certificate": call.v2_token(None),
        "no_ac": call.v2_token(proxies("frank")),
        "vo_not_mapped": call.v2_token(proxies("dave")),
        "scope_not_earned": call.v2_token(proxies("alice"), tenantName="ops"),
    }
    text = logged(until="[scope_not_earned]")
    lines = [line for line in text.splitlines() if "VOMS login refused" in line]
    for code, answer in cases.items():
        assert_unauthorized(call, answer)
        assert sum(f"[{code}]" in line for line in lines) == 1, (code, text)
    assert len(lines) == len(cases)
    assert "Traceback" not in text


def test_a_scoped_login_without_a_credential_is_logged_once(call, proxies, logged):
    for name in ("dteam", "no-such-project"):
        assert_unauthorized(call, call.v2_token(None, tenantName=name))
    text = logged(until="[no_client_certificate]")
    assert text.count("[no_client_certificate]") == 2
    assert_unauthorized(call, call.v2_token(proxies("alice"), tenantName="no-such"))


@pytest.mark.parametrize("token", ["", "nonsense", "gAAAA" + "x" * 200])
def test_tenants_without_a_good_token_are_401(call, token):
    assert_unauthorized(call, call.tenants(token))


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v2.0/tokens", "POST"),
        ("HEAD", "/v2.0/tokens", "POST"),
        ("DELETE", "/v2.0/tokens", "POST"),
        ("POST", "/v2.0/tenants", "GET, HEAD"),
        ("PUT", "/v2.0", "GET, HEAD"),
    ],
)
def test_other_methods_are_405_and_told_which(call, method, path, allow):
    answer = call(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allow
    if method != "HEAD":
        assert_error(answer, 405, "Method Not Allowed")


def test_v2_describes_itself(call):
    documents = [call("GET", path).json() for path in ("/v2.0", "/v2.0/")]
    assert documents[0] == documents[1]
    version = documents[0].pop("version")
    assert documents[0] == {}
    assert set(version) == {"id", "status", "updated", "links", "media-types"}
    assert (version["id"], version["status"]) == ("v2.0", "deprecated")
    assert version["links"] == [{"rel": "self", "href": f"{call.root}/v2.0/"}]
    head = call("HEAD", "/v2.0")
    assert (head.status_code, head.content) == (200, b"")


PASSWORD = {"passwordCredentials": {"username": "admin", "password": "x"}}


def test_all_else_of_v2_goes_down_to_keystone(call, serve):
    stock = call("GET", "/v2.0/users")
    assert stock.status_code == 404
    body = {"auth": {"tenantName": "admin", **PASSWORD}}
    others = [
        call("POST", "/v2.0/tokens", json=body),
        call("POST", "/v2.0/tokens", json={"auth": {"token": {"id": "x"}}}),
        call("GET", "/v2.0/tokens/x"),
        call("GET", "/v2.0/extensions"),
        call("GET", "/v2.00/tokens"),
    ]
    for answer in others:
        assert (answer.status_code, answer.text) == (404, stock.text)


def test_a_site_can_turn_v2_off(serve, proxies):
    cert = keys_of(proxies("alice"))
    requests = [
        v2(body=V2, **cert),
        v2("/v2.0/tenants", "GET"),
        v2("/v2.0", "GET"),
        {**v2("/v3/auth/tokens", body=NATIVE), "environ": cert},
    ]
    served = serve(requests, v2_enabled="false", v2_advertise="true")
    assert [one["status"] for one in served.answers] == [404, 404, 404, 201]


@pytest.mark.parametrize("mount", ["", "/identity"])
def test_versions_name_v2_where_the_site_wants_it(call, serve, mount):
    plain = call("GET", "/").json()["versions"]["values"]
    assert [one["id"] for one in plain] == ["v3.14"]
    place = {"SCRIPT_NAME": mount, "HTTP_HOST": "keystone.example.org"}
    requests = [
        v2("/", "GET", **place),
        v2("", "GET", **place),
        v2("/v2.0", "GET", **place),
        v2(body=V2, **place),
        v2("/", "GET", HTTP_ACCEPT="application/json-home", **place),
        v2("/v3", "GET", **place),
    ]
    served = serve(requests, v2_advertise="true")
    *lists, own, refused, home, v3 = served.answers
    base = f"https://keystone.example.org{mount}"
    version = json.loads(own["body"])["version"]
    assert version["links"] == [{"rel": "self", "href": f"{base}/v2.0/"}]
    for listed in lists:
        assert listed["status"] == 300
        assert listed["headers"]["Location"] == f"{base}/v3/"
        assert listed["headers"]["Content-Length"] == str(len(listed["body"]))
        three = json.loads(v3["body"])["version"]
        assert json.loads(listed["body"]) == {"versions": {"values": [three, version]}}
    assert refused["status"] == 401
    assert refused["headers"]["WWW-Authenticate"] == f'Keystone uri="{base}"'
    assert home["status"] == 200 and "resources" in json.loads(home["body"])


def test_the_endpoint_that_the_site_names_goes_before_the_host(serve):
    named = "https://cloud.example.org/keystone"
    served = serve([v2("/v2.0/", "GET")], DEFAULT__public_endpoint=named)
    (answer,) = served.answers
    links = json.loads(answer["body"])["version"]["links"]
    assert links == [{"rel": "self", "href": f"{named}/v2.0/"}]


def test_a_set_up_out_of_order_is_500_and_helps_the_operator(serve, proxies):
    cert = keys_of(proxies("alice"))
    by_name = {"auth": {"voms": True, "tenantName": "dteam"}}
    requests = [v2(body=V2, **cert), v2(body=by_name, **cert)]
    for option, value in (
        ("project_domain", "nowhere"),
        ("voms_policy", "/nonexistent/voms.json"),
    ):
        served = serve(requests, **{option: value})
        for answer in served.answers:
            assert answer["status"] == 500, answer["body"]
            error = json.loads(answer["body"])["error"]
            assert error["code"] == 500 and error["title"] == "Internal Server Error"
            assert value not in answer["body"] and not LEAKS.search(answer["body"])
        lines = [
            line for line in served.log.splitlines() if "VOMS login is out" in line
        ]
        assert len(lines) == 2 and all(value in line for line in lines), served.log
        assert "Traceback" not in served.log
