# SPDX-License-Identifier: Apache-2.0
"""v2.0: the documents, and the filter over an application that records."""

import io
import json

import keystone.conf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oslo_middleware import sizelimit

from keystone_voms_ext import conf, credential, mapping, subrequest, v2
from keystone_voms_ext import v2_documents as documents
from keystone_voms_ext.voms.errors import CredentialRefused

URL = "https://keystone.example.org"
CONF = keystone.conf.CONF


def endpoint(interface, region="one", number=1):
    return {
        "id": f"{interface}-{region}-{number}",
        "interface": interface,
        "region": region,
        "region_id": region,
        "url": f"https://{interface}.{region}.example.org/{number}",
    }


def urls(endpoint):
    return {name: endpoint[f"{name}URL"] for name in ("public", "internal", "admin")}


def catalog(*endpoints):
    service = {"id": "s", "type": "image", "name": "glance", "endpoints": endpoints}
    return documents.catalog_of([service])


TOKEN = {
    "methods": ["voms"],
    "user": {
        "id": "u",
        "name": "/CN=alice",
        "domain": {"id": "default", "name": "Default"},
        "password_expires_at": None,
    },
    "audit_ids": ["a"],
    "expires_at": "2026-11-22T08:35:06.000000Z",
    "issued_at": "2026-11-22T07:35:07.000000Z",
}
SCOPED = {
    **TOKEN,
    "project": {"id": "p", "name": "dteam", "domain": {"id": "default"}},
    "is_domain": False,
    "roles": [{"id": "r", "name": "member"}],
    "catalog": [
        {"id": "s", "type": "image", "name": "g", "endpoints": [endpoint("public")]}
    ],
}


def test_an_unscoped_token_has_no_tenant_and_an_empty_catalog():
    assert documents.access_of("secret", TOKEN) == {
        "access": {
            "token": {
                "id": "secret",
                "expires": "2026-11-22T08:35:06Z",
                "issued_at": "2026-11-22T07:35:07.000000Z",
                "audit_ids": ["a"],
            },
            "serviceCatalog": [],
            "user": {
                "id": "u",
                "name": "/CN=alice",
                "username": "/CN=alice",
                "roles_links": [],
                "roles": [],
            },
            "metadata": {"is_admin": 0, "roles": []},
        }
    }


def test_a_scoped_token_has_the_rest():
    access = documents.access_of("secret", SCOPED)["access"]
    assert access["token"]["tenant"] == {
        "id": "p",
        "name": "dteam",
        "description": "",
        "enabled": True,
    }
    assert access["user"]["roles"] == [{"name": "member"}]
    assert access["metadata"]["roles"] == ["r"]
    assert [service["type"] for service in access["serviceCatalog"]] == ["image"]


def test_a_tenant_keeps_what_v3_says_of_the_project():
    project = {"id": "p", "name": "n", "description": "d", "enabled": False, "x": 1}
    del (expected := dict(project))["x"]
    assert documents.tenant_of(project) == expected
    assert documents.tenant_of({**project, "description": None})["description"] == ""


def test_the_three_urls_of_an_endpoint_are_there_each_in_its_region():
    three = [endpoint(name) for name in ("admin", "internal", "public")]
    (service,) = catalog(*three, endpoint("public", "two"))
    one, two = service["endpoints"]
    assert (one["region"], two["region"]) == ("one", "two")
    assert one["id"] == "public-one-1"
    assert urls(one) == {found["interface"]: found["url"] for found in three}
    assert set(urls(two).values()) == {"https://public.two.example.org/1"}


@pytest.mark.parametrize("interface", ["internal", "admin"])
def test_without_a_public_url_another_one_stands_in(interface):
    (service,) = catalog(endpoint(interface))
    assert set(urls(service["endpoints"][0]).values()) == {endpoint(interface)["url"]}


def test_the_first_of_two_endpoints_of_a_kind_counts():
    (service,) = catalog(endpoint("public"), endpoint("public", number=2))
    (only,) = service["endpoints"]
    assert only["publicURL"].endswith("/1")


def test_a_service_without_endpoints_or_name_breaks_no_client():
    assert catalog() == []
    nameless = {"type": "image", "endpoints": [{**endpoint("public"), "region": None}]}
    (service,) = documents.catalog_of([nameless])
    assert service["name"] == "" and service["endpoints"][0]["region"] == ""


