# SPDX-License-Identifier: Apache-2.0
"""text/uri-list, both directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ooi_ext.errors import BadRequest
from ooi_ext.model import Collection, Message
from ooi_ext.rendering import urilist

TABLE = [
    ((), b""),
    (("http://x/compute/1",), b"http://x/compute/1"),
    (("http://x/compute/1", "/compute/2"), b"http://x/compute/1\n/compute/2"),
]


@pytest.mark.parametrize(("locations", "body"), TABLE)
def test_both_ways(locations: tuple[str, ...], body: bytes) -> None:
    assert urilist.render(Collection(locations)) == ((), body)
    assert urilist.parse(body, {}) == Message(locations=locations)


def test_comments_and_crlf_are_read() -> None:
    body = b"# the machines\r\nhttp://x/1\r\n\r\nhttp://x/2\r\n"
    assert urilist.parse(body, {}).locations == ("http://x/1", "http://x/2")


@pytest.mark.parametrize("body", [b"a b", b"http://x/1\n<b>", b"\x00", b"\r\r\n"])
def test_what_is_no_uri_is_named(body: bytes) -> None:
    with pytest.raises(BadRequest, match="is no URI"):
        urilist.parse(body, {})


@given(st.binary())
def test_any_body_is_a_list_or_a_bad_request(body: bytes) -> None:
    try:
        read = urilist.parse(body, {})
    except BadRequest:
        return
    assert urilist.parse(urilist.render(read)[1], {}) == read
