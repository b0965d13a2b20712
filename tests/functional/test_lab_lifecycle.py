# SPDX-License-Identifier: Apache-2.0
"""Labs start, stop, tell what is wrong, and keep out of each other's way.

The lab of the session runs beside a second, smaller one with a root and ports
of its own, which these tests start, harm and stop.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from tests.lab.errors import LabError
from tests.lab.lab import SOURCE, Lab
from tests.lab.processes import PROC
from tests.lab.settings import HOST, SERVICES

PORT_DISTANCE = 100
MEBIBYTE = 1024 * 1024
LISTENING = "0A"
LOOPBACK = {"0100007F", "00000000000000000000000001000000"}
# What a person's shell may hold that has nothing to do with the lab.
STRAY = {
    "OS_CLOUD": "another",
    "OS_TOKEN": "stale",
    "OS_NOVA_CONFIG_DIR": "/nonexistent",
    "REQUESTS_CA_BUNDLE": "/nonexistent",
    "https_proxy": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "PYTHONPATH": "/nonexistent",
}


@pytest.fixture(scope="module")
def settings(lab, tmp_path_factory):
    """Return the place of the second lab, in a path with a space."""
    return replace(
        lab.settings,
        root=tmp_path_factory.mktemp("labs") / "second lab",
        port_base=lab.settings.port_base + PORT_DISTANCE,
    )


@pytest.fixture(scope="module")
def second(settings):
    """Return the second lab, Keystone and MariaDB alone; each test may break it."""
    made = Lab(settings, only=["keystone"])
    yield made
    made.down()


@pytest.fixture
def running(second):
    second.up()
    return second


def command(settings, word, **environ):
    return subprocess.run(
        [sys.executable, "-m", "tests.lab", word],
        cwd=SOURCE,
        env={
            **os.environ,
            **environ,
            "LAB_ROOT": str(settings.root),
            "LAB_PORT_BASE": str(settings.port_base),
        },
        capture_output=True,
        text=True,
        timeout=180,
    )


def pids(lab):
    return {one.name: one.pid for one in lab.status()}


def kill(lab, *names):
    """Kill -9 services and return when the kernel has ended them."""
    for name in names:
        pid = pids(lab)[name]
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while pids(lab)[name]:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def runs(pid):
    """Return whether a process has not ended; a zombie has."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def is_open(port):
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex((HOST, port)) == 0


