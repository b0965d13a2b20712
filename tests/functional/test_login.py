# SPDX-License-Identifier: Apache-2.0
"""A login with a VOMS proxy, by the doors of the running Keystone."""

import concurrent.futures
import datetime

import pytest
from cryptography import x509

from tests.grid.accounts import ACCOUNTS
from tests.grid.reissue import reissue

FEDERATION = "/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth"


def time_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def proxy_end(path):
    """Return the end of a proxy's first certificate, which the AC does not outlive."""
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def project_names(client, token):
    answer = client.get("/auth/projects", token=token)
    return {project["name"] for project in answer.json()["projects"]}


def test_an_unscoped_login_lists_what_the_proxy_earned(client, proxies):
    answer = client.log_in(proxies("alice"))
    assert answer.status_code == 201, answer.text
    token = answer.json()["token"]
    assert token["methods"] == ["voms"]
    assert token["user"]["name"] == ACCOUNTS["alice"].dn
    assert time_of(token["expires_at"]) <= proxy_end(proxies("alice"))
    assert project_names(client, answer.headers["X-Subject-Token"]) == {"dteam"}


def test_a_scoped_login_has_the_role_of_the_mapping_and_a_catalog(client, proxies):
    token = client.log_in(proxies("alice"), project="dteam").json()["token"]
    assert token["project"]["name"] == "dteam"
    assert "member" in {role["name"] for role in token["roles"]}
    assert {"compute", "image", "network"} <= {s["type"] for s in token["catalog"]}


def test_a_group_of_the_vo_earns_more_and_a_poorer_proxy_loses_it(
    client, proxies, lab_env, grid, tmp_path
):
    rich = client.log_in(proxies("carol"), project="ngi-test")
    assert rich.status_code == 201, rich.text
    token = rich.headers["X-Subject-Token"]
    assert project_names(client, token) == {"dteam", "ngi-test"}
    poor = reissue(grid.keys, "carol", "dteam", ["/dteam"], tmp_path / "poor.pem")
    answer = client.log_in(poor)
    assert answer.status_code == 201, answer.text
    assert project_names(client, answer.headers["X-Subject-Token"]) == {"dteam"}
    assert client.log_in(poor, project="ngi-test").status_code == 401
    # The richer proxy earns it again.
    assert client.log_in(proxies("carol"), project="ngi-test").status_code == 201


def test_nobody_gets_into_the_project_of_another_vo(client, proxies):
    assert client.log_in(proxies("alice"), project="fedcloud.egi.eu").status_code == 401
    assert client.log_in(proxies("erin"), project="dteam").status_code == 401
    erin = client.log_in(proxies("erin"), project="fedcloud.egi.eu")
    assert erin.status_code == 201, erin.text


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_federation_url_gives_the_same_user_and_end(client, proxies, method):
    native = client.log_in(proxies("alice")).json()["token"]
    answer = client.post(FEDERATION, proxy=proxies("alice"), method=method)
    assert answer.status_code == 201, answer.text
    token = answer.json()["token"]
    assert token["user"]["id"] == native["user"]["id"]
    assert time_of(token["expires_at"]) <= proxy_end(proxies("alice"))
    assert project_names(client, answer.headers["X-Subject-Token"]) == {"dteam"}


@pytest.mark.parametrize("provider", ["EGI.EU", "egi.eu%20", "\u00e9gi.eu"])
def test_a_provider_by_a_name_that_only_the_database_knows_is_no_way_around(
    client, proxies, provider
):
    url = FEDERATION.replace("egi.eu", provider)
    answer = client.post(url, proxy=proxies("alice"))
    assert answer.status_code in (201, 404), answer.text
    if answer.status_code == 201:
        end = time_of(answer.json()["token"]["expires_at"])
        assert end <= proxy_end(proxies("alice"))
    assert client.post(url, proxy=proxies("dave")).status_code in (401, 404)


