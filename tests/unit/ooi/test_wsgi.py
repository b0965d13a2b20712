# SPDX-License-Identifier: Apache-2.0
"""The filter itself: prefixes, methods, bodies, formats, and its own failures."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ooi_ext import kinds
from ooi_ext.errors import NotFound
from ooi_ext.handlers import routes
from ooi_ext.handlers.call import Answer, Call, Handler
from ooi_ext.model import Collection, Link, Message, Resource
from ooi_ext.rendering.media import MEDIA
from tests.unit.ooi.cloud import Cloud

JSON = {"Accept": "application/occi+json"}
EP = "http://cloud.example.org/occi1.1"
MACHINE = Resource(
    kinds.COMPUTE,
    attributes=(("occi.core.id", "7"), ("occi.core.title", "t")),
    links=(Link("/n/1", ("http://x#n",), "/l/2", ("http://x#l",)),),
)

Serve = Callable[[Callable[[Call], Answer]], None]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Put a function at /probe, which has no other way to be reached."""

    def put(function: Callable[[Call], Answer], listing: bool = True) -> None:
        handler = Handler(function, listing=listing)
        methods = dict.fromkeys(("GET", "POST", "PUT", "DELETE"), handler)
        monkeypatch.setattr(routes, "ROUTES", {**routes.ROUTES, "/probe": methods})

    return put


@pytest.mark.parametrize("prefix", ["/occi1.1", "/occi1.2", "/occi", "/a/b", ""])
def test_only_the_urls_depend_on_the_prefix(
    cloud: Cloud, serve: Serve, prefix: str
) -> None:
    serve(lambda call: Answer(status=201, location=call.url("/x"), body=MACHINE))
    for headers in ({}, {"Accept": "text/occi"}, JSON):
        first = cloud.send("POST", "/probe", headers=headers)
        answer = cloud.send("POST", "/probe", headers=headers, SCRIPT_NAME=prefix)
        base = f"http://cloud.example.org{prefix}"
        assert answer.header("Location") == f"{base}/x"
        assert answer.status == first.status == 201
        assert answer.body == first.body.replace(EP.encode(), base.encode())
        assert {n for n, _ in answer.headers} == {n for n, _ in first.headers}


@pytest.mark.parametrize("accept", [m.name for m in MEDIA] + ["*/*", ""])
def test_head_is_get_without_the_body(cloud: Cloud, serve: Serve, accept: str) -> None:
    serve(lambda call: Answer(body=Collection((call.url("/x"),))))
    for path in ("/probe", "/nothing"):
        got = cloud.send("GET", path, headers={"Accept": accept})
        head = cloud.send("HEAD", path, headers={"Accept": accept})
        assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")
        assert got.header("Content-Length") == str(len(got.body))


@pytest.mark.parametrize(
    ("method", "environ", "read"),
    [
        ("POST", {}, True),
        ("PUT", {}, True),
        ("DELETE", {}, True),
        ("GET", {}, True),
        ("HEAD", {}, True),
        ("GET", {"CONTENT_TYPE": ""}, False),
        ("GET", {"CONTENT_LENGTH": ""}, False),
        ("GET", {"CONTENT_LENGTH": "0"}, False),
        ("GET", {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}, False),
        ("DELETE", {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}, True),
        ("DELETE", {"CONTENT_LENGTH": ""}, False),
    ],
)
def test_which_bodies_are_read(
    cloud: Cloud, serve: Serve, method: str, environ: dict[str, Any], read: bool
) -> None:
    bodies = []

    def keep(call: Call) -> Answer:
        bodies.append(call.body)
        return Answer()

    serve(keep)
    whole = {"CONTENT_TYPE": "text/plain", **environ}
    assert cloud.send(method, "/probe", b"X-OCCI-Location: /a", **whole).status == 200
    assert bodies == [b"X-OCCI-Location: /a" if read else b""]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("media", MEDIA, ids=lambda m: m.name)
