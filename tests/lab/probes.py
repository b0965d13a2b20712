# SPDX-License-Identifier: Apache-2.0
"""Asks every service of a lab something that it can only answer when well.

Owns the meaning of "answers": an admin's request that reaches the service's
database, not just an open port. It must never change anything. Read probe.
"""

from collections.abc import Callable

from tests.lab import mariadb, memcached
from tests.lab.cloud import Cloud
from tests.lab.errors import LabError
from tests.lab.settings import MEMCACHED, Settings


def probe(settings: Settings, cloud: Cloud, password: str, service: str) -> str:
    """Return why a service does not answer, or '' when it does."""
    if service == "mariadb":
        return mariadb.probe(settings, password)
    if service == MEMCACHED:
        return memcached.probe(settings)
    try:
        status = cloud.root_status(service)
        if status >= 500:
            return f"GET / is answered with status {status}"
        return QUESTIONS[service](cloud)
    except LabError as error:
        return str(error)


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
}