def test_a_rescoped_federated_token_keeps_its_end(client, proxies):
    unscoped = client.post(FEDERATION, proxy=proxies("alice"))
    body = {
        "auth": {
            "identity": {
                "methods": ["token"],
                "token": {"id": unscoped.headers["X-Subject-Token"]},
            },
            "scope": {"project": {"name": "dteam", "domain": {"name": "Default"}}},
        }
    }
    answer = client.post("/auth/tokens", body)
    assert answer.status_code == 201, answer.text
    token = answer.json()["token"]
    assert token["project"]["name"] == "dteam"
    assert token["expires_at"] == unscoped.json()["token"]["expires_at"]


def test_a_native_token_makes_nothing_that_outlives_the_proxy(client, proxies, unique):
    answer = client.log_in(proxies("alice"), project="dteam")
    user = answer.json()["token"]["user"]["id"]
    made = client.post(
        f"/users/{user}/application_credentials",
        {"application_credential": {"name": unique}},
        token=answer.headers["X-Subject-Token"],
    )
    assert made.status_code == 403, made.text


def test_twenty_first_logins_at_once_make_one_user(client, proxies, logged):
    dn = ACCOUNTS["erin"].dn
    admin = client.admin_token()
    for user in client.users_named(dn):
        gone = client.post(f"/users/{user['id']}", token=admin, method="DELETE")
        assert gone.status_code == 204
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = [
            pool.submit(client.log_in, proxies("erin"), project="fedcloud.egi.eu")
            for _ in range(20)
        ]
        answers = [answer.result() for answer in answers]
    assert [answer.status_code for answer in answers] == [201] * 20
    (user,) = client.users_named(dn)
    tokens = [answer.json()["token"] for answer in answers]
    assert {token["user"]["id"] for token in tokens} == {user["id"]}
    for answer in answers:
        token = answer.headers["X-Subject-Token"]
        assert client.get("/auth/projects", token=token).status_code == 200
    assert logged(until="(created)").count("(created)") == 1


def test_one_line_in_the_log_tells_of_a_login(client, proxies, logged):
    answer = client.log_in(proxies("alice"), project="dteam")
    text = logged(until="VOMS login:")
    (line,) = (line for line in text.splitlines() if "VOMS login:" in line)
    assert f'dn="{ACCOUNTS["alice"].dn}"' in line
    assert "vo=dteam" in line and "project=dteam" in line
    assert answer.json()["token"]["user"]["id"] in line
    assert answer.headers["X-Subject-Token"] not in text


def test_a_disabled_user_is_refused_with_a_code(client, proxies, logged):
    token = client.log_in(proxies("bob")).json()["token"]
    admin = client.admin_token()
    user = f"/users/{token['user']['id']}"

    def enable(value):
        body = {"user": {"enabled": value}}
        answer = client.post(user, body, token=admin, method="PATCH")
        assert answer.status_code == 200, answer.text

    enable(False)
    try:
        assert client.log_in(proxies("bob")).status_code == 401
        assert "[user_disabled]" in logged(until="[user_disabled]")
    finally:
        enable(True)
    assert client.log_in(proxies("bob")).status_code == 201


def test_a_user_whose_name_only_the_database_takes_for_the_dn_is_not_used(
    client, lab_env, proxies, logged
):
    dn = ACCOUNTS["erin"].dn
    admin = client.admin_token()
    for user in client.users_named(dn):
        client.post(f"/users/{user['id']}", token=admin, method="DELETE")
    body = {"user": {"name": dn.upper(), "domain_id": "default"}}
    other = client.post("/users", body, token=admin).json()["user"]
    try:
        assert client.log_in(proxies("erin")).status_code == 401
        assert "[user_name_collision]" in logged(until="[user_name_collision]")
    finally:
        client.post(f"/users/{other['id']}", token=admin, method="DELETE")
    assert client.log_in(proxies("erin")).status_code == 201


def test_openstackclient_logs_in_by_both_doors(client, proxies):
    native = client.openstack("token", "issue", "-f", "json")
    end = proxy_end(proxies("alice"))
    assert time_of(native["expires"]) <= end
    federated = client.openstack(
        "token",
        "issue",
        "-f",
        "json",
        OS_IDENTITY_PROVIDER="egi.eu",
        OS_PROTOCOL="mapped",
    )
    assert federated["user_id"] == native["user_id"]
    assert federated["project_id"] == native["project_id"]
    assert time_of(federated["expires"]) <= end


def test_a_password_user_shares_the_port(client):
    assert client.admin_token()
