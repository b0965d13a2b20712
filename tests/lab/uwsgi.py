# SPDX-License-Identifier: Apache-2.0
"""The APIs under uWSGI, by the files that are shipped for it.

Owns their command lines. What a site could set, the lab sets in the same way: by
placeholders before the file. It must never change a shipped file on the way. Read
command.
"""

from tests.lab import apache
from tests.lab.settings import HOST, OCCI, Settings

NOVA_PROCESSES = 2
SINGLE_PROCESS = 1


def command(settings: Settings, service: str) -> list[str]:
    """Return the command that serves an API."""
    shipped = settings.deploy / "uwsgi"
    address = f"{HOST}:{settings.port(service)}"
    if settings.plain:
        return _own_api(settings, service)
    if service == "keystone":
        return [
            *_uwsgi(
                settings,
                f"{shipped}/keystone-voms.ini",
                unix_socket=f"{settings.run}/keystone.sock",
                worker_processes=settings.keystone_workers,
            ),
            *apache.socket_owner(),
        ]
    if service == OCCI:
        return [
            *_uwsgi(
                settings,
                f"{shipped}/ooi.ini",
                unix_socket=f"{settings.run}/occi.sock",
                worker_processes=SINGLE_PROCESS,
            ),
            *apache.socket_owner(),
        ]
    if service == "nova":
        file = f"{shipped}/nova-api.ini"
        return _uwsgi(
            settings, file, tcp_address=address, worker_processes=NOVA_PROCESSES
        )
    return _own_api(settings, service)


def _own_api(settings: Settings, service: str) -> list[str]:
    """Return the command that serves an API with nothing of ours in it."""
    module = "nova.wsgi.osapi_compute" if service == "nova" else f"{service}.wsgi.api"
    found = _uwsgi(
        settings,
        f"{settings.etc}/api.ini",
        tcp_address=f"{HOST}:{settings.port(service)}",
        api_module=module,
    )
    if service == "cinder":
        # The only one that no variable tells where its configuration is.
        found += ["--pyargv", f"--config-file {settings.etc}/cinder.conf"]
    return found


def _uwsgi(settings: Settings, file: str, **placeholders: object) -> list[str]:
    options = [
        word
        for name, value in placeholders.items()
        for word in ("--set-placeholder", f"{name.replace('_', '-')}={value}")
    ]
    return [f"{settings.venv}/bin/uwsgi", *options, "--ini", file]
