# SPDX-License-Identifier: Apache-2.0
"""What a request says, read as the service behind the filter will read it.

Owns: the method, the query and the JSON body of a WSGI environ. Must never
guess: what two programs could read in two ways is refused. Read first: method.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from vo_policy_ext.errors import Malformed
from vo_policy_ext.routes import Reference

Environ = dict[str, Any]

# The services' own limit (oslo.middleware's sizelimit), which stands before.
MOST_BYTES = 114688
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def method(environ: Mapping[str, Any]) -> str:
    """Return the method that the service will act on.

    Raises Malformed when the query or a form may name another one: the
    services' router obeys a parameter `_method`, in the query of any request
    and in the form of a POST.
    """
    found = str(environ["REQUEST_METHOD"])
    query = str(environ.get("QUERY_STRING", ""))
    if any("_method" in unquote_plus(name, errors="ignore") for name in _names(query)):
        raise Malformed(
            "The query has the parameter _method. Send the method itself.",
            code="method_override",
        )
    sent = str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
    if found == "POST" and sent in _FORMS:
        raise Malformed(
            f"The body is a form ({sent}). Send application/json.", code="form"
        )
    return found


def _names(query: str) -> Iterator[str]:
    for part in query.replace(";", "&").split("&"):
        yield part.partition("=")[0]


def query(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the parameters of the query in order, decoded as UTF-8.

    Raises Malformed for more than a thousand, for bytes that are no UTF-8 and
    for a bare semicolon: some read it as an ampersand.
    """
    raw = str(environ.get("QUERY_STRING", ""))
    if ";" in raw:
        raise Malformed(
            "The query has a semicolon. Send %3B if it belongs to a value.",
            code="query",
        )
    try:
        return parse_qsl(
            raw,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=1000,
        )
    except ValueError as error:
        raise Malformed("The query cannot be read.", code="query") from error


def with_query(environ: Environ, parameters: Iterable[tuple[str, str]]) -> Environ:
    """Return a copy of the environ with these parameters and no other.

    What WebOb and others have parsed of the old query and left in the environ
    is not in the copy.
    """
    copy = {k: v for k, v in environ.items() if not k.startswith("webob._parsed_query")}
    copy["QUERY_STRING"] = urlencode(list(parameters))
    return copy


def body(environ: Environ) -> Any:
    """Return the JSON document of the body, None if there is no body.

    The body stays in the environ for the service. Raises Malformed for one that
    is no JSON in UTF-8, names a member twice or is longer than the services take.
    """
    raw = _read(environ)
    if not raw.strip():
        return None
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is no JSON document.", code="body") from error


def with_body(environ: Environ, document: Any) -> Environ:
    """Return a copy of the environ with a JSON document as its body."""
    raw = json.dumps(document).encode()
    copy = dict(environ)
    copy["wsgi.input"] = io.BytesIO(raw)
    copy["CONTENT_LENGTH"] = str(len(raw))
    copy.pop("HTTP_TRANSFER_ENCODING", None)
    copy.pop("wsgi.input_terminated", None)
    return copy


def _read(environ: Environ) -> bytes:
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length and not (length.isascii() and length.isdigit()):
        raise Malformed("Content-Length is no number.", code="body")
    if length:
        wanted = int(length)
    elif environ.get("wsgi.input_terminated") or "HTTP_TRANSFER_ENCODING" in environ:
        wanted = MOST_BYTES + 1
    else:
        wanted = 0
    if wanted > MOST_BYTES and length:
        raise Malformed("The body is too long.", code="body")
    raw = _all(environ["wsgi.input"], wanted)
    if len(raw) > MOST_BYTES:
        raise Malformed("The body is too long.", code="body")
    environ["wsgi.input"] = io.BytesIO(raw)
    environ["CONTENT_LENGTH"] = str(len(raw))
    return raw


def _all(stream: Any, wanted: int) -> bytes:
    parts: list[bytes] = []
    while wanted > 0:
        part = stream.read(min(wanted, 65536))
        if not part:
            break
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def named(document: Any, reference: Reference) -> tuple[str, ...]:
    """Return the ids that a document names where a Reference says.

    Raises Malformed when something else than text stands there: the service
    could make a text of it.
    """
    found: list[str] = []
    for value in _at(document, reference.at):
        for text in value if isinstance(value, list) else [value]:
            if text is None or text == "":
                continue
            if not isinstance(text, str):
                raise Malformed(
                    f"{'.'.join(reference.at)} is no text.", code="reference"
                )
            parts = text.split(",") if reference.split else [text]
            found += [part for part in parts if part]
    return tuple(found)


def _at(document: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if not path:
        yield document
    elif path[0] == "*":
        for item in document if isinstance(document, list) else ():
            yield from _at(item, path[1:])
    elif isinstance(document, dict) and path[0] in document:
        yield from _at(document[path[0]], path[1:])
