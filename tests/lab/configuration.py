# SPDX-License-Identifier: Apache-2.0
"""Writes the folders and configuration files of one lab.

Owns what lies in LAB_ROOT apart from the data of the services. It must never
overwrite data: everything it writes is made anew at each start. Read write.
"""

import secrets
import shutil
from importlib.metadata import entry_points
from pathlib import Path

from tests.lab import api_paste, clients_env, rendering
from tests.lab.errors import LabError
from tests.lab.settings import Settings

FOLDERS = (
    "cinder",
    "etc",
    "glance/images",
    "glance/staging",
    "glance/tasks",
    "home",
    "lock",
    "log",
    "neutron",
    "nova/instances",
    "plugins/fedcloud_lab-0.dist-info",
    "run",
    "tmp",
)


def make_folders(settings: Settings) -> None:
    """Make the root, readable by its owner alone, and the folders in it."""
    try:
        settings.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in FOLDERS:
            (settings.root / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(
            f"{error.filename} cannot be made: {error.strerror}. Set LAB_ROOT to a "
            "folder that you may write to."
        ) from error


def put_logs_aside(settings: Settings) -> None:
    """Keep the logs of the last run as log.old, so that a new run has its own."""
    old = settings.root / "log.old"
    shutil.rmtree(old, ignore_errors=True)
    settings.logs.rename(old)
    settings.logs.mkdir()


def password(settings: Settings) -> str:
    """Return the one password of this root, made at its first start."""
    file = settings.root / "password"
    if not file.exists():
        draft = file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(12))
        draft.replace(file)
    return file.read_text()


def write(settings: Settings) -> None:
    """Write the configuration of every service."""
    plugins = settings.root / "plugins/fedcloud_lab-0.dist-info"
    rendering.render_folder(
        _templates(settings), settings.etc, settings, _words(settings)
    )
    # Neutron finds its drivers through the metadata of a distribution.
    (settings.etc / "entry_points.txt").replace(plugins / "entry_points.txt")
    (plugins / "METADATA").write_text("Name: fedcloud-lab\nVersion: 0\n")
    paste = settings.source / "paste"
    (settings.etc / "keystone-paste.ini").write_text(
        (paste / "keystone-paste.ini").read_text()
    )
    nova = (settings.venv / "etc/nova/api-paste.ini").read_text()
    for path in ("/occi1.1", "/occi1.2", "/occi"):
        nova = api_paste.mount(
            nova,
            composite="osapi_compute",
            path=path,
            app="occi_api_11",
            sections=(paste / "nova-api-paste-occi.ini").read_text(),
        )
    (settings.etc / "api-paste.ini").write_text(nova)


def differs(settings: Settings, name: str) -> bool:
    """Return whether a file of `write` is there and would come out otherwise now."""
    template = (_templates(settings) / name).read_text()
    try:
        return (settings.etc / name).read_text() != rendering.render(
            template, settings, _words(settings)
        )
    except FileNotFoundError:
        return False


def write_client_files(settings: Settings) -> None:
    """Write clients.env and admin.env."""
    admin = settings.root / "admin.env"
    admin.touch(mode=0o600)
    admin.write_text(
        clients_env.render(
            "The admin of the lab, by password.",
            clients_env.admin_variables(settings, password(settings)),
        )
    )
    settings.clients_env.write_text(
        clients_env.render(
            "A client of the lab: alice of dteam, by her VOMS proxy.",
            clients_env.variables(settings),
        )
    )


def _templates(settings: Settings) -> Path:
    return settings.source / "tests/lab/etc"


def _words(settings: Settings) -> dict[str, str]:
    return rendering.words(
        settings, password=password(settings), voms=_voms_is_installed()
    )


def _voms_is_installed() -> bool:
    return bool(entry_points(group="keystone.auth.voms"))
