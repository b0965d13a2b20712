# SPDX-License-Identifier: Apache-2.0
"""Starts and stops the processes of one lab and remembers them on disk.

Owns LAB_ROOT/run: one JSON record a running service. It must never signal a
process that a record does not identify, and never leave a record of a process
that is gone. Read Supervisor.start and Supervisor.stop.
"""

import json
import os
import re
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.processes import Identity, identify
from tests.lab.settings import Settings

# Longer than uWSGI and Nova give what is under way, which is 10 seconds.
STOP_SECONDS = 15.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.05
OSLO_ERROR = re.compile(
    r"\S+ \S+ \d+ (?:ERROR|CRITICAL) \S+ ?(?:\[[^]]*\] ?)*(?P<message>.*)"
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A started service: which process it is and where its log began."""

    name: str
    identity: Identity
    log_offset: int


class Supervisor:
    """The processes of one lab, by service name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def record(self, name: str) -> Record | None:
        """Return the record of a service, or None when it was never started."""
        try:
            value = json.loads(self._file(name).read_text())
            return Record(
                name=name,
                identity=Identity.from_dict(value["identity"]),
                log_offset=int(value["log_offset"]),
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(
                f"{self._file(name)} is damaged ({error}). If no process of this "
                "lab runs any more, remove that file."
            ) from error

    def alive(self, name: str) -> bool:
        """Return whether the recorded process of a service still runs."""
        record = self.record(name)
        return record is not None and record.identity.alive()

    def started_at(self, name: str) -> float:
        """Return when the recorded process was started, in seconds of the epoch."""
        return self._file(name).stat().st_mtime

    def start(
        self, name: str, command: Sequence[str], environ: Mapping[str, str]
    ) -> Record:
        """Start a service in a session of its own, its output in its log."""
        log = self._settings.log(name)
        offset = log.stat().st_size if log.exists() else 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            command[0],
            command,
            environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        record = Record(name=name, identity=identify(pid), log_offset=offset)
        self._write(record)
        return record

    def stop(self, names: Iterable[str], *, grace: float = STOP_SECONDS) -> list[str]:
        """Stop services together; return those that had to be killed.

        A record whose process is gone, or whose pid belongs to another process
        by now, is only forgotten.
        """
        records = [record for name in names if (record := self.record(name))]
        for record in records:
            record.identity.signal(signal.SIGTERM)
        stubborn = _wait_for_end(records, grace)
        for record in stubborn:
            record.identity.signal(signal.SIGKILL)
        left = _wait_for_end(stubborn, KILL_SECONDS)
        if left:
            raise LabError(
                "These processes do not end even on SIGKILL: "
                + ", ".join(f"{r.name} (pid {r.identity.pid})" for r in left)
            )
        for record in records:
            self._file(record.name).unlink(missing_ok=True)
        return [record.name for record in stubborn]

    def last_error(self, record: Record) -> str:
        """Return the line of a service's log that tells best why it failed."""
        return last_error_line(self._settings.log(record.name), record.log_offset)

    def _file(self, name: str) -> Path:
        return self._settings.run / f"{name}.json"

    def _write(self, record: Record) -> None:
        target = self._file(record.name)
        draft = target.with_suffix(".new")
        draft.write_text(
            json.dumps(
                {
                    "identity": record.identity.as_dict(),
                    "log_offset": record.log_offset,
                }
            )
        )
        draft.replace(target)


def last_error_line(log: Path, offset: int = 0) -> str:
    """Return the last line from an offset on that says what went wrong.

    Without one it is the last line at all, and "(the log is empty)" without
    any line.
    """
    try:
        with log.open("rb") as file:
            file.seek(offset)
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return "(there is no log)"
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    for line in reversed(lines):
        if _tells_an_error(line):
            return line.strip()
    return lines[-1].strip() if lines else "(the log is empty)"


def _tells_an_error(line: str) -> bool:
    # oslo.log puts its prefix before every line of a trace as well. The frames
    # of a trace are indented, with or without one; the reason is not.
    prefixed = OSLO_ERROR.match(line)
    message = prefixed.group("message") if prefixed else line
    if not message or message[0].isspace():
        return False
    return bool(prefixed) or "Error" in line or "[ERROR]" in line


def _wait_for_end(records: Sequence[Record], seconds: float) -> list[Record]:
    deadline = time.monotonic() + seconds
    left = [record for record in records if record.identity.alive()]
    while left and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        left = [record for record in left if record.identity.alive()]
    return left
