# SPDX-License-Identifier: Apache-2.0
"""Two processes serve one Keystone, and share their cache as a site's do.

A lab of its own, Keystone alone. Each request is a new connection, which the
kernel gives to one of the two, so what has to hold in both is asked often.
Read ``people`` first.
"""

import concurrent.futures
import os
import signal
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pymysql
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.functional.conftest import Client
from tests.functional.users import FEDERATION, Belongings, federated, rescope
from tests.grid.accounts import BASE_DN, SERVERS, VOMS_PORT
from tests.grid.ac import make_ac
from tests.grid.certs import make_proxy, make_user
from tests.grid.grid import Grid
from tests.grid.reissue import write_private
from tests.lab.beside import keystone_alone
from tests.lab.configuration import password
from tests.lab.settings import HOST, MEMCACHED

PORT_DISTANCE = 200
USERS = 20
LOGINS = 100
# One of two processes is missed by so many connections once in 500 times.
TRIES = 10
ALL = {"token", "application credential", "trust", "EC2 credential"}
RICH, POOR = ("/dteam", "/dteam/NGI_TEST"), ("/dteam",)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return a lab whose Keystone runs in two processes."""
    root = tmp_path_factory.mktemp("workers") / "lab"
    with keystone_alone(root, distance=PORT_DISTANCE, keystone_workers=2) as made:
        yield made


@pytest.fixture(scope="module")
def client(lab):
    return Client(lab.client_environ())


@pytest.fixture(scope="module")
def admin(client):
    return client.admin_token()


@pytest.fixture(scope="module")
def people(lab, tmp_path_factory):
    """Return a maker of proxies for a person of any name, and that person's DN."""
    grid = Grid(lab.settings.grid)
    issuer, server = grid.authority("root").load(), grid.voms("dteam").load()
    known = {}
    place = tmp_path_factory.mktemp("proxies")

    def proxy(name, fqans):
        dn = f"{BASE_DN}/O=People/CN={name}"
        if name not in known:
            known[name] = make_user(dn, issuer=issuer, key=new_key())
        ac = make_ac(
            holder=known[name].certificate,
            voms=server,
            vo="dteam",
            fqans=fqans,
            host=SERVERS["dteam"].host,
            port=VOMS_PORT,
            not_after=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2),
        )
        path = place / f"{name}-{len(fqans)}.pem"
        write_private(path, make_proxy(known[name], ac=ac, key=new_key()).pem())
        return path, dn

    return proxy


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def log_of(lab):
    return lab.log("keystone").read_text()


def faults_in(log):
    """Return the lines of a log that tell of something that should not be."""
    marks = (" ERROR ", " CRITICAL ", "Traceback", "[mapping", "_not_created]")
    return [line for line in log.splitlines() if any(mark in line for mark in marks)]


