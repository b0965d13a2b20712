# SPDX-License-Identifier: Apache-2.0
"""Makes VOMS attribute certificates, with the fields of voms-proxy-fake.

Owns the DER of an AC (RFC 5755, OGF GFD.182) and one knob for each field, so
that a test can break one thing in a good AC. Must never check anything.
Read first: make_ac; `certs.make_proxy` puts the result into a proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from tests.grid.certs import Credential, PrivateKey, der, der_integer, der_oid

FQAN_ATTRIBUTE = "1.3.6.1.4.1.8005.100.100.4"
CERTIFICATES = "1.3.6.1.4.1.8005.100.100.10"
GENERIC_ATTRIBUTES = "1.3.6.1.4.1.8005.100.100.11"
NO_REV_AVAIL = "2.5.29.56"
AUTHORITY_KEY_ID = "2.5.29.35"
TARGETS = "2.5.29.55"

SHA256_RSA = der(0x30, der_oid("1.2.840.113549.1.1.11"), der(0x05))
SHA256_ECDSA = der(0x30, der_oid("1.2.840.10045.4.3.2"))

Attribute = tuple[str, str, str]


def make_ac(
    *,
    holder: x509.Certificate,
    voms: Credential,
    vo: str,
    fqans: Sequence[str],
    host: str,
    port: int = 15000,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    serial: int = 1,
    holder_form: Literal["subject", "issuer"] = "subject",
    version: int = 1,
    holder_der: bytes | None = None,
    holder_serial: int | None = None,
    issuer_der: bytes | None = None,
    uri: str | None = None,
    inner_algorithm: bytes | None = None,
    outer_algorithm: bytes | None = None,
    validity_der: bytes | None = None,
    attributes_der: bytes | None = None,
    certificates: Sequence[bytes] | None = None,
    generic: Sequence[Attribute] = (),
    targets: Sequence[str] | bytes | None = None,
    targets_critical: bool = True,
    key_identifier: bytes | None = None,
    extensions: Sequence[bytes] | None = None,
    extra_extensions: Sequence[bytes] = (),
    drop: Sequence[str] = (),
    signer_key: PrivateKey | None = None,
    unused_bits: int = 0,
    edit_info: Callable[[bytes], bytes] | None = None,
    edit_signature: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """Return one AC in DER for the holder, signed by the VOMS server `voms`.

    `holder_form` says whose name stands beside the holder's serial: its own
    subject, as voms-proxy-fake writes it, or its issuer's, as RFC 5755 does.
    Names that end in `_der` replace a whole field; `drop` leaves out extensions
    by OID; `signer_key` signs in place of the server's; `edit_info` changes the
    acinfo before, `edit_signature` the signature after the signing.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    key = signer_key or voms.key
    ours = SHA256_ECDSA if isinstance(key, ec.EllipticCurvePrivateKey) else SHA256_RSA
    names = holder.subject if holder_form == "subject" else holder.issuer
    if holder_der is None:
        wanted = holder.serial_number if holder_serial is None else holder_serial
        base = der(0xA0, der(0x30, directory_name(names)), der_integer(wanted))
        holder_der = der(0x30, base)
    if issuer_der is None:
        signer = directory_name(voms.certificate.subject)
        issuer_der = der(0xA0, der(0x30, signer))
    contact = uri if uri is not None else f"{vo}://{host}:{port}"
    if attributes_der is None:
        attributes_der = der(0x30, fqan_attribute(contact, fqans))
    if validity_der is None:
        validity_der = der(
            0x30,
            generalized_time(not_before or now),
            generalized_time(not_after or now + timedelta(hours=12)),
        )
    if extensions is None:
        sent = voms.chain()[:1] if certificates is None else certificates
        extensions = default_extensions(
            voms=voms,
            sent=sent,
            contact=contact,
            generic=generic,
            targets=targets,
            targets_critical=targets_critical,
            key_identifier=key_identifier,
            drop=drop,
        )
    info = der(
        0x30,
        der_integer(version),
        holder_der,
        issuer_der,
        inner_algorithm or ours,
        der_integer(serial),
        validity_der,
        attributes_der,
        der(0x30, *extensions, *extra_extensions),
    )
    if edit_info:
        info = edit_info(info)
    signature = sign(key, info)
    if edit_signature:
        signature = edit_signature(signature)
    bits = der(0x03, bytes([unused_bits]), signature)
    return der(0x30, info, outer_algorithm or ours, bits)


