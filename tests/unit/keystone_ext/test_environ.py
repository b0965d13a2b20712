# SPDX-License-Identifier: Apache-2.0
"""Which certificates of a WSGI environ are believed, and in which order."""

import base64

import pytest

from keystone_voms_ext.environ import client_chain, has_client_certificate
from keystone_voms_ext.voms.errors import CredentialRefused
from tests.grid import certs


@pytest.fixture(scope="module")
def chain():
    """Return a chain of twelve certificates: two digits in the environ."""
    link = certs.make_user(
        "/DC=org/DC=example/CN=user",
        issuer=certs.make_ca("/DC=org/DC=example/CN=ca"),
    )
    for _ in range(11):
        link = certs.make_proxy(link)
    return link.chain()


def pem(der):
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"


def environ_of(chain):
    leaf, *issuers = (pem(der) for der in chain)
    # Backwards, for a server may set its keys in any order.
    rest = {f"SSL_CLIENT_CERT_CHAIN_{n}": text for n, text in enumerate(issuers)}
    return {**dict(reversed(rest.items())), "SSL_CLIENT_CERT": leaf}


def refusal(environ):
    with pytest.raises(CredentialRefused) as caught:
        client_chain(environ)
    assert caught.value.status == 401
    return caught.value.code


def test_the_chain_comes_leaf_first_and_sorted_as_numbers(chain):
    assert client_chain(environ_of(chain)) == chain


def test_a_single_certificate_is_a_chain(chain):
    assert client_chain({"SSL_CLIENT_CERT": pem(chain[0])}) == chain[:1]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"SSL_CLIENT_CERT": ""},
        {"SSL_CLIENT_CERT": None},
        {"HTTP_SSL_CLIENT_CERT": "x", "HTTP_CLIENT_CERT": ":eA==:"},
        {"SSL_CLIENT_CERT_CHAIN_X": "x", "SSL_CLIENT_CERT_CHAIN_00001": "x"},
    ],
)
def test_without_a_certificate_from_the_server_there_is_none(environ):
    assert not has_client_certificate(environ)
    assert refusal(environ) == "no_client_certificate"


def test_a_chain_without_its_leaf_is_refused_not_shifted(chain):
    environ = environ_of(chain)
    del environ["SSL_CLIENT_CERT"]
    assert has_client_certificate(environ)
    assert refusal(environ) == "chain_without_leaf"


def test_a_chain_with_a_gap_is_refused(chain):
    environ = environ_of(chain)
    del environ["SSL_CLIENT_CERT_CHAIN_3"]
    assert refusal(environ) == "chain_not_in_order"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("BEGIN CERTIFICATE", "BEGIN NOTHING"),
        lambda text: "MIIB" + text[4:],
        lambda text: "\u20ac" + text,
        lambda text: "x",
    ],
)
def test_a_certificate_that_is_no_pem_is_refused(chain, spoil):
    environ = environ_of(chain[:2])
    environ["SSL_CLIENT_CERT"] = spoil(environ["SSL_CLIENT_CERT"])
    assert refusal(environ)


def test_more_than_200000_bytes_are_refused_before_they_are_parsed(chain):
    environ = environ_of(chain[:2])
    environ["SSL_CLIENT_CERT"] += "\n" * 200_001
    assert refusal(environ) == "pem_too_large"


def test_a_resumed_session_lost_its_chain(chain):
    resumed = {"SSL_CLIENT_CERT": pem(chain[0]), "SSL_SESSION_RESUMED": "Resumed"}
    assert refusal(resumed) == "session_resumed"
    # A server that keeps the chain all the same has lost nothing.
    assert client_chain({**environ_of(chain), "SSL_SESSION_RESUMED": "Resumed"})
    assert client_chain({**resumed, "SSL_SESSION_RESUMED": "Initial"}) == chain[:1]
