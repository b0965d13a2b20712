# SPDX-License-Identifier: Apache-2.0
"""Rules 1 to 4 and 22 on certificates: caps, DER, frame, keys, names."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from tests.grid.ac import SHA256_ECDSA, SHA256_RSA
from tests.grid.certs import (
    der,
    der_integer,
    der_oid,
    make_proxy,
    make_user,
    pooled_key,
)
from tests.unit.voms.conftest import Refused
from tests.unit.voms.site import ALICE, Site, ac, cast, proxy
from tests.unit.voms.surgery import (
    Fields,
    edit_extensions,
    join,
    name_der,
    resigned,
    split,
    with_leaf,
)

SHA1_RSA = der(0x30, der_oid("1.2.840.113549.1.1.5"), der(0x05))
CN = "2.5.4.3"
DC = "0.9.2342.19200300.100.1.25"


def users_chain(edit: object, **changes: object) -> tuple[bytes, ...]:
    """Return the chain of a proxy of alice whose certificate `edit` has changed."""
    people = cast()
    changed = resigned(people.alice.chain()[0], people.sub.key, edit, **changes)
    return (proxy().chain()[0], changed, *people.alice.chain()[1:])


def put(index: int, field: bytes) -> object:
    """Return an edit that replaces one field of a TBSCertificate."""

    def edit(fields: Fields) -> None:
        fields[index] = field

    return edit


# Rule 1.


def test_too_many_certificates(refused: Refused) -> None:
    refused("too_many_certificates", (b"\x30\x00",) * 21)


def test_too_large_a_chain(refused: Refused) -> None:
    refused("chain_too_large", (bytes(200_001),))


def test_too_many_proxies(refused: Refused) -> None:
    people = cast()
    above = people.alice
    for _ in range(17):
        above = make_proxy(above, path_length=None)
    refused("too_many_proxies", above)


def test_a_site_may_allow_fewer_proxies(site: Site, refused: Refused) -> None:
    second = make_proxy(proxy())
    assert site.validate(second, max_proxies=2).vo == "dteam"
    refused("too_many_proxies", second, max_proxies=1)


# Rule 2.


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x00",
        b"\x30\x80\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x81\x05\x02\x01\x01\x05\x00",
        b"\x1f\x81\x01\x00",
    ],
)
def test_what_is_not_a_certificate(refused: Refused, data: bytes) -> None:
    refused("certificate_unreadable", with_leaf(proxy(), data))


def test_trailing_bytes(refused: Refused) -> None:
    leaf = proxy().chain()[0]
    refused("certificate_unreadable", with_leaf(proxy(), leaf + b"\x00"))


@pytest.mark.parametrize("cut", [1, 100, 1000])
def test_half_a_certificate(refused: Refused, cut: int) -> None:
    leaf = proxy().chain()[0]
    refused("certificate_unreadable", with_leaf(proxy(), leaf[:-cut]))


def test_missing_field(refused: Refused) -> None:
    refused("certificate_unreadable", users_chain(lambda fields: fields.__delitem__(1)))
    refused("certificate_unreadable", users_chain(lambda f: f.__delitem__(slice(1, 5))))


def test_unexpected_field(refused: Refused) -> None:
    refused("certificate_unreadable", users_chain(lambda f: f.append(der(0x85, b""))))


def test_unique_ids_are_let_be(site: Site) -> None:
    def edit(fields: Fields) -> None:
        fields[7:7] = [der(0x81, b"\x00a"), der(0x82, b"\x00b")]

    assert site.validate(users_chain(edit)).dn == ALICE


def test_certificate_without_extensions(site: Site) -> None:
    def edit(fields: Fields) -> None:
        del fields[-1]

    assert site.validate(users_chain(edit)).dn == ALICE


def extension(oid: str, value: bytes, flag: bytes = b"") -> bytes:
    return der(0x30, der_oid(oid), flag, der(0x04, value))


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [der(0x30)],
        [der(0x30, der_oid("1.2.3"), der(0x01, b"\x01"), der(0x04))],
        [der(0x30, der_oid("1.2.3"), der(0x02, b"\x01"))],
        [der(0x30, der(0x06, b"\x80\x01"), der(0x04))],
        [der(0x30, der(0x06, b"\x81"), der(0x04))],
        [extension("2.5.29.19", der(0x30, der_integer(1)))],
        [extension("2.5.29.19", der(0x30, der(1, b"\xff"), der_integer(-1)))],
        [extension("2.5.29.19", der(0x30, der(1, b"\xff"), der(0x05)))],
        [extension("2.5.29.15", der(0x03))],
        [extension("2.5.29.15", der(0x03, b"\x07\x81"))],
        [extension("2.5.29.15", der(0x03, b"\x08\x80"))],
        [extension("2.5.29.15", der(0x03, b"\x01"))],
        [extension("2.5.29.37", der(0x30, der(0x05)))],
        [extension("2.5.29.14", der(0x03, b"\x00"))],
    ],
)
def test_broken_extensions(refused: Refused, listed: Fields) -> None:
    def edit(extensions: Fields) -> None:
        extensions[:] = listed

    refused("certificate_unreadable", users_chain(edit_extensions(edit)))


@pytest.mark.parametrize(
    "moment",
    [
        der(0x17, b"2611241200Z"),
        der(0x17, b"261324120000Z"),
        der(0x17, b"+61124120000Z"),
        der(0x17, b"261124120000+"),
        der(0x18, b"20261124120000.5Z"),
        der(0x02, b"\x01"),
    ],
)
def test_broken_times(refused: Refused, moment: bytes) -> None:
    def edit(fields: Fields) -> None:
        fields[4] = join([split(fields[4])[0], moment])

    refused("certificate_unreadable", users_chain(edit))


def test_time_of_the_last_century_and_generalized_time(site: Site) -> None:
    def edit(fields: Fields) -> None:
        begin, end = der(0x17, b"991124120000Z"), der(0x18, b"20991124120000Z")
        fields[4] = join([begin, end])

    assert site.validate(users_chain(edit)).dn == ALICE


# Rule 3.


@pytest.mark.parametrize("version", [0, 1, 3, -1])
def test_version(refused: Refused, version: int) -> None:
    edit = put(0, der(0xA0, der_integer(version)))
    refused("not_version_3", users_chain(edit))


def test_version_left_out(refused: Refused) -> None:
    refused("not_version_3", users_chain(lambda fields: fields.__delitem__(0)))


def test_algorithms_differ(refused: Refused) -> None:
    refused(
        "algorithm_mismatch", users_chain(lambda fields: None, algorithm=SHA256_ECDSA)
    )


def test_extension_twice(refused: Refused) -> None:
    edit = edit_extensions(lambda listed: listed.append(listed[0]))
    refused("extension_repeated", users_chain(edit))


def test_unknown_critical_extension(site: Site, refused: Refused) -> None:
    oid = ObjectIdentifier("1.2.3.4")
    for critical in (False, True):
        unknown = (x509.UnrecognizedExtension(oid, b"\x05\x00"), critical)
        chain = proxy(extra=[unknown]).chain()
        if critical:
            assert "1.2.3.4" in refused("critical_extension_unknown", chain).what
        else:
            assert site.validate(chain).dn == ALICE


@pytest.mark.parametrize("serial", [-1, 1 << 160])
def test_serial(refused: Refused, serial: int) -> None:
    refused("serial_invalid", users_chain(put(1, der_integer(serial))))


# Rule 4.


def test_weak_algorithm(refused: Refused) -> None:
    def edit(fields: Fields) -> None:
        fields[2] = SHA1_RSA

    refused("algorithm_not_accepted", users_chain(edit, algorithm=SHA1_RSA))


@pytest.mark.parametrize(
    "algorithm",
    [
        der(0x30),
        der(0x30, der_oid("1.2.840.113549.1.1.11"), der(0x02, b"\x01")),
        der(0x30, der_oid("1.2.840.10045.4.3.2"), der(0x05)),
        der(0x30, der_oid("1.2.840.113549.1.1.11"), der(0x05), der(0x05)),
        der(0x30, der_oid("1.2.840.113549.1.1.11"), der(0x05, bytes(70))),
    ],
)
def test_odd_algorithm(refused: Refused, algorithm: bytes) -> None:
    def edit(fields: Fields) -> None:
        fields[2] = algorithm

    refused("algorithm_not_accepted", users_chain(edit, algorithm=algorithm))


def test_algorithm_without_parameters(site: Site) -> None:
    bare = der(0x30, der_oid("1.2.840.113549.1.1.11"))
    chain = users_chain(put(2, bare), algorithm=bare)
    assert site.validate(chain).dn == ALICE


def test_algorithm_of_the_other_key_kind(refused: Refused) -> None:
    chain = users_chain(put(2, SHA256_ECDSA), algorithm=SHA256_ECDSA)
    refused("signature_invalid", chain)


def test_rsa_algorithm_over_an_ec_signature(refused: Refused) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    user = make_user(ALICE, issuer=cast().sub, key=key)
    made = proxy(user, ac=ac(holder=user.certificate))

    def edit(fields: Fields) -> None:
        fields[2] = SHA256_RSA

    leaf = resigned(made.chain()[0], key, edit, algorithm=SHA256_RSA)
    refused("signature_invalid", with_leaf(made, leaf))


def test_unused_bits(refused: Refused) -> None:
    refused("signature_bits_unused", users_chain(lambda fields: None, unused_bits=1))


def test_signature_of_another_key(refused: Refused) -> None:
    user = make_user(ALICE, issuer=cast().sub, signer_key=pooled_key(0))
    refused("signature_invalid", proxy(user))


def test_changed_octet(refused: Refused) -> None:
    people = cast()
    data = bytearray(people.alice.chain()[0])
    data[-1] ^= 1
    chain = (proxy().chain()[0], bytes(data), *people.alice.chain()[1:])
    refused("signature_invalid", chain)


def test_sha1_signature(refused: Refused) -> None:
    tail = proxy().chain()[1:]
    tampered = resigned(
        proxy().chain()[0],
        cast().alice.key,
        put(2, SHA1_RSA),
        algorithm=SHA1_RSA,
    )
    refused("algorithm_not_accepted", (tampered, *tail))


def test_weak_key_of_a_proxy(refused: Refused) -> None:
    bits = 1024
    weak = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    refused("key_not_accepted", proxy(key=weak))


KEY_RSA = der(0x30, der_oid("1.2.840.113549.1.1.1"), der(0x05))


@pytest.mark.parametrize(
    "key_info",
    [
        der(0x30),
        join([KEY_RSA, der(0x03, b"\x01\x80")]),
        join([KEY_RSA, der(0x03, b"\x00", der(0x30, der_integer(1)))]),
        join(
            [
                KEY_RSA,
                der(0x03, b"\0", join([der_integer(-(1 << 2047)), der_integer(3)])),
            ]
        ),
        join(
            [
                KEY_RSA,
                der(0x03, b"\0", join([der_integer((1 << 2048) - 1), der_integer(2)])),
            ]
        ),
        join(
            [
                KEY_RSA,
                der(
                    0x03,
                    b"\0",
                    join([der_integer((1 << 2048) - 1), der_integer(1 << 70)]),
                ),
            ]
        ),
        join(
            [
                KEY_RSA,
                der(0x03, b"\0", join([der_integer((1 << 9000) - 1), der_integer(3)])),
            ]
        ),
        join([der(0x30, der_oid("1.2.840.10040.4.1"), der(0x05)), der(0x03, b"\0a")]),
        join(
            [
                der(0x30, der_oid("1.2.840.10045.2.1"), der_oid("1.3.132.0.10")),
                der(0x03, b"\0\4" + bytes(64)),
            ]
        ),
        join(
            [
                der(0x30, der_oid("1.2.840.10045.2.1"), der_oid("1.2.840.10045.3.1.7")),
                der(0x03, b"\0\4" + bytes(64)),
            ]
        ),
    ],
)
def test_odd_key(refused: Refused, key_info: bytes) -> None:
    refused("key_not_accepted", users_chain(put(6, key_info)))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(public_exponent=65537, key_size=3072), None),
        (ec.generate_private_key(ec.SECP256R1()), None),
        (ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()),
        (ec.generate_private_key(ec.SECP521R1()), hashes.SHA512()),
    ],
)
def test_good_keys(site: Site, key: object, algorithm: object) -> None:
    user = make_user(ALICE, issuer=cast().sub, key=key, algorithm=hashes.SHA512())
    leaf = proxy(user, key=key, ac=ac(holder=user.certificate), algorithm=algorithm)
    assert site.validate(leaf).dn == ALICE


# Rule 22.


def named(*rdns: list[tuple[str, int, bytes]]) -> tuple[bytes, ...]:
    """Return a chain in which alice's certificate has another subject."""
    org = [[(DC, 0x16, b"org")], [(DC, 0x16, b"example")]]
    return users_chain(put(5, name_der(*org, *rdns)))


