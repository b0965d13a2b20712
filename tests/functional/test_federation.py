# SPDX-License-Identifier: Apache-2.0
"""The federation URL beside the rules of a mapping that a site has already."""

import pytest

from tests.functional.users import FEDERATION
from tests.grid.accounts import ACCOUNTS

# As sites of the federation have had them since Apache did the checking.
GRIDSITE = [
    {
        "local": [
            {"user": {"name": "{0}"}},
            {"group": {"name": "no-such-group", "domain": {"id": "default"}}},
        ],
        "remote": [
            {"type": "GRST_CONN_AURI_0"},
            {
                "type": "GRST_VOMS_FQANS",
                "any_one_of": ["^/dteam/.*"],
                "regex": True,
            },
        ],
    }
]


@pytest.fixture
def rules(client):
    """Return a function that puts rules into the mapping of egi.eu."""
    admin = client.admin_token()
    protocol = client.get(
        "/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped", token=admin
    ).json()["protocol"]
    path = f"/OS-FEDERATION/mappings/{protocol['mapping_id']}"
    before = client.get(path, token=admin).json()["mapping"]["rules"]

    def put(new):
        body = {"mapping": {"rules": new}}
        answer = client.post(path, body, token=admin, method="PATCH")
        assert answer.status_code == 200, answer.text

    yield put
    put(before)


def test_rules_of_a_site_let_in_the_user_of_the_other_doors(
    client, proxies, rules, logged
):
    native = client.log_in(proxies("alice")).json()["token"]
    users = len(client.get("/users", token=client.admin_token()).json()["users"])
    rules(GRIDSITE)
    answer = client.post(FEDERATION, proxy=proxies("alice"))
    assert answer.status_code == 201, answer.text
    token = answer.json()["token"]
    assert token["user"]["id"] == native["user"]["id"]
    assert token["user"]["name"] == ACCOUNTS["alice"].dn
    listed = client.get("/auth/projects", token=answer.headers["X-Subject-Token"])
    assert [one["name"] for one in listed.json()["projects"]] == ["dteam"]
    after = client.get("/users", token=client.admin_token()).json()["users"]
    assert len(after) == users
    # The rules may still close this door to a VO.
    refused = client.post(FEDERATION, proxy=proxies("erin"))
    assert refused.status_code == 401, refused.text
    assert "[mapping_rules_refused]" in logged(until="[mapping_rules_refused]")
    assert client.log_in(proxies("erin")).status_code == 201


def test_a_user_is_listed_once_by_its_name(client, proxies):
    dn = ACCOUNTS["erin"].dn
    admin = client.admin_token()
    for user in client.users_named(dn):
        client.post(f"/users/{user['id']}", token=admin, method="DELETE")
    assert client.log_in(proxies("erin")).status_code == 201
    assert client.post(FEDERATION, proxy=proxies("erin")).status_code == 201
    found = client.get(f"/users?name={dn}", token=admin).json()["users"]
    assert [one["name"] for one in found] == [dn]
