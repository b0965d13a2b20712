# SPDX-License-Identifier: Apache-2.0
"""Where a lab lives, which ports it uses, in which mode and how it is set.

Owns the names of the services, the port layout and the folders below LAB_ROOT.
It must never touch the disk or start anything: two Settings with other roots
and ports describe two labs that can run side by side. Read from_environ.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

# The position of a name is its port above the base. Keystone comes first, as
# its port is the one a person types.
SERVICES = (
    "keystone",
    "placement",
    "glance",
    "nova",
    "neutron",
    "cinder",
    "mariadb",
)
# What the processes of one Keystone share, if there are several of them.
MEMCACHED = "memcached"

# How the services run: a process for each project, or as a site runs them.
EMBEDDED, PRODUCTION = "embedded", "production"
MODES = (EMBEDDED, PRODUCTION)
# What a lab of mode production has beside the services above.
APACHE, OCCI, RABBITMQ, EPMD, VOMSD = "apache", "occi", "rabbitmq", "epmd", "vomsd"
WORKERS = {
    # name: the API that knows whether it lives
    "nova-conductor": "nova",
    "nova-scheduler": "nova",
    "nova-compute": "nova",
    "cinder-scheduler": "cinder",
    "cinder-volume": "cinder",
}
PORTS = (*SERVICES, MEMCACHED, OCCI, RABBITMQ, "rabbitmq-dist", EPMD, VOMSD)
# Every process that a lab of any mode may have, in the order of a listing.
PROCESSES = (*SERVICES, MEMCACHED, APACHE, OCCI, RABBITMQ, EPMD, VOMSD, *WORKERS)
# They need no other service, except RabbitMQ the one that knows its port.
STORES = ("mariadb", MEMCACHED, EPMD, RABBITMQ)
DATABASES = (
    "keystone",
    "placement",
    "glance",
    "nova_api",
    "nova_cell0",
    "nova_cell1",
    "neutron",
    "cinder",
)
HOST = "127.0.0.1"
# Where a plain lab has its APIs: the ports that they have by custom, each under a
# name of its own.
DOMAIN = "example.org"
CUSTOMARY_PORTS = {
    "keystone": 5000,
    "placement": 8778,
    "glance": 9292,
    "nova": 8774,
    "neutron": 9696,
    "cinder": 8776,
}
DEFAULT_PORT_BASE = 15000
LOWEST_PORT_BASE = 1024
HIGHEST_PORT_BASE = 65535 - len(PORTS) + 1
MOST_WORKERS = 8
# As many as deploy/uwsgi/keystone-voms.ini has.
SITE_WORKERS = 4
# A unix socket's name may have 107 bytes, of which the longest below a root has 20.
LONGEST_ROOT = 87

# How users of one VO are kept apart: in the project that they share, by a
# project for each, or (the control) not at all.
SHARED_PROJECT, PROJECT_PER_USER, OFF = "shared-project", "project-per-user", "off"
ISOLATION = (SHARED_PROJECT, PROJECT_PER_USER, OFF)

# Rendered paths pass through oslo.config, PasteDeploy, URLs and shell files.
# Each gives another meaning to one of these characters.
UNFIT_FOR_A_PATH = frozenset("$%\"'\\#:;?@\n\r\t")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One lab: its root folder, its ports and the source tree that runs it.

    With more than one of `keystone_workers` that many processes serve
    Keystone's port, and share a memcached. `voms_delegation` lets tokens of
    the method voms make others, as an operator can choose. `isolation` is one of
    ISOLATION, `mode` of MODES. `plain` is mode production as a site is before it
    has any of our parts: by http, under names that its host has to know.
    """

    root: Path
    port_base: int
    source: Path
    venv: Path
    keystone_workers: int = 1
    voms_delegation: bool = False
    isolation: str = SHARED_PROJECT
    mode: str = EMBEDDED
    plain: bool = False

    @property
    def is_production(self) -> bool:
        return self.mode == PRODUCTION

    def port(self, service: str) -> int:
        """Return the loopback port of a service; KeyError-free names only."""
        if self.plain and service in CUSTOMARY_PORTS:
            return CUSTOMARY_PORTS[service]
        return self.port_base + PORTS.index(service)

    def url(self, service: str) -> str:
        """Return the root URL of an HTTP service, without a trailing slash."""
        if self.plain:
            return f"http://{service}.{DOMAIN}:{self.port(service)}"
        scheme = "https" if service in ("keystone", OCCI) else "http"
        return f"{scheme}://{HOST}:{self.port(service)}"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def deploy(self) -> Path:
        """The configuration of web servers that is shipped."""
        return self.source / "deploy"

    @property
    def mode_file(self) -> Path:
        """The file that says of which mode the lab in this root is."""
        return self.root / "mode"

    @property
    def policy(self) -> Path:
        """The rule sets and options for isolation that are shipped."""
        return self.source / "policy"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def grid(self) -> Path:
        return self.root / "grid"

    @property
    def ca_file(self) -> Path:
        """The bundle that clients trust for Keystone's certificate."""
        return self.grid / "ca.pem"

    @property
    def clients_env(self) -> Path:
        return self.root / "clients.env"

    def log(self, name: str) -> Path:
        """Return the log file of a service or of a set-up step."""
        return self.logs / f"{name}.log"