@pytest.mark.parametrize(
    ("tag", "octets"),
    [
        (0x0C, b""),
        (0x0C, b"\xff"),
        (0x0C, b"a\nb"),
        (0x0C, b"a\0b"),
        (0x0C, "a\u202eb".encode()),
        (0x0C, "a\u2028b".encode()),
        (0x0C, b"x/CN=bob"),
        (0x0C, b"x+CN=bob"),
        (0x0C, b"x/1.2.3=bob"),
        (0x0C, rb"a\xC3"),
        (0x0C, rb"a\/b"),
        (0x0C, rb"a\+b"),
        (0x0C, b"a\\"),
        (0x13, b"\xe9"),
        (0x14, b"\x85"),
        (0x1E, b"\x00"),
        (0x1E, b"\xd8\x00"),
        (0x1C, b"\x00\x11\x00\x00"),
        (0x04, b"octets"),
    ],
)
def test_ambiguous_names(refused: Refused, tag: int, octets: bytes) -> None:
    refused("dn_ambiguous", named([(CN, tag, octets)]))


def test_empty_name(refused: Refused) -> None:
    refused("dn_ambiguous", users_chain(put(5, der(0x30))))


@pytest.mark.parametrize(
    "name",
    [
        der(0x31),
        der(0x30, der(0x30)),
        der(0x30, der(0x31)),
        der(0x30, der(0x31, der(0x30, der_oid(CN)))),
        name_der([(CN, 0x0C, b"x" * 5000)]),
    ],
)
def test_broken_names(refused: Refused, name: bytes) -> None:
    refused("certificate_unreadable", users_chain(put(5, name)))