class Recorder:
    """Keystone, as far as these tests go: answers by path, and what it was asked."""

    def __init__(self, **answers):
        self.answers = {"/": ("300 MULTIPLE CHOICES", {}), **answers}
        self.seen = []

    def __call__(self, environ, start_response):
        self.seen.append({**environ, "body": environ["wsgi.input"].read()})
        status, document = self.answers.get(environ["PATH_INFO"], ("404 NO", None))
        headers = [("Content-Type", "text/x"), ("X-Subject-Token", "secret")]
        headers += [("Vary", "X-Auth-Token"), ("Content-Length", "7")]
        if environ["PATH_INFO"] == "/":
            headers.append(("Location", f"{URL}/v3/"))
        start_response(status, headers)
        return [b"stock" if document is None else json.dumps(document).encode()]

    def paths(self):
        return [environ["PATH_INFO"] for environ in self.seen]


@pytest.fixture
def configured():
    """Set options of [voms] for one test."""
    conf.register(CONF)
    CONF.register_opts(sizelimit.OPTS, group="oslo_middleware")

    def set_options(**options):
        for name, value in options.items():
            CONF.set_override(name, value, group=conf.GROUP)

    yield set_options
    for name in ("v2_enabled", "v2_advertise"):
        CONF.clear_override(name, group=conf.GROUP)


def serve(app, path, body=None, *, method="POST", **environ):
    """Return status, headers and body of a request through the filter."""
    octets = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    begun = []
    chunks = v2.filter_factory({})(app)(
        {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "x=1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "5000",
            "CONTENT_LENGTH": str(len(octets)),
            "wsgi.input": io.BytesIO(octets),
            "wsgi.url_scheme": "https",
            **environ,
        },
        lambda status, headers: begun.extend([status, headers]),
    )
    status, headers = begun
    assert len({name.lower() for name, _ in headers}) == len(headers)
    return status, dict(headers), b"".join(chunks)


LOGIN = {"/v3/auth/tokens": ("201 CREATED", {"token": TOKEN})}
VOMS = {"auth": {"voms": True}}


def test_only_what_is_on_the_list_is_handed_down(configured):
    app = Recorder(**LOGIN)
    handed = {
        "SSL_CLIENT_CERT": "leaf",
        "SSL_CLIENT_CERT_CHAIN_0": "issuer",
        "SSL_SESSION_RESUMED": "Initial",
        "HTTP_CLIENT_CERT": "header",
        "HTTP_HOST": "keystone.example.org",
        "HTTP_X_FORWARDED_FOR": "192.0.2.1",
        "REMOTE_ADDR": "192.0.2.7",
    }
    kept_back = {
        "REMOTE_USER": "admin",
        "VOMS_DN": "/CN=x",
        "GRST_VOMS_FQANS": "/ops",
        "HTTP_X_AUTH_TOKEN": "of somebody",
        "HTTP_COOKIE": "x",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "AUTH_TYPE": "Basic",
        "keystone.something": "x",
        "flask.something": "x",
    }
    status, headers, body = serve(app, "/v2.0/tokens", VOMS, **handed, **kept_back)
    assert status == "200 OK"
    (seen,) = app.seen
    assert handed.items() <= seen.items()
    assert not set(kept_back) & set(seen)
    assert seen["PATH_INFO"] == "/v3/auth/tokens" and seen["QUERY_STRING"] == ""
    assert json.loads(seen["body"]) == {
        "auth": {
            "identity": {"methods": ["voms"], "voms": {}},
            "scope": {"unscoped": {}},
        }
    }
    assert headers["Content-Length"] == str(len(body))
    assert headers["Content-Type"] == "application/json"
    assert "X-Subject-Token" not in headers and headers["Vary"] == "X-Auth-Token"
    assert json.loads(body)["access"]["token"]["id"] == "secret"


def test_the_verdict_of_a_filter_in_front_is_handed_down(configured):
    refused = CredentialRefused("ac_expired", what="It is over.", mend="Renew it.")
    app = Recorder(**LOGIN)
    serve(app, "/v2.0/tokens", VOMS, **{credential.VERDICT: refused})
    assert app.seen[0][credential.VERDICT] is refused


