# SPDX-License-Identifier: Apache-2.0
"""A small DER walk for tests: bytes to a flat list of (path, tag, content).

Owns no rule of any format. Must never be shared with the product, whose reader
it helps to judge.
Read first: flatten().
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

AC_SEQUENCE = x509.ObjectIdentifier("1.3.6.1.4.1.8005.100.100.5")

GENERALIZED_TIME = 0x18

Field = tuple[tuple[int, ...], int, bytes]


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag byte and content of each DER element, one after the other."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            length = int.from_bytes(data[at : at + octets], "big")
            at += octets
        assert at + length <= len(data)
        yield tag, data[at : at + length]
        at += length


def flatten(data: bytes, path: tuple[int, ...] = ()) -> Iterator[Field]:
    """Yield (path, tag, content) of every element, depth first.

    A constructed element comes with empty content, its parts follow.
    """
    for index, (tag, content) in enumerate(elements(data)):
        here = (*path, index)
        if tag & 0x20:
            yield here, tag, b""
            yield from flatten(content, here)
        else:
            yield here, tag, content


def only_ac(certificate: x509.Certificate) -> bytes:
    """Return the DER of the one AC in a proxy."""
    extension = certificate.extensions.get_extension_for_oid(AC_SEQUENCE)
    value = extension.value
    assert isinstance(value, x509.UnrecognizedExtension)
    [(_, lists)] = elements(value.value)
    [(_, acs)] = elements(lists)
    [_] = elements(acs)
    return acs


def ac_end(certificate: x509.Certificate) -> datetime:
    """Return the end of the one AC in a proxy."""
    ac = only_ac(certificate)
    _, end = (content for _, tag, content in flatten(ac) if tag == GENERALIZED_TIME)
    return datetime.strptime(end.decode(), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def extensions(certificate: x509.Certificate) -> list[tuple[bytes, ...]]:
    """Return (OID, [critical,] value) of each extension as it stands in DER."""
    whole = certificate.public_bytes(Encoding.DER)
    [(_, parts)] = elements(whole)
    [(_, tbs), *_] = elements(parts)
    [found] = [content for tag, content in elements(tbs) if tag == 0xA3]
    [(_, listed)] = elements(found)
    return [
        tuple(content for _, content in elements(extension))
        for _, extension in elements(listed)
    ]
