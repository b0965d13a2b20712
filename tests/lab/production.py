# SPDX-License-Identifier: Apache-2.0
"""What a lab of mode production runs, as a site runs it: a process for each part.

Owns which program is behind each service of that mode, and what has to lie in
LAB_ROOT before. It must never be needed in mode embedded. Read command and
prepare.
"""

from tests.lab import apache, rabbitmq, uwsgi, voms_server
from tests.lab.settings import (
    APACHE,
    EPMD,
    RABBITMQ,
    VOMSD,
    WORKERS,
    Settings,
)

# A compute host knows no database: it asks the conductor.
COMPUTE_CONF = "nova-compute.conf"
FOLDERS = ("apache", "rabbitmq", "vomsd", "proxies")


def make_folders(settings: Settings) -> None:
    """Make the folders of this mode, with the rights that Apache needs."""
    for name in FOLDERS:
        (settings.root / name).mkdir(exist_ok=True, mode=0o700)
    (settings.root / "apache").chmod(0o711)
    apache.prepare(settings)


def command(settings: Settings, service: str) -> list[str]:
    """Return the command line of a service."""
    if service == APACHE:
        return apache.command(settings)
    if service in (RABBITMQ, EPMD):
        return rabbitmq.command(settings, service)
    if service == VOMSD:
        return voms_server.command(settings)
    if service in WORKERS:
        project = WORKERS[service]
        name = COMPUTE_CONF if service == "nova-compute" else f"{project}.conf"
        python, module = (
            f"{settings.venv}/bin/python",
            f"tests.lab.run.{project}_worker",
        )
        return [
            python,
            "-m",
            module,
            service,
            "--config-file",
            f"{settings.etc}/{name}",
        ]
    return uwsgi.command(settings, service)


def without_databases(text: str) -> str:
    """Return the text of a nova.conf as a compute host has it."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("connection ="))


def adjust_environ(settings: Settings, service: str, environ: dict[str, str]) -> None:
    """Change the environment of a service to what this mode needs."""
    if service in (RABBITMQ, EPMD):
        environ.update(rabbitmq.environ(settings))
    # Its processes are apart here, and patched as a site's are.
    environ.pop("OS_CINDER_DISABLE_EVENTLET_PATCHING", None)