def default_extensions(
    *,
    voms: Credential,
    sent: Sequence[bytes],
    contact: str,
    generic: Sequence[Attribute] = (),
    targets: Sequence[str] | bytes | None = None,
    targets_critical: bool = True,
    key_identifier: bytes | None = None,
    drop: Sequence[str] = (),
) -> list[bytes]:
    """Return the extensions of a good AC in the order of voms-proxy-fake."""
    made: dict[str, bytes] = {}
    if generic:
        made[GENERIC_ATTRIBUTES] = extension(
            GENERIC_ATTRIBUTES, generic_attributes(contact, generic)
        )
    made[CERTIFICATES] = extension(CERTIFICATES, der(0x30, der(0x30, *sent)))
    made[NO_REV_AVAIL] = extension(NO_REV_AVAIL, der(0x05))
    if key_identifier is None:
        public = voms.certificate.public_key()
        key_identifier = x509.SubjectKeyIdentifier.from_public_key(public).digest
    made[AUTHORITY_KEY_ID] = extension(
        AUTHORITY_KEY_ID, der(0x30, der(0x80, key_identifier))
    )
    if targets is not None:
        value = targets if isinstance(targets, bytes) else voms_targets(targets)
        made[TARGETS] = extension(TARGETS, value, critical=targets_critical)
    return [value for oid, value in made.items() if oid not in drop]


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """Return one Extension in DER; `value` is what the OCTET STRING holds."""
    flag = der(0x01, b"\xff") if critical else b""
    return der(0x30, der_oid(oid), flag, der(0x04, value))


def fqan_attribute(
    contact: str, fqans: Sequence[str | bytes], *, value_tag: int = 0x04
) -> bytes:
    """Return the attribute that holds the FQANs, one IetfAttrSyntax."""
    values = (
        der(value_tag, fqan if isinstance(fqan, bytes) else fqan.encode())
        for fqan in fqans
    )
    syntax = der(0x30, der(0xA0, der(0x86, contact.encode())), der(0x30, *values))
    return der(0x30, der_oid(FQAN_ATTRIBUTE), der(0x31, syntax))


def generic_attributes(contact: str, generic: Sequence[Attribute]) -> bytes:
    """Return the value of the generic-attributes extension (GFD.182 3.5)."""
    triples = (
        der(0x30, *(der(0x04, field.encode()) for field in triple))
        for triple in generic
    )
    policy = der(0x30, der(0x86, contact.encode()))
    return der(0x30, der(0x30, der(0x30, policy, der(0x30, *triples))))


def voms_targets(hosts: Sequence[str]) -> bytes:
    """Return a targets value as VOMS encodes it: a SEQUENCE around each name."""
    return der(
        0x30,
        der(0x30, *(der(0x30, der(0xA0, der(0x86, h.encode()))) for h in hosts)),
    )


def rfc_targets(hosts: Sequence[str]) -> bytes:
    """Return a targets value as RFC 5755 4.3.2 encodes it."""
    return der(
        0x30,
        der(0x30, *(der(0xA0, der(0x86, h.encode())) for h in hosts)),
    )


def directory_name(value: x509.Name) -> bytes:
    """Return a GeneralName of the form directoryName."""
    return der(0xA4, value.public_bytes(serialization.Encoding.DER))


def generalized_time(moment: datetime) -> bytes:
    """Return a GeneralizedTime in Z without fraction."""
    return der(0x18, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def sign(key: PrivateKey, data: bytes) -> bytes:
    """Return the SHA-256 signature of `data`."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hashes.SHA256()))
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
