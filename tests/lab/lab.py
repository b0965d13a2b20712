# SPDX-License-Identifier: Apache-2.0
"""The lab as a whole: a small real OpenStack on loopback.

Owns what one can ask of a lab, for the command line and for tests. It must
never leave a process of a failed start running, nor let two callers change one
lab at a time. Read Lab.up.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import (
    clients_env,
    configuration,
    packages,
    services,
    startup,
    voms_client,
    voms_server,
)
from tests.lab.control import Control, Fault
from tests.lab.errors import LabError
from tests.lab.processes import resident_bytes
from tests.lab.settings import (
    PROCESSES,
    SERVICES,
    VOMSD,
    Settings,
    from_environ,
)

SOURCE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """What one service of a lab does."""

    name: str
    address: str
    pid: int | None
    fault: str
    waits_for: str
    resident_bytes: int

    @property
    def answers(self) -> bool:
        """Whether a real request was answered."""
        return not self.fault


def _status_of(control: Control, name: str, fault: Fault | None) -> ServiceStatus:
    pid = control.pid(name)
    return ServiceStatus(
        name=name,
        address=control.address(name),
        pid=pid,
        fault=fault.text if fault else "",
        waits_for=fault.waits_for if fault else "",
        resident_bytes=resident_bytes(pid) if pid else 0,
    )


def _silent(text: str) -> None:
    """Say nothing; what a lab does by default."""


class Lab:
    """One lab; several run side by side with other roots and ports."""

    def __init__(
        self,
        settings: Settings,
        *,
        only: Iterable[str] = SERVICES,
        say: Callable[[str], None] = _silent,
    ) -> None:
        """Make a handle; nothing is started. `only` names the services to run."""
        self.settings = settings
        self.names = services.names(settings, only)
        self._say = say

    @classmethod
    def from_environ(cls, *, say: Callable[[str], None] = _silent) -> "Lab":
        """Return the lab that LAB_ROOT and LAB_PORT_BASE name.

        Where no MODE is set it is the one that the root was made for.
        """
        settings = from_environ(os.environ, source=SOURCE)
        if not os.environ.get("MODE"):
            mode = configuration.mode_of_root(settings) or settings.mode
            environ = {**os.environ, "MODE": mode}
            settings = from_environ(environ, source=SOURCE)
        return cls(settings, say=say)

    def up(self) -> None:
        """Start what does not answer; return when every service does.

        A Keystone that runs with another setting is started again with this.
        Raises LabError that names the service, its log and its last error
        line. What this call started is stopped again then.
        """
        packages.ensure(self.names, self._say)
        configuration.make_folders(self.settings)
        with self._locked() as control:
            try:
                startup.bring_up(control, self.names)
            except BaseException:
                control.stop(control.started)
                raise
        configuration.write_client_files(self.settings)

    def down(self) -> None:
        """Stop every process of this lab; its root is kept."""
        if self.settings.run.exists():
            with self._locked() as control:
                control.stop(PROCESSES)

    def status(self) -> tuple[ServiceStatus, ...]:
        """Return how each service answers a real request, in order of ports.

        A service that only waits for another one names it in `waits_for`.
        """
        control = self._control()
        faults = control.faults(self.names)
        return tuple(_status_of(control, name, faults.get(name)) for name in self.names)

    def start_service(self, name: str) -> None:
        """Start one service unless it runs, and wait until it answers."""
        with self._locked() as control:
            control.ensure([name])

    def stop_service(self, name: str) -> None:
        """Stop one service and wait until its process is gone."""
        with self._locked() as control:
            control.stop([name])

    def log(self, name: str) -> Path:
        """Return the log of a service; `keystone-tls` is the TLS server's."""
        return self.settings.log(name)

    def client_environ(self) -> dict[str, str]:
        """Return a client's environment: this process's with clients.env over it."""
        exports = clients_env.parse(self.settings.clients_env.read_text())
        return clients_env.environ_for(os.environ, exports)

    def voms_proxy_init(
        self, user: str, *arguments: str, client: str = voms_client.C
    ) -> tuple[list[str], dict[str, str]]:
        """Return the command and environment that make a user's proxy by vomsd."""
        pid = self._control().pid(VOMSD)
        if pid is None:
            raise LabError(
                "No VOMS server runs in this lab: `make lab MODE=production` has one."
            )
        command = voms_client.command(
            self.settings, pid, user, *arguments, client=client
        )
        return command, voms_client.environ(self.settings)

    def suspend(self, user: str, reason: str) -> None:
        """Suspend a member of dteam at the VOMS server; '' lets the user in again."""
        password = configuration.password(self.settings)
        statements = voms_server.suspension(user, reason)
        voms_server.execute(self.settings, password, statements)

    def _control(self) -> Control:
        password = ""
        if self.settings.root.exists():
            password = configuration.password(self.settings)
        return Control(self.settings, password=password, say=self._say)

    @contextmanager
    def _locked(self) -> Iterator[Control]:
        with (self.settings.run / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say("another command works on this lab: waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield self._control()
