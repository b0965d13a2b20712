# SPDX-License-Identifier: Apache-2.0
"""Which rendering a request is in, and which its answer takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ooi_ext.errors import BadRequest, NotAcceptable, OcciError, UnsupportedMediaType
from ooi_ext.rendering import media


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/*", "text/plain"),
        ("text/plain", "text/plain"),
        ("text/plain,text/occi", "text/plain"),
        ("text/occi, text/plain", "text/plain"),
        ("text/occi", "text/occi"),
        ("TEXT/OCCI; charset=utf-8", "text/occi"),
        ("text/occi+plain", "text/occi+plain"),
        ("text/uri-list", "text/uri-list"),
        ("application/occi+json", "application/occi+json"),
        ("application/*", "application/occi+json"),
        ("application/occi+json, text/plain;q=0.9", "application/occi+json"),
        ("application/occi+json, text/plain", "text/plain"),
        ("application/json, */*;q=0.5", "text/plain"),
        ("text/plain;q=0.5, text/occi;q=0.8", "text/occi"),
        ("text/plain; q = 0.1,*/*;q=0.05", "text/plain"),
        ("text/*;q=0.5, text/plain;q=0", "text/occi"),
        ("text/uri-list, */*;q=0.1", "text/uri-list"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "text/plain"),
        ("text/occi;q=high, text/uri-list;q=0.001", "text/uri-list"),
    ],
)
def test_what_is_liked_most_is_chosen(accept: str, chosen: str) -> None:
    assert media.accepted(accept, listing=True).name == chosen


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/json",
        "text/plain;q=0",
        "*/*;q=0.0",
        "garbage",
        "text/plain;q=2",
    ],
)
def test_nothing_acceptable_is_406(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="There are text/plain, text/occi"):
        media.accepted(accept, listing=True)


def test_a_list_of_what_is_no_list_is_400() -> None:
    with pytest.raises(BadRequest, match="text/uri-list"):
        media.accepted("text/uri-list", listing=False)
    assert media.accepted("text/uri-list, text/occi;q=0.1", listing=False).name == (
        "text/occi"
    )


@pytest.mark.parametrize(
    ("content_type", "chosen"),
    [
        ("", "text/plain"),
        ("text/plain", "text/plain"),
        ("Text/Plain; Charset=UTF-8", "text/plain"),
        ('text/plain; charset="us-ascii"', "text/plain"),
        ("text/plain,text/occi", "text/plain"),
        ("text/plain, text/occi", "text/plain"),
        ("text/occi", "text/occi"),
        ("text/occi+plain", "text/occi+plain"),
        ("application/x, text/occi", "text/occi"),
        ("text/uri-list", "text/uri-list"),
        ("application/occi+json", "application/occi+json"),
        ("application/occi+json;charset=utf-8", "application/occi+json"),
    ],
)
def test_content_types(content_type: str, chosen: str) -> None:
    assert media.content(content_type).name == chosen


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain; charset=utf-16",
        "text",
        ",",
    ],
)
def test_unknown_content_types_are_415(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="Content-Type"):
        media.content(content_type)


@given(st.text() | st.text("textplainoccuri-s/;q=,0.1* "))
def test_any_header_is_a_rendering_or_an_error(header: str) -> None:
    for read in (lambda h: media.accepted(h, listing=False), media.content):
        try:
            assert read(header) in media.MEDIA
        except OcciError as refused:
            assert refused.status in (400, 406, 415)
