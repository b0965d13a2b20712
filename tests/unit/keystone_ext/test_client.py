# SPDX-License-Identifier: Apache-2.0
"""The client plugin: options, and what it sends."""

import subprocess
import sys

import pytest
from keystoneauth1 import exceptions, loading, session

from keystone_voms_ext import client

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


def load(**options):
    return loading.get_plugin_loader("v3voms").load_from_options(
        auth_url=URL, **options
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
