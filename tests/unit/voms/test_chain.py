# SPDX-License-Identifier: Apache-2.0
"""From PEM to a chain: rules 1 and 2 on what a client or a server hands over."""

from __future__ import annotations

import time

import pytest

from keystone_voms_ext.voms.chain import certificates_from_pem
from keystone_voms_ext.voms.errors import CredentialRefused
from tests.unit.voms.site import cast, proxy

BEGIN = b"-----BEGIN CERTIFICATE-----\n"
END = b"-----END CERTIFICATE-----\n"


def code_of(pem: bytes) -> str:
    """Return the code with which a PEM text is refused."""
    with pytest.raises(CredentialRefused) as caught:
        certificates_from_pem(pem)
    assert caught.value.status == 401
    return caught.value.code


def test_a_proxy_file() -> None:
    made = proxy()
    assert b"PRIVATE KEY" in made.pem()
    assert certificates_from_pem(made.pem()) == made.chain()


def test_text_between_the_blocks() -> None:
    pem = b"Certificate:\n  Data - and more\n" + cast().alice.certificate_pem() + b"end"
    assert certificates_from_pem(pem) == cast().alice.chain()[:1]


def test_line_ends_do_not_matter() -> None:
    pem = cast().alice.certificate_pem()
    one_line = pem.replace(b"\n", b" ").replace(b"----- ", b"-----\n", 1)
    for form in (pem.replace(b"\n", b"\r\n"), one_line, pem.rstrip()):
        assert certificates_from_pem(form) == cast().alice.chain()[:1]


def test_keys_and_parameters_are_stepped_over_unread() -> None:
    keys = b"".join(
        b"-----BEGIN " + label + b"-----\n!!!\n-----END " + label + b"-----\n"
        for label in (b"PRIVATE KEY", b"EC PRIVATE KEY", b"EC PARAMETERS")
    )
    pem = keys + cast().alice.certificate_pem()
    assert certificates_from_pem(pem) == cast().alice.chain()[:1]


@pytest.mark.parametrize("size", [200_000, 200_001])
def test_size(size: int) -> None:
    pem = cast().alice.certificate_pem()
    pem += b" " * (size - len(pem))
    if size == 200_000:
        assert certificates_from_pem(pem)
    else:
        assert code_of(pem) == "pem_too_large"


def test_number() -> None:
    pem = cast().alice.certificate_pem()
    assert len(certificates_from_pem(pem * 20)) == 20
    assert code_of(pem * 21) == "too_many_certificates"


@pytest.mark.parametrize("pem", [b"", b"words", b"\x30\x82\x01\x00", b"\0" * 100])
def test_no_certificate(pem: bytes) -> None:
    assert code_of(pem) == "no_certificate"


def test_only_a_key() -> None:
    assert code_of(cast().alice.key_pem()) == "no_certificate"


@pytest.mark.parametrize(
    "pem",
    [
        BEGIN,
        BEGIN + b"AAAA",
        b"-----BEGIN CERTIFICATE",
        b"-----BEGIN CERTIFICATE\n-----",
        BEGIN + b"AAAA\n-----END CERT-----\n",
        BEGIN + BEGIN + END,
        END,
        BEGIN + b"MA==" + END + END,
        b"----BEGIN CERTIFICATE-----\nAAAA\n" + END,
        b" -----begin certificate-----\nAAAA\n",
        BEGIN + b"MA=\n" + END,
        BEGIN + b"MAA=AAAA\n" + END,
        BEGIN + b"M*A=\n" + END,
        BEGIN + b"Proc-Type: 4,ENCRYPTED\n" + END,
    ],
)
def test_malformed(pem: bytes) -> None:
    assert code_of(pem) == "pem_malformed"
    assert code_of(cast().alice.certificate_pem() + pem) == "pem_malformed"


@pytest.mark.parametrize(
    "label", [b"X509 CRL", b"TRUSTED CERTIFICATE", b" CERTIFICATE", b"\xff", b""]
)
def test_other_blocks(label: bytes) -> None:
    block = b"-----BEGIN " + label + b"-----\nMAA=\n-----END " + label + b"-----\n"
    assert code_of(cast().alice.certificate_pem() + block) == "pem_block_unknown"


def test_certificate_that_is_no_der() -> None:
    assert len(certificates_from_pem(BEGIN + b"MAA=\n" + END)) == 1
    assert code_of(BEGIN + b"MIIB\n" + END) == "certificate_unreadable"
    assert code_of(BEGIN + END) == "certificate_unreadable"


def test_ten_thousand_certificates_are_refused_at_once() -> None:
    begin = time.perf_counter()
    assert code_of((BEGIN + END) * 3600) == "too_many_certificates"
    assert code_of(cast().alice.certificate_pem() * 10_000) == "pem_too_large"
    assert time.perf_counter() - begin < 0.5
