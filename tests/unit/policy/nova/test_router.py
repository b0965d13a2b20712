# SPDX-License-Identifier: Apache-2.0
"""Ways around the filter, tried on Nova's own router.

Each request that gets through is taken from the router as (action, parameters):
what Nova would have done.
"""

import json

import pytest

from tests.unit.policy.nova.site import PROJECT, context, raw_answer
from vo_policy_ext.nova import filter_factory


class Router:
    """Nova's router, before controllers that only write down what is asked."""

    def __init__(self, site, monkeypatch):
        self.site = site
        self.done = []
        monkeypatch.setattr(site.application._router, "app", self._controller)
        self.filter = filter_factory({})(site.application)

    def _controller(self, environ, start_response):
        match = dict(environ["wsgiorg.routing_args"][1])
        found = match.pop("controller", None) is not None
        if found:
            self.done.append(match)
        start_response("200 OK" if found else "404 Not Found", [])
        return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))]

    def ask(self, method, path, *roles, filtered=True, user="bob", **more):
        """Return the status, and what Nova would have done."""
        self.done.clear()
        application = self.filter if filtered else self.site.application
        who = context(user, *roles)
        status, _ = raw_answer(application, method, path, who, **more)
        return status, list(self.done)


@pytest.fixture
def router(site, monkeypatch):
    return Router(site, monkeypatch)


def deletion(server):
    return [{"action": "delete", "id": server}]


@pytest.mark.parametrize(
    ("query", "works"),
    [
        ("_method=DELETE", True),
        ("a=1&_method=delete", True),
        ("a=1;_method=delete", True),
        ("x=_method&%5Fmethod=DELETE", True),
        ("%5Fmethod=DELETE", False),
        ("%FF_method=DELETE", False),
        ("+_method=DELETE", False),
    ],
)
@pytest.mark.parametrize("roles", [("member",), ("vo_auditor",), ("admin",)])
def test_another_method_in_the_query(router, query, works, roles):
    path = f"/servers/{router.site.alices}?{query}"
    assert router.ask("GET", path, *roles) == (400, [])
    alone = router.ask("GET", path, *roles, filtered=False)
    assert (alone[1] == deletion(router.site.alices)) == works


def test_another_method_in_a_form(router):
    raw = b"_method=DELETE"
    more = {"raw": raw, "CONTENT_TYPE": "application/x-www-form-urlencoded"}
    path = f"/servers/{router.site.alices}"
    assert router.ask("POST", path, "member", **more) == (400, [])
    alone = router.ask("POST", path, "member", filtered=False, **more)
    assert alone[1] == deletion(router.site.alices)


def test_a_header_that_names_another_method_is_not_read(router):
    path = f"/servers/{router.site.bobs}"
    status, done = router.ask(
        "GET", path, "member", HTTP_X_HTTP_METHOD_OVERRIDE="DELETE"
    )
    assert (status, done) == (200, [{"action": "show", "id": router.site.bobs}])


FORMS = [
    "/servers/{}",
    "/servers/{}/",
    "//servers/{}",
    "/servers//{}",
    "/./servers/{}",
    "/servers/./{}",
    "/servers/x/../{}",
    "/servers%2f{}",
    "/servers/%2e/{}",
    "/SERVERS/{}",
    "/servers/{}.json",
    "/servers/{}.xml",
    "/servers/{} ",
    "/servers/ {}",
    "/servers/{}\n",
    "/servers/{}\x00",
    "/servers/{}%20",
    "/servers/{}%00",
    "/servers/{};a=b",
    "/servers/{{{}}}",
    "/servers/urn:uuid:{}",
    "/servers/%7B{}%7D",
    f"/{PROJECT}/servers/{{}}",
    f"/{PROJECT}//servers/{{}}",
    f"/{PROJECT}/{PROJECT}/servers/{{}}",
    "/0123abc/servers/{}",
    "/os-volumes_boot/{}",
    f"/{PROJECT}/os-volumes_boot/{{}}",
    "/0123abc/os-volumes_boot/{}",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "get", "PATCH"])
def test_no_form_of_a_path_reaches_anothers_server(router, method, form):
    alices = router.site.alices
    for server in (alices, alices.upper(), alices.replace("-", "")):
        for below in ("", "/action", "/metadata", "/os-volume_attachments/x"):
            assert router.ask(method, form.format(server) + below) == (404, [])


def test_the_forms_that_reach_ones_own(router):
    bobs = router.site.bobs
    reached = [f for f in FORMS if router.ask("GET", f.format(bobs))[1]]
    assert reached == [
        "/servers/{}",
        f"/{PROJECT}/servers/{{}}",
        "/os-volumes_boot/{}",
        f"/{PROJECT}/os-volumes_boot/{{}}",
    ]
    # Without the filter more do, and some of them a database could find.
    alone = [f for f in FORMS if router.ask("GET", f.format(bobs), filtered=False)[1]]
    assert {"/servers/{} ", "/servers/{}.json", "/0123abc/servers/{}"} <= set(alone)


