# SPDX-License-Identifier: Apache-2.0
"""Issues a proxy from the PEM files of the grid, with either AC maker.

Owns the choice of the maker and the proxy files. A test of withdrawal calls
reissue() with LAB_GRID_KEYS for a second, poorer proxy of a user. Must never
need the grid's CAs: a keys directory is enough.
Read first: reissue().
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
)

from tests.grid import proxyfake
from tests.grid.accounts import SERVERS, VOMS_PORT
from tests.grid.ac import make_ac
from tests.grid.certs import Credential, PrivateKey, make_proxy

Maker = Literal["auto", "own", "voms-proxy-fake"]

_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL
)

PROXY_HOURS = 23
# voms-proxy-fake starts its proxies this much earlier; so does our maker.
BACKDATE = timedelta(minutes=5)


class GridError(Exception):
    """The test grid cannot be made as asked; the text says how to mend it."""


@dataclass(frozen=True, kw_only=True)
class PemPair:
    """A certificate file (PEM, issuers may follow) and its key file (PEM)."""

    certificate: Path
    key: Path

    def load(self) -> Credential:
        """Return what the files hold."""
        first, *issuers = load_chain(self.certificate.read_bytes())
        return Credential(
            certificate=first, key=_load_key(self.key), issuers=tuple(issuers)
        )


def load_chain(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM text in its order."""
    # The library has a function for it since 39; the core is tested with 38 too.
    return tuple(
        x509.load_pem_x509_certificate(block) for block in _CERTIFICATE.findall(pem)
    )


def user_files(keys: Path, user: str) -> PemPair:
    """Return the files of a user in a keys directory such as LAB_GRID_KEYS."""
    return PemPair(certificate=keys / f"{user}cert.pem", key=keys / f"{user}key.pem")


def voms_files(keys: Path, vo: str) -> PemPair:
    """Return the files of the VO's VOMS server in a keys directory."""
    return PemPair(
        certificate=keys / f"{vo}-voms-cert.pem", key=keys / f"{vo}-voms-key.pem"
    )


def choose_maker(maker: Maker, *, at: datetime | None = None) -> Maker:
    """Return "own" or "voms-proxy-fake" for what was asked.

    "auto" is the real program where it is installed. It knows only the present:
    with `at` our maker is taken. Raises GridError if the program is asked for,
    or CI=true is set, and it is missing.
    """
    if maker == "own" or (maker == "auto" and at is not None):
        return "own"
    if at is not None:
        raise GridError(
            "voms-proxy-fake can only issue from the present. "
            'Leave out `at`, or ask for the maker "own".'
        )
    if proxyfake.program() is not None:
        return "voms-proxy-fake"
    if maker == "auto" and os.environ.get("CI") != "true":
        return "own"
    raise GridError(
        "voms-proxy-fake is not installed, and the tests in CI need the real one. "
        f"Install the Debian package {proxyfake.PACKAGE}, or unset CI."
    )


def reissue(
    keys: Path,
    user: str,
    vo: str | None,
    fqans: Sequence[str],
    out: Path,
    *,
    maker: Maker = "auto",
    at: datetime | None = None,
    hours: int = PROXY_HOURS,
    past: timedelta = timedelta(0),
) -> Path:
    """Return `out`, a new proxy file (mode 0600) of the user with these FQANs.

    `keys` is a directory such as LAB_GRID_KEYS. Without a VO it is a plain
    proxy. `hours=1, past=timedelta(minutes=50)` leaves ten minutes. Raises
    GridError, ProxyFakeError or OSError.
    """
    return write_proxy(
        user_files(keys, user),
        out=out,
        vo=vo,
        fqans=fqans,
        server=voms_files(keys, vo) if vo else None,
        maker=maker,
        at=at,
        hours=hours,
        past=past,
    )


def write_proxy(
    user: PemPair,
    *,
    out: Path,
    vo: str | None = None,
    fqans: Sequence[str] = (),
    server: PemPair | None = None,
    maker: Maker = "auto",
    at: datetime | None = None,
    hours: int = PROXY_HOURS,
    past: timedelta = timedelta(0),
) -> Path:
    """Return `out`, a proxy file (PEM: proxy, key, EEC, issuers; mode 0600).

    Proxy and AC live `hours` from `at` (now if None) less `past`.
    """
    if choose_maker(maker, at=at) == "own":
        start = (at or datetime.now(UTC).replace(microsecond=0)) - past
        proxy = own_proxy(
            user.load(),
            vo=vo,
            fqans=fqans,
            server=server.load() if server else None,
            start=start,
            end=start + timedelta(hours=hours),
        )
        write_private(out, proxy.pem())
        return out
    proxyfake.fake_proxy(
        certificate=user.certificate,
        key=user.key,
        out=out,
        hours=hours,
        vo=vo,
        fqans=fqans,
        server=_fake_server(vo, server) if vo and server else None,
        past=past,
    )
    # The program copies the user's certificate alone.
    issuers = user.load().issuers
    with out.open("ab") as proxy_file:
        proxy_file.writelines(item.public_bytes(Encoding.PEM) for item in issuers)
    return out


def own_proxy(
    user: Credential,
    *,
    start: datetime,
    end: datetime,
    vo: str | None = None,
    fqans: Sequence[str] = (),
    server: Credential | None = None,
) -> Credential:
    """Return a proxy by our makers, in the form that voms-proxy-fake gives it."""
    ac = None
    if vo is not None:
        if server is None:
            raise GridError(f"An AC of {vo} needs the server that signs it.")
        ac = make_ac(
            holder=user.certificate,
            voms=server,
            vo=vo,
            fqans=fqans,
            host=SERVERS[vo].host,
            port=VOMS_PORT,
            not_before=start,
            not_after=end,
        )
    return make_proxy(user, ac=ac, not_before=start - BACKDATE, not_after=end)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "wb") as private:
        private.write(content)


def _fake_server(vo: str, pair: PemPair) -> proxyfake.FakeServer:
    return proxyfake.FakeServer(
        certificate=pair.certificate,
        key=pair.key,
        host=SERVERS[vo].host,
        port=VOMS_PORT,
    )


def _load_key(path: Path) -> PrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise GridError(f"{path} holds neither an RSA nor an EC key.")
    return key
