# SPDX-License-Identifier: Apache-2.0
"""Our readers against others: `cryptography` for X.509, the standard library.

What one side writes both must read alike. Where both read what nobody meant to
write, they must say the same. Must never take our own reader as the measure.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.certificates import Certificate
from keystone_voms_ext.voms.chain import certificates_from_pem
from keystone_voms_ext.voms.crl import Crl
from keystone_voms_ext.voms.errors import CredentialRefused
from keystone_voms_ext.voms.names import SHORT_NAMES
from tests.fuzz.world import World
from tests.grid.certs import der as der_of
from tests.grid.certs import der_integer, der_oid, key_usage
from tests.properties.strategies import STEADY, changed, elements
from tests.unit.voms.surgery import public_der

KEY = ec.derive_private_key(4711, ec.SECP256R1())
BITS = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
# What cryptography writes as PrintableString or IA5String, what it wants to have
# two letters, and what it does not write at all.
ASCII_KINDS = {
    "2.5.4.5",
    "2.5.4.46",
    "0.9.2342.19200300.100.1.25",
    "1.2.840.113549.1.9.1",
}
COUNTRY_KINDS = {"2.5.4.6", "1.3.6.1.4.1.311.60.2.1.3"}
UNWRITTEN = {"2.5.4.45"}

OIDS = st.builds(
    lambda first, rest: ".".join(map(str, (*first, *rest))),
    st.tuples(st.integers(0, 1), st.integers(0, 39))
    | st.tuples(st.just(2), st.integers(0, 2**20)),
    st.lists(st.integers(0, 2**28), min_size=1, max_size=6),
)
KINDS = st.sampled_from(sorted(SHORT_NAMES.keys() - UNWRITTEN)) | OIDS
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31, 23, 59, 59)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
PLAIN = st.text(st.sampled_from("aZ09 /+=,.-"), min_size=1, max_size=8)
COUNTRIES = st.text(st.sampled_from("aZ"), min_size=2, max_size=2)
ANY = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


def texts(kind: str) -> st.SearchStrategy[str]:
    """Return values that cryptography writes for an attribute of this type."""
    if kind in COUNTRY_KINDS:
        return COUNTRIES
    return PLAIN if kind in ASCII_KINDS else PLAIN | ANY


@st.composite
def names(draw: st.DrawFn) -> x509.Name:
    """Return a name of a few RDNs, some with more than one attribute."""
    rdns = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = draw(st.lists(KINDS, min_size=1, max_size=3, unique=True))
        pairs = [(kind, draw(texts(kind))) for kind in kinds]
        rdns.append(
            x509.RelativeDistinguishedName(
                x509.NameAttribute(x509.ObjectIdentifier(kind), text, _validate=False)
                for kind, text in pairs
            )
        )
    return x509.Name(rdns)


@st.composite
def certificates(draw: st.DrawFn) -> x509.Certificate:
    """Return a certificate of drawn fields, signed by one key."""
    ends = sorted([draw(MOMENTS), draw(MOMENTS)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(draw(names()))
        .issuer_name(draw(names()))
        .public_key(KEY.public_key())
        .serial_number(draw(st.integers(1, 2**159 - 1)))
        .not_valid_before(ends[0])
        .not_valid_after(ends[1])
    )
    if draw(st.booleans()):
        ca = draw(st.booleans())
        limit = draw(st.none() | st.integers(0, 2**40)) if ca else None
        builder = builder.add_extension(x509.BasicConstraints(ca, limit), True)
    if bits := draw(st.sets(st.sampled_from(BITS))):
        builder = builder.add_extension(key_usage(*sorted(bits)), draw(st.booleans()))
    if purposes := draw(st.lists(OIDS, max_size=3, unique=True)):
        usages = [x509.ObjectIdentifier(purpose) for purpose in purposes]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
    if digest := draw(st.binary(max_size=20)):
        builder = builder.add_extension(x509.SubjectKeyIdentifier(digest), False)
    return builder.sign(KEY, hashes.SHA256())


def pairs_of(name: x509.Name) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return a name of cryptography in the form of `Name.rdns`, RDNs as sets."""
    return tuple(
        tuple(sorted((part.oid.dotted_string, part.value) for part in rdn))
        for rdn in name.rdns
    )


def same(ours: Certificate, theirs: x509.Certificate) -> None:
    """Check that both readers say the same of one certificate."""
    assert ours.version == theirs.version.value + 1
    assert ours.serial == theirs.serial_number
    assert ours.not_before == theirs.not_valid_before_utc
    assert ours.not_after == theirs.not_valid_after_utc
    assert ours.signed.tbs == theirs.tbs_certificate_bytes
    assert ours.signed.signature == theirs.signature
    for name, other in (
        (ours.subject, theirs.subject),
        (ours.issuer, theirs.issuer),
    ):
        assert tuple(tuple(sorted(rdn)) for rdn in name.rdns) == pairs_of(other)


def same_extensions(ours: Certificate, theirs: x509.Certificate) -> None:
    """Check that both readers say the same of the extensions that we read."""
    found = {extension.oid.dotted_string: extension for extension in theirs.extensions}
    assert list(ours.extensions) == list(found)
    for oid, extension in found.items():
        assert ours.extensions[oid].critical == extension.critical
        value = extension.value
        if isinstance(value, x509.BasicConstraints):
            assert (ours.ca, ours.path_length) == (value.ca, value.path_length)
        elif isinstance(value, x509.KeyUsage):
            asserted = {n for n, bit in enumerate(BITS) if getattr(value, bit)}
            assert (ours.key_usage or set()) - {7, 8} == asserted
        elif isinstance(value, x509.ExtendedKeyUsage):
            assert ours.extended_key_usage == {one.dotted_string for one in value}
        elif isinstance(value, x509.SubjectKeyIdentifier):
            assert ours.subject_key_id == value.digest


