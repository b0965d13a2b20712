# SPDX-License-Identifier: Apache-2.0
"""Rows for rule 22: names that can be read in one way only, and the shortest life.

Owns the odd names that people bear. Must never write a name with a library: a
row gives each value's string type and octets.
Read first: CASES, then ``called``.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509

from tests.grid.ac import extension
from tests.grid.certs import AC_SEQUENCE, der, der_integer, make_proxy, make_user
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import LSC, edited, lsc, put, server_of, signed_by
from tests.unit.voms.site import ALICE, NOW, SUB, Chain, Site, ac, cast, proxy
from tests.unit.voms.surgery import (
    Fields,
    edit_extensions,
    join,
    name_der,
    resigned,
    split,
)

CN = "2.5.4.3"
ORGANIZATION = "2.5.4.10"
DC = "0.9.2342.19200300.100.1.25"
UID = "0.9.2342.19200300.100.1.1"
EMAIL = "1.2.840.113549.1.9.1"
UTF8, PRINTABLE, T61, IA5, UNIVERSAL, BMP = 0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E
ORG = ([(DC, IA5, b"org")], [(DC, IA5, b"example")])

Rdn = list[tuple[str, int, bytes]]


def only_named(*rdns: Rdn) -> Build:
    """Build the chain in which alice's certificate has another subject."""
    return edited(put(5, name_der(*ORG, *rdns)))


def called(*rdns: Rdn) -> Build:
    """Build a whole credential of a user of this name: proxy, AC and all."""
    named = name_der(*ORG, *rdns)

    def build(site: Site) -> Chain:
        people = cast()
        user = resigned(people.alice.chain()[0], people.sub.key, put(5, named))
        serial = der_integer(people.alice.certificate.serial_number)
        holder = der(0x30, der(0xA0, der(0x30, der(0xA4, named)), serial))
        carried = der(0x30, der(0x30, ac(holder_der=holder)))
        carrier = extension(AC_SEQUENCE.dotted_string, carried)

        def edit(fields: Fields) -> None:
            fields[3] = named
            fields[5] = join([*split(named), *split(name_der([(CN, PRINTABLE, b"1")]))])
            edit_extensions(lambda listed: listed.__setitem__(0, carrier))(fields)

        leaf = resigned(proxy().chain()[0], people.alice.key, edit)
        return (leaf, user, *people.alice.chain()[1:])

    return build


AMBIGUOUS = {
    "an empty value": (UTF8, b""),
    "an octet that is not UTF-8": (UTF8, b"\xff"),
    "a line end": (UTF8, b"a\nb"),
    "a NUL": (UTF8, b"a\0b"),
    "a sign that turns the text round": (UTF8, "a\u202eb".encode()),
    "a line separator": (UTF8, "a\u2028b".encode()),
    "an attribute after a slash": (UTF8, b"x/CN=bob"),
    "an attribute after a plus": (UTF8, b"x+CN=bob"),
    "an attribute by its OID": (UTF8, b"x/1.2.3=bob"),
    "an escaped octet": (UTF8, rb"a\xC3"),
    "an escaped slash": (UTF8, rb"a\/b"),
    "an escaped plus": (UTF8, rb"a\+b"),
    "a backslash at the end": (UTF8, b"a\\"),
    "a PrintableString beyond ASCII": (PRINTABLE, b"\xe9"),
    "a control sign in T61": (T61, b"\x85"),
    "half a sign of BMP": (BMP, b"\x00"),
    "half a pair of BMP": (BMP, b"\xd8\x00"),
    "a sign beyond Unicode": (UNIVERSAL, b"\x00\x11\x00\x00"),
    "an OCTET STRING": (0x04, b"octets"),
}


def signer_with_two_readings(site: Site) -> Chain:
    """Return a proxy whose AC comes from a server with an ambiguous name."""
    name = x509.Name.from_rfc4514_string("CN=x/CN=y,O=Hosts,DC=example,DC=org")
    signer = server_of()
    data = resigned(signer.chain()[0], cast().sub.key, put(5, name.public_bytes()))
    site.vomsdir_files[LSC] = lsc("/DC=org/DC=example/O=Hosts/CN=x/CN=y", SUB)
    return signed_by(signer, certificates=[data])


