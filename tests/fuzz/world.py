# SPDX-License-Identifier: Apache-2.0
"""One good grid site whose keys, serials and dates are the same in each run.

Owns the seeds of the fuzz targets and the directories that chains are judged
by, so that an input that was saved today means the same tomorrow. Must never
sign anything outside a test: its keys are small known numbers. Read first:
World.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import Rules, VomsAttributes, validate
from tests.grid.ac import SHA256_ECDSA, make_ac, sign
from tests.grid.certs import (
    Credential,
    der,
    make_ca,
    make_crl,
    make_host,
    make_proxy,
    make_user,
)
from tests.unit.voms.site import ALICE, FQANS, HOST, ROOT, SUB, VOMS, Site, ca_files
from tests.unit.voms.surgery import split

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
AT = datetime(2030, 1, 1, tzinfo=UTC)
END = datetime(2036, 1, 1, tzinfo=UTC)
# The files are written once; looking at them again would only cost time.
_NEVER = 1e9


def _key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(10_000 + number, ec.SECP256R1())


@dataclass(frozen=True, kw_only=True)
class World:
    """The good credentials, and the judgement on chains that are nearly theirs."""

    root: Credential
    sub: Credential
    alice: Credential
    voms: Credential
    proxy: Credential
    trust: TrustStore
    vomsdir: Vomsdir

    @classmethod
    def at(cls, directory: Path) -> World:
        """Return the world, its CA directory and vomsdir written to `directory`."""
        dates = {"not_before": BEGIN, "not_after": END}
        root = make_ca(ROOT, key=_key(0), serial=1, **dates)
        sub = make_ca(SUB, issuer=root, key=_key(1), serial=2, **dates)
        alice = make_user(ALICE, issuer=sub, key=_key(2), serial=3, **dates)
        voms = make_host(VOMS, issuer=sub, key=_key(3), serial=4, dns=[HOST], **dates)
        site = Site(root=directory)
        site.ca_files = {
            **ca_files("00000000", root, **dates),
            **ca_files("00000001", sub, **dates),
        }
        trust, vomsdir = site.write()
        return cls(
            root=root,
            sub=sub,
            alice=alice,
            voms=voms,
            proxy=_proxy(alice, good_ac(alice, voms)),
            trust=TrustStore(trust.path, check_seconds=_NEVER),
            vomsdir=Vomsdir(vomsdir.path, check_seconds=_NEVER),
        )

    def verdict(self, chain: Sequence[bytes]) -> VomsAttributes:
        """Return what a chain in DER proves here."""
        return validate(
            chain,
            trust=self.trust,
            vomsdir=self.vomsdir,
            at=AT,
            rules=Rules(hostnames=("a.example.org",)),
        )

    def with_signed_proxy(self, tbs: bytes) -> tuple[bytes, ...]:
        """Return a chain whose leaf is this TBSCertificate, signed by alice."""
        return signed(tbs, self.alice), *self.alice.chain()

    def with_signed_user(self, tbs: bytes) -> tuple[bytes, ...]:
        """Return alice's proxy above this TBSCertificate, signed by the sub-CA."""
        leaf, _, *above = self.proxy.chain()
        return leaf, signed(tbs, self.sub), *above

    def with_ac(self, ac: bytes) -> tuple[bytes, ...]:
        """Return a chain whose proxy carries these bytes as its AC."""
        return _proxy(self.alice, ac).chain()

    def with_signed_ac(self, info: bytes) -> tuple[bytes, ...]:
        """Return a proxy with this AttributeCertificateInfo, signed by the server."""
        return self.with_ac(signed(info, self.voms))

    def ac(self, **changes: object) -> bytes:
        """Return alice's AC, with changes."""
        return good_ac(self.alice, self.voms, **changes)

    def crl(self) -> bytes:
        """Return a CRL of the sub-CA with a few entries."""
        found = make_crl(
            self.sub,
            revoked=range(100, 104),
            not_before=BEGIN,
            not_after=END,
            entry_extra=[(x509.CRLReason(x509.ReasonFlags.key_compromise), False)],
        )
        return found.public_bytes(serialization.Encoding.DER)


def good_ac(alice: Credential, voms: Credential, **changes: object) -> bytes:
    """Return alice's AC of dteam from its server, with changes."""
    good: dict[str, object] = {
        "holder": alice.certificate,
        "voms": voms,
        "vo": "dteam",
        "fqans": FQANS,
        "host": HOST,
        "not_before": BEGIN,
        "not_after": END,
    }
    return make_ac(**{**good, **changes})


def _proxy(alice: Credential, ac: bytes) -> Credential:
    return make_proxy(
        alice, ac=ac, key=_key(4), serial=5, not_before=BEGIN, not_after=END
    )


def signed(tbs: bytes, signer: Credential) -> bytes:
    """Return the certificate or AC of these to-be-signed bytes."""
    bits = der(0x03, b"\0", sign(signer.key, tbs))
    return der(0x30, tbs, SHA256_ECDSA, bits)


def tbs_of(data: bytes) -> bytes:
    """Return the to-be-signed bytes of a certificate, CRL or AC."""
    return split(data)[0]
