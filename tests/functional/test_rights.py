# SPDX-License-Identifier: Apache-2.0
"""Rights follow the VO: gained at a login, and gone with all that rests on them."""

import configparser
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy

from tests.functional.users import Belongings, federated, rescope
from tests.grid.ac import make_ac
from tests.grid.accounts import SERVERS, VOMS_PORT, full_fqan
from tests.grid.certs import make_proxy
from tests.grid.reissue import reissue, user_files, voms_files, write_private

ALL = {"token", "application credential", "trust", "EC2 credential"}
RICH = ["/dteam", "/dteam/NGI_TEST"]


@pytest.fixture
def proxy_of(grid, tmp_path):
    """Return a maker of proxies: a user, a VO and FQANs to the path of a file."""

    def make(user, vo, fqans, name="proxy"):
        return reissue(grid.keys, user, vo, fqans, tmp_path / f"{user}-{name}.pem")

    return make


@pytest.fixture
def admin(client):
    return client.admin_token()


@pytest.fixture
def trustee(client):
    """Return the id of a user to be trusted, who is the administrator."""
    token = client.admin_token()
    return client.post_subject("GET", token).json()["token"]["user"]["id"]


def unscoped_admin(client, admin):
    body = {"identity": {"methods": ["token"], "token": {"id": admin}}}
    body["scope"] = "unscoped"
    return client.post("/auth/tokens", {"auth": body}).headers["X-Subject-Token"]


def names(answer):
    assert answer.status_code == 200, answer.text
    return {project["name"] for project in answer.json()["projects"]}


def reached(client, proxy):
    """Return what an unscoped token of either door lists."""
    native = client.log_in(proxy)
    assert native.status_code == 201, native.text
    tokens = [native.headers["X-Subject-Token"], federated(client, proxy)]
    lists = [names(client.get("/auth/projects", token=token)) for token in tokens]
    lists.append(names(client.get("/OS-FEDERATION/projects", token=tokens[1])))
    assert lists[0] == lists[1] == lists[2]
    return lists[0]


def project_id(client, admin, name):
    found = client.get(f"/projects?name={name}", token=admin).json()["projects"]
    return found[0]["id"]


def role_id(client, admin, name="member"):
    return client.get(f"/roles?name={name}", token=admin).json()["roles"][0]["id"]


def grant(client, admin, user, project, *, method="PUT"):
    """Give a user a role by an operator's own grant, or take it back."""
    path = f"/projects/{project}/users/{user}/roles/{role_id(client, admin)}"
    answer = client.post(path, token=admin, method=method)
    assert answer.status_code == 204, answer.text


def user_id(client, proxy):
    return client.log_in(proxy).json()["token"]["user"]["id"]


def test_what_is_lost_takes_all_that_rests_on_it_and_comes_back_without_it(
    client, proxy_of, admin, trustee
):
    rich = proxy_of("carol", "dteam", RICH, "rich")
    token = rescope(client, federated(client, rich), "ngi-test").headers[
        "X-Subject-Token"
    ]
    made = Belongings.of(client, token, trustee)
    trusted = unscoped_admin(client, admin)
    assert made.alive(client, trusted, admin) == ALL
    poor = proxy_of("carol", "dteam", ["/dteam"], "poor")
    # Each login within the second of the one before it.
    assert client.log_in(poor, project="dteam").status_code == 201
    assert made.alive(client, trusted, admin) == set()
    again = client.log_in(rich, project="ngi-test")
    assert again.status_code == 201, again.text
    assert made.alive(client, trusted, admin) == set()
    assert client.post_subject("GET", again.headers["X-Subject-Token"]).ok


def test_tokens_of_the_same_second_end_as_well(client, proxy_of, admin):
    rich = proxy_of("carol", "dteam", RICH, "rich")
    poor = proxy_of("carol", "dteam", ["/dteam"], "poor")
    for _ in range(3):
        old = client.log_in(rich, project="ngi-test").headers["X-Subject-Token"]
        new = client.log_in(poor, project="dteam").headers["X-Subject-Token"]
        assert client.log_in(rich, project="ngi-test").status_code == 201
        assert client.post_subject("GET", old, by=admin).status_code == 404
        assert client.post_subject("GET", new, by=admin).status_code == 200


