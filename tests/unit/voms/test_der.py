# SPDX-License-Identifier: Apache-2.0
"""The strict DER reader: what it reads, and what it must not."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from keystone_voms_ext.voms import der
from tests.grid import certs


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths(size: int) -> None:
    data = certs.der(0x04, bytes(size))
    element = der.whole(data, der.OCTET_STRING)
    assert (element.value, element.encoded) == (bytes(size), data)
    (inner,) = der.children(der.whole(certs.der(0x30, data)))
    assert inner.encoded == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x04",
        b"\x04\x01",
        b"\x04\x80\x00\x00",
        b"\x04\x81",
        b"\x04\x81\x01a",
        b"\x04\x81\x7f" + bytes(127),
        b"\x04\x82\x00\x80" + bytes(128),
        b"\x04\x84\xff\xff\xff\xff",
        b"\x04\x85\x01\x00\x00\x00\x00",
        b"\x04\xff",
        b"\x1f\x01\x00",
        b"\x04\x00\x00",
        b"\x05\x00",
    ],
)
def test_what_is_no_octet_string(data: bytes) -> None:
    with pytest.raises(der.DerError):
        der.whole(data, der.OCTET_STRING)


@pytest.mark.parametrize(
    "inside", [b"\x04", b"\x04\x01", b"\x1f\x00", b"\x04\x80", b"\x04\x81\x01a"]
)
def test_broken_children(inside: bytes) -> None:
    with pytest.raises(der.DerError):
        der.children(der.whole(certs.der(0x30, inside)))


def test_an_element_may_not_leave_its_container() -> None:
    data = certs.der(0x30, certs.der(0x30, b"\x04\x02a"), b"bc")
    (first, *_) = [der.read(data, 2, len(data))]
    with pytest.raises(der.DerError, match="runs past"):
        der.children(first)


def test_the_number_of_children_is_bounded() -> None:
    nulls = der.whole(certs.der(0x30, b"\x05\x00" * 4))
    assert len(der.sequence(nulls, most=4)) == 4
    with pytest.raises(der.DerError, match="more than 3"):
        der.sequence(nulls, most=3)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, -1, -128, -129, 1 << 159])
def test_integers(value: int) -> None:
    assert der.integer(der.whole(certs.der_integer(value), der.INTEGER)) == value


@pytest.mark.parametrize(
    "octets", [b"", b"\x00\x01", b"\x00\x7f", b"\xff\xff", b"\xff\x80", bytes(1026)]
)
def test_integers_that_are_not_minimal(octets: bytes) -> None:
    with pytest.raises(der.DerError):
        der.integer(der.whole(certs.der(0x02, octets), der.INTEGER))


@pytest.mark.parametrize("dotted", ["0.9.2342", "1.2.840.113549", "2.5.4.3", "2.999.3"])
def test_oids(dotted: str) -> None:
    assert der.oid(der.whole(certs.der_oid(dotted), der.OID)) == dotted


@pytest.mark.parametrize(
    "octets", [b"", b"\x80\x01", b"\x2a\x80\x01", b"\x2a\x81", b"\x2a" * 65]
)
def test_oids_that_are_not_minimal(octets: bytes) -> None:
    with pytest.raises(der.DerError):
        der.oid(der.whole(certs.der(0x06, octets), der.OID))


def test_booleans_and_nulls() -> None:
    assert der.boolean(der.whole(b"\x01\x01\xff", der.BOOLEAN)) is True
    assert der.boolean(der.whole(b"\x01\x01\x00", der.BOOLEAN)) is False
    der.null(der.whole(b"\x05\x00", der.NULL))
    for odd in (b"\x01\x01\x01", b"\x01\x00", b"\x01\x02\xff\xff"):
        with pytest.raises(der.DerError):
            der.boolean(der.whole(odd, der.BOOLEAN))
    with pytest.raises(der.DerError):
        der.null(der.whole(b"\x05\x01\x00", der.NULL))


def test_bit_strings() -> None:
    assert der.bit_string(der.whole(b"\x03\x02\x07\x80", 0x03)) == (b"\x80", 7)
    assert der.named_bits(der.whole(b"\x03\x02\x05\xa0", 0x03)) == {0, 2}
    assert der.named_bits(der.whole(b"\x03\x03\x07\x00\x80", 0x03)) == {8}
    assert der.named_bits(der.whole(b"\x03\x01\x00", 0x03)) == set()
    for odd in (b"\x03\x00", b"\x03\x01\x01", b"\x03\x02\x08\x00"):
        with pytest.raises(der.DerError):
            der.bit_string(der.whole(odd, der.BIT_STRING))
    with pytest.raises(der.DerError, match="unused bits"):
        der.named_bits(der.whole(b"\x03\x02\x05\xa1", der.BIT_STRING))


@pytest.mark.parametrize(
    ("tag", "text", "year"),
    [
        (0x17, b"491231235959Z", 2049),
        (0x17, b"501231235959Z", 1950),
        (0x18, b"20501231235959Z", 2050),
    ],
)
def test_times(tag: int, text: bytes, year: int) -> None:
    moment = der.time(der.whole(certs.der(tag, text), tag))
    assert moment == datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_any_bytes_give_elements_or_our_error() -> None:
    chance = random.Random(3)
    for _ in range(3000):
        data = chance.randbytes(chance.randrange(40))
        try:
            for child in der.children(der.whole(data, data[0] if data else 0)):
                assert 0 <= child.begin < child.start <= child.end <= len(data)
        except der.DerError:
            pass
