# SPDX-License-Identifier: Apache-2.0
"""A second and 50 MB: the most costly inputs that each parser lets through its caps.

Each is made by hand for one parser: much of what it does least cheaply. After
it, the good inputs of that parser are accepted as before.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized

import pytest

from keystone_voms_ext.voms import names
from keystone_voms_ext.voms.ac import AC_MAX_BYTES, GENERIC_ATTRIBUTES
from keystone_voms_ext.voms.certificates import KEY_USAGE, SUBJECT_ALT_NAME
from keystone_voms_ext.voms.chain import PEM_MAX_BYTES
from keystone_voms_ext.voms.policyfiles import (
    MAX_FILE_BYTES,
    PolicyFileError,
    parse_namespaces,
    permits,
)
from tests.fuzz.limits import MEGABYTES, SECONDS
from tests.fuzz.targets import SUBJECTS, TARGETS
from tests.fuzz.world import World, signed, tbs_of
from tests.grid.ac import FQAN_ATTRIBUTE, extension
from tests.grid.certs import der, der_integer, der_oid
from tests.properties.measure import cost
from tests.unit.voms.surgery import join, name_der, split

BY_NAME = {target.name: target for target in TARGETS}
SELF = b'TO Issuer SELF PERMIT Subject "%s"\n'
SIGNS = b"access_id_CA X509 '/CN=CA'\npos_rights globus CA:sign\n"


def user(world: World, *, subject: bytes = b"", extensions: tuple[bytes, ...]) -> bytes:
    """Return alice's certificate with another subject or other extensions."""
    fields = split(tbs_of(world.alice.chain()[0]))
    if subject:
        fields[3] = fields[5] = subject
    if extensions:
        fields[-1] = der(0xA3, der(0x30, *extensions))
    return signed(join(fields), world.sub)


def long_name(number: int) -> bytes:
    """Return a name of 300 attributes, near the most that is read."""
    rdn = [("2.5.4.3", 0x0C, b"")] * 3
    return name_der([("2.5.4.3", 0x0C, b"%d" % number)], *[rdn] * 99)


def long_chain(world: World) -> bytes:
    """Return twenty certificates, each of another long name."""
    return b"".join(
        user(world, subject=long_name(number), extensions=()) for number in range(20)
    )


def acs(*found: bytes) -> bytes:
    """Return the value of the extension that carries these ACs."""
    return der(0x30, der(0x30, *found))


def attributes(syntaxes: int, values: int) -> bytes:
    """Return twenty FQAN attributes of so many syntaxes of so many empty FQANs."""
    syntax = der(0x30, der(0x30, *[der(0x04)] * values))
    attribute = der(0x30, der_oid(FQAN_ATTRIBUTE), der(0x31, *[syntax] * syntaxes))
    return der(0x30, *[attribute] * 20)


def generic(containers: int, values: int) -> bytes:
    """Return the extension with so many containers of so many empty attributes."""
    triple = der(0x30, der(0x04), der(0x04), der(0x04))
    container = der(0x30, der(0x30), der(0x30, *[triple] * values))
    return extension(
        GENERIC_ATTRIBUTES, der(0x30, der(0x30, *[container] * containers))
    )


def targets(count: int) -> bytes:
    """Return ten lists of a hundred targets each."""
    target = der(0xA0, der(0x86))
    return der(0x30, *[der(0x30, *[target] * 100)] * count)


