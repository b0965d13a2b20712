# SPDX-License-Identifier: Apache-2.0
"""The plugin's clients: what they send, and how they read what comes back."""

import datetime
import http.server
import json
import threading
from dataclasses import dataclass, field

import pytest
import urllib3

from fedcloud_tempest_plugin import doors, services
from fedcloud_tempest_plugin.http import Answer, Http, TlsRefusal
from tests.grid import certs

KEYSTONE = "https://keystone.example.org:5000"


@dataclass
class Recorder:
    """Stands in for Http, and keeps what it was to send."""

    answer: Answer = Answer(status=200, text="", headers={})
    sent: list = field(default_factory=list)

    def send(self, method, url, body=None, *, headers=None, proxy=""):
        self.sent.append((method, url, body, dict(headers or {}), proxy))
        return self.answer


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def keystone(recorder):
    return doors.Doors(
        http=recorder,
        url=f"{KEYSTONE}/v3",
        identity_provider="egi.eu",
        protocol="mapped",
        domain="Default",
    )


@pytest.fixture
def served():
    """Yield the URL of a server that says what it was asked, or hangs up."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            seen = {
                "body": self.rfile.read(length).decode("latin-1"),
                "headers": {k.lower(): v for k, v in self.headers.items()},
            }
            if self.path == "/hang-up":
                self.connection.close()
                return
            status = 302 if self.path == "/moved" else 200
            text = json.dumps(seen).encode()
            self.send_response(status)
            self.send_header("X-Subject-Token", "abc")
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def plain():
    return Http(ca_file="", timeout_seconds=10)


def test_json_is_sent_as_json_and_text_as_it_is(plain, served):
    seen = plain.send("POST", served, {"a": 1}).document
    assert seen["body"] == '{"a": 1}'
    assert seen["headers"]["content-type"] == "application/json"
    assert seen["headers"]["accept"] == "application/json"
    own = {"Content-Type": "text/plain", "Accept": "text/occi"}
    for body in ("Category: x", b"\xff"):
        seen = plain.send("POST", served, body, headers=own).document
        assert seen["body"].encode("latin-1") in (b"Category: x", b"\xff")
        assert seen["headers"]["content-type"] == "text/plain"
        assert seen["headers"]["accept"] == "text/occi"


def test_headers_are_read_whatever_their_case_and_redirects_are_shown(plain, served):
    answer = plain.send("POST", f"{served}/moved")
    assert (answer.status, answer.headers["x-subject-token"]) == (302, "abc")


def test_a_closed_connection_is_a_refusal_and_a_server_that_is_down_is_none(
    plain, served
):
    with pytest.raises(TlsRefusal, match="hang-up"):
        plain.send("POST", f"{served}/hang-up")
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        plain.send("POST", "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("door", "url", "body"),
    [
        (
            doors.NATIVE,
            "/v3/auth/tokens",
            {
                "auth": {
                    "identity": {"methods": ["voms"], "voms": {}},
                    "scope": {"project": {"name": "vo", "domain": {"name": "Default"}}},
                }
            },
        ),
        (
            doors.FEDERATED,
            "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth",
            None,
        ),
        (doors.V2, "/v2.0/tokens", {"auth": {"voms": True, "tenantName": "vo"}}),
    ],
)
def test_each_door_has_its_request(keystone, recorder, door, url, body):
    keystone.open(door, "/tmp/proxy.pem", "vo")
    assert recorder.sent == [("POST", KEYSTONE + url, body, {}, "/tmp/proxy.pem")]


def test_a_token_is_read_from_an_answer_and_not_from_a_refusal():
    body = {
        "token": {
            "user": {"id": "u", "name": "/CN=alice"},
            "project": {"id": "p"},
            "expires_at": "2026-10-01T12:00:00.000000Z",
            "catalog": [
                {
                    "type": "compute",
                    "endpoints": [
                        {"interface": "admin", "region_id": "A", "url": "http://no"},
                        {"interface": "public", "region_id": "B", "url": "http://b"},
                        {"interface": "public", "region_id": "A", "url": "http://a/"},
                    ],
                }
            ],
        }
    }
    headers = {"x-subject-token": "t"}
    token = doors.token_of(Answer(status=201, text=json.dumps(body), headers=headers))
    assert (token.id, token.user_id, token.project_id) == ("t", "u", "p")
    assert token.expires_at == datetime.datetime(2026, 10, 1, 12, tzinfo=datetime.UTC)
    assert token.endpoint("compute", "A") == "http://a"
    assert token.endpoint("compute") == "http://b"
    with pytest.raises(LookupError, match="image"):
        token.endpoint("image")
    with pytest.raises(ValueError, match="401"):
        doors.token_of(Answer(status=401, text="no", headers={}))


@pytest.mark.parametrize("short", ["user", "proxy"])
def test_a_proxy_ends_with_the_first_certificate_of_its_chain(tmp_path, short):
    end = datetime.datetime(2040, 1, 1, tzinfo=datetime.UTC)
    ends = {one: end + datetime.timedelta(days=1) for one in ("user", "proxy")}
    root = certs.make_ca("/DC=org/CN=CA")
    user = certs.make_user(
        "/DC=org/CN=alice", issuer=root, not_after={**ends, short: end}["user"]
    )
    proxy = certs.make_proxy(user, not_after={**ends, short: end}["proxy"])
    file = tmp_path / "proxy.pem"
    file.write_bytes(proxy.pem())
    assert doors.end_of(str(file)) == end


def occi(recorder, form):
    return services.Occi(http=recorder, url="http://o", token="t", format=form)


def test_a_machine_is_asked_for_in_lines(recorder):
    occi(recorder, services.TEXT).create("a", image="i", flavor="f", network="n")
    ((method, url, body, headers, _),) = recorder.sent
    assert (method, url) == ("POST", "http://o/compute/")
    assert headers == {
        "Accept": "text/plain",
        "Content-Type": "text/plain",
        "X-Auth-Token": "t",
    }
    lines = body.split("\n")
    assert [line.partition(":")[0] for line in lines] == [
        *["Category"] * 3,
        "X-OCCI-Attribute",
        "Link",
    ]
    assert "<http://o/network/n>" in lines[-1]
    occi(recorder, services.TEXT).create("a", image="i", flavor="f", network="")
    assert "Link" not in recorder.sent[-1][2]


def test_a_machine_is_asked_for_in_json(recorder):
    occi(recorder, services.JSON).create("a", image="i", flavor="f", network="")
    body, headers = recorder.sent[0][2:4]
    assert body["mixins"] == [services.IMAGES + "i", services.FLAVORS + "f"]
    assert (body["title"], body["links"]) == ("a", [])
    assert headers["Content-Type"] == headers["Accept"] == services.JSON


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (services.TEXT, 'Category: x\nX-OCCI-Attribute: occi.compute.state="active"'),
        (services.JSON, '{"attributes": {"occi.compute.state": "active"}}'),
    ],
)
def test_the_state_of_a_machine_is_read_in_each_format(form, text):
    found = Recorder(answer=Answer(status=200, text=text, headers={}))
    assert occi(found, form).state("/compute/1") == "active"
    gone = Recorder(answer=Answer(status=404, text="", headers={}))
    assert occi(gone, form).state("/compute/1") == "404"


def test_nova_is_asked_in_one_version_and_a_link_where_it_leads(recorder):
    nova = services.Nova(http=recorder, url="http://n/v2.1", token="t")
    nova.create("a", image="i", flavor="f", network="", metadata={"k": "v"})
    nova.send("GET", "https://elsewhere/x")
    (made, link) = recorder.sent
    assert made[1] == "http://n/v2.1/servers"
    assert made[2]["server"]["networks"] == "auto"
    assert made[3]["OpenStack-API-Version"] == services.MICROVERSION
    assert link[1] == "https://elsewhere/x"
