# SPDX-License-Identifier: Apache-2.0
"""What the guide leaves to a person, done for the site of the test.

Owns the trust (CAs, LSC files, host certificates), the TLS servers of the services
that are not Keystone, and the two people: the administrator and alice, a user. It must
never do what the guide has a command for. Read equip.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.grid.certs import Credential, make_host
from tests.grid.grid import Grid
from tests.guide.actions import GuideError
from tests.guide.shell import Shell
from tests.guide.units import Units
from tests.lab import configuration, environment, voms_server
from tests.lab.lab import SOURCE, Lab
from tests.lab.services import APIS
from tests.lab.settings import DOMAIN, HOST

GRID = Path("/etc/grid-security")
KEYSTONE = f"keystone.{DOMAIN}"
# The environment of Keystone and Nova, as the guide calls it.
OPENSTACK = Path("/opt/keystone")
WHEELS = Path("/var/cache/wheels")
SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The user whose proxy the guide calls /tmp/x509up_u1000.
ALICE, ALICE_ID = "alice", 1000
HOME = Path("/home/alice")
PROXY = f"/tmp/x509up_u{ALICE_ID}"
AS_ALICE = ("setpriv", f"--reuid={ALICE_ID}", f"--regid={ALICE_ID}", "--clear-groups")
# Where the TLS servers of the other services listen: the services have the same
# ports of HOST.
TLS_HOST = "127.0.0.2"
STAND_IN = """\
#!/bin/sh
exec env -i PATH={path} PYTHONPATH={lab} {python} -m tests.guide.systemctl {name} "$@"
"""


@dataclass(frozen=True, kw_only=True)
class People:
    """The site's administrator and its user, each at a shell."""

    administrator: Shell
    alice: Shell

    def close(self) -> None:
        self.administrator.close()
        self.alice.close()


def equip(lab: Lab, units: Units, lab_path: Path) -> People:
    """Return the people, with all that they have before they open the guide."""
    OPENSTACK.symlink_to(sys.prefix)
    for name in ("systemctl", "journalctl"):
        program = Path("/usr/local/bin", name)
        text = STAND_IN.format(
            path=SYSTEM, lab=lab_path, python=f"{sys.prefix}/bin/python", name=name
        )
        program.write_text(text)
        program.chmod(0o755)
    grid = Grid(lab.settings.grid)
    shutil.rmtree(GRID, ignore_errors=True)
    shutil.copytree(grid.certificates, GRID / "certificates")
    shutil.copytree(grid.vomsdir, GRID / "vomsdir")
    here = host(grid, KEYSTONE, f"cloud.{DOMAIN}")
    write_pair(here, GRID / "hostcert.pem", GRID / "hostkey.pem")
    start_voms_server(lab, units)
    make_alice(lab)
    # The guide's first check takes it for granted.
    as_alice("voms-proxy-init", "-rfc", "--voms", "dteam")
    if not Path(PROXY).is_file():
        raise GuideError(f"voms-proxy-init did not write {PROXY}, as the guide says.")
    return People(
        administrator=Shell(
            {**base(), "HOME": "/root", **administrators(lab)},
            folder=SOURCE,
            scratch=Path("/run/guide/administrator"),
        ),
        alice=Shell(
            {**base(), "HOME": str(HOME), "PATH": f"{HOME}/client/bin:{SYSTEM}"},
            folder=HOME / SOURCE.name,
            scratch=Path("/run/guide/alice"),
            prefix=AS_ALICE,
        ),
    )


def base() -> dict[str, str]:
    """Return what both shells have in their environment."""
    return {
        "PATH": SYSTEM,
        "LANG": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        # There is no network any more: what pip needs was fetched before.
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(WHEELS),
        "PIP_QUIET": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        # As the guide says of an export without .git.
        "PBR_VERSION": "0.1.0.dev0",
    }


def administrators(lab: Lab) -> dict[str, str]:
    """Return the administrator's credentials, at the old Keystone."""
    return {
        "OS_AUTH_TYPE": "password",
        "OS_AUTH_URL": f"{lab.settings.url('keystone')}/v3",
        "OS_USERNAME": "admin",
        "OS_PASSWORD": configuration.password(lab.settings),
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_NAME": "admin",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_IDENTITY_API_VERSION": "3",
    }


def by_hand(lab: Lab, units: Units) -> dict[str, Callable[[], None]]:
    """Return what the guide leaves to a person, by the command that follows it."""
    return {
        "update-ca-certificates": lambda: trust_the_authority(lab),
        "openstack endpoint list -f value -c ID -c URL | grep ' http://'": (
            lambda: put_tls_servers(lab, units)
        ),
    }


