# SPDX-License-Identifier: Apache-2.0
"""``keystone-voms-manage map`` says what the login after it then does."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.functional.serving import keys_of, login
from tests.functional.test_options import robot_proxy
from tests.functional.tools import Tools
from tests.functional.users import Belongings, federated, rescope
from tests.grid.ac import make_ac
from tests.grid.accounts import ACCOUNTS, BASE_DN, SERVERS, VOMS_PORT, full_fqan
from tests.grid.certs import make_proxy
from tests.grid.reissue import reissue, user_files, voms_files, write_private

RICH = ["/dteam", "/dteam/NGI_TEST"]
CAROL = ACCOUNTS["carol"].dn


@pytest.fixture
def tools(lab, tmp_path):
    return Tools(lab.settings, tmp_path)


@pytest.fixture
def admin(client):
    return client.admin_token()


@pytest.fixture
def proxy_of(grid, tmp_path):
    """Return a maker of proxies: a user and FQANs of dteam to the path of a file."""

    def make(user, fqans, name="proxy", vo="dteam"):
        return reissue(grid.keys, user, vo, fqans, tmp_path / f"{user}-{name}.pem")

    return make


@pytest.fixture
def voms_json(tmp_path):
    def write(**entries):
        path = tmp_path / "voms.json"
        path.write_text(json.dumps(entries, indent=1))
        return path

    return write


def without_numbers(text):
    """Return a text with its numbers left out, some of which are those of a clock."""
    return re.sub(r"[0-9]+", "0", text)


@dataclass(frozen=True)
class Door:
    """The running Keystone, or for other options one in a process of its own."""

    client: object
    serve: object
    logged: object

    def log_in(self, proxy, *, in_process, **options):
        """Return status, body and token of a login, and a reader of the log."""
        if options or in_process:
            served = self.serve([login(**keys_of(proxy))], **options)
            (answer,) = served.answers
            token = answer["headers"].get("X-Subject-Token")
            body = json.loads(answer["body"])
            return answer["status"], body, token, lambda until: served.log
        answer = self.client.log_in(proxy)
        token = answer.headers.get("X-Subject-Token")
        return answer.status_code, answer.json(), token, self._log

    def _log(self, until):
        return self.logged(until=until)

    def projects(self, token, **options):
        if not options:
            return self.client.get("/auth/projects", token=token).json()["projects"]
        environ = {"HTTP_X_AUTH_TOKEN": token}
        request = {"method": "GET", "path": "/v3/auth/projects", "environ": environ}
        (answer,) = self.serve([request], **options).answers
        assert answer["status"] == 200, answer
        return json.loads(answer["body"])["projects"]


@dataclass(frozen=True)
class Foresight:
    """Asks what a login would do, lets it log in, and compares the two."""

    tools: Tools
    door: Door

    def compare(self, proxy, *, in_process=False, **options):
        """Return what was foreseen, once it has come true in each point."""
        before = self.tools.dump()
        said = self.tools.map("--proxy", proxy, **options)
        assert self.tools.dump() == before
        user = said["user"]["id"] if said["verdict"] == "accept" else None
        made, revoked = self.tools.made_by(user), self.tools.revocations(user)
        rights = self._rights(user)
        status, body, token, log = self.door.log_in(
            proxy, in_process=in_process, **options
        )
        if said["verdict"] == "refuse":
            assert (status, self.tools.dump()) == (said["status"], before)
            told = without_numbers(log(until=f"[{said['code']}]"))
            assert f"[{said['code']}]" in told
            assert without_numbers(f"{said['what']} {said['mend']}") in told
            return said
        assert status == 201, (said, body)
        assert body["token"]["user"]["name"] == said["dn"]
        assert body["token"]["user"]["id"] == user or user is None
        user = body["token"]["user"]["id"]
        self._compare_end(body["token"], said, options)
        if options.get("add_roles") != "false":
            self._compare_projects(token, said, user, options)
        assert made - self.tools.made_by(user) == {
            (one["kind"], one["id"]) for one in said["ended"]
        }
        assert (self.tools.revocations(user) > revoked) == said["tokens_end"]
        assert rights - self._rights(user) == {
            (one["project_id"], one["role_id"]) for one in said["lost"]
        }
        return said

    def _compare_end(self, token, said, options):
        end = datetime.fromisoformat(token["expires_at"].replace("Z", "+00:00"))
        said_end = datetime.fromisoformat(said["token_until"].replace("Z", "+00:00"))
        # Without a proxy that ends first, the moment of the login counts.
        slack = 60 if "token__expiration" in options else 0
        assert abs((end - said_end).total_seconds()) <= slack

    def _compare_projects(self, token, said, user, options):
        found = {one["id"]: one["name"] for one in self.door.projects(token, **options)}
        granted = [project for one in said["grants"] for project in one["projects"]]
        assert set(found.values()) == {project["name"] for project in granted}
        assert set(found) >= {project["id"] for project in granted if project["id"]}
        names = "SELECT id, name FROM role"
        role_names = {row.id: row.name for row in self.tools.sql(names)}
        held = {(p, role_names[role]) for p, role in self._rights(user)}
        assert held >= {
            (project_id, role)
            for one in said["grants"]
            for project in one["projects"]
            for project_id, name in found.items()
            if name == project["name"]
            for role in one["roles"]
        }
        members = (
            "SELECT g.name FROM `group` g JOIN expiring_user_group_membership m "
            "ON m.group_id = g.id WHERE m.user_id = :user"
        )
        in_groups = {row.name for row in self.tools.sql(members, user=user)}
        assert in_groups >= {one["group"] for one in said["grants"]}

    def _rights(self, user):
        """Return what the user holds by anybody, as (project id, role id)."""
        if user is None:
            return set()
        direct = (
            "SELECT target_id, role_id FROM assignment WHERE actor_id = :user "
            "AND type = 'UserProject'"
        )
        by_group = (
            "SELECT a.target_id, a.role_id, m.last_verified AS verified "
            "FROM assignment a JOIN expiring_user_group_membership m "
            "ON m.group_id = a.actor_id WHERE m.user_id = :user"
        )
        day_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=1440)
        return {
            *(
                (row.target_id, row.role_id)
                for row in self.tools.sql(direct, user=user)
            ),
            *(
                (row.target_id, row.role_id)
                for row in self.tools.sql(by_group, user=user)
                if row.verified > day_ago
            ),
        }


@pytest.fixture
def foresight(tools, client, serve, logged):
    return Foresight(tools, Door(client, serve, logged))


def forget(client, admin, dn):
    for user in client.users_named(dn):
        client.post(f"/users/{user['id']}", token=admin, method="DELETE")


def belongings(client, proxy, project, admin):
    """Make one of each kind in a project, as the user."""
    scoped = rescope(client, federated(client, proxy), project)
    assert scoped.status_code == 201, scoped.text
    trustee = client.post_subject("GET", admin).json()["token"]["user"]["id"]
    return Belongings.of(client, scoped.headers["X-Subject-Token"], trustee)


def test_a_new_user_and_then_a_known_one(foresight, client, proxies, admin):
    forget(client, admin, ACCOUNTS["erin"].dn)
    new = foresight.compare(proxies("erin"))
    assert new["user"]["id"] is None and new["held"] == []
    known = foresight.compare(proxies("erin"))
    assert known["user"]["id"] and known["lost"] == []
    assert [one["group"] for one in known["held"]] == ["voms:fedcloud.egi.eu"]


def test_a_poorer_proxy_loses_what_the_richer_one_earned(
    foresight, client, proxy_of, admin
):
    rich, poor = proxy_of("carol", RICH, "rich"), proxy_of("carol", ["/dteam"], "poor")
    foresight.compare(rich)
    belongings(client, rich, "ngi-test", admin)
    kept = belongings(client, rich, "dteam", admin)
    said = foresight.compare(poor)
    assert [one["project"] for one in said["lost"]] == ["ngi-test"]
    kinds = {"application credential", "trust", "EC2 credential"}
    assert {one["kind"] for one in said["ended"]} == kinds
    assert kept.trust not in {one["id"] for one in said["ended"]}
    assert said["tokens_end"]
    again = foresight.compare(rich)
    assert (again["lost"], again["ended"], again["tokens_end"]) == ([], [], False)
    said = foresight.compare(poor, withdraw="keep")
    assert (said["lost"], said["ended"], said["tokens_end"]) == ([], [], False)


def test_an_operators_own_grant_is_not_lost(foresight, client, proxy_of, admin):
    rich, poor = proxy_of("carol", RICH, "rich"), proxy_of("carol", ["/dteam"], "poor")
    user = client.log_in(rich).json()["token"]["user"]["id"]
    (project,) = client.get("/projects?name=ngi-test", token=admin).json()["projects"]
    (role,) = client.get("/roles?name=member", token=admin).json()["roles"]
    path = f"/projects/{project['id']}/users/{user}/roles/{role['id']}"
    assert client.post(path, token=admin, method="PUT").status_code == 204
    try:
        belongings(client, rich, "ngi-test", admin)
        said = foresight.compare(poor)
        assert (said["lost"], said["ended"], said["tokens_end"]) == ([], [], False)
    finally:
        client.post(path, token=admin, method="DELETE")


def test_a_right_that_lapsed_comes_back_without_what_rested_on_it(
    foresight, client, proxies, tools, admin
):
    belongings(client, proxies("alice"), "dteam", admin)
    user = tools.users()[ACCOUNTS["alice"].dn]["id"]
    tools.sql(
        "UPDATE expiring_user_group_membership SET last_verified = '2026-01-01' "
        "WHERE user_id = :user",
        user=user,
    )
    said = foresight.compare(proxies("alice"))
    assert said["held"] == [] and said["lost"] == []
    assert {one["kind"] for one in said["ended"]} >= {"trust"} and said["tokens_end"]


@pytest.fixture
def restored(serve, proxies):
    """Put the groups' grants back to what the lab's own mapping says."""
    yield
    requests = [login(**keys_of(proxies(name))) for name in ("alice", "carol", "bob")]
    assert {one["status"] for one in serve(requests).answers} == {201}


@pytest.mark.usefixtures("restored")
def test_an_edited_entry_takes_and_gives(foresight, client, proxies, voms_json, admin):
    belongings(client, proxies("alice"), "dteam", admin)
    moved = voms_json(dteam={"projects": ["ngi-test"], "roles": ["reader", "member"]})
    said = foresight.compare(proxies("alice"), voms_policy=moved)
    assert [one["project"] for one in said["lost"]] == ["dteam"]
    assert said["grants"][0]["roles"] == ["reader", "member"]
    assert said["ended"] and said["tokens_end"]


@pytest.mark.usefixtures("restored")
def test_what_moves_from_one_group_to_another(foresight, client, proxy_of, voms_json):
    rich = proxy_of("carol", RICH, "rich")
    foresight.compare(rich)
    swapped = voms_json(
        **{"dteam": {"project": "ngi-test"}, "/dteam/NGI_TEST": {"project": "dteam"}}
    )
    foresight.compare(rich, voms_policy=swapped)
    # The running Keystone has the grants from before in its own memory.
    foresight.compare(rich, in_process=True)


@pytest.mark.usefixtures("restored")
def test_a_project_of_ones_own_is_made_once(
    foresight, client, proxies, voms_json, unique, admin
):
    policy = voms_json(
        dteam={"project": "dteam", "project_per_user": f"{unique}-{{hash}}"}
    )
    said = foresight.compare(proxies("bob"), voms_policy=policy)
    ((project,),) = (one["projects"] for one in said["grants"])
    assert project["id"] is None and project["name"].startswith(unique)
    said = foresight.compare(proxies("bob"), voms_policy=policy)
    assert said["grants"][0]["projects"][0]["id"]


def test_a_proxy_of_two_vos(foresight, grid, tmp_path):
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
        for vo in ("fedcloud.egi.eu", "dteam")
    ]
    path = tmp_path / "two.pem"
    write_private(path, make_proxy(user, ac=acs).pem())
    said = foresight.compare(path)
    assert list(said["vos"]) == ["fedcloud.egi.eu", "dteam"]


def test_the_users_of_a_robot(foresight, grid, tmp_path):
    path = tmp_path / "robot.pem"
    write_private(path, robot_proxy(grid, "user:map").pem())
    robot = f"{BASE_DN}/O=Robots/CN=Robot - portal"
    assert foresight.compare(path)["dn"] == robot
    assert foresight.compare(path, enable_pusp="true")["dn"] == f"{robot}/CN=user:map"


def test_rights_that_are_the_operators_to_give(foresight, proxies):
    said = foresight.compare(proxies("alice"), add_roles="false")
    assert said["grants"][0]["roles"] == [] and not said["tokens_end"]


def test_the_end_of_a_token_that_ends_before_the_proxy(foresight, proxies):
    said = foresight.compare(proxies("alice"), token__expiration="1800")
    end = datetime.fromisoformat(said["token_until"].replace("Z", "+00:00"))
    assert end - datetime.now(UTC) < timedelta(seconds=1801)


@pytest.mark.parametrize(
    ("name", "code", "options"),
    [
        ("dave", "vo_not_mapped", {}),
        ("frank", "no_ac", {}),
        ("expired", "proxy_expired", {}),
        ("alice", "lifetime_too_short", {"min_lifetime": "86400"}),
        ("alice", "domain_unknown", {"user_domain": "nowhere"}),
        ("alice", "identity_provider_unknown", {"identity_provider": "nowhere"}),
        ("alice", "mapping_role_unknown", {"user_roles": "member,nothing"}),
        ("alice", "mapping_unreadable", {"voms_policy": "/nowhere/voms.json"}),
        ("alice", "ca_directory_unreadable", {"ca_path": "/nowhere"}),
    ],
)
def test_a_refusal_has_its_code(foresight, client, proxies, name, code, options):
    assert client.log_in(proxies("alice")).status_code == 201
    # The TLS server refuses an expired one before Keystone sees it.
    in_process = name == "expired"
    said = foresight.compare(proxies(name), in_process=in_process, **options)
    assert said["code"] == code


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"project": "nowhere"}, "mapping_project_unknown"),
        ({"projekt": "dteam"}, "mapping_invalid"),
    ],
)
def test_a_fault_of_the_mapping_is_foreseen(foresight, proxies, voms_json, entry, code):
    policy = voms_json(dteam=entry)
    assert foresight.compare(proxies("alice"), voms_policy=policy)["code"] == code


def test_a_user_who_cannot_get_in(foresight, client, proxies, admin):
    dn = ACCOUNTS["erin"].dn
    forget(client, admin, dn)
    said = foresight.compare(proxies("erin"), autocreate_users="false")
    assert said["code"] == "user_unknown"
    body = {"user": {"name": dn.upper(), "domain_id": "default"}}
    alike = client.post("/users", body, token=admin).json()["user"]
    try:
        assert foresight.compare(proxies("erin"))["code"] == "user_name_collision"
    finally:
        client.post(f"/users/{alike['id']}", token=admin, method="DELETE")
    foresight.compare(proxies("erin"))
    (user,) = client.users_named(dn)
    path = f"/users/{user['id']}"
    for enabled in (False, True):
        body = {"user": {"enabled": enabled}}
        client.post(path, body, token=admin, method="PATCH")
        said = foresight.compare(proxies("erin"))
        assert said.get("code") == (None if enabled else "user_disabled")


def test_a_dn_that_belongs_to_another_user(
    foresight, client, proxies, admin, unique, logged
):
    dn = ACCOUNTS["erin"].dn
    forget(client, admin, dn)
    protocols = [{"protocol_id": "mapped", "unique_id": quote(dn)}]
    body = {
        "user": {
            "name": unique,
            "domain_id": "default",
            "federated": [{"idp_id": "egi.eu", "protocols": protocols}],
        }
    }
    other = client.post("/users", body, token=admin)
    assert other.status_code == 201, other.text
    try:
        said = foresight.tools.map("--proxy", proxies("erin"))
        assert client.log_in(proxies("erin")).status_code == said["status"] == 500
        assert said["code"] == "user_not_created"
        assert "[user_not_created]" in logged(until="[user_not_created]")
    finally:
        forget(client, admin, unique)
        # The login made a user before it failed.
        forget(client, admin, dn)


@pytest.mark.usefixtures("restored")
def test_names_that_only_the_database_takes_for_the_same(
    foresight, client, proxy_of, proxies, voms_json, unique, admin
):
    foresight.compare(proxy_of("carol", RICH, "rich"))
    policy = voms_json(**{"/dteam/ngi_test": {"project": "dteam"}})
    other = proxy_of("carol", ["/dteam", "/dteam/ngi_test"], "other")
    said = foresight.compare(other, voms_policy=policy)
    assert said["code"] == "group_name_collision"
    policy = voms_json(dteam={"project_per_user": f"{unique}-{{hash}}"})
    said = foresight.tools.map("--proxy", proxies("bob"), voms_policy=policy)
    name = said["grants"][0]["projects"][0]["name"]
    body = {"project": {"name": name.upper(), "domain_id": "default"}}
    project = client.post("/projects", body, token=admin).json()["project"]
    try:
        said = foresight.compare(proxies("bob"), voms_policy=policy)
        assert said["code"] == "own_project_not_created"
    finally:
        client.post(f"/projects/{project['id']}", token=admin, method="DELETE")


def test_names_give_the_same_answer_as_the_proxy(tools, proxies, client):
    assert client.log_in(proxies("carol")).status_code == 201
    fqans = [part for fqan in ACCOUNTS["carol"].fqans for part in ("--fqan", fqan)]
    by_proxy = tools.map("--proxy", proxies("carol"))
    by_names = tools.map("--dn", CAROL, *fqans)
    assert by_proxy.pop("token_until") < by_names.pop("token_until")
    assert by_proxy == by_names
    poor = tools.map("--dn", CAROL, "--vo", "dteam")
    assert [one["project"] for one in poor["lost"]] == ["ngi-test"]
    assert tools.map("--dn", CAROL, "--fqan", "/ops")["code"] == "vo_not_mapped"


def test_the_text_says_the_same(tools, proxies, client):
    assert client.log_in(proxies("carol")).status_code == 201
    said = tools.map("--dn", CAROL, "--fqan", "/dteam")
    text = tools.manage("map", "--dn", CAROL, "--fqan", "/dteam").stdout
    (lost,) = said["lost"]
    assert f"would lose    member in ngi-test ({lost['project_id']})" in text
    assert f"user          {said['user']['id']} in domain Default" in text
    assert "voms.json, line 2)" in text and "would end     the user's older" in text
    refused = tools.manage("map", "--proxy", proxies("dave"))
    assert refused.returncode == 1
    assert "refused       vo_not_mapped, with status 401" in refused.stdout
    assert "what to do    Add an entry" in refused.stdout


def test_a_name_does_not_steer_the_terminal(tools):
    done = tools.manage("map", "--dn", "/CN=\x1b[31mred", "--fqan", "/dteam")
    assert done.returncode == 0 and "\x1b" not in done.stdout
    assert "\\x1b[31mred" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--dn", "/CN=x"),
        ("--proxy", "/nowhere/proxy.pem"),
        ("--proxy", "x", "--dn", "/CN=x", "--fqan", "/dteam"),
        ("--proxy", "x", "--fqan", "/dteam"),
    ],
)
def test_wrong_use_has_a_status_of_its_own(tools, arguments):
    done = tools.manage("map", *arguments)
    assert done.returncode == 2 and done.stderr and not done.stdout
