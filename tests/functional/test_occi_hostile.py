# SPDX-License-Identifier: Apache-2.0
"""What an attacker sends, to the lab: refused as a client's fault, nothing done.

The requests are those of occi_hostile. Bad requests with an error of their own
stand in the tests of each family. Read `nothing_happens` first.
"""

from collections.abc import Callable, Iterator

import pytest
import requests

from tests.functional import occi_hostile as evil
from tests.functional import occi_networks
from tests.functional.occi_endpoint import Occi
from tests.functional.occi_everything import KINDS, behind, tidy
from tests.lab.lab import Lab
from tests.unit.ooi import client_requests as ask
from tests.unit.ooi.cinder_cloud import storage
from tests.unit.ooi.neutron_site import attribute, kind

TYPES = ("text/plain", "text/occi", "application/occi+json")


@pytest.fixture(scope="module")
def occi(lab_env: dict[str, str], token_for: Callable[[str], str]) -> Iterator[Occi]:
    found = occi_networks.user(lab_env, token_for("alice"))
    with tidy(found):
        yield found


@pytest.fixture(scope="module")
def last_seen() -> list[set[str]]:
    """Keep what the test before has found: it is what this one begins with."""
    return []


@pytest.fixture
def nothing_happens(
    occi: Occi, lab: Lab, logged: Callable[..., str], last_seen: list[set[str]]
) -> Iterator[None]:
    """Compare all that there is before and after; nothing may have crashed."""
    before = last_seen.pop() if last_seen else behind(occi, lab)
    yield
    after = behind(occi, lab)
    assert after == before
    last_seen.append(after)
    log = logged("nova")
    assert "code=occi_failed" not in log
    assert "Traceback" not in log


def refused(answer: requests.Response, what: str) -> None:
    """Assert that an answer blames the client and tells no secret."""
    told = answer.text + str(answer.headers)
    assert 400 <= answer.status_code < 500, (what, answer.status_code, told[:500])
    assert "X-Evil" not in answer.headers, what
    assert answer.headers["Server"] == "OCCI/1.2 OCCI/1.1", what
    for secret in ("Traceback", 'File "', "ooi_ext", ".py"):
        assert secret not in told, what
    if answer.headers["Content-Type"].startswith("text/"):
        assert answer.text.isprintable() and answer.text, what


@pytest.mark.parametrize("kind", KINDS)
def test_texts(occi: Occi, kind: str, nothing_happens: None) -> None:
    right = evil.text(evil.valid(kind, occi.image, occi.flavor))
    bodies = {name: line.encode() for name, line in evil.TEXTS.items()} | evil.BYTES
    for name, line in bodies.items():
        for body in (right.encode() + b"\n" + line, line):
            answer = occi.send("POST", f"/{kind}/", body, Content_Type="text/plain")
            refused(answer, f"{kind}: {name}")


@pytest.mark.parametrize("kind", KINDS)
def test_headers(occi: Occi, kind: str, nothing_happens: None) -> None:
    right = evil.text(evil.valid(kind, occi.image, occi.flavor))
    for name in evil.IN_HEADERS:
        headers: dict[str, str] = {}
        for line in f"{right}\n{evil.TEXTS[name]}".split("\n"):
            field, _, value = line.partition(": ")
            headers[field] = f"{headers[field]}, {value}" if field in headers else value
        answer = occi.send(
            "POST",
            f"/{kind}/",
            Content_Type="text/occi",
            Accept="text/occi",
            **headers,
        )
        refused(answer, f"{kind}: {name}")
        assert answer.headers["X-OCCI-Error"].isprintable()


@pytest.mark.parametrize("kind", KINDS)
def test_documents(occi: Occi, kind: str, nothing_happens: None) -> None:
    right = evil.valid(kind, occi.image, occi.flavor)
    for name, body in evil.documents(right):
        answer = occi.send(
            "POST",
            f"/{kind}/",
            body,
            Content_Type="application/occi+json",
            Accept="application/occi+json",
        )
        refused(answer, f"{kind}: {name}")
        assert answer.json()["error"]["code"] == answer.status_code


