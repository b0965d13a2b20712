# SPDX-License-Identifier: Apache-2.0
"""Requests that no honest client sends, as data, and raw HTTP to send them by.

Owns: one thing wrong with a request that is right otherwise, for each kind and
rendering. Must never: be sent through a library that mends it. Read `VALID`
first, then `TEXTS` and `documents`.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.unit.ooi import client_requests as ask

NOWHERE = "00000000-0000-4000-8000-000000000000"


def valid(kind: str, image: str, flavor: str) -> dict[str, Any]:
    """Return the JSON of a request that would be right, but for its ends."""
    document: dict[str, Any] = {"kind": f"{ask.INFRA}{kind}", "attributes": {}}
    match kind:
        case "compute":
            document["mixins"] = [f"{ask.OS}{image}", f"{ask.SIZE}{flavor}"]
        case "storage":
            document["attributes"]["occi.storage.size"] = 1
        case "networkinterface" | "storagelink" | "securitygrouplink":
            target = {
                "networkinterface": "network",
                "storagelink": "storage",
                "securitygrouplink": "securitygroup",
            }[kind]
            document["source"] = {"location": f"/compute/{NOWHERE}"}
            document["target"] = {"location": f"/{target}/{NOWHERE}"}
    return document


def text(document: dict[str, Any]) -> str:
    """Return the same in text/plain."""
    scheme, _, term = document["kind"].rpartition("#")
    lines = [f'Category: {term}; scheme="{scheme}#"; class="kind"']
    for mixin in document.get("mixins", ()):
        scheme, _, term = mixin.rpartition("#")
        lines.append(f'Category: {term}; scheme="{scheme}#"; class="mixin"')
    ends = {
        f"occi.core.{end}": document[end]["location"]
        for end in ("source", "target")
        if end in document
    }
    for name, value in {**document["attributes"], **ends}.items():
        lines.append(f"X-OCCI-Attribute: {name}={json.dumps(value)}")
    return "\n".join(lines)


# Lines that make any request wrong, whatever stands before them.
TITLE = "X-OCCI-Attribute: occi.core.title="
TEXTS = {
    "open quote": f'{TITLE}"a',
    "quote in quotes": f'{TITLE}"a"b"',
    "two strings": f'{TITLE}"a" "b"',
    "no quotes": f"{TITLE}a",
    "backslash at the end": f'{TITLE}"a\\"',
    "semicolon": f'{TITLE}"a"; occi.core.summary="b"',
    "nothing": TITLE,
    "no name": 'X-OCCI-Attribute: ="a"',
    "no value": "X-OCCI-Attribute: occi.core.title",
    "a number": f"{TITLE}5",
    "true": f"{TITLE}true",
    "not a number": f"{TITLE}NaN",
    "twice": f'{TITLE}"a", occi.core.title="b"',
    "twice in two lines": f'{TITLE}"a"\n{TITLE}"b"',
    "unknown": 'X-OCCI-Attribute: evil="a"',
    "ours alone": 'X-OCCI-Attribute: occi.compute.state="active"',
    "in a name": 'X-OCCI-Attribute: occi.core.title"="a"',
    "carriage return": f'{TITLE}"a\rX-Evil: 1"',
    "line feed, escaped": f'{TITLE}"a\\r\\nX-Evil: 1"',
    "null": f'{TITLE}"a\0b"',
    "a line of another protocol": "X-Evil: 1",
    "a header": "Content-Length: 0",
    "a line of nothing": "evil",
    "two kinds": f'Category: link; scheme="{ask.SCHEMA}/core#"; class="kind"',
    "an action": f'Category: stop; scheme="{ask.SCHEMA}/compute/action#"; '
    'class="action"',
    "a mixin of nobody": 'Category: a; scheme="http://e.org/x#"; class="mixin"',
    "a class of nobody": 'Category: a; scheme="http://e.org/x#"; class="evil"',
    "no scheme": 'Category: a; class="mixin"',
    "a path for a term": f'Category: ../../flavors; scheme="{ask.OS}"; class="mixin"',
    "two schemes": 'Category: a; scheme="a#"; scheme="b#"; class="mixin"',
    "a script for a link": '<script>: 1\nLink: <javascript:alert(1)>; rel="x#y"',
    "a link to nobody": 'Link: <http://169.254.169.254/>; rel="http://e.org/x#y"',
    "a link to a path": "Link: </network/../../v2.1/servers>; "
    f'rel="{ask.INFRA}network"',
    "an open link": "Link: </network/a",
    "a huge number": f"X-OCCI-Attribute: occi.storage.size={'9' * 5000}",
    "a long title": f'{TITLE}"{"x" * 2000}"',
}
# What HTTP can carry in a header; text/occi has one line of each name.
IN_HEADERS = tuple(
    name
    for name, line in TEXTS.items()
    if line.isprintable() and line.startswith(("X-OCCI-", "Category", "Link"))
)
BYTES = {
    "no UTF-8": b'X-OCCI-Attribute: occi.core.title="\xff\xfe"',
    "UTF-16": 'X-OCCI-Attribute: occi.core.title="a"'.encode("utf-16"),
    "half a character": b'X-OCCI-Attribute: occi.core.title="\xed\xa0\x80"',
    "an overlong slash": b'X-OCCI-Attribute: occi.core.title="\xc0\xaf"',
    "null bytes": bytes(100),
}

_WRONG_MEMBERS: tuple[dict[str, Any], ...] = (
    {"kind": None},
    {"kind": [f"{ask.INFRA}compute"]},
    {"kind": f"{ask.SCHEMA}/core#entity"},
    {"kind": "compute"},
    {"mixins": "http://e.org/x#y"},
    {"mixins": [None]},
    {"mixins": [{"term": "x"}]},
    {"mixins": ["http://e.org/x#y"]},
    {"mixins": [f"{ask.OS}../../flavors"]},
    {"attributes": []},
    {"attributes": {"occi.core.title": {}}},
    {"attributes": {"occi.core.title": ["a"]}},
    {"attributes": {"occi.core.title": None}},
    {"attributes": {"__class__": "a"}},
    {"attributes": {"occi.compute.cores": "1"}},
    {"attributes": {"occi.compute.cores": True}},
    {"attributes": {"occi.compute.cores": -1}},
    {"attributes": {"a" * 5000: 1}},
    {"title": 5},
    {"title": ["a"]},
    {"title": "a\r\nX-Evil: 1"},
    {"title": "\x00"},
    {"title": "\ud800"},
    {"title": "x" * 2000},
    {"links": "a"},
    {"links": [None]},
    {"links": [{"target": {"location": "/network/.."}}]},
    {"links": [{"target": {"location": ["/network/1"]}}]},
    {"target": {"location": {"location": "/network/1"}}},
    {"evil": 1},
    {"actions": [None]},
)


def documents(right: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield name and body of documents that are wrong in one place."""
    plain = json.dumps(right)
    for wrong in _WRONG_MEMBERS:
        yield json.dumps(wrong)[:60], json.dumps({**right, **wrong}).encode()
    members = plain[1:-1]
    yield "the same member twice", f"{{{members}, {members}}}".encode()
    yield "the same attribute twice", _with(right, '"a.b": 1, "a.b": 1')
    yield "an attribute in two forms", _with(right, '"a.b": 1, "a": {"b": 1}')
    yield "NaN", _with(right, '"occi.storage.size": NaN')
    yield "Infinity", _with(right, '"occi.storage.size": -Infinity')
    yield "1e999", _with(right, '"occi.storage.size": 1e999')
    yield "5,000 digits", _with(right, f'"occi.storage.size": {"9" * 5000}')
    yield "deep attributes", _with(right, '"a": {' * 30 + '"b": 1' + "}" * 30)
    yield "very deep", b'{"a":' * 9000
    yield "very deep lists", b"[" * 90_000
    yield "two entities", json.dumps({"resources": [right, right]}).encode()
    yield "cut off", plain[:-2].encode()
    yield "and more", f"{plain} {plain}".encode()
    yield "in UTF-16", plain.encode("utf-16")
    yield "no UTF-8", plain.replace("http", "\xff").encode("latin-1")
    for found in ("", " ", "null", "5", '"a"', "true", "[]", "[5]", "{}", "'a'"):
        yield repr(found), found.encode()


