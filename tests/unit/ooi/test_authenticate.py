# SPDX-License-Identifier: Apache-2.0
"""The outermost filter: one header for a 401, and every refusal in OCCI."""

import io
import re
from collections.abc import Iterator
from typing import Any
from wsgiref.validate import validator

import pytest
from oslo_config import cfg

from ooi_ext.authenticate import filter_factory
from ooi_ext.wsgi import SERVER
from tests.unit.ooi.cloud import Answer

KEYSTONE = "https://keystone.example.org:5000"
# What the clients look for: rOCCI; jOCCI; pOCCI.
CLIENTS = (
    r"^(Keystone|snf-auth) uri=(\"|')(.+)(\"|')$",
    r"^(?:Keystone|snf-auth) uri='(.+)'$",
    r"Keystone uri='([^']*)'",
)


@pytest.fixture
def conf() -> Iterator[Any]:
    """The section as authtoken registers it, which the filter never does."""
    options = [
        cfg.StrOpt("www_authenticate_uri"),
        cfg.StrOpt("auth_section"),
        cfg.StrOpt("auth_url"),
    ]
    cfg.CONF.register_opts(options, group="keystone_authtoken")
    cfg.CONF.register_opt(cfg.StrOpt("auth_url"), group="other")

    def change(**values: str) -> None:
        for name, value in values.items():
            cfg.CONF.set_override(name, value, group="keystone_authtoken")

    try:
        yield change
    finally:
        cfg.CONF.clear_override("auth_url", group="other")
        for option in options:
            cfg.CONF.clear_override(option.name, group="keystone_authtoken")
            cfg.CONF.unregister_opt(option, group="keystone_authtoken")


def app(
    status: str = "401 Unauthorized",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b'{"error": {"code": 401, "message": "by authtoken"}}',
) -> Any:
    """Return the filters behind, as they refuse a request."""

    def answer(environ: Any, start_response: Any) -> Any:
        length = ("Content-Length", str(len(body)))
        start_response(status, [("Content-Type", "application/json"), length, *headers])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    return answer


def send(behind: Any, accept: str = "", method: str = "GET", **section: str) -> Answer:
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "/occi1.1",
        "PATH_INFO": "/-/",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8787",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if accept:
        environ["HTTP_ACCEPT"] = accept
    taken: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        taken.extend((status, headers))
        return lambda data: None

    made = filter_factory({}, **section)(validator(behind))
    answer = validator(made)(environ, start_response)
    body = b"".join(answer)
    answer.close()
    return Answer(int(taken[0][:3]), taken[1], body)


def test_every_client_reads_the_one_header(conf: Any) -> None:
    conf(www_authenticate_uri=KEYSTONE)
    twice = (("WWW-Authenticate", f'Keystone uri="{KEYSTONE}"'),) * 2
    answer = send(app(headers=twice))
    assert answer.status == 401
    (value,) = [v for k, v in answer.headers if k.lower() == "www-authenticate"]
    assert value == f"Keystone uri='{KEYSTONE}'"
    for client in CLIENTS:
        assert KEYSTONE in re.match(client, value).groups()  # type: ignore[union-attr]
    # IM
    assert value.startswith("Keystone uri")
    assert value.split("=")[1].replace("'", "") == KEYSTONE


@pytest.mark.parametrize("suffix", ["", "/", "/v3", "/v3/", "/v2.0", "/v2.0//"])
@pytest.mark.parametrize("option", ["www_authenticate_uri", "auth_url"])
def test_no_version_and_no_slash(conf: Any, option: str, suffix: str) -> None:
    conf(**{option: f"{KEYSTONE}{suffix}"})
    assert send(app()).header("WWW-Authenticate") == f"Keystone uri='{KEYSTONE}'"


def test_a_path_stays(conf: Any) -> None:
    conf(www_authenticate_uri="https://cloud.example.org/identity/v3")
    said = send(app()).header("WWW-Authenticate")
    assert said == "Keystone uri='https://cloud.example.org/identity'"


def test_the_paste_file_says_it_first(conf: Any) -> None:
    conf(www_authenticate_uri="https://internal")
    answer = send(app(), keystone_uri=f"{KEYSTONE}/v3")
    assert answer.header("WWW-Authenticate") == f"Keystone uri='{KEYSTONE}'"


