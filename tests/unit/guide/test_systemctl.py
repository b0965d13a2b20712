# SPDX-License-Identifier: Apache-2.0
"""The stand-in of systemctl: real unit files, real processes, nothing ignored."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.guide import systemctl
from tests.guide.actions import GuideError
from tests.guide.unit_files import assignments, expand, parse
from tests.guide.units import Units

SOURCE = Path(__file__).resolve().parents[3]
NAME = f"sleeper{os.getpid()}"
SLEEP = "[Service]\nExecStart=/bin/sleep 100\n[Install]\nWantedBy=multi-user.target\n"
# It says that it is ready when it has written a file, and ends by SIGTERM.
NOTIFIES = """\
import os, socket, sys, time
time.sleep(0.2)
open(sys.argv[1], "w").write(os.environ["WORD"])
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
    told.sendto(b"STATUS=there\\nREADY=1", os.environ["NOTIFY_SOCKET"])
print("it is ready", flush=True)
time.sleep(100)
"""


@pytest.fixture
def units(tmp_path):
    made = Units(root=tmp_path, state=tmp_path / "state")
    for folder in ("etc/systemd/system", "lib/systemd/system", "run"):
        (tmp_path / folder).mkdir(parents=True)
    yield made
    for pid in made.processes(NAME):
        os.kill(pid, signal.SIGKILL)


def write(units, text, *, folder="etc", name=f"{NAME}.service"):
    place = units.root / folder / "systemd/system" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)


def ctl(units, *words):
    return systemctl.main(["systemctl", *words], units=units)


def test_the_shipped_units_are_understood():
    shipped = sorted((SOURCE / "deploy/systemd").glob("*.service"))
    assert len(shipped) == 2
    for file in shipped:
        unit = parse(file.stem, [file.read_text()])
        assert unit.kind == "notify"
        assert unit.words("SupplementaryGroups")
        assert not unit.kills_all


def test_a_setting_that_nobody_knows_is_an_error():
    with pytest.raises(GuideError, match="ExecStrat=x"):
        parse("a", ["[Service]\nExecStrat=x\n"])
    with pytest.raises(GuideError, match="Type=dbus"):
        parse("a", ["[Service]\nType=dbus\nExecStart=/bin/true\n"])
    with pytest.raises(GuideError, match="no ExecStart"):
        parse("a", ["[Service]\nType=simple\n"])


def test_a_drop_in_adds_to_lists_and_takes_the_place_of_the_rest():
    unit = parse(
        "a",
        [
            "[Service]\nGroup=www-data\nExecStart=/bin/one\nEnvironment=A=1 'B=x y'\n",
            "# why\n[Service]\nGroup=haproxy\nEnvironment=C=3 \\\n  D=4\n",
            "[Service]\nExecStart=\nExecStart=/bin/two\n",
        ],
    )
    assert unit.single["Group"] == "haproxy"
    assert unit.words("Environment") == ("A=1", "B=x y", "C=3", "D=4")
    assert unit.commands("ExecStart") == ("/bin/two",)


def test_a_variable_that_is_a_word_becomes_words():
    environ = {"EXTRA": "-S /run/x", "FILE": "/etc/a b"}
    line = "/bin/x -f ${FILE} $EXTRA $NONE"
    assert expand(line, environ) == ["/bin/x", "-f", "/etc/a b", "-S", "/run/x"]
    assert assignments("# c\nA='1 2'\n\nB=3\n") == {"A": "1 2", "B": "3"}


def test_a_service_is_started_and_stopped(units, capsys):
    write(units, SLEEP)
    assert ctl(units, "is-active", NAME) == systemctl.INACTIVE
    assert ctl(units, "start", f"{NAME}.service") == 0
    (pid,) = units.processes(NAME)
    assert ctl(units, "is-active", NAME) == 0
    assert ctl(units, "restart", NAME) == 0
    (other,) = units.processes(NAME)
    assert other != pid
    assert ctl(units, "stop", NAME) == 0
    assert units.processes(NAME) == []
    assert capsys.readouterr().out == "inactive\nactive\n"


def test_a_start_waits_until_the_service_is_ready(units, tmp_path, capsys):
    ready, program = tmp_path / "ready", tmp_path / "program"
    program.write_text(NOTIFIES)
    (tmp_path / "etc/default").mkdir()
    (tmp_path / "etc/default/word").write_text("WORD=hello\n")
    write(
        units,
        "[Service]\nType=notify\nRuntimeDirectory=mine\nRuntimeDirectoryMode=0750\n"
        "EnvironmentFile=/etc/default/word\nEnvironmentFile=-/etc/default/none\n"
        f"ExecStart={sys.executable} {program} {ready}\nKillMode=mixed\n",
    )
    assert ctl(units, "start", NAME) == 0
    assert ready.read_text() == "hello"
    assert (tmp_path / "run/mine").stat().st_mode & 0o777 == 0o750
    deadline = time.monotonic() + 10
    while "it is ready" not in units.log(NAME).read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert systemctl.main(["journalctl", "-u", NAME], units=units) == 0
    assert "it is ready" in capsys.readouterr().out
    assert ctl(units, "stop", NAME) == 0
    assert not (tmp_path / "run/mine").exists()


def test_a_service_that_ends_before_it_is_ready_fails_with_its_log(units, capsys):
    write(units, "[Service]\nType=notify\nExecStart=/bin/sh -c 'echo why; exit 7'\n")
    assert ctl(units, "start", NAME) == 1
    said = capsys.readouterr().err
    assert "ended with status 7" in said
    assert "why" in said
    assert ctl(units, "is-active", NAME) == systemctl.INACTIVE


def test_a_changed_file_counts_after_a_daemon_reload_alone(units, capsys):
    write(units, SLEEP)
    assert ctl(units, "start", NAME) == 0
    drop_in = f"{NAME}.service.d/x.conf"
    write(units, "[Service]\nEnvironment=A=1\n", name=drop_in)
    assert ctl(units, "restart", NAME) == 1
    assert "daemon-reload" in capsys.readouterr().err
    assert ctl(units, "daemon-reload") == 0
    assert ctl(units, "restart", NAME) == 0
    (pid,) = units.processes(NAME)
    assert b"A=1" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def test_a_unit_of_the_administrator_takes_the_place_of_the_package(units):
    write(units, "[Service]\nExecStart=/bin/false\n", folder="lib")
    assert units.load(NAME).commands("ExecStart") == ("/bin/false",)
    write(units, SLEEP)
    units.read_again()
    assert units.load(NAME).commands("ExecStart") == ("/bin/sleep 100",)


def test_enable_makes_the_link_and_disable_takes_it(units):
    write(units, SLEEP)
    link = units.root / f"etc/systemd/system/multi-user.target.wants/{NAME}.service"
    assert ctl(units, "is-enabled", NAME) == 1
    assert ctl(units, "enable", NAME) == 0
    assert link.is_symlink()
    assert ctl(units, "is-enabled", NAME) == 0
    assert ctl(units, "disable", NAME) == 0
    assert not link.is_symlink()


def test_a_process_that_runs_already_is_adopted_and_stopped(units):
    write(units, SLEEP)
    pid = os.spawnv(os.P_NOWAIT, "/bin/sleep", ["sleep", "100"])
    units.adopt(NAME, pid)
    assert units.is_active(NAME)
    units.stop(NAME)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM


@pytest.mark.parametrize(
    "words",
    [
        ("edit", NAME),
        ("start",),
        ("status", NAME),
        ("start", "--no-block", NAME),
        ("daemon-reload", NAME),
        ("start", "--now", NAME),
        (),
        ("start", "nobody-has-this"),
        ("reload", NAME),
        ("enable", "plain"),
    ],
)
def test_what_the_stand_in_cannot_do_is_an_error(units, words):
    write(units, SLEEP)
    write(units, "[Service]\nExecStart=/bin/sleep 1\n", name="plain.service")
    assert ctl(units, *words) == 1


def test_a_journal_is_asked_for_by_unit_alone(units):
    write(units, SLEEP)
    for words in (("-f",), ("-u", "nobody-has-this"), ("-xeu", NAME), ()):
        assert systemctl.main(["journalctl", *words], units=units) == 1
