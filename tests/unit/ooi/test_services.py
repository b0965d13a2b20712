# SPDX-License-Identifier: Apache-2.0
"""Glance, asked over a real connection."""

import socket
from typing import Any

import pytest
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token

from ooi_ext.errors import UpstreamError
from ooi_ext.services import Services
from tests.unit.ooi.cloud import Cloud, Glance

FIRST = "/v2/images?status=active&limit=1000"


@pytest.fixture
def service(cloud: Cloud) -> Glance:
    return cloud.glance


def images(url: str, **options: Any) -> tuple[dict[str, Any], ...]:
    services = Services(session=Session(), **options)
    return services.images(Token(url, "token"))


def refusal(url: str, **options: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        images(url, **options)
    assert raised.value.service == "image"
    assert "image service" in str(raised.value)
    return raised.value


@pytest.mark.parametrize("suffix", ["", "/", "/v2", "/v2.16/"])
def test_pages_are_followed_below_any_endpoint(service: Glance, suffix: str) -> None:
    service.pages = {
        FIRST: (200, b'{"images": [{"id": "1"}], "next": "/v2/images?marker=1"}'),
        "/v2/images?marker=1": (200, b'{"images": [{"id": "2"}]}'),
    }
    assert [i["id"] for i in images(service.url + suffix)] == ["1", "2"]
    assert service.tokens == ["token", "token"]


@pytest.mark.parametrize(
    ("status", "body", "ours"),
    [
        (401, b"{}", 403),
        (403, b"{}", 403),
        (404, b"{}", 503),
        (500, b"{}", 503),
        (503, b"", 503),
        (200, b"<html>", 502),
        (200, b"[]", 502),
    ],
)
def test_failures(service: Glance, status: int, body: bytes, ours: int) -> None:
    service.pages = {FIRST: (status, body)}
    assert refusal(service.url).status == ours


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = refusal(f"http://127.0.0.1:{port}")
    assert error.status == 503
    assert str(port) not in str(error)


def test_nobody_answers() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        assert refusal(url, timeout_seconds=1).status == 503


def test_no_endpoint_in_the_catalog() -> None:
    assert refusal("", interface="internal").status == 503
    assert "no internal endpoint" in str(refusal("", interface="internal"))


def test_no_token(cloud: Cloud) -> None:
    cloud.environ = {"keystone.token_auth": None}
    answer = cloud.send("GET", "/-/")
    assert answer.status == 503
    assert "authtoken" in answer.text
