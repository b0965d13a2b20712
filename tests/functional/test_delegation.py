# SPDX-License-Identifier: Apache-2.0
"""What a token of a VOMS login may make, in both settings of the operator.

Keystone takes the tokens of a method that it does not know for delegated ones,
which make no further credential, unless the operator lists the method in
``[auth] additional_primary_auth_methods``. A lab of its own runs with and
without; a Keystone whose releases lack the option limits nobody.
Read ``delegation`` first.
"""

import subprocess
import sys

import pytest

from tests.functional.conftest import Client
from tests.functional.test_login import proxy_end, time_of
from tests.functional.users import Belongings, federated, rescope
from tests.grid.grid import Grid
from tests.grid.reissue import reissue
from tests.lab.beside import keystone_alone, set_otherwise

PORT_DISTANCE = 220
# Only some releases of Keystone have the option, and numbers do not tell which.
HAS_OPTION = """
import keystone.conf
keystone.conf.configure()
print("additional_primary_auth_methods" in keystone.conf.CONF.auth)
"""
ALL = {"token", "application credential", "trust", "EC2 credential"}
RICH, POOR = ["/dteam", "/dteam/NGI_TEST"], ["/dteam"]
ON = pytest.mark.parametrize("delegation", [True], indirect=True, ids=["on"])
OFF = pytest.mark.parametrize("delegation", [False], indirect=True, ids=["off"])


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    root = tmp_path_factory.mktemp("delegation") / "lab"
    with keystone_alone(root, distance=PORT_DISTANCE) as made:
        yield made


@pytest.fixture(scope="module", params=[False, True], ids=["off", "on"])
def delegation(lab, request):
    """Set whether tokens of the method voms may delegate, and return it."""
    set_otherwise(lab, voms_delegation=request.param)
    return request.param


@pytest.fixture(scope="module")
def refused():
    """Return the status that a delegated token gets where Keystone knows of such."""
    # Beside the tests: importing Keystone's options warns of much that is not ours.
    asked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HAS_OPTION],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {"True": 403, "False": 201}[asked.stdout.strip()]


@pytest.fixture(scope="module")
def client(lab):
    return Client(lab.client_environ())


@pytest.fixture
def admin(client):
    return client.admin_token()


@pytest.fixture
def proxy_of(lab, tmp_path):
    """Return a maker of carol's proxies by the FQANs that they are to carry."""
    keys = Grid(lab.settings.grid).keys

    def make(fqans, vo="dteam"):
        path = tmp_path / f"carol-{vo}-{len(fqans)}.pem"
        return reissue(keys, "carol", vo, fqans, path)

    return make


def subject(answer):
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]


def described(client, token):
    return client.post_subject("GET", token).json()["token"]


def unscoped(client, token):
    identity = {"methods": ["token"], "token": {"id": token}}
    body = {"auth": {"identity": identity, "scope": "unscoped"}}
    return subject(client.post("/auth/tokens", body))


def tries_to_make(client, token, trustee, name):
    """Return the statuses of the requests that make one of each kind."""
    told = described(client, token)
    user, project = told["user"]["id"], told["project"]["id"]
    trust = {
        "trustor_user_id": user,
        "trustee_user_id": trustee,
        "project_id": project,
        "impersonation": True,
        "roles": [{"id": role["id"]} for role in told["roles"]],
    }
    requests = {
        f"/users/{user}/application_credentials": {
            "application_credential": {"name": name}
        },
        "/OS-TRUST/trusts": {"trust": trust},
        f"/users/{user}/credentials/OS-EC2": {"tenant_id": project},
    }
    return [
        client.post(path, body, token=token).status_code
        for path, body in requests.items()
    ]


