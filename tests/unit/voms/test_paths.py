# SPDX-License-Identifier: Apache-2.0
"""Rules 5, 6 and 9: the path from the user's certificate to an installed root."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from tests.grid.ac import SHA256_ECDSA
from tests.grid.certs import (
    Credential,
    key_usage,
    make_ca,
    make_proxy,
    make_user,
    pooled_key,
)
from tests.unit.voms.conftest import Refused
from tests.unit.voms.site import (
    ALICE,
    NOW,
    ROOT,
    SUB,
    Site,
    ac,
    ca_files,
    cast,
    proxy,
    signed_by_all,
)
from tests.unit.voms.surgery import resigned


def user_of(issuer: Credential, subject: str = ALICE, **changes: object) -> Credential:
    """Return a proxy of a new alice under that CA, with changes to the user."""
    user = make_user(subject, issuer=issuer, key=pooled_key(1), **changes)
    return proxy(user, ac=ac(holder=user.certificate))


def sub_ca(**changes: object) -> Credential:
    """Return another certificate of the sub-CA, with the key it has."""
    return make_ca(SUB, issuer=cast().root, key=cast().sub.key, **changes)


# Rule 5.


def test_the_good_chain(site: Site) -> None:
    result = site.validate(proxy())
    assert (result.dn, result.issuer_dn) == (ALICE, SUB)


def test_the_chain_without_and_with_all_cas(site: Site) -> None:
    chain = proxy().chain()
    root = cast().root.chain()[0]
    assert site.validate(chain[:2]).dn == site.validate((*chain, root)).dn == ALICE


def test_empty_chain(refused: Refused) -> None:
    assert "no certificate" in refused("no_end_entity", ()).what


def test_only_proxies(refused: Refused) -> None:
    refused("no_end_entity", proxy().chain()[:1])


def test_repeated_certificate(refused: Refused) -> None:
    chain = proxy().chain()
    refused("certificate_repeated", (*chain, chain[-1]))


def test_proxy_above_the_user(refused: Refused) -> None:
    chain = proxy().chain()
    refused("stray_certificate", (*chain[:2], make_proxy(cast().alice).chain()[0]))


@pytest.mark.parametrize("place", [2, 3, 4])
def test_stray_certificate(refused: Refused, place: int) -> None:
    chain = [*proxy().chain(), cast().root.chain()[0]]
    chain.insert(place, make_ca("/DC=org/DC=example/CN=Stray").chain()[0])
    refused("stray_certificate", chain)


def test_cas_out_of_order(refused: Refused) -> None:
    chain = proxy().chain()
    refused("stray_certificate", (*chain[:2], cast().root.chain()[0], chain[2]))


def test_another_certificate_of_the_same_ca_from_the_peer(refused: Refused) -> None:
    refused("stray_certificate", (*proxy().chain()[:2], sub_ca().chain()[0]))


def test_unknown_ca(refused: Refused) -> None:
    other = make_ca("/DC=org/DC=example/CN=Nobody")
    error = refused("issuer_unknown", user_of(other))
    assert error.subject == ALICE
    refused("issuer_unknown", (*user_of(other).chain(), other.chain()[0]))


def test_a_ca_of_the_right_name_that_is_not_the_installed_one(
    refused: Refused,
) -> None:
    fake = make_ca(SUB, issuer=make_ca(ROOT))
    refused("signature_invalid", user_of(fake))


def test_sub_ca_without_its_root(site: Site, refused: Refused) -> None:
    site.ca_files = signed_by_all(cast().sub)
    refused("issuer_unknown", proxy())


def test_sub_ca_that_the_root_did_not_sign(site: Site, refused: Refused) -> None:
    fake = sub_ca(signer_key=pooled_key(2))
    site.ca_files = signed_by_all(cast().root, fake)
    assert refused("signature_invalid", proxy().chain()[:2]).subject == SUB


def test_a_circle_of_cas(site: Site, refused: Refused) -> None:
    one, two = "/DC=org/DC=example/CN=One", "/DC=org/DC=example/CN=Two"
    keys = pooled_key(3), pooled_key(4)
    first = make_ca(one, issuer=make_ca(two, key=keys[1]), key=keys[0])
    second = make_ca(two, issuer=first, key=keys[1])
    site.ca_files = signed_by_all(first, second)
    refused("issuer_unknown", user_of(first).chain()[:2])


def test_a_ladder_of_cas(site: Site, refused: Refused) -> None:
    cas = [cast().root]
    for number in range(8):
        name = f"/DC=org/DC=example/CN=CA {number}"
        cas.append(make_ca(name, issuer=cas[-1], key=pooled_key(number)))
    site.ca_files = signed_by_all(*cas, cast().sub)
    assert site.validate(user_of(cas[-2])).dn == ALICE
    refused("issuer_unknown", user_of(cas[-1]))


def test_user_of_the_root_itself(site: Site) -> None:
    assert site.validate(user_of(cast().root)).issuer_dn == ROOT


def test_two_editions_of_a_ca(site: Site, refused: Refused) -> None:
    old = sub_ca(not_after=NOW - timedelta(minutes=1))
    site.ca_files |= ca_files("0old", old)
    assert site.validate(proxy()).dn == ALICE
    site.ca_files = signed_by_all(cast().root, old)
    (site.root / "certificates" / "0old.0").unlink()
    refused("certificate_expired", proxy().chain()[:2])


def test_two_keys_of_a_ca(site: Site, refused: Refused) -> None:
    other = make_ca(SUB, issuer=cast().root)
    site.ca_files |= ca_files("0other", other)
    assert site.validate(proxy()).dn == ALICE
    assert site.validate(user_of(other)).dn == ALICE
    refused("certificate_revoked", _revoked_at_the_other(site, other))


def _revoked_at_the_other(site: Site, other: Credential) -> Credential:
    user = user_of(other)
    site.ca_files |= ca_files("0other", other, revoked=[user.issuers[0]])
    return user


# Rule 6.


def test_dates_of_the_user(site: Site, refused: Refused) -> None:
    begin, end = NOW - timedelta(minutes=10), NOW + timedelta(minutes=10)
    user = user_of(cast().sub, not_before=begin, not_after=end)
    second = timedelta(seconds=1)
    assert site.validate(user, at=end).not_after == end
    refused("certificate_expired", user, at=end + second)
    refused("certificate_not_yet_valid", user, at=begin - second)


@pytest.mark.parametrize("ca", ["root", "sub"])
def test_dates_of_a_ca(site: Site, refused: Refused, ca: str) -> None:
    begin, end = NOW + timedelta(minutes=2), NOW - timedelta(minutes=2)
    for changes, code in (
        ({"not_before": begin}, "certificate_not_yet_valid"),
        ({"not_after": end}, "certificate_expired"),
    ):
        if ca == "root":
            changed = make_ca(ROOT, key=cast().root.key, **changes)
            site.ca_files = signed_by_all(changed, cast().sub)
        else:
            site.ca_files = signed_by_all(cast().root, sub_ca(**changes))
        refused(code, proxy().chain()[:2])


def test_issuer_that_is_no_ca(site: Site, refused: Refused) -> None:
    no_ca = x509.BasicConstraints(ca=False, path_length=None)
    site.ca_files = signed_by_all(cast().root, sub_ca(extra=[(no_ca, True)]))
    refused("issuer_not_ca", proxy().chain()[:2])


def test_a_user_as_an_issuer(site: Site, refused: Refused) -> None:
    site.ca_files |= ca_files("user", cast().alice)
    bob = user_of(cast().alice, "/DC=org/DC=example/O=People/CN=bob")
    refused("issuer_not_ca", bob.chain()[:2])


def test_issuer_that_may_not_sign(site: Site, refused: Refused) -> None:
    usage = (key_usage("digital_signature", "crl_sign"), True)
    site.ca_files = signed_by_all(cast().root, sub_ca(extra=[usage]))
    refused("issuer_may_not_sign", proxy().chain()[:2])


def test_issuer_without_key_usage(site: Site) -> None:
    bare = sub_ca(drop=[ExtensionOID.KEY_USAGE])
    site.ca_files = signed_by_all(cast().root, bare)
    assert site.validate(proxy().chain()[:2]).dn == ALICE


def test_issuer_that_is_a_proxy(site: Site, refused: Refused) -> None:
    info = make_proxy(cast().alice).certificate.extensions[2]
    site.ca_files = signed_by_all(cast().root, sub_ca(extra=[(info.value, True)]))
    refused("issuer_is_proxy", proxy().chain()[:2])


def test_path_length(site: Site, refused: Refused) -> None:
    for length in (1, 0):
        root = make_ca(ROOT, key=cast().root.key, path_length=length)
        site.ca_files = signed_by_all(root, cast().sub)
        if length:
            assert site.validate(proxy()).dn == ALICE
    refused("ca_path_too_long", proxy())


def test_frame_of_a_ca(site: Site, refused: Refused) -> None:
    data = resigned(cast().sub.chain()[0], cast().root.key, algorithm=SHA256_ECDSA)
    files = ca_files("0000000a", cast().sub)
    site.ca_files = signed_by_all(cast().root) | files | {"0000000a.0": data}
    refused("algorithm_mismatch", proxy().chain()[:2])


# Rule 9.


def test_a_ca_as_the_user(site: Site, refused: Refused) -> None:
    ca = make_ca(ALICE, issuer=cast().sub)
    refused("eec_is_ca", proxy(ca, ac=ac(holder=ca.certificate)))


def test_key_usage_of_the_user(site: Site, refused: Refused) -> None:
    usage = (key_usage("key_encipherment"), True)
    refused("eec_key_usage", user_of(cast().sub, extra=[usage]))
    bare = user_of(cast().sub, drop=[ExtensionOID.KEY_USAGE])
    assert site.validate(bare).dn == ALICE


def test_extended_key_usage_of_the_user(site: Site, refused: Refused) -> None:
    for purpose, is_good in (
        (ExtendedKeyUsageOID.SERVER_AUTH, False),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, True),
    ):
        usage = (x509.ExtendedKeyUsage([purpose]), False)
        user = user_of(cast().sub, extra=[usage])
        if is_good:
            assert site.validate(user).dn == ALICE
        else:
            refused("eec_extended_key_usage", user)
    bare = user_of(cast().sub, drop=[ExtensionOID.EXTENDED_KEY_USAGE])
    assert site.validate(bare).dn == ALICE


def test_a_plain_user_has_no_ac(refused: Refused) -> None:
    refused("no_ac", cast().alice)
