# SPDX-License-Identifier: Apache-2.0
"""The good credentials of the site with one part changed, for rows and tests.

Owns the short words in which the table is written: ``carrying`` an AC, a
``user`` or a ``server`` with another certificate, an ``edited`` field. Must
never judge. Those that return a ``Build`` make nothing before their row runs.
Read first: proxied, carrying, edited.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.grid.certs import (
    Credential,
    PrivateKey,
    make_ca,
    make_crl,
    make_host,
    make_user,
    pooled_key,
)
from tests.unit.voms.case import Build
from tests.unit.voms.site import ALICE, HOST, ROOT, SUB, VOMS, ac, cast, proxy
from tests.unit.voms.surgery import Fields, resigned

# The files of the good site, as `signed_by_all` and `Site` name them.
ROOT_CRL = "00000000.r0"
SUB_CRL = "00000001.r0"
LSC = f"dteam/{HOST}.lsc"

Edit = Callable[[Fields], None]


def proxied(**changes: object) -> Build:
    """Build alice's proxy with changes."""
    return lambda site: proxy(**changes)


def carrying(**changes: object) -> Build:
    """Build alice's proxy with changes to its AC."""
    return lambda site: proxy(ac=ac(**changes))


def user_of(
    issuer: Credential | None = None, subject: object = ALICE, **changes: object
) -> Credential:
    """Return a proxy of another certificate of alice, the sub-CA's unless told."""
    changes.setdefault("key", pooled_key(1))
    user = make_user(subject, issuer=issuer or cast().sub, **changes)
    return proxy(user, ac=ac(holder=user.certificate))


def user(**changes: object) -> Build:
    """Build a proxy of another certificate of alice."""
    return lambda site: user_of(**changes)


def edited(edit: Edit = lambda fields: None, **changes: object) -> Build:
    """Build the chain in which `edit` has changed alice's TBSCertificate."""
    return lambda site: edited_chain(edit, **changes)


def edited_chain(edit: Edit, **changes: object) -> tuple[bytes, ...]:
    """Return alice's chain with her certificate edited, and signed by the sub-CA."""
    people = cast()
    changed = resigned(people.alice.chain()[0], people.sub.key, edit, **changes)
    return (proxy().chain()[0], changed, *people.alice.chain()[1:])


def put(index: int, *fields: bytes) -> Edit:
    """Return an edit that puts these fields, or none, in place of one."""

    def edit(found: Fields) -> None:
        found[index : index + 1 or None] = fields

    return edit


def sub_ca(**changes: object) -> Credential:
    """Return another certificate of the sub-CA, with the key it has."""
    return make_ca(SUB, issuer=cast().root, key=cast().sub.key, **changes)


def under_sub(**changes: object) -> Build:
    """Build alice's proxy where another certificate of the sub-CA is installed."""
    return lambda site: site.having(cas=[cast().root, sub_ca(**changes)])


def under_root(**changes: object) -> Build:
    """Build alice's proxy where another certificate of the root is installed."""
    return lambda site: site.having(
        cas=[make_ca(ROOT, key=cast().root.key, **changes), cast().sub]
    )


def server_of(issuer: Credential | None = None, **changes: object) -> Credential:
    """Return another certificate of the VOMS server, with its name."""
    changes.setdefault("key", pooled_key(5))
    return make_host(VOMS, issuer=issuer or cast().sub, **changes)


def signed_by(signer: Credential, **changes: object) -> Credential:
    """Return alice's proxy with an AC that this server signed."""
    return proxy(ac=ac(voms=signer, **changes))


def server(**changes: object) -> Build:
    """Build alice's proxy with an AC by another certificate of the VOMS server."""
    return lambda site: signed_by(server_of(**changes))


def crl(issuer: Credential, **changes: object) -> bytes:
    """Return a CRL in DER, with changes."""
    return make_crl(issuer, **changes).public_bytes(serialization.Encoding.DER)


def lsc(*lines: str) -> bytes:
    """Return an LSC file of these lines."""
    return "".join(f"{line}\n" for line in lines).encode()


def with_lsc(content: bytes) -> Build:
    """Build alice's proxy where the LSC file of dteam's server is another."""
    return lambda site: site.having(vomsdir={LSC: content})


@functools.cache
def rsa_key(bits: int) -> PrivateKey:
    """Return an RSA key of that size, one a process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def ec_key(curve: type[ec.EllipticCurve] = ec.SECP256R1) -> PrivateKey:
    """Return a key on that curve, one a process."""
    return ec.generate_private_key(curve())
