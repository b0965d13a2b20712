# SPDX-License-Identifier: Apache-2.0
"""What is plainly no credential: refused with its code, at once, in little memory.

The aim is 50 ms; a busy machine is given ten times that. After each, a good
credential is accepted as before.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import pytest

from keystone_voms_ext.voms.chain import certificates_from_pem
from keystone_voms_ext.voms.errors import CredentialRefused
from tests.fuzz.world import World, signed, tbs_of
from tests.grid.certs import der
from tests.properties.measure import cost
from tests.unit.voms.site import ALICE
from tests.unit.voms.surgery import join, name_der, split

SECONDS = 0.5
MEGABYTES = 20


def pem(*found: bytes) -> bytes:
    """Return these certificates in PEM."""
    return b"".join(
        b"-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n"
        % base64.encodebytes(data)
        for data in found
    )


def nested(depth: int, tag: int = 0x30) -> bytes:
    """Return elements inside elements."""
    found = b"\x05\x00"
    for _ in range(depth):
        found = der(tag, found)
    return found


def with_subject(world: World, *rdns: list[tuple[str, int, bytes]]) -> list[bytes]:
    """Return alice's chain, her certificate signed with another subject."""
    leaf, user, *above = world.proxy.chain()
    fields = split(tbs_of(user))
    fields[5] = name_der(*rdns)
    return [leaf, signed(join(fields), world.sub), *above]


def leaf_replaced(world: World, leaf: bytes) -> list[bytes]:
    """Return alice's chain with other bytes in place of the proxy."""
    return [leaf, *world.proxy.chain()[1:]]


PEMS: dict[str, tuple[str, Callable[[World], bytes]]] = {
    "nothing": ("no_certificate", lambda world: b""),
    "zeros": ("no_certificate", lambda world: bytes(199_000)),
    "DER": ("no_certificate", lambda world: world.proxy.chain()[0]),
    "a text": ("no_certificate", lambda world: b"Dear all,\n" * 15_000),
    "blank lines": ("no_certificate", lambda world: b" \t\r\n" * 49_000),
    "64 MB": ("pem_too_large", lambda world: bytes(64 * 2**20)),
    "half a file": ("pem_malformed", lambda world: world.proxy.pem()[:700]),
    "half a certificate": (
        "certificate_unreadable",
        lambda world: pem(world.proxy.chain()[0][:300]),
    ),
    "half the base64": (
        "pem_malformed",
        lambda world: pem(b"").replace(b"-\n-", b"-\n" + b"A" * 401 + b"\n-"),
    ),
    "10,000 certificates": (
        "pem_too_large",
        lambda world: pem(world.proxy.chain()[0]) * 10_000,
    ),
    "3,000 small certificates": (
        "too_many_certificates",
        lambda world: pem(b"\x30\x00") * 3_000,
    ),
    "4,000 keys": (
        "no_certificate",
        lambda world: b"-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----" * 3_800,
    ),
    "begin marks": ("pem_malformed", lambda world: b"-----BEGIN " * 18_000),
    "empty labels": ("pem_malformed", lambda world: b"-----BEGIN -----" * 12_000),
    "a long label": (
        "pem_malformed",
        lambda world: b"-----BEGIN " + b"\xff" * 190_000 + b"-----",
    ),
    "signs of equality": (
        "pem_malformed",
        lambda world: pem(b"").replace(b"-\n-", b"-\n" + b"=" * 190_000 + b"\n-"),
    ),
    "a length of 4 GB": (
        "certificate_unreadable",
        lambda world: pem(b"\x30\x84\xff\xff\xff\xff" + bytes(100)),
    ),
}

