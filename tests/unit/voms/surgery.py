# SPDX-License-Identifier: Apache-2.0
"""Changes one field of a good certificate, CRL or AC and signs it again.

Owns what no maker of good certificates offers: wrong versions, doubled
extensions, foreign string types. Must never be used where a knob of the makers
does. Read first: resigned.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.grid.ac import sign
from tests.grid.certs import Credential, PrivateKey, der, der_oid

Fields = list[bytes]

SHA1_RSA = der(0x30, der_oid("1.2.840.113549.1.1.5"), der(0x05))


def split(element: bytes) -> Fields:
    """Return the elements inside a constructed DER element."""
    body = _body(element)
    fields: Fields = []
    while body:
        size = len(body) - len(_after(body))
        fields.append(body[:size])
        body = body[size:]
    return fields


def join(fields: Fields, tag: int = 0x30) -> bytes:
    """Return the constructed element around these."""
    return der(tag, *fields)


def _header(element: bytes) -> tuple[int, int]:
    first = element[1]
    if first < 0x80:
        return 2, first
    count = first & 0x7F
    return 2 + count, int.from_bytes(element[2 : 2 + count], "big")


def _body(element: bytes) -> bytes:
    header, size = _header(element)
    return element[header : header + size]


def _after(element: bytes) -> bytes:
    header, size = _header(element)
    return element[header + size :]


def resigned(
    data: bytes,
    key: PrivateKey,
    edit: Callable[[Fields], None] = lambda fields: None,
    *,
    algorithm: bytes | None = None,
    unused_bits: int = 0,
    edit_signature: Callable[[bytes], bytes] = lambda signature: signature,
) -> bytes:
    """Return a certificate or CRL whose to-be-signed fields `edit` has changed.

    `algorithm` replaces the outer AlgorithmIdentifier only.
    """
    tbs, outer, _ = split(data)
    fields = split(tbs)
    edit(fields)
    tbs = join(fields)
    signature = edit_signature(sign(key, tbs))
    return join([tbs, algorithm or outer, der(0x03, bytes([unused_bits]), signature)])


def signed_with_sha1(data: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """Return a certificate or CRL with a true signature by SHA-1.

    The library makes none any more, so this one is made by hand.
    """
    tbs, outer, _ = split(data)
    fields = split(tbs)
    fields[fields.index(outer)] = SHA1_RSA
    tbs = join(fields)
    signature = key.sign(tbs, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
    return join([tbs, SHA1_RSA, der(0x03, b"\0", signature)])


def edit_extensions(edit: Callable[[Fields], None]) -> Callable[[Fields], None]:
    """Return an edit of a certificate's or CRL's list of extensions."""

    def change(fields: Fields) -> None:
        outer = fields[-1]
        listed = split(split(outer)[0])
        edit(listed)
        fields[-1] = der(outer[0], join(listed))

    return change


def with_leaf(credential: Credential, leaf: bytes) -> tuple[bytes, ...]:
    """Return the chain of a credential with another leaf certificate."""
    return (leaf, *credential.chain()[1:])


def name_der(*rdns: list[tuple[str, int, bytes]]) -> bytes:
    """Return a name of RDNs, each a list of (dotted type, string tag, octets)."""
    return der(
        0x30,
        *(
            der(
                0x31,
                *(der(0x30, der_oid(oid), der(tag, text)) for oid, tag, text in rdn),
            )
            for rdn in rdns
        ),
    )


def public_der(certificate: x509.Certificate) -> bytes:
    """Return a certificate in DER."""
    return certificate.public_bytes(serialization.Encoding.DER)
