# SPDX-License-Identifier: Apache-2.0
"""A process is known by more than its pid, and only then signalled."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.lab.errors import LabError
from tests.lab.processes import Identity, identify, resident_bytes


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["/bin/sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_process_that_runs_is_alive_and_takes_signals(sleeper):
    identity = identify(sleeper.pid)
    assert identity.alive()
    assert identity.signal(signal.SIGTERM)
    assert sleeper.wait(5) == -signal.SIGTERM


def test_a_process_with_a_reused_pid_is_another_one(sleeper):
    # What a record of an earlier process with this pid looks like now.
    known = identify(sleeper.pid)
    earlier = replace(known, start_ticks=known.start_ticks - 1)
    assert not earlier.alive()
    assert not earlier.signal(signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_process_from_before_a_reboot_is_another_one(sleeper):
    earlier = replace(identify(sleeper.pid), boot_id="another boot")
    assert not earlier.signal(signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_process_that_ended_is_not_alive_even_as_a_zombie():
    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    identity = identify(pid)
    identity.signal(signal.SIGKILL)
    # Wait for the end, and leave the zombie.
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive()
    assert not identity.signal(signal.SIGTERM)


def test_an_identity_survives_its_way_through_a_file():
    mine = identify(os.getpid())
    assert Identity.from_dict(mine.as_dict()) == mine


def test_a_command_with_brackets_and_spaces_in_its_name_is_read(tmp_path):
    program = tmp_path / ") R 1 (x"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        assert identify(process.pid).alive()
    finally:
        process.kill()
        process.wait()


def test_a_pid_that_is_free_is_refused():
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    with pytest.raises(LabError, match=str(process.pid)):
        identify(process.pid)


def test_memory_is_that_of_the_process():
    assert 1_000_000 < resident_bytes(os.getpid()) < 2_000_000_000
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    assert resident_bytes(process.pid) == 0


def test_memory_of_children_counts():
    begin = resident_bytes(os.getpid())
    child = subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(60_000_000); print(1); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        child.stdout.readline()
        assert resident_bytes(os.getpid()) - begin > 50_000_000
    finally:
        child.communicate(b"\n")
