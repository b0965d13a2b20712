# SPDX-License-Identifier: Apache-2.0
"""Options of [voms] and entries of voms.json, on the lab's database."""

import base64
import hashlib
import json
import ssl

import pytest

from tests.functional.serving import VOMS, keys_of, login
from tests.grid.accounts import ACCOUNTS, BASE_DN, SERVERS, VOMS_PORT
from tests.grid.ac import make_ac
from tests.grid.certs import make_proxy, make_user
from tests.grid.reissue import reissue, voms_files, write_private

ALICE = ACCOUNTS["alice"].dn


def scoped(path, project):
    """Return a login to a project with the proxy of that path."""
    scope = {"project": {"name": project, "domain": {"id": "default"}}}
    body = {"auth": {**VOMS["auth"], "scope": scope}}
    return {"path": "/v3/auth/tokens", "body": body, "environ": keys_of(path)}


def listed(answer):
    """Return the request for the projects of the token in an answer."""
    token = answer["headers"]["X-Subject-Token"]
    environ = {"HTTP_X_AUTH_TOKEN": token}
    return {"method": "GET", "path": "/v3/auth/projects", "environ": environ}


def projects(answer):
    assert answer["status"] == 200, answer["body"]
    return {one["name"] for one in json.loads(answer["body"])["projects"]}


def token_of(answer):
    assert answer["status"] == 201, answer["body"]
    return json.loads(answer["body"])["token"]


@pytest.fixture
def voms_json(tmp_path):
    """Return a function that writes a mapping and gives its path."""

    def write(**entries):
        path = tmp_path / "voms.json"
        path.write_text(json.dumps(entries))
        return path

    return write


@pytest.fixture
def restored(serve, proxies):
    """Put the groups' grants back to what the lab's own mapping says."""
    yield
    requests = [login(**keys_of(proxies(name))) for name in ("alice", "carol")]
    assert {one["status"] for one in serve(requests).answers} == {201}


@pytest.mark.usefixtures("restored")
def test_each_user_has_a_project_of_its_own(serve, proxies, voms_json, client):
    policy = voms_json(dteam={"project": "dteam", "project_per_user": True})
    names = {}
    for user in ("alice", "bob"):
        (answer,) = serve([login(**keys_of(proxies(user)))], voms_policy=policy).answers
        token_of(answer)
        (answer,) = serve([listed(answer)], voms_policy=policy).answers
        (names[user],) = projects(answer)
    digest = hashlib.sha256(ALICE.encode()).hexdigest()[:16]
    assert names["alice"] == f"dteam-alice-{digest}"
    requests = [
        scoped(proxies("alice"), names["alice"]),
        scoped(proxies("alice"), names["bob"]),
        scoped(proxies("alice"), "dteam"),
    ]
    own, other, shared = serve(requests, voms_policy=policy).answers
    assert {role["name"] for role in token_of(own)["roles"]} >= {"member"}
    assert (other["status"], shared["status"]) == (401, 401)
    admin = client.admin_token()
    made = client.get(f"/projects?name={names['alice']}", token=admin).json()
    (project,) = made["projects"]
    (parent,) = client.get("/projects?name=dteam", token=admin).json()["projects"]
    assert project["parent_id"] == parent["id"]
    assert ALICE in project["description"]


@pytest.mark.usefixtures("restored")
def test_a_group_inherits_and_several_projects_add_up(serve, grid, tmp_path, voms_json):
    policy = voms_json(
        dteam={"tenant": "dteam"},
        **{"/dteam/NGI_TEST": {"projects": ["ngi-test", "dteam"], "inherit": True}},
    )
    deep = reissue(
        grid.keys, "alice", "dteam", ["/dteam", "/dteam/NGI_TEST/deep"], tmp_path / "p"
    )
    (answer,) = serve([login(**keys_of(deep))], voms_policy=policy).answers
    token_of(answer)
    (answer,) = serve([listed(answer)], voms_policy=policy).answers
    assert projects(answer) == {"dteam", "ngi-test"}


@pytest.mark.usefixtures("restored")
def test_a_changed_entry_changes_what_its_group_has(serve, proxies, voms_json):
    moved = voms_json(dteam={"project": "ngi-test"})
    first = serve([scoped(proxies("alice"), "dteam")]).answers[0]
    served = serve(
        [
            scoped(proxies("alice"), "ngi-test"),
            scoped(proxies("alice"), "dteam"),
        ],
        voms_policy=moved,
    )
    assert [one["status"] for one in served.answers] == [201, 401]
    served = serve([scoped(proxies("alice"), "dteam")])
    assert served.answers[0]["status"] == 201
    # The token from before does not come back with the grant.
    old = first["headers"]["X-Subject-Token"]
    (answer,) = serve([listed(first)]).answers
    assert answer["status"] == 401, old


