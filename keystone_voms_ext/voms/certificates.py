# SPDX-License-Identifier: Apache-2.0
"""X.509 certificates as they were received: parsed, and not yet believed.

Owns the reading of the fields and extensions that the checks need. Must never
judge: a ``Certificate`` is unverified until ``paths`` or ``validate`` has
taken it into a verified type. Read ``Certificate.from_der`` first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.codes import refusal
from keystone_voms_ext.voms.names import Name

SUBJECT_KEY_ID = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
SUBJECT_ALT_NAME = "2.5.29.17"
ISSUER_ALT_NAME = "2.5.29.18"
BASIC_CONSTRAINTS = "2.5.29.19"
CRL_DISTRIBUTION_POINTS = "2.5.29.31"
CERTIFICATE_POLICIES = "2.5.29.32"
AUTHORITY_KEY_ID = "2.5.29.35"
EXTENDED_KEY_USAGE = "2.5.29.37"
PROXY_CERT_INFO = "1.3.6.1.5.5.7.1.14"
DRAFT_PROXY_CERT_INFO = "1.3.6.1.4.1.3536.1.222"
AC_SEQUENCE = "1.3.6.1.4.1.8005.100.100.5"

# Those whose meaning the checks honour, so that they may be critical. With no
# required policy, certificatePolicies can never fail a path (RFC 5280 6.1).
UNDERSTOOD = frozenset(
    {
        SUBJECT_KEY_ID,
        KEY_USAGE,
        SUBJECT_ALT_NAME,
        ISSUER_ALT_NAME,
        BASIC_CONSTRAINTS,
        CRL_DISTRIBUTION_POINTS,
        CERTIFICATE_POLICIES,
        AUTHORITY_KEY_ID,
        EXTENDED_KEY_USAGE,
        PROXY_CERT_INFO,
        DRAFT_PROXY_CERT_INFO,
        AC_SEQUENCE,
    }
)

# Bits of keyUsage (RFC 5280 4.2.1.3) and members of extendedKeyUsage.
DIGITAL_SIGNATURE = 0
KEY_CERT_SIGN = 5
CRL_SIGN = 6
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0"


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: ``value`` is what its OCTET STRING holds."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """What a signature is over, and how: the fields that rule 4 looks at."""

    tbs: bytes
    inner_algorithm: bytes
    outer_algorithm: bytes
    signature: bytes
    unused_bits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyInfo:
    """The content of proxyCertInfo (RFC 3820 3.8)."""

    path_length: int | None
    language: str
    has_policy: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Certificate:
    """An unverified certificate; ``version`` is 3 for X.509 v3.

    ``ca`` and ``path_length`` are those of basicConstraints, ``key_usage`` the
    numbers of the asserted bits; both usages are None without the extension.
    """

    der: bytes
    signed: Signed
    version: int
    serial: int
    issuer: Name
    subject: Name
    not_before: datetime
    not_after: datetime
    key_info: bytes
    issuer_uid: bytes | None
    extensions: Mapping[str, Extension]
    repeated: str | None
    ca: bool
    path_length: int | None
    key_usage: frozenset[int] | None
    extended_key_usage: frozenset[str] | None
    subject_key_id: bytes | None

    @classmethod
    def from_der(cls, data: bytes) -> Certificate:
        """Return the certificate in ``data``, DER without trailing bytes.

        Raises CredentialRefused ``certificate_unreadable``.
        """
        try:
            return _certificate(data)
        except der.DerError as error:
            raise refusal(
                "certificate_unreadable", f"A certificate is not strict DER: {error}."
            ) from error

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return self.subject == self.issuer

    def may_sign(self, bit: int) -> bool:
        """Tell whether keyUsage, if there is one, asserts ``bit``."""
        return self.key_usage is None or bit in self.key_usage


def _certificate(data: bytes) -> Certificate:
    outer = der.exactly(3, der.sequence(der.whole(data), most=3))
    tbs = der.sequence(outer[0], most=10)
    version = 1
    if tbs and tbs[0].tag == 0xA0:
        (number,) = der.exactly(1, der.children(tbs[0], most=1))
        version = der.integer(number) + 1
        del tbs[0]
    if len(tbs) < 6:
        raise der.DerError("fields of the certificate are missing")
    serial, algorithm, issuer, validity, subject, key_info, *rest = tbs
    not_before, not_after = der.exactly(2, der.sequence(validity, most=2))
    issuer_uid, extension_list = _optional_fields(rest)
    extensions, repeated = read_extensions(extension_list)
    ca, path_length = _basic_constraints(extensions)
    return Certificate(
        der=data,
        signed=read_signed(outer[0], algorithm, outer[1], outer[2]),
        version=version,
        serial=der.integer(serial),
        issuer=Name.from_der(issuer),
        subject=Name.from_der(subject),
        not_before=der.time(not_before),
        not_after=der.time(not_after),
        key_info=der.expect(key_info, der.SEQUENCE).encoded,
        issuer_uid=issuer_uid,
        extensions=extensions,
        repeated=repeated,
        ca=ca,
        path_length=path_length,
        key_usage=_key_usage(extensions),
        extended_key_usage=_extended_key_usage(extensions),
        subject_key_id=_subject_key_id(extensions),
    )


def read_signed(
    tbs: der.Element,
    inner_algorithm: der.Element,
    outer_algorithm: der.Element,
    signature: der.Element,
) -> Signed:
    """Return the signed parts of a certificate, CRL or AC; raises DerError."""
    bits, unused = der.bit_string(signature)
    return Signed(
        tbs=tbs.encoded,
        inner_algorithm=der.expect(inner_algorithm, der.SEQUENCE).encoded,
        outer_algorithm=der.expect(outer_algorithm, der.SEQUENCE).encoded,
        signature=bits,
        unused_bits=unused,
    )


def _optional_fields(
    rest: list[der.Element],
) -> tuple[bytes | None, der.Element | None]:
    """Return issuerUniqueID and the extensions of a TBSCertificate's tail."""
    tags = [field.tag for field in rest]
    # Each at most once and in this order (RFC 5280 4.1).
    if tags != sorted(set(tags)) or not set(tags) <= {0x81, 0x82, 0xA3}:
        raise der.DerError("unexpected fields after the public key")
    by_tag = dict(zip(tags, rest, strict=True))
    uid = by_tag[0x81].value if 0x81 in by_tag else None
    if 0xA3 not in by_tag:
        return uid, None
    (found,) = der.exactly(1, der.children(by_tag[0xA3], most=1))
    return uid, found


