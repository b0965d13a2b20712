# SPDX-License-Identifier: Apache-2.0
"""Rows for rules 16 to 19: the contact, FQANs, extensions and targets of an AC.

Owns what a VO says about its member. Must never hold a row on who signed it:
``cases_signers`` does.
Read first: CASES.
"""

from __future__ import annotations

from keystone_voms_ext.voms.ac import GenericAttribute
from tests.grid.ac import (
    AUTHORITY_KEY_ID,
    CERTIFICATES,
    FQAN_ATTRIBUTE,
    NO_REV_AVAIL,
    extension,
    fqan_attribute,
    rfc_targets,
    voms_targets,
)
from tests.grid.certs import Credential, der, der_oid
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import carrying
from tests.unit.voms.site import FQANS, HOST, SUB, VOMS, Chain, Site, ac, cast, proxy
from tests.unit.voms.surgery import join, split

URI = f"dteam://{HOST}:15000"


def attributes(*syntaxes: bytes) -> bytes:
    """Return the attributes field of an FQAN attribute with these values."""
    return der(0x30, der(0x30, der_oid(FQAN_ATTRIBUTE), der(0x31, *syntaxes)))


SYNTAX = split(split(fqan_attribute(URI, FQANS))[1])[0]
VALUES = split(SYNTAX)[1]
OTHER = der(0x30, der_oid("1.2.3"), der(0x31, der(0x05)))
TWO_URIS = der(0xA0, der(0x86, URI.encode()), der(0x86, URI.encode()))

ATTRIBUTES = {
    "no attribute": der(0x30),
    "an attribute of another kind alone": der(0x30, OTHER),
    "an attribute without a value": attributes(),
    "an attribute of two values": attributes(SYNTAX, SYNTAX),
    "two attributes": der(0x30, *[fqan_attribute(URI, FQANS)] * 2),
    "no authority": attributes(der(0x30, VALUES)),
    "an empty authority": attributes(der(0x30, der(0xA0), VALUES)),
    "two URIs": attributes(der(0x30, TWO_URIS, VALUES)),
    "a URI that is a DNS name": attributes(
        der(0x30, der(0xA0, der(0x82, URI.encode())), VALUES)
    ),
}

CONTACTS = (
    "",
    "dteam",
    "dteam://host",
    "dteam://host:",
    "dteam://host:65536",
    "dteam://host:-1",
    "dteam://host:1/",
    "dteam://:15000",
    "://host:15000",
    "..://host:15000",
    "../dteam://host:15000",
    "dteam://../host:15000",
    "dteam://.host:15000",
    "-dteam://host:15000",
    "dteam://ho st:15000",
    "dteam://h\u00f6st:15000",
    "dteam://host:15000\n",
    "a" * 256 + "://host:15000",
    "dteam://" + "a" * 256 + ":15000",
)

CONTACT = (
    *(
        bad(16, "ac_attribute_malformed", what, carrying(attributes_der=field))
        for what, field in ATTRIBUTES.items()
    ),
    good(
        16,
        "an attribute of another kind beside the FQANs",
        carrying(attributes_der=der(0x30, OTHER, fqan_attribute(URI, FQANS))),
    ),
    *(
        bad(16, "ac_contact_invalid", f"the contact {uri[:40]!r}", carrying(uri=uri))
        for uri in CONTACTS
    ),
    *(
        good(16, f"the port {port}", carrying(port=port), voms_host=HOST)
        for port in (0, 65535)
    ),
)

GOOD_FQANS = (
    "/dteam",
    "/dteam/a.b-c_d",
    "/dteam/Role=x",
    "/dteam/a/Role=x/Capability=y",
    "/dteam/Capability=y",
    "/dteam/" + "a" * 248,
)
BAD_FQANS = (
    "",
    "dteam",
    "/dteam/",
    "/dteam//a",
    "/dteam/../ops",
    "/dteam/a..b",
    "/dteam/Role=",
    "/dteam/Role=a/b",
    "/dteam/Capability=a/Role=b",
    "/dteam/a b",
    "/dteam/\u00e9",
    "/dteam\n",
    "/dteam/\0",
    "/dteam/" + "a" * 249,
)
UTF8_FQANS = der(0x30, fqan_attribute(URI, ["/dteam"], value_tag=0x0C))


def second_without_fqans(site: Site) -> Chain:
    """Return a proxy with a good AC of dteam and one of ops without FQANs."""
    lsc = {f"ops/{HOST}.lsc": f"{VOMS}\n{SUB}\n".encode()}
    return site.having(proxy(ac=[ac(), ac(vo="ops", fqans=[])]), vomsdir=lsc)


FQAN = (
    bad(17, "no_fqan", "no FQAN", carrying(fqans=[])),
    bad(17, "no_fqan", "no FQAN in the second AC", second_without_fqans),
    *(
        good(
            17,
            f"the FQAN {fqan[:40]}",
            carrying(fqans=[fqan]),
            fqans=(fqan,),
            primary_fqan=fqan,
        )
        for fqan in GOOD_FQANS
    ),
    *(
        bad(
            17,
            "fqan_malformed",
            f"the FQAN {fqan[:40]!r}",
            carrying(fqans=["/dteam", fqan]),
        )
        for fqan in BAD_FQANS
    ),
    bad(
        17, "fqan_malformed", "FQANs in UTF8String", carrying(attributes_der=UTF8_FQANS)
    ),
    *(
        bad(17, "fqan_outside_vo", f"the FQAN {fqan}", carrying(fqans=["/dteam", fqan]))
        for fqan in ("/ops", "/dteam2", "/ops/dteam", "/Dteam")
    ),
)

