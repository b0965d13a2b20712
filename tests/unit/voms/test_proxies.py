# SPDX-License-Identifier: Apache-2.0
"""Rules 6, 10 and 11: proxies (RFC 3820) and Globus proxies from before it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import (
    ExtendedKeyUsageOID,
    ExtensionOID,
    NameOID,
    ObjectIdentifier,
)

from tests.grid.certs import (
    DRAFT_PROXY_CERT_INFO,
    INDEPENDENT,
    INHERIT_ALL,
    LIMITED,
    PROXY_CERT_INFO,
    Credential,
    der,
    der_integer,
    der_oid,
    key_usage,
    make_proxy,
    make_user,
    pooled_key,
    proxy_cert_info,
)
from tests.unit.voms.conftest import Refused
from tests.unit.voms.site import ALICE, NOW, Site, ac, cast, proxy
from tests.unit.voms.surgery import resigned, with_leaf

ANY_LANGUAGE = "1.3.6.1.5.5.7.21.0"
CN = NameOID.COMMON_NAME


def test_proxies_of_proxies(site: Site) -> None:
    deepest = proxy()
    for _ in range(4):
        deepest = make_proxy(deepest, path_length=None)
    result = site.validate(deepest)
    assert (result.dn, result.limited) == (ALICE, False)


# Rule 4.


def test_unsigned_proxy(refused: Refused) -> None:
    refused("signature_invalid", proxy(signer_key=pooled_key(0)))


def test_proxy_signed_by_the_other_proxy(refused: Refused) -> None:
    first, other = make_proxy(cast().alice), make_proxy(cast().alice)
    refused("signature_invalid", proxy(first, signer_key=other.key))


def test_unused_bits(refused: Refused) -> None:
    leaf = resigned(proxy().chain()[0], cast().alice.key, unused_bits=3)
    refused("signature_bits_unused", with_leaf(proxy(), leaf))


# Rule 6.


def test_dates(site: Site, refused: Refused) -> None:
    begin, end = NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)
    made = proxy(not_before=begin, not_after=end)
    second = timedelta(seconds=1)
    assert site.validate(made, at=NOW).not_after == end
    assert site.validate(made, at=end).not_before == begin
    refused("proxy_not_yet_valid", made, at=NOW - second)
    refused("proxy_not_yet_valid", made, at=NOW, skew_seconds=299)
    refused("proxy_expired", made, at=end + second)
    refused("proxy_expired", make_proxy(made), at=end + second)


# Rule 10.


def test_info_not_critical(refused: Refused) -> None:
    refused("proxy_info_not_critical", proxy(info_critical=False))


@pytest.mark.parametrize(
    "info",
    [
        b"",
        b"\x05\x00",
        der(0x30),
        der(0x30, der(0x30)),
        der(0x30, der(0x30, der_oid(INHERIT_ALL))) + b"\x00",
        der(0x30, der(0x30, der_oid(INHERIT_ALL), der(0x05))),
        der(0x30, der_oid(INHERIT_ALL)),
        der(0x30, der(0x02, b"\x00\x01"), der(0x30, der_oid(INHERIT_ALL))),
        der(0x30, der(0x02), der(0x30, der_oid(INHERIT_ALL))),
        der(0x30, der(0x30, der_oid(INHERIT_ALL)), der(0xA1, der_integer(1))),
    ],
)
def test_broken_info(refused: Refused, info: bytes) -> None:
    refused("proxy_info_unreadable", proxy(info=info))


def test_issuer_of_another(refused: Refused) -> None:
    other = make_user("/DC=org/DC=example/CN=bob", issuer=cast().sub)
    made = proxy(issuer_name=other.certificate.subject)
    refused("proxy_issuer_mismatch", made)


def subject(*names: object) -> x509.Name:
    """Return alice's name with these RDNs added, each one or more attributes."""
    rdns = [*cast().alice.certificate.subject.rdns]
    for added in names:
        pairs = added if isinstance(added, list) else [added]
        rdns.append(
            x509.RelativeDistinguishedName(
                [x509.NameAttribute(kind, text) for kind, text in pairs]
            )
        )
    return x509.Name(rdns)


@pytest.mark.parametrize(
    "names",
    [
        [],
        [(CN, "1"), (CN, "2")],
        [(NameOID.ORGANIZATIONAL_UNIT_NAME, "1")],
        [[(CN, "1"), (NameOID.USER_ID, "2")]],
    ],
)
def test_subject_that_is_not_the_issuer_and_one_cn(
    refused: Refused, names: list[object]
) -> None:
    refused("proxy_subject_mismatch", proxy(subject=subject(*names)))


def test_subject_of_another(refused: Refused) -> None:
    name = x509.Name([x509.NameAttribute(CN, "bob"), x509.NameAttribute(CN, "1")])
    refused("proxy_subject_mismatch", proxy(subject=name))


@pytest.mark.parametrize(
    "extension", [x509.SubjectAlternativeName, x509.IssuerAlternativeName]
)
def test_alternative_names(refused: Refused, extension: type) -> None:
    names = extension([x509.DNSName("a.example.org")])
    refused("proxy_alternative_name", proxy(extra=[(names, False)]))


def test_proxy_as_a_ca(refused: Refused) -> None:
    ca = x509.BasicConstraints(ca=True, path_length=None)
    refused("proxy_is_ca", proxy(extra=[(ca, True)]))


def test_key_usage(site: Site, refused: Refused) -> None:
    usage = (key_usage("digital_signature", "key_cert_sign"), True)
    refused("proxy_key_usage", proxy(extra=[usage]))
    bare = proxy(drop=[ExtensionOID.KEY_USAGE, ExtensionOID.BASIC_CONSTRAINTS])
    assert site.validate(bare).dn == ALICE


