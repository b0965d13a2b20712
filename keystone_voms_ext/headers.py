# SPDX-License-Identifier: Apache-2.0
"""A client's certificate chain in the headers of a TLS terminator.

Owns their syntax: ``Client-Cert`` and ``Client-Cert-Chain`` (RFC 9440), and
``X-SSL-Client-Chain-DER``, which HAProxy can write by itself. Must never decide
whether the peer may send them: ``environ`` does. Read ``chain_from_headers``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.chain import PEM_MAX_BYTES, check_count
from keystone_voms_ext.voms.codes import refusal
from keystone_voms_ext.voms.errors import CredentialRefused

CERTIFICATE = "HTTP_CLIENT_CERT"
CHAIN = "HTTP_CLIENT_CERT_CHAIN"
CHAIN_DER = "HTTP_X_SSL_CLIENT_CHAIN_DER"
HEADERS = (CERTIFICATE, CHAIN, CHAIN_DER)


def chain_from_headers(environ: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the certificates of these headers in DER, the leaf first.

    Raises CredentialRefused ``chain_without_leaf``, ``header_malformed``,
    ``pem_too_large`` and ``too_many_certificates``.
    """
    leaf, chain, packed = (str(environ.get(key) or "") for key in HEADERS)
    if len(leaf) + len(chain) + len(packed) > PEM_MAX_BYTES:
        raise refusal(
            "pem_too_large", f"The headers have more than {PEM_MAX_BYTES} bytes."
        )
    if not leaf:
        raise CredentialRefused(
            "chain_without_leaf",
            what="The TLS terminator passed on issuers but no Client-Cert.",
            mend="Let it set Client-Cert, and remove what a client sent of it.",
        )
    if chain and packed:
        raise _malformed("the chain comes twice, in two headers")
    found = [_byte_sequence(leaf)]
    if chain:
        found += [_byte_sequence(item.strip(" \t")) for item in chain.split(",")]
    found += _split(_decoded(packed))
    check_count(len(found))
    return tuple(found)


def _byte_sequence(item: str) -> bytes:
    """Return the octets of one Byte Sequence (RFC 8941 3.3.5)."""
    text = item.strip(" \t")
    if len(text) < 3 or text[0] != ":" or text[-1] != ":":
        raise _malformed("a certificate is not written as :base64:")
    return _decoded(text[1:-1])


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise _malformed("a certificate is not base64") from error


def _split(octets: bytes) -> list[bytes]:
    """Return the certificates of a DER concatenation."""
    found: list[bytes] = []
    offset = 0
    try:
        while offset < len(octets):
            element = der.read(octets, offset, len(octets))
            found.append(element.encoded)
            offset = element.end
            check_count(len(found))
    except der.DerError as error:
        raise _malformed("the chain is not a row of DER certificates") from error
    return found


def _malformed(what: str) -> CredentialRefused:
    return CredentialRefused(
        "header_malformed",
        what=f"The certificate headers of the TLS terminator make no sense: {what}.",
        mend="Compare its configuration with the one in the documentation.",
    )
