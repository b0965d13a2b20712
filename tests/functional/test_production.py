# SPDX-License-Identifier: Apache-2.0
"""The lab of mode production: Apache, uWSGI, RabbitMQ, and a VOMS server to ask.

    MODE=production python -m pytest tests/functional/test_production.py

It starts a lab that runs anew, for its first test is about the first moment after
a start. With another mode there is nothing to test here. Read ``lab`` first.
"""

import json
import socket
import ssl
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import libcloud.security
import pytest
import requests
from libcloud.common.openstack_identity import OpenStackIdentity_2_0_Connection_VOMS

from tests.functional.calls import Caller
from tests.grid.accounts import ACCOUNTS
from tests.grid.certs import make_proxy
from tests.grid.reissue import PemPair
from tests.lab.lab import Lab
from tests.lab.settings import HOST, PRODUCTION, VOMSD
from tests.lab.voms_client import CLIENTS

if Lab.from_environ().settings.mode != PRODUCTION:
    raise RuntimeError("This is about a lab of MODE=production: set it.")

BIN = Path(sys.executable).parent
TLS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(scope="session")
def lab():
    """Return the lab, started a moment ago."""
    found = Lab.from_environ()
    running = not any(service.fault for service in found.status())
    found.down()
    found.up()
    yield found
    if not running:
        found.down()


@pytest.fixture(scope="session")
def call(lab_env):
    return Caller(lab_env)


@pytest.fixture
def init(lab, tmp_path):
    """Return a function that runs voms-proxy-init for a user."""

    def run(user, *arguments, client=CLIENTS[0], out="proxy.pem"):
        command, environ = lab.voms_proxy_init(
            user, *arguments, "--out", str(tmp_path / out), client=client
        )
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=60
        )
        return tmp_path / out, done

    return run