def test_another_vo_is_not_touched(client, proxy_of, admin, trustee):
    dteam = proxy_of("alice", "dteam", ["/dteam"], "dteam")
    cloud = proxy_of("alice", "fedcloud.egi.eu", ["/fedcloud.egi.eu"], "cloud")
    token = rescope(client, federated(client, dteam), "dteam").headers[
        "X-Subject-Token"
    ]
    made = Belongings.of(client, token, trustee)
    assert client.log_in(cloud, project="fedcloud.egi.eu").status_code == 201
    assert made.alive(client, unscoped_admin(client, admin), admin) == ALL
    # Both are hers, and each proxy reaches its own.
    assert reached(client, dteam) == {"dteam"}
    assert reached(client, cloud) == {"fedcloud.egi.eu"}
    assert client.log_in(cloud, project="dteam").status_code == 401
    assert rescope(client, federated(client, cloud), "dteam").status_code == 401
    assert rescope(client, federated(client, dteam), "dteam").status_code == 201


def test_a_proxy_of_two_vos_earns_for_both(client, grid, tmp_path, logged):
    user = user_files(grid.keys, "bob").load()
    acs = [
        make_ac(
            holder=user.certificate,
            voms=voms_files(grid.keys, vo).load(),
            vo=vo,
            fqans=[full_fqan(f"/{vo}")],
            host=SERVERS[vo].host,
            port=VOMS_PORT,
            not_after=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2),
        )
        for vo in ("fedcloud.egi.eu", "dteam", "ops")
    ]
    path = tmp_path / "two.pem"
    write_private(path, make_proxy(user, ac=acs[:2]).pem())
    assert reached(client, path) == {"dteam", "fedcloud.egi.eu"}
    assert client.log_in(path, project="dteam").status_code == 201
    assert "vo=fedcloud.egi.eu" in logged(until="VOMS login:")


def test_operators_own_grants_stay_and_do_not_widen_a_vo_login(
    client, proxy_of, admin, trustee, unique
):
    rich = proxy_of("carol", "dteam", RICH, "rich")
    user = user_id(client, rich)
    body = {"project": {"name": unique, "domain_id": "default"}}
    own = client.post("/projects", body, token=admin).json()["project"]["id"]
    ngi = project_id(client, admin, "ngi-test")
    grant(client, admin, user, own)
    grant(client, admin, user, ngi)
    try:
        assert reached(client, rich) == {"dteam", "ngi-test"}
        assert client.log_in(rich, project=unique).status_code == 401
        assert rescope(client, federated(client, rich), unique).status_code == 401
        # What also rests on the operator's grant is not lost with the VO's.
        token = rescope(client, federated(client, rich), "ngi-test").headers[
            "X-Subject-Token"
        ]
        made = Belongings.of(client, token, trustee)
        poor = proxy_of("carol", "dteam", ["/dteam"], "poor")
        assert client.log_in(poor).status_code == 201
        trusted = unscoped_admin(client, admin)
        assert made.alive(client, trusted, admin) == ALL
        assert reached(client, poor) == {"dteam"}
        assigned = client.get(f"/role_assignments?user.id={user}", token=admin).json()
        direct = {a["scope"]["project"]["id"] for a in assigned["role_assignments"]}
        assert direct == {own, ngi}
    finally:
        grant(client, admin, user, ngi, method="DELETE")
        client.post(f"/projects/{own}", token=admin, method="DELETE")


