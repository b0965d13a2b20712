# SPDX-License-Identifier: Apache-2.0
"""The management commands that make the databases and keys of a new lab.

Owns which commands there are and runs two of them at a time. It must be safe
to run on a root that has them already. Read run_jobs.
"""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.lab import environment
from tests.lab.errors import LabError
from tests.lab.settings import Settings
from tests.lab.supervisor import last_error_line

AT_ONCE = 2
JOB_SECONDS = 300
POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Job:
    """One command and the name of its log."""

    name: str
    command: tuple[str, ...]


def keystone_job(settings: Settings, password: str) -> Job:
    """Return the job that makes Keystone's schema, keys, admin and catalog entry."""
    config = ("--config-file", f"{settings.etc}/keystone.conf")
    owner = _key_owner()
    url = f"{settings.url('keystone')}/v3"
    runs = (
        (*config, "db_sync"),
        (*config, "fernet_setup", *owner),
        (*config, "credential_setup", *owner),
        (
            *config,
            "bootstrap",
            f"--bootstrap-password={password}",
            "--bootstrap-region-id=RegionOne",
            *(f"--bootstrap-{kind}-url={url}" for kind in ("public", "internal")),
        ),
    )
    return _commands(settings, "keystone", "keystone.cmd.manage", *runs)


def database_jobs(settings: Settings) -> list[Job]:
    """Return the jobs that make the other schemas, the longest first."""
    etc = settings.etc
    return [
        _python(settings, "nova", "nova_databases", f"{etc}/nova.conf"),
        _commands(
            settings,
            "neutron",
            "neutron.db.migration.cli",
            ("--config-file", f"{etc}/neutron.conf", "upgrade", "heads"),
        ),
        _commands(
            settings,
            "cinder",
            "cinder.cmd.manage",
            ("--config-file", f"{etc}/cinder.conf", "db", "sync"),
        ),
        _commands(
            settings,
            "glance",
            "glance.cmd.manage",
            ("--config-file", f"{etc}/glance-api.conf", "db_sync"),
        ),
        _commands(
            settings,
            "placement",
            "placement.cmd.manage",
            ("--config-file", f"{etc}/placement.conf", "db", "sync"),
        ),
    ]


def host_job(settings: Settings) -> Job:
    """Return the job that tells Nova's cell of its first compute host.

    The first server must not have to wait for the scheduler's own look-out.
    """
    arguments = ("--config-file", f"{settings.etc}/nova.conf")
    return _commands(
        settings,
        "hosts",
        "nova.cmd.manage",
        (*arguments, "cell_v2", "discover_hosts", "--by-service"),
    )


def run_jobs(settings: Settings, jobs: Sequence[Job]) -> None:
    """Run jobs two at a time; LabError names the first that fails and its log."""
    waiting = list(jobs)
    running: dict[Job, subprocess.Popen[bytes]] = {}
    deadline = time.monotonic() + JOB_SECONDS
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                job = waiting.pop(0)
                running[job] = _start(settings, job)
            for job, process in list(running.items()):
                status = process.poll()
                if status is not None:
                    del running[job]
                    _check(settings, job, status)
            if time.monotonic() > deadline:
                raise LabError(
                    f"Setting up {', '.join(job.name for job in running)} takes more "
                    f"than {JOB_SECONDS} s; see {settings.logs}/setup-*.log."
                )
            time.sleep(POLL_SECONDS)
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def _start(settings: Settings, job: Job) -> "subprocess.Popen[bytes]":
    with settings.log(f"setup-{job.name}").open("wb") as output:
        return subprocess.Popen(
            job.command,
            env=environment.for_service(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def _check(settings: Settings, job: Job, status: int) -> None:
    if status:
        log = settings.log(f"setup-{job.name}")
        raise LabError(
            f"The set-up of {job.name} failed with status {status}; log {log}: "
            f"{last_error_line(log)}"
        )


def _commands(
    settings: Settings, name: str, module: str, *runs: tuple[str, ...]
) -> Job:
    arguments = [module, *runs[0]]
    for run in runs[1:]:
        arguments += ["--", *run]
    return _python(settings, name, "commands", *arguments)


def _python(settings: Settings, name: str, module: str, *arguments: str) -> Job:
    python = f"{settings.venv}/bin/python"
    return Job(name=name, command=(python, "-m", f"tests.lab.run.{module}", *arguments))


def _key_owner() -> tuple[str, ...]:
    # As root Keystone wants to be told whose the keys are.
    if os.getuid() == 0:
        return ("--keystone-user", "root", "--keystone-group", "root")
    return ()
