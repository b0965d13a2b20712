# SPDX-License-Identifier: Apache-2.0
"""What a request says: one way to read it, or none."""

import io
import json

import pytest

from vo_policy_ext import request
from vo_policy_ext.errors import Malformed
from vo_policy_ext.routes import Reference


def environ(method="GET", query="", raw=b"", **more):
    found = {
        "REQUEST_METHOD": method,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": io.BytesIO(raw),
    }
    return {**found, **more}


@pytest.mark.parametrize("query", ["", "name=_method", "a=1&b=_method%3DDELETE"])
def test_the_method_is_what_the_request_says(query):
    assert request.method(environ("PUT", query)) == "PUT"


def test_a_request_may_have_no_query():
    assert request.method({"REQUEST_METHOD": "GET"}) == "GET"
    assert request.query({}) == []


@pytest.mark.parametrize(
    "query",
    [
        "_method=DELETE",
        "_method",
        "a=1&_method=DELETE",
        "a=1;_method=DELETE",
        "x=_method&%5Fmethod=DELETE",
        "%5f%6d%65%74%68%6f%64=DELETE",
        "%FF_method=DELETE",
        "_me%fethod=GET&+_method+=DELETE",
    ],
)
def test_another_method_in_the_query_is_refused(query):
    with pytest.raises(Malformed) as caught:
        request.method(environ("POST", query))
    assert caught.value.code == "method_override"


@pytest.mark.parametrize(
    "sent",
    [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-Urlencoded ; charset=utf-8",
        "multipart/form-data; boundary=x",
    ],
)
def test_a_form_is_refused(sent):
    with pytest.raises(Malformed) as caught:
        request.method(environ("POST", CONTENT_TYPE=sent))
    assert caught.value.code == "form"
    assert request.method(environ("PUT", CONTENT_TYPE=sent)) == "PUT"


def test_a_query_in_order():
    found = request.query(environ(query="b=2&a=%C3%A4+1&b=&c"))
    assert found == [("b", "2"), ("a", "\xe4 1"), ("b", ""), ("c", "")]


@pytest.mark.parametrize("query", ["a=%FF", "a=1;b=2", "&".join(["a=1"] * 1001)])
def test_a_query_of_two_readings_is_refused(query):
    with pytest.raises(Malformed) as caught:
        request.query(environ(query=query))
    assert caught.value.code == "query"


def test_a_new_query_takes_what_was_parsed_of_the_old_with_it():
    old = environ(query="a=1", **{"webob._parsed_query_vars": ({}, "a=1"), "x": 1})
    new = request.with_query(old, [("b", "a;&=\xe4"), ("b", "2")])
    assert new["QUERY_STRING"] == "b=a%3B%26%3D%C3%A4&b=2"
    assert "webob._parsed_query_vars" not in new
    assert new["x"] == 1
    assert old["QUERY_STRING"] == "a=1"


def test_the_body_stays_for_the_service():
    raw = b'{"server": {"name": "a"}}'
    sent = environ("POST", raw=raw)
    assert request.body(sent) == {"server": {"name": "a"}}
    assert sent["wsgi.input"].read() == raw
    assert sent["CONTENT_LENGTH"] == str(len(raw))


@pytest.mark.parametrize(
    "more",
    [
        {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
        {"CONTENT_LENGTH": "", "wsgi.input_terminated": True},
        {"CONTENT_LENGTH": "400"},
    ],
    ids=["chunked", "terminated", "too long a length"],
)
def test_a_body_that_the_length_does_not_tell(more):
    sent = environ("POST", raw=b'{"a": 1}', **more)
    assert request.body(sent) == {"a": 1}
    assert sent["CONTENT_LENGTH"] == "8"


def test_a_body_is_no_longer_than_it_says():
    sent = environ("POST", raw=b'{"a": 1}{"a": 2}', CONTENT_LENGTH="8")
    assert request.body(sent) == {"a": 1}
    assert sent["wsgi.input"].read() == b'{"a": 1}'


@pytest.mark.parametrize("more", [{}, {"CONTENT_LENGTH": None}, {"raw": b" \n"}])
def test_no_body(more):
    assert request.body(environ("POST", **more)) is None


def test_what_is_not_read_here_is_not_read_behind():
    sent = environ("POST", raw=b'{"a": 1}', CONTENT_LENGTH="")
    assert request.body(sent) is None
    assert sent["wsgi.input"].read() == b""


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"a": 1} {}',
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"x": [{"a": 1, "a": 1}]}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"[" * 100000,
        b"9" * 5000,
    ],
)
def test_a_body_of_two_readings_is_refused(raw):
    with pytest.raises(Malformed) as caught:
        request.body(environ("POST", raw=raw))
    assert caught.value.code == "body"


@pytest.mark.parametrize(
    "more",
    [
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "+8"},
        {"CONTENT_LENGTH": " 8"},
        {"CONTENT_LENGTH": "\u0668"},
        {"CONTENT_LENGTH": str(request.MOST_BYTES + 1)},
    ],
)
def test_a_length_that_is_none(more):
    with pytest.raises(Malformed):
        request.body(environ("POST", raw=b'{"a": 1}', **more))


def test_a_chunked_body_has_an_end():
    raw = b'"' + b"a" * request.MOST_BYTES + b'"'
    sent = environ(raw=raw, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    with pytest.raises(Malformed, match="too long"):
        request.body(sent)


def test_another_body():
    old = environ(
        "POST",
        raw=b"{}",
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input_terminated": True},
    )
    new = request.with_body(old, {"a": "\xe4"})
    raw = new["wsgi.input"].read()
    assert json.loads(raw) == {"a": "\xe4"}
    assert new["CONTENT_LENGTH"] == str(len(raw))
    assert "HTTP_TRANSFER_ENCODING" not in new
    assert "wsgi.input_terminated" not in new
    assert old["wsgi.input"].read() == b"{}"


HINT = Reference(method="POST", at=("hints", "same_host"), kind="server")
EACH = Reference(method="POST", at=("disks", "*", "id"), kind="volume", split=True)


@pytest.mark.parametrize(
    ("document", "reference", "expected"),
    [
        ({"hints": {"same_host": "a"}}, HINT, ("a",)),
        ({"hints": {"same_host": ["a", "b", None, ""]}}, HINT, ("a", "b")),
        ({"hints": {"same_host": "a,b"}}, HINT, ("a,b",)),
        ({"hints": {"same_host": None}}, HINT, ()),
        ({"hints": {"different_host": "a"}}, HINT, ()),
        ({"hints": ["same_host"]}, HINT, ()),
        ({"hints": "same_host"}, HINT, ()),
        (["hints"], HINT, ()),
        (None, HINT, ()),
        ({"disks": [{"id": "a,b,"}, {}, 3, {"id": "c"}]}, EACH, ("a", "b", "c")),
        ({"disks": {"id": "a"}}, EACH, ()),
    ],
)
def test_what_a_body_names(document, reference, expected):
    assert request.named(document, reference) == expected


@pytest.mark.parametrize("value", [1, 1.5, True, {"a": "b"}, ["a", 1], [["a"]], [{}]])
def test_what_a_service_could_make_a_text_of_is_refused(value):
    with pytest.raises(Malformed, match=r"hints\.same_host") as caught:
        request.named({"hints": {"same_host": value}}, HINT)
    assert caught.value.code == "reference"
