# SPDX-License-Identifier: Apache-2.0
"""What a validation costs, against its bare signatures.

Owns the chains that are measured and the floor: the four signatures of a proxy
with one AC, over the same bytes, by ``cryptography`` alone with keys at hand.
Must never assert. Read ``run`` first.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from keystone_voms_ext.voms.cache import Validator
from keystone_voms_ext.voms.der import BIT_STRING, bit_string, whole
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import validate
from tests.bench.measure import line, medians
from tests.grid.ac import make_ac
from tests.grid.certs import (
    Credential,
    PrivateKey,
    der,
    der_integer,
    make_ca,
    make_crl,
    make_host,
    make_proxy,
    make_user,
    new_key,
)
from tests.unit.voms.surgery import resigned, split

WARM_GOAL = 5.0
CACHED_GOAL = 0.3
MANY_FQANS_GOAL_MILLISECONDS = 20.0
LOAD_GOAL_SECONDS = 4.0
LARGE_DIRECTORY = 300
ENTRIES = 10_000
VO, HOST = "dteam", "voms.example.org"
BASE = "/DC=org/DC=example"


@dataclass(frozen=True, kw_only=True)
class People:
    """A CA, a user and a VOMS server, all with keys of one kind."""

    ca: Credential
    user: Credential
    voms: Credential
    new_key: Callable[[], PrivateKey]

    @classmethod
    def of(cls, make_key: Callable[[], PrivateKey]) -> "People":
        """Return new people."""
        ca = make_ca(f"{BASE}/CN=CA", key=make_key())
        return cls(
            ca=ca,
            user=make_user(f"{BASE}/CN=alice", issuer=ca, key=make_key()),
            voms=make_host(f"{BASE}/CN={HOST}", issuer=ca, dns=[HOST], key=make_key()),
            new_key=make_key,
        )

    def ac(self, *fqans: str) -> bytes:
        """Return an AC of the user."""
        return make_ac(
            holder=self.user.certificate,
            voms=self.voms,
            vo=VO,
            fqans=fqans or (f"/{VO}",),
            host=HOST,
        )

    def proxy(self, ac: bytes) -> Credential:
        """Return a proxy of the user that carries this AC."""
        return make_proxy(self.user, ac=ac, key=self.new_key())


@dataclass(frozen=True)
class Site:
    """A CA directory and a vomsdir that trust some people."""

    root: Path

    @property
    def certificates(self) -> Path:
        """Return the CA directory."""
        return self.root / "certificates"

    @property
    def vomsdir(self) -> Path:
        """Return the directory of LSC files."""
        return self.root / "vomsdir"

    def trust(self, people: People) -> None:
        """Write what makes this site accept the people's proxies."""
        self.certificates.mkdir(parents=True)
        crl = make_crl(people.ca).public_bytes(Encoding.PEM)
        self.install("00000000", people.ca.certificate_pem(), crl, f"{BASE}/CN=CA")
        (self.vomsdir / VO).mkdir(parents=True)
        lsc = f"{BASE}/CN={HOST}\n{BASE}/CN=CA\n"
        (self.vomsdir / VO / f"{HOST}.lsc").write_text(lsc)

    def install(self, base: str, ca: bytes, crl: bytes, dn: str) -> None:
        """Write a CA, its CRL and its namespaces file."""
        (self.certificates / f"{base}.0").write_bytes(ca)
        (self.certificates / f"{base}.r0").write_bytes(crl)
        statement = f'TO Issuer "{dn}" PERMIT Subject "{BASE}/.*"\n'
        (self.certificates / f"{base}.namespaces").write_text(statement)


