# SPDX-License-Identifier: Apache-2.0
"""Any bytes in, one of our errors or a value out, and never a wrong yes.

The mutations are random but the same in each run. A changed credential may
only be accepted if it is still the same credential.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from keystone_voms_ext.voms.certificates import Certificate
from keystone_voms_ext.voms.chain import certificates_from_pem
from keystone_voms_ext.voms.crl import Crl
from keystone_voms_ext.voms.der import BIT_STRING, DerError, named_bits, whole
from keystone_voms_ext.voms.errors import CredentialRefused
from keystone_voms_ext.voms.policyfiles import (
    MAX_FILE_BYTES,
    PolicyFileError,
    parse_lsc,
    parse_namespaces,
    parse_signing_policy,
    permits,
)
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import validate
from tests.grid import certs
from tests.grid.ac import GENERIC_ATTRIBUTES, extension, fqan_attribute
from tests.grid.certs import make_proxy
from tests.unit.voms.conftest import Refused
from tests.unit.voms.site import ALICE, HOST, NOW, Site, ac, cast, proxy
from tests.unit.voms.test_crls import crl


def mutations(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield changed copies: flipped, cut, doubled, swapped and blown-up pieces."""
    chance = random.Random(seed)
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            place = chance.randrange(len(copy))
            end = min(place + chance.randrange(1, 40), len(copy))
            kind = chance.randrange(6)
            if kind == 0:
                copy[place] ^= 1 << chance.randrange(8)
            elif kind == 1:
                copy[place] = chance.choice((0x00, 0x30, 0x7F, 0x80, 0x84, 0xFF))
            elif kind == 2:
                del copy[place:end]
            elif kind == 3:
                copy[place:place] = copy[place:end]
            elif kind == 4:
                copy[place:end] = chance.randbytes(end - place)
            else:
                copy[place:place] = bytes(chance.randrange(1, 300))
            copy = copy or bytearray(b"\0")
        yield bytes(copy)


def verdict(
    chain: tuple[bytes, ...], directories: tuple[TrustStore, Vomsdir]
) -> str | None:
    """Return the DN of an accepted chain, None of a refused one; no other way."""
    trust, vomsdir = directories
    at = NOW + timedelta(minutes=1)
    try:
        return validate(chain, trust=trust, vomsdir=vomsdir, at=at).dn
    except CredentialRefused as error:
        assert str(error).isprintable()
        return None


def still(site: Site) -> tuple[TrustStore, Vomsdir]:
    """Return the site's directories, looked at once."""
    trust, vomsdir = site.write()
    return TrustStore(trust.path), Vomsdir(vomsdir.path)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_changed_certificates(site: Site, place: int) -> None:
    chain = proxy().chain()
    directories = still(site)
    assert verdict(chain, directories) == ALICE
    for changed in mutations(chain[place], 400, seed=place):
        mutated = (*chain[:place], changed, *chain[place + 1 :])
        if changed != chain[place]:
            assert verdict(mutated, directories) is None


def test_changed_acs_in_a_proxy_that_is_signed(site: Site) -> None:
    good = ac(generic=[("a", "b", "c")], targets=["a.example.org"])
    directories = still(site)
    for changed in mutations(good, 300, seed=4):
        carrier = make_proxy(cast().alice, ac=changed)
        if changed != good:
            assert verdict(carrier.chain(), directories) is None


def test_random_chains(site: Site) -> None:
    chance = random.Random(5)
    directories = still(site)
    for _ in range(300):
        chain = tuple(
            b"\x30\x82\x01\x00" + chance.randbytes(256)
            for _ in range(chance.randrange(4))
        )
        assert verdict(chain, directories) is None


def test_changed_pem() -> None:
    pem = proxy().pem()
    for changed in mutations(pem, 500, seed=6):
        try:
            assert certificates_from_pem(changed)
        except CredentialRefused as error:
            assert error.code


def test_changed_crls() -> None:
    good = crl(cast().sub, revoked=range(1, 20))
    ca = Certificate.from_der(cast().sub.chain()[0])
    for changed in mutations(good, 500, seed=7):
        try:
            found = Crl.from_der(changed)
        except DerError:
            continue
        found.serials()
        assert changed == good or not found.is_signed_by(ca)


NAMESPACES = (
    b'# comment\nTO Issuer "/DC=org/CN=CA" \\\n  PERMIT Subject "/DC=org/(a|b)+.*"\n'
    b'TO Issuer SELF DENY Subject "/C=[A-Z]{2}/.*\\.org/CN=[^/]+x?"\n'
)
SIGNING_POLICY = (
    b"# comment\naccess_id_CA X509 '/DC=org/CN=CA'\npos_rights globus CA:sign\n"
    b'cond_subjects globus \'"/DC=org/*" "/C=??/*a*"\'\n'
)
SELF = b'TO Issuer SELF PERMIT Subject "%s"'
LSC = b"# comment\n/DC=org/CN=a\n/DC=org/CN=b\n----- NEXT CHAIN -----\n/CN=c\r\n"