@pytest.mark.parametrize(
    "path", ["/servers", f"/{PROJECT}/servers", "/os-volumes_boot"]
)
@pytest.mark.parametrize("hints", ["os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"])
@pytest.mark.parametrize(
    ("hint", "status"),
    [
        ({"same_host": "BOBS"}, 200),
        ({"different_host": ["BOBS", "BOBS"]}, 200),
        ({"build_near_host_ip": "192.0.2.1", "cidr": "/24"}, 200),
        ({}, 200),
        (None, 200),
        ([], 200),
        ({"same_host": "ALICES"}, 404),
        ({"same_host": ["BOBS", "ALICES"]}, 404),
        ({"different_host": "ALICES"}, 404),
        ({"different_host": "ALICES,BOBS"}, 404),
        ({"same_host": {"BOBS": "ALICES"}}, 400),
        ({"same_host": [["ALICES"]]}, 400),
        ({"same_host": 7}, 400),
        ({"group": "BOBS"}, 404),
        ({"group": ["00000000-0000-4000-8000-000000000003"]}, 404),
        ({"query": '[">=", "$free_ram_mb", 1]'}, 404),
        ({"query": '["=", "$instances.ALICES.host", "a"]'}, 404),
        ({"query": {"a": 1}}, 400),
    ],
)
def test_where_a_new_server_goes(router, path, hints, hint, status):
    text = json.dumps({"server": {"name": "a"}, hints: hint})
    text = text.replace("BOBS", router.site.bobs).replace("ALICES", router.site.alices)
    found, done = router.ask("POST", path, "member", raw=text.encode())
    assert (found, bool(done)) == (status, status == 200)
    # A manager may, and Nova decides.
    assert router.ask("POST", path, "manager", raw=text.encode())[0] == 200


def test_bodies_that_hide_a_hint(router):
    alices, bobs = router.site.alices, router.site.bobs
    hidden = f'"os:scheduler_hints": {{"same_host": "{alices}"}}'
    twice = f'{{"server": {{}}, {hidden}, "os:scheduler_hints": {{}}}}'.encode()
    inner = (
        f'{{"os:scheduler_hints": {{"same_host": "{alices}", "same_host": "{bobs}"}}}}'
    ).encode()
    escaped = f"{{{hidden}}}".replace("os:", "\\u006fs\\u003a").encode()
    wide = f"{{{hidden}}}".encode("utf-16")
    plain = f"{{{hidden}}}".encode()
    chunked = {
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input_terminated": True,
    }
    for raw, more, status in (
        (twice, {}, 400),
        (inner, {}, 400),
        (escaped, {}, 404),
        (wide, {}, 400),
        (plain, {}, 404),
        (plain, chunked, 404),
        (plain, {"CONTENT_LENGTH": "9999"}, 404),
        (plain, {"CONTENT_LENGTH": "x"}, 400),
        (plain, {"CONTENT_TYPE": "text/plain"}, 404),
        (plain, {"CONTENT_TYPE": "multipart/form-data; boundary=a"}, 400),
    ):
        assert router.ask("POST", "/servers", raw=raw, **more) == (status, [])


def test_a_body_without_a_length_is_empty_for_nova_too(router):
    raw = b'{"os:scheduler_hints": {"same_host": "x"}}'
    who = context()
    answer = raw_answer(
        router.filter, "POST", "/servers", who, raw=raw, CONTENT_LENGTH=""
    )
    assert answer == (200, b"")


def test_unknown_paths_are_the_administrators(router):
    for path in ("/servers/x/unknown", "/os-unknown", "/servers/detail/x/y"):
        assert router.ask("GET", path, "manager") == (404, [])
    # Another project's prefix too; Nova checks it.
    path = f"/0123abc/servers/{router.site.alices}"
    assert router.ask("GET", path, "admin")[0] == 200


def test_discovery_works_as_before(router):
    for path in ("/", f"/{PROJECT}/", "/versions/v2.1", "/extensions"):
        for filtered in (True, False):
            status, done = router.ask("GET", path, filtered=filtered)
            assert (status, len(done)) == (200, 1), path
    assert router.ask("GET", "")[0] == router.ask("GET", "", filtered=False)[0] == 302


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/os-server-external-events", 200),
        ("POST", "/os-assisted-volume-snapshots", 200),
        ("DELETE", "/os-assisted-volume-snapshots/x", 200),
        ("GET", "/servers/ALICES", 200),
        ("PUT", "/servers/ALICES/os-volume_attachments/x", 200),
        ("DELETE", "/servers/ALICES", 404),
        ("POST", "/servers/ALICES/action", 404),
        ("GET", "/servers/ALICES/os-server-password", 404),
        ("POST", "/servers/ALICES/remote-consoles", 404),
        ("GET", "/os-simple-tenant-usage/x", 403),
    ],
)
def test_a_service_does_what_it_has_to(router, method, path, status):
    path = path.replace("ALICES", router.site.alices)
    assert router.ask(method, path, "service", user="cinder")[0] == status
    plain = router.ask(method, path, "member")[0]
    assert plain in (403, 404)


def test_cinder_hears_the_truth_about_an_attachment(router):
    path = f"/servers/{router.site.alices}/os-volume_attachments/x"
    who = context("bob", service_roles=["service"])
    for method, status in (("GET", 200), ("DELETE", 404), ("PUT", 404)):
        assert raw_answer(router.filter, method, path, who)[0] == status
    path = f"/servers/{router.site.alices}"
    assert raw_answer(router.filter, "GET", path, who)[0] == 404
