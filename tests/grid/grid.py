# SPDX-License-Identifier: Apache-2.0
"""Makes the test grid: a fresh set of CAs, VOMS servers, users and proxies.

Owns the layout of the grid's directory. Valid for 24 hours from the moment it
is made. Must never touch a directory that it did not make, nor be used for
anything but tests: its CA keys lie on the disk.
Read first: make_grid(); Grid names every path.
"""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.grid.accounts import (
    ACCOUNTS,
    BASE_DN,
    CA_DNS,
    ROOT,
    ROOT_CA_DN,
    SERVERS,
    SUB,
    SUB_CA_DN,
    TLS_HOST_DN,
    UNTRUSTED_CA_DN,
    Account,
)
from tests.grid.cadir import install_ca, install_lsc
from tests.grid.certs import Credential, make_ca, make_crl, make_host, make_user
from tests.grid.reissue import (
    GridError,
    Maker,
    PemPair,
    choose_maker,
    user_files,
    voms_files,
    write_private,
    write_proxy,
)

LIFETIME = timedelta(hours=24)
# The expired proxy lies in the past: certificates and CRLs cover its time, so
# that nothing else is wrong with it.
BACKDATE = timedelta(hours=24)
EXPIRED_HOURS = 12
EXPIRED_PAST = timedelta(hours=13)

_MARKER = ".test-grid"
_DIRECTORIES = (
    "certificates",
    "vomsdir",
    "keys",
    "proxies",
    "host",
    "ca",
    "untrusted",
    "revoked",
)


@dataclass(frozen=True)
class Grid:
    """The paths of a grid made by make_grid below `root`."""

    root: Path

    @property
    def certificates(self) -> Path:
        """Return the hashed CA directory, with CRLs and namespaces."""
        return self.root / "certificates"

    @property
    def vomsdir(self) -> Path:
        """Return the directory of VO/HOST.lsc files."""
        return self.root / "vomsdir"

    @property
    def keys(self) -> Path:
        """Return the directory of the users' and VOMS servers' PEM files."""
        return self.root / "keys"

    @property
    def proxies(self) -> Path:
        """Return the directory of the users' proxy files."""
        return self.root / "proxies"

    @property
    def host(self) -> PemPair:
        """Return the TLS server's files, for localhost and 127.0.0.1."""
        return PemPair(
            certificate=self.root / "host/cert.pem", key=self.root / "host/key.pem"
        )

    @property
    def ca_bundle(self) -> Path:
        """Return the trusted CA certificates in one PEM file."""
        return self.root / "ca.pem"

    @property
    def crl_bundle(self) -> Path:
        """Return the CRLs of the trusted CAs in one PEM file."""
        return self.root / "crl.pem"

    def proxy(self, name: str) -> Path:
        """Return the proxy file of an account, of `mallory` or `expired`."""
        return self.proxies / f"{name}.pem"

    def user(self, name: str) -> PemPair:
        """Return the certificate and key files of a user."""
        return user_files(self.keys, name)

    def voms(self, vo: str) -> PemPair:
        """Return the certificate and key files of a VO's VOMS server."""
        return voms_files(self.keys, vo)

    def authority(self, name: str) -> PemPair:
        """Return the files of the CA `root`, `sub` or `untrusted`."""
        return PemPair(
            certificate=self.root / f"ca/{name}cert.pem",
            key=self.root / f"ca/{name}key.pem",
        )

    @property
    def untrusted_voms(self) -> PemPair:
        """Return a server with dteam's DN, from the CA that nobody trusts."""
        return voms_files(self.root / "untrusted", "dteam")

    @property
    def revoked_voms(self) -> PemPair:
        """Return an earlier certificate of dteam's server, now revoked."""
        return voms_files(self.root / "revoked", "dteam")


def make_grid(root: Path, *, at: datetime | None = None, maker: Maker = "auto") -> Grid:
    """Return a new grid below `root`, in place of an older one there.

    `at` is the moment its 24 hours begin, now if None. Raises GridError if
    `root` holds directories of the same names that are no grid's, and as
    choose_maker does.
    """
    maker = choose_maker(maker, at=at)
    grid = Grid(root)
    _clear(root)
    start = at or datetime.now(UTC).replace(microsecond=0)
    _write_trust(grid, start)
    _write_proxies(grid, maker=maker, at=at)
    end = (start + LIFETIME).isoformat()
    (root / _MARKER).write_text(f"proxies by {maker}, valid until {end}\n")
    return grid


def _clear(root: Path) -> None:
    ours = [root / name for name in _DIRECTORIES if (root / name).exists()]
    if ours and not (root / _MARKER).is_file():
        raise GridError(
            f"{root} holds {ours[0].name}/, which no test grid made. "
            "Choose an empty directory."
        )
    for directory in ours:
        shutil.rmtree(directory)
    for name in _DIRECTORIES:
        (root / name).mkdir(parents=True, mode=0o755)
    (root / _MARKER).write_text("unfinished\n")