@pytest.mark.parametrize(
    ("parse", "good"),
    [
        (parse_lsc, LSC),
        (parse_namespaces, NAMESPACES.replace(b"(a|b)+", b"(a|b)?")),
        (parse_signing_policy, SIGNING_POLICY),
    ],
)
def test_changed_files(parse: Callable[[bytes], object], good: bytes) -> None:
    assert parse(good)
    for changed in mutations(good, 1500, seed=8):
        try:
            parse(changed)
        except PolicyFileError as error:
            assert str(error)


@pytest.mark.parametrize("parse", [parse_lsc, parse_namespaces, parse_signing_policy])
def test_a_file_that_nobody_wrote_by_hand(parse: Callable[[bytes], object]) -> None:
    with pytest.raises(PolicyFileError, match="longer than"):
        parse(b"#" * MAX_FILE_BYTES + b"#")


@pytest.mark.parametrize("expression", ["", "^", "$", "^$"])
def test_an_empty_expression(expression: str) -> None:
    with pytest.raises(PolicyFileError, match="empty"):
        parse_namespaces(SELF % expression.encode())


def test_an_expression_longer_than_any() -> None:
    with pytest.raises(PolicyFileError, match="longer than"):
        parse_namespaces(SELF % (b"a" * 1001))


def test_more_patterns_than_any_ca_has() -> None:
    patterns = b" ".join(b'"/CN=%d"' % number for number in range(1001))
    half = b"cond_subjects globus '%s'\n" % patterns[: patterns.index(b' "/CN=600"')]
    text = b"access_id_CA X509 '/CN=CA'\npos_rights globus CA:sign\n"
    assert len(parse_signing_policy(text + half)) == 600
    with pytest.raises(PolicyFileError, match="too many patterns"):
        parse_signing_policy(text + half * 2)


def test_named_bits_are_few() -> None:
    bits = certs.der(BIT_STRING, bytes(33), b"\x01")
    with pytest.raises(DerError, match="named bits"):
        named_bits(whole(bits, BIT_STRING))
    assert named_bits(whole(certs.der(BIT_STRING, bytes(32), b"\x01"), BIT_STRING))


def attribute(count: int) -> bytes:
    """Return an FQAN attribute that holds so many FQANs, all the same."""
    return fqan_attribute(f"dteam://{HOST}:15000", ["/dteam"] * count)


def test_fqans_are_counted_over_all_attributes(refused: Refused) -> None:
    for counts, code in (
        ((1001,), "too_many_fqans"),
        ((600, 401), "too_many_fqans"),
        ((600, 400), "ac_attribute_malformed"),
    ):
        found = certs.der(0x30, *(attribute(count) for count in counts))
        refused(code, proxy(ac=ac(attributes_der=found)))


def test_generic_attributes_are_counted_over_all_containers(
    site: Site, refused: Refused
) -> None:
    triple = certs.der(0x30, *[certs.der(0x04)] * 3)
    policy = certs.der(0x30)

    def carrying(*counts: int) -> bytes:
        listed = (
            certs.der(0x30, policy, certs.der(0x30, *[triple] * count))
            for count in counts
        )
        value = certs.der(0x30, certs.der(0x30, *listed))
        return ac(extra_extensions=[extension(GENERIC_ATTRIBUTES, value)])

    found = site.validate(proxy(ac=carrying(600, 400)))
    assert len(found.generic_attributes) == 1000
    refused("ac_unreadable", proxy(ac=carrying(600, 401)))


@pytest.mark.parametrize("expression", ["(.*)*x", "(a|a)*x", "((a+)?)*x", "(a*)+b"])
def test_patterns_that_could_run_away(expression: str) -> None:
    begin = time.perf_counter()
    try:
        found = parse_namespaces(SELF % expression.encode())
    except PolicyFileError:
        found = ()
    # Refused, or matched with no end of the DN looked at twice.
    assert not permits(found, "a" * 1000)
    assert time.perf_counter() - begin < 0.5


def test_patterns_with_many_stars_stay_quick() -> None:
    expression = ".*a" * 100
    (statement,) = parse_namespaces(SELF % f"{expression}x".encode())
    begin = time.perf_counter()
    assert not permits((statement,), "a" * 1000)
    assert time.perf_counter() - begin < 0.5


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x80" * 50_000,
        b"\x30\x82\xff\xff" * 20_000,
        bytes(199_000),
        b"\xa0" * 199_000,
        b"\x30\x83\x03\x00\x00" + b"\x05\x00" * (0x30000 // 2),
    ],
)
def test_hostile_shapes_are_refused_at_once(site: Site, data: bytes) -> None:
    directories = still(site)
    verdict(proxy().chain(), directories)
    begin = time.perf_counter()
    assert verdict((data, *proxy().chain()[1:]), directories) is None
    assert time.perf_counter() - begin < 0.25


def test_deep_nesting_costs_nothing(site: Site) -> None:
    nested = b"\x05\x00"
    for _ in range(5_000):
        nested = certs.der(0x30, nested)
    deep_ac = make_proxy(cast().alice, ac=nested)
    directories = still(site)
    begin = time.perf_counter()
    assert verdict((nested, *proxy().chain()[1:]), directories) is None
    assert verdict(deep_ac.chain(), directories) is None
    assert time.perf_counter() - begin < 0.25