def test_rights_can_be_kept_until_they_expire(serve, grid, tmp_path):
    rich, poor = (
        reissue(grid.keys, "carol", "dteam", fqans, tmp_path / name)
        for name, fqans in (("r", ["/dteam", "/dteam/NGI_TEST"]), ("p", ["/dteam"]))
    )
    served = serve(
        [scoped(rich, "ngi-test"), scoped(poor, "ngi-test"), login(**keys_of(poor))],
        withdraw="keep",
    )
    rich_answer, refused, poor_answer = served.answers
    assert [one["status"] for one in served.answers] == [201, 401, 201]
    before, after = serve(
        [listed(rich_answer), listed(poor_answer)], withdraw="keep"
    ).answers
    assert projects(before) == {"dteam", "ngi-test"}
    assert projects(after) == {"dteam"}
    # The default takes it back.
    assert serve([login(**keys_of(poor))]).answers[0]["status"] == 201
    assert serve([listed(rich_answer)]).answers[0]["status"] == 401


def test_operators_grants_count_where_the_site_wants_it(serve, proxies, client):
    admin = client.admin_token()
    user = client.users_named(ALICE)[0]["id"]
    (project,) = client.get("/projects?name=fedcloud.egi.eu", token=admin).json()[
        "projects"
    ]
    (role,) = client.get("/roles?name=member", token=admin).json()["roles"]
    path = f"/projects/{project['id']}/users/{user}/roles/{role['id']}"
    client.post(path, token=admin, method="PUT")
    try:
        request = scoped(proxies("alice"), "fedcloud.egi.eu")
        assert serve([request]).answers[0]["status"] == 401
        (answer,) = serve([request], honour_other_grants="true").answers
        token_of(answer)
        (answer,) = serve([listed(answer)], honour_other_grants="true").answers
        assert projects(answer) >= {"dteam", "fedcloud.egi.eu"}
    finally:
        client.post(path, token=admin, method="DELETE")


def robot_proxy(grid, name):
    """Return a proxy that a robot of the grid made for one of its users."""
    root = grid.authority("root").load()
    robot = make_user(f"{BASE_DN}/O=Robots/CN=Robot - portal", issuer=root)
    ac = make_ac(
        holder=robot.certificate,
        voms=voms_files(grid.keys, "dteam").load(),
        vo="dteam",
        fqans=["/dteam"],
        host=SERVERS["dteam"].host,
        port=VOMS_PORT,
    )
    return make_proxy(robot, ac=ac, cn=name)


def test_users_of_a_robot_are_told_apart_where_the_site_wants_it(serve, grid, tmp_path):
    path = tmp_path / "robot.pem"
    write_private(path, robot_proxy(grid, "user:4711").pem())
    robot = f"{BASE_DN}/O=Robots/CN=Robot - portal"
    request = login(**keys_of(path))
    (plain,) = serve([request]).answers
    assert token_of(plain)["user"]["name"] == robot
    (apart,) = serve([request], enable_pusp="true").answers
    assert token_of(apart)["user"]["name"] == f"{robot}/CN=user:4711"
    other = tmp_path / "other.pem"
    write_private(other, robot_proxy(grid, "12345").pem())
    (answer,) = serve([login(**keys_of(other))], enable_pusp="true").answers
    assert token_of(answer)["user"]["name"] == robot


def test_a_plain_user_names_nobody_else(serve, proxies, grid, tmp_path):
    user = make_user(ALICE, issuer=grid.authority("root").load())
    ac = make_ac(
        holder=user.certificate,
        voms=voms_files(grid.keys, "dteam").load(),
        vo="dteam",
        fqans=["/dteam"],
        host=SERVERS["dteam"].host,
        port=VOMS_PORT,
    )
    path = tmp_path / "plain.pem"
    write_private(path, make_proxy(user, ac=ac, cn="user:bob").pem())
    (answer,) = serve([login(**keys_of(path))], enable_pusp="true").answers
    assert token_of(answer)["user"]["name"] == ALICE


def test_certificates_in_headers_count_from_listed_peers_alone(serve, proxies):
    pems = list(keys_of(proxies("alice")).values())
    items = [
        f":{base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()}:" for pem in pems
    ]
    environ = {
        "HTTP_CLIENT_CERT": items[0],
        "HTTP_CLIENT_CERT_CHAIN": ", ".join(items[1:]),
    }
    request = login(**environ)
    served = serve([request])
    assert served.answers[0]["status"] == 401
    assert "[no_client_certificate]" in served.log
    (answer,) = serve([request], trusted_header_peers="192.0.2.7").answers
    assert token_of(answer)["user"]["name"] == ALICE
    (answer,) = serve([request], trusted_header_peers="192.0.2.70").answers
    assert answer["status"] == 401


def test_audit_events_tell_of_success_and_of_each_refusal(serve, proxies):
    requests = [login(**keys_of(proxies("alice"))), login(**keys_of(proxies("dave")))]
    served = serve(
        requests,
        oslo_messaging_notifications__driver="log",
        DEFAULT__notification_opt_out="",
    )
    good, bad = served.answers
    assert (good["status"], bad["status"]) == (201, 401)
    events = [
        json.loads(line[line.index("{") :])
        for line in served.log.splitlines()
        if "identity.authenticate" in line
    ]
    success, failure = (event["payload"] for event in events)
    assert success["outcome"] == "success"
    assert success["initiator"]["user_id"] == token_of(good)["user"]["id"]
    assert failure["outcome"] == "failure"
    assert failure["reason"] == {
        "reasonCode": "401",
        "reasonType": "Unauthorized: vo_not_mapped",
    }
    assert failure["initiator"]["host"]["address"] == "192.0.2.7"
    assert "CERTIFICATE" not in served.log
