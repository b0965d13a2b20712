# SPDX-License-Identifier: Apache-2.0
"""How each service of the lab is started.

Owns the command lines. It must never start anything itself. Read command.
"""

from tests.lab import mariadb
from tests.lab.settings import Settings

# Started together once Keystone knows their users; MariaDB stands apart, as it
# starts first and stops last.
APIS = ("keystone", "placement", "glance", "nova", "neutron", "cinder")


def command(settings: Settings, service: str) -> list[str]:
    """Return the command line that serves a service on its port."""
    port = str(settings.port(service))
    if service == "mariadb":
        return mariadb.command(settings)
    if service == "keystone":
        tls_log = str(settings.log("keystone-tls"))
        return _python(settings, "keystone_tls", port, str(settings.grid), tls_log)
    if service == "nova":
        others = (settings.url(name) for name in ("keystone", "placement"))
        return _python(settings, "nova_all", port, str(settings.ca_file), *others)
    if service == "cinder":
        return _python(settings, "cinder_all", port, f"{settings.etc}/cinder.conf")
    return _python(settings, "wsgi_server", f"{service}.wsgi.api", port)


def _python(settings: Settings, module: str, *arguments: str) -> list[str]:
    python = f"{settings.venv}/bin/python"
    return [python, "-m", f"tests.lab.run.{module}", *arguments]
