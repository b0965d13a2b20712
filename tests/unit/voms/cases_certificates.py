# SPDX-License-Identifier: Apache-2.0
"""Rows for rules 3 and 4: the frame of certificates, keys and algorithms.

Owns one row for each kind of key and hash that the field uses. Must never hold
a row on the AC's own signature: ``cases_signers`` does.
Read first: CASES.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ObjectIdentifier

from tests.grid.ac import SHA256_ECDSA, SHA256_RSA
from tests.grid.certs import (
    Credential,
    PrivateKey,
    der,
    der_integer,
    der_oid,
    make_ca,
    make_proxy,
    make_user,
    pooled_key,
)
from tests.unit.voms.case import Build, bad, good
from tests.unit.voms.parts import (
    ec_key,
    edited,
    proxied,
    put,
    rsa_key,
    server_of,
    signed_by,
    user,
    user_of,
)
from tests.unit.voms.site import (
    ALICE,
    SUB,
    VOMS,
    Chain,
    Site,
    ac,
    ca_files,
    cast,
    proxy,
    signed_by_all,
)
from tests.unit.voms.surgery import (
    edit_extensions,
    join,
    resigned,
    signed_with_sha1,
    with_leaf,
)

RSA_SHA256 = "1.2.840.113549.1.1.11"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
MD5_RSA = der(0x30, der_oid("1.2.840.113549.1.1.4"), der(0x05))
BARE_RSA = der(0x30, der_oid(RSA_SHA256))


def version(number: int) -> Build:
    """Build the chain in which alice's certificate is of that version field."""
    return edited(put(0, der(0xA0, der_integer(number))))


def unknown(critical: bool) -> Build:
    """Build alice's proxy with an extension that nobody knows."""
    oid = ObjectIdentifier("1.2.3.4")
    extension = x509.UnrecognizedExtension(oid, b"\x05\x00")
    return proxied(extra=[(extension, critical)])


def sub_algorithms_differ(site: Site) -> Chain:
    """Install a sub-CA whose two algorithm fields differ."""
    data = resigned(cast().sub.chain()[0], cast().root.key, algorithm=SHA256_ECDSA)
    return site.having(cas=[cast().root, cast().sub], ca={"00000001.0": data})


def leaf_edited(**changes: object) -> Build:
    """Build alice's proxy with its own certificate edited and signed again."""

    def build(site: Site) -> Chain:
        made = proxy()
        return with_leaf(made, resigned(made.chain()[0], cast().alice.key, **changes))

    return build


FRAMES = (
    good(3, "the good chain", lambda site: proxy()),
    *(
        bad(3, "not_version_3", f"a version field of {number}", version(number))
        for number in (0, 1, 3, -1)
    ),
    bad(3, "not_version_3", "no version field", edited(put(0))),
    bad(
        3,
        "algorithm_mismatch",
        "another algorithm outside, of the user",
        edited(algorithm=SHA256_ECDSA),
    ),
    bad(
        3,
        "algorithm_mismatch",
        "another algorithm outside, of a proxy",
        leaf_edited(algorithm=SHA256_ECDSA),
    ),
    bad(
        3,
        "algorithm_mismatch",
        "another algorithm outside, of the sub-CA",
        sub_algorithms_differ,
    ),
    bad(
        3,
        "extension_repeated",
        "an extension twice",
        edited(edit_extensions(lambda listed: listed.append(listed[0]))),
    ),
    good(3, "an unknown extension", unknown(critical=False)),
    bad(
        3,
        "critical_extension_unknown",
        "an unknown critical extension",
        unknown(critical=True),
        says="1.2.3.4",
    ),
    bad(3, "serial_invalid", "a negative serial", edited(put(1, der_integer(-1)))),
    bad(
        3,
        "serial_invalid",
        "a negative serial of a proxy",
        leaf_edited(edit=put(1, der_integer(-1))),
    ),
    bad(
        3,
        "serial_invalid",
        "a serial of 21 octets",
        edited(put(1, der_integer(1 << 160))),
    ),
)


