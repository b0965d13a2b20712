# SPDX-License-Identifier: Apache-2.0
"""Processes that can be told from a later one with the same pid.

Owns the identity of a process (pid, start time, boot) and the only place that
sends a signal. It must never signal by a bare pid or by a name: the kernel
gives pids out again. Read Identity.signal.
"""

import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.lab.errors import LabError

PROC = Path("/proc")
# Fields of /proc/PID/stat counted from after the command, whose text may hold
# spaces and brackets itself (proc_pid_stat(5): state is field 3, starttime 22).
STATE = 0
PARENT = 1
START_TIME = 19


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One process for ever: another process with its pid is not equal to it."""

    pid: int
    start_ticks: int
    boot_id: str

    def alive(self) -> bool:
        """Return whether this very process still runs; a zombie does not."""
        _reap(self.pid)
        fields = _stat(self.pid)
        return fields is not None and self._is(fields) and fields[STATE] != "Z"

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to this process; return False when it is gone.

        The descriptor pins the process before its start time is compared, so
        a pid that is given to another process in between is never hit.
        """
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive():
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _is(self, fields: list[str]) -> bool:
        return int(fields[START_TIME]) == self.start_ticks and _boot() == self.boot_id

    def as_dict(self) -> dict[str, Any]:
        """Return what from_dict reads back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Identity":
        """Return the identity that as_dict wrote; KeyError or TypeError if not."""
        return cls(
            pid=int(value["pid"]),
            start_ticks=int(value["start_ticks"]),
            boot_id=str(value["boot_id"]),
        )


def identify(pid: int) -> Identity:
    """Return the identity of a process that this one has just started."""
    fields = _stat(pid)
    if fields is None:
        raise LabError(f"Process {pid} ended before it could be recorded.")
    return Identity(pid=pid, start_ticks=int(fields[START_TIME]), boot_id=_boot())


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process and its children, 0 when it is gone."""
    pages = sum(_resident_pages(one) for one in (pid, *_children(pid)))
    return pages * os.sysconf("SC_PAGE_SIZE")


def _resident_pages(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0


def _children(pid: int) -> list[int]:
    pids = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    return [
        one for one in pids if (fields := _stat(one)) and int(fields[PARENT]) == pid
    ]


def _stat(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _boot() -> str:
    # Ticks count from boot: without it, a pid and start time from before a
    # reboot could fit a stranger.
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def _reap(pid: int) -> None:
    # A service started by this very process (a test) stays a zombie until its
    # parent asks for its status.
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
