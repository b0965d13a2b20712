# SPDX-License-Identifier: Apache-2.0
"""How each service of the lab is started.

Owns the command lines. It must never start anything itself. Read command.
"""

from tests.lab import mariadb, memcached
from tests.lab.settings import MEMCACHED, Settings

# Started together once Keystone knows their users; the stores stand apart, as
# they start first and stop last.
APIS = ("keystone", "placement", "glance", "nova", "neutron", "cinder")


def command(settings: Settings, service: str) -> list[str]:
    """Return the command line that serves a service on its port."""
    port = str(settings.port(service))
    if service == "mariadb":
        return mariadb.command(settings)
    if service == MEMCACHED:
        return memcached.command(settings)
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