def test_what_is_too_long_is_413_for_all(
    cloud: Cloud, serve: Serve, method: str, media: Any
) -> None:
    serve(lambda call: Answer(body=call.message()))
    body = b" " * (1024 * 1024 + 1)
    headers = {"Accept": media.name, "Content-Type": media.name}
    assert cloud.send(method, "/probe", body, headers).status == 413
    # The length is not believed: no more is read than may be.
    endless: dict[str, Any] = {"CONTENT_LENGTH": "9" * 15}
    answer = cloud.send(method, "/probe", body, headers, **endless)
    assert answer.status == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "9" * 16, "a"])
def test_a_length_that_is_none_is_400(cloud: Cloud, serve: Serve, length: str) -> None:
    serve(lambda call: Answer())
    environ: dict[str, Any] = {"CONTENT_LENGTH": length}
    # wsgiref's validator would not let these pass, some servers do.
    environ["wsgi.input"] = io.BytesIO(b"")
    taken: list[Any] = []
    whole = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/probe",
        "SERVER_NAME": "a",
        "SERVER_PORT": "1",
        "wsgi.url_scheme": "http",
        **environ,
    }
    cloud.filter(whole, lambda status, headers: taken.append(status))
    assert taken == ["400 Bad Request"]


@pytest.mark.parametrize("path", ["/probe", "/nothing"])
@pytest.mark.parametrize("accept", [m.name for m in MEDIA] + ["*/*", "image/png"])
def test_every_answer_says_what_is_spoken_here(
    cloud: Cloud, serve: Serve, path: str, accept: str
) -> None:
    serve(lambda call: Answer())
    answer = cloud.send("GET", path, headers={"Accept": accept})
    assert answer.header("Server") == "OCCI/1.2 OCCI/1.1"
    assert answer.header("Accept") == (
        "text/plain, text/occi, text/occi+plain, text/uri-list, application/occi+json"
    )


@pytest.mark.parametrize(
    ("accept", "body"),
    [
        ("text/plain", b""),
        ("text/occi", b"OK"),
        ("text/uri-list", b""),
        ("application/occi+json", b"{}"),
    ],
)
def test_nothing_to_say(cloud: Cloud, serve: Serve, accept: str, body: bytes) -> None:
    serve(lambda call: Answer())
    answer = cloud.send("DELETE", "/probe", headers={"Accept": accept})
    assert (answer.status, answer.body) == (200, body)
    assert answer.header("Content-Type") == f"{accept}; charset=utf-8"


def test_documents_in_and_out(cloud: Cloud, serve: Serve) -> None:
    seen: list[Message] = []

    def make(call: Call) -> Answer:
        seen.append(call.message())
        assert call.wants_entities
        return Answer(status=201, location=f"{EP}/compute/7", body=MACHINE)

    serve(make)
    document = {"kind": kinds.COMPUTE.identifier, "title": 'a "b"'}
    headers = {**JSON, "Content-Type": "application/occi+json"}
    answer = cloud.send("POST", "/probe", json.dumps(document), headers)
    assert answer.status == 201
    assert answer.header("Content-Type") == "application/occi+json; charset=utf-8"
    assert json.loads(answer.body)["links"][0]["source"] == {
        "location": f"{EP}/compute/7",
        "kind": kinds.COMPUTE.identifier,
    }
    assert seen[0].attributes == (("occi.core.title", 'a "b"'),)


def test_a_text_does_not_want_entities(cloud: Cloud, serve: Serve) -> None:
    wants = []

    def keep(call: Call) -> Answer:
        wants.append(call.wants_entities)
        return Answer(body=Collection())

    serve(keep)
    for accept in (
        "",
        "text/uri-list",
        "*/*",
        "application/*",
        "application/occi+json",
    ):
        cloud.send("GET", "/probe", headers={"Accept": accept})
    assert wants == [False, False, False, True, True]


