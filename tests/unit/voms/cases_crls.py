# SPDX-License-Identifier: Apache-2.0
"""Rows for rule 7: the CRL of every issuer up to the root.

Owns one row for each way in which a CA's list fails; the forms that a list may
have are tested in ``test_crls``. Must never change what the client sends.
Read first: CASES.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509

from tests.grid.certs import key_usage, make_ca, pooled_key
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import ROOT_CRL, SUB_CRL, crl, under_sub
from tests.unit.voms.site import (
    ALICE,
    NOW,
    SUB,
    VOMS,
    Site,
    Chain,
    ca_files,
    cast,
)
from tests.unit.voms.surgery import signed_with_sha1

ROOT_FILE = "00000000.0"

MINUTE = timedelta(minutes=1)
# Rows are judged a minute after NOW, and a clock may be five minutes wrong.
SKEW = timedelta(minutes=6)


def sub_crl(**changes: object) -> Build:
    """Build alice's proxy where the sub-CA's CRL is another."""
    return lambda site: site.having(ca={SUB_CRL: crl(cast().sub, **changes)})


def revoked(by: str, whom: str) -> Build:
    """Build alice's proxy where one of the cast has revoked another."""

    def build(site: Site) -> Chain:
        issuer, name = getattr(cast(), by), ROOT_CRL if by == "root" else SUB_CRL
        listed = [5, getattr(cast(), whom).certificate]
        return site.having(ca={name: crl(issuer, revoked=listed)})

    return build


def without(name: str) -> Build:
    """Build alice's proxy where that file is missing."""
    return lambda site: site.having(without=[name])


def holding(content: bytes) -> Build:
    """Build alice's proxy where the sub-CA's CRL file holds these octets."""
    return lambda site: site.having(ca={SUB_CRL: content})


def with_sha1(name: str, issuer: str) -> Build:
    """Build alice's proxy where a file is signed with SHA-1 by one of the cast."""

    def build(site: Site) -> Chain:
        key = getattr(cast(), issuer).key
        made = cast().root.chain()[0] if name == ROOT_FILE else crl(cast().sub)
        return site.having(ca={name: signed_with_sha1(made, key)})

    return build


DELTA = (x509.DeltaCRLIndicator(1), True)

CASES = (
    bad(
        7,
        "certificate_revoked",
        "a revoked user",
        revoked("sub", "alice"),
        subject=ALICE,
    ),
    bad(
        7,
        "certificate_revoked",
        "a revoked sub-CA",
        revoked("root", "sub"),
        subject=SUB,
    ),
    bad(
        7,
        "certificate_revoked",
        "a revoked VOMS server",
        revoked("sub", "voms"),
        subject=VOMS,
    ),
    good(7, "50 others are revoked", sub_crl(revoked=range(1, 51))),
    bad(7, "crl_missing", "no CRL of the sub-CA", without(SUB_CRL)),
    bad(7, "crl_missing", "no CRL of the root", without(ROOT_CRL)),
    good(
        7,
        "no CRL of the sub-CA, where a CRL is taken if present",
        without(SUB_CRL),
        rules={"crl_policy": "if_present"},
    ),
    good(
        7,
        "a revoked user where CRLs are off",
        revoked("sub", "alice"),
        rules={"crl_policy": "off"},
    ),
    bad(7, "crl_missing", "a delta CRL alone", sub_crl(extra=[DELTA])),
    bad(7, "crl_unreadable", "an empty CRL file", holding(b"")),
    bad(
        7,
        "crl_unreadable",
        "a torn CRL, where a CRL is taken if present",
        holding(b"torn"),
        rules={"crl_policy": "if_present"},
    ),
    bad(
        7,
        "crl_unverified",
        "a CRL that another key signed",
        lambda site: sub_crl(signer_key=pooled_key(0))(site),
    ),
    bad(
        7,
        "crl_unverified",
        "a CRL of a CA that may not sign CRLs",
        under_sub(extra=[(key_usage("key_cert_sign"), True)]),
    ),
    bad(
        7,
        "crl_unverified",
        "a CRL with SHA-1",
        with_sha1(SUB_CRL, "sub"),
    ),
    good(7, "a CRL in its last second", sub_crl(not_after=NOW + MINUTE)),
    bad(7, "crl_expired", "a CRL past its nextUpdate", sub_crl(not_after=NOW)),
    bad(
        7,
        "crl_expired",
        "a CRL past its nextUpdate, where a CRL is taken if present",
        sub_crl(not_after=NOW),
        rules={"crl_policy": "if_present"},
    ),
    good(7, "a CRL from within the clock skew", sub_crl(not_before=NOW + SKEW)),
    bad(
        7,
        "crl_not_yet_valid",
        "a CRL from after the clock skew",
        sub_crl(not_before=NOW + SKEW + timedelta(seconds=1)),
    ),
    good(7, "a root that is signed with SHA-1", with_sha1(ROOT_FILE, "root")),
    good(
        7,
        "the CRL of another CA is missing",
        lambda site: site.having(
            ca=ca_files("other", make_ca("/DC=org/CN=Other", key=pooled_key(2))),
            without=["other.r0"],
        ),
    ),
)
