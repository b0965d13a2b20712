# SPDX-License-Identifier: Apache-2.0
"""A small grid site in memory and on disk, for the tests of the VOMS core.

Owns one good set of CAs, users and VOMS servers a process, and the writing of
the CA directory and of vomsdir. Must never judge: the tests do.
Read first: Site.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import Rules, VomsAttributes, validate
from tests.grid.ac import make_ac
from tests.grid.certs import (
    Credential,
    make_ca,
    make_crl,
    make_host,
    make_proxy,
    make_user,
)

# What a test may hand over: a credential stands for its chain in DER.
Chain = Credential | Sequence[bytes]

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = "/DC=org/DC=example/CN=Root CA"
SUB = "/DC=org/DC=example/CN=Sub CA"
ALICE = "/DC=org/DC=example/O=People/CN=alice"
HOST = "voms.example.org"
VOMS = f"/DC=org/DC=example/O=Hosts/CN={HOST}"
FQANS = ("/dteam/Role=NULL/Capability=NULL", "/dteam/NGI_TEST/Role=VO-Admin")


@dataclass(frozen=True, kw_only=True)
class Cast:
    """The good credentials that tests change one thing in."""

    root: Credential
    sub: Credential
    alice: Credential
    voms: Credential


@functools.cache
def cast() -> Cast:
    """Return the credentials of this process: a user and a server under a sub-CA."""
    root = make_ca(ROOT)
    sub = make_ca(SUB, issuer=root)
    return Cast(
        root=root,
        sub=sub,
        alice=make_user(ALICE, issuer=sub),
        voms=make_host(VOMS, issuer=sub, dns=[HOST]),
    )


def ac(**changes: object) -> bytes:
    """Return alice's AC of dteam, with changes."""
    people = cast()
    good: dict[str, object] = {
        "holder": people.alice.certificate,
        "voms": people.voms,
        "vo": "dteam",
        "fqans": FQANS,
        "host": HOST,
        "not_before": NOW,
    }
    return make_ac(**{**good, **changes})


def proxy(parent: Credential | None = None, **changes: object) -> Credential:
    """Return a proxy of alice with her AC, with changes."""
    if "ac" not in changes:
        changes["ac"] = ac()
    # NOW, not the time of the call: all tests of a long run share one moment.
    changes.setdefault("not_before", NOW - timedelta(minutes=5))
    return make_proxy(parent or cast().alice, **changes)


def signed_by_all(*cas: Credential) -> dict[str, bytes]:
    """Return the CA directory files of these CAs: hash.0, hash.r0, hash.namespaces."""
    files: dict[str, bytes] = {}
    for number, ca in enumerate(cas):
        files.update(ca_files(f"{number:08x}", ca))
    return files


def ca_files(base: str, ca: Credential, **crl_changes: object) -> dict[str, bytes]:
    """Return one CA's files under that base name."""
    subject = ca.certificate.subject
    dn = slash(subject)
    return {
        f"{base}.0": ca.certificate_pem(),
        f"{base}.r0": make_crl(ca, **crl_changes).public_bytes(
            serialization.Encoding.PEM
        ),
        f"{base}.namespaces": (
            f'TO Issuer "{dn}" PERMIT Subject "/DC=org/DC=example/.*"\n'
        ).encode(),
        f"{base}.signing_policy": (
            f"access_id_CA X509 '{dn}'\n"
            "pos_rights globus CA:sign\n"
            "cond_subjects globus '\"/DC=org/DC=example/*\"'\n"
        ).encode(),
    }


def slash(name: x509.Name) -> str:
    """Return a plain ASCII name in the slash form."""
    return "".join(
        f"/{attribute.rfc4514_attribute_name}={attribute.value}" for attribute in name
    )


@dataclass(kw_only=True)
class Site:
    """A CA directory and a vomsdir under `root`, written as the fields say."""

    root: Path
    ca_files: dict[str, bytes] = field(
        default_factory=lambda: signed_by_all(cast().root, cast().sub)
    )
    vomsdir_files: dict[str, bytes] = field(
        default_factory=lambda: {f"dteam/{HOST}.lsc": f"{VOMS}\n{SUB}\n".encode()}
    )

    def having(
        self,
        chain: Chain | None = None,
        *,
        cas: Sequence[Credential] | None = None,
        ca: Mapping[str, bytes] | None = None,
        vomsdir: Mapping[str, bytes] | None = None,
        without: Collection[str] = (),
    ) -> Chain:
        """Change files of this site, and return the chain that is to be judged.

        That is `chain`, alice's good proxy if None. `cas` stand in place of the
        installed CAs; `ca` and `vomsdir` add files or replace them by name,
        `without` takes them away.
        """
        if cas is not None:
            self.ca_files = signed_by_all(*cas)
        self.ca_files |= ca or {}
        self.vomsdir_files |= vomsdir or {}
        for name in without:
            del (self.ca_files if name in self.ca_files else self.vomsdir_files)[name]
        if chain is not None:
            return chain
        # A CA of the good ones would be a stray where others are installed.
        return proxy() if cas is None else proxy().chain()[:2]

    def write(self) -> tuple[TrustStore, Vomsdir]:
        """Return the two directories, written and opened."""
        for folder, files in (
            ("certificates", self.ca_files),
            ("vomsdir", self.vomsdir_files),
        ):
            (self.root / folder).mkdir(exist_ok=True)
            for name, content in files.items():
                path = self.root / folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
        return (
            TrustStore(self.root / "certificates", check_seconds=0),
            Vomsdir(self.root / "vomsdir", check_seconds=0),
        )

    def validate(
        self,
        chain: Chain,
        *,
        at: datetime | None = None,
        judge: Callable[..., VomsAttributes] = validate,
        **rules: object,
    ) -> VomsAttributes:
        """Return the verdict of `judge` on a chain at this site."""
        trust, vomsdir = self.write()
        return judge(
            chain.chain() if isinstance(chain, Credential) else chain,
            trust=trust,
            vomsdir=vomsdir,
            at=at or NOW + timedelta(minutes=1),
            rules=Rules(**rules),
        )
