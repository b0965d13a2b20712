# SPDX-License-Identifier: Apache-2.0
"""A TLS front for cheroot that takes proxy certificates (RFC 3820).

Owns the handshake: which clients get in, what the application learns about
their chain, and one log line for each client that does not get in. It must
never pass on a chain that OpenSSL did not verify. Read ProxyCertAdapter and
TlsConnection.communicate.
"""

import contextlib
import logging
import socket
import ssl
from pathlib import Path
from typing import Any

from cheroot import server as cheroot_server
from cheroot.ssl.builtin import BuiltinSSLAdapter

HANDSHAKE_SECONDS = 10
# A client that was refused needs no longer than this to hang up.
ALERT_SECONDS = 2

LOG = logging.getLogger("lab.tls")


class ProxyCertAdapter(BuiltinSSLAdapter):
    """TLS with an optional client certificate, which may be a proxy."""

    def __init__(self, *, certificate: Path, key: Path, ca_files: list[Path]) -> None:
        super().__init__(str(certificate), str(key))
        context = self.context
        for path in ca_files:
            context.load_verify_locations(cafile=str(path))
        # A user with a password shows no certificate on the same port.
        context.verify_mode = ssl.CERT_OPTIONAL
        # Every CA of a chain is asked for its CRL. OpenSSL leaves the proxies
        # out of that, as their issuers are users.
        context.verify_flags |= (
            ssl.VERIFY_ALLOW_PROXY_CERTS | ssl.VERIFY_CRL_CHECK_CHAIN
        )
        # A resumed session keeps the leaf and loses the rest of the chain.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        """Return a socket whose handshake is still to come.

        cheroot calls this where it accepts connections: a client that says
        nothing would keep all the others out.
        """
        wrapped = self.context.wrap_socket(
            sock, server_side=True, do_handshake_on_connect=False
        )
        return wrapped, {}

    def get_environ(self, sock: ssl.SSLSocket) -> dict[str, Any]:
        """Return the WSGI variables of a finished handshake, named as mod_ssl's."""
        environ = super().get_environ(sock)
        environ.update(chain_environ(peer_chain(sock)))
        return environ


class TlsConnection(cheroot_server.HTTPConnection):
    """A connection that shakes hands in its worker thread."""

    def communicate(self) -> bool:
        """Shake hands once, then serve requests; False closes the connection."""
        if not self.ssl_env:
            self.socket.settimeout(HANDSHAKE_SECONDS)
            try:
                self.socket.do_handshake()
            except OSError as error:
                LOG.warning(
                    "TLS handshake with %s port %s failed: %s",
                    self.remote_addr,
                    self.remote_port,
                    reason(error),
                )
                self._let_the_alert_arrive()
                return False
            self.socket.settimeout(self.server.timeout)
            self.ssl_env = self.server.ssl_adapter.get_environ(self.socket)
        return super().communicate()

    def _let_the_alert_arrive(self) -> None:
        """Take what the client still sends, until it is done or was given time.

        With TLS 1.3 a client sends its request before it knows that it was
        refused. Closing on unread bytes resets the connection, and the reset
        overtakes the alert that says why.
        """
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)  # leaves TLS: now raw bytes
            self.socket.settimeout(ALERT_SECONDS)
            while self.socket.recv(65536):
                pass


def reason(error: OSError) -> str:
    """Return why a handshake failed, in OpenSSL's words and number."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{error.verify_message} (verify error {error.verify_code})"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"{error.reason.lower().replace('_', ' ')} ({error.library})"
    if isinstance(error, TimeoutError):
        return f"the client said nothing for {HANDSHAKE_SECONDS} s"
    return str(error) or type(error).__name__


def peer_chain(sock: ssl.SSLSocket) -> list[bytes]:
    """Return the client's certificates as sent, DER, leaf first; [] without."""
    if not sock.getpeercert(binary_form=True):
        return []
    if hasattr(sock, "get_unverified_chain"):
        return list(sock.get_unverified_chain())
    # Before Python 3.13 only the object underneath has the method.
    chain = sock._sslobj.get_unverified_chain()
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain]


def chain_environ(chain: list[bytes]) -> dict[str, str]:
    """Return SSL_CLIENT_CERT, SSL_CLIENT_CERT_CHAIN_n and SSL_CLIENT_VERIFY."""
    pem = [ssl.DER_cert_to_PEM_cert(der) for der in chain]
    if not pem:
        return {"SSL_CLIENT_VERIFY": "NONE"}
    issuers = {
        f"SSL_CLIENT_CERT_CHAIN_{number}": text for number, text in enumerate(pem[1:])
    }
    return {"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_CERT": pem[0], **issuers}
