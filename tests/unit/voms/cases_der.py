# SPDX-License-Identifier: Apache-2.0
"""Rows for rule 2 on the inside: strict DER in certificates, proxies and ACs.

Owns what cannot be parsed. Must never hold a field that can be read and is
only wrong: those stand with the rules that judge them.
Read first: CASES.
"""

from __future__ import annotations

from cryptography import x509

from tests.grid.ac import (
    AUTHORITY_KEY_ID,
    CERTIFICATES,
    FQAN_ATTRIBUTE,
    GENERIC_ATTRIBUTES,
    extension,
    generalized_time,
)
from tests.grid.certs import (
    AC_SEQUENCE,
    DRAFT_PROXY_CERT_INFO,
    INHERIT_ALL,
    Credential,
    der,
    der_integer,
    der_oid,
    make_proxy,
)
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import carrying, edited, proxied, put
from tests.unit.voms.site import NOW, ac, cast, proxy
from tests.unit.voms.surgery import (
    Fields,
    edit_extensions,
    join,
    name_der,
    split,
    with_leaf,
)

CN = "2.5.4.3"
UNREADABLE = "certificate_unreadable"

LEAVES = {
    "no octet": b"",
    "one octet": b"\x30",
    "an empty SEQUENCE": b"\x30\x00",
    "an indefinite length": b"\x30\x80\x00\x00",
    "a length of 4 GB": b"\x30\x84\xff\xff\xff\xff",
    "a length that is not minimal": b"\x30\x81\x05\x02\x01\x01\x05\x00",
    "a tag of two octets": b"\x1f\x81\x01\x00",
}


def cut(octets: int) -> Build:
    """Build alice's proxy without its last octets."""
    return lambda site: with_leaf(proxy(), proxy().chain()[0][:-octets])


def drop(first: int, last: int) -> Build:
    """Build the chain in which alice's certificate lacks these fields."""
    return edited(lambda fields: fields.__delitem__(slice(first, last)))


def extensions(listed: Fields) -> Build:
    """Build the chain in which alice's certificate has just these extensions."""
    return edited(edit_extensions(lambda found: found.__setitem__(slice(None), listed)))


def listed(oid: str, value: bytes) -> Fields:
    """Return a list of one extension."""
    return [extension(oid, value)]


EXTENSIONS = {
    "no extension in the list": [],
    "an empty extension": [der(0x30)],
    "a BOOLEAN of 01": [der(0x30, der_oid("1.2.3"), der(1, b"\x01"), der(4))],
    "a value that is an INTEGER": [der(0x30, der_oid("1.2.3"), der(2, b"\x01"))],
    "an OID that begins with 80": [der(0x30, der(0x06, b"\x80\x01"), der(4))],
    "an OID that is cut off": [der(0x30, der(0x06, b"\x81"), der(4))],
    "a path length without CA": listed("2.5.29.19", der(0x30, der_integer(1))),
    "a negative path length": listed(
        "2.5.29.19", der(0x30, der(1, b"\xff"), der_integer(-1))
    ),
    "a path length that is NULL": listed(
        "2.5.29.19", der(0x30, der(1, b"\xff"), der(5))
    ),
    "an empty keyUsage": listed("2.5.29.15", der(0x03)),
    "unused bits of keyUsage that are set": listed("2.5.29.15", der(3, b"\x07\x81")),
    "eight unused bits in keyUsage": listed("2.5.29.15", der(0x03, b"\x08\x80")),
    "unused bits of no octet": listed("2.5.29.15", der(0x03, b"\x01")),
    "a keyUsage of 40 octets": listed("2.5.29.15", der(0x03, bytes(40), b"\x01")),
    "an extendedKeyUsage of NULL": listed("2.5.29.37", der(0x30, der(0x05))),
    "a key id that is a BIT STRING": listed("2.5.29.14", der(0x03, b"\x00")),
}

TIMES = {
    "a time without seconds": der(0x17, b"2611241200Z"),
    "a thirteenth month": der(0x17, b"261324120000Z"),
    "a sign in a time": der(0x17, b"+61124120000Z"),
    "a time without Z": der(0x17, b"261124120000+"),
    "a fraction of a second": der(0x18, b"20261124120000.5Z"),
    "an INTEGER as a time": der(0x02, b"\x01"),
}