def test_auth_url_in_a_section_of_its_own(conf: Any) -> None:
    conf(auth_section="other", auth_url="https://wrong")
    cfg.CONF.set_override("auth_url", KEYSTONE, group="other")
    assert send(app()).header("WWW-Authenticate") == f"Keystone uri='{KEYSTONE}'"


def test_else_what_authtoken_found_out() -> None:
    headers = (("WWW-Authenticate", f'Keystone uri="{KEYSTONE}/v3"'),)
    answer = send(app(headers=headers))
    assert answer.header("WWW-Authenticate") == f"Keystone uri='{KEYSTONE}'"


@pytest.mark.parametrize(
    "uri",
    ["https://k/?a=b", "https://k/'", "https://k/a b", "ftp://k", "k:5000", "https://"],
)
def test_what_clients_cannot_read_is_never_told(
    conf: Any, uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    conf(www_authenticate_uri=uri)
    assert send(app()).header("WWW-Authenticate") == "Keystone"
    assert "code=no_keystone_uri" in caplog.text
    conf(auth_url=KEYSTONE)
    assert send(app()).header("WWW-Authenticate") == f"Keystone uri='{KEYSTONE}'"
    with pytest.raises(ValueError, match="keystone_uri"):
        filter_factory({}, keystone_uri=uri)


@pytest.mark.parametrize(
    ("accept", "content_type", "body", "header"),
    [
        ("", "text/plain", "X-Auth-Token", ""),
        ("text/plain,text/occi", "text/plain", "X-Auth-Token", ""),
        ("text/uri-list", "text/plain", "X-Auth-Token", ""),
        ("image/png", "text/plain", "X-Auth-Token", ""),
        ("text/occi", "text/occi", "", "X-Auth-Token"),
        ("application/occi+json", "application/occi+json", "X-Auth-Token", ""),
    ],
)
def test_a_refusal_in_the_client_s_own_format(
    accept: str, content_type: str, body: str, header: str
) -> None:
    answer = send(app(), accept)
    assert answer.header("Content-Type") == f"{content_type}; charset=utf-8"
    assert answer.header("Content-Length") == str(len(answer.body))
    assert body in answer.text
    assert header in answer.header("X-OCCI-Error")
    assert "authtoken" not in answer.text
    assert answer.header("Server") == SERVER


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("413 Request Entity Too Large", "larger"),
        ("503 Service Unavailable", "Try again later"),
        ("500 Internal Server Error", "Internal Server Error"),
        ("499 ", "failed"),
    ],
)
def test_what_other_filters_refuse(status: str, said: str) -> None:
    answer = send(app(status, (("Retry-After", "5"),)))
    assert answer.status == int(status[:3])
    assert said in answer.text
    assert answer.header("Retry-After") == "5"
    assert answer.header("Server") == SERVER
    assert not answer.header("WWW-Authenticate")


def test_a_head_has_no_body() -> None:
    answer = send(app(), method="HEAD")
    assert (answer.status, answer.body) == (401, b"")
    assert answer.header("WWW-Authenticate")


def test_an_answer_of_the_interface_passes_as_it_is() -> None:
    for status in ("200 OK", "404 Not Found"):
        answer = send(app(status, (("Server", "OCCI/1.2"),), b"as it is"))
        assert answer.body == b"as it is"
        assert answer.header("Server") == "OCCI/1.2"
        assert answer.header("Content-Type") == "application/json"
        assert not answer.header("WWW-Authenticate")


def test_a_server_that_names_itself_gives_way() -> None:
    answer = send(app("200 OK", (("Server", "other/1"),), b"by cors"))
    assert (answer.header("Server"), answer.body) == (SERVER, b"by cors")


def test_what_is_written_or_closed_late_is_kept() -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"end"

        def close(self) -> None:
            closed.append(True)

    def behind(environ: Any, start_response: Any) -> Any:
        headers = [("Content-Type", "text/plain"), ("Server", SERVER)]
        start_response("200 OK", headers)(b"begin ")
        return Body()

    assert send(behind).body == b"begin end"
    assert closed == [True]
