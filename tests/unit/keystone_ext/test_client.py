# SPDX-License-Identifier: Apache-2.0
"""The client plugin: options, and what it sends."""

import json
import subprocess
import sys

import pytest
import requests
from keystoneauth1 import exceptions, loading, session

from keystone_voms_ext import client
from keystone_voms_ext import v2_documents as documents

URL = "https://keystone.example.org:5000/v3"


class Recorder(session.Session):
    """A session that records a request and stops before the network."""

    def request(self, url, method, **kwargs):
        self.seen = (method, url, kwargs)
        raise exceptions.ConnectFailure("recorded")


@pytest.fixture
def proxy(tmp_path):
    path = tmp_path / "proxy.pem"
    path.write_text("a proxy")
    return str(path)


def sent(plugin):
    recorder = Recorder()
    with pytest.raises(exceptions.ConnectFailure):
        plugin.get_auth_ref(recorder)
    return recorder.seen


def load(*, by="v3voms", **options):
    return loading.get_plugin_loader(by).load_from_options(
        **{"auth_url": URL, **options}
    )


def test_the_native_method_is_the_default(proxy):
    method, url, request = sent(
        load(x509_user_proxy=proxy, project_name="dteam", project_domain_id="default")
    )
    assert (method, url) == ("POST", f"{URL}/auth/tokens")
    assert request["cert"] == (proxy, proxy)
    assert request["json"]["auth"] == {
        "identity": {"methods": ["voms"], "voms": {}},
        "scope": {"project": {"name": "dteam", "domain": {"id": "default"}}},
    }


def test_the_federation_url_is_used_when_its_names_are_given(proxy):
    method, url, request = sent(
        load(x509_user_proxy=proxy, identity_provider="egi.eu", protocol="mapped")
    )
    assert method == "POST"
    assert url == (
        f"{URL}/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth"
    )
    assert request["cert"] == (proxy, proxy)


@pytest.mark.parametrize("half", [{"identity_provider": "egi.eu"}, {"protocol": "x"}])
def test_half_a_federation_is_an_error(proxy, half):
    with pytest.raises(exceptions.OptionError, match="go together"):
        load(x509_user_proxy=proxy, **half)


def test_a_missing_proxy_is_named_with_its_mend(tmp_path):
    with pytest.raises(exceptions.AuthorizationFailure, match="voms-proxy-init"):
        load(x509_user_proxy=str(tmp_path / "none")).get_auth_ref(Recorder())


def test_the_default_proxy_is_that_of_the_voms_clients(monkeypatch, proxy):
    monkeypatch.setenv("X509_USER_PROXY", proxy)
    assert client.default_proxy() == proxy
    monkeypatch.delenv("X509_USER_PROXY")
    assert client.default_proxy().startswith("/tmp/x509up_u")


def test_tokens_of_two_proxies_are_cached_apart(proxy, tmp_path):
    other = tmp_path / "other.pem"
    native = load(x509_user_proxy=proxy).get_cache_id()
    assert native
    assert native != load(x509_user_proxy=str(other)).get_cache_id()
    names = {"identity_provider": "egi.eu", "protocol": "mapped"}
    federated = load(x509_user_proxy=proxy, **names).get_unscoped_cache_id()
    other_federated = load(x509_user_proxy=str(other), **names)
    assert federated and federated != other_federated.get_unscoped_cache_id()


ROOT = URL.removesuffix("/v3")


@pytest.mark.parametrize("end", ["", "/", "/v2.0", "/v2.0/", "/v3", "/v3/"])
def test_v2_asks_v2_whatever_the_url_ends_in(proxy, end):
    plugin = load(by="v2voms", auth_url=ROOT + end, x509_user_proxy=proxy)
    method, url, request = sent(plugin)
    assert (method, url) == ("POST", f"{ROOT}/v2.0/tokens")
    assert request["cert"] == (proxy, proxy)
    assert request["json"] == {"auth": {"voms": True}}
    assert request["authenticated"] is False and request["log"] is False