@STEADY
@given(certificates())
def test_generated_certificates(certificate: x509.Certificate) -> None:
    ours = Certificate.from_der(public_der(certificate))
    same(ours, certificate)
    same_extensions(ours, certificate)
    assert ours.key_info == certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_changed_certificates_that_both_read(world: World) -> None:
    good = [*world.proxy.chain(), *world.root.chain()]
    both = 0

    @settings(STEADY, max_examples=400)
    @given(changed(good))
    def holds(data: bytes) -> None:
        nonlocal both
        try:
            ours = Certificate.from_der(data)
        except CredentialRefused:
            return
        try:
            theirs = x509.load_der_x509_certificate(data)
            names = theirs.subject, theirs.issuer, theirs.not_valid_after_utc
        except (ValueError, x509.InvalidVersion):
            return
        assert names
        both += 1
        with suppress(x509.InvalidVersion):
            same(ours, theirs)
        try:
            listed = theirs.extensions
        except (ValueError, x509.DuplicateExtension):
            return
        assert ours.repeated is None
        assert len(listed) == len(ours.extensions)
        same_extensions(ours, theirs)

    holds()
    assert both > 20


@STEADY
@given(
    serials=st.lists(st.integers(1, 2**159 - 1), max_size=8, unique=True),
    issuer=names(),
    reason=st.sampled_from([None, *x509.ReasonFlags]),
    begin=MOMENTS,
)
def test_generated_crls(
    serials: list[int],
    issuer: x509.Name,
    reason: x509.ReasonFlags | None,
    begin: datetime,
) -> None:
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer)
        .last_update(begin)
        .next_update(end)
    )
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial)
        entry = entry.revocation_date(begin)
        if reason not in (None, x509.ReasonFlags.unspecified):
            entry = entry.add_extension(x509.CRLReason(reason), False)
        builder = builder.add_revoked_certificate(entry.build())
    theirs = builder.sign(KEY, hashes.SHA256())
    ours = Crl.from_der(theirs.public_bytes(serialization.Encoding.DER))
    assert ours.serials() == {entry.serial_number for entry in theirs} == set(serials)
    assert (ours.this_update, ours.next_update, ours.is_full) == (begin, end, True)


@STEADY
@given(st.integers(-(2**300), 2**300) | st.integers(-300, 300))
def test_integers(value: int) -> None:
    assert der.integer(der.whole(der_integer(value), der.INTEGER)) == value


@STEADY
@given(st.binary(max_size=4))
def test_integers_are_read_in_their_one_form_only(octets: bytes) -> None:
    value = int.from_bytes(octets, "big", signed=True)
    try:
        found = der.integer(der.whole(der_of(der.INTEGER, octets), der.INTEGER))
    except der.DerError:
        assert der_integer(value) != der_of(der.INTEGER, octets)
    else:
        assert (found, der_integer(found)) == (value, der_of(der.INTEGER, octets))


@STEADY
@given(OIDS)
@example("2.999.1")
@example("0.39")
@example("2.39")
def test_oids(dotted: str) -> None:
    assert der.oid(der.whole(der_oid(dotted), der.OID)) == dotted


@STEADY
@given(st.binary(max_size=6))
def test_oids_are_read_in_their_one_form_only(octets: bytes) -> None:
    encoded = der_of(der.OID, octets)
    with suppress(der.DerError):
        assert der_oid(der.oid(der.whole(encoded, der.OID))) == encoded


DIGITS = st.text(st.sampled_from("0123456789Z+.- "), max_size=17)


@STEADY
@given(
    st.builds("{:04}{:02}{:02}{:02}{:02}{:02}Z".format, *[st.integers(0, 61)] * 6)
    | st.builds("{:02}{:02}{:02}{:02}{:02}{:02}Z".format, *[st.integers(0, 61)] * 6)
    | MOMENTS.map(lambda moment: f"{moment:%Y%m%d%H%M%SZ}")
    | MOMENTS.map(lambda moment: f"{moment:%y%m%d%H%M%SZ}")
    | DIGITS
)
def test_times(text: str) -> None:
    for tag in (der.UTC_TIME, der.GENERALIZED_TIME):
        century = ""
        if tag == der.UTC_TIME:
            century = "19" if text[:2] >= "50" else "20"
        try:
            wanted = datetime.strptime(century + text, "%Y%m%d%H%M%SZ").replace(
                tzinfo=UTC
            )
        except ValueError:
            wanted = None
        # strptime is free with blanks and missing zeros, and with a second 60.
        if (
            wanted is not None
            and f"{wanted:%Y%m%d%H%M%SZ}".rjust(15, "0") != century + text
        ):
            wanted = None
        try:
            found = der.time(der.whole(der_of(tag, text.encode()), tag))
        except der.DerError:
            found = None
        assert found == wanted


@STEADY
@given(
    st.lists(elements().map(lambda data: der_of(0x30, data)), min_size=1, max_size=5),
    st.sampled_from(["", "text\n", "Bag Attributes\n    a: b\n\n", "\r\n"]),
    st.sampled_from([1, 4, 64, 76, 10_000]),
    st.sampled_from(["\n", "\r\n", " \n"]),
)
def test_pem(found: list[bytes], between: str, width: int, newline: str) -> None:
    pem = between
    for data in found:
        text = base64.b64encode(data).decode()
        lines = [text[start : start + width] for start in range(0, len(text), width)]
        pem += newline.join(
            [
                "-----BEGIN CERTIFICATE-----",
                *lines,
                "-----END CERTIFICATE-----",
                between,
            ]
        )
    assert certificates_from_pem(pem.encode()) == tuple(found)
