# SPDX-License-Identifier: Apache-2.0
"""Credentials that must never log in, each one thing away from a good one.

Owns HOSTILE: how each is made from the files of a grid, the code that it is
refused with, and who stops it first: the client's TLS library, a TLS server
that checks chains and CRLs, or Keystone. Must never check anything itself.
Read first: HOSTILE.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.grid.ac import SHA256_RSA, make_ac
from tests.grid.accounts import (
    ACCOUNTS,
    BASE_DN,
    ROOT_CA_DN,
    SERVERS,
    VOMS_PORT,
    full_fqan,
)
from tests.grid.certs import (
    Credential,
    der,
    make_ca,
    make_host,
    make_proxy,
    make_user,
)
from tests.grid.grid import Grid
from tests.grid.reissue import write_private

# A TLS library will not even send what "client" stops: hand it to Keystone in
# the WSGI environ.
StoppedBy = Literal["client", "tls", "keystone"]

VO = "dteam"
HOST = SERVERS[VO].host
FQANS = ACCOUNTS["alice"].fqans


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One hostile credential: its maker and who has to refuse it with what."""

    name: str
    make: Callable[[Grid], bytes]
    code: str
    stopped_by: StoppedBy

    def write(self, grid: Grid, directory: Path) -> Path:
        """Return the proxy file (PEM, mode 0600) written into the directory."""
        path = directory / f"{self.name}.pem"
        write_private(path, self.make(grid))
        return path


def ac_signature_changed(grid: Grid) -> bytes:
    """Return alice's proxy whose AC has one flipped byte in its signature."""
    return _alice(grid, edit_signature=_flip_a_byte)


def ac_content_changed(grid: Grid) -> bytes:
    """Return alice's proxy whose AC got another group after it was signed."""

    def add_admin(ac: bytes) -> bytes:
        return ac.replace(b"/dteam/AA", b"/dteam/ZZ")

    alice = grid.user("alice").load()
    ac = _ac(grid, alice, fqans=(full_fqan("/dteam/AA"),))
    return make_proxy(alice, ac=add_admin(ac)).pem()


def ac_unsigned(grid: Grid) -> bytes:
    """Return alice's proxy whose AC has an empty signature."""
    return _alice(grid, edit_signature=lambda _: b"")


def ac_of_another(grid: Grid) -> bytes:
    """Return bob's proxy that carries alice's AC."""
    ac = _ac(grid, grid.user("alice").load())
    return make_proxy(grid.user("bob").load(), ac=ac).pem()


def ac_signer_not_in_lsc(grid: Grid) -> bytes:
    """Return alice's proxy with an AC of dteam that the server of ops signed."""
    return _alice(grid, voms=grid.voms("ops").load())


def ac_server_without_lsc(grid: Grid) -> bytes:
    """Return alice's proxy with an AC that names a server with no LSC file."""
    return _alice(grid, host="voms-other.example.org")


def ac_signer_untrusted(grid: Grid) -> bytes:
    """Return alice's proxy with an AC signed under a CA of the root's name."""
    twin = make_ca(ROOT_CA_DN)
    return _alice(grid, voms=make_host(SERVERS[VO].dn, issuer=twin))


def ac_signer_revoked(grid: Grid) -> bytes:
    """Return alice's proxy with an AC signed by a revoked server certificate."""
    return _alice(grid, voms=grid.revoked_voms.load())


def ac_signer_expired(grid: Grid) -> bytes:
    """Return alice's proxy with an AC signed by a server certificate now over."""
    return _alice(
        grid,
        voms=make_host(
            SERVERS[VO].dn,
            issuer=grid.authority("root").load(),
            not_before=_now() - timedelta(hours=5),
            not_after=_now() - timedelta(hours=1),
        ),
    )


def ac_expired(grid: Grid) -> bytes:
    """Return alice's live proxy with an AC that is over."""
    return _alice(
        grid,
        not_before=_now() - timedelta(hours=13),
        not_after=_now() - timedelta(hours=1),
    )


def fqan_outside_vo(grid: Grid) -> bytes:
    """Return alice's proxy with an AC of dteam that names a group of ops."""
    return _alice(grid, fqans=(*FQANS, full_fqan("/ops")))


def no_ac(grid: Grid) -> bytes:
    """Return frank's plain proxy, which no VO vouches for."""
    return grid.proxy("frank").read_bytes()


def proxy_unsigned(grid: Grid) -> bytes:
    """Return alice's proxy with an empty signature on the proxy itself."""
    alice = grid.user("alice").load()
    good = make_proxy(alice, ac=_ac(grid, alice))
    unsigned = der(
        0x30,
        good.certificate.tbs_certificate_bytes,
        SHA256_RSA,
        der(0x03, b"\x00"),
    )
    return replace(good, certificate=x509.load_der_x509_certificate(unsigned)).pem()


def proxy_wrong_key(grid: Grid) -> bytes:
    """Return a proxy of alice that bob's key signed."""
    alice = grid.user("alice").load()
    signer_key = grid.user("bob").load().key
    return make_proxy(alice, ac=_ac(grid, alice), signer_key=signer_key).pem()


