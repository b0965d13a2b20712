# SPDX-License-Identifier: Apache-2.0
"""Makes certificates, CRLs and RFC 3820 proxies for tests and for the grid.

Owns the good form of each and one knob for each thing that a test may want to
break. Must never write a file: callers get objects and bytes.
Read first: make_ca, make_user, make_proxy.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Extra = tuple[x509.ExtensionType, bool]

AC_SEQUENCE = ObjectIdentifier("1.3.6.1.4.1.8005.100.100.5")
PROXY_CERT_INFO = ObjectIdentifier("1.3.6.1.5.5.7.1.14")
DRAFT_PROXY_CERT_INFO = ObjectIdentifier("1.3.6.1.4.1.3536.1.222")
INHERIT_ALL = "1.3.6.1.5.5.7.21.1"
INDEPENDENT = "1.3.6.1.5.5.7.21.2"
LIMITED = "1.3.6.1.4.1.3536.1.1.1.9"

_POOL_SIZE = 24
_ATTRIBUTES = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "UID": NameOID.USER_ID,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A certificate, its key and the issuers above it (nearest first, no root)."""

    certificate: x509.Certificate
    key: PrivateKey
    issuers: tuple[x509.Certificate, ...] = ()

    def chain(self) -> tuple[bytes, ...]:
        """Return the certificates in DER, the leaf first, without the root."""
        return tuple(
            certificate.public_bytes(serialization.Encoding.DER)
            for certificate in (self.certificate, *self.issuers)
        )

    def certificate_pem(self) -> bytes:
        """Return the certificate alone in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        """Return the unencrypted key in PEM, in the form that OpenSSL 1 wrote."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )

    def pem(self) -> bytes:
        """Return a proxy file in PEM: the certificate, its key, its issuers."""
        issuers = (
            issuer.public_bytes(serialization.Encoding.PEM) for issuer in self.issuers
        )
        return b"".join((self.certificate_pem(), self.key_pem(), *issuers))


def der(tag: int, *parts: bytes) -> bytes:
    """Return one DER element with the tag byte `tag` around the joined parts."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body


def der_integer(value: int) -> bytes:
    """Return a DER INTEGER."""
    size = ((value + 1 if value < 0 else value).bit_length() + 8) // 8
    return der(0x02, value.to_bytes(size, "big", signed=True))


def der_oid(dotted: str) -> bytes:
    """Return a DER OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (40 * first + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(0x80 | (arc & 0x7F))
        body.extend(reversed(octets))
    return der(0x06, bytes(body))


def new_key() -> rsa.RSAPrivateKey:
    """Return a new RSA-2048 key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def pooled_key(number: int) -> rsa.RSAPrivateKey:
    """Return the key of that number in the pool of this process."""
    return new_key()


_numbers = itertools.count()


def _next_pooled_key() -> rsa.RSAPrivateKey:
    # A key for each would make the tests slow; one for all would let the key
    # of one proxy open the session of another.
    return pooled_key(next(_numbers) % _POOL_SIZE)


def name(dn: str | x509.Name) -> x509.Name:
    """Return the name of a DN such as `/DC=org/DC=example/O=People/CN=alice`."""
    if isinstance(dn, x509.Name):
        return dn
    parts = re.split(r"/(?=[A-Za-z]+=)", dn)[1:]
    pairs = (part.split("=", 1) for part in parts)
    return x509.Name(
        [x509.NameAttribute(_ATTRIBUTES[short], value) for short, value in pairs]
    )


def key_usage(*asserted: str) -> x509.KeyUsage:
    """Return a keyUsage extension that asserts the named bits and no other."""
    bits = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**{**bits, **dict.fromkeys(asserted, True)})


def proxy_cert_info(
    *, path_length: int | None, language: str = INHERIT_ALL, policy: bytes | None = None
) -> bytes:
    """Return the DER of a proxyCertInfo extension (RFC 3820 3.8)."""
    limit = b"" if path_length is None else der_integer(path_length)
    field = b"" if policy is None else der(0x04, policy)
    return der(0x30, limit, der(0x30, der_oid(language), field))


def make_ca(
    subject: str | x509.Name,
    *,
    issuer: Credential | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    path_length: int | None = None,
    key: PrivateKey | None = None,
    **knobs: object,
) -> Credential:
    """Return a root CA, or a sub-CA under `issuer`; knobs as in `issue`."""
    return issue(
        name(subject),
        issuer=issuer,
        key=key or new_key(),
        not_before=not_before,
        not_after=not_after,
        defaults=(
            (x509.BasicConstraints(ca=True, path_length=path_length), True),
            (key_usage("key_cert_sign", "crl_sign"), True),
        ),
        **knobs,
    )


def make_user(
    subject: str | x509.Name,
    *,
    issuer: Credential,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    key: PrivateKey | None = None,
    **knobs: object,
) -> Credential:
    """Return a person's end-entity certificate; knobs as in `issue`."""
    return issue(
        name(subject),
        issuer=issuer,
        key=key or new_key(),
        not_before=not_before,
        not_after=not_after,
        defaults=(
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (key_usage("digital_signature", "key_encipherment"), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        ),
        **knobs,
    )


def make_host(
    subject: str | x509.Name,
    *,
    issuer: Credential,
    dns: Sequence[str] = (),
    ips: Sequence[str] = (),
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    key: PrivateKey | None = None,
    **knobs: object,
) -> Credential:
    """Return a host's end-entity certificate, for TLS or for a VOMS server."""
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    names: list[x509.GeneralName] = [x509.DNSName(value) for value in dns]
    names += [x509.IPAddress(ip_address(value)) for value in ips]
    defaults: list[Extra] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage("digital_signature", "key_encipherment"), True),
        (x509.ExtendedKeyUsage(usages), False),
    ]
    if names:
        defaults.append((x509.SubjectAlternativeName(names), False))
    return issue(
        name(subject),
        issuer=issuer,
        key=key or new_key(),
        not_before=not_before,
        not_after=not_after,
        defaults=defaults,
        **knobs,
    )


