# SPDX-License-Identifier: Apache-2.0
"""OpenSSL agrees with the grid: chains, CRLs, hash names, TLS handshakes.

The openssl command and Python's ssl module are the second opinion here.
Read first: handshake().
"""

import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from tests.grid.accounts import ACCOUNTS
from tests.grid.cadir import subject_hash, subject_hash_old
from tests.grid.certs import make_ca
from tests.grid.grid import Grid
from tests.grid.hostile import HOSTILE

GOOD = [name for name in ACCOUNTS if name != "revoked"]
STOPPED_BY_TLS = [name for name, case in HOSTILE.items() if case.stopped_by == "tls"]
REACH_KEYSTONE = [
    name for name, case in HOSTILE.items() if case.stopped_by == "keystone"
]


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(
        ["openssl", *arguments], capture_output=True, text=True, timeout=30
    )
    return done.stdout + done.stderr


def verify(grid: Grid, certificate: Path, *options: str | Path) -> str:
    return openssl(
        "verify", "-CApath", grid.certificates, "-crl_check_all", "-x509_strict",
        "-allow_proxy_certs", *options, certificate,
    )  # fmt: skip


def handshake(grid: Grid, proxy: Path) -> int:
    """Return how many certificates a server with the grid's CAs and CRLs got."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(grid.host.certificate, grid.host.key)
    server.load_verify_locations(grid.ca_bundle)
    server.load_verify_locations(grid.crl_bundle)
    server.verify_mode = ssl.CERT_REQUIRED
    server.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS | ssl.VERIFY_CRL_CHECK_CHAIN
    client = ssl.create_default_context(cafile=str(grid.ca_bundle))
    client.load_cert_chain(proxy)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(down, up, server_hostname="localhost"),
        server.wrap_bio(up, down, server_side=True),
    ]
    waiting = list(ends)
    while waiting:
        for end in tuple(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
    return len(ends[1]._sslobj.get_unverified_chain())


@pytest.mark.parametrize("user", GOOD)
def test_the_users_certificates_verify(own_grid: Grid, user: str) -> None:
    assert verify(own_grid, own_grid.user(user).certificate).endswith(": OK\n")


@pytest.mark.parametrize("user", GOOD)
def test_the_proxies_verify(grid: Grid, user: str, tmp_path: Path) -> None:
    proxy = grid.proxy(user)
    assert verify(grid, proxy, "-untrusted", proxy).endswith(": OK\n")


@pytest.mark.parametrize("vo", ["dteam", "ops", "fedcloud.egi.eu"])
def test_the_voms_servers_verify(own_grid: Grid, vo: str) -> None:
    assert verify(own_grid, own_grid.voms(vo).certificate).endswith(": OK\n")


def test_the_bad_ones_do_not_verify(own_grid: Grid) -> None:
    revoked = own_grid.user("revoked").certificate
    assert "certificate revoked" in verify(own_grid, revoked)
    server = own_grid.revoked_voms.certificate
    assert "certificate revoked" in verify(own_grid, server)
    mallory = own_grid.user("mallory").certificate
    assert "unable to get local issuer" in verify(own_grid, mallory)
    expired = own_grid.proxy("expired")
    answer = verify(own_grid, expired, "-untrusted", expired)
    assert "certificate has expired" in answer


def test_both_ways_to_the_root_are_used(own_grid: Grid) -> None:
    def depth(user: str) -> int:
        certificate = own_grid.user(user).certificate
        return verify(own_grid, certificate, "-show_chain").count("depth=")

    assert (depth("alice"), depth("bob"), depth("erin")) == (2, 3, 3)


@pytest.mark.parametrize(
    "subject",
    [
        "/DC=org/DC=example/CN=Example Grid Root CA",
        "/C=XX/O=Ministry  of   Spaces /CN= Leading and trailing ",
        "/C=XX/O=Überraschung ÉCOLE/CN=Root",
        "/DC=EXAMPLE/OU=A/OU=B/CN=x@y.example.org/emailAddress=CA@Example.ORG",
    ],
)
def test_the_hash_names_are_openssls(subject: str, tmp_path: Path) -> None:
    ca = make_ca(subject)
    file = tmp_path / "ca.pem"
    file.write_bytes(ca.certificate_pem())
    options = ("x509", "-in", file, "-noout", "-subject_hash", "-subject_hash_old")
    name = ca.certificate.subject
    expected = [subject_hash(name), subject_hash_old(name)]
    assert openssl(*options).split() == expected


def test_each_ca_is_found_by_both_names(own_grid: Grid) -> None:
    for path in own_grid.certificates.glob("*.0"):
        name = x509.load_pem_x509_certificate(path.read_bytes()).subject
        assert path.stem in (subject_hash(name), subject_hash_old(name))
        crl = x509.load_pem_x509_crl(path.with_suffix(".r0").read_bytes())
        assert crl.issuer == name


@pytest.mark.parametrize("user", GOOD)
def test_a_tls_server_takes_every_good_proxy(grid: Grid, user: str) -> None:
    assert handshake(grid, grid.proxy(user)) == (3 if user == "erin" else 2)


@pytest.mark.parametrize("name", REACH_KEYSTONE)
def test_a_tls_server_cannot_see_what_is_wrong_with_the_ac(
    own_grid: Grid, name: str, tmp_path: Path
) -> None:
    assert handshake(own_grid, HOSTILE[name].write(own_grid, tmp_path)) == 2


@pytest.mark.parametrize("name", STOPPED_BY_TLS)
def test_a_tls_server_refuses_the_bad_paths(
    own_grid: Grid, name: str, tmp_path: Path
) -> None:
    proxy = HOSTILE[name].write(own_grid, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(own_grid, proxy)


def test_a_tls_library_does_not_load_a_truncated_certificate(
    own_grid: Grid, tmp_path: Path
) -> None:
    proxy = HOSTILE["certificate_truncated"].write(own_grid, tmp_path)
    with pytest.raises(ssl.SSLError):
        handshake(own_grid, proxy)


@pytest.mark.parametrize("name", ["expired", "mallory", "revoked"])
def test_a_tls_server_refuses_the_bad_accounts(grid: Grid, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(grid, grid.proxy(name))