@OFF
def test_a_native_token_makes_nothing_further(
    delegation, refused, client, admin, proxy_of, unique
):
    trustee = described(client, admin)["user"]["id"]
    scoped = client.log_in(proxy_of(RICH), project="ngi-test")
    made = tries_to_make(client, subject(scoped), trustee, unique)
    assert made == [refused] * 3
    free = subject(client.log_in(proxy_of(RICH)))
    for token in (free, subject(scoped)):
        assert rescope(client, token, "dteam").status_code == refused
    # It is still good for what it is.
    assert client.get("/auth/projects", token=free).status_code == 200


@ON
def test_a_native_token_makes_what_dies_with_the_right(
    delegation, client, admin, proxy_of
):
    rich, poor = proxy_of(RICH), proxy_of(POOR)
    trustee = described(client, admin)["user"]["id"]
    trusted = unscoped(client, admin)
    native = subject(client.log_in(rich, project="ngi-test"))
    made = Belongings.of(client, native, trustee)
    assert made.alive(client, trusted, admin) == ALL
    rescoped = subject(rescope(client, native, "dteam"))
    assert client.log_in(poor, project="dteam").status_code == 201
    assert made.alive(client, trusted, admin) == set()
    assert client.post_subject("GET", rescoped, by=admin).status_code == 404
    assert client.log_in(rich, project="ngi-test").status_code == 201
    assert made.alive(client, trusted, admin) == set()


@ON
def test_what_rests_on_another_project_lives_on(delegation, client, admin, proxy_of):
    trustee = described(client, admin)["user"]["id"]
    native = subject(client.log_in(proxy_of(RICH), project="dteam"))
    made = Belongings.of(client, native, trustee)
    assert client.log_in(proxy_of(POOR)).status_code == 201
    # Its tokens end with the loss of the other project, all else stays.
    trusted = unscoped(client, admin)
    assert made.alive(client, trusted, admin) == ALL - {"token"}


@pytest.fixture
def another_vo(client, proxy_of):
    """Let carol hold a right in another VO as well, by a proxy of that one."""
    cloud = proxy_of(["/fedcloud.egi.eu"], vo="fedcloud.egi.eu")
    assert client.log_in(cloud, project="fedcloud.egi.eu").status_code == 201


def as_dashboards_do(client, free):
    """Return the answers for each listed project, as Horizon scopes its tokens."""
    listed = client.get("/auth/projects", token=free)
    assert listed.status_code == 200, listed.text
    names = [project["name"] for project in listed.json()["projects"]]
    return {name: rescope(client, free, name) for name in names}


def assert_rescoped_within(client, free, end, projects):
    """Check that a token reaches these projects alone, and until that end."""
    first = as_dashboards_do(client, free)
    assert set(first) == projects
    for name, answer in first.items():
        token = subject(answer)
        told = answer.json()["token"]
        assert told["project"]["name"] == name
        assert time_of(told["expires_at"]) == end
        # A dashboard goes on from one project to the next.
        for other in projects:
            onward = rescope(client, token, other)
            assert time_of(onward.json()["token"]["expires_at"]) == end
        for other in {"dteam", "ngi-test", "fedcloud.egi.eu", "admin"} - projects:
            for used in (free, token):
                assert rescope(client, used, other).status_code == 401
    again = unscoped(client, free)
    assert time_of(described(client, again)["expires_at"]) == end
    assert set(as_dashboards_do(client, again)) == projects


@pytest.mark.usefixtures("another_vo")
@pytest.mark.parametrize("fqans", [RICH, POOR], ids=["rich", "poor"])
def test_a_federated_token_is_rescoped_within_its_proxy(
    delegation, client, proxy_of, fqans
):
    free = federated(client, proxy_of(fqans))
    end = time_of(described(client, free)["expires_at"])
    assert end <= proxy_end(proxy_of(fqans))
    earned = {"dteam", "ngi-test"} if fqans == RICH else {"dteam"}
    assert_rescoped_within(client, free, end, earned)


