# SPDX-License-Identifier: Apache-2.0
"""Clients of the grid against the running Keystone, each by its own requests.

openstackclient, openstacksdk and libcloud are the programs themselves; the
others are replayed by ``sequences``.
"""

import datetime
import json
import re

import libcloud.security
import openstack
import pytest
from libcloud.common.openstack_identity import OpenStackIdentity_2_0_Connection_VOMS
from libcloud.common.types import InvalidCredsError
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider

from tests.functional.calls import Caller
from tests.functional.sequences import SEQUENCES, rocci_v2
from tests.functional.test_login import proxy_end, time_of
from tests.grid.accounts import ACCOUNTS

WWW_AUTHENTICATE = re.compile(r"""^(Keystone|snf-auth) uri=("|')(.+)("|')$""")


@pytest.fixture(scope="session")
def call(lab_env):
    return Caller(lab_env)


@pytest.fixture
def plain_shell(monkeypatch):
    """Let nothing of the shell lead a client past the lab and its CA."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "X509_USER_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")


@pytest.fixture
def keystone_uri(call, lab_env):
    """Return the URI of Keystone as the OCCI endpoint tells it to strangers."""
    answer = call("GET", f"{lab_env['OCCI_ENDPOINT']}/-/")
    assert answer.status_code == 401
    return WWW_AUTHENTICATE.match(answer.headers["WWW-Authenticate"])[3]


@pytest.fixture
def check(call, client, lab_env, proxies):
    """Return a check that a token is alice's in dteam, and that services take it."""
    native = client.log_in(proxies("alice"), project="dteam").json()["token"]

    def check(token):
        found = client.post_subject("GET", token).json()["token"]
        for part in ("user", "project"):
            assert found[part]["id"] == native[part]["id"]
        assert found["user"]["name"] == ACCOUNTS["alice"].dn
        roles = [{role["id"] for role in one["roles"]} for one in (found, native)]
        assert roles[0] == roles[1] != set()
        assert time_of(found["expires_at"]) <= proxy_end(proxies("alice"))
        headers = {"X-Auth-Token": token}
        occi = call("GET", f"{lab_env['OCCI_ENDPOINT']}/compute/", headers=headers)
        assert occi.status_code == 200, occi.text

    return check


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda one: one.__name__)
def test_the_requests_of_a_client_end_in_the_same_rights(
    call, proxies, keystone_uri, check, sequence
):
    check(sequence(call, proxies("alice"), keystone_uri))


def test_rocci_takes_v2_first_where_the_site_names_it(
    call, serve, proxies, keystone_uri, check
):
    request = {"path": "/", "method": "GET", "environ": {}}
    request["environ"]["HTTP_HOST"] = keystone_uri.removeprefix("https://")
    served = serve([request], v2_advertise="true")
    versions = json.loads(served.answers[0]["body"])["versions"]["values"]
    assert [one["id"] for one in versions] == ["v3.14", "v2.0"]
    check(rocci_v2(call, proxies("alice"), versions))


def test_a_tenant_that_does_not_let_in_does_not_stop_the_search(call, proxies):
    """rOCCI, IM and DIRAC go on to the next tenant at an error without 'access'."""
    answer = call.v2_token(proxies("alice"), tenantName="no-such-project")
    assert answer.status_code == 401 and "access" not in answer.json()


@pytest.fixture
def libcloud_trusts_the_lab(monkeypatch, lab_env, plain_shell):
    monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", lab_env["OS_CACERT"])


@pytest.mark.parametrize("tenant", [None, "dteam"])
def test_libcloud_logs_in(
    call, proxies, lab_env, libcloud_trusts_the_lab, check, tenant
):
    connection = OpenStackIdentity_2_0_Connection_VOMS(
        call.root, None, str(proxies("alice")), tenant_name=tenant
    )
    connection.authenticate()
    assert connection.auth_token_expires <= proxy_end(proxies("alice"))
    left = connection.auth_token_expires - datetime.datetime.now(datetime.UTC)
    assert left > datetime.timedelta(hours=1)
    assert connection.auth_user_info["name"] == ACCOUNTS["alice"].dn
    kinds = {service["type"] for service in connection.urls}
    assert {"compute", "image", "network"} <= kinds
    check(connection.auth_token)