def signed_with(algorithm: bytes) -> Build:
    """Build the chain in which alice's certificate names this algorithm."""
    return edited(put(2, algorithm), algorithm=algorithm)


def proxy_signed_with(algorithm: bytes) -> Build:
    """Build the chain in which alice's proxy names this algorithm."""
    return leaf_edited(edit=put(2, algorithm), algorithm=algorithm)


ODD_ALGORITHMS = {
    "no algorithm": der(0x30),
    "MD5": MD5_RSA,
    "an INTEGER as parameters": der(0x30, der_oid(RSA_SHA256), der(0x02, b"\x01")),
    "parameters of ECDSA": der(0x30, der_oid(ECDSA_SHA256), der(0x05)),
    "parameters twice": der(0x30, der_oid(RSA_SHA256), der(0x05), der(0x05)),
    "a NULL of 70 octets": der(0x30, der_oid(RSA_SHA256), der(0x05, bytes(70))),
}


def rsa_words_over_ec(site: Site) -> Chain:
    """Return a proxy by an EC key that names RSA."""
    made = user_of(key=ec_key())
    leaf = resigned(made.chain()[0], ec_key(), put(2, SHA256_RSA), algorithm=SHA256_RSA)
    return with_leaf(made, leaf)


def last_octet_changed(site: Site) -> Chain:
    """Return the chain in which the last octet of alice's certificate differs."""
    data = bytearray(cast().alice.chain()[0])
    data[-1] ^= 1
    return (proxy().chain()[0], bytes(data), *cast().alice.chain()[1:])


def by_the_other_proxy(site: Site) -> Credential:
    """Return a proxy of one proxy that another signed."""
    first, other = make_proxy(cast().alice), make_proxy(cast().alice)
    return proxy(first, signer_key=other.key)


def user_with_sha1(site: Site) -> Chain:
    """Return the chain in which alice's certificate is signed with SHA-1."""
    user = signed_with_sha1(cast().alice.chain()[0], cast().sub.key)
    return (proxy().chain()[0], user, *cast().alice.chain()[1:])


def proxy_with_sha1(site: Site) -> Chain:
    """Return alice's proxy, signed with SHA-1."""
    made = proxy()
    return with_leaf(made, signed_with_sha1(made.chain()[0], cast().alice.key))


ALGORITHMS = (
    bad(4, "algorithm_not_accepted", "SHA-1, of the user", user_with_sha1),
    bad(4, "algorithm_not_accepted", "SHA-1, of a proxy", proxy_with_sha1),
    *(
        bad(4, "algorithm_not_accepted", f"{name}, of the user", signed_with(algorithm))
        for name, algorithm in ODD_ALGORITHMS.items()
    ),
    *(
        bad(4, "algorithm_not_accepted", f"{name}, of a proxy", proxy_signed_with(odd))
        for name, odd in ODD_ALGORITHMS.items()
    ),
    good(4, "an algorithm without parameters", signed_with(BARE_RSA)),
    bad(
        4,
        "signature_invalid",
        "ECDSA over a signature of RSA",
        signed_with(SHA256_ECDSA),
    ),
    bad(4, "signature_invalid", "RSA over a signature of ECDSA", rsa_words_over_ec),
    bad(4, "signature_bits_unused", "unused bits, of the user", edited(unused_bits=1)),
    bad(
        4,
        "signature_bits_unused",
        "unused bits, of a proxy",
        leaf_edited(unused_bits=3),
    ),
    bad(
        4,
        "signature_invalid",
        "a user that another key signed",
        lambda site: user_of(signer_key=pooled_key(0)),
    ),
    bad(4, "signature_invalid", "the last octet of the user", last_octet_changed),
    bad(
        4,
        "signature_invalid",
        "a proxy that another key signed",
        lambda site: proxy(signer_key=pooled_key(0)),
    ),
    bad(4, "signature_invalid", "a proxy that a sister signed", by_the_other_proxy),
)


def keyed(key: PrivateKey, algorithm: hashes.HashAlgorithm | None = None) -> Credential:
    """Return the proxy of a user, both with this key; the proxy signs with it."""
    person = make_user(ALICE, issuer=cast().sub, key=key)
    made = ac(holder=person.certificate)
    return proxy(person, key=key, ac=made, algorithm=algorithm)