@ON
@pytest.mark.usefixtures("another_vo")
@pytest.mark.parametrize("fqans", [RICH, POOR], ids=["rich", "poor"])
def test_a_native_token_is_rescoped_within_its_proxy(
    delegation, client, proxy_of, fqans
):
    proxy = proxy_of(fqans)
    free = subject(client.log_in(proxy))
    end = time_of(described(client, free)["expires_at"])
    assert end <= proxy_end(proxy)
    earned = {"dteam", "ngi-test"} if fqans == RICH else {"dteam"}
    assert_rescoped_within(client, free, end, earned)


@ON
def test_an_operators_grant_does_not_widen_a_rescoped_token(
    delegation, client, admin, proxy_of
):
    answer = client.log_in(proxy_of(POOR))
    free, user = subject(answer), answer.json()["token"]["user"]["id"]
    (project,) = client.get("/projects?name=ops", token=admin).json()["projects"]
    (role,) = client.get("/roles?name=member", token=admin).json()["roles"]
    path = f"/projects/{project['id']}/users/{user}/roles/{role['id']}"
    assert client.post(path, token=admin, method="PUT").status_code == 204
    try:
        assert rescope(client, free, "ops").status_code == 401
        assert set(as_dashboards_do(client, free)) == {"dteam"}
    finally:
        client.post(path, token=admin, method="DELETE")


@pytest.fixture
def local(client, admin, unique):
    """Return a user of Keystone's own, a member of project ops, and its login."""
    (project,) = client.get("/projects?name=ops", token=admin).json()["projects"]
    (role,) = client.get("/roles?name=member", token=admin).json()["roles"]
    user = {"name": unique, "password": unique, "domain_id": "default"}
    answer = client.post("/users", {"user": user}, token=admin)
    assert answer.status_code == 201, answer.text
    user_id = answer.json()["user"]["id"]
    path = f"/projects/{project['id']}/users/{user_id}/roles/{role['id']}"
    assert client.post(path, token=admin, method="PUT").status_code == 204

    def log_in(proxy=None, **scope):
        who = {"id": user_id, "password": unique}
        identity = {"methods": ["password"], "password": {"user": who}}
        body = {"auth": {"identity": identity, **scope}}
        return client.post("/auth/tokens", body, proxy=proxy)

    yield log_in
    client.post(f"/users/{user_id}", token=admin, method="DELETE")


def project_scope(name):
    return {"scope": {"project": {"name": name, "domain": {"id": "default"}}}}


def test_keystones_own_users_are_as_they_were(
    delegation, lab, client, admin, local, proxy_of
):
    trustee = described(client, admin)["user"]["id"]
    trusted = unscoped(client, admin)
    answer = local(**project_scope("ops"))
    token = subject(answer)
    told = answer.json()["token"]
    assert told["methods"] == ["password"]
    free = subject(local())
    assert set(as_dashboards_do(client, free)) == {"ops"}
    onward = rescope(client, free, "ops").json()["token"]
    assert set(onward["methods"]) == {"password", "token"}
    # It lasts as long as [token] expiration says, far beyond any proxy.
    day = proxy_end(proxy_of(RICH))
    assert all(time_of(one["expires_at"]) > day for one in (told, onward))
    assert rescope(client, free, "dteam").status_code == 401
    assert local(**project_scope("dteam")).status_code == 401
    made = Belongings.of(client, token, trustee)
    assert made.alive(client, trusted, admin) == ALL

    # Somebody else's rights come and go beside it.
    assert client.log_in(proxy_of(RICH), project="ngi-test").status_code == 201
    assert client.log_in(proxy_of(POOR), project="dteam").status_code == 201
    assert made.alive(client, trusted, admin) == ALL
    assert client.post_subject("GET", free, by=admin).status_code == 200


def test_a_proxy_in_the_handshake_changes_no_login_by_password(
    delegation, local, proxy_of
):
    with_proxy = local(proxy=proxy_of(RICH), **project_scope("ops")).json()["token"]
    assert with_proxy["methods"] == ["password"]
    assert time_of(with_proxy["expires_at"]) > proxy_end(proxy_of(RICH))
    assert local(proxy=proxy_of(RICH), **project_scope("ngi-test")).status_code == 401