def _with(right: dict[str, Any], attributes: str) -> bytes:
    """Return the document with this text for its attributes."""
    plain = json.dumps({**right, "attributes": {}})
    return plain.replace('"attributes": {}', f'"attributes": {{{attributes}}}').encode()


# Below the location of a kind, as they stand on the wire; each names nothing.
IDS = (
    "..",
    "../servers",
    "..%2Fservers",
    "%2e%2e%2fservers",
    "..%252fservers",
    "..\\servers",
    ".%00./servers",
    "%00",
    "%0d%0aX-Evil:%201",
    "%ff%fe",
    "detail",
    "detail?all_tenants=1",
    "a;b=c",
    "%3Bid%3D1",
    "'%20OR%20'1'='1",
    "%7B%7B7*7%7D%7D",
    "%3Cscript%3E",
    f"{NOWHERE}/..",
    f"{NOWHERE}/metadata",
    f"{NOWHERE}%2Fos-interface",
    f"{NOWHERE}%20",
    f"{NOWHERE}%0A",
    f"{NOWHERE}_{NOWHERE}",
    f"{NOWHERE}_..",
    f"{NOWHERE.upper().replace('0', 'A')}",
    "A" * 20_000,
)


def raw(url: str, request: bytes, *, seconds: float = 30) -> tuple[int, str]:
    """Return status and answer of bytes sent as they are; 0 if there is none.

    The server may stop reading what it will not have: that is its right.
    """
    place = urlsplit(url)
    assert place.hostname and place.port
    with socket.create_connection((place.hostname, place.port), seconds) as wire:
        answer = b""
        try:
            wire.sendall(request)
            wire.shutdown(socket.SHUT_WR)
            while part := wire.recv(65536):
                answer += part
        except (BrokenPipeError, ConnectionResetError):
            pass
    head = answer.decode("latin-1")
    return int(head.split(" ", 2)[1]) if head.startswith("HTTP/") else 0, head


def request(
    method: str, url: str, token: str, *headers: bytes, body: bytes = b""
) -> bytes:
    """Return the bytes of a request; the path of `url` is not touched."""
    host, _, path = url.partition("://")[2].partition("/")
    lines = (
        f"{method} /{path} HTTP/1.1".encode("latin-1"),
        f"Host: {host}".encode(),
        f"X-Auth-Token: {token}".encode(),
        b"Connection: close",
        *headers,
        *([f"Content-Length: {len(body)}".encode()] if body else ()),
        b"",
        body,
    )
    return b"\r\n".join(lines)