def from_environ(environ: Mapping[str, str], *, source: Path) -> Settings:
    """Return the lab that LAB_ROOT and LAB_PORT_BASE name.

    A relative LAB_ROOT counts from the source tree, so that `make lab` and a
    test started elsewhere mean the same lab. LAB_KEYSTONE_WORKERS and
    LAB_VOMS_DELEGATION set its Keystone, ISOLATION how users are kept apart, MODE
    how the services run. Raises LabError for a value that cannot work.
    """
    mode = _mode(environ.get("MODE") or EMBEDDED)
    workers = SITE_WORKERS if mode == PRODUCTION else 1
    root = source / Path(environ.get("LAB_ROOT") or ".lab").expanduser()
    bad = sorted(UNFIT_FOR_A_PATH.intersection(str(root)))
    if bad:
        raise LabError(
            f"LAB_ROOT {str(root)!r} holds {' '.join(map(repr, bad))}, which "
            "configuration files cannot carry. Choose a plainer path."
        )
    if mode == PRODUCTION:
        _check_root_of_production(root)
    return Settings(
        root=Path(root),
        port_base=_port_base(environ.get("LAB_PORT_BASE") or ""),
        source=source,
        venv=Path(sys.prefix),
        keystone_workers=_workers(environ.get("LAB_KEYSTONE_WORKERS") or str(workers)),
        voms_delegation=_switch(environ, "LAB_VOMS_DELEGATION"),
        isolation=_isolation(environ.get("ISOLATION") or SHARED_PROJECT),
        mode=mode,
    )


def _port_base(text: str) -> int:
    if not text:
        return DEFAULT_PORT_BASE
    if text.isascii() and text.isdigit():
        number = int(text)
        if LOWEST_PORT_BASE <= number <= HIGHEST_PORT_BASE:
            return number
    raise LabError(
        f"LAB_PORT_BASE is {text!r}. It must be a whole number from "
        f"{LOWEST_PORT_BASE} to {HIGHEST_PORT_BASE}; the lab uses "
        f"{len(PORTS)} ports from there up."
    )


def _workers(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_WORKERS:
        return int(text)
    raise LabError(
        f"LAB_KEYSTONE_WORKERS is {text!r}. It must be a whole number from 1 to "
        f"{MOST_WORKERS}: how many processes serve Keystone."
    )


def _isolation(text: str) -> str:
    if text in ISOLATION:
        return text
    raise LabError(
        f"ISOLATION is {text!r}. It must be one of {', '.join(ISOLATION)}: how the "
        "users of one VO are kept apart."
    )


def _mode(text: str) -> str:
    if text in MODES:
        return text
    raise LabError(
        f"MODE is {text!r}. It must be one of {', '.join(MODES)}: how the services "
        "of the lab run."
    )


def _check_root_of_production(root: Path) -> None:
    text = str(root)
    if any(character.isspace() for character in text):
        raise LabError(
            f"LAB_ROOT {text!r} holds white space, at which uWSGI splits what it is "
            "told. Choose a plainer path for MODE=production."
        )
    if len(text.encode()) > LONGEST_ROOT:
        raise LabError(
            f"LAB_ROOT {text!r} has more than {LONGEST_ROOT} bytes: the sockets of "
            "MODE=production would have no room below it. Choose a shorter path."
        )


def _switch(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name) or "0"
    if text in ("0", "1"):
        return text == "1"
    raise LabError(f"{name} is {text!r}. It must be 1 (on) or 0 (off).")
