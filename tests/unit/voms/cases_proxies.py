# SPDX-License-Identifier: Apache-2.0
"""Rows for rules 6, 10 and 11 on proxies, of RFC 3820 and from before it.

Owns every field of a proxy but its signature and its AC. Must never use a
proxy that a row of ``cases_real`` makes with the real program.
Read first: CASES.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

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
)
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import proxied
from tests.unit.voms.site import NOW, Chain, Site, ac, cast, proxy

ANY_LANGUAGE = "1.3.6.1.5.5.7.21.0"
CN = NameOID.COMMON_NAME
OU = NameOID.ORGANIZATIONAL_UNIT_NAME
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
# Rows are judged a minute after NOW, and a clock may be five minutes wrong.
SKEW = 6 * MINUTE
BOB = x509.Name([x509.NameAttribute(CN, "bob")])


def below(depth: int, **changes: object) -> Build:
    """Build a row of that many proxies below alice's proxy with changes."""

    def build(site: Site) -> Credential:
        deepest = proxy(**changes)
        for _ in range(depth):
            deepest = make_proxy(deepest, path_length=None)
        return deepest

    return build


def limited_by(*limits: bool) -> Build:
    """Build a row of proxies, each limited or not, the first below alice."""

    def build(site: Site) -> Credential:
        deepest = cast().alice
        for limited in limits:
            deepest = proxy(deepest, limited=limited, path_length=None)
        return deepest

    return build


DATES = (
    good(
        6,
        "a proxy from within the clock skew",
        proxied(not_before=NOW + SKEW),
        not_before=NOW + SKEW,
    ),
    bad(
        6,
        "proxy_not_yet_valid",
        "a proxy from after the clock skew",
        proxied(not_before=NOW + SKEW + SECOND),
    ),
    bad(
        6,
        "proxy_not_yet_valid",
        "a proxy from after a smaller skew",
        proxied(not_before=NOW + SKEW),
        rules={"skew_seconds": 299},
    ),
    good(
        6,
        "a proxy in its last second",
        proxied(not_after=NOW + MINUTE),
        not_after=NOW + MINUTE,
    ),
    bad(
        6,
        "proxy_expired",
        "a second after a proxy's end, whatever the skew",
        proxied(not_after=NOW + MINUTE - SECOND),
        rules={"skew_seconds": 3600},
    ),
    bad(6, "proxy_expired", "an upper proxy that is over", below(1, not_after=NOW)),
)


def subject(*rdns: list[tuple[x509.ObjectIdentifier, str]]) -> x509.Name:
    """Return alice's name with these RDNs added."""
    added = (
        x509.RelativeDistinguishedName([x509.NameAttribute(*pair) for pair in rdn])
        for rdn in rdns
    )
    # The name is written out: a row must not need a key before it runs.
    dn = x509.Name.from_rfc4514_string("CN=alice,O=People,DC=example,DC=org")
    return x509.Name([*dn.rdns, *added])


SUBJECTS = {
    "nothing added": subject(),
    "two CNs added": subject([(CN, "1")], [(CN, "2")]),
    "an OU added": subject([(OU, "1")]),
    "an RDN of two added": subject([(CN, "1"), (NameOID.USER_ID, "2")]),
    "another user's name": x509.Name([*BOB.rdns, *subject([(CN, "1")]).rdns[-1:]]),
}


def alternative(kind: type) -> Build:
    """Build alice's proxy with an alternative name of this kind."""
    return proxied(extra=[(kind([x509.DNSName("a.example.org")]), False)])


def usage(*bits: str) -> list[tuple[x509.ExtensionType, bool]]:
    """Return a critical keyUsage."""
    return [(key_usage(*bits), True)]


RFC = (
    bad(
        10,
        "proxy_info_not_critical",
        "proxyCertInfo that is not critical",
        proxied(info_critical=False),
    ),
    bad(
        10,
        "proxy_issuer_mismatch",
        "another user as the issuer",
        proxied(issuer_name=BOB),
    ),
    bad(
        10,
        "proxy_issuer_mismatch",
        "another user as the issuer, and in the subject",
        proxied(issuer_name=BOB, subject=SUBJECTS["another user's name"]),
    ),
    *(
        bad(10, "proxy_subject_mismatch", f"a subject with {what}", proxied(subject=dn))
        for what, dn in SUBJECTS.items()
    ),
    bad(
        10,
        "proxy_alternative_name",
        "a subjectAltName",
        alternative(x509.SubjectAlternativeName),
    ),
    bad(
        10,
        "proxy_alternative_name",
        "an issuerAltName",
        alternative(x509.IssuerAlternativeName),
    ),
    bad(
        10,
        "proxy_is_ca",
        "CA:TRUE",
        proxied(extra=[(x509.BasicConstraints(ca=True, path_length=None), True)]),
    ),
    bad(
        10,
        "proxy_key_usage",
        "keyCertSign",
        proxied(extra=usage("digital_signature", "key_cert_sign")),
    ),
    good(
        10,
        "neither keyUsage nor basicConstraints",
        proxied(drop=[ExtensionOID.KEY_USAGE, ExtensionOID.BASIC_CONSTRAINTS]),
    ),
    bad(
        10,
        "proxy_extended_key_usage",
        "a proxy to sign code",
        proxied(
            extra=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)]
        ),
    ),
    bad(
        10,
        "proxy_issuer_key_usage",
        "an upper proxy that may not sign",
        below(1, extra=usage("key_encipherment")),
    ),
    *(
        good(10, f"{depth} proxies", below(depth - 1, path_length=None), limited=False)
        for depth in (1, 2, 3, 4, 5)
    ),
    *(
        good(
            10,
            f"{length} proxies where {length} are allowed",
            below(length, path_length=length),
        )
        for length in (0, 1, 2)
    ),
    *(
        bad(
            10,
            "proxy_path_too_long",
            f"{length + 1} proxies where {length} are allowed",
            below(length + 1, path_length=length),
        )
        for length in (0, 1, 2)
    ),
    bad(
        10,
        "proxy_path_length_negative",
        "a negative path length",
        proxied(path_length=-1),
    ),
    good(10, "a proxy that is called one", proxied(cn="limited proxy"), limited=False),
)


