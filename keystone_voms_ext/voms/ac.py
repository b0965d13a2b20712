# SPDX-License-Identifier: Apache-2.0
"""VOMS attribute certificates (ACs): parsed, and not yet believed.

Owns the ASN.1 of RFC 5755 and OGF GFD.182. Must never judge more than the
form: an ``AttributeCertificate`` keeps each field as it was found, and
``ac_rules`` says what it may be. Read ``acs_from_extension`` first.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.certificates import (
    AUTHORITY_KEY_ID,
    Certificate,
    Extension,
    Signed,
    read_extensions,
    read_signed,
)
from keystone_voms_ext.voms.codes import refusal
from keystone_voms_ext.voms.names import Name

MAX_ACS = 10
AC_MAX_BYTES = 100_000
MAX_FQANS = 1000
MAX_GENERIC_ATTRIBUTES = 1000

FQANS = "1.3.6.1.4.1.8005.100.100.4"
CERTIFICATES = "1.3.6.1.4.1.8005.100.100.10"
GENERIC_ATTRIBUTES = "1.3.6.1.4.1.8005.100.100.11"
TARGETS = "2.5.29.55"
NO_REV_AVAIL = "2.5.29.56"

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)

# GeneralName choices (RFC 5280 4.2.1.6).
DNS_NAME = 0x82
DIRECTORY_NAME = 0xA4
URI = 0x86


@dataclass(frozen=True, slots=True)
class GeneralName:
    """One GeneralName: the tag of its choice and the octets of its value."""

    tag: int
    value: bytes

    def directory_name(self) -> Name | None:
        """Return the name in a directoryName, None for another choice."""
        if self.tag != DIRECTORY_NAME:
            return None
        return Name.from_der(der.whole(self.value))


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """The holder's baseCertificateID; ``is_plain`` says there is nothing else."""

    is_plain: bool
    name: Name | None
    serial: int | None
    issuer_uid: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributeSyntax:
    """One IetfAttrSyntax: who says so, and the octets of what is said."""

    authority: tuple[GeneralName, ...]
    values: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GenericAttribute:
    """A name and a value that the VO's administrator gave to the user."""

    name: str
    value: str
    qualifier: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AttributeCertificate:
    """An unverified AC; ``version`` is 2 for AC v2.

    ``issuer`` is None unless it is a v2Form with one directory name. With
    times in another form than RFC 5755 allows, ``times_are_strict`` is False
    and the dates are those of an AC that is never valid.
    """

    signed: Signed
    version: int
    holder: Holder
    issuer: Name | None
    serial: int
    serial_octets: int
    times_are_strict: bool
    not_before: datetime
    not_after: datetime
    attributes: tuple[AttributeSyntax, ...]
    extensions: Mapping[str, Extension]
    repeated: str | None
    certificates: tuple[Certificate, ...]
    generic_attributes: tuple[GenericAttribute, ...]
    targets: tuple[GeneralName, ...] | None
    key_id: bytes | None


def acs_from_extension(extension: Extension) -> tuple[AttributeCertificate, ...]:
    """Return the ACs of a proxy's AC extension (OGF GFD.182), in its order.

    Raises CredentialRefused ``too_many_acs``, ``ac_too_large``,
    ``too_many_fqans``, ``ac_unreadable`` and ``certificate_unreadable``.
    """
    try:
        (sequence,) = der.exactly(1, der.sequence(der.whole(extension.value), most=1))
        # The cap looks at the count before anything inside is read.
        listed = der.sequence(sequence, most=10 * MAX_ACS)
        if len(listed) > MAX_ACS:
            raise refusal("too_many_acs", f"The proxy carries {len(listed)} ACs.")
        if not listed:
            raise der.DerError("an empty list of ACs")
        for item in listed:
            if item.end - item.begin > AC_MAX_BYTES:
                raise refusal(
                    "ac_too_large", f"An AC has {item.end - item.begin} bytes."
                )
        return tuple(_attribute_certificate(item) for item in listed)
    except der.DerError as error:
        raise refusal("ac_unreadable", f"An AC is not strict DER: {error}.") from error


def _attribute_certificate(item: der.Element) -> AttributeCertificate:
    info, outer_algorithm, signature = der.fields(
        item, der.SEQUENCE, der.SEQUENCE, der.BIT_STRING
    )
    parts = der.sequence(info, most=9)
    if len(parts) < 7:
        raise der.DerError("fields of the AC are missing")
    version, holder, issuer, algorithm, serial, validity, attributes, *rest = parts
    if rest and rest[0].tag == der.BIT_STRING:
        der.bit_string(rest.pop(0))
    extensions, repeated = read_extensions(der.exactly(1, rest)[0] if rest else None)
    begin, end = der.exactly(2, der.sequence(validity, most=2))
    not_before, not_after = _time(begin), _time(end)
    return AttributeCertificate(
        signed=read_signed(info, algorithm, outer_algorithm, signature),
        version=der.integer(version) + 1,
        holder=_holder(holder),
        issuer=_issuer(issuer),
        serial=der.integer(serial),
        serial_octets=serial.end - serial.start,
        times_are_strict=not_before is not None and not_after is not None,
        not_before=not_before or _NEVER,
        not_after=not_after or _LONG_AGO,
        attributes=_attributes(attributes),
        extensions=extensions,
        repeated=repeated,
        certificates=_certificates(extensions),
        generic_attributes=_generic_attributes(extensions),
        targets=_targets(extensions),
        key_id=_key_id(extensions),
    )