def p256_key() -> PrivateKey:
    """Return a new key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def run() -> None:
    """Print all figures of the validator."""
    with tempfile.TemporaryDirectory() as place:
        for name, make_key in (("RSA-2048", new_key), ("P-256", p256_key)):
            _one_kind(name, People.of(make_key), Site(Path(place) / name))
        people, site = People.of(new_key), Site(Path(place) / "large")
        _many_fqans(people, site)
        _large_directory(people, site)


def _one_kind(name: str, people: People, site: Site) -> None:
    site.trust(people)
    carried = people.ac()
    proxy = people.proxy(carried)
    chain = proxy.chain()
    at = datetime.now(UTC)
    trust, vomsdir = TrustStore(site.certificates), Vomsdir(site.vomsdir)
    validator = Validator(trust, vomsdir)
    signatures = list(_signatures(people, proxy, carried))

    def floor() -> None:
        for verify in signatures:
            verify()

    def parsing() -> None:
        for certificate in chain:
            x509.load_der_x509_certificate(certificate)
        floor()

    found = medians(
        {
            "floor": floor,
            "parsing": parsing,
            "cold": lambda: validate(
                chain,
                trust=TrustStore(site.certificates),
                vomsdir=Vomsdir(site.vomsdir),
                at=at,
            ),
            "warm": lambda: validate(chain, trust=trust, vomsdir=vomsdir, at=at),
            "cached": lambda: validator.validate(chain, at=at),
        },
        rounds=400,
    )
    for key, what, goal in (
        ("floor", "floor: its 4 signatures by cryptography alone", None),
        ("parsing", "floor and x509 parsing of the chain", None),
        ("cold", "validate, cold trust store", None),
        ("warm", "validate, warm trust store", WARM_GOAL),
        ("cached", "validate, cached credential", CACHED_GOAL),
    ):
        ratio = found[key] / found["floor"]
        figure = f"{found[key]:.0f} us {ratio:6.2f}"
        line(f"voms {name}: {what}", figure, ratio, goal)


def _signatures(
    people: People, proxy: Credential, carried: bytes
) -> Iterator[Callable[[], None]]:
    """Yield a call for each signature of a login: proxy, user, AC, its signer."""
    info, signature = _signed_parts(carried)
    for certificate, signer in (
        (proxy.certificate, people.user),
        (people.user.certificate, people.ca),
        (people.voms.certificate, people.ca),
    ):
        yield _check(
            signer.key, certificate.signature, certificate.tbs_certificate_bytes
        )
    yield _check(people.voms.key, signature, info)


def _signed_parts(ac: bytes) -> tuple[bytes, bytes]:
    """Return what the signature of an AC is over, and the signature."""
    info, _, bits = split(ac)
    octets, _ = bit_string(whole(bits, BIT_STRING))
    return info, octets


def _check(key: PrivateKey, signature: bytes, signed: bytes) -> Callable[[], None]:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        padding, algorithm = PKCS1v15(), SHA256()
        return lambda: public.verify(signature, signed, padding, algorithm)
    ecdsa = ec.ECDSA(SHA256())
    return lambda: public.verify(signature, signed, ecdsa)


def _many_fqans(people: People, site: Site) -> None:
    site.trust(people)
    fqans = [f"/{VO}/group{number:04}/Role=member" for number in range(1000)]
    chain = people.proxy(people.ac(*fqans)).chain()
    trust, vomsdir = TrustStore(site.certificates), Vomsdir(site.vomsdir)
    at = datetime.now(UTC)
    found = medians(
        {"": lambda: validate(chain, trust=trust, vomsdir=vomsdir, at=at)}, rounds=50
    )
    taken = found[""] / 1000
    line(
        "voms: an AC of 1,000 FQANs, in milliseconds",
        f"{taken:.1f} ms",
        taken,
        MANY_FQANS_GOAL_MILLISECONDS,
    )


def _large_directory(people: People, site: Site) -> None:
    chain = people.proxy(people.ac()).chain()
    vomsdir, at = Vomsdir(site.vomsdir), datetime.now(UTC)
    small = TrustStore(site.certificates)
    small.snapshot()
    _fill(site)
    large = TrustStore(site.certificates)
    load = medians({"": lambda: TrustStore(site.certificates).snapshot()}, rounds=3)[""]
    line(
        f"voms: loading {LARGE_DIRECTORY} CAs, CRLs of {ENTRIES}, in seconds",
        f"{load / 1e6:.2f} s",
        load / 1e6,
        LOAD_GOAL_SECONDS,
    )
    # The small store must not see what was added, nor either look again now.
    few = _Still(small)
    many = _Still(large)
    found = medians(
        {
            "few": lambda: validate(chain, trust=few, vomsdir=vomsdir, at=at),
            "many": lambda: validate(chain, trust=many, vomsdir=vomsdir, at=at),
        },
        rounds=300,
    )
    ratio = found["many"] / found["few"]
    line(
        f"voms: validate beside {LARGE_DIRECTORY} CAs / beside one",
        f"{found['many']:.0f} us {ratio:6.2f}",
        ratio,
    )


class _Still(TrustStore):
    """A trust store that stays as it was when this was made."""

    def __init__(self, store: TrustStore) -> None:
        super().__init__(store.path)
        self._kept = store.snapshot()

    def snapshot(self):
        return self._kept


def _fill(site: Site) -> None:
    """Add many CAs, each with a CRL of many entries (they share these bytes)."""
    entries = der(0x30, *(_entry(10**15 + number) for number in range(ENTRIES)))
    for number in range(1, LARGE_DIRECTORY):
        dn = f"{BASE}/CN=CA {number}"
        ca = make_ca(dn, key=p256_key())
        site.install(f"{number:08x}", ca.certificate_pem(), _crl(ca, entries), dn)


def _entry(serial: int) -> bytes:
    date = der(0x17, b"260101000000Z")
    return der(0x30, der_integer(serial), date)


def _crl(ca: Credential, entries: bytes) -> bytes:
    encoded = make_crl(ca).public_bytes(Encoding.DER)

    def insert(fields: list[bytes]) -> None:
        # Before the extensions (RFC 5280 5.1).
        fields.insert(-1, entries)

    crl = x509.load_der_x509_crl(resigned(encoded, ca.key, insert))
    return crl.public_bytes(Encoding.PEM)