def _write_trust(grid: Grid, start: datetime) -> None:
    """Write everything but the proxies: CAs, servers, users."""
    since, until = start - BACKDATE, start + LIFETIME
    root = make_ca(ROOT_CA_DN, not_before=since, not_after=until)
    sub = make_ca(
        SUB_CA_DN, issuer=root, path_length=0, not_before=since, not_after=until
    )
    untrusted = make_ca(UNTRUSTED_CA_DN, not_before=since, not_after=until)
    authorities = {ROOT: root, SUB: sub}
    for name, authority in (*authorities.items(), ("untrusted", untrusted)):
        _write_pair(grid.authority(name), authority)

    host = make_host(
        TLS_HOST_DN,
        issuer=root,
        dns=("localhost",),
        ips=("127.0.0.1",),
        not_before=since,
        not_after=until,
    )
    _write_pair(grid.host, host)

    def voms_host(vo: str, issuer: Credential) -> Credential:
        server = SERVERS[vo]
        return make_host(
            server.dn,
            issuer=issuer,
            dns=(server.host,),
            not_before=since,
            not_after=until,
        )

    for vo, server in SERVERS.items():
        _write_pair(grid.voms(vo), voms_host(vo, authorities[server.ca]))
        chain = (server.dn, CA_DNS[server.ca])
        install_lsc(grid.vomsdir, vo=vo, host=server.host, chain=chain)
    _write_pair(grid.untrusted_voms, voms_host("dteam", untrusted))
    revoked_voms = voms_host("dteam", root)
    _write_pair(grid.revoked_voms, revoked_voms)

    users = {}
    for account in ACCOUNTS.values():
        issuer = authorities[account.ca]
        user = make_user(account.dn, issuer=issuer, not_before=since, not_after=until)
        users[account.name] = user
        _write_pair(grid.user(account.name), user, issuers=account.sends_ca)
    mallory = make_user(
        ACCOUNTS["alice"].dn, issuer=untrusted, not_before=since, not_after=until
    )
    _write_pair(grid.user("mallory"), mallory)

    _write_authorities(
        grid,
        authorities,
        revoked={
            ROOT: (revoked_voms,),
            SUB: (users["revoked"],),
        },
        start=start,
    )


def _write_authorities(
    grid: Grid,
    authorities: dict[str, Credential],
    *,
    revoked: dict[str, tuple[Credential, ...]],
    start: datetime,
) -> None:
    """Write the CA directory and the two bundles."""
    certificates, crls = [], []
    for name, authority in authorities.items():
        crl = make_crl(
            authority,
            revoked=[item.certificate for item in revoked[name]],
            not_before=start - BACKDATE,
            not_after=start + LIFETIME,
        )
        install_ca(
            grid.certificates,
            certificate=authority.certificate,
            crl=crl,
            dn=CA_DNS[name],
            subjects=(BASE_DN,),
        )
        certificates.append(authority.certificate_pem())
        crls.append(crl.public_bytes(Encoding.PEM))
    grid.ca_bundle.write_bytes(b"".join(certificates))
    grid.crl_bundle.write_bytes(b"".join(crls))


def _write_proxies(grid: Grid, *, maker: Maker, at: datetime | None) -> None:
    def good(account: Account) -> None:
        write_proxy(
            grid.user(account.name),
            out=grid.proxy(account.name),
            vo=account.vo,
            fqans=account.fqans,
            server=grid.voms(account.vo) if account.vo else None,
            maker=maker,
            at=at,
        )

    alice = ACCOUNTS["alice"]

    def expired() -> None:
        write_proxy(
            grid.user("alice"),
            out=grid.proxy("expired"),
            vo=alice.vo,
            fqans=alice.fqans,
            server=grid.voms("dteam"),
            maker=maker,
            at=at,
            hours=EXPIRED_HOURS,
            past=EXPIRED_PAST,
        )

    def mallory() -> None:
        write_proxy(
            grid.user("mallory"),
            out=grid.proxy("mallory"),
            vo=alice.vo,
            fqans=alice.fqans,
            server=grid.untrusted_voms,
            maker=maker,
            at=at,
        )

    # The real program spends its time on a new key for each proxy.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs = [pool.submit(good, account) for account in ACCOUNTS.values()]
        jobs += [pool.submit(expired), pool.submit(mallory)]
        for job in jobs:
            job.result()


def _write_pair(
    pair: PemPair, credential: Credential, *, issuers: bool = False
) -> None:
    content = credential.certificate_pem()
    if issuers:
        content += b"".join(
            issuer.public_bytes(Encoding.PEM) for issuer in credential.issuers
        )
    pair.certificate.write_bytes(content)
    write_private(pair.key, credential.key_pem())
