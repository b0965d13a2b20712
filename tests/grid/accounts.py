# SPDX-License-Identifier: Apache-2.0
"""Who is who in the test grid: its CAs, VOMS servers and accounts, as data.

Owns the names; a new account or VO is a line here. Must never make anything.
Read first: ACCOUNTS and SERVERS.
"""

from dataclasses import dataclass

BASE_DN = "/DC=org/DC=example"
ROOT_CA_DN = f"{BASE_DN}/CN=Example Grid Root CA"
SUB_CA_DN = f"{BASE_DN}/CN=Example Grid People CA"
# Its name is as good as any; what it lacks is a place in the CA directory.
UNTRUSTED_CA_DN = f"{BASE_DN}/CN=Example CA That Nobody Trusts"
TLS_HOST_DN = f"{BASE_DN}/O=Hosts/CN=localhost"
VOMS_PORT = 15000

ROOT = "root"
SUB = "sub"
CA_DNS = {ROOT: ROOT_CA_DN, SUB: SUB_CA_DN}


@dataclass(frozen=True, kw_only=True)
class VomsServer:
    """The one VOMS server of a VO; `ca` is who issued its host certificate."""

    vo: str
    host: str
    ca: str

    @property
    def dn(self) -> str:
        """Return the DN of its host certificate, the first line of the LSC."""
        return f"{BASE_DN}/O=Hosts/CN={self.host}"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A person: who issued the certificate, and what the VO says in the AC.

    With `sends_ca` the certificate file, and so the proxy, also carries the
    sub-CA's certificate, as some users' files do.
    """

    name: str
    ca: str
    vo: str | None = None
    fqans: tuple[str, ...] = ()
    sends_ca: bool = False

    @property
    def dn(self) -> str:
        """Return the DN of the certificate (slash form, the CN last)."""
        return person_dn(self.name)


def person_dn(name: str) -> str:
    """Return the DN of the person of that name."""
    return f"{BASE_DN}/O=People/CN={name}"


def full_fqan(group: str, role: str = "NULL") -> str:
    """Return the FQAN in the long form that VOMS servers write."""
    return f"{group}/Role={role}/Capability=NULL"


SERVERS = {
    server.vo: server
    for server in (
        VomsServer(vo="dteam", host="voms-dteam.example.org", ca=ROOT),
        VomsServer(vo="ops", host="voms-ops.example.org", ca=ROOT),
        # The sub-CA too signs a server, so that an AC's path has two CAs.
        VomsServer(vo="fedcloud.egi.eu", host="voms-fedcloud.example.org", ca=SUB),
    )
}

_DTEAM = (full_fqan("/dteam"),)

ACCOUNTS = {
    account.name: account
    for account in (
        Account(name="alice", ca=ROOT, vo="dteam", fqans=_DTEAM),
        Account(name="bob", ca=SUB, vo="dteam", fqans=_DTEAM),
        Account(
            name="carol",
            ca=ROOT,
            vo="dteam",
            fqans=(
                *_DTEAM,
                full_fqan("/dteam/NGI_TEST"),
                full_fqan("/dteam", "VO-Admin"),
            ),
        ),
        Account(name="dave", ca=ROOT, vo="ops", fqans=(full_fqan("/ops"),)),
        Account(
            name="erin",
            ca=SUB,
            vo="fedcloud.egi.eu",
            fqans=(full_fqan("/fedcloud.egi.eu"),),
            sends_ca=True,
        ),
        Account(name="frank", ca=ROOT),
        # In the CRL of the sub-CA, with a proxy that is good otherwise.
        Account(name="revoked", ca=SUB, vo="dteam", fqans=_DTEAM),
    )
}