def full(unit: bytes, size: int = MAX_FILE_BYTES) -> bytes:
    """Return as many of these as fit into the size."""
    return unit * (size // len(unit))


def lines(unit: bytes, head: bytes = b"") -> bytes:
    """Return a file of lines made from `unit`, no two of them the same."""
    found, size, number = [head], len(head), 0
    while size + len(unit) + 8 < MAX_FILE_BYTES and number < 1000:
        found.append(unit.replace(b"N", b"%d" % number))
        size, number = size + len(found[-1]), number + 1
    return b"".join(found)


COSTLY: dict[str, Callable[[World], bytes]] = {
    "der: a thousand of a thousand": lambda world: der(
        0x30, *[der(0x30, *[b"\x05\x00"] * 30)] * 999
    ),
    "der: nested": lambda world: b"\x30\x80" * 90_000,
    "name: many attributes": lambda world: long_name(0),
    "name: one long value": lambda world: name_der([("2.5.4.3", 0x14, b"\xe9" * 4000)]),
    "name: slashes": lambda world: name_der([("2.5.4.3", 0x0C, b"/+" * 2000)]),
    "name: attributes inside": lambda world: name_der(
        [("2.5.4.3", 0x0C, b"/E=" * 1300)]
    ),
    "certificate: key usage": lambda world: user(
        world, extensions=(extension(KEY_USAGE, der(0x03, b"\0" + b"\xff" * 190_000)),)
    ),
    "certificate: many extensions": lambda world: user(
        world,
        extensions=tuple(
            extension(f"1.2.3.{number}", bytes(1900)) for number in range(100)
        ),
    ),
    "certificate: giant arcs": lambda world: user(
        world,
        extensions=tuple(
            der(
                0x30,
                der(0x06, b"\xff" * 61 + bytes([0x80 | number, 0x01])),
                der(0x04, b""),
            )
            for number in range(100)
        ),
    ),
    "certificate: a long serial": lambda world: signed(
        join(
            [der(0x02, b"\x01" * 180_000), *split(tbs_of(world.alice.chain()[0]))[2:]]
        ),
        world.sub,
    ),
    "ac: many FQANs": lambda world: acs(world.ac(fqans=[""] * 48_000)),
    "ac: ten of many FQANs": lambda world: acs(*[world.ac(fqans=[""] * 1000)] * 10),
    "ac: FQANs in many attributes": lambda world: acs(
        *[world.ac(attributes_der=attributes(20, 100))] * 2
    ),
    "ac: generic attributes": lambda world: acs(
        *[world.ac(extra_extensions=[generic(20, 500)])] * 2
    ),
    "ac: ten of generic attributes": lambda world: acs(
        *[world.ac(extra_extensions=[generic(1, 1000)])] * 10
    ),
    "ac: targets": lambda world: acs(*[world.ac(targets=targets(10))] * 10),
    "ac: certificates": lambda world: acs(
        *[
            world.ac(
                certificates=[
                    user(world, subject=long_name(number + first), extensions=())
                    for number in range(10)
                ]
            )
            for first in (0, 10)
        ]
    ),
    "ac: too large": lambda world: acs(der(0x30, bytes(AC_MAX_BYTES))),
    "pem: keys": lambda world: full(
        b"-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----", PEM_MAX_BYTES
    ),
    "pem: one block": lambda world: (
        b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----" % (b"A" * 149_000)
    ),
    "pem: blank lines": lambda world: full(b" \n", PEM_MAX_BYTES),
    "lsc: short DNs": lambda world: full(b"/\n"),
    "lsc: one DN": lambda world: b"/" + b"\xff" * (MAX_FILE_BYTES - 1),
    "lsc: old names": lambda world: b"/" + full(b"/E=", MAX_FILE_BYTES - 1),
    "lsc: dashes": lambda world: full(b"-"),
    "lsc: marks": lambda world: full(b"NEXT CHAIN\n"),
    "lsc: blank lines": lambda world: full(b"\n"),
    "namespaces: words": lambda world: full(b"a "),
    "namespaces: quotes": lambda world: full(b'""'),
    "namespaces: an open quote": lambda world: b'"' + b"a" * (MAX_FILE_BYTES - 1),
    "namespaces: joined lines": lambda world: full(b"\\\n"),
    "namespaces: backslashes": lambda world: full(b"\\ "),
    "namespaces: a long expression": lambda world: SELF % (b"\xff" * 49_000),
    "namespaces: a long set": lambda world: SELF % (b"[" + b"a" * 49_000 + b"]"),
    "namespaces: sets": lambda world: lines(SELF % (b"N" + b"([ac])" * 160)),
    "namespaces: branches": lambda world: lines(SELF % (b"N" + b"(a|b)" * 190)),
    "namespaces: stars": lambda world: lines(SELF % (b"N" + b".*a" * 110)),
    "namespaces: late stars": lambda world: lines(
        SELF % (b".*" + b"[ab]" * 230 + b"N")
    ),
    "namespaces: many": lambda world: lines(SELF % b"a*N"),
    "signing_policy: patterns": lambda world: lines(
        b"cond_subjects globus '\"*" + b"a" * 60 + b"Nb\"'\n", SIGNS
    ),
    "signing_policy: late stars": lambda world: lines(
        b"cond_subjects globus '\"*" + b"?" * 450 + b"b*aN\"'\n", SIGNS
    ),
    "signing_policy: small patterns": lambda world: (
        SIGNS
        + b"".join(
            b"cond_subjects globus '%s'\n"
            % b" ".join(b'"%x"' % (1000 * line + n) for n in range(1000))
            for line in range(6)
        )
    ),
    "signing_policy: a long pattern": lambda world: (
        SIGNS + b"cond_subjects globus '" + full(b"*?", 49_000) + b"'\n"
    ),
    "signing_policy: blanks": lambda world: b"access_id_CA" + b" " * 49_000 + b"a",
    "chain: long names": long_chain,
    "crl: 20,000 entries": lambda world: crl_of(
        world,
        *(
            der(0x30, der_integer(serial), der(0x17, b"300101000000Z"))
            for serial in range(20_000)
        ),
    ),
    "proxy_info: a long policy": lambda world: der(
        0x30, der(0x30, der_oid("1.3.6.1.5.5.7.21.1"), der(0x04, bytes(190_000)))
    ),
    "signed_ac: long names": lambda world: tbs_of(
        world.ac(
            certificates=[
                user(world, subject=long_name(number), extensions=())
                for number in range(10)
            ]
        )
    ),
    "signed_proxy: key usage": lambda world: tbs_of(
        user(
            world,
            extensions=(extension(SUBJECT_ALT_NAME, bytes(100_000)),),
        )
    ),
    "signed_user: a long name": lambda world: tbs_of(
        user(world, subject=long_name(0), extensions=())
    ),
}


def crl_of(world: World, *entries: bytes) -> bytes:
    """Return the sub-CA's CRL with these entries."""
    fields = split(tbs_of(world.crl()))
    fields[5] = der(0x30, *entries)
    return signed(join(fields), world.sub)


def test_each_parser_has_its_costly_inputs() -> None:
    assert {name.split(":")[0] for name in COSTLY} == BY_NAME.keys()


@pytest.mark.parametrize("name", COSTLY)
def test_a_second_and_50_megabytes(world: World, name: str) -> None:
    target = BY_NAME[name.split(":")[0]]
    data = COSTLY[name](world)

    def feed() -> bool:
        # As if seen for the first time: what is remembered costs nothing.
        names._name.cache_clear()
        re.purge()
        return target.feed(world, data)

    found = cost(feed, rounds=2)
    assert isinstance(found.outcome, bool)
    assert found.seconds < SECONDS
    assert found.megabytes < MEGABYTES
    assert all(target.feed(world, seed) for seed in target.seeds(world))


RUNAWAYS = (
    "a*a*b",
    "a*a*a*b",
    "a*a*a*a*b",
    "[ab]*[ab]*[ab]*[ab]*c",
    "a?" * 28 + "a" * 28,
    "(a|[a])?" * 30 + "b",
    "a{1,999}a{1,999}a{1,999}b",
    "(a?b?){9}" * 3,
    "((a|b)?(a|b)?)" * 12 + "c",
    "(a|aa)" * 40 + "b",
    "(a*)*b",
)


def _ask(number: Synchronized[int]) -> None:
    for number.value, expression in enumerate(RUNAWAYS):
        try:
            statements = parse_namespaces(SELF % expression.encode())
        except PolicyFileError:
            continue
        for subject in (*SUBJECTS, *("a" * size for size in range(20, 1024, 97))):
            permits(statements, subject)
    number.value = len(RUNAWAYS)


def test_no_expression_runs_away() -> None:
    # In a process of its own: what runs away inside `re` cannot be stopped.
    context = multiprocessing.get_context("spawn")
    number = context.Value("i", 0)
    child = context.Process(target=_ask, args=(number,))
    child.start()
    child.join(20)
    child.kill()
    child.join()
    assert number.value == len(RUNAWAYS), RUNAWAYS[number.value]
