# SPDX-License-Identifier: Apache-2.0
"""Rows for rules 5, 6 and 9: the way from the user's certificate to a root.

Owns what is sent, what is installed, and their dates. Must never hold a row on
what a CA's files say: ``cases_crls`` and ``cases_policies`` do.
Read first: CASES.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from tests.grid.certs import (
    PROXY_CERT_INFO,
    Credential,
    key_usage,
    make_ca,
    make_proxy,
    pooled_key,
    proxy_cert_info,
)
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import (
    sub_ca,
    under_root,
    under_sub,
    user,
    user_of,
)
from tests.unit.voms.site import (
    ALICE,
    NOW,
    ROOT,
    SUB,
    Chain,
    Site,
    ac,
    ca_files,
    cast,
    proxy,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BASE = "/DC=org/DC=example"


def sent(*above: Credential) -> Build:
    """Build alice's proxy and certificate with these certificates above them."""
    return lambda site: (
        *proxy().chain()[:2],
        *(credential.chain()[0] for credential in above),
    )


def stray(place: int) -> Build:
    """Build the whole chain with a CA that belongs to nobody put in."""

    def build(site: Site) -> Chain:
        chain = [*proxy().chain(), cast().root.chain()[0]]
        chain.insert(place, make_ca(f"{BASE}/CN=Stray", key=pooled_key(2)).chain()[0])
        return chain

    return build


def unknown_ca(site: Site) -> Chain:
    """Return a proxy of a user of a CA that is not installed, the CA included."""
    nobody = make_ca(f"{BASE}/CN=Nobody", key=pooled_key(2))
    return (*user_of(nobody).chain(), nobody.chain()[0])


def circle(site: Site) -> Chain:
    """Install two CAs that certify each other; return a proxy under them."""
    one, two, keys = f"{BASE}/CN=One", f"{BASE}/CN=Two", (pooled_key(3), pooled_key(4))
    first = make_ca(one, issuer=make_ca(two, key=keys[1]), key=keys[0])
    second = make_ca(two, issuer=first, key=keys[1])
    return site.having(user_of(first).chain()[:2], cas=[first, second])


def ladder(depth: int) -> Build:
    """Build a proxy of a user with that many CAs above, the root included."""

    def build(site: Site) -> Chain:
        cas = [cast().root]
        for number in range(depth - 1):
            name = f"{BASE}/CN=CA {number}"
            cas.append(make_ca(name, issuer=cas[-1], key=pooled_key(number)))
        return site.having(user_of(cas[-1]), cas=[*cas, cast().sub])

    return build


def last(depth: int) -> str:
    """Return the name of the lowest CA of a ladder."""
    return f"{BASE}/CN=CA {depth - 2}" if depth > 1 else ROOT


def other_sub() -> Credential:
    """Return a CA of the sub-CA's name with another key."""
    return make_ca(SUB, issuer=cast().root, key=pooled_key(6))


def two_keys(revoked: bool = False) -> Build:
    """Build a proxy under the second of two installed CAs of one name."""

    def build(site: Site) -> Chain:
        other = other_sub()
        person = user_of(other)
        listed = [person.issuers[0]] if revoked else [cast().alice.certificate]
        return site.having(person, ca=ca_files("0other", other, revoked=listed))

    return build


PATHS = (
    good(5, "the good chain with the sub-CA", lambda site: proxy(), issuer_dn=SUB),
    good(5, "no CA sent", sent()),
    good(5, "all CAs sent", lambda site: (*proxy().chain(), cast().root.chain()[0])),
    bad(5, "no_end_entity", "an empty chain", lambda site: (), says="no certificate"),
    bad(5, "no_end_entity", "a proxy alone", lambda site: proxy().chain()[:1]),
    bad(
        5,
        "certificate_repeated",
        "the sub-CA twice",
        lambda site: (*proxy().chain(), proxy().chain()[-1]),
    ),
    bad(
        5,
        "stray_certificate",
        "a proxy above the user",
        lambda site: sent(make_proxy(cast().alice))(site),
    ),
    *(
        bad(5, "stray_certificate", f"a stray CA at place {place}", stray(place))
        for place in (2, 3, 4)
    ),
    bad(
        5,
        "stray_certificate",
        "the CAs in the wrong order",
        lambda site: sent(cast().root, cast().sub)(site),
    ),
    bad(
        5,
        "stray_certificate",
        "another certificate of the sub-CA sent",
        lambda site: sent(sub_ca())(site),
    ),
    bad(
        5,
        "issuer_unknown",
        "a user of a CA that is not installed",
        lambda site: unknown_ca(site)[:2],
        subject=ALICE,
    ),
    bad(5, "issuer_unknown", "an unknown CA that is sent along", unknown_ca),
    bad(
        4,
        "signature_invalid",
        "a CA that only bears the name of the installed one",
        lambda site: user_of(make_ca(SUB, issuer=make_ca(ROOT), key=pooled_key(2))),
    ),
    bad(
        5,
        "issuer_unknown",
        "a sub-CA whose root is not installed",
        lambda site: site.having(proxy(), cas=[cast().sub]),
    ),
    bad(
        4,
        "signature_invalid",
        "an installed sub-CA that the root did not sign",
        lambda site: under_sub(signer_key=pooled_key(2))(site),
        subject=SUB,
    ),
    bad(5, "issuer_unknown", "a circle of CAs", circle),
    *(
        good(5, f"a user {depth} CAs deep", ladder(depth), issuer_dn=last(depth))
        for depth in (1, 2, 3, 4, 8)
    ),
    bad(5, "issuer_unknown", "a user 9 CAs deep", ladder(9)),
    good(
        5,
        "an old edition of the CA beside the new one",
        lambda site: site.having(
            ca=ca_files("0old", sub_ca(not_after=NOW - MINUTE)),
        ),
    ),
    good(
        5,
        "a second key of the CA, a user of the first",
        lambda site: site.having(ca=ca_files("0other", other_sub())),
    ),
    good(5, "a second key of the CA, a user of the second", two_keys()),
    bad(
        7,
        "certificate_revoked",
        "a user of the second key of a CA, revoked by it",
        two_keys(revoked=True),
    ),
)


