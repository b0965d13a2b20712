# SPDX-License-Identifier: Apache-2.0
"""Bad credentials in the environ, and bad set-ups, on the real application."""

import pytest

from tests.functional.serving import keys_of, login
from tests.grid.accounts import ACCOUNTS


def test_spoilt_certificates_are_401_with_one_warning_each(serve, proxies):
    good = keys_of(proxies("alice"))
    leaf = good["SSL_CLIENT_CERT"]
    spoilt = {
        "no_client_certificate": {},
        "chain_without_leaf": {k: v for k, v in good.items() if "CHAIN" in k},
        "chain_not_in_order": {
            "SSL_CLIENT_CERT": leaf,
            "SSL_CLIENT_CERT_CHAIN_1": leaf,
        },
        "pem_too_large": {**good, "SSL_CLIENT_CERT": leaf + "\n" * 200_001},
    }
    unreadable = [
        {**good, "SSL_CLIENT_CERT": leaf[: len(leaf) // 2]},
        {**good, "SSL_CLIENT_CERT": leaf.replace("M", "\u20ac")},
        {**good, "SSL_CLIENT_CERT": "not a certificate"},
        {**good, "SSL_CLIENT_CERT_CHAIN_0": leaf[:100]},
    ]
    cases = [*spoilt.values(), *unreadable]
    served = serve([login(**environ) for environ in cases])
    assert [answer["status"] for answer in served.answers] == [401] * len(cases)
    for answer in served.answers:
        assert len(answer["body"]) < 300
        assert "CERTIFICATE" not in answer["body"]
    assert len(served.warnings()) == len(cases), served.log
    for code, line in zip(spoilt, served.warnings(), strict=False):
        assert f"VOMS login refused [{code}]" in line
    for line in served.warnings():
        assert "VOMS login refused [" in line
    assert "Traceback" not in served.log


def test_a_good_proxy_in_the_environ_logs_in(serve, proxies):
    """The same way that the spoilt ones took, so that their refusal means something."""
    served = serve([login(**keys_of(proxies("alice")))])
    assert served.answers[0]["status"] == 201, served.log


@pytest.fixture
def password(client):
    """Return a login of the administrator by password, as a request."""
    text = open(client.env["OS_ADMIN_AUTH_FILE"], encoding="utf-8").read()
    secret = text.partition("OS_PASSWORD=")[2].split("\n")[0].strip("'\"")
    user = {"name": "admin", "domain": {"id": "default"}, "password": secret}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"path": "/v3/auth/tokens", "body": {"auth": {"identity": identity}}}


def assert_out_of_order(served, code, *words):
    """Assert 500 for the proxy, 201 for the password, one ERROR that helps."""
    voms, by_password = served.answers
    assert voms["status"] == 500
    assert len(voms["body"]) < 300 and "Traceback" not in voms["body"]
    assert by_password["status"] == 201
    wrong = [line for line in served.log.splitlines() if " ERROR key" in line]
    # A mapping that is bad from the start is named at the start as well.
    (line,) = (line for line in wrong if "VOMS login is out of order" in line)
    assert all("VOMS login" in one for one in wrong)
    assert f"[{code}]" in line
    for word in words:
        assert word in line, line
    assert "Traceback" not in served.log


def test_a_broken_mapping_costs_voms_logins_alone(serve, proxies, password, tmp_path):
    path = tmp_path / "voms.json"
    path.write_text('{\n  "dteam": {"project": "dteam"},\n}\n')
    served = serve(
        [login(**keys_of(proxies("alice"))), password], voms_policy=str(path)
    )
    assert_out_of_order(served, "mapping_not_json", f"{path}, line 3: ", "json.tool")


@pytest.mark.parametrize(
    ("entry", "code", "word"),
    [
        ('{"project": "dteam", "roles": ["boss"]}', "mapping_role_unknown", "'boss'"),
        ('{"project": "no-such"}', "mapping_project_unknown", "'no-such'"),
    ],
)
def test_a_mapping_to_what_does_not_exist_names_the_line(
    serve, proxies, password, tmp_path, entry, code, word
):
    path = tmp_path / "voms.json"
    path.write_text(f'{{\n\n  "dteam": {entry}\n}}\n')
    served = serve(
        [login(**keys_of(proxies("alice"))), password], voms_policy=str(path)
    )
    assert_out_of_order(served, code, f"{path}, line 3: ", word, "openstack")


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("ca_path", "/nonexistent/certificates", "ca_directory_unreadable"),
        ("vomsdir_path", "/nonexistent/vomsdir", "vomsdir_unreadable"),
        ("voms_policy", "/nonexistent/voms.json", "mapping_unreadable"),
        ("user_domain", "nowhere", "domain_unknown"),
        ("identity_provider", "nobody", "identity_provider_unknown"),
    ],
)
def test_a_bad_option_costs_voms_logins_alone(
    serve, proxies, password, option, value, code
):
    served = serve([login(**keys_of(proxies("alice"))), password], **{option: value})
    assert_out_of_order(served, code, value)


def test_a_new_user_is_refused_where_users_are_not_created(serve, client, proxies):
    for user in client.users_named(ACCOUNTS["erin"].dn):
        client.post(f"/users/{user['id']}", token=client.admin_token(), method="DELETE")
    request = login(**keys_of(proxies("erin")))
    served = serve([request], autocreate_users="false")
    assert served.answers[0]["status"] == 401
    assert "[user_unknown]" in served.log
    assert not client.users_named(ACCOUNTS["erin"].dn)
    assert serve([request]).answers[0]["status"] == 201


def test_a_proxy_with_too_little_time_left_is_refused(serve, proxies):
    served = serve([login(**keys_of(proxies("alice")))], min_lifetime=86400)
    assert served.answers[0]["status"] == 401
    assert "[lifetime_too_short]" in served.log
