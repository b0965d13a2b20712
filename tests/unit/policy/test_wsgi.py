# SPDX-License-Identifier: Apache-2.0
"""The filter before a service that writes down what reaches it."""

import json
import logging

import pytest

from tests.unit.policy.service import ALICES, BOBS, NOBODYS, Site, message


@pytest.fixture
def site():
    return Site()


def test_the_owner_reaches_a_server(site):
    assert site.ask("DELETE", f"/servers/{BOBS}", "member") == (200, b"welcome")
    (environ,) = site.behind.environs
    assert environ["adapted"] == ("/servers/{server}", "DELETE")


def test_with_the_id_of_the_project(site):
    assert site.ask("GET", f"/p/servers/{BOBS}/", "member")[0] == 200
    assert site.ask("GET", f"/q/servers/{BOBS}", "member")[0] == 404


def test_another_users_server_is_as_one_that_is_not_there(site):
    answers = {}
    for server in (ALICES, NOBODYS):
        status, body = site.ask("GET", f"/servers/{server}", "member")
        answers[server] = (status, body.replace(server.encode(), b"ID"))
        assert site.headers["Content-Type"] == "application/json"
        assert site.headers["Content-Length"] == str(len(body))
    assert answers[ALICES] == answers[NOBODYS]
    assert answers[ALICES][0] == 404
    assert json.loads(answers[ALICES][1]) == {
        "itemNotFound": {"code": 404, "message": "server ID could not be found."}
    }
    assert not site.behind.environs


def test_an_answer_to_head_has_no_body(site):
    assert site.ask("HEAD", f"/servers/{ALICES}", "member") == (404, b"")
    assert int(site.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    "written",
    [
        BOBS.upper(),
        f"{BOBS} ",
        f"{BOBS}.json",
        f"{{{BOBS}}}",
        f"urn:uuid:{BOBS}",
        f"{BOBS}\n",
        "detail",
    ],
)
def test_an_id_in_another_form_is_looked_up_nowhere(site, written):
    assert site.ask("GET", f"/servers/{written}", "member")[0] == 404
    assert not site.service.asked


@pytest.mark.parametrize(
    "path",
    [
        "/unknown",
        f"//servers/{ALICES}",
        f"/servers//{ALICES}",
        f"/./servers/{ALICES}",
        f"/servers/../servers/{ALICES}",
        f"/open/../servers/{ALICES}",
        f"/servers%2f{ALICES}",
        f"/servers/{ALICES}/unknown",
        f"/%73ervers/{ALICES}",
        f"/servers/{BOBS}/../{ALICES}",
        f"/servers/{BOBS}/%2e%2e/{ALICES}",
    ],
)
def test_a_path_of_no_route_is_closed(site, path):
    status, body = site.ask("GET", path, "member", "manager")
    assert (status, message(body)) == (404, "The resource could not be found.")
    assert not site.behind.environs


def test_the_administrator_may_ask_for_what_is_not_known_here(site):
    assert site.ask("GET", "/unknown", is_admin=True) == (200, b"welcome")


@pytest.mark.parametrize("query", ["_method=DELETE", "%5Fmethod=DELETE", "a;_method=A"])
@pytest.mark.parametrize("is_admin", [False, True])
def test_another_method_is_refused_to_all(site, query, is_admin):
    status, body = site.ask("POST", "/open", query=query, is_admin=is_admin)
    assert status == 400
    assert json.loads(body)["badRequest"]["code"] == 400


def test_what_the_service_refuses(site):
    assert site.ask("GET", "/open", query="bad")[0] == 400


def test_what_cannot_be_narrowed_is_not_passed_on(site, caplog):
    status, body = site.ask("GET", "/open", query="broken")
    assert status == 503
    assert "no database" not in body.decode()
    assert "Not decided (not_narrowed)" in caplog.text
    assert not site.behind.environs


def test_nobody(site):
    status, body = site.ask("GET", "/open", user=None)
    assert status == 403
    assert message(body) == "The token has no user."


