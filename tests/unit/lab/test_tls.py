# SPDX-License-Identifier: Apache-2.0
"""The lab's TLS server, by real handshakes: who gets in, what the log says."""

import http.client
import logging
import socket
import ssl
import threading
import time
import urllib.request

import pytest

from tests.grid.grid import make_grid
from tests.lab.run import tls
from tests.lab.run.wsgi_server import HOST, new_server, wait_for_answer

VARIABLES = ("SSL_CLIENT_VERIFY", "SSL_CLIENT_CERT", "SSL_CLIENT_CERT_CHAIN_")


def tell_certificates(environ, start_response):
    """Answer with the client's certificates as the server exported them."""
    environ["wsgi.input"].close()
    found = [
        f"{name}={text.count('BEGIN CERTIFICATE') or text}"
        for name, text in sorted(environ.items())
        if name.startswith(VARIABLES)
    ]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["\n".join(found).encode()]


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return make_grid(tmp_path_factory.mktemp("grid"), maker="own")


@pytest.fixture(scope="module")
def port(grid):
    """Return the port of a server that trusts the grid."""
    server = new_server(tell_certificates, 0)
    server.ConnectionClass = tls.TlsConnection
    server.ssl_adapter = tls.ProxyCertAdapter(
        certificate=grid.host.certificate,
        key=grid.host.key,
        ca_files=[grid.ca_bundle, grid.crl_bundle],
    )
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server.bind_addr[1]
    server.stop()
    thread.join()


@pytest.fixture
def ask(grid, port):
    """Return a function that asks the server as the holder of a PEM file."""

    def get(pem=None, key=None):
        context = ssl.create_default_context(cafile=grid.ca_bundle)
        if pem:
            context.load_cert_chain(pem, key)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=context),
        )
        with opener.open(f"https://{HOST}:{port}/", timeout=20) as answer:
            return answer.read().decode().splitlines()

    return get


def logged(caplog, text):
    """Return the line with a text; the client may know before the log does."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for record in caplog.records:
            if text in record.getMessage():
                return record.getMessage()
        time.sleep(0.02)
    raise AssertionError(f"no line with {text!r} in the log")


def test_a_client_without_a_certificate_gets_in(ask):
    assert ask() == ["SSL_CLIENT_VERIFY=NONE"]


def test_a_proxy_gets_in_and_its_chain_is_exported_leaf_first(ask, grid):
    found = ask(grid.proxy("alice"))
    assert "SSL_CLIENT_VERIFY=SUCCESS" in found
    assert "SSL_CLIENT_CERT=1" in found
    assert "SSL_CLIENT_CERT_CHAIN_0=1" in found


def test_a_plain_certificate_gets_in(ask, grid):
    pair = grid.user("bob")
    assert "SSL_CLIENT_CERT=1" in ask(pair.certificate, pair.key)


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ("expired", "certificate has expired (verify error 10)"),
        ("mallory", "unable to get local issuer certificate (verify error 20)"),
        # The proxy itself is fine: it is the user's certificate in the chain.
        ("revoked", "certificate revoked (verify error 23)"),
    ],
)
def test_a_client_that_is_refused_is_logged_with_the_reason(
    ask, grid, caplog, account, reason
):
    with caplog.at_level(logging.WARNING, logger=tls.LOG.name):
        with pytest.raises(OSError):
            ask(grid.proxy(account))
        line = logged(caplog, reason)
    assert line.startswith(f"TLS handshake with {HOST} port ")
    assert line.endswith(reason)


def test_plain_http_is_logged_and_answered_by_nothing(port, caplog):
    with caplog.at_level(logging.WARNING, logger=tls.LOG.name):
        with socket.create_connection((HOST, port), 20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while client.recv(1024):
                pass
        assert logged(caplog, "http request")


def test_a_client_that_says_nothing_keeps_nobody_out(ask, port):
    with socket.create_connection((HOST, port), 20):
        assert ask() == ["SSL_CLIENT_VERIFY=NONE"]


def test_the_next_request_of_a_connection_outlives_a_closed_input(grid, port):
    # tell_certificates closes its input, as Glance does.
    context = ssl.create_default_context(cafile=grid.ca_bundle)
    connection = http.client.HTTPSConnection(HOST, port, timeout=20, context=context)
    try:
        for _ in range(2):
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.read() == b"SSL_CLIENT_VERIFY=NONE"
    finally:
        connection.close()


def test_waiting_for_an_answer_takes_the_ca_it_is_told(grid, port):
    wait_for_answer([f"https://{HOST}:{port}/"], str(grid.ca_bundle))
