# SPDX-License-Identifier: Apache-2.0
"""Certificates in headers: who may send them, and in which form."""

import base64

import pytest

from keystone_voms_ext import environ, headers
from keystone_voms_ext.voms.errors import CredentialRefused
from tests.grid.certs import make_ca, make_proxy, make_user

CA = make_ca("/DC=org/DC=example/CN=ca")
PROXY = make_proxy(make_user("/DC=org/DC=example/CN=alice", issuer=CA))
CHAIN = (*PROXY.chain(), CA.chain()[0])
PEER = "192.0.2.1"


def b64(octets):
    return base64.b64encode(octets).decode()


def item(octets):
    return f":{b64(octets)}:"


RFC_9440 = {
    "HTTP_CLIENT_CERT": item(CHAIN[0]),
    "HTTP_CLIENT_CERT_CHAIN": ", ".join(item(found) for found in CHAIN[1:]),
}
HAPROXY = {
    "HTTP_CLIENT_CERT": item(CHAIN[0]),
    "HTTP_X_SSL_CLIENT_CHAIN_DER": b64(b"".join(CHAIN[1:])),
}


@pytest.mark.parametrize("sent", [RFC_9440, HAPROXY])
@pytest.mark.parametrize(
    ("address", "peer"), [(PEER, PEER), ("", "unix"), ("0.0.0.0", "unix")]
)
def test_a_listed_peer_is_believed(sent, address, peer):
    request = {**sent, "REMOTE_ADDR": address}
    assert environ.has_client_certificate(request, header_peers=[peer])
    assert environ.client_chain(request, header_peers=[peer]) == CHAIN


def test_a_leaf_alone_is_a_chain():
    request = {"HTTP_CLIENT_CERT": item(CHAIN[0]), "REMOTE_ADDR": PEER}
    assert environ.client_chain(request, header_peers=[PEER]) == CHAIN[:1]


@pytest.mark.parametrize(
    ("address", "peers"),
    [
        (PEER, []),
        ("192.0.2.2", [PEER]),
        ("192.0.2.10", [PEER]),
        ("", [PEER]),
        (PEER, ["unix"]),
    ],
)
def test_nobody_else_is(address, peers):
    request = {**RFC_9440, "REMOTE_ADDR": address}
    assert not environ.has_client_certificate(request, header_peers=peers)
    with pytest.raises(CredentialRefused) as caught:
        environ.client_chain(request, header_peers=peers)
    assert caught.value.code == "no_client_certificate"


def test_without_headers_a_listed_peer_is_a_tls_server_like_others():
    request = {"REMOTE_ADDR": PEER}
    assert not environ.has_client_certificate(request, header_peers=[PEER])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"HTTP_CLIENT_CERT": ""}, "chain_without_leaf"),
        ({"HTTP_CLIENT_CERT": "::"}, "header_malformed"),
        ({"HTTP_CLIENT_CERT": b64(CHAIN[0])}, "header_malformed"),
        ({"HTTP_CLIENT_CERT": ":not base64:"}, "header_malformed"),
        ({"HTTP_CLIENT_CERT": ":\u00e9\u00e9\u00e9\u00e9:"}, "header_malformed"),
        ({"HTTP_CLIENT_CERT_CHAIN": "::, ::"}, "header_malformed"),
        ({"HTTP_CLIENT_CERT_CHAIN": item(CHAIN[1]) + ","}, "header_malformed"),
        (
            {"HTTP_CLIENT_CERT_CHAIN": ",".join([item(b"0\x00")] * 20)},
            "too_many_certificates",
        ),
        ({"HTTP_X_SSL_CLIENT_CHAIN_DER": b64(CHAIN[1])}, "header_malformed"),
        ({"HTTP_CLIENT_CERT": f":{'A' * 200_000}:"}, "pem_too_large"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_code(changes, code):
    request = {**RFC_9440, "REMOTE_ADDR": PEER, **changes}
    with pytest.raises(CredentialRefused) as caught:
        environ.client_chain(request, header_peers=[PEER])
    assert caught.value.code == code
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (CHAIN[1][:-1], "header_malformed"),
        (CHAIN[1] + b"\x30", "header_malformed"),
        (b"0\x00" * 21, "too_many_certificates"),
    ],
)
def test_a_broken_row_of_certificates_is_refused(octets, code):
    request = {**HAPROXY, headers.CHAIN_DER: b64(octets), "REMOTE_ADDR": PEER}
    with pytest.raises(CredentialRefused) as caught:
        environ.client_chain(request, header_peers=[PEER])
    assert caught.value.code == code