def listening_addresses(pid):
    """Return the local addresses, in hexadecimal, that a process listens on."""
    links = []
    for entry in (PROC / str(pid) / "fd").iterdir():
        try:
            links.append(os.readlink(entry))
        except FileNotFoundError:
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in (PROC / str(pid) / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and f"socket:[{fields[9]}]" in links:
                found.add(fields[1].partition(":")[0])
    return found


def test_two_labs_run_side_by_side_each_for_its_own_clients(lab, running):
    assert all(one.answers for one in lab.status())
    assert all(one.answers for one in running.status())
    first, other = lab.client_environ(), running.client_environ()
    for name in ("OS_AUTH_URL", "OS_CACERT", "OS_X509_USER_PROXY", "OCCI_ENDPOINT"):
        assert first[name] != other[name]
    assert other["LAB_LOGS"] == f"{running.settings.root}/log"


def test_up_on_a_running_lab_starts_nothing(running):
    before = pids(running)
    running.up()
    assert pids(running) == before


def test_the_command_line_agrees_whatever_the_shell_holds(lab):
    before = pids(lab)
    for word in ("up", "status"):
        done = command(lab.settings, word, **STRAY)
        assert done.returncode == 0, done.stderr
    assert "all answer" in done.stdout
    assert pids(lab) == before


def test_a_killed_service_is_named_and_started_again(running):
    before = pids(running)
    kill(running, "keystone")
    faults = {one.name: one.fault for one in running.status() if one.fault}
    assert list(faults) == ["keystone"]
    assert str(before["keystone"]) in faults["keystone"]
    running.up()
    assert pids(running)["mariadb"] == before["mariadb"]
    assert pids(running)["keystone"] != before["keystone"]


def test_a_killed_database_is_named_as_what_the_others_wait_for(running):
    before = pids(running)
    kill(running, "mariadb")
    status = {one.name: one for one in running.status()}
    assert status["mariadb"].fault and not status["mariadb"].waits_for
    assert status["keystone"].waits_for == "mariadb"
    running.up()
    assert all(one.answers for one in running.status())
    assert pids(running)["keystone"] == before["keystone"]


def test_a_pid_that_now_belongs_to_another_process_is_never_signalled(running):
    kill(running, "keystone")
    record = running.settings.run / "keystone.json"
    stranger = subprocess.Popen(["/bin/sleep", "300"])
    try:
        old = running_pid_in(record)
        record.write_text(record.read_text().replace(str(old), str(stranger.pid), 1))
        assert pids(running)["keystone"] is None
        running.down()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert not record.exists()


def running_pid_in(record):
    """Return the pid in a record of the supervisor."""
    return int(record.read_text().partition('"pid":')[2].partition(",")[0])


def test_down_leaves_no_process_and_no_port_even_after_a_kill(running):
    before = pids(running)
    kill(running, "mariadb")
    running.down()
    assert not any(runs(pid) for pid in before.values())
    assert not any(is_open(running.settings.port(name)) for name in SERVICES)


def test_down_and_status_of_a_stopped_lab_say_so(second):
    second.down()
    for _ in range(2):
        assert command(second.settings, "down").returncode == 0
    done = command(second.settings, "status")
    assert done.returncode == 1
    assert "the lab does not run" in done.stdout


def test_a_start_that_finds_its_port_taken_says_which_and_stops_the_rest(second):
    second.down()
    port = second.settings.port("keystone")
    with socket.create_server((HOST, port)):
        with pytest.raises(LabError, match=f"keystone needs port {port}"):
            second.up()
    assert pids(second) == {"keystone": None, "mariadb": None}


def test_a_start_that_fails_says_which_service_its_log_and_its_last_error(second):
    second.down()
    tables, aside = (second.settings.root / name for name in ("mysql/mysql", "aside"))
    tables.rename(aside)
    try:
        done = command(second.settings, "up")
    finally:
        aside.rename(tables)
    assert done.returncode == 1
    assert "mariadb ended as it started" in done.stderr
    assert str(second.log("mariadb")) in done.stderr
    assert "[ERROR]" in done.stderr
    assert not is_open(second.settings.port("mariadb"))


def test_every_service_of_the_whole_lab_is_named_when_killed_and_comes_back(lab):
    victims = ["placement", "glance", "nova", "neutron", "cinder"]
    before = pids(lab)
    kill(lab, *victims)
    assert [one.name for one in lab.status() if one.fault] == victims
    done = command(lab.settings, "status")
    assert done.returncode == 1
    assert f"not answering: {', '.join(victims)}." in done.stdout
    lab.up()
    after = pids(lab)
    assert {n for n in SERVICES if after[n] != before[n]} == set(victims)


def test_one_service_can_be_stopped_and_started(lab):
    lab.stop_service("glance")
    assert [one.name for one in lab.status() if one.fault] == ["glance"]
    lab.start_service("glance")
    assert all(one.answers for one in lab.status())


def test_nothing_listens_beyond_loopback(lab):
    for name, pid in pids(lab).items():
        addresses = listening_addresses(pid)
        assert addresses, f"{name} listens nowhere"
        assert addresses <= LOOPBACK, f"{name} listens on {addresses}"


def test_the_lab_is_small_enough_for_a_laptop(lab):
    total = sum(one.resident_bytes for one in lab.status())
    assert total < 1536 * MEBIBYTE, f"{total / MEBIBYTE:.0f} MiB"


def test_a_server_that_was_there_before_a_restart_of_nova_still_is(
    lab, client, lab_env, unique
):
    created = client.openstack(
        *("server", "create", "--flavor", "m1.tiny", "--image", "cirros"),
        *("--wait", "-f", "json", unique),
    )
    try:
        assert created["status"] == "ACTIVE"
        kill(lab, "nova")
        lab.up()
        # What was asked for first after a start is done, not lost.
        client.openstack("server", "stop", created["id"])
        wait_for_status(client, created["id"], "SHUTOFF")
    finally:
        client.openstack("server", "delete", "--wait", created["id"])


def wait_for_status(client, server, status):
    deadline = time.monotonic() + 60
    while True:
        found = client.openstack("server", "show", "-f", "json", server)
        if found["status"] == status:
            return
        assert found["status"] != "ERROR" and time.monotonic() < deadline, found
        time.sleep(0.5)
