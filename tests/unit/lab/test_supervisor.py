# SPDX-License-Identifier: Apache-2.0
"""The supervisor keeps what it started apart from all other processes."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.errors import LabError
from tests.lab.settings import from_environ
from tests.lab.supervisor import Supervisor, last_error_line

STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


@pytest.fixture
def settings(tmp_path):
    found = from_environ({"LAB_ROOT": str(tmp_path / "my lab")}, source=Path("/"))
    found.run.mkdir(parents=True)
    found.logs.mkdir()
    return found


@pytest.fixture
def supervisor(settings):
    made = Supervisor(settings)
    yield made
    made.stop(["nova", "glance"], grace=0)


def shell(supervisor, name, script, **environ):
    return supervisor.start(name, ["/bin/sh", "-c", script], environ)


def wait_for(path, text):
    deadline = time.monotonic() + 10
    while text not in path.read_text():
        assert time.monotonic() < deadline, f"no {text!r} in {path}"
        time.sleep(0.02)


def test_a_started_service_is_known_to_another_supervisor(supervisor, settings):
    record = shell(supervisor, "nova", "sleep 60")
    assert Supervisor(settings).record("nova") == record
    assert Supervisor(settings).alive("nova")


def test_a_service_writes_its_log_and_sees_its_own_environment(supervisor, settings):
    shell(supervisor, "nova", 'echo "$ROLE ${HOME-no home}"; echo bad >&2', ROLE="x y")
    wait_for(settings.log("nova"), "bad")
    assert settings.log("nova").read_text() == "x y no home\nbad\n"


def test_a_service_is_the_leader_of_its_own_session(supervisor):
    # Ctrl-C on the terminal of `up` must not reach it.
    record = shell(supervisor, "nova", "sleep 60")
    assert os.getsid(record.identity.pid) == record.identity.pid


def test_stop_ends_services_and_forgets_them(supervisor):
    records = [shell(supervisor, name, "sleep 60") for name in ("nova", "glance")]
    assert supervisor.stop(["nova", "glance"]) == []
    assert not any(record.identity.alive() for record in records)
    assert supervisor.record("nova") is None


def test_a_service_that_does_not_end_is_killed_and_named(supervisor, settings):
    record = shell(supervisor, "nova", STUBBORN)
    wait_for(settings.log("nova"), "ready")
    assert supervisor.stop(["nova"], grace=0.2) == ["nova"]
    assert not record.identity.alive()


def test_stopping_what_never_ran_or_ended_is_nothing(supervisor):
    record = shell(supervisor, "nova", "exit 3")
    deadline = time.monotonic() + 10
    while record.identity.alive():
        assert time.monotonic() < deadline
    assert supervisor.stop(["nova", "glance"]) == []


def test_a_reused_pid_is_forgotten_and_never_signalled(supervisor, settings):
    record = shell(supervisor, "nova", "sleep 60")
    record.identity.signal(signal.SIGKILL)
    # The kernel counts start times in hundredths of a second.
    time.sleep(0.05)
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    try:
        file = settings.run / "nova.json"
        value = json.loads(file.read_text())
        value["identity"]["pid"] = stranger.pid
        file.write_text(json.dumps(value))
        assert not supervisor.alive("nova")
        assert supervisor.stop(["nova"], grace=0) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert supervisor.record("nova") is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"identity": {"pid": "x"}}'])
def test_a_damaged_record_is_named(supervisor, settings, text):
    (settings.run / "nova.json").write_text(text)
    with pytest.raises(LabError, match=r"nova\.json is damaged"):
        supervisor.stop(["nova"])
    (settings.run / "nova.json").unlink()


def test_the_last_error_is_that_of_this_start(supervisor, settings):
    settings.log("nova").write_text("2026-01-01 10:00:00.1 7 ERROR nova [-] old\n")
    record = shell(supervisor, "nova", "echo started; echo stopping")
    wait_for(settings.log("nova"), "stopping")
    assert supervisor.last_error(record) == "stopping"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["starting", "2026-01-01 10:00:00.1 7 ERROR nova [-] no disk", "bye"], 1),
        (["[ERROR] Fatal error: no privilege tables", "done"], 0),
        (["Traceback (most recent call last):", '  File "x.py"', "KeyError: 'a'"], 2),
        (["first", "last"], 1),
        # oslo.log puts its prefix before every line of a trace.
        (
            [
                "2026-01-01 10:00:00.1 7 CRITICAL nova [None req-1 - -] Unhandled",
                "2026-01-01 10:00:00.1 7 ERROR nova Traceback (most recent call last):",
                '2026-01-01 10:00:00.1 7 ERROR nova   File "Error.py", line 1',
                "2026-01-01 10:00:00.1 7 ERROR nova ImportError: no module a",
                "2026-01-01 10:00:00.1 7 ERROR nova ",
                "2026-01-01 10:00:01.1 7 INFO nova [-] leaving",
            ],
            3,
        ),
    ],
)
def test_the_line_that_says_why_is_found(tmp_path, lines, expected):
    log = tmp_path / "nova.log"
    log.write_text("\n".join(lines) + "\n")
    assert last_error_line(log) == lines[expected]


def test_a_log_without_a_line_is_told_apart_from_none(tmp_path):
    assert last_error_line(tmp_path / "nova.log") == "(there is no log)"
    (tmp_path / "nova.log").write_bytes(b"\n \n")
    assert last_error_line(tmp_path / "nova.log") == "(the log is empty)"


def test_a_log_that_is_no_text_is_still_read(tmp_path):
    (tmp_path / "nova.log").write_bytes(b"\xff\xfe Error: odd\n")
    assert last_error_line(tmp_path / "nova.log").endswith("Error: odd")
