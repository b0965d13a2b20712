# SPDX-License-Identifier: Apache-2.0
"""Lists that are narrowed in the answer of the service."""

import json

import pytest

from tests.unit.policy.service import ALICES, BOBS, NOBODYS, Site, message
from vo_policy_ext.wsgi import Isolation


@pytest.fixture
def site():
    return Site()


def items(*servers):
    return [{"server_id": server, "n": n} for n, server in enumerate(servers)]


def test_a_list_of_others_items_is_cut(site):
    raw = json.dumps({"items": items(ALICES, BOBS, NOBODYS, None, BOBS), "links": 1})
    site.behind.chunks = [raw[:9].encode(), raw[9:].encode()]
    status, body = site.ask("GET", "/items", "member")
    assert status == 200
    assert json.loads(body) == {
        "items": [{"server_id": BOBS, "n": 1}, {"server_id": BOBS, "n": 4}],
        "links": 1,
    }
    assert site.headers == {"X-Kept": "yes", "Content-Length": str(len(body))}
    assert site.behind.closed == 1
    # Nothing is asked twice, and nothing in another form.
    assert sorted(site.service.asked) == sorted(
        ("server", i) for i in (ALICES, BOBS, NOBODYS)
    )


@pytest.mark.parametrize("role", ["manager", "vo_auditor"])
def test_who_reads_all_gets_the_whole_list(site, role):
    raw = json.dumps({"items": items(ALICES, BOBS)}).encode()
    site.behind.chunks = [raw]
    assert site.ask("GET", "/items", role) == (200, raw)
    assert site.headers["Content-Length"] == "1"


@pytest.mark.parametrize(
    "raw",
    [b"[]", b"{}", b"no json", b'{"items": [{}]}', b'{"items": 7}', b'{"items": [7]}'],
)
def test_an_odd_list_is_not_passed_on(site, raw, caplog):
    site.behind.chunks = [raw]
    status, body = site.ask("GET", "/items", "member")
    assert status == 503
    assert message(body) == "The list cannot be narrowed to what is yours."
    assert "odd_answer" in caplog.text


def test_an_error_of_the_service_is_passed_on(site):
    site.behind.status = "400 Bad Request"
    assert site.ask("GET", "/items", "member") == (400, b"welcome")


def test_the_answer_to_head_is_empty(site):
    site.behind.chunks = []
    assert site.ask("HEAD", "/items", "member") == (200, b"")


def test_an_answer_without_close(site):
    raw = json.dumps({"items": items(BOBS)}).encode()

    def plain(environ, start_response):
        start_response("200 OK", [])(raw)
        return []

    site.filter = Isolation(plain, site.service)
    status, body = site.ask("GET", "/items", "member")
    assert (status, json.loads(body)) == (200, {"items": items(BOBS)})


def test_another_method_on_a_list_of_items(site):
    assert site.ask("POST", "/items", "member") == (200, b"welcome")