def test_the_filter_itself_keeps_nothing(configured):
    made = v2.V2Filter(Recorder(**LOGIN))
    before = dict(vars(made))
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v2.0/tokens",
        "CONTENT_LENGTH": "24",
        "wsgi.input": io.BytesIO(b'{"auth": {"voms": true}}'),
    }
    assert b"secret" in b"".join(made(environ, lambda *_: None))
    assert vars(made) == before


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"auth": {"passwordCredentials": {}}}, "/v2.0/tokens"),
        ({"auth": "voms"}, "/v2.0/tokens"),
        ([1], "/v2.0//tokens/"),
        (VOMS, "/v2.0/users"),
        (VOMS, "/v3/auth/tokens"),
        (VOMS, "/v2.0.1"),
    ],
)
def test_all_else_goes_down_as_it_came(configured, body, path):
    app = Recorder()
    status, _, answer = serve(app, path, body, HTTP_X_AUTH_TOKEN="kept")
    assert (status, answer) == ("404 NO", b"stock")
    (seen,) = app.seen
    assert seen["PATH_INFO"] == path and seen["HTTP_X_AUTH_TOKEN"] == "kept"
    assert json.loads(seen["body"]) == body
    assert seen["CONTENT_LENGTH"] == str(len(seen["body"]))


@pytest.mark.parametrize("path", ["/v2.0/tokens", "//v2.0/tokens", "/v2.0//tokens/"])
def test_a_slash_too_many_is_forgiven(configured, path):
    status, _, _ = serve(Recorder(**LOGIN), path, VOMS)
    assert status == "200 OK"


def test_what_is_turned_off_goes_down(configured):
    configured(v2_enabled=False, v2_advertise=True)
    app = Recorder(**LOGIN)
    for path in ("/v2.0/tokens", "/v2.0/tenants", "/v2.0"):
        assert serve(app, path, VOMS)[2] == b"stock"
    assert json.loads(serve(app, "/", method="GET")[2]) == {}
    assert app.paths() == ["/v2.0/tokens", "/v2.0/tenants", "/v2.0", "/"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"auth": {"voms": "true"}}',
        b'{"auth": {"voms": 1}}',
        b'{"auth": {"voms": [true]}}',
        b'{"auth": {"voms": true, "tenantId": 5}}',
        b'{"auth": {"voms": true, "tenantId": "a", "tenantName": "b"}}',
        b'{"auth": {"voms": true, "tenantId": "a\\nb"}}',
        b'{"auth": {"voms": true, "tenantId": "\\ud83d"}}',
        b'{"auth": {"voms": true, "tenantId": "\\ud83d\\ude00"}}',
        b"[" * 50_000,
        b"",
    ],
)
def test_a_body_that_makes_no_sense_is_refused_unasked(configured, body):
    app = Recorder(**LOGIN)
    status, _, answer = serve(app, "/v2.0/tokens", body)
    assert status == "400 Bad Request" and json.loads(answer)["error"]["code"] == 400
    assert app.seen == []


def test_v2_is_not_named_unless_the_site_wants_it(configured):
    stock = {"versions": {"values": []}}
    app = Recorder(**{"/": ("300 MULTIPLE CHOICES", stock)})
    assert json.loads(serve(app, "/", method="GET")[2]) == stock
    configured(v2_advertise=True)
    status, headers, body = serve(app, "/", method="GET")
    assert status == "300 MULTIPLE CHOICES" and headers["Location"] == f"{URL}/v3/"
    (named,) = json.loads(body)["versions"]["values"]
    assert named == documents.version_of(URL)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(
            st.sampled_from(["auth", "voms", "tenantId", "x"]), one, max_size=3
        )
    ),
    max_leaves=8,
)
_BODIES = st.binary(max_size=200) | st.one_of(
    _JSON, st.builds(lambda auth: {"auth": auth}, _JSON)
).map(lambda one: json.dumps(one).encode())


@given(body=_BODIES)
def test_any_body_has_an_answer_and_one_that_is_not_ours_stays_whole(body):
    app = Recorder(**LOGIN)
    status, headers, answer = serve(app, "/v2.0/tokens", body)
    assert status[:3] in ("200", "400", "404")
    if status[:3] == "404":
        assert app.seen[0]["body"] == body
    else:
        assert headers["Content-Length"] == str(len(answer)) and json.loads(answer)