def test_what_exists_stays_as_it_is(
    occi: Occi, lab: Lab, last_seen: list[set[str]]
) -> None:
    last_seen.clear()
    machine = occi_networks.running(occi)
    # Only now: Nova takes the one network there is.
    made = (
        machine,
        occi.send("POST", "/storage/", storage().encode()).headers["Location"],
        occi_networks.made(occi, "/network/", kind("network")),
        occi_networks.made(occi, "/securitygroup/", kind("securitygroup")),
    )
    occi_networks.until(
        lambda: 'state="online"' in occi.send("GET", made[1]).text, "not online"
    )
    before = [occi.send("GET", url).text for url in made]
    whole = behind(occi, lab)
    for url in made:
        for name, line in evil.TEXTS.items():
            refused(occi.send("POST", url, line.encode()), f"{url}: {name}")
            refused(occi.send("PUT", url, line.encode()), f"PUT {url}: {name}")
        for action in ("stop", "down", "offline"):
            for line in tuple(evil.TEXTS.values())[:12]:
                answer = occi.send("POST", f"{url}?action={action}", line.encode())
                refused(answer, f"{action} {url}: {line}")
        for query in ("", "stop&action=start", "%00", "__init__", "stop%0A"):
            answer = occi.send(
                "POST", f"{url}?action={query}", ask.rocci_action("stop")
            )
            refused(answer, query)
    assert [occi.send("GET", url).text for url in made] == before
    assert behind(occi, lab) == whole


@pytest.mark.parametrize("kind", (*KINDS, "os_tpl", "resource_tpl", "link/storagelink"))
def test_paths(occi: Occi, kind: str, nothing_happens: None) -> None:
    for name in evil.IDS:
        url = f"{occi.endpoint}/{kind}/{name}"
        for method in ("GET", "DELETE", "PUT", "POST"):
            status, answer = evil.raw(url, evil.request(method, url, occi.token))
            # 501: a link that cannot be changed, whichever it is.
            assert 400 <= status < 500 or status == 501, (method, name, answer[:300])
            assert "\r\nX-Evil" not in answer
            assert "Traceback" not in answer


def test_ends_that_are_no_entities(occi: Occi, nothing_happens: None) -> None:
    for place, target in (
        ("networkinterface", "network"),
        ("storagelink", "storage"),
        ("securitygrouplink", "securitygroup"),
    ):
        for name in evil.IDS:
            ends = (f"/compute/{evil.NOWHERE}", f"/{target}/{name}")
            for source, aim in (
                ends,
                (f"/compute/{name}", f"/{target}/{evil.NOWHERE}"),
            ):
                body = "\n".join(
                    (
                        kind(place),
                        attribute("occi.core.source", source),
                        attribute("occi.core.target", aim),
                    )
                )
                answer = occi.send("POST", f"/{place}/", body.encode())
                refused(answer, f"{place}: {name[:60]}")
    for name in evil.IDS:
        location = f"X-OCCI-Location: /compute/{name}".encode()
        answer = occi.send("POST", f"/resource_tpl/{occi.flavor}/", location)
        refused(answer, name[:60])


@pytest.mark.parametrize(
    "query",
    [
        "page=0&number=1",
        "page=-1&number=1",
        "page=1",
        "number=1",
        "page=1&page=2&number=1",
        "page=a&number=1",
        "page=1&number=1e3",
        "page=1&number=%00",
        "page=١&number=1",
        f"page={'9' * 5000}&number=1",
        f"page=1&number={'9' * 5000}",
    ],
)
def test_pages(occi: Occi, query: str) -> None:
    for place in ("/compute", "/storage", "/network", ""):
        refused(occi.send("GET", f"{place}/?{query}"), query)


