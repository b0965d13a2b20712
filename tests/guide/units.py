# SPDX-License-Identifier: Apache-2.0
"""The services of the site, started and stopped as systemd does it.

Owns which processes belong to a unit, and their log. It must never forget a process
that it started: each carries the name of its unit in its environment, as systemd
keeps it in a control group. Read Units.start.
"""

import grp
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.guide.actions import GuideError
from tests.guide.unit_files import Unit, assignments, expand, parse

# In the order in which a file in one takes the place of that in the next.
FOLDERS = ("etc/systemd/system", "run/systemd/system", "lib/systemd/system")
START_SECONDS = 90
STOP_SECONDS = 20
POLL_SECONDS = 0.05
MARK = "UNIT_OF_THE_SITE"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class Units:
    """The units of the files below `root`; what runs is remembered below `state`."""

    root: Path
    state: Path

    def start(self, name: str) -> None:
        """Return when the service runs as far as its unit says; GuideError if not."""
        unit = self.load(name)
        if self.is_active(name):
            return
        environ = self._environ(unit)
        self._make_runtime_folder(unit)
        for command in unit.commands("ExecStartPre"):
            self._run(unit, command, environ)
        main = self._start_main(unit, environ)
        self._remember(name, main=main)
        for command in unit.commands("ExecStartPost"):
            self._run(unit, command, environ)

    def stop(self, name: str) -> None:
        """Return when no process of the service is left."""
        unit = self.load(name)
        if self.is_active(name):
            for command in unit.commands("ExecStop"):
                self._run(unit, command, self._environ(unit))
        main = self.main_pid(name)
        pids = self.processes(name)
        _signal(pids if unit.kills_all or not main else [main], signal.SIGTERM)
        self._wait_for_end(name)
        self._file(name).unlink(missing_ok=True)
        folder = unit.single.get("RuntimeDirectory")
        if folder:
            shutil.rmtree(self.root / "run" / folder, ignore_errors=True)

    def reload(self, name: str) -> None:
        """Run what the unit says about a reload; GuideError if it does not."""
        unit = self.load(name)
        if not self.is_active(name):
            raise GuideError(f"{name} is not active, cannot reload.")
        if not unit.commands("ExecReload"):
            raise GuideError(f"{name} does not know how to reload: no ExecReload.")
        environ = {**self._environ(unit), "MAINPID": str(self.main_pid(name))}
        for command in unit.commands("ExecReload"):
            self._run(unit, command, environ)

    def is_active(self, name: str) -> bool:
        """Return whether the service was started and has not ended."""
        if not self._file(name).exists():
            return False
        return bool(self.processes(name)) or self.load(name).stays_without_process

    def adopt(self, name: str, pid: int) -> None:
        """Take a process that runs already for the service's main one."""
        self.load(name)
        self._remember(name, main=pid)

    def main_pid(self, name: str) -> int:
        """Return the main process, 0 without one."""
        try:
            return int(json.loads(self._file(name).read_text())["main"])
        except FileNotFoundError:
            return 0

    def processes(self, name: str) -> list[int]:
        """Return the processes of a service that live."""
        mark = f"{MARK}={name}".encode()
        found = [
            pid
            for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            if mark in _environment_of(pid)
        ]
        main = self.main_pid(name)
        if main and main not in found and _lives(main):
            found.append(main)
        return found

    def log(self, name: str) -> Path:
        """Return the file that stands for the service's journal."""
        return self.state / f"{name}.log"

    def load(self, name: str) -> Unit:
        """Return the unit; GuideError if its files changed without a daemon-reload."""
        texts = self._texts(name)
        if not texts:
            raise GuideError(f"Unit {name}.service could not be found.")
        kept = self.state / f"{name}.loaded"
        kept.parent.mkdir(parents=True, exist_ok=True)
        if kept.exists() and json.loads(kept.read_text()) != texts:
            raise GuideError(
                f"The unit file or drop-ins of {name}.service changed on disk. Run "
                "'systemctl daemon-reload'."
            )
        kept.write_text(json.dumps(texts))
        return parse(name, texts)

    def read_again(self) -> None:
        """Forget what was loaded, as `daemon-reload` does."""
        for kept in self.state.glob("*.loaded"):
            kept.unlink()

    def wanted_links(self, name: str) -> list[Path]:
        """Return the links that make systemd start the service with the machine."""
        targets = self.load(name).words("WantedBy")
        folder = self.root / FOLDERS[0]
        return [folder / f"{target}.wants/{name}.service" for target in targets]

    def unit_file(self, name: str) -> Path | None:
        """Return the file of a unit, None without one."""
        places = (self.root / folder / f"{name}.service" for folder in FOLDERS)
        return next((place for place in places if place.is_file()), None)

    def _texts(self, name: str) -> list[str]:
        file = self.unit_file(name)
        if file is None:
            return []
        drop_ins: dict[str, Path] = {}
        for folder in reversed(FOLDERS):
            for one in (self.root / folder / f"{name}.service.d").glob("*.conf"):
                drop_ins[one.name] = one
        return [
            one.read_text()
            for one in (file, *(drop_ins[key] for key in sorted(drop_ins)))
        ]

    def _environ(self, unit: Unit) -> dict[str, str]:
        environ = {"PATH": PATH, "LANG": "C.UTF-8", MARK: unit.name}
        user = unit.single.get("User")
        if user:
            environ |= {"USER": user, "HOME": pwd.getpwnam(user).pw_dir}
        environ |= dict(word.split("=", 1) for word in unit.words("Environment"))
        for word in unit.words("EnvironmentFile"):
            file = self.root / word.removeprefix("-").lstrip("/")
            if file.exists() or not word.startswith("-"):
                environ |= assignments(file.read_text())
        return environ

    def _start_main(self, unit: Unit, environ: dict[str, str]) -> int:
        *before, last = unit.commands("ExecStart")
        for command in before:
            self._run(unit, command, environ)
        if unit.kind in ("oneshot", "forking"):
            self._run(unit, last, environ)
            file = unit.single.get("PIDFile")
            return int(Path(file).read_text()) if file else 0
        if unit.kind == "simple":
            return self._spawn(unit, last, environ).pid
        with self._notifications(unit) as messages:
            told = {**environ, "NOTIFY_SOCKET": messages.getsockname()}
            process = self._spawn(unit, last, told)
            return self._wait_until_ready(unit, process, messages)

    def _wait_until_ready(
        self, unit: Unit, process: "subprocess.Popen[bytes]", messages: socket.socket
    ) -> int:
        deadline = time.monotonic() + START_SECONDS
        main = process.pid
        while time.monotonic() < deadline:
            try:
                lines = messages.recv(65536).decode(errors="replace").splitlines()
            except TimeoutError:
                lines = []
            told = dict(line.split("=", 1) for line in lines if "=" in line)
            main = int(told.get("MAINPID", main))
            if told.get("READY") == "1":
                return main
            if process.poll() is not None and not self.processes(unit.name):
                raise self._failed(unit, f"ended with status {process.returncode}")
        _signal(self.processes(unit.name), signal.SIGKILL)
        raise self._failed(unit, f"did not report READY=1 in {START_SECONDS} s")

    @contextmanager
    def _notifications(self, unit: Unit) -> Iterator[socket.socket]:
        place = self.state / f"{unit.name}.notify"
        place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages:
            messages.bind(str(place))
            place.chmod(0o666)
            messages.settimeout(POLL_SECONDS)
            yield messages

    def _run(self, unit: Unit, command: str, environ: dict[str, str]) -> None:
        forgiven = command.startswith("-")
        status = self._spawn(unit, command.removeprefix("-"), environ).wait()
        if status and not forgiven:
            raise self._failed(unit, f"{command!r} ended with status {status}")

    def _spawn(
        self, unit: Unit, command: str, environ: dict[str, str]
    ) -> "subprocess.Popen[bytes]":
        with self.log(unit.name).open("ab") as output:
            return subprocess.Popen(
                expand(command, environ),
                env=environ,
                cwd=unit.single.get("WorkingDirectory", "/"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=int(unit.single.get("UMask", "0022"), 8),
                **_owner(unit),
            )

    def _make_runtime_folder(self, unit: Unit) -> None:
        name = unit.single.get("RuntimeDirectory")
        if not name:
            return
        folder = self.root / "run" / name
        folder.mkdir(exist_ok=True)
        owner = _owner(unit)
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        folder.chmod(int(unit.single.get("RuntimeDirectoryMode", "0755"), 8))

    def _wait_for_end(self, name: str) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while self.processes(name):
            if time.monotonic() > deadline:
                _signal(self.processes(name), signal.SIGKILL)
            time.sleep(POLL_SECONDS)

    def _failed(self, unit: Unit, what: str) -> GuideError:
        lines = self.log(unit.name).read_text(errors="replace").splitlines()[-15:]
        return GuideError("\n".join((f"{unit.name}.service: {what}. Its log:", *lines)))

    def _remember(self, name: str, *, main: int) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        self._file(name).write_text(json.dumps({"main": main}))

    def _file(self, name: str) -> Path:
        return self.state / f"{name}.json"


def _owner(unit: Unit) -> dict[str, Any]:
    """Return the arguments of Popen that make a process that of User and Group."""
    user = unit.single.get("User")
    if not user:
        return {}
    entry = pwd.getpwnam(user)
    group = unit.single.get("Group")
    number = grp.getgrnam(group).gr_gid if group else entry.pw_gid
    more = [grp.getgrnam(name).gr_gid for name in unit.words("SupplementaryGroups")]
    return {
        "user": entry.pw_uid,
        "group": number,
        "extra_groups": sorted({*os.getgrouplist(user, number), *more}),
    }


def _environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