def count(lab, table):
    """Return how many rows a table of Keystone's has."""
    connection = pymysql.connect(
        host=HOST,
        port=lab.settings.port("mariadb"),
        user="lab",
        password=password(lab.settings),
        database="keystone",
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM `{table}`")
        return cursor.fetchone()[0]


def all_at_once(actions):
    """Return the results of the actions, which begin at the same moment."""
    gate = threading.Barrier(len(actions))

    def run(action):
        gate.wait(60)
        return action()

    with concurrent.futures.ThreadPoolExecutor(len(actions)) as pool:
        return [one.result() for one in [pool.submit(run, a) for a in actions]]


def test_a_hundred_logins_at_once_make_twenty_users(lab, client, admin, people):
    named = [people(f"guest-{number:02}", RICH) for number in range(USERS)]
    before = {table: count(lab, table) for table in ("user", "group")}
    doors = (
        lambda proxy: client.log_in(proxy, project="ngi-test"),
        lambda proxy: client.log_in(proxy, project="dteam"),
        client.log_in,
        lambda proxy: client.post(FEDERATION, proxy=proxy),
        lambda proxy: client.post(FEDERATION, proxy=proxy, method="GET"),
    )
    tried = [(door, proxy, dn) for door in doors for proxy, dn in named]
    assert len(tried) == LOGINS
    log = log_of(lab)
    answers = all_at_once([lambda d=d, p=p: d(p) for d, p, _ in tried])

    assert [answer.status_code for answer in answers] == [201] * LOGINS
    ids = {}
    for answer, (_, _, dn) in zip(answers, tried, strict=True):
        user = answer.json()["token"]["user"]
        assert user["name"] == dn
        ids.setdefault(dn, set()).add(user["id"])
    assert {len(found) for found in ids.values()} == {1}
    assert len(set.union(*ids.values())) == USERS
    # Neither a user nor a group is left behind by those that were too late.
    assert count(lab, "user") == before["user"] + USERS
    assert count(lab, "group") == before["group"] + 2
    assert count(lab, "federated_user") == USERS
    assert count(lab, "expiring_user_group_membership") == 2 * USERS
    users = client.get("/users", token=admin).json()["users"]
    assert sorted(u["name"] for u in users if u["name"] in ids) == sorted(ids)
    for (user,) in ids.values():
        groups = client.get(f"/users/{user}/groups", token=admin).json()["groups"]
        assert len(groups) == 2

    told = log_of(lab)[len(log) :]
    assert faults_in(told) == []
    lines = [line for line in told.splitlines() if "VOMS login:" in line]
    assert len(lines) == LOGINS
    assert sum("(created)" in line for line in lines) == USERS
    # The third word of a line is the process that wrote it.
    assert len({line.split()[2] for line in lines}) == 2


def test_every_token_of_that_crowd_is_good_in_both_processes(client, admin, people):
    proxy, _ = people("guest-crowd", RICH)
    answers = all_at_once([lambda: client.log_in(proxy, project="ngi-test")] * TRIES)
    tokens = [answer.headers["X-Subject-Token"] for answer in answers]
    for token in tokens:
        found = [client.post_subject("GET", token, by=admin) for _ in range(TRIES)]
        assert {answer.status_code for answer in found} == {200}


def subject(answer):
    assert answer.status_code in (200, 201), answer.text
    return answer.headers["X-Subject-Token"]


def unscoped(client, token):
    identity = {"methods": ["token"], "token": {"id": token}}
    body = {"auth": {"identity": identity, "scope": "unscoped"}}
    return subject(client.post("/auth/tokens", body))


def by_application_credential(client, made):
    keys = dict(zip(("id", "secret"), made.application_credential, strict=True))
    identity = {"methods": ["application_credential"], "application_credential": keys}
    return client.post("/auth/tokens", {"auth": {"identity": identity}})


def by_trust(client, made, trustee_token):
    identity = {"methods": ["token"], "token": {"id": trustee_token}}
    scope = {"OS-TRUST:trust": {"id": made.trust}}
    return client.post("/auth/tokens", {"auth": {"identity": identity, "scope": scope}})


def alive(client, made, trusted, admin, tokens):
    """Return what still lets its holder in, in whichever process is asked."""
    found = set()
    for _ in range(TRIES):
        found |= made.alive(client, trusted, admin)
        for name, token in tokens.items():
            if client.post_subject("GET", token, by=admin).status_code == 200:
                found.add(name)
    return found


def test_what_rested_on_a_lost_right_is_dead_in_both_processes_for_good(
    lab, client, admin, people
):
    log = log_of(lab)
    rich, _ = people("loser", RICH)
    poor, _ = people("loser", POOR)
    unbound = federated(client, rich)
    made = Belongings.of(
        client,
        subject(rescope(client, unbound, "ngi-test")),
        client.post_subject("GET", admin).json()["token"]["user"]["id"],
    )
    trusted = unscoped(client, admin)
    tokens = {
        "unscoped token": unbound,
        "native token": subject(client.log_in(rich, project="ngi-test")),
        "token of the credential": subject(by_application_credential(client, made)),
        "token of the trust": subject(by_trust(client, made, trusted)),
    }
    everything = ALL | set(tokens)
    # Asked this often, both processes and the cache have seen all of it.
    assert alive(client, made, trusted, admin, tokens) == everything

    kept = client.log_in(poor, project="dteam")
    assert kept.status_code == 201, kept.text
    assert alive(client, made, trusted, admin, tokens) == set()
    refused = [client.log_in(poor, project="ngi-test") for _ in range(TRIES)]
    assert {answer.status_code for answer in refused} == {401}

    again = [client.log_in(rich, project="ngi-test") for _ in range(TRIES)]
    assert {answer.status_code for answer in again} == {201}
    assert alive(client, made, trusted, admin, tokens) == set()
    for answer in (kept, *again):
        token = answer.headers["X-Subject-Token"]
        assert client.post_subject("GET", token, by=admin).status_code == 200
    assert faults_in(log_of(lab)[len(log) :]) == []


def issued(answer):
    """Return the second in which the token of an answer was issued."""
    text = answer.json()["token"]["issued_at"]
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def test_a_token_of_the_second_of_the_withdrawal_is_dead_in_both_processes(
    client, admin, people
):
    rich, _ = people("quick", RICH)
    poor, _ = people("quick", POOR)
    assert client.log_in(rich).status_code == 201
    seen = 0
    deadline = time.monotonic() + 60
    while seen < 3:
        assert time.monotonic() < deadline, f"{seen} withdrawals fell into one second"
        time.sleep(1.02 - time.time() % 1)
        old = client.log_in(rich, project="ngi-test")
        new = client.log_in(poor, project="dteam")
        # The token of a withdrawal is issued in the second after it.
        if issued(new) != issued(old) + 1:
            continue
        seen += 1
        back = client.log_in(rich, project="ngi-test")
        for _ in range(TRIES):
            states = [
                client.post_subject("GET", subject(one), by=admin).status_code
                for one in (old, new, back)
            ]
            assert states == [404, 200, 200]


def test_logins_of_one_user_with_both_proxies_at_once_end_in_order(
    lab, client, admin, people
):
    log = log_of(lab)
    rich, _ = people("torn", RICH)
    poor, _ = people("torn", POOR)
    logins = [lambda: client.log_in(rich), lambda: client.log_in(poor)] * 5
    answers = all_at_once(logins)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["token"]["user"]["id"] for answer in answers}) == 1
    assert client.log_in(poor).status_code == 201
    # Whoever was last, the poor proxy's login leaves nothing of the rich one's.
    for answer in answers:
        found = client.get("/auth/projects", token=subject(answer))
        assert found.status_code == 401 or {
            project["name"] for project in found.json()["projects"]
        } <= {"dteam"}
    assert client.log_in(rich, project="ngi-test").status_code == 201
    assert faults_in(log_of(lab)[len(log) :]) == []


def test_a_memcached_that_ends_is_named_and_comes_back_with_keystone(
    lab, client, people
):
    before = {one.name: one.pid for one in lab.status()}
    os.kill(before[MEMCACHED], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not (faults := [one for one in lab.status() if one.fault]):
        assert time.monotonic() < deadline
    assert {one.name: one.waits_for for one in faults} == {
        "keystone": MEMCACHED,
        MEMCACHED: "",
    }
    lab.up()
    after = {one.name: one.pid for one in lab.status() if one.answers}
    assert set(after) == set(before)
    assert after["mariadb"] == before["mariadb"]
    rich, _ = people("guest-later", RICH)
    for _ in range(TRIES):
        assert client.log_in(rich, project="ngi-test").status_code == 201