def test_a_default_project_does_not_widen_a_vo_login(client, proxies, admin, logged):
    user = user_id(client, proxies("bob"))
    other = project_id(client, admin, "fedcloud.egi.eu")
    grant(client, admin, user, other)

    def default(project):
        body = {"user": {"default_project_id": project}}
        answer = client.post(f"/users/{user}", body, token=admin, method="PATCH")
        assert answer.status_code == 200, answer.text

    try:
        default(other)
        assert client.log_in(proxies("bob")).status_code == 401
        assert "[scope_not_earned]" in logged(until="[scope_not_earned]")
        auth = {"identity": {"methods": ["voms"], "voms": {}}, "scope": "unscoped"}
        answer = client.post("/auth/tokens", {"auth": auth}, proxy=proxies("bob"))
        assert answer.status_code == 201, answer.text
        default(project_id(client, admin, "dteam"))
        scoped = client.log_in(proxies("bob"))
        assert scoped.json()["token"]["project"]["name"] == "dteam"
    finally:
        default(None)
        grant(client, admin, user, other, method="DELETE")


@pytest.mark.parametrize(
    "scope",
    [
        {"domain": {"id": "default"}},
        {"system": {"all": True}},
        {"project": {"name": "admin", "domain": {"id": "default"}}},
    ],
)
def test_other_scopes_are_not_for_a_proxy(client, proxies, admin, scope):
    auth = {"identity": {"methods": ["voms"], "voms": {}}, "scope": scope}
    answer = client.post("/auth/tokens", {"auth": auth}, proxy=proxies("alice"))
    assert answer.status_code == 401, answer.text
    identity = {"methods": ["token"]}
    identity["token"] = {"id": federated(client, proxies("alice"))}
    auth = {"identity": identity, "scope": scope}
    assert client.post("/auth/tokens", {"auth": auth}).status_code == 401
    token = identity["token"]["id"]
    assert client.get("/auth/domains", token=token).json()["domains"] == []


def run_sql(lab, statement, **values):
    """Run a statement on Keystone's database, as Keystone does."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(lab.settings.etc / "keystone.conf")
    engine = sqlalchemy.create_engine(config["database"]["connection"])
    with engine.begin() as connection:
        done = connection.execute(sqlalchemy.text(statement), values)
        assert done.rowcount > 0


def test_a_right_that_lapsed_comes_back_without_what_rested_on_it(
    client, proxy_of, admin, trustee, lab
):
    rich = proxy_of("carol", "dteam", RICH, "rich")
    token = rescope(client, federated(client, rich), "ngi-test").headers[
        "X-Subject-Token"
    ]
    made = Belongings.of(client, token, trustee)
    trusted = unscoped_admin(client, admin)
    user = user_id(client, rich)
    run_sql(
        lab,
        "UPDATE expiring_user_group_membership SET last_verified = '2026-01-01' "
        "WHERE user_id = :user",
        user=user,
    )
    assert client.log_in(rich, project="ngi-test").status_code == 201
    assert made.alive(client, trusted, admin) == set()


def test_a_wrong_edit_of_the_mapping_costs_nothing_and_is_logged(
    client, proxies, lab, logged
):
    path = lab.settings.etc / "voms.json"
    good = path.read_text()
    lab.stop_service("keystone")
    lab.start_service("keystone")

    def replace(text):
        aside = path.with_suffix(".new")
        aside.write_text(text)
        aside.rename(path)

    try:
        replace(
            good.replace(
                '"fedcloud.egi.eu": {"project"', '"fedcloud.egi.eu": {"projekt"'
            )
        )
        assert client.log_in(proxies("alice"), project="dteam").status_code == 201
        erin = client.log_in(proxies("erin"), project="fedcloud.egi.eu")
        assert erin.status_code == 201
        text = logged(until="[mapping_invalid]")
        (line,) = (one for one in text.splitlines() if "[mapping_invalid]" in one)
        assert f"{path}, line 4: " in line
        assert "'projekt'" in line and "The fields are" in line
        # The next good edit is taken at once.
        replace(good.replace('"project": "fedcloud.egi.eu"', '"project": "dteam"'))
        assert client.log_in(proxies("erin"), project="dteam").status_code == 201
    finally:
        replace(good)
    assert client.log_in(proxies("erin"), project="fedcloud.egi.eu").status_code == 201
    assert client.log_in(proxies("erin"), project="dteam").status_code == 401