CRITICAL = {
    "noRevAvail": (NO_REV_AVAIL, lambda: der(0x05)),
    "the key id": (AUTHORITY_KEY_ID, lambda: der(0x30, der(0x80, b"a"))),
    "certificates": (
        CERTIFICATES,
        lambda: der(0x30, der(0x30, cast().voms.chain()[0])),
    ),
    "an unknown extension": ("1.2.3", lambda: der(0x05)),
}


def critical(what: str) -> Build:
    """Build alice's proxy whose AC has a critical extension."""
    oid, value = CRITICAL[what]

    def build(site: Site) -> Credential:
        made = extension(oid, value(), critical=True)
        return proxy(ac=ac(drop=[oid], extra_extensions=[made]))

    return build


def instead(oid: str, value: bytes) -> Build:
    """Build alice's proxy with another value in one extension of its AC."""
    return carrying(drop=[oid], extra_extensions=[extension(oid, value)])


def no_extensions(info: bytes) -> bytes:
    """Return an acinfo without its extensions."""
    return join(split(info)[:-1])


GENERIC = (("nickname", "alice", "dteam"), ("x", "\u00e9", ""))
GENERIC_FOUND = tuple(
    GenericAttribute(name=name, value=value, qualifier=qualifier)
    for name, value, qualifier in GENERIC
)

EXTENSIONS = (
    bad(
        18,
        "ac_extension_repeated",
        "noRevAvail twice",
        carrying(extra_extensions=[extension(NO_REV_AVAIL, der(0x05))]),
    ),
    *(
        bad(18, "ac_extension_critical", f"{what}, critical", critical(what))
        for what in CRITICAL
    ),
    good(
        18,
        "an unknown extension",
        carrying(extra_extensions=[extension("1.2.3", der(0x05))]),
    ),
    bad(18, "ac_no_rev_avail_missing", "no noRevAvail", carrying(drop=[NO_REV_AVAIL])),
    bad(
        18, "ac_no_rev_avail_missing", "an empty noRevAvail", instead(NO_REV_AVAIL, b"")
    ),
    bad(
        18,
        "ac_no_rev_avail_missing",
        "no extensions",
        carrying(edit_info=no_extensions),
    ),
    bad(18, "ac_key_id_missing", "no key id", carrying(drop=[AUTHORITY_KEY_ID])),
    bad(
        18,
        "ac_key_id_missing",
        "a key id of issuer and serial",
        instead(AUTHORITY_KEY_ID, der(0x30, der(0x82, b"\x01"))),
    ),
    bad(18, "ac_key_id_mismatch", "another key id", carrying(key_identifier=bytes(20))),
    good(
        18,
        "generic attributes",
        carrying(generic=GENERIC),
        generic_attributes=GENERIC_FOUND,
    ),
)

US = {"hostnames": ("a.example.org", "b.example.org")}
ENCODINGS = (
    (
        f"{kind} targets, {'critical' if is_critical else 'not critical'}",
        encode,
        is_critical,
    )
    for kind, encode in (("VOMS", voms_targets), ("RFC", rfc_targets))
    for is_critical in (True, False)
)


def target(choice: int, tag: int) -> bytes:
    """Return a targets value of one name, in that choice of Target and of name."""
    return der(0x30, der(0x30, der(choice, der(tag, b"a.example.org"))))


TARGETS = (
    *(
        case
        for what, encode, is_critical in ENCODINGS
        for case in (
            good(
                19,
                f"{what}, this host among them",
                carrying(
                    targets=encode(["x.example.org", "b.example.org"]),
                    targets_critical=is_critical,
                ),
                rules=US,
            ),
            *(
                bad(
                    19,
                    "ac_not_for_this_host",
                    f"{what}, {hosts or 'none'}",
                    carrying(targets=encode(hosts), targets_critical=is_critical),
                    rules=US,
                )
                for hosts in (["x.example.org"], ["A.example.org"], [])
            ),
            bad(
                19,
                "ac_not_for_this_host",
                f"{what}, of a host that does not know its name",
                carrying(
                    targets=encode(["a.example.org"]), targets_critical=is_critical
                ),
            ),
        )
    ),
    good(
        19,
        "a target that is a DNS name",
        carrying(targets=target(0xA0, 0x82)),
        rules=US,
    ),
    *(
        bad(19, "ac_not_for_this_host", what, carrying(targets=value), rules=US)
        for what, value in (
            ("a group as the target", target(0xA1, 0x86)),
            ("an e-mail address as the target", target(0xA0, 0x81)),
            ("no list of targets", der(0x30)),
        )
    ),
)

CASES = (*CONTACT, *FQAN, *EXTENSIONS, *TARGETS)
