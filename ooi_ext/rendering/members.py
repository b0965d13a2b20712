# SPDX-License-Identifier: Apache-2.0
"""The tokens under application/occi+json: bytes to checked JSON members.

Owns: decoding, and reading of strings, lists and objects so that an error
names the place in the document. Must never: know what a Kind or a Link is.
Read first: decoded, then Members.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import Value

# What the text renderings cannot carry either: all but tab, LF and CR.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DIGITS = 400
# The links of a resource in a collection, and five parts of an attribute's name
# below them, make twelve.
_DEPTH = 16
_OBJECT = "an object"
_TYPES = {
    dict: _OBJECT,
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class Members:
    """The members of one JSON object; each is taken out once.

    `place` says where in the document it stands, empty for the whole.
    """

    def __init__(self, value: Any, *, place: str = "") -> None:
        """Raises BadRequest when `value` is no object."""
        if not isinstance(value, dict):
            raise _wrong(place, value, _OBJECT)
        self._place = place
        self._values = dict(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def at(self, name: str) -> str:
        """Return the place of a member."""
        return f"{self._place}.{name}" if self._place else name

    def take(self, name: str) -> Any:
        """Return a member as it is, None when absent."""
        return self._values.pop(name, None)

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        """Return a string, empty when absent; raises BadRequest."""
        if name not in self._values:
            return ""
        return text(self.take(name), place=self.at(name), pattern=pattern)

    def flag(self, name: str) -> bool:
        """Return a boolean, false when absent; raises BadRequest."""
        value = self._values.pop(name, False)
        if not isinstance(value, bool):
            raise _wrong(self.at(name), value, "true or false")
        return value

    def items(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield place and value of the items of a list; raises BadRequest."""
        value = self._values.pop(name, [])
        return items(value, place=self.at(name))

    def texts(self, name: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """Return the strings of a list; raises BadRequest."""
        found = self.items(name)
        return tuple(text(item, place=at, pattern=pattern) for at, item in found)

    def members(self, name: str) -> "Members":
        """Return an object, one of no members when absent; raises BadRequest."""
        return Members(self._values.pop(name, {}), place=self.at(name))

    def rest(self) -> Iterator[tuple[str, Any]]:
        """Yield the members that nobody has taken."""
        yield from self._values.items()

    def end(self) -> None:
        """Raise BadRequest if there are members that nobody has taken."""
        for name in self._values:
            where = f" in {self._place}" if self._place else ""
            raise BadRequest(f"The member {shown(name)}{where} is not known.")


def decoded(body: bytes) -> Any:
    """Return the JSON value that `body` is; raises BadRequest.

    Stricter than Python: no member twice, and no NaN or Infinity.
    """
    if not body.strip():
        raise BadRequest(
            "The body is empty, which is no JSON.", mend="The least there is: {}."
        )
    try:
        found = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_no_number,
        )
    except UnicodeDecodeError as error:
        bad = repr(body[error.start : error.end])
        raise BadRequest(
            f"The body is not UTF-8: {bad} at byte {error.start}."
        ) from error
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"The body is no JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}."
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    if _is_deep(found):
        raise _too_deep()
    return found


def text(value: Any, *, place: str, pattern: re.Pattern[str] | None = None) -> str:
    """Return `value` if it is a string that is fit to be passed on.

    Raises BadRequest, also when it does not match `pattern`.
    """
    if not isinstance(value, str):
        raise _wrong(place, value, "a string")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadRequest(f"{place} holds half a character: {shown(value)}.") from error
    if _CONTROL.search(value):
        raise BadRequest(f"{place} holds a control character: {shown(value)}.")
    if pattern and not pattern.fullmatch(value):
        raise BadRequest(f"{place} cannot be {shown(value)}.")
    return value


def items(value: Any, *, place: str) -> Iterator[tuple[str, Any]]:
    """Yield place and value of each item of a list; raises BadRequest."""
    if not isinstance(value, list):
        raise _wrong(place, value, "a list")
    for number, item in enumerate(value):
        yield f"{place}[{number}]", item


def scalar(value: Any, *, place: str) -> Value:
    """Return the value of an attribute; raises BadRequest."""
    if isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        raise _wrong(place, value, "a string, a number, true or false")
    return text(value, place=place)


def _wrong(place: str, value: Any, wanted: str) -> BadRequest:
    return BadRequest(f"{place or 'The body'} is {_TYPES[type(value)]}, not {wanted}.")


def _too_deep() -> BadRequest:
    return BadRequest(f"The JSON of the body has more than {_DEPTH} levels.")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEPTH):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        level = inner
    return bool(level)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadRequest(f"The member {shown(name)} stands twice in one object.")
        found[name] = value
    return found


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        _no_number(digits)
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        _no_number(digits)
    return number


def _no_number(digits: str) -> NoReturn:
    raise BadRequest(f"{shown(digits)} in the body is no number that can be used.")
