# SPDX-License-Identifier: Apache-2.0
"""The OCCI interface as a WSGI application of its own, for the port 8787.

Owns: which paste file it is made of. It is a process of the Nova API with
another front: the same nova.conf, and Nova's own application at the end of the
pipeline. Must never: start anything at import. Read first: load.

uWSGI loads `ooi_ext.application:load()`; a server that asks for the attribute
`application` of a module gets the same.
"""

import os
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Any

PASTE_VARIABLE = "OS_OOI_PASTE"
PASTE_NAME = "ooi-api-paste.ini"

# What Nova reads: a paste file, then its options.
_FILES_VARIABLE = "OS_NOVA_CONFIG_FILES"
_DIRECTORY_VARIABLE = "OS_NOVA_CONFIG_DIR"
_NOVA = "nova.wsgi.osapi_compute"

_LOCK = threading.Lock()
_LOADED: list[Any] = []


def load() -> Any:
    """Return the application, the same at every call in one process.

    Its paste file is the one in the environment variable OS_OOI_PASTE, else
    ooi-api-paste.ini in the directory of nova.conf, else the one shipped with
    this package. Raises RuntimeError in a process that serves Nova already.
    """
    with _LOCK:
        if not _LOADED:
            if _NOVA in sys.modules:
                raise RuntimeError(
                    f"{_NOVA} is loaded already, with Nova's own paste file. "
                    "Give the OCCI interface a process of its own, or add it to "
                    "Nova's api-paste.ini (nova-api-paste-occi.ini)."
                )
            os.environ[_FILES_VARIABLE] = config_files(os.environ)
            # Nova sets up the whole process when this is imported.
            from nova.wsgi import osapi_compute

            _LOADED.append(osapi_compute.application)
        return _LOADED[0]


def __getattr__(name: str) -> Any:
    # Nova installs handlers of signals, which the main thread alone can: a first
    # request would be too late to load it, and an import too early.
    if name == "application":
        return load()
    raise AttributeError(f"{__name__} has no {name}")


def config_files(environ: Any) -> str:
    """Return what Nova is told to read: our paste file in the place of its own."""
    _, *options = environ.get(_FILES_VARIABLE, "").split(";")
    return ";".join([str(paste_file(environ)), *(options or ["nova.conf"])])


def paste_file(environ: Any) -> Path:
    """Return the paste file in use; raises FileNotFoundError if there is none."""
    # An editable install leaves data files out, so the source tree comes first.
    shipped = (
        Path(__file__).resolve().parent.parent / "paste",
        Path(sysconfig.get_path("data")) / "share" / "fedcloud-openstack" / "paste",
    )
    if chosen := environ.get(PASTE_VARIABLE, "").strip():
        # Absolute, because Nova looks for it below its own directory.
        candidates = [Path(chosen).resolve()]
    else:
        site = environ.get(_DIRECTORY_VARIABLE, "").strip() or "/etc/nova"
        candidates = [place / PASTE_NAME for place in (Path(site).resolve(), *shipped)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(
        f"There is no {' nor '.join(map(str, candidates))}. Install the package "
        f"again, or set {PASTE_VARIABLE}."
    )
