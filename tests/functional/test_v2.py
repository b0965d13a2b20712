# SPDX-License-Identifier: Apache-2.0
"""Logins by the v2.0 door of the running Keystone: their form, and their rights."""

import concurrent.futures
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

import pytest

from keystone_voms_ext.wsgi import data_directory
from tests.functional.calls import V2, Caller, v2
from tests.functional.serving import keys_of
from tests.grid.accounts import ACCOUNTS

# The shipped order, and the other one, which must do no harm.
IN_FRONT, BEHIND = "voms_v2 voms keystone", "voms voms_v2 keystone"


@pytest.fixture(scope="session")
def call(lab_env):
    return Caller(lab_env)


@pytest.fixture
def serve_by(lab, tmp_path):
    """Return a function that serves requests by another pipeline of the filters."""

    def serve_by(pipeline, requests):
        shipped = (data_directory() / "paste/keystone-paste.ini").read_text()
        changed = tmp_path / "keystone-paste.ini"
        changed.write_text(
            re.sub(r"(?m)^pipeline = .*$", f"pipeline = {pipeline}", shipped)
        )
        options = tmp_path / "changed.conf"
        options.write_text(f"[DEFAULT]\nlog_file = {tmp_path}/log\nlog_dir =\n")
        done = subprocess.run(
            [sys.executable, "-m", "tests.functional.in_process"],
            input=json.dumps(requests),
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("OS_")},
                "OS_KEYSTONE_CONFIG_DIR": str(lab.settings.etc),
                "OS_KEYSTONE_CONFIG_FILES": f"keystone.conf;{options}",
                "OS_KEYSTONE_VOMS_PASTE": str(changed),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        log = (tmp_path / "log").read_text()
        assert f"by the pipeline of {changed}" in log
        return json.loads(done.stdout.splitlines()[-1])

    return serve_by


