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


def test_certificate_that_is_no_der() -> None:
    assert len(certificates_from_pem(BEGIN + b"MAA=\n" + END)) == 1
    assert code_of(BEGIN + b"MIIB\n" + END) == "certificate_unreadable"
    assert code_of(BEGIN + END) == "certificate_unreadable"


def test_ten_thousand_certificates_are_refused_at_once() -> None:
    begin = time.perf_counter()
    assert code_of((BEGIN + END) * 3600) == "too_many_certificates"
    assert code_of(cast().alice.certificate_pem() * 10_000) == "pem_too_large"
    assert time.perf_counter() - begin < 0.5