def named_like_a_proxy(site: Site) -> Credential:
    """Return a proxy of a person whose certificate is named CN=proxy."""
    dn = "/DC=org/DC=example/O=People/CN=proxy"
    user = make_user(dn, issuer=cast().sub, key=pooled_key(1))
    return proxy(user, ac=ac(holder=user.certificate))


POLICIES = (
    good(11, "a limited proxy", proxied(limited=True), limited=True),
    good(
        11,
        "a full proxy where limited ones are refused",
        proxied(),
        rules={"allow_limited": False},
        limited=False,
    ),
    bad(
        11,
        "limited_proxy_refused",
        "a limited proxy where they are refused",
        proxied(limited=True),
        rules={"allow_limited": False},
    ),
    bad(11, "full_proxy_under_limited", "full under limited", limited_by(True, False)),
    bad(
        11,
        "full_proxy_under_limited",
        "limited under full under limited",
        limited_by(True, False, True),
    ),
    good(11, "limited three times", limited_by(True, True, True), limited=True),
    good(11, "limited under full", limited_by(False, True), limited=True),
    *(
        bad(
            11,
            "proxy_language_refused",
            f"the policy language {language}",
            proxied(language=language),
        )
        for language in (INDEPENDENT, ANY_LANGUAGE, "1.2.3.4")
    ),
    *(
        bad(
            11,
            "proxy_policy_refused",
            f"the policy {policy!r} in {language}",
            proxied(language=language, policy=policy),
        )
        for language in (INHERIT_ALL, LIMITED)
        for policy in (b"", b"a policy")
    ),
    good(
        11,
        "a user whose name ends like a proxy's",
        named_like_a_proxy,
        dn="/DC=org/DC=example/O=People/CN=proxy",
    ),
)


def legacy(parent: Credential, cn: str = "proxy") -> Credential:
    """Return a Globus 2 proxy: no proxyCertInfo, a CN that says it all."""
    return make_proxy(parent, cn=cn, ac=ac(), drop=[PROXY_CERT_INFO])


def draft(
    parent: Credential, language: str = INHERIT_ALL, length: int | None = None
) -> Credential:
    """Return a Globus 3 proxy with the extension of the draft."""
    limit = b"" if length is None else der(0xA1, der_integer(length))
    info = der(0x30, der(0x30, der_oid(language)), limit)
    return make_proxy(parent, info=info, info_oid=DRAFT_PROXY_CERT_INFO, ac=ac())


DRAFT_INFO = x509.UnrecognizedExtension(
    DRAFT_PROXY_CERT_INFO, der(0x30, der(0x30, der_oid(INHERIT_ALL)))
)
LEGACY = {"allow_legacy": True}

OLD = {
    "a proxy named CN=proxy": lambda site: legacy(cast().alice),
    "a proxy named CN=limited proxy": lambda site: legacy(
        cast().alice, "limited proxy"
    ),
    "a proxy of the draft": lambda site: draft(cast().alice),
    "a limited proxy of the draft": lambda site: draft(cast().alice, LIMITED),
}


def limited_legacy(site: Site) -> Chain:
    """Return a limited Globus 2 proxy."""
    return legacy(cast().alice, "limited proxy")


OLD_KINDS = (
    *(bad(11, "legacy_proxy_refused", what, build) for what, build in OLD.items()),
    *(
        good(
            11,
            f"{what}, where old kinds are allowed",
            build,
            rules=LEGACY,
            limited="limited" in what,
        )
        for what, build in OLD.items()
    ),
    bad(
        11,
        "legacy_proxy_refused",
        "a proxy of the standard and of the draft",
        proxied(extra=[(DRAFT_INFO, True)]),
    ),
    bad(
        11,
        "full_proxy_under_limited",
        "CN=proxy under CN=limited proxy",
        lambda site: legacy(limited_legacy(site)),
        rules=LEGACY,
    ),
    bad(
        11,
        "limited_proxy_refused",
        "CN=limited proxy where limited ones are refused",
        limited_legacy,
        rules={**LEGACY, "allow_limited": False},
    ),
    good(
        11,
        "a draft that allows one proxy below",
        lambda site: draft(draft(cast().alice, length=1)),
        rules=LEGACY,
    ),
    bad(
        11,
        "proxy_path_too_long",
        "a draft that allows no proxy below",
        lambda site: draft(draft(cast().alice, length=0)),
        rules=LEGACY,
    ),
    bad(
        11,
        "proxy_kinds_mixed",
        "CN=proxy under a proxy of the standard",
        lambda site: legacy(make_proxy(cast().alice)),
        rules=LEGACY,
    ),
)

CASES = (*DATES, *RFC, *POLICIES, *OLD_KINDS)
