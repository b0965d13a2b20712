# SPDX-License-Identifier: Apache-2.0
"""The shared cache stays on loopback, and says why it does not answer."""

import socket
import threading
from pathlib import Path

from tests.lab import memcached
from tests.lab.settings import HOST, MEMCACHED, PORTS, from_environ


def lab(port):
    """Return a lab whose memcached has that port."""
    environ = {"LAB_PORT_BASE": str(port - PORTS.index(MEMCACHED))}
    return from_environ(environ, source=Path("/srv/checkout"))


def test_it_listens_on_loopback_and_by_tcp_alone(monkeypatch):
    monkeypatch.setattr(memcached.environment, "program", lambda name: f"/bin/{name}")
    command = memcached.command(lab(21007))
    assert command[0] == "/bin/memcached"
    assert {"--listen=127.0.0.1", "--port=21007", "--udp-port=0"} <= set(command)


def test_a_port_where_nobody_listens_is_told():
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
    found = memcached.probe(lab(port))
    assert "refused" in found


def test_a_stranger_on_its_port_is_told_apart():
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"ERROR\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        found = memcached.probe(lab(port))
        thread.join()
    assert found == r"it answers b'ERROR\r\n'"