def test_v2_leaves_the_mount_of_keystone_in_its_url(proxy):
    mounted = f"{ROOT}/identity"
    for auth_url in (mounted, f"{mounted}/v2.0"):
        plugin = load(by="v2voms", auth_url=auth_url, x509_user_proxy=proxy)
        assert sent(plugin)[1] == f"{mounted}/v2.0/tokens"


@pytest.mark.parametrize(
    ("options", "tenant"),
    [
        ({"tenant_name": "dteam"}, {"tenantName": "dteam"}),
        ({"tenant_id": "1"}, {"tenantId": "1"}),
        ({"tenant_id": "1", "tenant_name": "dteam"}, {"tenantId": "1"}),
        ({"project_name": "dteam"}, {"tenantName": "dteam"}),
        ({"project_id": "1"}, {"tenantId": "1"}),
        (
            {"tenant_name": "a", "project_name": "b", "project_domain_name": "c"},
            {"tenantName": "a"},
        ),
    ],
)
def test_v2_has_one_tenant_by_either_name(proxy, options, tenant):
    request = sent(load(by="v2voms", x509_user_proxy=proxy, **options))[2]
    assert request["json"] == {"auth": {"voms": True, **tenant}}


def test_v2_offers_no_trusts_and_takes_the_usual_proxy(monkeypatch, proxy):
    loader = loading.get_plugin_loader("v2voms")
    assert {option.dest for option in loader.get_options()} == {
        "auth_url",
        "tenant_id",
        "tenant_name",
        "x509_user_proxy",
    }
    monkeypatch.setenv("X509_USER_PROXY", proxy)
    assert sent(load(by="v2voms"))[2]["cert"] == (proxy, proxy)


def test_v2_tokens_of_two_proxies_or_tenants_are_cached_apart(proxy, tmp_path):
    ids = {
        load(by="v2voms", x509_user_proxy=path, **tenant).get_cache_id()
        for path in (proxy, str(tmp_path / "other.pem"))
        for tenant in ({}, {"tenant_name": "1"}, {"tenant_id": "1"})
    }
    assert len(ids) == 6 and None not in ids


class Answering(session.Session):
    """A session that answers each request with the same text."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    def request(self, url, method, **kwargs):
        answer = requests.Response()
        answer.status_code = 200
        answer._content = self.text.encode()
        return answer


def test_v2_reads_a_token_of_v2(proxy):
    access = documents.access_of(
        "secret",
        {
            "user": {"id": "u", "name": "/CN=alice"},
            "audit_ids": ["a"],
            "expires_at": "2026-11-22T08:35:06.000000Z",
            "issued_at": "2026-11-22T07:35:07.000000Z",
            "project": {"id": "p", "name": "dteam"},
            "roles": [{"id": "r", "name": "member"}],
            "catalog": [],
        },
    )
    plugin = load(by="v2voms", x509_user_proxy=proxy)
    found = plugin.get_auth_ref(Answering(json.dumps(access)))
    assert (found.auth_token, found.user_id, found.username) == (
        "secret",
        "u",
        "/CN=alice",
    )
    assert (found.project_id, found.role_names) == ("p", ["member"])
    assert found.expires.isoformat() == "2026-11-22T08:35:06+00:00"
    assert plugin.has_scope_parameters is False


@pytest.mark.parametrize("text", ['{"token": {}}', "{}", "<html>"])
def test_v2_takes_nothing_else_for_an_answer(proxy, text):
    plugin = load(by="v2voms", x509_user_proxy=proxy)
    with pytest.raises(exceptions.InvalidResponse):
        plugin.get_auth_ref(Answering(text))


def test_the_client_loads_neither_keystone_nor_the_validator():
    code = (
        "import sys, keystone_voms_ext.client\n"
        "print(sorted({m.split('.')[0] for m in sys.modules}"
        " & {'keystone', 'cryptography', 'nova'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
