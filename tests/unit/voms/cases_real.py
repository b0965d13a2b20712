# SPDX-License-Identifier: Apache-2.0
"""Rows whose proxies the real voms-proxy-fake makes, from Debian's voms-clients.

Owns the bridge from the good site to that program's files. A host without it
fails these rows: they are what shows that the makers of ``tests.grid`` write
what VOMS writes. Read first: CASES.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from keystone_voms_ext.voms.ac import GenericAttribute
from tests.grid.certs import Credential, make_proxy, make_user, pooled_key
from tests.grid.proxyfake import FakeServer, fake_proxy
from tests.grid.reissue import load_chain, write_private
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.site import FQANS, HOST, Site, cast

# The program starts from the present, which a long run moves away from NOW.
PAST = timedelta(hours=1)


def faked(
    *options: str,
    user: Callable[[], Credential] = lambda: cast().alice,
    hours: int = 12,
    past: timedelta = PAST,
    ac: bool = True,
) -> Build:
    """Build the proxy file that the program writes with these options."""

    def build(site: Site) -> bytes:
        made = user()
        with tempfile.TemporaryDirectory(prefix="voms-proxy-fake-") as folder:
            return _written(Path(folder), made, options, hours, past, ac)

    return build


def _written(
    folder: Path,
    user: Credential,
    options: tuple[str, ...],
    hours: int,
    past: timedelta,
    ac: bool,
) -> bytes:
    paths = {}
    for name, content in (
        ("user.pem", user.certificate_pem()),
        ("user.key", user.key_pem()),
        ("voms.pem", cast().voms.certificate_pem()),
        ("voms.key", cast().voms.key_pem()),
    ):
        paths[name] = folder / name
        write_private(paths[name], content)
    server = FakeServer(
        certificate=paths["voms.pem"], key=paths["voms.key"], host=HOST, port=15000
    )
    out = folder / "proxy.pem"
    fake_proxy(
        certificate=paths["user.pem"],
        key=paths["user.key"],
        out=out,
        hours=hours,
        vo="dteam" if ac else None,
        fqans=FQANS if ac else (),
        server=server if ac else None,
        past=past,
        options=options,
    )
    return out.read_bytes()


def called(dn: str) -> Credential:
    """Return a user of this name."""
    return make_user(dn, issuer=cast().sub, key=pooled_key(1))


def below_a_faked_one(site: Site) -> Credential:
    """Return a proxy by our maker of one by the program."""
    pem = faked()(site)
    key = load_pem_private_key(pem[pem.index(b"-----BEGIN RSA") :], password=None)
    proxy, *issuers = load_chain(pem)
    above = Credential(certificate=proxy, key=key, issuers=tuple(issuers))
    return make_proxy(above)


ODD_DN = "/DC=org/DC=example/O=People/CN=Jos\u00e9/emailAddress=jose@example.org"


CASES = (
    good(12, "voms-proxy-fake", faked(), limited=False, voms_host=HOST),
    good(11, "voms-proxy-fake -limited", faked("-limited"), limited=True),
    good(12, "voms-proxy-fake -newformat", faked("-newformat")),
    good(
        18,
        "voms-proxy-fake -ga",
        faked("-ga", "nickname=alice"),
        generic_attributes=(
            GenericAttribute(name="nickname", value="alice", qualifier="dteam"),
        ),
    ),
    good(
        22,
        "voms-proxy-fake of a user with an odd name",
        faked(user=lambda: called(ODD_DN)),
        dn=ODD_DN.replace("\u00e9", r"\xC3\xA9"),
    ),
    good(10, "our proxy of one by voms-proxy-fake", below_a_faked_one),
    good(4, "voms-proxy-fake -bits 4096", faked("-bits", "4096")),
    bad(12, "no_ac", "voms-proxy-fake without -voms", faked(ac=False)),
    bad(
        10,
        "proxy_key_usage",
        "voms-proxy-fake -keyusage keyCertSign",
        faked("-keyusage", "digitalSignature,keyCertSign"),
    ),
    bad(
        10,
        "proxy_extended_key_usage",
        "voms-proxy-fake -extkeyusage codeSigning",
        faked("-extkeyusage", "codeSigning"),
    ),
    bad(
        6,
        "proxy_expired",
        "voms-proxy-fake -hours 1",
        faked(hours=1, past=timedelta(hours=3)),
    ),
    bad(
        19,
        "ac_not_for_this_host",
        "voms-proxy-fake -target, which leaves the list empty",
        faked("-target", "a.example.org"),
        rules={"hostnames": ("a.example.org",)},
    ),
)
