# SPDX-License-Identifier: Apache-2.0
"""Writes the CA directory and the vomsdir as a grid site installs them.

Owns the file names and formats: `HASH.0`, `HASH.r0`, `HASH.signing_policy`,
`HASH.namespaces` under both of OpenSSL's hash names, and LSC files. Must never
issue anything.
Read first: install_ca().
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.grid.certs import der, der_oid


def subject_hash(name: x509.Name) -> str:
    """Return the hash name of OpenSSL 1.0 and later, 8 hex digits."""
    # SHA-1 over the RDNs one after the other, without the SEQUENCE around
    # them, each value in lower case, trimmed, and as a UTF8String.
    canonical = b"".join(
        der(0x31, *sorted(_canonical_attribute(item) for item in rdn))
        for rdn in name.rdns
    )
    return _first_four(hashlib.sha1(canonical).digest())


def subject_hash_old(name: x509.Name) -> str:
    """Return the hash name of OpenSSL before 1.0, 8 hex digits."""
    return _first_four(hashlib.md5(name.public_bytes()).digest())


def install_ca(
    directory: Path,
    *,
    certificate: x509.Certificate,
    crl: x509.CertificateRevocationList,
    dn: str,
    subjects: Sequence[str],
) -> None:
    """Write the files of one CA, under both hash names, into the directory.

    `subjects` are DN prefixes that the CA may sign, such as /DC=org/DC=example.
    """
    directory.mkdir(parents=True, exist_ok=True)
    name = certificate.subject
    for stem in (subject_hash(name), subject_hash_old(name)):
        write = directory / stem
        write.with_suffix(".0").write_bytes(certificate.public_bytes(Encoding.PEM))
        write.with_suffix(".r0").write_bytes(crl.public_bytes(Encoding.PEM))
        policy = signing_policy(dn, subjects)
        write.with_suffix(".signing_policy").write_text(policy, encoding="utf-8")
        permits = namespaces(dn, subjects)
        write.with_suffix(".namespaces").write_text(permits, encoding="utf-8")


def install_lsc(vomsdir: Path, *, vo: str, host: str, chain: Sequence[str]) -> None:
    """Write vomsdir/VO/HOST.lsc: the DNs of the server and of the CAs above."""
    directory = vomsdir / vo
    directory.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{dn}\n" for dn in chain)
    (directory / f"{host}.lsc").write_text(lines, encoding="utf-8")


def signing_policy(dn: str, subjects: Sequence[str]) -> str:
    """Return a Globus EACL file: which subjects the CA may sign."""
    patterns = " ".join(f'"{subject}/*"' for subject in subjects)
    return (
        f"access_id_CA  X509    '{dn}'\n"
        "pos_rights    globus  CA:sign\n"
        f"cond_subjects globus  '{patterns}'\n"
    )


def namespaces(dn: str, subjects: Sequence[str]) -> str:
    """Return an EUGridPMA namespaces file: which subjects the CA may sign."""
    header = "#NAMESPACES-VERSION: 1.0\n"
    return header + "".join(
        f'TO Issuer "{dn}" \\\n  PERMIT Subject "{subject}/.*"\n'
        for subject in subjects
    )


def _canonical_attribute(attribute: x509.NameAttribute[str | bytes]) -> bytes:
    value = attribute.value
    if isinstance(value, str):
        # Only the letters A to Z change case: OpenSSL's tolower knows ASCII.
        text = " ".join(part for part in value.split(" ") if part)
        value = "".join(c.lower() if c.isascii() else c for c in text).encode()
    oid = der_oid(attribute.oid.dotted_string)
    return der(0x30, oid, der(0x0C, value))


def _first_four(digest: bytes) -> str:
    return f"{int.from_bytes(digest[:4], 'little'):08x}"