def proxy_expired(grid: Grid) -> bytes:
    """Return alice's proxy that is over, around an AC that is not."""
    alice = grid.user("alice").load()
    proxy = make_proxy(
        alice,
        ac=_ac(grid, alice),
        not_before=_now() - timedelta(hours=13),
        not_after=_now() - timedelta(hours=1),
    )
    return proxy.pem()


def user_expired(grid: Grid) -> bytes:
    """Return a live proxy of a user whose certificate is over."""
    user = make_user(
        ACCOUNTS["alice"].dn,
        issuer=grid.authority("root").load(),
        not_before=_now() - timedelta(hours=5),
        not_after=_now() - timedelta(hours=1),
    )
    return make_proxy(user, ac=_ac(grid, user)).pem()


def user_revoked(grid: Grid) -> bytes:
    """Return the proxy of a user who is in the CRL of the sub-CA."""
    return grid.proxy("revoked").read_bytes()


def user_of_unknown_ca(grid: Grid) -> bytes:
    """Return mallory's proxy: all of alice's, from a CA nobody trusts."""
    return grid.proxy("mallory").read_bytes()


def user_of_twin_ca(grid: Grid) -> bytes:
    """Return a proxy of alice's DN from a CA with the root's name, not its key."""
    user = make_user(ACCOUNTS["alice"].dn, issuer=make_ca(ROOT_CA_DN))
    return make_proxy(user, ac=_ac(grid, user)).pem()


def user_certificate_missing(grid: Grid) -> bytes:
    """Return alice's proxy without the certificate of alice above it."""
    alice = grid.user("alice").load()
    return replace(make_proxy(alice, ac=_ac(grid, alice)), issuers=()).pem()


def user_as_issuer(grid: Grid) -> bytes:
    """Return a certificate that alice's key issued to somebody else."""
    alice = grid.user("alice").load()
    victim = make_user(f"{BASE_DN}/O=People/CN=bob", issuer=replace(alice, issuers=()))
    return make_proxy(victim, ac=_ac(grid, victim)).pem()


def certificate_truncated(grid: Grid) -> bytes:
    """Return alice's proxy file whose first certificate is cut in the middle."""
    alice = grid.user("alice").load()
    proxy = make_proxy(alice, ac=_ac(grid, alice))
    whole = proxy.certificate.public_bytes(Encoding.DER)
    return _pem(whole[: len(whole) // 2]) + proxy.key_pem() + alice.certificate_pem()


def _alice(grid: Grid, **change: Any) -> bytes:
    alice = grid.user("alice").load()
    return make_proxy(alice, ac=_ac(grid, alice, **change)).pem()


def _ac(grid: Grid, holder: Credential, **change: Any) -> bytes:
    """Return a good AC of dteam, but for what `change` hands to make_ac."""
    good: dict[str, Any] = {
        "voms": grid.voms(VO).load(),
        "vo": VO,
        "fqans": FQANS,
        "host": HOST,
        "port": VOMS_PORT,
    }
    return make_ac(holder=holder.certificate, **{**good, **change})


def _flip_a_byte(signature: bytes) -> bytes:
    middle = len(signature) // 2
    flipped = bytes([signature[middle] ^ 0x01])
    return signature[:middle] + flipped + signature[middle + 1 :]


def _pem(content: bytes) -> bytes:
    text = base64.encodebytes(content).replace(b"\n", b"")
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    begin, end = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
    return b"\n".join((begin, *lines, end, b""))


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


_CASES: tuple[tuple[Callable[[Grid], bytes], str, StoppedBy], ...] = (
    (ac_signature_changed, "ac_signature_invalid", "keystone"),
    (ac_content_changed, "ac_signature_invalid", "keystone"),
    (ac_unsigned, "ac_signature_invalid", "keystone"),
    (ac_of_another, "holder_mismatch", "keystone"),
    (ac_signer_not_in_lsc, "lsc_mismatch", "keystone"),
    (ac_server_without_lsc, "lsc_not_found", "keystone"),
    (ac_signer_untrusted, "signature_invalid", "keystone"),
    (ac_signer_revoked, "certificate_revoked", "keystone"),
    (ac_signer_expired, "certificate_expired", "keystone"),
    (ac_expired, "ac_expired", "keystone"),
    (fqan_outside_vo, "fqan_outside_vo", "keystone"),
    (no_ac, "no_ac", "keystone"),
    (proxy_unsigned, "signature_invalid", "tls"),
    (proxy_wrong_key, "signature_invalid", "tls"),
    (proxy_expired, "proxy_expired", "tls"),
    (user_expired, "certificate_expired", "tls"),
    (user_revoked, "certificate_revoked", "tls"),
    (user_of_unknown_ca, "issuer_unknown", "tls"),
    (user_of_twin_ca, "signature_invalid", "tls"),
    (user_certificate_missing, "no_end_entity", "tls"),
    (user_as_issuer, "issuer_unknown", "tls"),
    (certificate_truncated, "certificate_unreadable", "client"),
)

HOSTILE = {
    make.__name__: Hostile(
        name=make.__name__, make=make, code=code, stopped_by=stopped_by
    )
    for make, code, stopped_by in _CASES
}
