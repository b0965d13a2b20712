# SPDX-License-Identifier: Apache-2.0
"""Rows for rule 21: the signer of an AC, its path, and its signature.

Owns the VOMS server's certificate. Must never change the user.
Read first: CASES.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from tests.grid.ac import SHA256_ECDSA, SHA256_RSA
from tests.grid.certs import (
    key_usage,
    make_ca,
    make_proxy,
    pooled_key,
)
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import (
    LSC,
    carrying,
    ec_key,
    lsc,
    server,
    server_of,
    signed_by,
)
from tests.unit.voms.site import (
    ALICE,
    FQANS,
    NOW,
    ROOT,
    SUB,
    VOMS,
    Chain,
    Site,
    ac,
    ca_files,
    cast,
    proxy,
)
from tests.unit.voms.surgery import SHA1_RSA

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def flipped(signature: bytes) -> bytes:
    """Return the signature with its last bit changed."""
    return signature[:-1] + bytes([signature[-1] ^ 1])


def changed_fqan(site: Site) -> Chain:
    """Return a proxy whose AC was changed after it was signed."""
    made = ac(fqans=["/dteam/Role=member"])
    return proxy(ac=made.replace(b"Role=member", b"Role=admins"))


SIGNATURES = (
    bad(
        21,
        "ac_signature_invalid",
        "an AC that another key signed",
        lambda site: proxy(ac=ac(signer_key=pooled_key(6))),
    ),
    bad(
        21,
        "ac_signature_invalid",
        "a changed signature",
        carrying(edit_signature=flipped),
    ),
    bad(
        21,
        "ac_signature_invalid",
        "an empty signature",
        carrying(edit_signature=lambda signature: b""),
    ),
    bad(21, "ac_signature_invalid", "a changed FQAN", changed_fqan),
    bad(21, "ac_signature_invalid", "unused bits", carrying(unused_bits=1)),
    bad(
        21,
        "ac_algorithm_mismatch",
        "another algorithm inside",
        carrying(inner_algorithm=SHA256_ECDSA),
    ),
    bad(
        21,
        "ac_algorithm_mismatch",
        "another algorithm outside",
        carrying(outer_algorithm=SHA256_ECDSA),
    ),
    bad(
        21,
        "ac_algorithm_not_accepted",
        "SHA-1 by name",
        carrying(inner_algorithm=SHA1_RSA, outer_algorithm=SHA1_RSA),
    ),
    bad(
        21,
        "ac_signature_invalid",
        "RSA over a signature of ECDSA",
        lambda site: signed_by(
            server_of(key=ec_key()),
            inner_algorithm=SHA256_RSA,
            outer_algorithm=SHA256_RSA,
        ),
    ),
)

OWN_ID = b"an id of its own"


def by_id(own: bytes) -> Build:
    """Build a proxy whose AC has the key id that its signer gives itself."""
    identifier = (x509.SubjectKeyIdentifier(own), False)
    return lambda site: signed_by(server_of(extra=[identifier]), key_identifier=own)


def other_ca(installed: bool) -> Build:
    """Build a proxy with an AC of a server under a CA of its own."""

    def build(site: Site) -> Chain:
        other = make_ca("/DC=org/DC=example/CN=other CA", key=pooled_key(2))
        chain = signed_by(server_of(other))
        files = ca_files("other", other) if installed else {}
        content = lsc(VOMS, "/DC=org/DC=example/CN=other CA")
        return site.having(chain, ca=files, vomsdir={LSC: content})

    return build


def by_a_proxy(site: Site) -> Chain:
    """Return a proxy with an AC that a proxy of the server signed."""
    made = make_proxy(cast().voms, cn="1")
    return site.having(signed_by(made), vomsdir={LSC: lsc(VOMS + "/CN=1", VOMS)})


def by_alice(site: Site) -> Chain:
    """Return a proxy with an AC that alice signed, where she is listed."""
    return site.having(signed_by(cast().alice), vomsdir={LSC: lsc(ALICE, SUB)})


def by_a_large_server(site: Site) -> Chain:
    """Return a proxy with an AC whose signer's certificate is too large to keep."""
    names = [x509.DNSName(f"host{number}.example.org") for number in range(500)]
    signer = server_of(extra=[(x509.SubjectAlternativeName(names), False)])
    assert len(signer.chain()[0]) > 8192
    return signed_by(signer)


ANY_USAGE = (key_usage("digital_signature", "key_cert_sign"), True)

SIGNERS = (
    good(21, "a server by its own key id", by_id(OWN_ID), fqans=FQANS),
    good(
        21,
        "a server without a key id",
        server(drop=[ExtensionOID.SUBJECT_KEY_IDENTIFIER]),
    ),
    good(
        21,
        "a server without usages",
        server(drop=[ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE]),
    ),
    good(21, "a server of 500 names", by_a_large_server),
    good(21, "a server under another installed CA", other_ca(True), ac_issuer=VOMS),
    bad(21, "issuer_unknown", "a server under an unknown CA", other_ca(False)),
    bad(
        21,
        "signature_invalid",
        "a server under a CA that only bears the name",
        lambda site: signed_by(
            server_of(make_ca(SUB, issuer=make_ca(ROOT), key=pooled_key(2)))
        ),
        subject=VOMS,
    ),
    good(
        21,
        "a server in its last second",
        server(not_after=NOW + MINUTE),
        not_after=NOW + MINUTE,
    ),
    bad(
        21,
        "certificate_expired",
        "a second after the server's end",
        server(not_after=NOW + MINUTE - SECOND),
        subject=VOMS,
    ),
    good(
        21,
        "a server in its first second",
        server(not_before=NOW + MINUTE),
        not_before=NOW + MINUTE,
    ),
    bad(
        21,
        "certificate_not_yet_valid",
        "a second before the server's begin",
        server(not_before=NOW + MINUTE + SECOND),
        subject=VOMS,
    ),
    bad(
        21,
        "ac_signer_is_ca",
        "a server that is a CA and may sign all",
        lambda site: signed_by(
            make_ca(VOMS, issuer=cast().sub, key=pooled_key(5), extra=[ANY_USAGE])
        ),
    ),
    bad(
        21,
        "ac_signer_is_ca",
        "a server that is a CA",
        lambda site: signed_by(make_ca(VOMS, issuer=cast().sub, key=pooled_key(5))),
    ),
    bad(
        21,
        "ac_signer_key_usage",
        "a server that may not sign",
        server(extra=[(key_usage("key_encipherment"), True)]),
    ),
    bad(21, "ac_signer_is_proxy", "a server's proxy", by_a_proxy),
    bad(
        20, "lsc_mismatch", "alice as the server", lambda site: signed_by(cast().alice)
    ),
    good(21, "alice as the server, where she is listed", by_alice, ac_issuer=ALICE),
)

CASES = (*SIGNATURES, *SIGNERS)