NAMES = {
    "a SET as a name": der(0x31),
    "a SEQUENCE as an RDN": der(0x30, der(0x30)),
    "an empty RDN": der(0x30, der(0x31)),
    "an attribute without a value": der(0x30, der(0x31, der(0x30, der_oid(CN)))),
    "a name of 5000 octets": name_der([(CN, 0x0C, b"x" * 5000)]),
}


def with_end(moment: bytes) -> Build:
    """Build the chain in which alice's certificate ends then."""

    def edit(fields: Fields) -> None:
        fields[4] = join([split(fields[4])[0], moment])

    return edited(edit)


UNIQUE_IDS = (der(0x81, b"\x00a"), der(0x82, b"\x00b"))
OLD_AND_NEW = join([der(0x17, b"991124120000Z"), der(0x18, b"20991124120000Z")])

OF_CERTIFICATES = (
    *(
        bad(
            2,
            UNREADABLE,
            f"{name} as a proxy",
            lambda site, data=data: with_leaf(proxy(), data),
        )
        for name, data in LEAVES.items()
    ),
    bad(
        2,
        UNREADABLE,
        "an octet after the proxy",
        lambda site: with_leaf(proxy(), proxy().chain()[0] + b"\x00"),
    ),
    *(bad(2, UNREADABLE, f"{size} octets cut off", cut(size)) for size in (1, 100)),
    bad(2, UNREADABLE, "half a certificate", cut(600)),
    bad(2, UNREADABLE, "no serial", drop(1, 2)),
    bad(2, UNREADABLE, "no serial, algorithm, issuer and dates", drop(1, 5)),
    bad(2, UNREADABLE, "an unknown field", edited(lambda f: f.append(der(0x85)))),
    *(bad(2, UNREADABLE, name, extensions(a)) for name, a in EXTENSIONS.items()),
    *(bad(2, UNREADABLE, name, with_end(when)) for name, when in TIMES.items()),
    *(bad(2, UNREADABLE, name, edited(put(5, dn))) for name, dn in NAMES.items()),
    good(2, "unique ids", edited(lambda f: f.__setitem__(slice(7, 7), UNIQUE_IDS))),
    good(2, "a certificate without extensions", edited(put(-1))),
    good(
        2,
        "dates of the last century and in GeneralizedTime",
        edited(put(4, OLD_AND_NEW)),
    ),
)

POLICY = der(0x30, der_oid(INHERIT_ALL))

INFOS = {
    "no proxyCertInfo": b"",
    "a proxyCertInfo of NULL": b"\x05\x00",
    "an empty proxyCertInfo": der(0x30),
    "an empty policy": der(0x30, der(0x30)),
    "an octet after proxyCertInfo": der(0x30, POLICY) + b"\x00",
    "a policy that is NULL": der(0x30, der(0x30, der_oid(INHERIT_ALL), der(0x05))),
    "a language outside a policy": der(0x30, der_oid(INHERIT_ALL)),
    "a path length that is not minimal": der(0x30, der(0x02, b"\x00\x01"), POLICY),
    "a path length of no octets": der(0x30, der(0x02), POLICY),
    "the path length of the draft": der(0x30, POLICY, der(0xA1, der_integer(1))),
}


def draft(info: bytes) -> Credential:
    """Return a Globus 3 proxy with this content of the draft's extension."""
    return make_proxy(cast().alice, ac=ac(), info=info, info_oid=DRAFT_PROXY_CERT_INFO)


DRAFT_INFOS = {
    "a draft with the path length of the standard": der(0x30, POLICY, der_integer(1)),
    "a draft with an empty path length": der(0x30, POLICY, der(0xA1)),
}

OF_PROXIES = (
    *(
        bad(2, "proxy_info_unreadable", name, proxied(info=info))
        for name, info in INFOS.items()
    ),
    *(
        bad(
            2,
            "proxy_info_unreadable",
            name,
            lambda site, info=info: draft(info),
            rules={"allow_legacy": True},
        )
        for name, info in DRAFT_INFOS.items()
    ),
)