def test_an_unscoped_login_has_the_form_that_clients_know(call, client, proxies):
    answer = call.v2_token(proxies("alice"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    native = client.log_in(proxies("alice")).json()["token"]
    access = answer.json()["access"]
    token = access.pop("token")
    dn = ACCOUNTS["alice"].dn
    assert access == {
        "serviceCatalog": [],
        "user": {
            "id": native["user"]["id"],
            "name": dn,
            "username": dn,
            "roles_links": [],
            "roles": [],
        },
        "metadata": {"is_admin": 0, "roles": []},
    }
    assert set(token) == {"id", "expires", "issued_at", "audit_ids"}
    assert token["expires"] == native["expires_at"].replace(".000000Z", "Z")
    assert re.fullmatch(r"[-0-9]+T[:0-9]+\.[0-9]{6}Z", token["issued_at"])
    assert datetime.datetime.fromisoformat(token["issued_at"])
    described = client.post_subject("GET", token["id"]).json()["token"]
    assert described["methods"] == ["voms"]
    assert described["audit_ids"] == token["audit_ids"]


def test_a_scoped_login_has_tenant_roles_and_a_whole_catalog(call, client, proxies):
    answer = call.v2_token(proxies("alice"), tenantName="dteam")
    assert answer.status_code == 200, answer.text
    native = client.log_in(proxies("alice"), project="dteam").json()["token"]
    access = answer.json()["access"]
    assert access["token"]["tenant"] == {
        "id": native["project"]["id"],
        "name": "dteam",
        "description": "",
        "enabled": True,
    }
    roles = {role["id"]: role["name"] for role in native["roles"]}
    assert {role["name"] for role in access["user"]["roles"]} == set(roles.values())
    assert set(access["metadata"]["roles"]) == set(roles)
    public = {
        service["type"]: endpoint["url"]
        for service in native["catalog"]
        for endpoint in service["endpoints"]
        if endpoint["interface"] == "public"
    }
    found = {service["type"]: service for service in access["serviceCatalog"]}
    assert set(found) == set(public)
    for kind, service in found.items():
        assert set(service) == {"type", "name", "endpoints_links", "endpoints"}
        (endpoint,) = service["endpoints"]
        assert endpoint["region"] == "RegionOne" and endpoint["id"]
        urls = {endpoint[f"{name}URL"] for name in ("public", "internal", "admin")}
        assert urls == {public[kind]}


def test_a_tenant_may_be_given_by_its_id(call, proxies):
    by_name = call.v2_token(proxies("alice"), tenantName="dteam").json()["access"]
    tenant = by_name["token"]["tenant"]
    by_id = call.v2_token(proxies("alice"), tenantId=tenant["id"], tenantName=None)
    assert by_id.status_code == 200, by_id.text
    assert by_id.json()["access"]["token"]["tenant"] == tenant


def test_a_default_project_does_not_scope_a_login_without_tenant(call, client, proxies):
    scoped = call.v2_token(proxies("bob"), tenantName="dteam").json()["access"]
    user = f"/users/{scoped['user']['id']}"
    admin = client.admin_token()

    def prefer(project):
        body = {"user": {"default_project_id": project}}
        answer = client.post(user, body, token=admin, method="PATCH")
        assert answer.status_code == 200, answer.text

    prefer(scoped["token"]["tenant"]["id"])
    try:
        assert "project" in client.log_in(proxies("bob")).json()["token"]
        answer = call.v2_token(proxies("bob"))
        assert "tenant" not in answer.json()["access"]["token"]
    finally:
        prefer(None)


@pytest.mark.parametrize("path", ["/v2.0/tenants", "/v2.0/tenants/", "/v2.0//tenants"])
def test_tenants_are_those_of_the_proxy(call, proxies, path):
    token = call.v2_token(proxies("carol")).json()["access"]["token"]["id"]
    answer = call("GET", path, headers={"X-Auth-Token": token})
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert set(document) == {"tenants", "tenants_links"}
    assert document["tenants_links"] == []
    assert {tenant["name"] for tenant in document["tenants"]} == {"dteam", "ngi-test"}
    for tenant in document["tenants"]:
        assert set(tenant) == {"id", "name", "description", "enabled"}
        assert tenant["description"] == "" and tenant["enabled"] is True


@pytest.fixture
def operators_grant(client, call, proxies):
    """Give alice, by an operator's hand, a role in the project of another VO."""
    admin = client.admin_token()
    user = call.v2_token(proxies("alice")).json()["access"]["user"]["id"]
    roles = client.get("/roles?name=member", token=admin).json()["roles"]
    projects = client.get("/projects?name=ops", token=admin).json()["projects"]
    path = f"/projects/{projects[0]['id']}/users/{user}/roles/{roles[0]['id']}"
    assert client.post(path, token=admin, method="PUT").status_code == 204
    yield projects[0]
    assert client.post(path, token=admin, method="DELETE").status_code == 204


def test_an_operators_grant_elsewhere_is_no_tenant_of_the_proxy(
    call, client, proxies, operators_grant
):
    answer = call.v2_token(proxies("alice"))
    token = answer.json()["access"]["token"]["id"]
    names = [tenant["name"] for tenant in call.tenants(token).json()["tenants"]]
    assert names == ["dteam"]
    for tenant in ({"tenantName": "ops"}, {"tenantId": operators_grant["id"]}):
        answer = call.v2_token(proxies("alice"), **tenant)
        assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("pipeline", [IN_FRONT, BEHIND])
def test_the_order_of_the_filters_widens_nothing(
    call, proxies, operators_grant, serve_by, pipeline
):
    token = call.v2_token(proxies("alice")).json()["access"]["token"]["id"]
    cert = keys_of(proxies("alice"))
    tenants, unscoped, foreign, own = serve_by(
        pipeline,
        [
            v2("/v2.0/tenants", "GET", HTTP_X_AUTH_TOKEN=token),
            v2(body=V2, **cert),
            v2(body={"auth": {"voms": True, "tenantName": "ops"}}, **cert),
            v2(body={"auth": {"voms": True, "tenantName": "dteam"}}, **cert),
        ],
    )
    names = [tenant["name"] for tenant in json.loads(tenants["body"])["tenants"]]
    assert names == ["dteam"]
    assert [one["status"] for one in (unscoped, foreign, own)] == [200, 401, 200]


def test_operators_grants_count_where_the_site_says_so(
    call, proxies, operators_grant, serve
):
    token = call.v2_token(proxies("alice")).json()["access"]["token"]["id"]
    cert = keys_of(proxies("alice"))
    served = serve(
        [
            v2("/v2.0/tenants", "GET", HTTP_X_AUTH_TOKEN=token),
            v2(body={"auth": {"voms": True, "tenantName": "ops"}}, **cert),
        ],
        honour_other_grants="true",
    )
    tenants, ops = served.answers
    names = {tenant["name"] for tenant in json.loads(tenants["body"])["tenants"]}
    assert names >= {"dteam", "ops"}
    assert ops["status"] == 200, ops["body"]


SPOOFED = {
    "REMOTE_USER": "admin",
    "Remote-User": "admin",
    "X-Remote-User": "admin",
    "VOMS_DN": "/CN=x",
    "VOMS_FQANS": "/dteam",
    "GRST_CONN_AURI_0": "dn:/CN=x",
    "GRST_VOMS_FQANS": "/dteam",
    "SSL_CLIENT_VERIFY": "SUCCESS",
    "SSL-Client-S-DN": "/CN=x",
}


def spoofed_as(proxy):
    """Return headers that claim to be the holder of a proxy in all known ways."""
    pem = keys_of(proxy)["SSL_CLIENT_CERT"]
    octets = "".join(pem.splitlines()[1:-1])
    flat = pem.replace("\n", " ")
    names = ("SSL_CLIENT_CERT", "SSL-CLIENT-CERT", "X-SSL-Client-Cert")
    certs = {name: flat for name in names}
    return {**SPOOFED, **certs, "Client-Cert": f":{octets}:"}


def test_headers_from_the_outside_never_count(call, proxies, logged):
    headers = spoofed_as(proxies("bob"))
    refused = call("POST", "/v2.0/tokens", headers=headers, json=V2)
    assert refused.status_code == 401, refused.text
    assert "[no_client_certificate]" in logged(until="[no_client_certificate]")
    by_alice = call(
        "POST", "/v2.0/tokens", headers=headers, json=V2, proxy=proxies("alice")
    )
    assert by_alice.json()["access"]["user"]["name"] == ACCOUNTS["alice"].dn


@pytest.mark.parametrize("pipeline", [IN_FRONT, BEHIND])
def test_claims_of_an_outer_server_never_count(serve_by, proxies, pipeline):
    claims = {name: value for name, value in SPOOFED.items() if "_" in name}
    refused, by_alice = serve_by(
        pipeline,
        [v2(body=V2, **claims), v2(body=V2, **claims, **keys_of(proxies("alice")))],
    )
    assert refused["status"] == 401
    access = json.loads(by_alice["body"])["access"]
    assert access["user"]["name"] == ACCOUNTS["alice"].dn


def test_certificates_in_headers_count_from_listed_peers(serve, proxies):
    leaf, *issuers = (
        "".join(pem.splitlines()[1:-1]) for pem in keys_of(proxies("bob")).values()
    )
    headers = {
        "HTTP_CLIENT_CERT": f":{leaf}:",
        "HTTP_CLIENT_CERT_CHAIN": ", ".join(f":{text}:" for text in issuers),
    }
    requests = [
        v2(body=V2, **headers, REMOTE_ADDR="192.0.2.1"),
        v2(body=V2, **headers, REMOTE_ADDR="192.0.2.9"),
    ]
    served = serve(requests, trusted_header_peers="192.0.2.1")
    listed, unlisted = served.answers
    access = json.loads(listed["body"])["access"]
    assert access["user"]["name"] == ACCOUNTS["bob"].dn
    assert unlisted["status"] == 401


def test_logins_at_the_same_time_do_not_mix(call, proxies):
    names = ("alice", "bob", "carol", "erin") * 5

    def log_in(name):
        answer = call.v2_token(proxies(name))
        token = answer.json()["access"]["token"]["id"]
        tenants = {one["name"] for one in call.tenants(token).json()["tenants"]}
        return answer.json()["access"]["user"]["name"], tenants

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(log_in, names))
    earned = {
        "alice": {"dteam"},
        "bob": {"dteam"},
        "carol": {"dteam", "ngi-test"},
        "erin": {"fedcloud.egi.eu"},
    }
    assert found == [(ACCOUNTS[name].dn, earned[name]) for name in names]


@pytest.fixture
def dave(client, proxies):
    """Return dave's certificates; what a mapping of his VO makes is gone afterwards."""
    yield keys_of(proxies("dave"))
    admin = client.admin_token()
    groups = client.get("/groups", token=admin).json()["groups"]
    paths = [f"/users/{one['id']}" for one in client.users_named(ACCOUNTS["dave"].dn)]
    paths += [
        f"/groups/{one['id']}" for one in groups if one["name"].startswith("voms:ops")
    ]
    for path in paths:
        assert client.post(path, token=admin, method="DELETE").status_code == 204


@pytest.fixture
def other_domain(client, unique):
    """Return a domain with a project named ops, as the default one has too."""
    admin = client.admin_token()
    domain = client.post("/domains", {"domain": {"name": unique}}, token=admin).json()
    domain_id = domain["domain"]["id"]
    body = {"project": {"name": "ops", "domain_id": domain_id}}
    project = client.post("/projects", body, token=admin).json()["project"]
    yield unique, project["id"]
    off = {"domain": {"enabled": False}}
    client.post(f"/domains/{domain_id}", off, token=admin, method="PATCH")
    gone = client.post(f"/domains/{domain_id}", token=admin, method="DELETE")
    assert gone.status_code == 204, gone.text


def test_a_name_means_the_project_that_the_proxy_earns_whatever_its_domain(
    serve, dave, other_domain, tmp_path
):
    domain, project = other_domain
    policy = tmp_path / "voms.json"
    entry = {"project": "ops", "domain": domain}
    policy.write_text(json.dumps({"ops": entry}))
    by_name = {"auth": {"voms": True, "tenantName": "ops"}}
    served = serve([v2(body=by_name, **dave)], voms_policy=policy)
    (answer,) = served.answers
    assert answer["status"] == 200, served.log
    tenant = json.loads(answer["body"])["access"]["token"]["tenant"]
    assert (tenant["id"], tenant["name"]) == (project, "ops")
    assert not served.warnings()


def test_the_users_own_project_is_there_at_the_first_login(
    serve, client, dave, unique, tmp_path
):
    policy = tmp_path / "voms.json"
    template = f"{unique}-{{hash}}"
    policy.write_text(json.dumps({"ops": {"project_per_user": template}}))
    digest = hashlib.sha256(ACCOUNTS["dave"].dn.encode()).hexdigest()[:16]
    by_name = {"auth": {"voms": True, "tenantName": f"{unique}-{digest}"}}
    served = serve([v2(body=by_name, **dave)], voms_policy=policy)
    (answer,) = served.answers
    assert answer["status"] == 200, served.log
    tenant = json.loads(answer["body"])["access"]["token"]["tenant"]
    assert tenant["name"] == f"{unique}-{digest}"
    path = f"/projects/{tenant['id']}"
    gone = client.post(path, token=client.admin_token(), method="DELETE")
    assert gone.status_code == 204