def test_errors_are_in_the_format_that_the_client_likes(
    cloud: Cloud, serve: Serve
) -> None:
    def refuse(call: Call) -> Answer:
        raise NotFound('There is no "é\r\nX-Evil: 1".', mend="Look for it.")

    serve(refuse)
    line = 'There is no "é X-Evil: 1". Look for it.'
    plain = cloud.send("GET", "/probe")
    assert (plain.status, plain.text) == (404, line)
    for accept in ("text/uri-list", "image/png"):
        other = cloud.send("GET", "/probe", headers={"Accept": accept})
        assert other.header("Content-Type") == "text/plain; charset=utf-8"
    occi = cloud.send("GET", "/probe", headers={"Accept": "text/occi"})
    assert occi.header("X-OCCI-Error").encode("latin-1").decode() == line
    assert not occi.header("X-Evil")
    document = cloud.send("GET", "/probe", headers=JSON)
    assert document.header("Content-Type").startswith("application/occi+json")
    assert json.loads(document.body) == {
        "error": {"code": 404, "title": "Not Found", "message": line}
    }


def test_405_names_what_is_allowed_in_every_format(cloud: Cloud, serve: Serve) -> None:
    serve(lambda call: Answer())
    for media in MEDIA:
        answer = cloud.send("PATCH", "/probe", headers={"Accept": media.name})
        assert answer.status == 405
        assert answer.header("Allow") == "GET, HEAD, POST, PUT, DELETE"
    assert (
        "GET, HEAD"
        in json.loads(cloud.send("PATCH", "/probe", headers=JSON).body)["error"][
            "message"
        ]
    )


@pytest.mark.parametrize("where", ["handler", "rendering"])
@pytest.mark.parametrize("accept", ["text/plain", "text/occi", "application/occi+json"])
def test_a_failure_of_our_own_is_told_to_the_operator_only(
    cloud: Cloud,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    where: str,
    accept: str,
) -> None:
    def fail(call: Call) -> Answer:
        if where == "handler":
            raise KeyError("a secret\nof the cloud")
        broken: Any = object()
        return Answer(body=Resource(kinds.COMPUTE, attributes=(("a", broken),)))

    serve(fail)
    environ: dict[str, Any] = {"openstack.request_id": "req-1234"}
    with caplog.at_level(logging.INFO, logger="ooi_ext"):
        headers = {"Accept": accept}
        answer = cloud.send("POST", "/probe", headers=headers, **environ)
    assert answer.status == 500
    assert answer.header("Content-Type").startswith(accept)
    assert "The OCCI interface failed." in answer.text
    assert "req-1234" in answer.text
    for kept in ("secret", "Traceback", "KeyError", "object", ".py"):
        assert kept not in answer.text
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    line = record.getMessage()
    assert "code=occi_failed request_id=req-1234 POST" in line
    assert line.isprintable()
    assert record.exc_info is None
    if where == "handler":
        assert "test_wsgi.py:" in line and "a secret" in line


def test_ten_thousand_headers_do_no_harm(cloud: Cloud, serve: Serve) -> None:
    serve(lambda call: Answer(body=call.message()))
    many = {f"X-Header-{n}": "x" * 100 for n in range(10_000)}
    assert cloud.send("POST", "/probe", b"", many).status == 200
    long = {"Content-Type": "text/occi", "Category": "a, " * 300_000}
    assert cloud.send("POST", "/probe", b"", long).status == 400


values = st.text(st.characters(max_codepoint=255)) | st.text('text/*;q=0.1, "occi\r\n')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["Accept", "Content-Type", "User-Agent", "Host", "X-Forwarded-Host"]
            + ["X-Forwarded-Proto", "X-Forwarded-Prefix", "Category", "Link"]
            + ["X-OCCI-Attribute", "X-OCCI-Location", "Content-Length"]
        ),
        values,
    ),
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "BREW"]),
    st.sampled_from(["", "page=1", "page=a&number=b", "page=2&number=1"]),
)
def test_any_header_is_the_clients_fault(
    cloud: Cloud, serve: Serve, headers: dict[str, str], method: str, query: str
) -> None:
    serve(lambda call: Answer(body=call.message()))
    path = f"/probe?{query}" if query else "/probe"
    environ: dict[str, Any] = {}
    if "Content-Length" in headers:
        environ["CONTENT_LENGTH"] = "3"
        headers.pop("Content-Length")
    answer = cloud.send(method, path, b"a=b", headers, **environ)
    assert answer.status in (200, 400, 405, 406, 415, 501)
    assert all(c >= " " for _, value in answer.headers for c in value)
