# SPDX-License-Identifier: Apache-2.0
"""A host as stack.sh leaves it before the plugin's phases, in a folder.

Owns: the copies of the services' own configuration files, and the run of phases on
them. Must never: write outside of the folder. Read first: World.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from configparser import RawConfigParser
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

CHECKOUT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).parent / "drive.sh"
PREFIX = Path(sys.prefix)

STACK = tuple(
    f"stack:{phase}"
    for phase in ("pre-install", "install", "post-config", "extra", "test-config")
)

# What DevStack has written when the plugin's phases begin.
WRITTEN = {
    "etc/keystone/keystone.conf": (
        "[identity]\ndriver = sql\n\n[DEFAULT]\n"
        "public_endpoint = https://192.0.2.1/identity\n"
    ),
    "etc/keystone/keystone-uwsgi-public.ini": (
        "\n[uwsgi]\nchmod-socket = 666\nsocket = /var/run/uwsgi/keystone-api.socket\n"
        "buffer-size = 4096\nmodule = keystone.wsgi.api:application\n"
    ),
    "etc/nova/nova.conf": (
        "[keystone_authtoken]\nwww_authenticate_uri = https://192.0.2.1/identity\n"
    ),
    "etc/cinder/cinder.conf": "[oslo_policy]\nenforce_new_defaults = false\n",
    "etc/glance/glance-api.conf": "[oslo_policy]\nenforce_new_defaults = false\n",
    "etc/tempest/tempest.conf": "[identity]\nuri_v3 = https://192.0.2.1/identity/v3\n",
    "apache/sites/keystone-api.conf": "# DevStack's\n",
    "apache/mods/zgridsite.load": "# the package's\n",
    "apache/mods/ssl.conf": (
        "#SSLSessionCache dbm:scache\n"
        "        SSLSessionCache  shmcb:scache(512000)\n"
        "        SSLSessionCacheTimeout  300\n"
    ),
    "apache/enabled/gridsite": "",
    "apache/enabled/keystone-api": "",
    "apache/enabled/keystone-service-tls-proxy": "",
    "dest/data/ca-bundle.pem": "DevStack's CA\n",
    "grid/certificates/ab12.0": "a CA of the grid\n",
    "grid/vomsdir/dteam/voms.example.org.lsc": "/CN=voms\n/CN=CA\n",
}
# The services' own files, as their packages ship them.
SHIPPED = {
    "etc/nova/api-paste.ini": "etc/nova/api-paste.ini",
    "etc/cinder/api-paste.ini": "etc/cinder/api-paste.ini",
    "etc/cinder/resource_filters.json": "etc/cinder/resource_filters.json",
    "etc/glance/glance-api-paste.ini": "etc/glance/glance-api-paste.ini",
}
# What a test does not compare: the record of the calls, and local.conf.
ASIDE = ("calls", "localrc")

# Notes the call, and edits the file as far as a test has to see of it.
STAND_IN = """#!/bin/bash
root=$(dirname "$0")/../..
echo "ooi-manage $*" >>"$root/calls"
if [[ $1 == paste ]]; then
    if ! grep -q '^# OCCI' "${!#}"; then
        cp "${!#}" "${!#}.before-ooi-manage"
        echo "# OCCI by ${*:1:$#-1}" >>"${!#}"
    fi
fi
"""
REAL = f"""#!/bin/bash
root=$(dirname "$0")/../..
echo "ooi-manage $*" >>"$root/calls"
if [[ $1 == paste ]]; then
    {PREFIX}/bin/ooi-manage "$@"
fi
"""


class World:
    """A root of such a host, and what the phases make of it."""

    def __init__(self, root: Path, checkout: Path, settings: Mapping[str, str]) -> None:
        self.root = root
        self.checkout = checkout
        for name in ("dest", "keystone", "apache/enabled", "venv/bin"):
            (root / name).mkdir(parents=True)
        for name, text in WRITTEN.items():
            self._put(name, text)
        for name, source in SHIPPED.items():
            self._put(name, (PREFIX / source).read_text())
        (root / "etc/keystone/keystone.conf").chmod(0o600)
        self.use_ooi_manage(STAND_IN)
        settings = {"FEDCLOUD_TRUST_SOURCE": f"{root}/grid", **settings}
        lines = (f"{name}='{value}'\n" for name, value in settings.items())
        (root / "localrc").write_text("".join(lines))
        self.pristine = self.tree()

    def _put(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def use_ooi_manage(self, script: str) -> None:
        """Have the phases call this script as ooi-manage."""
        file = self.root / "venv/bin/ooi-manage"
        file.write_text(script)
        file.chmod(0o755)

    def run(self, *phases: str) -> str:
        """Run phases in one process, as stack.sh does, and return what it said.

        Raises AssertionError if the run failed.
        """
        code, said = self.try_to_run(*phases)
        assert code == 0, said
        return said

    def try_to_run(self, *phases: str) -> tuple[int, str]:
        """Return the exit code of a run of phases, and what it said."""
        done = subprocess.run(
            ["bash", DRIVER, self.checkout, self.root, *phases],
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout

    def text(self, name: str) -> str:
        """Return the text of a file below the root."""
        return (self.root / name).read_text()

    def ini(self, name: str, section: str) -> dict[str, str]:
        """Return the options of a section, by what the services read files with."""
        parser = RawConfigParser(default_section="", strict=True)
        parser.optionxform = str
        parser.read_string(self.text(name))
        return dict(parser[section]) if parser.has_section(section) else {}

    def calls(self, *, of: str = "") -> list[str]:
        """Return the calls of DevStack's functions so far that begin with a word."""
        lines = self.text("calls").splitlines()
        return [
            line.replace(str(self.root), "ROOT").replace(str(self.checkout), "CHECKOUT")
            for line in lines
            if not of or line.split()[0] == of
        ]

    def forget_calls(self) -> None:
        """Begin a new record of the calls."""
        (self.root / "calls").unlink()

    def tree(self) -> dict[str, tuple[int, bytes]]:
        """Return mode and content of everything, folders too, by its name."""
        return {
            str(path.relative_to(self.root)): (
                path.stat().st_mode,
                b"" if path.is_dir() else path.read_bytes(),
            )
            for path in self.root.rglob("*")
            if path.name not in ASIDE
        }


@contextmanager
def world(checkout: Path = CHECKOUT, **settings: str) -> Iterator[World]:
    """Give a new host, with these settings in its local.conf."""
    with TemporaryDirectory() as folder:
        yield World(Path(folder).resolve() / "root", checkout, settings)


@contextmanager
def checkout_with(part: str, lines: list[str]) -> Iterator[Path]:
    """Give a checkout in which one file of the plugin has other lines."""
    with TemporaryDirectory() as folder:
        copy = Path(folder).resolve() / "checkout"
        copy.mkdir()
        for name in ("paste", "policy", "deploy"):
            (copy / name).symlink_to(CHECKOUT / name)
        shutil.copytree(CHECKOUT / "devstack", copy / "devstack")
        (copy / "devstack" / part).write_text("".join(lines))
        yield copy