SAME_NAME = [[(ORGANIZATION, PRINTABLE, b"People")], [(CN, PRINTABLE, b"alice")]]

READABLE = (
    ("UTF-8", [[(CN, UTF8, "Jos\u00e9".encode())]], r"/CN=Jos\xC3\xA9"),
    ("Greek", [[(CN, UTF8, "\u0391".encode())]], r"/CN=\xCE\x91"),
    ("Latin-1 in T61", [[(CN, T61, b"Jos\xe9")]], r"/CN=Jos\xE9"),
    ("ASCII in T61", [[(CN, T61, b"Jose")]], "/CN=Jose"),
    ("BMP", [[(CN, BMP, b"\0A\0b")]], r"/CN=\x00A\x00b"),
    ("a slash", [[(CN, PRINTABLE, b"host/a.org")]], r"/CN=host\/a.org"),
    ("plus and slash", [[(CN, PRINTABLE, b"a+b = c/d")]], r"/CN=a\+b = c\/d"),
    ("an equals sign", [[(CN, PRINTABLE, b"a=b")]], "/CN=a=b"),
    ("a comma", [[(CN, PRINTABLE, b"a = b, c")]], "/CN=a = b, c"),
    ("brackets", [[(CN, PRINTABLE, b"Ann (2)")]], "/CN=Ann (2)"),
    (
        "two attributes in one RDN",
        [[(CN, PRINTABLE, b"a"), (UID, PRINTABLE, b"u")]],
        "/CN=a+UID=u",
    ),
    ("a UID", [[(CN, UTF8, b"a")], [(UID, UTF8, b"u42")]], "/CN=a/UID=u42"),
    (
        "an e-mail address after the CN",
        [[(CN, UTF8, b"a")], [(EMAIL, IA5, b"a@b.org")]],
        "/CN=a/emailAddress=a@b.org",
    ),
    ("an e-mail address", [[(EMAIL, IA5, b"a@b.org")]], "/emailAddress=a@b.org"),
    ("an unknown type", [[("1.2.3.4", UTF8, b"odd")]], "/1.2.3.4=odd"),
    (
        "two CNs",
        [[(CN, UTF8, b"alice")], [(CN, UTF8, b"12345")]],
        "/CN=alice/CN=12345",
    ),
)

NAMES = (
    *(
        bad(22, "dn_ambiguous", f"{name} in a CN", called([(CN, tag, octets)]))
        for name, (tag, octets) in AMBIGUOUS.items()
    ),
    bad(22, "dn_ambiguous", "an empty name", edited(put(5, der(0x30)))),
    bad(
        22,
        "dn_ambiguous",
        "a server's name with two readings",
        signer_with_two_readings,
    ),
    *(
        good(22, f"a DN with {what}", called(*rdns), dn=f"/DC=org/DC=example{shown}")
        for what, rdns, shown in READABLE
    ),
    good(22, "a name of other string types", only_named(*SAME_NAME)),
)

SOON, LATER, LATE = (NOW + timedelta(hours=hours) for hours in (1, 2, 240))


def living(ends: str) -> Build:
    """Build a chain of two proxies and an AC, of which one ends before the others."""
    until = {"proxy": LATER, "upper proxy": LATER, "ac": LATER, ends: SOON}

    def build(site: Site) -> Chain:
        upper = make_proxy(cast().alice, not_after=until["upper proxy"])
        carried = ac(not_after=until["ac"])
        return proxy(upper, not_after=until["proxy"], ac=carried)

    return build


def user_until(end: object) -> Build:
    """Build a proxy and an AC that both outlive the user's certificate."""

    def build(site: Site) -> Chain:
        user = make_user(ALICE, issuer=cast().sub, key=cast().alice.key, not_after=end)
        carried = ac(holder=user.certificate, not_after=LATE)
        return proxy(user, not_after=LATE, ac=carried)

    return build


LIVES = (
    *(
        good(22, f"the {name} ends first", living(name), not_after=SOON)
        for name in ("proxy", "upper proxy", "ac")
    ),
    good(22, "the user ends first", user_until(SOON), not_after=SOON),
    good(
        22,
        "the AC's signer ends first",
        lambda site: signed_by(server_of(not_after=SOON)),
        not_after=SOON,
    ),
)

CASES = (*NAMES, *LIVES)