def test_libcloud_hears_that_it_is_refused(call, proxies, libcloud_trusts_the_lab):
    connection = OpenStackIdentity_2_0_Connection_VOMS(
        call.root, None, str(proxies("frank"))
    )
    with pytest.raises(InvalidCredsError):
        connection.authenticate()


def test_libcloud_uses_compute(call, proxies, libcloud_trusts_the_lab):
    driver = get_driver(Provider.OPENSTACK)(
        None,
        str(proxies("alice")),
        ex_force_auth_url=call.root,
        ex_force_auth_version="2.0_voms",
        ex_force_service_region="RegionOne",
        ex_force_service_name="nova",
        ex_tenant_name="dteam",
    )
    assert "m1.nano" in {size.name for size in driver.list_sizes()}
    assert isinstance(driver.list_nodes(), list)


DOORS = {
    "native": {"OS_AUTH_TYPE": "v3voms"},
    "federated": {
        "OS_AUTH_TYPE": "v3voms",
        "OS_IDENTITY_PROVIDER": "egi.eu",
        "OS_PROTOCOL": "mapped",
    },
    # Everything else of v3, the version in OS_AUTH_URL included, may stay.
    "v2.0": {"OS_AUTH_TYPE": "v2voms"},
}


@pytest.mark.parametrize("door", DOORS)
def test_openstackclient_logs_in_and_works(client, check, door):
    issued = client.openstack("token", "issue", "-f", "json", **DOORS[door])
    check(issued["id"])
    flavors = client.openstack("flavor", "list", "-f", "json", **DOORS[door])
    assert "m1.nano" in {flavor["Name"] for flavor in flavors}
    images = client.openstack("image", "list", "-f", "json", **DOORS[door])
    assert "cirros" in {image["Name"] for image in images}
    networks = client.openstack("network", "list", "-f", "json", **DOORS[door])
    assert networks
    own = client.openstack(
        "project", "list", "--my-projects", "-f", "json", **DOORS[door]
    )
    # It asks what the user has by any proxy, not what this token reaches.
    assert "dteam" in {project["Name"] for project in own}


def test_openstackclient_logs_in_by_v2_as_it_was_done_of_old(call, client, check):
    """With the version in the URL, its own tenant option, and v2.0 all through."""
    old = {
        "OS_AUTH_TYPE": "v2voms",
        "OS_AUTH_URL": f"{call.root}/v2.0",
        "OS_IDENTITY_API_VERSION": "2",
        "OS_PROJECT_NAME": "",
        "OS_PROJECT_DOMAIN_NAME": "",
    }
    arguments = ("--os-tenant-name", "dteam", "token", "issue", "-f", "json")
    check(client.openstack(*arguments, **old)["id"])
    unscoped = client.openstack("token", "issue", "-f", "json", **old)
    assert "project_id" not in unscoped
    refused = client.openstack(
        "--os-tenant-name", "ops", "token", "issue", check=False, **old
    )
    assert refused.returncode != 0 and "HTTP 401" in refused.stderr


@pytest.mark.parametrize("door", DOORS)
def test_openstacksdk_logs_in_and_works(
    call, lab_env, proxies, plain_shell, check, door
):
    federation = {"identity_provider": "egi.eu", "protocol": "mapped"}
    scope = {
        "native": {"project_name": "dteam", "project_domain_id": "default"},
        "federated": {
            "project_name": "dteam",
            "project_domain_id": "default",
            **federation,
        },
        "v2.0": {"tenant_name": "dteam"},
    }
    with openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_type=DOORS[door]["OS_AUTH_TYPE"],
        auth={
            "auth_url": call.root if door == "v2.0" else f"{call.root}/v3",
            "x509_user_proxy": str(proxies("alice")),
            **scope[door],
        },
        region_name="RegionOne",
        cacert=lab_env["OS_CACERT"],
    ) as cloud:
        check(cloud.session.get_token())
        assert "m1.nano" in {flavor.name for flavor in cloud.compute.flavors()}
        assert "cirros" in {image.name for image in cloud.image.images()}
        assert list(cloud.network.networks())
        assert cloud.current_project.name == "dteam"
        assert cloud.current_user_id == cloud.session.get_user_id()