def _general_names(element: der.Element) -> tuple[GeneralName, ...]:
    return tuple(
        GeneralName(name.tag, name.value) for name in der.children(element, most=10)
    )


def _one_directory_name(names: tuple[GeneralName, ...]) -> Name | None:
    return names[0].directory_name() if len(names) == 1 else None


def _holder(element: der.Element) -> Holder:
    parts = der.sequence(element, most=3)
    if not parts or parts[0].tag != 0xA0:
        return Holder(is_plain=False, name=None, serial=None, issuer_uid=None)
    base = der.children(parts[0], most=3)
    if len(base) < 2:
        raise der.DerError("the holder has no serial")
    names, serial, *uid = base
    return Holder(
        is_plain=len(parts) == 1,
        name=_one_directory_name(_general_names(der.expect(names, der.SEQUENCE))),
        serial=der.integer(serial),
        issuer_uid=der.expect(uid[0], der.BIT_STRING).value if uid else None,
    )


def _issuer(element: der.Element) -> Name | None:
    # v2Form is [0]; the v1Form of RFC 5755 4.2.3 must not be used.
    if element.tag != 0xA0:
        return None
    parts = der.children(element, most=3)
    if len(parts) != 1 or parts[0].tag != der.SEQUENCE:
        return None
    return _one_directory_name(_general_names(parts[0]))


def _time(element: der.Element) -> datetime | None:
    if element.tag != der.GENERALIZED_TIME:
        return None
    try:
        return der.time(element)
    except der.DerError:
        return None


def _attributes(element: der.Element) -> tuple[AttributeSyntax, ...]:
    """Return the values of all FQAN attributes; attributes of others are let be."""
    found: list[AttributeSyntax] = []
    left = MAX_FQANS
    for attribute in der.sequence(element, most=20):
        kind, values = der.fields(attribute, der.OID, der.SET)
        if der.oid(kind) == FQANS:
            for value in der.children(values, most=20):
                found.append(_syntax(value, most=left))
                left -= len(found[-1].values)
    return tuple(found)


def _syntax(element: der.Element, most: int) -> AttributeSyntax:
    parts = der.sequence(element, most=2)
    authority: tuple[GeneralName, ...] = ()
    if parts and parts[0].tag == 0xA0:
        authority = _general_names(parts.pop(0))
    (values,) = der.exactly(1, parts)
    try:
        listed = der.sequence(values, most=most)
    except der.TooManyError as error:
        raise refusal(
            "too_many_fqans", f"An AC has more than {MAX_FQANS} FQANs."
        ) from error
    return AttributeSyntax(
        authority=authority,
        values=tuple((value.tag, value.value) for value in listed),
    )


def _certificates(extensions: Mapping[str, Extension]) -> tuple[Certificate, ...]:
    extension = extensions.get(CERTIFICATES)
    if extension is None:
        return ()
    (listed,) = der.exactly(1, der.sequence(der.whole(extension.value), most=1))
    return tuple(_sent(item.encoded) for item in der.sequence(listed, most=10))


# A VO has few servers and many users: the parsed certificate, not any verdict
# on it, is kept. The cap on size bounds what a stranger can make us keep.
_KNOWN_MAX_BYTES = 8192
_known = functools.lru_cache(maxsize=64)(Certificate.from_der)


def _sent(data: bytes) -> Certificate:
    return _known(data) if len(data) <= _KNOWN_MAX_BYTES else Certificate.from_der(data)


def _generic_attributes(
    extensions: Mapping[str, Extension],
) -> tuple[GenericAttribute, ...]:
    extension = extensions.get(GENERIC_ATTRIBUTES)
    if extension is None:
        return ()
    found: list[GenericAttribute] = []
    (containers,) = der.exactly(1, der.sequence(der.whole(extension.value), most=1))
    for container in der.sequence(containers, most=20):
        names, attributes = der.fields(container, der.SEQUENCE, der.SEQUENCE)
        _general_names(names)
        left = MAX_GENERIC_ATTRIBUTES - len(found)
        for attribute in der.sequence(attributes, most=left):
            texts = der.fields(
                attribute, der.OCTET_STRING, der.OCTET_STRING, der.OCTET_STRING
            )
            name, value, qualifier = (_text(text) for text in texts)
            found.append(GenericAttribute(name=name, value=value, qualifier=qualifier))
    return tuple(found)


def _text(element: der.Element) -> str:
    try:
        return element.value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise der.DerError("a generic attribute is not UTF-8") from error


def _targets(extensions: Mapping[str, Extension]) -> tuple[GeneralName, ...] | None:
    """Return the names in targets, both in the VOMS and in the RFC encoding.

    A target group or certificate is kept out: it can never be this host's name.
    """
    extension = extensions.get(TARGETS)
    if extension is None:
        return None
    found: list[GeneralName] = []
    for targets in der.sequence(der.whole(extension.value), most=10):
        for target in der.sequence(targets, most=100):
            if target.tag == der.SEQUENCE:
                # VOMS wraps each Target into one more SEQUENCE.
                (target,) = der.exactly(1, der.children(target, most=1))
            if target.tag == 0xA0:
                (name,) = der.exactly(1, der.children(target, most=1))
                found.append(GeneralName(name.tag, name.value))
    return tuple(found)


def _key_id(extensions: Mapping[str, Extension]) -> bytes | None:
    extension = extensions.get(AUTHORITY_KEY_ID)
    if extension is None:
        return None
    for part in der.sequence(der.whole(extension.value), most=3):
        if part.tag == 0x80:
            return part.value
    return None