@pytest.fixture
def genuine(init):
    """Return a function that makes a proxy at the VOMS server, or fails."""

    def make(user, *arguments, **options):
        arguments = arguments or ("--voms", "dteam")
        path, done = init(user, *arguments, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return path

    return make


def test_the_first_server_after_a_start_becomes_active(client, unique):
    image, flavor = ("--image", "cirros"), ("--flavor", "m1.nano")
    where = ("--network", "private", "--wait", "-f", "json")
    made = client.openstack("server", "create", unique, *image, *flavor, *where)
    assert made["status"] == "ACTIVE"
    client.openstack("server", "delete", "--wait", unique)


def test_each_part_is_a_process_of_its_own(lab):
    found = lab.status()
    assert {"nova-compute", "cinder-volume", "rabbitmq", "apache", "occi"} <= {
        one.name for one in found
    }
    assert all(one.answers for one in found)
    assert len({one.pid for one in found}) == len(found)


@pytest.mark.parametrize("program", CLIENTS)
def test_a_genuine_proxy_logs_in_by_each_client(
    program, genuine, client, call, lab_env, monkeypatch
):
    proxy = genuine("alice", client=program)
    issued = client.openstack(
        "token", "issue", "-f", "json", OS_X509_USER_PROXY=str(proxy)
    )
    described = client.post_subject("GET", issued["id"]).json()["token"]
    assert described["user"]["name"] == ACCOUNTS["alice"].dn
    assert described["project"]["name"] == "dteam"
    # The same user as by the grid's own proxies.
    assert len(client.users_named(ACCOUNTS["alice"].dn)) == 1

    endpoint = lab_env["OCCI_ENDPOINT"]
    headers = {"X-Auth-Token": issued["id"], "Accept": "text/occi"}
    kinds = call("GET", f"{endpoint}/-/", headers=headers)
    assert kinds.status_code == 200 and "compute" in kinds.headers["Category"]

    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", HOST)
    monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", lab_env["OS_CACERT"])
    connection = OpenStackIdentity_2_0_Connection_VOMS(
        call.root, None, str(proxy), tenant_name="dteam"
    )
    connection.authenticate()
    assert connection.auth_user_info["id"] == described["user"]["id"]


def test_occi_answers_with_urls_that_its_client_can_follow(
    genuine, client, call, lab_env
):
    token = client.log_in(genuine("bob"), project="dteam").headers["X-Subject-Token"]
    endpoint = lab_env["OCCI_ENDPOINT"]
    headers = {"X-Auth-Token": token, "Content-Type": "text/occi"}
    headers["Accept"] = "text/occi"
    infrastructure = "http://schemas.ogf.org/occi/infrastructure#"
    kinds = call("GET", f"{endpoint}/-/", headers=headers).headers["Category"]
    assert infrastructure in kinds
    headers["Category"] = f'storage; scheme="{infrastructure}"; class="kind"'
    headers["X-OCCI-Attribute"] = "occi.storage.size=1"
    made = call("POST", f"{endpoint}/storage/", headers=headers)
    assert made.status_code == 201, made.text
    url = made.headers["Location"]
    assert url.startswith(f"{endpoint}/storage/")
    plain = {"X-Auth-Token": token}
    assert call("GET", url, headers=plain).status_code == 200
    assert call("DELETE", url, headers=plain).status_code in (200, 204)


def test_a_role_and_the_groups_of_a_user_arrive(genuine, client, lab_env):
    proxy = genuine("carol", "--voms", "dteam:/dteam/Role=VO-Admin")
    trust = ("--vomsdir", lab_env["LAB_VOMSDIR"], "--ca-dir", lab_env["LAB_CADIR"])
    described = subprocess.run(
        [BIN / "voms-explain", *trust, "--json", str(proxy)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "/dteam/Role=VO-Admin" in described.stdout, described.stderr
    answer = client.log_in(proxy, project="ngi-test")
    assert answer.status_code == 201, answer.text


def test_who_is_not_in_the_vo_gets_no_attributes(init):
    _, done = init("frank", "--voms", "dteam")
    assert done.returncode != 0
    assert "unknown to this VO" in done.stdout + done.stderr


def test_mallory_with_the_name_of_alice_is_refused_by_the_server(init, client):
    proxy, done = init("mallory", "--voms", "dteam")
    assert done.returncode != 0
    if proxy.exists():
        with pytest.raises(requests.exceptions.RequestException):
            client.log_in(proxy)


def test_a_suspended_user_hears_why_until_the_suspension_ends(lab, init, genuine):
    lab.suspend("bob", "left the collaboration")
    try:
        _, done = init("bob", "--voms", "dteam")
    finally:
        lab.suspend("bob", "")
    assert done.returncode != 0
    assert "left the collaboration" in done.stdout + done.stderr
    genuine("bob", out="again.pem")


def test_apache_refuses_the_proxy_of_a_revoked_user(client, proxies, logged):
    # bob's certificate is of the same CA, and he is let in.
    assert client.log_in(proxies("bob")).status_code == 201
    with pytest.raises(requests.exceptions.RequestException):
        client.log_in(proxies("revoked"))
    line = "certificate verify failed"
    assert line in logged("keystone-tls", until=line)


@pytest.mark.parametrize("version", TLS)
def test_no_session_is_resumed(lab, proxies, version):
    context = ssl.create_default_context(cafile=str(lab.settings.ca_file))
    context.minimum_version = context.maximum_version = TLS[version]
    context.load_cert_chain(proxies("alice"))
    kept = None
    for _ in range(2):
        with (
            socket.create_connection((HOST, lab.settings.port("keystone"))) as plain,
            context.wrap_socket(plain, server_hostname=HOST, session=kept) as tls,
        ):
            tls.sendall(b"GET /v3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            # With TLS 1.3 what could be resumed comes with the answer.
            assert tls.recv(12) == b"HTTP/1.1 200"
            assert not tls.session_reused
            kept = tls.session


def test_the_whole_chain_of_a_proxy_of_a_proxy_arrives(genuine, client, tmp_path):
    first = genuine("alice")
    parent = PemPair(certificate=first, key=first).load()
    for level in range(3):
        # As the real clients write it: any number of proxies may follow.
        parent = make_proxy(parent, path_length=None, not_after=_end(parent))
        path = tmp_path / f"{level}.pem"
        path.write_bytes(parent.pem())
        path.chmod(0o600)
        answer = client.log_in(path, project="dteam")
        assert answer.status_code == 201, answer.text
        assert answer.json()["token"]["user"]["name"] == ACCOUNTS["alice"].dn


def _end(parent):
    return parent.certificate.not_valid_after_utc - timedelta(seconds=1)


def test_a_certificate_in_a_header_is_none(client, lab_env, proxies):
    pem = proxies("alice").read_text().replace("\n", " ")
    identity = {"auth": {"identity": {"methods": ["voms"], "voms": {}}}}
    with requests.Session() as session:
        session.trust_env = False
        for name in ("SSL-CLIENT-CERT", "SSL_CLIENT_CERT", "Client-Cert"):
            answer = session.post(
                lab_env["OS_AUTH_URL"] + "/auth/tokens",
                data=json.dumps(identity),
                headers={name: pem[:3000], "Content-Type": "application/json"},
                verify=lab_env["OS_CACERT"],
                timeout=60,
            )
            assert answer.status_code == 401


def test_nobody_on_the_machine_reaches_the_voms_server_by_its_port(lab):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, lab.settings.port(VOMSD)), 5).close()
