# SPDX-License-Identifier: Apache-2.0
"""From a WSGI environ to the client's certificate chain.

Owns which keys of the environ are believed: those that a TLS server sets
(``SSL_CLIENT_*``), and headers (``HTTP_*``), which a client can send as well,
from listed peers only. It only carries certificates; whether they are worth
anything is for ``voms`` to say.
Read ``client_chain`` first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from keystone_voms_ext.headers import HEADERS, chain_from_headers
from keystone_voms_ext.voms.chain import (
    PEM_MAX_BYTES,
    certificates_from_pem,
    check_count,
)
from keystone_voms_ext.voms.codes import refusal
from keystone_voms_ext.voms.errors import CredentialRefused

LEAF = "SSL_CLIENT_CERT"
# So servers name a peer on a unix socket; no client by the network has these.
_UNIX_SOCKET = ("", "0.0.0.0")  # noqa: S104  # nosec B104
_ISSUER = re.compile(r"SSL_CLIENT_CERT_CHAIN_([0-9]{1,4})")


def has_client_certificate(
    environ: Mapping[str, Any], *, header_peers: Collection[str] = ()
) -> bool:
    """Tell whether the TLS server reports any certificate of the client."""
    if _by_header(environ, header_peers):
        return True
    return bool(environ.get(LEAF)) or any(_issuers(environ))


def client_chain(
    environ: Mapping[str, Any], *, header_peers: Collection[str] = ()
) -> tuple[bytes, ...]:
    """Return the client's certificates in DER, the leaf first.

    The environ is one that mod_ssl, uWSGI behind it, or an embedded server
    makes: ``SSL_CLIENT_CERT`` is the leaf in PEM, ``SSL_CLIENT_CERT_CHAIN_0``
    its issuer, and so on upward. From a peer in ``header_peers`` (addresses,
    ``unix`` for a unix socket) it may be the headers of RFC 9440 instead.

    Raises CredentialRefused with the codes ``no_client_certificate``,
    ``chain_without_leaf``, ``session_resumed``, ``chain_not_in_order``,
    ``header_malformed`` and those of ``voms.chain.certificates_from_pem``.
    """
    if _by_header(environ, header_peers):
        return chain_from_headers(environ)
    leaf = environ.get(LEAF) or ""
    issuers = _issuers(environ)
    if not leaf and not issuers:
        raise CredentialRefused(
            "no_client_certificate",
            what="The client sent no certificate.",
            mend="Present the proxy in the TLS handshake (with curl: --cert FILE), "
            "and check that the TLS server asks for one and exports it.",
        )
    if not leaf:
        # Shifting the chain up would make the user's own certificate, whose
        # key nobody proved to hold, the leaf.
        raise CredentialRefused(
            "chain_without_leaf",
            what=f"The TLS server passed on issuers but no {LEAF}.",
            mend="Let the TLS server export the client's certificate.",
        )
    if not issuers and environ.get("SSL_SESSION_RESUMED") == "Resumed":
        raise CredentialRefused(
            "session_resumed",
            what="The TLS session was resumed, and its chain is lost.",
            mend="Turn off TLS session resumption, cache and tickets, in the TLS "
            "server.",
        )
    if list(issuers) != list(range(len(issuers))):
        raise CredentialRefused(
            "chain_not_in_order",
            what="The SSL_CLIENT_CERT_CHAIN_n of the request have a gap.",
            mend="Have the TLS server export the whole chain, n from 0 upward.",
        )
    values = (str(leaf), *issuers.values())
    # The cap holds for the chain as a whole, before any of it is parsed.
    if sum(map(len, values)) > PEM_MAX_BYTES:
        raise refusal(
            "pem_too_large", f"The chain has more than {PEM_MAX_BYTES} bytes."
        )
    check_count(len(values))
    return tuple(_one_certificate(value) for value in values)


def _by_header(environ: Mapping[str, Any], peers: Collection[str]) -> bool:
    """Tell whether certificates come in headers, from a peer that may send them."""
    address = environ.get("REMOTE_ADDR") or ""
    if ("unix" if address in _UNIX_SOCKET else address) not in peers:
        return False
    return any(environ.get(key) for key in HEADERS)


def _one_certificate(text: str) -> bytes:
    """Return the DER of the one certificate in a variable.

    A variable without one must not vanish from the chain: the certificate
    above it would take its place.
    """
    try:
        # A WSGI string stands for bytes (PEP 3333), so latin-1 gives them back.
        found = certificates_from_pem(text.encode("latin-1"))
    except UnicodeEncodeError:
        found = ()
    if len(found) != 1:
        raise refusal(
            "certificate_unreadable",
            f"A variable of the TLS server holds {len(found)} certificates, not one.",
        )
    return found[0]


def _issuers(environ: Mapping[str, Any]) -> dict[int, str]:
    """Return the issuers by position, sorted as numbers: 10 comes after 2."""
    found = {
        int(match[1]): str(value)
        for key, value in environ.items()
        if value and (match := _ISSUER.fullmatch(key))
    }
    return dict(sorted(found.items()))