def make_proxy(
    parent: Credential,
    *,
    ac: bytes | Sequence[bytes] | None = None,
    path_length: int | None = 10,
    limited: bool = False,
    language: str | None = None,
    policy: bytes | None = None,
    info: bytes | None = None,
    info_oid: ObjectIdentifier = PROXY_CERT_INFO,
    info_critical: bool = True,
    cn: str | None = None,
    subject: x509.Name | None = None,
    serial: int | None = None,
    key: PrivateKey | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    **knobs: object,
) -> Credential:
    """Return an RFC 3820 proxy of `parent` that carries the DER AC(s) `ac`.

    The extensions and their order are those of voms-proxy-fake. `info` replaces
    the value of proxyCertInfo; `cn` the last CN, which is else the serial.
    """
    now = _now()
    serial = serial or x509.random_serial_number() % 2**32 or 1
    if subject is None:
        last = x509.NameAttribute(NameOID.COMMON_NAME, cn or str(serial))
        subject = x509.Name(
            [*parent.certificate.subject.rdns, x509.RelativeDistinguishedName([last])]
        )
    if info is None:
        language = language or (LIMITED if limited else INHERIT_ALL)
        info = proxy_cert_info(
            path_length=path_length, language=language, policy=policy
        )
    defaults: list[Extra] = []
    if ac is not None:
        acs = [ac] if isinstance(ac, bytes) else ac
        sequence = der(0x30, der(0x30, *acs))
        defaults.append((x509.UnrecognizedExtension(AC_SEQUENCE, sequence), False))
    defaults += [
        (key_usage("digital_signature", "key_encipherment"), True),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.UnrecognizedExtension(info_oid, info), info_critical),
    ]
    return issue(
        subject,
        issuer=parent,
        key=key or _next_pooled_key(),
        serial=serial,
        not_before=not_before or now - timedelta(minutes=5),
        not_after=not_after or now + timedelta(hours=12),
        defaults=defaults,
        subject_key_identifier=False,
        **knobs,
    )


def make_crl(
    issuer: Credential,
    *,
    revoked: Iterable[x509.Certificate | int] = (),
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    number: int = 1,
    extra: Sequence[Extra] = (),
    entry_extra: Sequence[Extra] = (),
    signer_key: PrivateKey | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
) -> x509.CertificateRevocationList:
    """Return a CRL of `issuer` over certificates or serials; not_after is nextUpdate.

    `signer_key` signs in place of the issuer's own key.
    """
    now = _now()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(not_before or now - timedelta(hours=1))
        .next_update(not_after or now + timedelta(hours=24))
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    for item in revoked:
        serial = item if isinstance(item, int) else item.serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial)
        entry = entry.revocation_date(not_before or now - timedelta(hours=1))
        for extension, critical in entry_extra:
            entry = entry.add_extension(extension, critical=critical)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(signer_key or issuer.key, algorithm or hashes.SHA256())


def issue(
    subject: x509.Name,
    *,
    issuer: Credential | None,
    key: PrivateKey,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    serial: int | None = None,
    issuer_name: x509.Name | None = None,
    signer_key: PrivateKey | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
    defaults: Sequence[Extra] = (),
    extra: Sequence[Extra] = (),
    drop: Collection[ObjectIdentifier] = (),
    subject_key_identifier: bool = True,
) -> Credential:
    """Return a certificate signed by `issuer`, or by itself without one.

    `issuer_name` and `signer_key` replace what the issuer would give; `extra`
    adds extensions, in place of a default of the same OID; `drop` leaves out.
    """
    now = _now()
    signer = signer_key or (issuer.key if issuer else key)
    above = issuer.certificate.subject if issuer else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name or above)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(not_before or now - timedelta(hours=1))
        .not_valid_after(not_after or now + timedelta(hours=24))
    )
    public = issuer.key.public_key() if issuer else key.public_key()
    extensions: list[Extra] = list(defaults)
    if subject_key_identifier:
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        extensions.append((own, False))
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(public)
    extensions.append((authority, False))
    replaced = {item.oid for item, _ in extra} | set(drop)
    kept = [item for item in extensions if item[0].oid not in replaced]
    for extension, critical in (*kept, *extra):
        builder = builder.add_extension(extension, critical=critical)
    certificate = builder.sign(signer, algorithm or hashes.SHA256())
    above_it: tuple[x509.Certificate, ...] = ()
    if issuer and issuer.certificate.subject != issuer.certificate.issuer:
        above_it = (issuer.certificate, *issuer.issuers)
    return Credential(certificate=certificate, key=key, issuers=above_it)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
