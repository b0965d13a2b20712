# SPDX-License-Identifier: Apache-2.0
"""The worker processes of a Keystone begin together and end together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.processes import identify
from tests.lab.run.siblings import Siblings

SOURCE = Path(__file__).resolve().parents[3]
# A worker: says in a file what it does, and serves until it is told to stop.
WORKER = """
import os, pathlib, sys, time
from tests.lab.run.siblings import wait_to_listen
place = pathlib.Path(sys.argv[1]) / str(os.getpid())
place.write_text("starting")
wait_to_listen()
place.write_text("listening")
time.sleep(60)
"""
# A first process that is only there to be killed.
FIRST = """
import sys, time
from tests.lab.run.siblings import Siblings
siblings = Siblings(sys.argv[1:], count=2)
siblings.let_listen()
time.sleep(60)
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Return the command of a worker that writes into an empty folder."""
    monkeypatch.chdir(SOURCE)
    folder = tmp_path / "workers"
    folder.mkdir()
    return [sys.executable, "-c", WORKER, str(folder)]


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def told(worker, text):
    """Return the processes that say so."""
    files = Path(worker[-1]).iterdir()
    return [identify(int(f.name)) for f in files if f.read_text() == text]


def test_workers_wait_for_each_other_and_then_listen(worker):
    siblings = Siblings(worker, count=2)
    try:
        wait_for(lambda: len(told(worker, "starting")) == 2)
        time.sleep(0.2)
        assert told(worker, "listening") == []
        siblings.let_listen()
        workers = wait_for(
            lambda: len(told(worker, "listening")) == 2 and told(worker, "listening")
        )
    finally:
        siblings.stop()
    assert not any(one.alive() for one in workers)


def test_a_worker_that_cannot_start_is_an_error():
    siblings = Siblings([sys.executable, "-c", "raise SystemExit(3)"], count=1)
    with pytest.raises(ChildProcessError, match="ended as it started"):
        siblings.let_listen()
    siblings.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_the_first_process(worker, number):
    first = subprocess.Popen([sys.executable, "-c", FIRST, *worker])
    try:
        wait_for(lambda: len(told(worker, "listening")) == 2)
        workers = told(worker, "listening")
        first.send_signal(number)
        wait_for(lambda: not any(one.alive() for one in workers))
    finally:
        first.kill()
        first.wait()


def test_the_first_process_ends_with_a_worker(worker):
    first = subprocess.Popen([sys.executable, "-c", FIRST, *worker])
    try:
        wait_for(lambda: len(told(worker, "listening")) == 2)
        one, other = told(worker, "listening")
        os.kill(one.pid, signal.SIGKILL)
        assert first.wait(20) == -signal.SIGTERM
        wait_for(lambda: not other.alive())
    finally:
        first.kill()
        first.wait()


def test_a_worker_without_a_first_process_ends(worker):
    siblings = Siblings(worker, count=1)
    (one,) = wait_for(lambda: told(worker, "starting"))
    siblings.stop()
    assert not one.alive()
    assert told_nothing_else(worker)


def told_nothing_else(worker):
    return [f.read_text() for f in Path(worker[-1]).iterdir()] == ["starting"]