@pytest.mark.parametrize(
    ("rdn", "shown"),
    [
        ([(CN, 0x0C, "Jos\u00e9".encode())], r"/CN=Jos\xC3\xA9"),
        ([(CN, 0x14, b"Jos\xe9")], r"/CN=Jos\xE9"),
        ([(CN, 0x1E, b"\0A\0b")], r"/CN=\x00A\x00b"),
        ([(CN, 0x13, b"host/a.example.org")], r"/CN=host\/a.example.org"),
        ([(CN, 0x13, b"a+b = c/d")], r"/CN=a\+b = c\/d"),
        ([(CN, 0x13, b"a = b, c")], "/CN=a = b, c"),
        ([(CN, 0x13, b"a"), ("0.9.2342.19200300.100.1.1", 0x13, b"u")], "/CN=a+UID=u"),
        ([("1.2.840.113549.1.9.1", 0x16, b"a@b.org")], "/emailAddress=a@b.org"),
        ([("1.2.3.4", 0x0C, b"odd")], "/1.2.3.4=odd"),
    ],
)
def test_good_names(site: Site, rdn: list[tuple[str, int, bytes]], shown: str) -> None:
    chain = named(rdn)
    prefix = name_der([(DC, 0x16, b"org")], [(DC, 0x16, b"example")], rdn)
    user = resigned(chain[1], cast().sub.key, put(5, prefix))
    certificate = x509.load_der_x509_certificate(user)

    def edit(fields: Fields) -> None:
        fields[3] = prefix
        fields[5] = join([*split(prefix), *split(name_der([(CN, 0x13, b"1")]))])
        value = der(0x30, der(0x30, ac(holder_der=holder(prefix, certificate))))
        carrier = extension("1.3.6.1.4.1.8005.100.100.5", value)
        edit_extensions(lambda listed: listed.__setitem__(0, carrier))(fields)

    leaf = resigned(chain[0], cast().alice.key, edit)
    result = site.validate((leaf, user, *chain[2:]))
    assert result.dn == "/DC=org/DC=example" + shown


def holder(name: bytes, certificate: x509.Certificate) -> bytes:
    """Return the holder field of this name and of the certificate's serial."""
    names = der(0x30, der(0xA4, name))
    return der(0x30, der(0xA0, names, der_integer(certificate.serial_number)))


def test_string_types_do_not_make_names_differ(site: Site) -> None:
    name = name_der(
        [(DC, 0x16, b"org")],
        [(DC, 0x16, b"example")],
        [("2.5.4.10", 0x13, b"People")],
        [(CN, 0x13, b"alice")],
    )
    assert site.validate(users_chain(put(5, name))).dn == ALICE


def test_common_name_oid_is_the_one_of_cryptography() -> None:
    assert NameOID.COMMON_NAME.dotted_string == CN