CHAINS: dict[str, tuple[str, Callable[[World], Sequence[bytes]]]] = {
    "nothing": ("no_end_entity", lambda world: []),
    "empty bytes": ("certificate_unreadable", lambda world: [b""]),
    "half a certificate": (
        "certificate_unreadable",
        lambda world: leaf_replaced(world, world.proxy.chain()[0][:300]),
    ),
    "a length of 4 GB": (
        "certificate_unreadable",
        lambda world: leaf_replaced(world, b"\x30\x84\xff\xff\xff\xff" + bytes(100)),
    ),
    "4 GB within": (
        "certificate_unreadable",
        lambda world: leaf_replaced(world, der(0x30, b"\x30\x84\xff\xff\xff\xfa")),
    ),
    "10,000 certificates": (
        "too_many_certificates",
        lambda world: [world.proxy.chain()[0]] * 10_000,
    ),
    "64 MB": (
        "chain_too_large",
        lambda world: leaf_replaced(world, bytes(64 * 2**20)),
    ),
    "zeros": (
        "certificate_unreadable",
        lambda world: leaf_replaced(world, bytes(190_000)),
    ),
    "an AC of 1 MB": (
        "chain_too_large",
        lambda world: world.with_ac(der(0x30, bytes(2**20))),
    ),
    "an AC of 150 kB": (
        "ac_too_large",
        lambda world: world.with_ac(der(0x30, bytes(150_000))),
    ),
    "deep nesting": (
        "certificate_unreadable",
        lambda world: leaf_replaced(world, nested(5_000)),
    ),
    "open nesting": (
        "certificate_unreadable",
        lambda world: leaf_replaced(world, b"\x30\x80" * 90_000),
    ),
    "deep nesting in an AC": (
        "ac_unreadable",
        lambda world: world.with_ac(nested(5_000)),
    ),
    "deep nesting in a name": (
        "certificate_unreadable",
        lambda world: with_subject(world, [("2.5.4.3", 0x30, nested(2_000))]),
    ),
    "a NUL in a name": (
        "dn_ambiguous",
        lambda world: with_subject(world, [("2.5.4.3", 0x0C, b"alice\0bob")]),
    ),
    "a newline in a name": (
        "dn_ambiguous",
        lambda world: with_subject(world, [("2.5.4.3", 0x0C, b"alice\n/CN=bob")]),
    ),
    "4,000 NULs in a name": (
        "dn_ambiguous",
        lambda world: with_subject(world, [("2.5.4.3", 0x0C, bytes(4_000))]),
    ),
    "a name of 2,000 RDNs": (
        "certificate_unreadable",
        lambda world: with_subject(world, *[[("2.5.4.3", 0x0C, b"a")]] * 2_000),
    ),
    "a NUL in an FQAN": (
        "fqan_malformed",
        lambda world: world.with_ac(world.ac(fqans=["/dteam\0"])),
    ),
    "a newline in an FQAN": (
        "fqan_malformed",
        lambda world: world.with_ac(world.ac(fqans=["/dteam", "/dteam/a\n"])),
    ),
    "a newline in a URI": (
        "ac_contact_invalid",
        lambda world: world.with_ac(world.ac(uri="dteam://h:1\n")),
    ),
    "a NUL in a target": (
        "ac_not_for_this_host",
        lambda world: world.with_ac(world.ac(targets=["a.example.org\0"])),
    ),
}


def check(world: World, code: str, judge: Callable[[], object]) -> None:
    """Check that `judge` refuses with this code, soon and in little memory."""
    found = cost(judge)
    assert isinstance(found.outcome, CredentialRefused), found.outcome
    assert found.outcome.code == code
    assert str(found.outcome).isprintable()
    assert found.seconds < SECONDS
    assert found.megabytes < MEGABYTES
    assert world.verdict(world.proxy.chain()).dn == ALICE


@pytest.mark.parametrize("name", PEMS)
def test_a_file(world: World, name: str) -> None:
    code, make = PEMS[name]
    data = make(world)
    check(world, code, lambda: certificates_from_pem(data))


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain(world: World, name: str) -> None:
    code, make = CHAINS[name]
    chain = make(world)
    check(world, code, lambda: world.verdict(chain))
