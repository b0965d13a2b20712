# SPDX-License-Identifier: Apache-2.0
"""Writes the folders and configuration files of one lab.

Owns what lies in LAB_ROOT apart from the data of the services. It must never
overwrite data: everything it writes is made anew at each start. Read write.
"""

import secrets
import shutil
from importlib.metadata import entry_points
from pathlib import Path

from tests.lab import api_paste, clients_env, production, rendering
from tests.lab.errors import LabError
from tests.lab.settings import (
    APACHE,
    EMBEDDED,
    OCCI,
    SHARED_PROJECT,
    VOMSD,
    WORKERS,
    Settings,
)

# The paste files: name in etc/ -> service and its own file in the environment.
PASTE = {
    "api-paste.ini": ("nova", "etc/nova/api-paste.ini"),
    "cinder-api-paste.ini": ("cinder", "etc/cinder/api-paste.ini"),
    "glance-api-paste.ini": ("glance", "etc/glance/glance-api-paste.ini"),
}
# What a service has read when it runs; other files are read again or are its own.
READ_AT_START = {
    "keystone": ("keystone.conf",),
    "glance": ("glance-api.conf", "glance-api-paste.ini"),
    "nova": ("nova.conf", "api-paste.ini"),
    "cinder": ("cinder.conf", "cinder-api-paste.ini"),
}
# The same of the processes that a lab of mode production has beside these.
READ_IN_PRODUCTION = {
    OCCI: ("nova.conf", "ooi-api-paste.ini"),
    APACHE: ("httpd.conf",),
    VOMSD: ("vomsd.conf",),
    **{name: (f"{project}.conf",) for name, project in WORKERS.items()},
}
OCCI_PASTE = "ooi-api-paste.ini"

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
        _keep_to_one_mode(settings)
        if settings.is_production:
            production.make_folders(settings)
    except OSError as error:
        raise LabError(
            f"{error.filename} cannot be made: {error.strerror}. Set LAB_ROOT to a "
            "folder that you may write to."
        ) from error


def mode_of_root(settings: Settings) -> str:
    """Return the mode of the lab that was made in this root, '' without one."""
    try:
        return settings.mode_file.read_text().strip()
    except FileNotFoundError:
        # A root from before there were modes has databases and no such file.
        return EMBEDDED if (settings.root / "provisioned").exists() else ""


def _keep_to_one_mode(settings: Settings) -> None:
    found = mode_of_root(settings)
    if found and found != settings.mode:
        raise LabError(
            f"{settings.root} holds a lab of MODE={found}, whose databases know "
            f"nothing of MODE={settings.mode}. Choose another LAB_ROOT and "
            "LAB_PORT_BASE, or `make lab-down` and remove that folder."
        )
    settings.mode_file.write_text(f"{settings.mode}\n")


def put_logs_aside(settings: Settings) -> None:
    """Keep the logs of the last run as log.old, so that a new run has its own."""
    old = settings.root / "log.old"
    shutil.rmtree(old, ignore_errors=True)
    settings.logs.rename(old)
    settings.logs.mkdir(mode=0o700)


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
    for name in PASTE:
        (settings.etc / name).write_text(_paste(settings, name))
    if settings.is_production:
        rendering.render_folder(
            _templates(settings) / "production",
            settings.etc,
            settings,
            _words(settings),
        )
        (settings.etc / OCCI_PASTE).write_text(_occi_paste(settings))
        nova = (settings.etc / "nova.conf").read_text()
        (settings.etc / production.COMPUTE_CONF).write_text(
            production.without_databases(nova)
        )


def read_at_start(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the files that each service of a lab has read when it runs."""
    if settings.is_production:
        return {**READ_AT_START, **READ_IN_PRODUCTION}
    return READ_AT_START


def differs(settings: Settings, name: str) -> bool:
    """Return whether a file of `write` is there and would come out otherwise now."""
    try:
        found = (settings.etc / name).read_text()
    except FileNotFoundError:
        return False
    if name in PASTE:
        return found != _paste(settings, name)
    if name == OCCI_PASTE:
        return found != _occi_paste(settings)
    template = _template(settings, name).read_text()
    return found != rendering.render(template, settings, _words(settings))


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


def _paste(settings: Settings, name: str) -> str:
    """Return a service's own paste file with OCCI and the isolation filter in it."""
    service, place = PASTE[name]
    text = (settings.venv / place).read_text()
    shipped = settings.source / "paste"
    if service == "nova" and not settings.plain:
        for path in ("/occi1.1", "/occi1.2", "/occi"):
            text = api_paste.mount(
                text,
                composite="osapi_compute",
                path=path,
                app="occi_api_11",
                sections=(shipped / "nova-api-paste-occi.ini").read_text(),
            )
    if settings.isolation == SHARED_PROJECT:
        added = shipped / f"{service}-api-paste-isolation.ini"
        text = api_paste.overlay(text, added.read_text())
    return text


def _occi_paste(settings: Settings) -> str:
    """Return the shipped paste file of the OCCI endpoint, for this isolation."""
    text = (settings.source / "paste" / OCCI_PASTE).read_text()
    if settings.isolation == SHARED_PROJECT:
        return text
    return text.replace(" occi vo_isolation ", " occi ")


def _template(settings: Settings, name: str) -> Path:
    own = _templates(settings) / "production" / name
    return own if own.exists() else _templates(settings) / name


def _templates(settings: Settings) -> Path:
    return settings.source / "tests/lab/etc"


def _words(settings: Settings) -> dict[str, str]:
    return rendering.words(
        settings, password=password(settings), voms=_voms_is_installed()
    )


def _voms_is_installed() -> bool:
    return bool(entry_points(group="keystone.auth.voms"))