@pytest.mark.parametrize("kind", ["compute", "storage", "network"])
def test_a_megabyte(occi: Occi, kind: str, nothing_happens: None) -> None:
    right = evil.text(evil.valid(kind, occi.image, occi.flavor)).encode()
    long = b'\nX-OCCI-Attribute: occi.core.title="' + b"x" * 1_000_000 + b'"'
    many = b"\nX-OCCI-Attribute: a.b=1" * 42_000
    quotes = b"\nX-OCCI-Attribute: occi.core.title=" + b'"' * 1_000_000
    for body in (right + long, right + many, right + quotes, b"[" * 1_000_000):
        for accept in TYPES:
            answer = occi.send("POST", f"/{kind}/", body, Accept=accept)
            assert answer.status_code == 413
            refused(answer, accept)
    # What is not too large for Nova is read in no time.
    for body in (long[:100_000], many[:100_000], quotes[:100_000], b";" * 100_000):
        answer = occi.send("POST", f"/{kind}/", right + body)
        refused(answer, f"{kind}: {body[:40]!r}")
        assert answer.elapsed.total_seconds() < 10


@pytest.mark.parametrize(
    "header",
    [
        b"X-OCCI-Attribute: a.b=1",
        b'Category: a; scheme="http://e.org/x#"; class="mixin"',
        b'Link: </network/1>; rel="http://e.org/x#y"',
        b"X-OCCI-Location: /compute/1",
        b"X-Nothing: 1",
    ],
)
def test_ten_thousand_headers(occi: Occi, header: bytes, nothing_happens: None) -> None:
    for method in ("POST", "PUT"):
        url = f"{occi.endpoint}/compute/{'' if method == 'POST' else evil.NOWHERE}"
        headers = (b"Content-Type: text/occi", *[header] * 10_000)
        status, answer = evil.raw(url, evil.request(method, url, occi.token, *headers))
        # A server may close the connection on such a client.
        assert status == 0 or 400 <= status < 500, answer[:300]
        assert "Traceback" not in answer
    assert occi.send("HEAD", "/-/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: -1",),
        (b"Content-Length: 1e3",),
        (b"Content-Length: 99999999999999999999",),
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Type: text/plain; charset=utf-16",),
        (b"Content-Type: text/plain\0",),
        (b"Content-Type: " + b"text/plain," * 2000 + b"x/y",),
        (b"Content-Type: text/occi", b'Category: \xff\xfe; class="kind"'),
        (b"Content-Type: text/occi", b"Category: compute\r\n ; a"),
        (b"Content-Type: text/occi", b"Category: " + b"a" * 1_000_000),
        (b"Accept: " + b"image/png," * 5000,),
        (b"Accept: ;;;q=q",),
        (b"Accept: text/plain;q=0",),
        (b"X-Evil\r\n: 1",),
    ],
)
def test_headers_of_http(
    occi: Occi, headers: tuple[bytes, ...], nothing_happens: None
) -> None:
    url = f"{occi.endpoint}/compute/"
    status, answer = evil.raw(url, evil.request("POST", url, occi.token, *headers))
    assert status == 0 or 400 <= status < 500, answer[:300]
    assert "Traceback" not in answer


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X_Forwarded_Host", 'e.org"><script>'),
        ("X_Forwarded_Host", "e.org/path"),
        ("X_Forwarded_Host", "e.org e.net"),
        ("X_Forwarded_Proto", "javascript"),
        ("X_Forwarded_Prefix", '/a">'),
    ],
)
def test_what_proxies_say_is_not_believed_blindly(
    occi: Occi, name: str, value: str
) -> None:
    answer = occi.send("GET", "/-/", **{name: value})
    assert answer.status_code == 200
    assert value not in answer.text
    assert f'location="{occi.endpoint}/compute/"' in answer.text


# RFC 9112 section 3.2: a server must answer 400.
@pytest.mark.parametrize("value", ["e.org,<x>", "e.org/path", "e.org e.net"])
def test_a_host_that_is_none_is_refused(occi: Occi, value: str) -> None:
    answer = occi.send("GET", "/-/", Host=value)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.endswith("is no host.")