@pytest.mark.parametrize("length", ["-1", "x", "1" * 5000, "\u0661", "114689"])
def test_a_length_that_cannot_be_is_refused_unread(configured, length):
    app = Recorder(**LOGIN)
    status, _, body = serve(app, "/v2.0/tokens", VOMS, CONTENT_LENGTH=length)
    assert status[:3] in ("400", "413")
    assert json.loads(body)["error"]["code"] == int(status[:3])
    assert app.seen == []


def test_a_body_without_length_is_read_where_the_server_ends_it(configured):
    app = Recorder(**LOGIN)
    status, _, _ = serve(app, "/v2.0/tokens", VOMS, CONTENT_LENGTH="")
    assert status[:3] == "400"
    ends = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    assert serve(app, "/v2.0/tokens", VOMS, **ends)[0] == "200 OK"
    long = b" " * 114_689
    assert serve(app, "/v2.0/tokens", long, **ends)[0][:3] == "413"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"error": {"code": 403, "title": "F", "message": "Not you."}}, "Not you."),
        ({"receipt": {}}, "Forbidden"),
        ({"error": "odd"}, "Forbidden"),
        (None, "Forbidden"),
    ],
)
def test_an_error_of_v3_has_the_form_of_v2(configured, document, message):
    app = Recorder(**{"/v3/auth/tokens": ("403 FORBIDDEN", document)})
    status, headers, body = serve(app, "/v2.0/tokens", VOMS)
    assert status == "403 Forbidden"
    error = {"code": 403, "title": "Forbidden", "message": message}
    assert json.loads(body) == {"error": error}
    assert "WWW-Authenticate" not in headers


def test_a_401_tells_where_keystone_is(configured):
    app = Recorder(**{"/v3/auth/tokens": ("401 UNAUTHORIZED", {})})
    status, headers, _ = serve(app, "/v2.0/tokens", VOMS)
    assert status == "401 Unauthorized"
    assert headers["WWW-Authenticate"] == f'Keystone uri="{URL}"'


def test_without_keystones_word_the_url_is_that_of_the_request():
    environ = {
        "wsgi.url_scheme": "https",
        "HTTP_HOST": "h.example.org",
        "SCRIPT_NAME": "/identity",
    }

    def silent(environ, start_response):
        start_response("503 Service Unavailable", [])
        return [b""]

    below = subrequest.Below(app=silent, environ=environ)
    assert below.url() == "https://h.example.org/identity"


def test_versions_in_another_form_are_let_be(configured):
    configured(v2_advertise=True)
    for answer in (("200 OK", {"versions": {}}), ("300 MULTIPLE CHOICES", {"x": 1})):
        _, headers, body = serve(Recorder(**{"/": answer}), "/", method="GET")
        assert json.loads(body) == answer[1]
        assert headers["Content-Type"] == "text/x"


def test_the_stream_of_an_answer_is_closed():
    class Chunks(list):
        closed = False

        def close(self):
            self.closed = True

    chunks = Chunks([b"a", b"b"])

    def app(environ, start_response):
        start_response("200 OK", [("X", "y")])
        return chunks

    reply = subrequest.answer(app, {})
    assert (reply.body, reply.code, reply.header("x")) == (b"ab", 200, "y")
    assert chunks.closed


def entries(**document):
    return mapping.parse(json.dumps(document), source="voms.json").entries


@pytest.mark.parametrize(
    ("name", "domain"),
    [("ops", "grid"), ("dteam", None), ("other", None), ("mine", None)],
)
def test_the_domain_of_a_name_is_that_of_the_entry_which_earns_it(name, domain):
    earned = entries(
        dteam={"project": "dteam"},
        ops={"projects": ["ops", "ops-2"], "domain": "grid"},
        later={"project": "ops", "domain": "later"},
        own={"project": "mine", "project_per_user": True, "domain": "own"},
    )
    assert v2.domain_of(name, earned, dn="/CN=x") == domain
    (own,) = (entry for entry in earned if entry.key == "own")
    assert v2.domain_of(own.own_project("/CN=x"), earned, dn="/CN=x") == "own"
    assert v2.domain_of(own.own_project("/CN=y"), earned, dn="/CN=x") is None