def read_extensions(
    found: der.Element | None,
) -> tuple[Mapping[str, Extension], str | None]:
    """Return the extensions by OID, and an OID that occurs twice if one does.

    Raises DerError.
    """
    extensions: dict[str, Extension] = {}
    repeated: str | None = None
    if found is None:
        return MappingProxyType(extensions), None
    listed = der.sequence(found, most=100)
    if not listed:
        raise der.DerError("an empty list of extensions")
    for item in listed:
        parts = der.sequence(item, most=3)
        critical = False
        if len(parts) == 3:
            critical = der.boolean(parts.pop(1))
        kind, value = der.exactly(2, parts)
        oid = der.oid(kind)
        if oid in extensions:
            repeated = oid
        octets = der.expect(value, der.OCTET_STRING).value
        extensions[oid] = Extension(oid, critical, octets)
    return MappingProxyType(extensions), repeated


def _basic_constraints(
    extensions: Mapping[str, Extension],
) -> tuple[bool, int | None]:
    extension = extensions.get(BASIC_CONSTRAINTS)
    if extension is None:
        return False, None
    parts = der.sequence(der.whole(extension.value), most=2)
    ca = False
    if parts and parts[0].tag == der.BOOLEAN:
        ca = der.boolean(parts.pop(0))
    if not parts:
        return ca, None
    (limit,) = der.exactly(1, parts)
    path_length = der.integer(limit)
    if path_length < 0 or not ca:
        raise der.DerError("pathLenConstraint is negative or without CA")
    return ca, path_length


def _key_usage(extensions: Mapping[str, Extension]) -> frozenset[int] | None:
    extension = extensions.get(KEY_USAGE)
    if extension is None:
        return None
    return der.named_bits(der.whole(extension.value, der.BIT_STRING))


def _extended_key_usage(extensions: Mapping[str, Extension]) -> frozenset[str] | None:
    extension = extensions.get(EXTENDED_KEY_USAGE)
    if extension is None:
        return None
    listed = der.sequence(der.whole(extension.value), most=100)
    return frozenset(der.oid(purpose) for purpose in listed)


def _subject_key_id(extensions: Mapping[str, Extension]) -> bytes | None:
    extension = extensions.get(SUBJECT_KEY_ID)
    if extension is None:
        return None
    return der.whole(extension.value, der.OCTET_STRING).value


def read_proxy_info(extension: Extension) -> ProxyInfo:
    """Return the content of a proxyCertInfo extension, RFC 3820 or its draft.

    Raises CredentialRefused ``proxy_info_unreadable``.
    """
    try:
        parts = der.sequence(der.whole(extension.value), most=2)
        limit: int | None = None
        if extension.oid == DRAFT_PROXY_CERT_INFO:
            # The draft has the policy first and the length as [1] EXPLICIT.
            if len(parts) == 2 and parts[1].tag == 0xA1:
                (number,) = der.exactly(1, der.children(parts.pop(), most=1))
                limit = der.integer(number)
        elif len(parts) == 2:
            limit = der.integer(parts.pop(0))
        (policy,) = der.exactly(1, parts)
        fields = der.sequence(policy, most=2)
        if not fields:
            raise der.DerError("no policy language")
        if len(fields) == 2:
            der.expect(fields[1], der.OCTET_STRING)
        return ProxyInfo(
            path_length=limit,
            language=der.oid(fields[0]),
            has_policy=len(fields) == 2,
        )
    except der.DerError as error:
        raise refusal(
            "proxy_info_unreadable", f"proxyCertInfo is not strict DER: {error}."
        ) from error