def test_extended_key_usage(refused: Refused) -> None:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
    refused("proxy_extended_key_usage", proxy(extra=[(usage, False)]))


def test_key_usage_of_the_proxy_above(refused: Refused) -> None:
    usage = (key_usage("key_encipherment"), True)
    refused("proxy_issuer_key_usage", make_proxy(proxy(extra=[usage])))


@pytest.mark.parametrize("length", [0, 1, 2])
def test_path_length(site: Site, refused: Refused, length: int) -> None:
    deepest = proxy(path_length=length)
    for _ in range(length):
        deepest = make_proxy(deepest, path_length=None)
    assert site.validate(deepest).dn == ALICE
    refused("proxy_path_too_long", make_proxy(deepest))


def test_negative_path_length(refused: Refused) -> None:
    refused("proxy_path_length_negative", proxy(path_length=-1))


# Rule 11.


def test_limited(site: Site, refused: Refused) -> None:
    limited = proxy(limited=True)
    assert site.validate(limited).limited
    refused("limited_proxy_refused", limited, allow_limited=False)
    assert not site.validate(proxy(), allow_limited=False).limited


def test_once_limited_always_limited(site: Site, refused: Refused) -> None:
    limited = proxy(limited=True)
    refused("full_proxy_under_limited", make_proxy(limited))
    twice = make_proxy(make_proxy(limited, limited=True), limited=True)
    assert site.validate(twice).limited
    assert site.validate(make_proxy(proxy(), limited=True)).limited


@pytest.mark.parametrize("language", [INDEPENDENT, ANY_LANGUAGE, "1.2.3.4"])
def test_other_languages(refused: Refused, language: str) -> None:
    refused("proxy_language_refused", proxy(language=language))


@pytest.mark.parametrize("language", [INHERIT_ALL, LIMITED])
@pytest.mark.parametrize("policy", [b"", b"a policy"])
def test_policy_field(refused: Refused, language: str, policy: bytes) -> None:
    refused("proxy_policy_refused", proxy(language=language, policy=policy))


# Proxies from before RFC 3820.


def legacy(
    parent: Credential, cn: str = "proxy", carried: bytes | None = None
) -> Credential:
    """Return a Globus 2 proxy: no proxyCertInfo, a CN that says it all."""
    return make_proxy(parent, cn=cn, ac=carried or ac(), drop=[PROXY_CERT_INFO])


def draft(parent: Credential, info: bytes | None = None) -> Credential:
    """Return a Globus 3 proxy with the extension of the draft."""
    info = info or der(0x30, der(0x30, der_oid(INHERIT_ALL)))
    return make_proxy(parent, info=info, info_oid=DRAFT_PROXY_CERT_INFO, ac=ac())


def test_legacy_proxies(site: Site, refused: Refused) -> None:
    for made in (legacy(cast().alice), draft(cast().alice)):
        refused("legacy_proxy_refused", made)
        result = site.validate(made, allow_legacy=True)
        assert (result.dn, result.limited) == (ALICE, False)


def test_legacy_limited_proxies(site: Site, refused: Refused) -> None:
    limited = legacy(cast().alice, "limited proxy")
    assert site.validate(limited, allow_legacy=True).limited
    refused("full_proxy_under_limited", legacy(limited), allow_legacy=True)
    refused("limited_proxy_refused", limited, allow_legacy=True, allow_limited=False)
    info = der(0x30, der(0x30, der_oid(LIMITED)))
    assert site.validate(draft(cast().alice, info), allow_legacy=True).limited


def test_draft_path_length(site: Site, refused: Refused) -> None:
    for length, code in ((1, None), (0, "proxy_path_too_long")):
        policy = der(0x30, der_oid(INHERIT_ALL))
        info = der(0x30, policy, der(0xA1, der_integer(length)))
        two = draft(draft(cast().alice, info))
        if code is None:
            assert site.validate(two, allow_legacy=True).dn == ALICE
        else:
            refused(code, two, allow_legacy=True)


def test_draft_with_odd_fields(refused: Refused) -> None:
    policy = der(0x30, der_oid(INHERIT_ALL))
    for info in (der(0x30, policy, der_integer(1)), der(0x30, policy, der(0xA1))):
        made = draft(cast().alice, info)
        refused("proxy_info_unreadable", made, allow_legacy=True)


def test_mixed_kinds(refused: Refused) -> None:
    chain = legacy(make_proxy(cast().alice))
    refused("proxy_kinds_mixed", chain, allow_legacy=True)


def test_both_kinds_in_one(refused: Refused) -> None:
    info = der(0x30, der(0x30, der_oid(INHERIT_ALL)))
    both = x509.UnrecognizedExtension(DRAFT_PROXY_CERT_INFO, info)
    refused("legacy_proxy_refused", proxy(extra=[(both, True)]))


def test_rfc_proxy_may_be_called_proxy(site: Site) -> None:
    assert not site.validate(proxy(cn="limited proxy")).limited


def test_user_whose_name_ends_like_a_proxy(site: Site) -> None:
    dn = "/DC=org/DC=example/O=People/CN=proxy"
    user = make_user(dn, issuer=cast().sub)
    made = proxy(user, ac=ac(holder=user.certificate))
    assert site.validate(made).dn == dn


def test_makers_agree_with_the_standard() -> None:
    info = proxy_cert_info(path_length=10)
    assert info.hex() == "300f02010a300a06082b06010505071501"
    assert ObjectIdentifier("1.3.6.1.5.5.7.1.14") == PROXY_CERT_INFO