def dated(begin: timedelta, end: timedelta) -> Build:
    """Build a proxy of a user with these dates, counted from NOW."""
    return user(not_before=NOW + begin, not_after=NOW + end)


TEN = 10 * MINUTE
CAS = (("root", under_root), ("sub-CA", under_sub))
NO_CA = (x509.BasicConstraints(ca=False, path_length=None), True)
A_PROXY = x509.UnrecognizedExtension(PROXY_CERT_INFO, proxy_cert_info(path_length=1))


def by_alice(site: Site) -> Chain:
    """Install alice as a CA; return a proxy of a user that she issued."""
    bob = user_of(cast().alice, f"{BASE}/O=People/CN=bob")
    return site.having(bob.chain()[:2], ca=ca_files("user", cast().alice))


DATES = (
    good(
        6, "the user's last second", dated(-TEN, TEN), at=NOW + TEN, not_after=NOW + TEN
    ),
    bad(
        6,
        "certificate_expired",
        "a second after the user's end",
        dated(-TEN, TEN),
        at=NOW + TEN + SECOND,
        subject=ALICE,
    ),
    good(6, "the user's first second", dated(MINUTE, TEN)),
    bad(
        6,
        "certificate_not_yet_valid",
        "a second before the user's begin",
        dated(MINUTE + SECOND, TEN),
        rules={"skew_seconds": 3600},
    ),
    *(
        bad(6, "certificate_expired", f"a {name} that is over", build(not_after=NOW))
        for name, build in CAS
    ),
    *(
        bad(
            6,
            "certificate_not_yet_valid",
            f"a {name} that has not begun",
            build(not_before=NOW + 2 * MINUTE),
        )
        for name, build in CAS
    ),
)

ISSUERS = (
    bad(6, "issuer_not_ca", "a sub-CA with CA:FALSE", under_sub(extra=[NO_CA])),
    bad(
        6,
        "issuer_not_ca",
        "a sub-CA without basicConstraints",
        under_sub(drop=[ExtensionOID.BASIC_CONSTRAINTS]),
    ),
    bad(6, "issuer_not_ca", "a user who issued another", by_alice),
    bad(
        6,
        "issuer_may_not_sign",
        "a sub-CA without keyCertSign",
        under_sub(extra=[(key_usage("digital_signature", "crl_sign"), True)]),
    ),
    good(6, "a sub-CA without keyUsage", under_sub(drop=[ExtensionOID.KEY_USAGE])),
    bad(
        6,
        "issuer_is_proxy",
        "a sub-CA that is a proxy",
        under_sub(extra=[(A_PROXY, True)]),
    ),
    good(6, "a root that allows one CA below", under_root(path_length=1)),
    bad(6, "ca_path_too_long", "a root that allows none", under_root(path_length=0)),
    good(6, "a sub-CA that allows none", under_sub(path_length=0)),
)


def ca_as_user(site: Site) -> Chain:
    """Return a proxy of a CA of alice's name."""
    usage = (key_usage("digital_signature", "key_cert_sign"), True)
    ca = make_ca(ALICE, issuer=cast().sub, key=pooled_key(1), extra=[usage])
    return proxy(ca, ac=ac(holder=ca.certificate))


def purposes(*found: x509.ObjectIdentifier) -> Build:
    """Build a proxy of a user whose extendedKeyUsage names these."""
    return user(extra=[(x509.ExtendedKeyUsage(found), False)])


EEC = (
    bad(9, "eec_is_ca", "a CA as the user", ca_as_user),
    bad(
        9,
        "eec_key_usage",
        "a user whose key may only encipher",
        user(extra=[(key_usage("key_encipherment"), True)]),
    ),
    good(9, "a user without keyUsage", user(drop=[ExtensionOID.KEY_USAGE])),
    bad(
        9,
        "eec_extended_key_usage",
        "a user who is only a server",
        purposes(ExtendedKeyUsageOID.SERVER_AUTH),
    ),
    good(
        9,
        "a user for any purpose",
        purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
    ),
    good(
        9,
        "a user for e-mail and for clients",
        purposes(ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.CLIENT_AUTH),
    ),
    good(
        9,
        "a user without extendedKeyUsage",
        user(drop=[ExtensionOID.EXTENDED_KEY_USAGE]),
    ),
    bad(12, "no_ac", "a user without a proxy", lambda site: cast().alice),
)

CASES = (*PATHS, *DATES, *ISSUERS, *EEC)
