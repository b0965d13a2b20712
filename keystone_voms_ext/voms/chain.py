# SPDX-License-Identifier: Apache-2.0
"""The chain that a client presents: PEM to DER, and DER to a sorted chain.

Owns the caps of rule 1 and the order proxies, end-entity certificate (EEC),
CAs. Must never trust a CA in it: a ``ProxyChain`` is unverified.
Read ``certificates_from_pem`` and ``ProxyChain.from_der`` first.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.certificates import (
    DRAFT_PROXY_CERT_INFO,
    PROXY_CERT_INFO,
    Certificate,
)
from keystone_voms_ext.voms.codes import refusal

PEM_MAX_BYTES = 200_000
MAX_CERTIFICATES = 20
MAX_PROXIES = 16

_BEGIN = b"-----BEGIN "
_DASHES = b"-----"
_STRAY_MARK = re.compile(rb"^[ \t]*--", re.MULTILINE)
_BASE64_SPACE = b" \t\r\n"
# A proxy file holds its key; it is stepped over without being decoded.
_KEY_LABELS = (b"PRIVATE KEY", b"EC PARAMETERS")
_LEGACY_NAMES = ("proxy", "limited proxy")


class PemError(ValueError):
    """The text is not PEM, or not complete."""


def pem_blocks(pem: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield label and undecoded body of each PEM block (RFC 7468) in order.

    Text between the blocks is allowed. Raises PemError for half a block or a
    broken mark, so that none is ever skipped unseen.
    """
    position = 0
    while (begin := pem.find(_BEGIN, position)) >= 0:
        _no_stray_mark(pem[position:begin])
        start = begin + len(_BEGIN)
        end_of_label = pem.find(_DASHES, start)
        label = pem[start:end_of_label]
        if end_of_label < 0 or b"\n" in label:
            raise PemError("a BEGIN line is cut off")
        end_mark = b"-----END " + label + _DASHES
        body_start = end_of_label + len(_DASHES)
        body_end = pem.find(end_mark, body_start)
        if body_end < 0:
            shown = label[:40].decode("ascii", "replace")
            raise PemError(f"no END line for {shown!r}")
        body = pem[body_start:body_end]
        if _DASHES in body:
            raise PemError("a block begins inside another")
        yield label, body
        position = body_end + len(end_mark)
    _no_stray_mark(pem[position:])


def _no_stray_mark(between: bytes) -> None:
    if _STRAY_MARK.search(between):
        raise PemError("a line with dashes belongs to no block")


def decode_body(body: bytes) -> bytes:
    """Return the octets of a PEM body; raises PemError unless it is all base64."""
    packed = body.translate(None, _BASE64_SPACE)
    try:
        return binascii.a2b_base64(packed, strict_mode=True)
    except binascii.Error as error:
        raise PemError(f"not base64: {error}") from error


def certificates_from_pem(pem: bytes) -> tuple[bytes, ...]:
    """Return the certificates of a PEM text in DER, in its order.

    Private keys are stepped over unread. Raises CredentialRefused with the
    codes ``pem_too_large``, ``pem_malformed``, ``pem_block_unknown``,
    ``too_many_certificates``, ``certificate_unreadable`` and
    ``no_certificate``.
    """
    if len(pem) > PEM_MAX_BYTES:
        raise refusal("pem_too_large", f"The PEM has {len(pem)} bytes.")
    found: list[bytes] = []
    try:
        for label, body in pem_blocks(pem):
            if label.endswith(_KEY_LABELS):
                continue
            if label != b"CERTIFICATE":
                shown = label[:40].decode("ascii", "replace")
                raise refusal("pem_block_unknown", f"A PEM block is a {shown!r}.")
            found.append(decode_body(body))
            check_count(len(found))
    except PemError as error:
        raise refusal("pem_malformed", f"The PEM is broken: {error}.") from error
    if not found:
        raise refusal("no_certificate", "The PEM holds no certificate.")
    for data in found:
        try:
            der.whole(data)
        except der.DerError as error:
            raise refusal(
                "certificate_unreadable", f"A certificate is not strict DER: {error}."
            ) from error
    return tuple(found)


def check_count(count: int) -> None:
    """Refuse more certificates than a chain may have."""
    if count > MAX_CERTIFICATES:
        raise refusal(
            "too_many_certificates", f"There are more than {MAX_CERTIFICATES}."
        )


def is_rfc_proxy(certificate: Certificate) -> bool:
    """Tell whether a certificate says of itself that it is an RFC 3820 proxy."""
    return PROXY_CERT_INFO in certificate.extensions


def is_legacy_proxy(certificate: Certificate) -> bool:
    """Tell whether a certificate is a Globus proxy from before RFC 3820."""
    if DRAFT_PROXY_CERT_INFO in certificate.extensions:
        return True
    return (
        certificate.subject.last_value in _LEGACY_NAMES
        and certificate.subject.proxy_parent() == certificate.issuer.rdns
    )


def is_proxy(certificate: Certificate) -> bool:
    """Tell whether a certificate is a proxy of any kind."""
    return is_rfc_proxy(certificate) or is_legacy_proxy(certificate)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyChain:
    """An unverified chain, sorted: ``proxies`` from the leaf upward, then the
    EEC, then what the client sent above it, nearest first."""

    proxies: tuple[Certificate, ...]
    eec: Certificate
    above: tuple[Certificate, ...]

    @classmethod
    def from_der(cls, chain: Sequence[bytes], *, max_proxies: int) -> ProxyChain:
        """Return the chain of these DER certificates, leaf first.

        The caps of rule 1 are looked at before anything is parsed. Raises
        CredentialRefused ``too_many_certificates``, ``chain_too_large``,
        ``certificate_unreadable``, ``too_many_proxies``, and those of
        ``from_certificates``.
        """
        check_count(len(chain))
        size = sum(len(data) for data in chain)
        if size > PEM_MAX_BYTES:
            raise refusal("chain_too_large", f"The chain has {size} bytes.")
        found = cls.from_certificates([Certificate.from_der(data) for data in chain])
        if len(found.proxies) > max_proxies:
            raise refusal(
                "too_many_proxies",
                f"The chain has {len(found.proxies)} proxies, {max_proxies} are "
                "allowed.",
                found.eec.subject.oneline,
            )
        return found

    @classmethod
    def from_certificates(cls, chain: Sequence[Certificate]) -> ProxyChain:
        """Return the chain of these certificates, leaf first (RFC 3820 3.1).

        Raises CredentialRefused ``certificate_repeated``, ``no_end_entity``
        and ``stray_certificate``.
        """
        if len({certificate.der for certificate in chain}) != len(chain):
            raise refusal(
                "certificate_repeated", "A certificate occurs twice in the chain."
            )
        count = 0
        while count < len(chain) and is_proxy(chain[count]):
            count += 1
        if count == len(chain):
            raise refusal(
                "no_end_entity",
                "The chain holds only proxies."
                if chain
                else "The chain holds no certificate.",
            )
        for certificate in chain[count + 1 :]:
            if is_proxy(certificate):
                raise refusal(
                    "stray_certificate",
                    "A proxy stands above the user's certificate.",
                    certificate.subject.oneline,
                )
        return cls(
            proxies=tuple(chain[:count]),
            eec=chain[count],
            above=tuple(chain[count + 1 :]),
        )