def with_value(value: bytes) -> Credential:
    """Return a proxy whose AC extension holds these octets."""
    raw = x509.UnrecognizedExtension(AC_SEQUENCE, value)
    return make_proxy(cast().alice, extra=[(raw, False)])


VALUES = {
    "no octet as the ACs": lambda: b"",
    "an OCTET STRING as the ACs": lambda: b"\x04\x00",
    "no list of ACs": lambda: der(0x30),
    "an empty list of ACs": lambda: der(0x30, der(0x30)),
    "an octet after the ACs": lambda: der(0x30, der(0x30, ac())) + b"\x00",
    "two lists of ACs": lambda: der(0x30, der(0x30, ac()), der(0x30)),
    "an AC that is cut off": lambda: der(0x30, der(0x30, ac()[:-1])),
    "an indefinite length in an AC": lambda: der(0x30, der(0x30, b"\x30\x80\0\0")),
    "a hundred and one NULLs": lambda: der(0x30, der(0x30, *[b"\x05\x00"] * 101)),
    "an AC of empty fields": lambda: der(
        0x30, der(0x30, der(0x30, der(0x30), der(0x30), der(0x03, b"\x00")))
    ),
}


def field(index: int, *fields: bytes) -> Build:
    """Build alice's proxy with other fields at that place of the acinfo."""

    def edit(info: bytes) -> bytes:
        parts = split(info)
        parts[index : index + 1] = fields
        return join(parts)

    return carrying(edit_info=edit)


def instead(oid: str, value: bytes) -> Build:
    """Build alice's proxy with another value in one extension of its AC."""
    return carrying(drop=[oid], extra_extensions=[extension(oid, value)])


FQANS_ALONE = der(0x30, der(0x30, der_oid(FQAN_ATTRIBUTE)))
NO_SYNTAX = der(0x30, der(0x30, der_oid(FQAN_ATTRIBUTE), der(0x31, der(0x30))))

FIELDS = {
    "an OCTET STRING as the version": field(0, der(0x04, b"\x01")),
    "a holder without a serial": field(1, der(0x30, der(0xA0, der(0x30)))),
    "an OCTET STRING as a serial": field(1, der(0x30, der(0xA0, der(0x30), der(4)))),
    "an empty name in the holder": field(
        1, der(0x30, der(0xA0, der(0x30, der(0xA4)), der_integer(1)))
    ),
    "one time alone": field(5, der(0x30, generalized_time(NOW))),
    "an attribute without values": field(6, FQANS_ALONE),
    "an attribute with an empty value": field(6, NO_SYNTAX),
    "two lists of extensions": field(7, der(0x30), der(0x30)),
    "an empty unique id": field(7, der(0x03), der(0x30)),
    "an extension that is cut off": carrying(
        extra_extensions=[extension("1.2.3", b"")[:-1]]
    ),
    "two lists of certificates": instead(CERTIFICATES, der(0x30, der(0x30), der(0x30))),
    "an OCTET STRING as the targets": carrying(targets=b"\x04\x00"),
    "an empty target": carrying(targets=der(0x30, der(0x30, der(0x30)))),
    "a target without a name": carrying(targets=der(0x30, der(0x30, der(0xA0)))),
    "no list of generic attributes": instead(GENERIC_ATTRIBUTES, b"\x30\x00"),
    "a generic attribute that is not UTF-8": carrying(
        generic=[("a", "b", "c")],
        edit_info=lambda info: info.replace(b"\4\1a", b"\4\1\xff"),
    ),
    "an empty key id": instead(AUTHORITY_KEY_ID, b""),
}


def with_unique_id(info: bytes) -> bytes:
    """Return an acinfo with an issuerUniqueID."""
    parts = split(info)
    parts.insert(7, der(0x03, b"\x00a"))
    return join(parts)


OF_ACS = (
    *(
        bad(2, "ac_unreadable", name, lambda site, value=value: with_value(value()))
        for name, value in VALUES.items()
    ),
    *(bad(2, "ac_unreadable", name, build) for name, build in FIELDS.items()),
    bad(2, UNREADABLE, "a broken signer in an AC", carrying(certificates=[b"\x30\0"])),
    good(2, "a unique id in an AC", carrying(edit_info=with_unique_id)),
)

CASES = (*OF_CERTIFICATES, *OF_PROXIES, *OF_ACS)
