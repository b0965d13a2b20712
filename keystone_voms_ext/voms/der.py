# SPDX-License-Identifier: Apache-2.0
"""A strict reader for the DER of X.690, over bytes and offsets.

Owns lengths, bounds and the primitive types that certificates use. Must never
guess: indefinite or non-minimal lengths, trailing bytes and multi-byte tags are
errors, and nothing recurses. Read ``whole`` and ``children`` first.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import NamedTuple

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

# The modulus of the largest RSA key that is accepted.
INTEGER_MAX_OCTETS = 1025
# No standard names more than nine bits; each that is set becomes a number.
NAMED_BITS_MAX_OCTETS = 32


class DerError(ValueError):
    """The bytes are not the DER that was asked for."""


class TooManyError(DerError):
    """There are more elements than were asked for."""


class Element(NamedTuple):
    """One tag-length-value inside ``data``: header from ``begin``, value from
    ``start``, both up to ``end``."""

    data: bytes
    tag: int
    begin: int
    start: int
    end: int

    @property
    def value(self) -> bytes:
        """The octets of the value."""
        return self.data[self.start : self.end]

    @property
    def encoded(self) -> bytes:
        """The octets of the whole element, as received."""
        return self.data[self.begin : self.end]


# A named tuple is made by a function written in Python; elements are many.
_new = tuple.__new__


def read(data: bytes, begin: int, limit: int) -> Element:
    """Return the element at ``begin`` of ``data``, which must end by ``limit``."""
    start = begin + 2
    if start > limit:
        raise DerError(f"truncated at offset {begin}")
    tag = data[begin]
    if tag & 0x1F == 0x1F:
        raise DerError(f"multi-byte tag at offset {begin}")
    length = data[begin + 1]
    if length >= 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= 4:
            raise DerError(f"indefinite or oversized length at offset {begin}")
        start += octets
        length = int.from_bytes(data[begin + 2 : start], "big")
        if length < 0x80 or length >> 8 * (octets - 1) == 0:
            raise DerError(f"length not minimal at offset {begin}")
    end = start + length
    if end > limit:
        raise DerError(f"element at offset {begin} runs past its container")
    return _new(Element, (data, tag, begin, start, end))


def whole(data: bytes, tag: int = SEQUENCE) -> Element:
    """Return the one element that ``data`` consists of."""
    element = read(data, 0, len(data))
    if element.end != len(data):
        raise DerError(f"{len(data) - element.end} trailing bytes")
    return expect(element, tag)


def expect(element: Element, tag: int) -> Element:
    """Return ``element``, which must bear ``tag``."""
    if element.tag != tag:
        raise DerError(
            f"tag {element.tag:#04x} in place of {tag:#04x} at offset {element.begin}"
        )
    return element


def children(element: Element, most: int = 1000) -> list[Element]:
    """Return the elements inside a constructed one, at most ``most``."""
    data, _, _, offset, end = element
    found: list[Element] = []
    while offset < end:
        if len(found) == most:
            raise TooManyError(f"more than {most} elements at offset {element.begin}")
        start = offset + 2
        # Short lengths, by far the most, are read here without a call.
        if start <= end and data[offset + 1] < 0x80 and data[offset] & 0x1F != 0x1F:
            stop = start + data[offset + 1]
            if stop > end:
                raise DerError(f"element at offset {offset} runs past its container")
            found.append(_new(Element, (data, data[offset], offset, start, stop)))
            offset = stop
        else:
            child = read(data, offset, end)
            found.append(child)
            offset = child.end
    return found


def sequence(element: Element, most: int = 1000) -> list[Element]:
    """Return the elements of a SEQUENCE."""
    return children(expect(element, SEQUENCE), most)


def exactly(count: int, found: list[Element]) -> list[Element]:
    """Return ``found``, which must have ``count`` elements."""
    if len(found) != count:
        raise DerError(f"{len(found)} elements in place of {count}")
    return found


def fields(element: Element, *tags: int) -> list[Element]:
    """Return the elements of a SEQUENCE that has exactly these tags in order."""
    found = sequence(element)
    if [field.tag for field in found] != list(tags):
        raise DerError(f"unexpected fields at offset {element.begin}")
    return found


def integer(element: Element) -> int:
    """Return the value of an INTEGER."""
    octets = expect(element, INTEGER).value
    if not 1 <= len(octets) <= INTEGER_MAX_OCTETS:
        raise DerError(f"INTEGER of {len(octets)} octets")
    # X.690 8.3.2: the first nine bits are neither all zeros nor all ones.
    if len(octets) > 1 and (octets[0] << 1 | octets[1] >> 7) in (0x000, 0x1FF):
        raise DerError("INTEGER not minimal")
    return int.from_bytes(octets, "big", signed=True)


def boolean(element: Element) -> bool:
    """Return the value of a BOOLEAN."""
    octets = expect(element, BOOLEAN).value
    if octets not in (b"\xff", b"\x00"):
        raise DerError("BOOLEAN is neither 00 nor FF")
    return octets == b"\xff"


def null(element: Element) -> None:
    """Check a NULL."""
    if expect(element, NULL).value:
        raise DerError("NULL with content")


def oid(element: Element) -> str:
    """Return an OBJECT IDENTIFIER in dotted form."""
    return _dotted(expect(element, OID).value)


@functools.lru_cache(maxsize=1024)
def _dotted(octets: bytes) -> str:
    if not octets or len(octets) > 64 or octets[-1] & 0x80:
        raise DerError("malformed OBJECT IDENTIFIER")
    arcs: list[int] = []
    arc, fresh = 0, True
    for octet in octets:
        if fresh and octet == 0x80:
            raise DerError("OBJECT IDENTIFIER not minimal")
        arc = arc << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def bit_string(element: Element) -> tuple[bytes, int]:
    """Return the octets of a BIT STRING and how many bits of the last are unused."""
    octets = expect(element, BIT_STRING).value
    if not octets or octets[0] > 7 or (octets[0] and len(octets) == 1):
        raise DerError("malformed BIT STRING")
    return octets[1:], octets[0]


def named_bits(element: Element) -> frozenset[int]:
    """Return the numbers of the bits that a named BIT STRING sets."""
    octets, unused = bit_string(element)
    if len(octets) > NAMED_BITS_MAX_OCTETS:
        raise DerError(f"{len(octets)} octets of named bits")
    if octets and octets[-1] & ((1 << unused) - 1):
        raise DerError("unused bits are set")
    return frozenset(
        8 * index + bit
        for index, octet in enumerate(octets)
        for bit in range(8)
        if octet & (0x80 >> bit)
    )


def time(element: Element) -> datetime:
    """Return a UTCTime or GeneralizedTime in the forms of RFC 5280 4.1.2.5."""
    digits = element.value
    if element.tag == UTC_TIME and len(digits) == 13:
        digits = (b"19" if digits[:2] >= b"50" else b"20") + digits
    elif element.tag != GENERALIZED_TIME:
        raise DerError("malformed time")
    if len(digits) != 15 or digits[14:] != b"Z" or not digits[:14].isdigit():
        raise DerError("malformed time")
    try:
        return datetime(
            int(digits[:4]),
            int(digits[4:6]),
            int(digits[6:8]),
            int(digits[8:10]),
            int(digits[10:12]),
            int(digits[12:14]),
            tzinfo=UTC,
        )
    except ValueError as error:
        raise DerError("no such time") from error
