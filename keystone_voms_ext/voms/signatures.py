# SPDX-License-Identifier: Apache-2.0
"""Public keys and signatures (rule 4): SHA-2 with RSA or ECDSA, nothing else.

Owns which algorithms and keys are accepted and the one call that verifies.
Must never verify anything but the bytes as received. Read ``verifies`` first.
"""

from __future__ import annotations

import functools
import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from keystone_voms_ext.voms import der
from keystone_voms_ext.voms.certificates import Signed

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

RSA_MIN_BITS = 2048
# Beyond this, one check would cost more than all the others together.
RSA_MAX_BITS = 8192
RSA_MAX_EXPONENT_BITS = 64
_KEY_MAX_BYTES = 1200

_RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
_EC_PUBLIC_KEY = "1.2.840.10045.2.1"
_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "1.2.840.10045.3.1.7": ec.SECP256R1,
    "1.3.132.0.34": ec.SECP384R1,
    "1.3.132.0.35": ec.SECP521R1,
}
_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {
    "1.2.840.113549.1.1.14": hashes.SHA224(),
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}
_ECDSA_HASHES: dict[str, hashes.HashAlgorithm] = {
    "1.2.840.10045.4.3.1": hashes.SHA224(),
    "1.2.840.10045.4.3.2": hashes.SHA256(),
    "1.2.840.10045.4.3.3": hashes.SHA384(),
    "1.2.840.10045.4.3.4": hashes.SHA512(),
}
_PKCS1 = padding.PKCS1v15()


def public_key(key_info: bytes) -> PublicKey | None:
    """Return the key of a SubjectPublicKeyInfo in DER, or None if not accepted."""
    # The cap bounds what a stranger can make us keep.
    return _public_key(key_info) if len(key_info) <= _KEY_MAX_BYTES else None


@functools.lru_cache(maxsize=512)
def _public_key(key_info: bytes) -> PublicKey | None:
    try:
        algorithm, bits = der.fields(der.whole(key_info), der.SEQUENCE, der.BIT_STRING)
        octets, unused = der.bit_string(bits)
        oid, *parameters = der.sequence(algorithm, most=2)
        if unused:
            return None
        if der.oid(oid) == _RSA_ENCRYPTION and len(parameters) == 1:
            der.null(parameters[0])
            return _rsa_key(octets)
        if der.oid(oid) == _EC_PUBLIC_KEY and len(parameters) == 1:
            curve = _CURVES.get(der.oid(parameters[0]))
            if curve is not None:
                return ec.EllipticCurvePublicKey.from_encoded_point(curve(), octets)
    except (ValueError, UnsupportedAlgorithm):
        # DerError is a ValueError, and so is a point off its curve.
        return None
    return None


def _rsa_key(octets: bytes) -> rsa.RSAPublicKey | None:
    fields = der.fields(der.whole(octets), der.INTEGER, der.INTEGER)
    modulus, exponent = (der.integer(field) for field in fields)
    if not RSA_MIN_BITS <= modulus.bit_length() <= RSA_MAX_BITS or modulus < 0:
        return None
    if exponent.bit_length() > RSA_MAX_EXPONENT_BITS:
        return None
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


@functools.lru_cache(maxsize=64)
def _hashes_of(algorithm: bytes) -> tuple[str, hashes.HashAlgorithm] | None:
    try:
        oid, *parameters = der.sequence(der.whole(algorithm), most=2)
        dotted = der.oid(oid)
        if dotted in _RSA_HASHES:
            # RFC 4055 5: NULL is what to write, absent must be accepted too.
            for parameter in parameters:
                der.null(parameter)
            return "rsa", _RSA_HASHES[dotted]
        if dotted in _ECDSA_HASHES and not parameters:
            return "ec", _ECDSA_HASHES[dotted]
    except ValueError:
        return None
    return None


def is_accepted(algorithm: bytes) -> bool:
    """Tell whether this AlgorithmIdentifier in DER is SHA-2 with RSA or ECDSA."""
    return len(algorithm) <= 64 and _hashes_of(algorithm) is not None


def verifies(signed: Signed, key_info: bytes) -> bool:
    """Tell whether the key verifies the signature over the bytes as received.

    False for anything but a clear yes: an algorithm or a key that is not
    accepted, or the one not fitting the other, included.
    """
    if signed.unused_bits or not is_accepted(signed.inner_algorithm):
        return False
    found = _hashes_of(signed.inner_algorithm)
    key = public_key(key_info)
    if found is None or key is None or signed.inner_algorithm != signed.outer_algorithm:
        return False
    kind, algorithm = found
    try:
        if isinstance(key, rsa.RSAPublicKey):
            if kind != "rsa":
                return False
            key.verify(signed.signature, signed.tbs, _PKCS1, algorithm)
        else:
            if kind != "ec":
                return False
            key.verify(signed.signature, signed.tbs, ec.ECDSA(algorithm))
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def verifies_again(signed: Signed, key_info: bytes) -> bool:
    """Tell the same as ``verifies``; what was verified once is remembered.

    For certificates below a CA: users and VOMS servers come back with theirs,
    while each proxy and each AC is new. Only a yes is kept, with all of the
    bytes that it is about, so that a stranger can push nothing out.
    """
    try:
        _once_verified(signed, key_info)
    except InvalidSignature:
        return False
    return True


@functools.lru_cache(maxsize=512)
def _once_verified(signed: Signed, key_info: bytes) -> None:
    if not verifies(signed, key_info):
        raise InvalidSignature


def key_identifier(key_info: bytes) -> bytes:
    """Return the SHA-1 of the key's bits (RFC 5280 4.2.1.2 (1)); raises DerError."""
    _, bits = der.fields(der.whole(key_info), der.SEQUENCE, der.BIT_STRING)
    octets, _ = der.bit_string(bits)
    # An identifier, not a protection: the signature is what binds the key.
    return hashlib.sha1(octets, usedforsecurity=False).digest()
