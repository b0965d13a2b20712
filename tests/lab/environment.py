# SPDX-License-Identifier: Apache-2.0
"""The environment of the lab's own processes, made from nothing.

Owns which variables a service sees. It must never pass on what the caller's
shell happens to hold: a stray OS_* variable, a proxy or a CA bundle would make
the same lab behave differently from one machine to the next. Read for_service.
"""

import os
import shutil

from tests.lab.errors import LabError
from tests.lab.settings import Settings

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def for_service(settings: Settings) -> dict[str, str]:
    """Return the whole environment of a service or a set-up command."""
    etc = str(settings.etc)
    return {
        "PATH": f"{settings.venv}/bin:{search_path()}",
        "HOME": str(settings.root / "home"),
        "TMPDIR": str(settings.root / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{settings.source}:{settings.root}/plugins",
        "PYTHONUNBUFFERED": "1",
        # The pinned libraries deprecate each other; none of it is ours to mend.
        "PYTHONWARNINGS": "ignore",
        "no_proxy": "127.0.0.1,localhost",
        "OS_KEYSTONE_CONFIG_DIR": etc,
        "OS_KEYSTONE_VOMS_PASTE": f"{etc}/keystone-paste.ini",
        "OS_PLACEMENT_CONFIG_DIR": etc,
        "OS_GLANCE_CONFIG_DIR": etc,
        "OS_NOVA_CONFIG_DIR": etc,
        "OS_NEUTRON_CONFIG_DIR": etc,
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
        # cinder-volume would patch the threads that the others in its process use.
        "OS_CINDER_DISABLE_EVENTLET_PATCHING": "true",
    }


def search_path() -> str:
    """Return the caller's PATH with the system's daemons in it as well."""
    return f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}".lstrip(":")


def program(name: str) -> str:
    """Return the full path of a system program; LabError when it is missing."""
    path = shutil.which(name, path=search_path())
    if path is None:
        raise LabError(f"The program {name} is not installed.")
    return path
