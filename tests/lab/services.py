# SPDX-License-Identifier: Apache-2.0
"""How each service of the lab is started, and in which order.

Owns which services a lab has, and the command lines of mode embedded; those of
mode production are in production.py. It must never start anything itself. Read
names and command.
"""

from collections.abc import Iterable

from tests.lab import environment, mariadb, memcached, production
from tests.lab.settings import (
    APACHE,
    EPMD,
    MEMCACHED,
    OCCI,
    PROCESSES,
    PRODUCTION,
    RABBITMQ,
    SERVICES,
    VOMSD,
    WORKERS,
    Settings,
)

# Started together once Keystone knows their users; the stores stand apart, as
# they start first and stop last.
APIS = ("keystone", "placement", "glance", "nova", "neutron", "cinder")

# What holds on to the CA of the grid that it started with.
OF_THE_GRID = (*APIS, APACHE, OCCI, VOMSD, *WORKERS)
# Started with Keystone, which is reached through Apache.
DOORS = (APACHE, VOMSD, "keystone")
# In production more is started at a time than two processors can: those that
# others wait for come first.
EARLY = ("placement", "glance", "nova", "nova-conductor", "neutron", "cinder", OCCI)


def names(settings: Settings, only: Iterable[str] = SERVICES) -> tuple[str, ...]:
    """Return the services of a lab in the order of a listing."""
    wanted = {"mariadb", *only}
    if settings.keystone_workers > 1 or settings.mode == PRODUCTION:
        wanted.add(MEMCACHED)
    if settings.mode == PRODUCTION:
        wanted |= {RABBITMQ, EPMD, *WORKERS}
        wanted |= set() if settings.plain else {APACHE, OCCI, VOMSD}
    return tuple(name for name in PROCESSES if name in wanted)


def steps(
    settings: Settings, chosen: Iterable[str]
) -> tuple[list[str], list[list[str]]]:
    """Return what starts at once with Keystone, then the groups that follow it.

    Without stores. Nothing starts with Keystone where all others do as well.
    """
    chosen = list(chosen)

    def of(group: Iterable[str]) -> list[str]:
        return [name for name in group if name in chosen]

    if settings.mode != PRODUCTION:
        return [], [of(APIS)]
    late = [name for name in WORKERS if name not in EARLY]
    return of(DOORS), [of(EARLY), of(late)]


def ports(settings: Settings, service: str) -> tuple[int, ...]:
    """Return the loopback ports that a service has to be the first to take."""
    if settings.mode != PRODUCTION:
        return (settings.port(service),)
    if service == APACHE:
        return settings.port("keystone"), settings.port(OCCI)
    if service == RABBITMQ:
        return settings.port(RABBITMQ), settings.port("rabbitmq-dist")
    if service in WORKERS or service in (OCCI, VOMSD):
        return ()
    if service == "keystone" and not settings.plain:
        return ()
    return (settings.port(service),)


def environ(settings: Settings, service: str) -> dict[str, str]:
    """Return the whole environment of a service."""
    found = environment.for_service(settings)
    if settings.mode == PRODUCTION:
        production.adjust_environ(settings, service, found)
    return found


def command(settings: Settings, service: str) -> list[str]:
    """Return the command line that serves a service on its port."""
    if service == "mariadb":
        return mariadb.command(settings)
    if service == MEMCACHED:
        return memcached.command(settings)
    if settings.mode == PRODUCTION:
        return production.command(settings, service)
    port = str(settings.port(service))
    if service == "keystone":
        tls_log, workers = settings.log("keystone-tls"), settings.keystone_workers
        arguments = (port, str(settings.grid), str(tls_log), str(workers))
        return _python(settings, "keystone_tls", *arguments)
    if service == "nova":
        others = (settings.url(name) for name in ("keystone", "placement"))
        return _python(settings, "nova_all", port, str(settings.ca_file), *others)
    if service == "cinder":
        return _python(settings, "cinder_all", port, f"{settings.etc}/cinder.conf")
    return _python(settings, "wsgi_server", f"{service}.wsgi.api", port)


def _python(settings: Settings, module: str, *arguments: str) -> list[str]:
    python = f"{settings.venv}/bin/python"
    return [python, "-m", f"tests.lab.run.{module}", *arguments]
