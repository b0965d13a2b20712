# SPDX-License-Identifier: Apache-2.0
"""Starts, stops and questions the services of one lab.

Owns the meaning of started: a service counts when it answers, not when its
process runs. It must never wait without an end, nor for a process that died.
Read Control.start and Control.wait.
"""

import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.lab import probes, services
from tests.lab.cloud import Cloud
from tests.lab.errors import LabError
from tests.lab.settings import (
    APACHE,
    EPMD,
    HOST,
    MEMCACHED,
    RABBITMQ,
    STORES,
    VOMSD,
    WORKERS,
    Settings,
)
from tests.lab.supervisor import Supervisor

START_SECONDS = 90
POLL_SECONDS = 0.2
# What all the others need, in the order in which they need each other.
NEEDS = ("mariadb", MEMCACHED, APACHE, "keystone")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a service does not answer, and the other service it waits for, if any."""

    text: str
    waits_for: str = ""


class Control:
    """The services of one lab, by name."""

    def __init__(
        self, settings: Settings, *, password: str, say: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self.say = say
        self.cloud = Cloud(settings, password)
        self.started: list[str] = []
        self._unheard: set[str] = set()
        self._password = password
        self._supervisor = Supervisor(settings)

    def alive(self, name: str) -> bool:
        """Return whether the process of a service runs."""
        return self._supervisor.alive(name)

    def fault(self, name: str) -> str:
        """Return why a service does not answer, or '' when it does."""
        record = self._supervisor.record(name)
        if record is None:
            return "it was not started"
        if not record.identity.alive():
            return f"its process (pid {record.identity.pid}) has ended"
        subject = probes.Subject(
            name=name,
            pid=record.identity.pid,
            since=self._supervisor.started_at(name),
        )
        return probes.probe(self.settings, self.cloud, self._password, subject)

    def faults(self, names: Iterable[str]) -> dict[str, Fault]:
        """Return the faults of the services that have one.

        A service that runs is not asked while a store or Keystone cannot help
        it to answer: its fault says for which of them it waits.
        """
        found: dict[str, Fault] = {}
        for name in sorted(names, key=_after_its_needs):
            missing = next((need for need in _needs(name) if need in found), "")
            if missing and self.alive(name):
                text = f"it cannot answer without {missing}"
                found[name] = Fault(text=text, waits_for=missing)
            elif text := self.fault(name):
                found[name] = Fault(text=text)
        return found

    def ensure(self, names: Sequence[str]) -> None:
        """Start those that do not answer and wait until all of them do."""
        found = self.faults(names)
        broken = [name for name in found if self.alive(name)]
        broken = [name for name in broken if not found[name].waits_for]
        for name in broken:
            self.say(f"{name} runs but does not answer: starting it again")
        self.stop(broken)
        self.start([name for name in names if not self.alive(name)])
        self.wait(names)

    def start(self, names: Iterable[str]) -> None:
        """Start services together, without waiting for their answers."""
        for name in names:
            self._check_ports(name)
            command = services.command(self.settings, name)
            environ = services.environ(self.settings, name)
            self._supervisor.start(name, command, environ)
            self.started.append(name)
            self._unheard.add(name)

    def wait(self, names: Iterable[str]) -> None:
        """Return when all answer; LabError names the first that will not."""
        waiting = list(names)
        deadline = time.monotonic() + START_SECONDS
        while waiting:
            for name in list(waiting):
                fault = self.fault(name)
                if not fault:
                    waiting.remove(name)
                    if name in self._unheard:
                        self._unheard.remove(name)
                        self.say(f"{name} answers on {self.address(name)}")
                elif not self.alive(name):
                    raise self._failed(name, "ended as it started")
                elif time.monotonic() > deadline:
                    raise self._failed(name, f"does not answer ({fault})")
            if waiting:
                time.sleep(POLL_SECONDS)

    def stop(self, names: Sequence[str]) -> None:
        """Stop services together, but the stores after those that use them."""
        stores = [name for name in names if name in STORES]
        for group in ([name for name in names if name not in STORES], stores):
            for name in self._supervisor.stop(group):
                self.say(f"{name} did not stop in time and was killed")

    def address(self, name: str) -> str:
        """Return what a person calls the place of a service."""
        if name in STORES:
            return f"{HOST}:{self.settings.port(name)}"
        if name == VOMSD:
            return f"localhost:{self.settings.port(name)} of its own"
        if name in WORKERS:
            return f"{HOST}:{self.settings.port(RABBITMQ)} by queue"
        if name == APACHE:
            return self.settings.url("keystone")
        return self.settings.url(name)

    def pid(self, name: str) -> int | None:
        """Return the pid of a running service, None when it does not run."""
        record = self._supervisor.record(name)
        if record is None or not record.identity.alive():
            return None
        return record.identity.pid

    def _check_ports(self, name: str) -> None:
        for port in services.ports(self.settings, name):
            self._check_port(name, port)

    def _check_port(self, name: str, port: int) -> None:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((HOST, port))
            except OSError as error:
                raise LabError(
                    f"{name} needs port {port} of {HOST}, which is taken "
                    f"({error.strerror}). Stop the program that has it, or choose "
                    "another LAB_PORT_BASE."
                ) from error

    def _failed(self, name: str, what: str) -> LabError:
        record = self._supervisor.record(name)
        line = self._supervisor.last_error(record) if record else "(no log)"
        log = self.settings.log(name)
        return LabError(f"{name} {what}. Its log is {log}; last error line: {line}")


def _needs(name: str) -> tuple[str, ...]:
    """Return what a service cannot answer without."""
    if name in WORKERS:
        return (*NEEDS, RABBITMQ, WORKERS[name])
    if name in STORES or name == APACHE:
        return (EPMD,) if name == RABBITMQ else ()
    return ("mariadb",) if name == VOMSD else NEEDS


def _after_its_needs(name: str) -> int:
    if name in STORES:
        return STORES.index(name) - len(STORES)
    if name in NEEDS:
        return NEEDS.index(name)
    return len(NEEDS) + (name in WORKERS)
