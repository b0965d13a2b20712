# SPDX-License-Identifier: Apache-2.0
"""The lab's own Apache: TLS with mod_gridsite before Keystone and OCCI.

Owns LAB_ROOT/apache and who may enter LAB_ROOT. It must never read the system's
/etc/apache2, nor let Apache's user read more of the root than certificates and
sockets. Read prepare and command.
"""

import os
import pwd
import shutil
import socket
import ssl

from tests.lab import environment
from tests.lab.errors import LabError
from tests.lab.settings import HOST, OCCI, Settings

PROGRAM = "apache2"
MODULES = "/usr/lib/apache2/modules"
GRIDSITE = f"{MODULES}/mod_gridsite.so"
# Apache gives up root before it serves, and refuses not to.
USER = "www-data"
PROBE_SECONDS = 5
# What of a root Apache's user may enter.
OPEN = ("apache", "grid", "run")


def prepare(settings: Settings) -> None:
    """Make Apache's folders; open the root to Apache's user as far as it needs."""
    sessions = settings.root / "apache/sessions"
    sessions.mkdir(parents=True, exist_ok=True)
    if os.getuid() != 0:
        return
    _check_user()
    for folder in settings.root.iterdir():
        if folder.is_dir() and folder.name not in OPEN:
            folder.chmod(0o700)
    settings.root.chmod(0o711)
    settings.run.chmod(0o711)
    shutil.chown(sessions, USER)


def command(settings: Settings) -> list[str]:
    """Return the command that serves both virtual hosts, from within the root."""
    program = environment.program(PROGRAM)
    there = [environment.program("env"), "-C", str(settings.root)]
    return [*there, program, "-f", f"{settings.etc}/httpd.conf", "-DFOREGROUND"]


def owner_lines() -> str:
    """Return the lines of httpd.conf that say whose the workers are."""
    return f"User {USER}\nGroup {USER}" if os.getuid() == 0 else ""


def socket_owner() -> list[str]:
    """Return uWSGI's options that give a socket to Apache's group."""
    return ["--chown-socket", f"root:{USER}"] if os.getuid() == 0 else []


def probe(settings: Settings) -> str:
    """Return why Apache does not shake hands on both its ports, or ''."""
    for name in ("keystone", OCCI):
        try:
            _shake_hands(settings, settings.port(name))
        except OSError as error:
            return f"port {settings.port(name)}: {error}"
    return ""


def _shake_hands(settings: Settings, port: int) -> None:
    trust = ssl.create_default_context(cafile=str(settings.ca_file))
    with (
        socket.create_connection((HOST, port), PROBE_SECONDS) as plain,
        trust.wrap_socket(plain, server_hostname=HOST),
    ):
        pass


def _check_user() -> None:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        raise LabError(
            f"There is no user {USER}, as whom Apache serves. Start the lab as "
            "another user than root, or install Debian's apache2-bin."
        ) from None
