# SPDX-License-Identifier: Apache-2.0
"""The tokens under the text renderings: elements, parameters, values.

Owns: RFC 7230 lists and quoted strings as OCCI uses them, numbers, booleans,
each read and written side by side. Must never: know what a Category or a
Link is. Read first: elements; then parse_value and render_value.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import Value

# A quoted-pair may quote any character but a control character. The
# possessive ++ keeps a megabyte of garbage from being tried twice.
_QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]++|\\[^\x00-\x1f\x7f])*+"'
_PIECE = re.compile(
    rf'(?:{_QUOTED}|<[^<>"\x00-\x20\x7f]*>|[^",;<>\x00-\x08\x0a-\x1f\x7f]++)*+'
)
_STRING = re.compile(_QUOTED)
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?")
_SCHEME_TEXT = r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>\\#\x00-\x1f\x7f]*#"
_NAME_TEXT = r"[A-Za-z0-9][A-Za-z0-9_.-]*"

# "term = ( ALPHA | DIGIT ) *( ALPHA | DIGIT | "-" | "_" | "." )" and
# "attribute-name = term" (GFD.229 section 4.1)
TERM = re.compile(_NAME_TEXT)
SCHEME = re.compile(_SCHEME_TEXT)
IDENTIFIER = re.compile(_SCHEME_TEXT + _NAME_TEXT)
URI = re.compile(r"[^\s\"<>\\\x00-\x1f\x7f]+")

# Ruby's inspect, which rOCCI uses to quote, writes a line feed as \n. Nobody
# has a reason to quote a plain letter n, r or t.
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_QUOTABLE = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Element:
    """One element of a comma-separated field: its parts between semicolons."""

    field: str
    parts: tuple[str, ...]

    def malformed(self, why: str) -> BadRequest:
        text = shown("; ".join(self.parts))
        return BadRequest(f"Malformed {self.field}: {text}: {why}.")


class Params:
    """The name=value parts of an element; each is taken out once."""

    def __init__(self, element: Element) -> None:
        """Raises BadRequest for a part that is not name=value or stands twice."""
        self._element = element
        self._values: dict[str, Value] = {}
        for part in element.parts[1:]:
            name, _, raw = (s.strip() for s in part.partition("="))
            value = parse_value(raw)
            if value is None and name == "class":
                # The class may stand without quotes (GFD.229 section 4.1).
                value = raw
            if value is None or not TERM.fullmatch(name):
                raise element.malformed(f"{shown(part)} is not name=value")
            if name in self._values:
                raise element.malformed(f"{shown(name)} stands twice")
            self._values[name] = value

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        """Return a parameter, empty when absent; raises BadRequest."""
        value = self._values.pop(name, "")
        if not isinstance(value, str):
            raise self._element.malformed(f"{name} needs double quotes")
        if value and pattern and not pattern.fullmatch(value):
            raise self._element.malformed(f"{shown(value)} is no good {name}")
        return value

    def identifiers(self, name: str) -> tuple[str, ...]:
        """Return the identifiers, separated by spaces, in a parameter."""
        found = tuple(self.text(name).split())
        for identifier in found:
            if not IDENTIFIER.fullmatch(identifier):
                raise self._element.malformed(f"{shown(identifier)} in {name}")
        return found

    def rest(self) -> tuple[tuple[str, Value], ...]:
        """Return the parameters that nobody has taken, in their order."""
        return tuple(self._values.items())


def elements(field: str, value: str) -> Iterator[Element]:
    """Yield the elements of a comma-separated field value.

    Empty elements are skipped (RFC 7230 section 7), and so is a semicolon at
    the end of one, which old clients write. Raises BadRequest.
    """
    parts: list[str] = []
    at = 0
    while at <= len(value):
        piece = _PIECE.match(value, at)
        end = piece.end() if piece else at
        follows = value[end : end + 1]
        parts.append(value[at:end].strip())
        if follows not in ("", ",", ";"):
            raise BadRequest(
                f"Malformed {field}: {shown(value.strip())}: "
                f"{shown(follows)} is not expected after {shown(parts[-1])}."
            )
        if follows != ";":
            if len(parts) > 1 and not parts[-1]:
                parts.pop()
            if parts != [""]:
                yield Element(field, tuple(parts))
            parts = []
        at = end + 1


def parse_value(raw: str) -> Value | None:
    """Return a quoted string, a number or a boolean; None if it is neither."""
    if _STRING.fullmatch(raw):
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), raw[1:-1])
    if raw in ("true", "false"):
        return raw == "true"
    number = _NUMBER.fullmatch(raw)
    if number is None:
        return None
    if not number[1]:
        return int(raw)
    return None if math.isinf(float(raw)) else float(raw)


def render_value(value: Value) -> str:
    """Return `value` so that it cannot leave its line or its quotes."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            # No exponent: the grammar and the clients have none.
            plain = format(Decimal(repr(value)), "f")
            return plain if "." in plain else plain + ".0"
        case _:
            quoted = "".join(_QUOTABLE.get(c, c) for c in encodable(value))
            return '"' + re.sub(r"[\x00-\x1f\x7f]", "?", quoted) + '"'


def render_uri(uri: str) -> str:
    """Return `uri` so that it cannot leave its line, its quotes or its brackets.

    Ours need nothing of this; it holds even if one should be made of a name.
    """
    return re.sub(
        r"[\s\"<>\\\x00-\x1f\x7f]", lambda found: quote(found[0]), encodable(uri)
    )


def encodable(text: str) -> str:
    """Return `text` without the half surrogate pairs that JSON can bring."""
    return text.encode("utf-8", "replace").decode("utf-8")
