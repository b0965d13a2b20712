# SPDX-License-Identifier: Apache-2.0
"""Rule 7: revocation lists, of every issuer up to the root."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ObjectIdentifier

from tests.grid.certs import (
    Credential,
    der,
    der_integer,
    key_usage,
    make_ca,
    make_crl,
    pooled_key,
)
from tests.unit.voms.conftest import Refused
from tests.unit.voms.site import (
    ALICE,
    HOST,
    NOW,
    ROOT,
    SUB,
    VOMS,
    Site,
    ca_files,
    cast,
    proxy,
    signed_by_all,
)
from tests.unit.voms.surgery import Fields, edit_extensions, resigned, split

# signed_by_all names the root's files 00000000.* and the sub-CA's 00000001.*.
ROOT_CRL = "00000000.r0"
SUB_CRL = "00000001.r0"


def crl(issuer: Credential, **changes: object) -> bytes:
    """Return a CRL in DER, with changes."""
    return make_crl(issuer, **changes).public_bytes(serialization.Encoding.DER)


def test_revoked_user(site: Site, refused: Refused) -> None:
    site.ca_files[SUB_CRL] = crl(cast().sub, revoked=[5, cast().alice.certificate])
    error = refused("certificate_revoked", proxy())
    assert error.subject == ALICE
    assert f"{cast().alice.certificate.serial_number:x}" in error.what


def test_revoked_sub_ca(site: Site, refused: Refused) -> None:
    site.ca_files[ROOT_CRL] = crl(cast().root, revoked=[cast().sub.certificate])
    assert refused("certificate_revoked", proxy()).subject == SUB


def test_revoked_voms_server(site: Site, refused: Refused) -> None:
    site.ca_files[SUB_CRL] = crl(cast().sub, revoked=[cast().voms.certificate])
    assert refused("certificate_revoked", proxy()).subject == VOMS


def test_others_are_revoked(site: Site) -> None:
    site.ca_files[SUB_CRL] = crl(cast().sub, revoked=range(1, 50))
    assert site.validate(proxy()).dn == ALICE


@pytest.mark.parametrize("name", [ROOT_CRL, SUB_CRL])
def test_missing(site: Site, refused: Refused, name: str) -> None:
    del site.ca_files[name]
    refused("crl_missing", proxy())
    assert site.validate(proxy(), crl_policy="if_present").dn == ALICE
    assert site.validate(proxy(), crl_policy="off").dn == ALICE


@pytest.mark.parametrize("content", [b"", b"torn", crl(cast().sub)[:-9]])
def test_unreadable(site: Site, refused: Refused, content: bytes) -> None:
    site.ca_files[SUB_CRL] = content
    refused("crl_unreadable", proxy())
    refused("crl_unreadable", proxy(), crl_policy="if_present")
    assert site.validate(proxy(), crl_policy="off").dn == ALICE


def test_one_bad_file_beside_a_good_one(site: Site) -> None:
    site.ca_files["00000001.r1"] = b"torn"
    assert site.validate(proxy()).dn == ALICE


def test_signed_by_another(site: Site, refused: Refused) -> None:
    site.ca_files[SUB_CRL] = crl(cast().sub, signer_key=pooled_key(0))
    refused("crl_unverified", proxy())
    refused("crl_unverified", proxy(), crl_policy="if_present")
    assert site.validate(proxy(), crl_policy="off").dn == ALICE


def test_a_forged_one_beside_a_good_one(site: Site) -> None:
    forged = crl(cast().sub, signer_key=pooled_key(0), revoked=[5])
    site.ca_files["00000001.r1"] = forged
    assert site.validate(proxy()).dn == ALICE


def test_ca_that_may_not_sign_crls(site: Site, refused: Refused) -> None:
    usage = (key_usage("key_cert_sign"), True)
    sub = make_ca(SUB, issuer=cast().root, key=cast().sub.key, extra=[usage])
    site.ca_files = signed_by_all(cast().root, sub)
    refused("crl_unverified", proxy().chain()[:2])


def test_dates(site: Site, refused: Refused) -> None:
    begin, end = NOW + timedelta(minutes=5), NOW + timedelta(hours=1)
    site.ca_files[SUB_CRL] = crl(cast().sub, not_before=begin, not_after=end)
    second = timedelta(seconds=1)
    assert site.validate(proxy(), at=NOW).dn == ALICE
    assert site.validate(proxy(), at=end).dn == ALICE
    refused("crl_not_yet_valid", proxy(), at=NOW, skew_seconds=299)
    refused("crl_expired", proxy(), at=end + second)
    refused("crl_expired", proxy(), at=end + second, crl_policy="if_present")
    assert site.validate(proxy(), at=end + second, crl_policy="off").dn == ALICE


def test_the_newest_that_has_begun_decides(site: Site, refused: Refused) -> None:
    alice = cast().alice.certificate
    hour = timedelta(hours=1)
    old = crl(cast().sub, not_before=NOW - 3 * hour, revoked=[alice])
    new = crl(cast().sub, not_before=NOW - 2 * hour)
    future = crl(cast().sub, not_before=NOW + hour, revoked=[alice])
    site.ca_files |= {SUB_CRL: new, "00000001.r1": old, "00000001.r2": future}
    assert site.validate(proxy()).dn == ALICE
    refused("certificate_revoked", proxy(), at=NOW + hour)


def test_without_next_update(site: Site, refused: Refused) -> None:
    def edit(fields: Fields) -> None:
        del fields[4]

    site.ca_files[SUB_CRL] = resigned(crl(cast().sub), cast().sub.key, edit)
    refused("crl_expired", proxy())


EXTENSIONS = [
    (x509.DeltaCRLIndicator(1), True),
    (x509.DeltaCRLIndicator(1), False),
    (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3"), b"\x05\x00"), True),
    (
        x509.IssuingDistributionPoint(
            full_name=None,
            relative_name=None,
            only_contains_user_certs=True,
            only_contains_ca_certs=False,
            only_some_reasons=None,
            indirect_crl=False,
            only_contains_attribute_certs=False,
        ),
        True,
    ),
]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_partial_lists_count_as_missing(
    site: Site, refused: Refused, extension: tuple[x509.ExtensionType, bool]
) -> None:
    site.ca_files[SUB_CRL] = crl(cast().sub, extra=[extension])
    refused("crl_missing", proxy())
    assert site.validate(proxy(), crl_policy="if_present").dn == ALICE


def test_harmless_extension(site: Site) -> None:
    freshest = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3"), b"\x05\x00")
    site.ca_files[SUB_CRL] = crl(cast().sub, extra=[(freshest, False)])
    assert site.validate(proxy()).dn == ALICE


def test_extension_twice(site: Site, refused: Refused) -> None:
    edit = edit_extensions(lambda listed: listed.append(listed[0]))
    site.ca_files[SUB_CRL] = resigned(crl(cast().sub), cast().sub.key, edit)
    refused("crl_missing", proxy())


ISSUER = x509.CertificateIssuer([x509.DirectoryName(cast().root.certificate.subject)])
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3"), b"\x05\x00")


@pytest.mark.parametrize(
    ("extension", "critical", "is_good"),
    [
        (ISSUER, True, False),
        (ISSUER, False, False),
        (UNKNOWN, True, False),
        (UNKNOWN, False, True),
        (x509.CRLReason(x509.ReasonFlags.key_compromise), False, True),
        (x509.CRLReason(x509.ReasonFlags.key_compromise), True, True),
    ],
)
def test_entries(
    site: Site,
    refused: Refused,
    extension: x509.ExtensionType,
    critical: bool,
    is_good: bool,
) -> None:
    entry = [(extension, critical)]
    site.ca_files[SUB_CRL] = crl(cast().sub, revoked=[5], entry_extra=entry)
    if is_good:
        assert site.validate(proxy()).dn == ALICE
    else:
        refused("crl_missing", proxy())


def without_extensions(fields: Fields) -> None:
    del fields[-1]


def version_one(fields: Fields) -> None:
    del fields[-1], fields[0]


def version_three(fields: Fields) -> None:
    fields[0] = der_integer(2)


def unknown_tail(fields: Fields) -> None:
    fields[-1] = der(0xA1)


def empty_tail(fields: Fields) -> None:
    fields[-1] = der(0xA0)


def too_short(fields: Fields) -> None:
    del fields[2:]


def entries_broken(*entries: bytes) -> object:
    def edit(fields: Fields) -> None:
        fields[5] = der(0x30, *entries)

    return edit


SERIAL = der_integer(7)
DATE = der(0x17, b"261124120000Z")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (without_extensions, None),
        (version_one, None),
        (empty_tail, "crl_unreadable"),
        (version_three, "crl_missing"),
        (unknown_tail, "crl_unreadable"),
        (too_short, "crl_unreadable"),
        (entries_broken(der(0x31, SERIAL, DATE)), "crl_missing"),
        (entries_broken(der(0x30, SERIAL)), "crl_missing"),
        (entries_broken(der(0x30, SERIAL, DATE, der(0x30), der(0x30))), "crl_missing"),
        (entries_broken(der(0x30, SERIAL, DATE, der(0x05))), "crl_missing"),
        (entries_broken(der(0x30, SERIAL, DATE)), None),
    ],
)
def test_forms(site: Site, refused: Refused, edit: object, code: str | None) -> None:
    base = crl(cast().sub, revoked=[5])
    site.ca_files[SUB_CRL] = resigned(base, cast().sub.key, edit)
    if code is None:
        assert site.validate(proxy()).dn == ALICE
    else:
        refused(code, proxy())


def test_list_without_entries_has_no_such_field() -> None:
    assert len(split(split(crl(cast().sub))[0])) == 6


def test_a_renamed_file_counts_by_its_content(site: Site) -> None:
    site.ca_files["deadbeef.r7"] = site.ca_files.pop(SUB_CRL)
    assert site.validate(proxy()).dn == ALICE


def test_server_under_another_ca(site: Site, refused: Refused) -> None:
    site.ca_files |= ca_files("other", make_ca("/DC=org/DC=example/CN=Other"))
    del site.ca_files["other.r0"]
    assert site.validate(proxy()).voms_host == HOST
    assert ROOT != SUB