def trust_the_authority(lab: Lab) -> None:
    """Put the root of the host certificate where the system looks for such."""
    root = Grid(lab.settings.grid).authority("root").certificate
    shutil.copyfile(root, "/usr/local/share/ca-certificates/example-grid.crt")


def put_tls_servers(lab: Lab, units: Units) -> None:
    """Start a TLS server before each service but Keystone, at its old port."""
    grid = Grid(lab.settings.grid)
    folder = Path("/etc/tls-of-the-site")
    folder.mkdir()
    lines = ["global", "maxconn 1000", "defaults", "mode http"]
    lines += [f"timeout {one} 120s" for one in ("connect", "client", "server")]
    for service in APIS:
        if service == "keystone":
            continue
        pair = host(grid, f"{service}.{DOMAIN}")
        (folder / f"{service}.pem").write_bytes(pair.certificate_pem() + pair.key_pem())
        port = lab.settings.port(service)
        lines += [
            f"frontend {service}",
            f"bind {TLS_HOST}:{port} ssl crt {folder}/{service}.pem",
            "http-request set-header X-Forwarded-Proto https",
            f"default_backend {service}",
            f"backend {service}",
            f"server {service} {HOST}:{port}",
        ]
    configuration_file = folder / "haproxy.cfg"
    configuration_file.write_text("\n".join(lines) + "\n")
    unit = Path("/etc/systemd/system/tls-of-the-site.service")
    command = f"/usr/sbin/haproxy -Ws -f {configuration_file}"
    unit.write_text(f"[Service]\nType=notify\nExecStart={command}\nKillMode=mixed\n")
    units.start("tls-of-the-site")
    hosts = Path("/etc/hosts")
    text = hosts.read_text()
    for service in APIS:
        if service != "keystone":
            name = f"{service}.{DOMAIN}"
            text = text.replace(f"{HOST} {name}\n", f"{TLS_HOST} {name}\n")
    hosts.write_text(text)


def host(grid: Grid, *names: str) -> Credential:
    """Return a host certificate of the grid's root."""
    return make_host(
        f"/DC=org/DC=example/O=Hosts/CN={names[0]}",
        issuer=grid.authority("root").load(),
        dns=names,
    )


def write_pair(pair: Credential, certificate: Path, key: Path) -> None:
    """Write a certificate and its key, which its owner alone may read."""
    certificate.write_bytes(pair.certificate_pem())
    key.touch(mode=0o400)
    key.write_bytes(pair.key_pem())


def start_voms_server(lab: Lab, units: Units) -> None:
    """Start the VOMS server of dteam, as a service of this machine."""
    lab_settings = lab.settings
    voms_server.prepare(lab_settings, configuration.password(lab_settings))
    program = environment.program(voms_server.PROGRAM)
    command = f"{program} --debug --conf {lab_settings.etc}/vomsd.conf"
    unit = Path("/etc/systemd/system/vomsd.service")
    unit.write_text(f"[Service]\nType=simple\nExecStart={command}\n")
    units.start("vomsd")
    Path("/etc/vomses").unlink(missing_ok=True)
    shutil.copyfile(voms_server.vomses(lab_settings), "/etc/vomses")
    subprocess.run(
        [
            "update-alternatives",
            "--set",
            "voms-proxy-init",
            "/usr/bin/voms-proxy-init2",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def make_alice(lab: Lab) -> None:
    """Make the home of the user: certificate, checkout, a place for the client."""
    pair = Grid(lab.settings.grid).user(ALICE)
    globus = HOME / ".globus"
    globus.mkdir(parents=True)
    shutil.copyfile(pair.certificate, globus / "usercert.pem")
    shutil.copyfile(pair.key, globus / "userkey.pem")
    (globus / "userkey.pem").chmod(0o400)
    shutil.copytree(SOURCE, HOME / SOURCE.name)
    subprocess.run([sys.executable, "-m", "venv", HOME / "client"], check=True)
    for place in (HOME, *HOME.rglob("*")):
        os.chown(place, ALICE_ID, ALICE_ID, follow_symlinks=False)


def as_alice(*words: str) -> None:
    """Run a command as alice; GuideError with what it said if it fails."""
    environ = {"PATH": SYSTEM, "HOME": str(HOME), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [*AS_ALICE, *words], env=environ, cwd=HOME, capture_output=True, text=True
    )
    if done.returncode:
        said = done.stdout + done.stderr
        raise GuideError(f"alice cannot run {shlex.join(words)}: {said}")