def ca_keyed(site: Site, key: PrivateKey) -> Credential:
    """Install a sub-CA with this key; return a proxy of its alice."""
    ca = make_ca(SUB, issuer=cast().root, key=key)
    site.ca_files = signed_by_all(cast().root, ca)
    site.ca_files |= ca_files("00000002", cast().sub)
    return user_of(ca)


RSA_KEY = der(0x30, der_oid("1.2.840.113549.1.1.1"), der(0x05))
EC_KEY = "1.2.840.10045.2.1"


def rsa_info(modulus: int, exponent: int) -> bytes:
    """Return the subjectPublicKeyInfo of an RSA key of these numbers."""
    numbers = join([der_integer(modulus), der_integer(exponent)])
    return join([RSA_KEY, der(0x03, b"\0", numbers)])


def ec_info(curve: str) -> bytes:
    """Return a subjectPublicKeyInfo with a point that is on no curve."""
    point = der(0x03, b"\0\4" + bytes(64))
    return join([der(0x30, der_oid(EC_KEY), der_oid(curve)), point])


ODD_KEYS = {
    "no key": der(0x30),
    "unused bits in a key": join([RSA_KEY, der(0x03, b"\x01\x80")]),
    "an RSA key of one number": join(
        [RSA_KEY, der(0x03, b"\x00", der(0x30, der_integer(1)))]
    ),
    "a negative modulus": rsa_info(-(1 << 2047), 3),
    "an even exponent": rsa_info((1 << 2048) - 1, 2),
    "an exponent of 71 bits": rsa_info((1 << 2048) - 1, 1 << 70),
    "an RSA key of 9000 bits": rsa_info((1 << 9000) - 1, 3),
    "a DSA key": join(
        [der(0x30, der_oid("1.2.840.10040.4.1"), der(0x05)), der(0x03, b"\0a")]
    ),
    "a curve that is not accepted": ec_info("1.3.132.0.10"),
    "a point off its curve": ec_info("1.2.840.10045.3.1.7"),
}

KEYS = (
    *(
        good(4, f"RSA-{bits}", lambda site, bits=bits: keyed(rsa_key(bits)))
        for bits in (2048, 3072, 4096)
    ),
    *(
        good(
            4,
            f"{curve.name} with {algorithm.name}",
            lambda site, curve=curve, algorithm=algorithm: keyed(
                ec_key(curve), algorithm
            ),
        )
        for curve, algorithm in (
            (ec.SECP256R1, hashes.SHA256()),
            (ec.SECP384R1, hashes.SHA384()),
            (ec.SECP521R1, hashes.SHA512()),
            (ec.SECP384R1, hashes.SHA256()),
        )
    ),
    *(
        good(4, f"RSA with {algorithm.name}", user(algorithm=algorithm))
        for algorithm in (hashes.SHA224(), hashes.SHA384(), hashes.SHA512())
    ),
    good(4, "a CA on P-256", lambda site: ca_keyed(site, ec_key())),
    good(4, "a CA on P-384", lambda site: ca_keyed(site, ec_key(ec.SECP384R1))),
    good(4, "a CA of RSA-4096", lambda site: ca_keyed(site, rsa_key(4096))),
    good(
        4,
        "a VOMS server on P-256",
        lambda site: signed_by(server_of(key=ec_key())),
        ac_issuer=VOMS,
    ),
    good(4, "a proxy on P-256 of an RSA user", lambda site: proxy(key=ec_key())),
    bad(
        4,
        "key_not_accepted",
        "a proxy with RSA-1024",
        lambda site: proxy(key=rsa_key(1024)),
    ),
    *(
        bad(4, "key_not_accepted", f"{name} in the user", edited(put(6, info)))
        for name, info in ODD_KEYS.items()
    ),
    bad(
        4,
        "key_not_accepted",
        "a user that a CA of RSA-1024 signed",
        lambda site: ca_keyed(site, rsa_key(1024)),
    ),
)

CASES = (*FRAMES, *ALGORITHMS, *KEYS)
