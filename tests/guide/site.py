# SPDX-License-Identifier: Apache-2.0
"""The site before the guide: OpenStack as it is installed, by plain http, without us.

Owns where the lab's files lie at a site, and the units of its services. It must never
put a part of this project into the site: that is what the guide is for. Read make.
"""

import os
import pwd
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.guide.units import Units
from tests.lab import services
from tests.lab.lab import SOURCE, Lab
from tests.lab.services import APIS
from tests.lab.settings import (
    CUSTOMARY_PORTS,
    DOMAIN,
    HOST,
    OFF,
    WORKERS,
    Settings,
    from_environ,
)
from tests.lab.supervisor import Supervisor
from tests.tempest.stock import without_voms

ROOT = "/var/tmp/site"
USERS = ("keystone", "nova")
# File or folder of the lab's etc -> the same at a site, where its service looks.
PLACES = {
    "keystone.conf": "/etc/keystone/keystone.conf",
    "fernet-keys": "/etc/keystone/fernet-keys",
    "credential-keys": "/etc/keystone/credential-keys",
    "placement.conf": "/etc/placement/placement.conf",
    "glance-api.conf": "/etc/glance/glance-api.conf",
    "glance-api-paste.ini": "/etc/glance/glance-api-paste.ini",
    "nova.conf": "/etc/nova/nova.conf",
    "api-paste.ini": "/etc/nova/api-paste.ini",
    "neutron.conf": "/etc/neutron/neutron.conf",
    "cinder.conf": "/etc/cinder/cinder.conf",
    "cinder-api-paste.ini": "/etc/cinder/cinder-api-paste.ini",
}
# The service of the lab -> the unit by which the site starts it.
UNITS = {
    "keystone": "keystone",
    "placement": "placement-api",
    "glance": "glance-api",
    "nova": "nova-api",
    "neutron": "neutron-api",
    "cinder": "cinder-api",
    **{worker: worker for worker in WORKERS},
}
# The lab's own modules that its services need, without the rest of the project.
LAB_PATH = Path("/usr/local/lib/lab")
KEYSTONE_LOG = Path("/var/log/keystone/keystone.log")
NO_LOGIN = re.compile(r"(?s)(\[glance\]\nregion_name = \w+\n).*?(?=\n\[)")
UNIT = """\
[Unit]
Description={name} of the site
After=network-online.target

[Service]
Type={kind}
NotifyAccess=all
EnvironmentFile=/etc/default/{name}
ExecStart={command}
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""


def settings() -> Settings:
    """Return the lab that the site is made of."""
    environ = {
        "MODE": "production",
        "LAB_ROOT": ROOT,
        "LAB_PORT_BASE": str(CUSTOMARY_PORTS["keystone"]),
        "ISOLATION": OFF,
    }
    return replace(from_environ(environ, source=SOURCE), plain=True)


def make(units: Units) -> Lab:
    """Return the site's lab, running, its services under the site's units."""
    hosts = "".join(f"{HOST} {name}.{DOMAIN}\n" for name in (*APIS, "cloud"))
    with Path("/etc/hosts").open("a") as file:
        file.write(hosts)
    known = {entry.pw_name for entry in pwd.getpwall()}
    for user in set(USERS) - known:
        subprocess.run(["useradd", "--system", user], check=True)
    shutil.rmtree(ROOT, ignore_errors=True)
    lab = Lab(settings(), say=lambda text: print(f"  site: {text}"))
    lab.up()
    move_configuration(lab.settings)
    LAB_PATH.mkdir(parents=True)
    (LAB_PATH / "tests").symlink_to(SOURCE / "tests")
    write_units(lab.settings, units)
    for service, name in UNITS.items():
        record = Supervisor(lab.settings).record(service)
        if record:
            units.adopt(name, record.identity.pid)
    return lab


def move_configuration(lab: Settings) -> None:
    """Put the files of the services where a site has them, as a site has them."""
    for name, place in PLACES.items():
        target = Path(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(lab.etc / name, target)
        # What runs already has opened neither keys nor paste files for good.
        (lab.etc / name).symlink_to(target)
        if target.is_file():
            target.write_text(as_at_a_site(target.read_text(), lab))
    (lab.etc / "nova-compute.conf").unlink()
    keystone = Path(PLACES["keystone.conf"])
    keystone.write_text(keystone_conf(keystone.read_text()))
    KEYSTONE_LOG.parent.mkdir(parents=True, exist_ok=True)
    KEYSTONE_LOG.touch()
    for folder in (keystone.parent, KEYSTONE_LOG.parent):
        for place in (folder, *folder.rglob("*")):
            shutil.chown(place, "keystone", "keystone")
    keystone.parent.chmod(0o750)


def as_at_a_site(text: str, lab: Settings) -> str:
    """Return a configuration file with the site's paths and without our CA."""
    for name, place in PLACES.items():
        text = text.replace(f"{lab.etc}/{name}", place)
    # Without the second line Cinder finds Glance by the catalog.
    unlike = (str(lab.ca_file), "glance_api_servers")
    # Nova takes none of these options in this section.
    text = NO_LOGIN.sub(r"\1", text)
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not any(one in line for one in unlike))


def keystone_conf(text: str) -> str:
    """Return Keystone's file with its own methods and a log, and no option of ours."""
    text = re.sub(r"(?m)^methods = .*\n", "", without_voms(text))
    return text.replace("[DEFAULT]\n", f"[DEFAULT]\nlog_file = {KEYSTONE_LOG}\n", 1)


def write_units(lab: Settings, units: Units) -> None:
    """Write the unit file of each service, with its environment beside it."""
    for service, name in UNITS.items():
        environ = unit_environ(lab, services.environ(lab, service))
        default = units.root / f"etc/default/{name}"
        default.parent.mkdir(parents=True, exist_ok=True)
        default.write_text(
            "".join(f"{key}={shlex.quote(text)}\n" for key, text in environ.items())
        )
        words = [unit_word(lab, word) for word in services.command(lab, service)]
        text = UNIT.format(
            name=name,
            kind="simple" if service in WORKERS else "notify",
            command=shlex.join(words),
        )
        place = units.root / f"etc/systemd/system/{name}.service"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def unit_environ(lab: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a unit: the lab's, with the places of a site."""
    found = {key: text for key, text in environ.items() if "KEYSTONE_VOMS" not in key}
    for key, text in found.items():
        if key.endswith("_CONFIG_DIR"):
            found[key] = f"/etc/{key.split('_')[1].lower()}"
        elif key == "PYTHONPATH":
            found[key] = text.replace(str(lab.source), str(LAB_PATH), 1)
        elif key == "PATH":
            found[key] = f"{lab.venv}/bin:{os.defpath}"
    return found


def unit_word(lab: Settings, word: str) -> str:
    """Return a word of a command with the places of a site."""
    # One file does where the compute service is on the host of the API.
    word = word.replace("nova-compute.conf", "nova.conf")
    for name, place in PLACES.items():
        word = word.replace(f"{lab.etc}/{name}", place)
    return word
