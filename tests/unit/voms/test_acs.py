# SPDX-License-Identifier: Apache-2.0
"""Rules 1, 2 and 12 to 19: which ACs count, and each of their fields."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from tests.grid.ac import (
    AUTHORITY_KEY_ID,
    CERTIFICATES,
    FQAN_ATTRIBUTE,
    GENERIC_ATTRIBUTES,
    NO_REV_AVAIL,
    TARGETS,
    directory_name,
    extension,
    fqan_attribute,
    generalized_time,
    rfc_targets,
    voms_targets,
)
from tests.grid.certs import (
    AC_SEQUENCE,
    der,
    der_integer,
    der_oid,
    make_proxy,
    make_user,
)
from tests.unit.voms.conftest import Refused
from tests.unit.voms.site import (
    ALICE,
    FQANS,
    HOST,
    NOW,
    SUB,
    VOMS,
    Site,
    ac,
    cast,
    proxy,
)
from tests.unit.voms.surgery import join, split

URI = f"dteam://{HOST}:15000"


def bob() -> x509.Certificate:
    """Return the certificate of another user of the same CA."""
    return make_user("/DC=org/DC=example/CN=bob", issuer=cast().sub).certificate


# Rule 12.


def test_no_ac(refused: Refused) -> None:
    refused("no_ac", make_proxy(cast().alice))


def test_the_ac_of_the_user_s_own_certificate_does_not_count(refused: Refused) -> None:
    value = x509.UnrecognizedExtension(AC_SEQUENCE, der(0x30, der(0x30, ac())))
    user = make_user(ALICE, issuer=cast().sub, extra=[(value, False)])
    refused("no_ac", make_proxy(user))


def test_the_ac_nearest_the_leaf_counts(site: Site, refused: Refused) -> None:
    upper = proxy()
    lower = make_proxy(upper, ac=ac(fqans=["/dteam"]))
    assert site.validate(make_proxy(lower)).fqans == ("/dteam",)
    refused("holder_mismatch", make_proxy(upper, ac=ac(holder=bob())))


# Rule 13.


def test_several_acs(site: Site, refused: Refused) -> None:
    site.vomsdir_files[f"ops/{HOST}.lsc"] = f"{VOMS}\n{SUB}\n".encode()
    ops = ac(vo="ops", fqans=["/ops"])
    result = site.validate(proxy(ac=[ac(), ops]))
    assert (result.vo, [other.vo for other in result.others]) == ("dteam", ["ops"])
    assert site.validate(proxy(ac=[ops, ac()])).vo == "ops"
    bad = ac(vo="ops", fqans=["/ops"], holder=bob())
    refused("holder_mismatch", proxy(ac=[ac(), bad]))


def test_an_unknown_vo_is_set_aside(site: Site, refused: Refused) -> None:
    other = ac(vo="other", fqans=["/other"], holder=bob())
    result = site.validate(proxy(ac=[other, ac()]))
    assert (result.vo, result.ignored_vos, result.others) == ("dteam", ("other",), ())
    assert "other" in refused("no_known_vo", proxy(ac=other)).what


# Rules 1 and 2.


def test_too_many_acs(refused: Refused) -> None:
    refused("too_many_acs", proxy(ac=[ac()] * 11))


def test_too_large_an_ac(refused: Refused) -> None:
    filler = extension("1.2.3", bytes(100_000))
    refused("ac_too_large", proxy(ac=ac(extra_extensions=[filler])))


def test_many_fqans(site: Site, refused: Refused) -> None:
    thousand = [f"/dteam/g{number}" for number in range(1000)]
    assert site.validate(proxy(ac=ac(fqans=thousand))).fqans == tuple(thousand)
    refused("too_many_fqans", proxy(ac=ac(fqans=[*thousand, "/dteam"])))


def with_value(value: bytes) -> object:
    """Return a proxy whose AC extension holds these octets."""
    raw = x509.UnrecognizedExtension(AC_SEQUENCE, value)
    return make_proxy(cast().alice, extra=[(raw, False)])


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x04\x00",
        der(0x30),
        der(0x30, der(0x30)),
        der(0x30, der(0x30, ac())) + b"\x00",
        der(0x30, der(0x30, ac()), der(0x30)),
        der(0x30, der(0x30, ac()[:-1])),
        der(0x30, der(0x30, b"\x30\x80\x00\x00")),
        der(0x30, der(0x30, *[b"\x05\x00"] * 101)),
        der(0x30, der(0x30, der(0x30, der(0x30), der(0x30), der(0x03, b"\x00")))),
    ],
)
def test_broken_extension(refused: Refused, value: bytes) -> None:
    refused("ac_unreadable", with_value(value))


def changed(index: int, *fields: bytes) -> bytes:
    """Return an AC in which other fields stand at that place of the acinfo."""

    def edit(info: bytes) -> bytes:
        parts = split(info)
        parts[index : index + 1] = fields
        return join(parts)

    return ac(edit_info=edit)


@pytest.mark.parametrize(
    "broken",
    [
        changed(0, der(0x04, b"\x01")),
        changed(1, der(0x30, der(0xA0, der(0x30)))),
        changed(1, der(0x30, der(0xA0, der(0x30), der(0x04)))),
        changed(1, der(0x30, der(0xA0, der(0x30, der(0xA4)), der_integer(1)))),
        changed(5, der(0x30, generalized_time(NOW))),
        changed(6, der(0x30, der(0x30, der_oid(FQAN_ATTRIBUTE)))),
        changed(6, der(0x30, der(0x30, der_oid(FQAN_ATTRIBUTE), der(0x31, der(0x30))))),
        changed(7, der(0x30), der(0x30)),
        changed(7, der(0x03), der(0x30)),
        ac(extra_extensions=[extension("1.2.3", b"")[:-1]]),
        ac(
            drop=[CERTIFICATES],
            extra_extensions=[extension(CERTIFICATES, der(0x30, der(0x30), der(0x30)))],
        ),
        ac(targets=b"\x04\x00"),
        ac(targets=der(0x30, der(0x30, der(0x30)))),
        ac(targets=der(0x30, der(0x30, der(0xA0)))),
        ac(extra_extensions=[extension(GENERIC_ATTRIBUTES, b"\x30\x00")]),
        ac(
            generic=[("a", "b", "c")],
            edit_info=lambda i: i.replace(b"\4\1a", b"\4\1\xff"),
        ),
        ac(
            drop=[AUTHORITY_KEY_ID], extra_extensions=[extension(AUTHORITY_KEY_ID, b"")]
        ),
    ],
)
def test_broken_fields(refused: Refused, broken: bytes) -> None:
    refused("ac_unreadable", proxy(ac=broken))


def test_broken_certificate_in_an_ac(refused: Refused) -> None:
    refused("certificate_unreadable", proxy(ac=ac(certificates=[b"\x30\x00"])))


def test_unique_id_in_an_ac_is_let_be(site: Site) -> None:
    def edit(info: bytes) -> bytes:
        parts = split(info)
        parts.insert(7, der(0x03, b"\x00a"))
        return join(parts)

    assert site.validate(proxy(ac=ac(edit_info=edit))).dn == ALICE


# Rule 14.


@pytest.mark.parametrize("version", [0, 2, -1])
def test_version(refused: Refused, version: int) -> None:
    refused("ac_version", proxy(ac=ac(version=version)))


@pytest.mark.parametrize("form", ["subject", "issuer"])
def test_both_forms_of_the_holder(site: Site, form: str) -> None:
    assert site.validate(proxy(ac=ac(holder_form=form))).dn == ALICE


def holder(*tail: bytes, names: bytes | None = None, rest: bytes = b"") -> bytes:
    """Return the holder field for alice with more in it."""
    certificate = cast().alice.certificate
    named = directory_name(certificate.subject) if names is None else names
    serial = der_integer(certificate.serial_number)
    return der(0x30, der(0xA0, der(0x30, named), serial, *tail), rest)


@pytest.mark.parametrize(
    "field",
    [
        der(0x30),
        der(0x30, der(0xA1, directory_name(cast().alice.certificate.subject))),
        holder(rest=der(0xA1)),
        holder(names=b""),
        holder(names=der(0x82, b"a.example.org")),
        holder(names=directory_name(cast().alice.certificate.subject) * 2),
    ],
)
def test_other_holders(refused: Refused, field: bytes) -> None:
    refused("ac_holder_malformed", proxy(ac=ac(holder_der=field)))


def test_holder_of_another_user(refused: Refused) -> None:
    for form in ("subject", "issuer"):
        made = ac(holder=bob(), holder_form=form)
        refused("holder_mismatch", proxy(ac=made))


def test_holder_with_another_serial(refused: Refused) -> None:
    serial = cast().alice.certificate.serial_number + 1
    refused("holder_mismatch", proxy(ac=ac(holder_serial=serial)))


def test_holder_with_another_name(refused: Refused) -> None:
    serial = cast().alice.certificate.serial_number
    refused("holder_mismatch", proxy(ac=ac(holder=bob(), holder_serial=serial)))


def test_holder_with_a_unique_id(refused: Refused) -> None:
    made = ac(holder_der=holder(der(0x03, b"\x00a")))
    refused("holder_mismatch", proxy(ac=made))


# Rule 15.


@pytest.mark.parametrize(
    "field",
    [
        der(0x30, directory_name(cast().voms.certificate.subject)),
        der(0xA0),
        der(0xA0, der(0x30)),
        der(0xA0, der(0xA0)),
        der(0xA0, der(0x30, der(0x82, b"a"))),
        der(0xA0, der(0x30, directory_name(cast().voms.certificate.subject) * 2)),
        der(
            0xA0, der(0x30, directory_name(cast().voms.certificate.subject)), der(0xA0)
        ),
    ],
)
def test_other_issuers(refused: Refused, field: bytes) -> None:
    refused("ac_issuer_malformed", proxy(ac=ac(issuer_der=field)))


def test_issuer_that_is_not_the_signer(refused: Refused) -> None:
    field = der(0xA0, der(0x30, directory_name(bob().subject)))
    refused("ac_issuer_mismatch", proxy(ac=ac(issuer_der=field)))


@pytest.mark.parametrize(
    ("serial", "is_good"),
    [(0, True), (1 << 158, True), (-1, False), (1 << 159, False)],
)
def test_serial(site: Site, refused: Refused, serial: int, is_good: bool) -> None:
    made = proxy(ac=ac(serial=serial))
    if is_good:
        assert site.validate(made).dn == ALICE
    else:
        refused("ac_serial_invalid", made)


@pytest.mark.parametrize(
    "end",
    [
        der(0x17, b"361124120000Z"),
        der(0x18, b"20361124120000.5Z"),
        der(0x18, b"20361124120000+0000"),
        der(0x18, b"20361324120000Z"),
        der(0x05),
    ],
)
def test_times(refused: Refused, end: bytes) -> None:
    validity = der(0x30, generalized_time(NOW), end)
    refused("ac_time_malformed", proxy(ac=ac(validity_der=validity)))
    validity = der(0x30, end, generalized_time(NOW))
    refused("ac_time_malformed", proxy(ac=ac(validity_der=validity)))


def test_dates(site: Site, refused: Refused) -> None:
    begin, end = NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)
    made = proxy(ac=ac(not_before=begin, not_after=end))
    second = timedelta(seconds=1)
    assert site.validate(made, at=NOW).not_after == end
    assert site.validate(made, at=end).not_before == begin
    refused("ac_not_yet_valid", made, at=NOW - second)
    refused("ac_not_yet_valid", made, at=NOW, skew_seconds=299)
    refused("ac_expired", made, at=end + second)


# Rule 16.


def attributes(*syntaxes: bytes) -> bytes:
    """Return the attributes field of an FQAN attribute with these values."""
    return der(0x30, der(0x30, der_oid(FQAN_ATTRIBUTE), der(0x31, *syntaxes)))


SYNTAX = split(split(fqan_attribute(URI, FQANS))[1])[0]
VALUES = split(SYNTAX)[1]


@pytest.mark.parametrize(
    "field",
    [
        der(0x30),
        der(0x30, der(0x30, der_oid("1.2.3"), der(0x31))),
        attributes(),
        attributes(SYNTAX, SYNTAX),
        der(0x30, fqan_attribute(URI, FQANS), fqan_attribute(URI, FQANS)),
        attributes(der(0x30, VALUES)),
        attributes(der(0x30, der(0xA0), VALUES)),
        attributes(der(0x30, der(0xA0, der(0x86, b"a"), der(0x86, b"b")), VALUES)),
        attributes(der(0x30, der(0xA0, der(0x82, URI.encode())), VALUES)),
    ],
)
def test_other_attributes(refused: Refused, field: bytes) -> None:
    refused("ac_attribute_malformed", proxy(ac=ac(attributes_der=field)))


def test_an_attribute_of_another_kind_is_let_be(site: Site) -> None:
    other = der(0x30, der_oid("1.2.3"), der(0x31, der(0x05)))
    field = der(0x30, other, fqan_attribute(URI, FQANS))
    assert site.validate(proxy(ac=ac(attributes_der=field))).fqans == FQANS


@pytest.mark.parametrize(
    "uri",
    [
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
    ],
)
def test_contacts(refused: Refused, uri: str) -> None:
    refused("ac_contact_invalid", proxy(ac=ac(uri=uri)))


# Rule 17.


def test_no_fqan(refused: Refused) -> None:
    refused("no_fqan", proxy(ac=ac(fqans=[])))


GOOD = ["/dteam", "/dteam/a.b-c_d", "/dteam/Role=x", "/dteam/a/Role=x/Capability=y"]
BAD = [
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
]


@pytest.mark.parametrize("fqan", [*GOOD, "/dteam/" + "a" * 248])
def test_good_fqans(site: Site, fqan: str) -> None:
    assert site.validate(proxy(ac=ac(fqans=[fqan]))).primary_fqan == fqan


@pytest.mark.parametrize("fqan", BAD)
def test_bad_fqans(refused: Refused, fqan: str) -> None:
    refused("fqan_malformed", proxy(ac=ac(fqans=["/dteam", fqan])))


def test_fqan_that_is_no_octet_string(refused: Refused) -> None:
    field = der(0x30, fqan_attribute(URI, ["/dteam"], value_tag=0x0C))
    refused("fqan_malformed", proxy(ac=ac(attributes_der=field)))


@pytest.mark.parametrize("fqan", ["/ops", "/dteam2", "/ops/dteam", "/Dteam"])
def test_fqans_of_another_vo(refused: Refused, fqan: str) -> None:
    refused("fqan_outside_vo", proxy(ac=ac(fqans=["/dteam", fqan])))


# Rule 18.


def test_extension_twice(refused: Refused) -> None:
    again = extension(NO_REV_AVAIL, der(0x05))
    refused("ac_extension_repeated", proxy(ac=ac(extra_extensions=[again])))


@pytest.mark.parametrize("oid", [NO_REV_AVAIL, AUTHORITY_KEY_ID, CERTIFICATES, "1.2.3"])
def test_critical_extension(refused: Refused, oid: str) -> None:
    values = {
        NO_REV_AVAIL: der(0x05),
        AUTHORITY_KEY_ID: der(0x30, der(0x80, b"a")),
        CERTIFICATES: der(0x30, der(0x30, cast().voms.chain()[0])),
    }
    critical = extension(oid, values.get(oid, der(0x05)), critical=True)
    made = ac(drop=[oid], extra_extensions=[critical])
    refused("ac_extension_critical", proxy(ac=made))


def test_no_rev_avail(refused: Refused) -> None:
    refused("ac_no_rev_avail_missing", proxy(ac=ac(drop=[NO_REV_AVAIL])))
    odd = ac(drop=[NO_REV_AVAIL], extra_extensions=[extension(NO_REV_AVAIL, b"")])
    refused("ac_no_rev_avail_missing", proxy(ac=odd))


def test_no_extensions_at_all(refused: Refused) -> None:
    refused("ac_no_rev_avail_missing", proxy(ac=changed(7)))


def test_key_id(site: Site, refused: Refused) -> None:
    refused("ac_key_id_missing", proxy(ac=ac(drop=[AUTHORITY_KEY_ID])))
    without = extension(AUTHORITY_KEY_ID, der(0x30, der(0x82, b"\x01")))
    made = ac(drop=[AUTHORITY_KEY_ID], extra_extensions=[without])
    refused("ac_key_id_missing", proxy(ac=made))
    refused("ac_key_id_mismatch", proxy(ac=ac(key_identifier=bytes(20))))
    assert site.validate(proxy()).dn == ALICE


# Rule 19.


@pytest.mark.parametrize("encode", [voms_targets, rfc_targets])
@pytest.mark.parametrize("critical", [True, False])
def test_targets(site: Site, refused: Refused, encode: object, critical: bool) -> None:
    def made(*hosts: str) -> object:
        return proxy(ac=ac(targets=encode(hosts), targets_critical=critical))

    ours = {"hostnames": ("a.example.org", "b.example.org")}
    assert site.validate(made("x.example.org", "b.example.org"), **ours).dn == ALICE
    refused("ac_not_for_this_host", made("x.example.org"), **ours)
    refused("ac_not_for_this_host", made("A.example.org"), **ours)
    refused("ac_not_for_this_host", made(), **ours)
    refused("ac_not_for_this_host", made("a.example.org"))


def test_targets_of_other_forms(site: Site, refused: Refused) -> None:
    ours = {"hostnames": ("a.example.org",)}
    dns = der(0x30, der(0x30, der(0xA0, der(0x82, b"a.example.org"))))
    group = der(0x30, der(0x30, der(0xA1, der(0x86, b"a.example.org"))))
    address = der(0x30, der(0x30, der(0xA0, der(0x81, b"a.example.org"))))
    assert site.validate(proxy(ac=ac(targets=dns)), **ours).dn == ALICE
    for targets in (group, address, der(0x30)):
        refused("ac_not_for_this_host", proxy(ac=ac(targets=targets)), **ours)
    assert TARGETS == "2.5.29.55"