@pytest.mark.parametrize("path", ["/open", "/servers", f"/servers/{BOBS}"])
def test_a_token_for_no_project(site, path):
    assert site.ask("GET", path, "manager", "vo_auditor", project_id=None)[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "roles", "more", "status"),
    [
        # Nobody's but a manager's.
        ("GET", "/usage", ["member"], {}, 403),
        ("GET", "/usage", ["vo_auditor"], {}, 200),
        ("POST", "/usage", ["vo_auditor"], {}, 403),
        ("POST", "/usage", ["manager"], {}, 200),
        ("POST", "/usage", [], {"is_admin": True}, 200),
        # An auditor reads.
        ("GET", f"/servers/{ALICES}", ["vo_auditor"], {}, 200),
        ("HEAD", f"/servers/{ALICES}", ["vo_auditor"], {}, 200),
        ("get", f"/servers/{ALICES}", ["vo_auditor"], {}, 404),
        ("OPTIONS", f"/servers/{ALICES}", ["vo_auditor"], {}, 404),
        ("PUT", f"/servers/{ALICES}", ["vo_auditor"], {}, 404),
        ("GET", f"/servers/{ALICES}/password", ["vo_auditor"], {}, 404),
        ("GET", f"/servers/{BOBS}/password", ["vo_auditor"], {}, 200),
        ("GET", f"/servers/{ALICES}/password", ["manager"], {}, 200),
        # A service does what it has to do.
        ("GET", f"/servers/{ALICES}", ["service"], {}, 200),
        ("DELETE", f"/servers/{ALICES}", ["service"], {}, 404),
        ("POST", "/events", ["service"], {}, 200),
        ("POST", "/events", ["service"], {"project_id": None}, 200),
        ("GET", "/events", ["service"], {}, 403),
        ("POST", "/events", ["member"], {"service_roles": ["service"]}, 403),
        ("GET", "/events", ["vo_auditor"], {}, 403),
        # Through a service.
        (
            "GET",
            f"/servers/{ALICES}/volumes",
            ["member"],
            {"service_roles": ["service"]},
            200,
        ),
        (
            "DELETE",
            f"/servers/{ALICES}/volumes",
            ["member"],
            {"service_roles": ["service"]},
            404,
        ),
        (
            "GET",
            f"/servers/{ALICES}",
            ["member"],
            {"service_roles": ["service"]},
            404,
        ),
        (
            "GET",
            f"/servers/{ALICES}/volumes",
            ["member"],
            {"service_roles": ["reader"]},
            404,
        ),
        ("GET", f"/servers/{ALICES}/volumes", ["service"], {}, 404),
        # A role by that name in another service's list is none.
        ("GET", f"/servers/{ALICES}", ["admin"], {}, 404),
    ],
)
def test_who_may_do_what(site, method, path, roles, more, status):
    assert site.ask(method, path, *roles, **more)[0] == status
    assert len(site.behind.environs) == (status == 200)


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"same_host": BOBS}, 200),
        ({"same_host": [BOBS, BOBS]}, 200),
        ({"same_host": None}, 200),
        ({}, 200),
        ({"same_host": ALICES}, 404),
        ({"same_host": [BOBS, ALICES]}, 404),
        ({"same_host": BOBS.upper()}, 404),
        ({"same_host": NOBODYS}, 404),
        ({"same_host": {BOBS: ALICES}}, 400),
        ({"same_host": 7}, 400),
    ],
)
def test_a_body_names_what_is_the_callers(site, document, status):
    raw = json.dumps(document).encode()
    assert site.ask("POST", "/servers", "member", raw=raw)[0] == status
    if status == 200:
        assert site.behind.environs[0]["wsgi.input"].read() == raw


def test_a_body_is_read_where_it_may_name_something(site):
    raw = json.dumps({"same_host": ALICES}).encode()
    assert site.ask("PUT", "/servers", "member", raw=raw)[0] == 200
    assert site.ask("POST", "/servers", "manager", raw=raw)[0] == 200
    assert site.ask("POST", "/servers", "vo_auditor", raw=raw)[0] == 404


def test_a_name_that_stands_twice_hides_nothing(site):
    raw = f'{{"same_host": "{ALICES}", "same_host": "{BOBS}"}}'.encode()
    assert site.ask("POST", "/servers", "member", raw=raw)[0] == 400


def test_no_owner_no_way_through(site, caplog):
    status, body = site.ask("GET", f"/servers/{BOBS}", "member", user="unlucky")
    assert status == 503
    assert json.loads(body)["serviceUnavailable"]["code"] == 503
    assert "no database" not in body.decode()
    assert "no database" in caplog.text
    assert "Not decided (owner_unknown)" in caplog.text
    assert not site.behind.environs


def test_a_refusal_leaves_one_line_with_its_code(site, caplog):
    with caplog.at_level(logging.WARNING):
        site.ask("GET", f"/servers/{ALICES}\nforged", "member")
    (record,) = caplog.records
    assert record.getMessage() == (
        f"Refused (not_the_owner): GET '/servers/{ALICES}\\nforged' "
        "by user bob in project p"
    )
