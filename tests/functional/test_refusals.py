# SPDX-License-Identifier: Apache-2.0
"""What must never pass, shown at the running Keystone and its TLS server."""

import re

import pytest
import requests

from tests.grid.hostile import HOSTILE

LEAKS = re.compile(r"Traceback|File \"|/[a-z]+/[a-z_]+\.py")


def case(stopped_by):
    found = [
        hostile for hostile in HOSTILE.values() if hostile.stopped_by == stopped_by
    ]
    assert found
    return pytest.mark.parametrize("hostile", found, ids=lambda hostile: hostile.name)


def assert_refused(answer, text, code):
    """Assert a short 401 for the client, and one WARNING with the code."""
    assert answer.status_code == 401, answer.text
    assert len(answer.text) < 300
    assert not LEAKS.search(answer.text) and code not in answer.text
    lines = [line for line in text.splitlines() if "WARNING" in line]
    (line,) = (line for line in lines if "VOMS login refused" in line)
    assert f"[{code}]" in line
    assert "Traceback" not in text


@case("keystone")
def test_keystone_refuses(client, grid, tmp_path, logged, hostile):
    path = tmp_path / "proxy.pem"
    path.write_bytes(hostile.make(grid))
    answer = client.log_in(path)
    assert_refused(answer, logged(until="VOMS login refused"), hostile.code)


@case("tls")
def test_the_tls_server_refuses_with_an_alert(client, grid, tmp_path, logged, hostile):
    path = tmp_path / "proxy.pem"
    path.write_bytes(hostile.make(grid))
    with pytest.raises(requests.exceptions.ConnectionError):
        client.log_in(path)
    line = logged("keystone-tls", until="TLS handshake")
    assert re.search(r"failed: [a-z].*\(verify error [0-9]+\)", line), line


def test_a_vo_without_a_mapping_is_refused(client, proxies, logged):
    answer = client.log_in(proxies("dave"))
    assert_refused(answer, logged(until="VOMS login refused"), "vo_not_mapped")


def test_no_certificate_is_refused(client, logged):
    answer = client.log_in(None)
    assert_refused(answer, logged(until="VOMS login refused"), "no_client_certificate")


@pytest.mark.parametrize("account", [None, "frank", "alice"])
@pytest.mark.parametrize("domain", ["Default", "no-such-domain"])
def test_a_refusal_does_not_tell_which_projects_there_are(
    client, proxies, account, domain
):
    proxy = proxies(account) if account else None
    # It is there, and of nobody who comes by VOMS; and one that is not there.
    there = client.log_in(proxy, project="service")
    absent = client.log_in(proxy, project="no-such-project", domain=domain)
    own = ("Date", "X-Openstack-Request-Id")
    told = [
        (
            answer.status_code,
            answer.json(),
            sorted((k, v) for k, v in answer.headers.items() if k.title() not in own),
        )
        for answer in (there, absent)
    ]
    assert there.status_code == 401
    assert told[0] == told[1]


def test_the_federation_url_refuses_alike(client, proxies, logged):
    answer = client.post(
        "/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth",
        proxy=proxies("frank"),
    )
    assert answer.status_code == 401, answer.text
    assert "VOMS login refused" in logged(until="VOMS login refused")


def test_headers_that_look_like_a_certificate_are_not_believed(
    client, lab_env, proxies, logged
):
    pem = proxies("alice").read_text().replace("\n", " ")
    names = ("SSL-CLIENT-CERT", "SSL_CLIENT_CERT", "X-SSL-Client-Cert", "Client-Cert")
    headers = {name: pem for name in names}
    headers |= {"REMOTE_USER": "admin", "Remote-User": "admin", "VOMS_DN": "/CN=x"}
    answer = requests.post(
        lab_env["OS_AUTH_URL"] + "/auth/tokens",
        json={"auth": {"identity": {"methods": ["voms"], "voms": {}}}},
        headers=headers,
        verify=lab_env["OS_CACERT"],
        timeout=60,
    )
    assert_refused(answer, logged(until="VOMS login refused"), "no_client_certificate")


def test_a_user_with_a_plain_certificate_may_use_a_password(client, proxies, lab_env):
    # frank presents a proxy without an AC; the version list needs no login.
    answer = client.get("/", proxy=proxies("frank"))
    assert answer.status_code == 200
