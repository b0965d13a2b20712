# SPDX-License-Identifier: Apache-2.0
"""Asks every service of a lab something that it can only answer when well.

Owns the meaning of "answers": an admin's request that reaches the service's
database, not just an open port. It must never change anything. Read probe.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.lab import apache, mariadb, memcached, rabbitmq, voms_server
from tests.lab.cloud import Cloud
from tests.lab.errors import LabError
from tests.lab.settings import (
    APACHE,
    EPMD,
    HOST,
    MEMCACHED,
    OCCI,
    RABBITMQ,
    VOMSD,
    WORKERS,
    Settings,
)

CONNECT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The process to be asked; `since` is its start, in seconds of the epoch."""

    name: str
    pid: int
    since: float


def probe(settings: Settings, cloud: Cloud, password: str, subject: Subject) -> str:
    """Return why a service does not answer, or '' when it does."""
    service = subject.name
    if service == "mariadb":
        return mariadb.probe(settings, password)
    if service == MEMCACHED:
        return memcached.probe(settings)
    if service == EPMD:
        return _connect(settings, EPMD)
    if service == RABBITMQ:
        return rabbitmq.probe(settings, password)
    if service == APACHE:
        return apache.probe(settings)
    if service == VOMSD:
        return voms_server.probe(settings, subject.pid)
    try:
        if service in WORKERS:
            return _worker(cloud, subject)
        status = cloud.root_status(service)
        if status >= 500:
            return f"GET / is answered with status {status}"
        if settings.is_production and service in WORKERS.values():
            # Its workers are asked for themselves.
            cloud.call("GET", service, _workers_path(cloud, service))
            return ""
        return QUESTIONS[service](cloud)
    except LabError as error:
        return str(error)


def _connect(settings: Settings, service: str) -> str:
    place = (HOST, settings.port(service))
    try:
        socket.create_connection(place, CONNECT_SECONDS).close()
    except OSError as error:
        return str(error)
    return ""


def _worker(cloud: Cloud, subject: Subject) -> str:
    """Return why a worker is not known to take work, or '' when it is.

    A report of an earlier process, of a lab that was stopped a moment ago, does
    not count: nobody reads that one's queue any more.
    """
    api = WORKERS[subject.name]
    rows = cloud.call("GET", api, _workers_path(cloud, api))["services"]
    for row in rows:
        if row["binary"] != subject.name or row["state"] != "up":
            continue
        text = row["updated_at"]
        reported = datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
        if reported and reported.timestamp() > subject.since:
            return ""
    return f"{subject.name} has not reported since it was started"


def _workers_path(cloud: Cloud, api: str) -> str:
    return "/os-services" if api == "nova" else f"/{cloud.project_id}/os-services"


def _keystone(cloud: Cloud) -> str:
    cloud.log_in()
    return ""


def _placement(cloud: Cloud) -> str:
    cloud.call("GET", "placement", "/resource_providers?name=none")
    return ""


def _glance(cloud: Cloud) -> str:
    cloud.call("GET", "glance", "/images?limit=1")
    return ""


def _nova(cloud: Cloud) -> str:
    # The version document is answered even while the workers are broken.
    answer = cloud.call("GET", "nova", "/os-services")
    return _all_up(
        [(one["binary"], one["state"]) for one in answer["services"]],
        {"nova-conductor", "nova-scheduler", "nova-compute"},
    )


def _neutron(cloud: Cloud) -> str:
    cloud.call("GET", "neutron", "/networks?limit=1")
    return ""


def _cinder(cloud: Cloud) -> str:
    answer = cloud.call("GET", "cinder", f"/{cloud.project_id}/os-services")
    return _all_up(
        [(one["binary"], one["state"]) for one in answer["services"]],
        {"cinder-scheduler", "cinder-volume"},
    )


def _occi(cloud: Cloud) -> str:
    found = cloud.text(OCCI, "/-/")
    return "" if "compute" in found else f"it does not know compute: {found[:100]}"


def _all_up(found: list[tuple[str, str]], expected: set[str]) -> str:
    down = sorted(expected - {binary for binary, state in found if state == "up"})
    return f"{', '.join(down)} reports no life" if down else ""


QUESTIONS: dict[str, Callable[[Cloud], str]] = {
    "keystone": _keystone,
    "placement": _placement,
    "glance": _glance,
    "nova": _nova,
    "neutron": _neutron,
    "cinder": _cinder,
    OCCI: _occi,
}
