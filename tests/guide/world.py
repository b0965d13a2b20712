# SPDX-License-Identifier: Apache-2.0
"""A machine for the guide: this one in namespaces, with nothing of it changed.

Owns the root that is laid over the machine's, in memory, and what is fetched into it
while there is a network. It must never change a file of the machine, nor leave a
process or a mount behind: it is the first process of its own namespaces, and all of
them end with it. Read main.

Command: python -m tests.guide.world WORK_FOLDER VARIANT   (as tests.guide starts it)
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.guide.actions import Commands, GuideError
from tests.guide.people import SYSTEM, WHEELS
from tests.guide.reader import APACHE, read
from tests.lab.lab import SOURCE

GUIDE = SOURCE / "doc/source/install/index.rst"
# Where the project lies on the site's machine: an export without .git.
CHECKOUT = Path("/usr/local/src/fedcloud-openstack")
HOST = "controller.example.org"
APT_INSTALL = re.compile(r"^\s*apt install +(.*)$", re.MULTILINE)
# What the guide brings, and a machine may have for a lab of its own.
SERVERS = ("apache2", "apache2-bin", "apache2-data", "gridsite", "haproxy")
APT = ("apt-get", "-y", "-qq")


@dataclass(frozen=True, kw_only=True)
class Root:
    """The folder that is the root of the site's machine."""

    path: Path

    def at(self, place: str | Path) -> Path:
        """Return where a place of the site's machine lies on this one."""
        return self.path / str(place).lstrip("/")

    def command(self, *words: str) -> list[str]:
        """Return the command that runs another one on the site's machine."""
        return ["chroot", str(self.path), *words]

    def run(self, *words: str, environ: Mapping[str, str]) -> None:
        """Run a command there; GuideError with its last words if it fails."""
        done = subprocess.run(
            self.command(*words),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            raise GuideError(f"`{' '.join(words)}` failed while preparing:\n{last}")


def main() -> int:
    """Return the exit status of the run on the site's machine."""
    work, variant = Path(sys.argv[1]), sys.argv[2]
    try:
        root = lay_over(work)
        socket.sethostname(HOST)
        export(SOURCE, root.at(CHECKOUT))
        fetch(root, variant)
    except (GuideError, OSError, subprocess.SubprocessError) as error:
        print(f"guide: the site cannot be made: {error}", file=sys.stderr)
        return 1
    python = f"{sys.prefix}/bin/python"
    inside = root.command(
        *("env", "-i", f"PATH={sys.prefix}/bin:{SYSTEM}", "HOME=/root", "LANG=C.UTF-8"),
        *("PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"),
        *(f"PYTHONPATH={CHECKOUT}", python, "-m", "tests.guide.inside", variant),
    )
    # From here on loopback is all the network there is.
    status = subprocess.call(["unshare", "--net", *inside], stdin=subprocess.DEVNULL)
    keep_logs(root)
    return status


def lay_over(work: Path) -> Root:
    """Return a root in which everything is as on this machine, and can be changed."""
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(work))
    root = Root(path=work / "root")
    root.path.mkdir()
    for number, place in enumerate(_filesystems()):
        upper, inner = work / f"upper{number}", work / f"inner{number}"
        upper.mkdir()
        inner.mkdir()
        shutil.copystat(place, upper)
        options = f"lowerdir={place},upperdir={upper},workdir={inner}"
        _mount("-t", "overlay", "-o", options, "overlay", str(root.at(place)))
    _mount("-t", "proc", "proc", str(root.at("/proc")))
    for place in ("/dev", "/sys"):
        _mount("--rbind", place, str(root.at(place)))
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(root.at("/run")))
    root.at("/run/lock").mkdir(mode=0o1777)
    # The project may lie in /tmp itself, so it stays, less what the guide finds there.
    root.at("/tmp").chmod(0o1777)
    for proxy in root.at("/tmp").glob("x509up_*"):
        proxy.unlink()
    # In a container these are mounts of their own, which no overlay shows.
    for place in ("/etc/resolv.conf", "/etc/hosts"):
        root.at(place).unlink(missing_ok=True)
        root.at(place).write_text(Path(place).read_text())
    with root.at("/etc/hosts").open("a") as file:
        file.write(f"\n127.0.0.1 localhost {HOST}\n")
    # The users of the site start the Python of this environment.
    for folder in (*Path(sys.prefix).parents, *Path(sys.base_prefix).parents):
        root.at(folder).chmod(root.at(folder).stat().st_mode | 0o111)
    return root


def export(source: Path, target: Path) -> None:
    """Copy what git knows of the project, and what it would take up."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=source,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        raise GuideError(
            f"Only git knows the files of the project ({listed.stderr.strip()}). "
            "Start it in a clone."
        )
    for name in filter(None, listed.stdout.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def fetch(root: Root, variant: str) -> None:
    """Bring in what the lab and the guide install, and take our package out."""
    environ = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "PYTHONPATH": str(CHECKOUT),
    }
    python = f"{sys.prefix}/bin/python"
    # It throws away what was fetched.
    root.at("/etc/apt/apt.conf.d/docker-clean").unlink(missing_ok=True)
    # No package starts a daemon: the guide says what runs and when.
    policy = root.at("/usr/sbin/policy-rc.d")
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    wheels = subprocess.Popen(
        root.command(python, "-m", "tests.guide.wheels", str(WHEELS)),
        env=environ,
        stdin=subprocess.DEVNULL,
    )
    try:
        root.run(*APT, "update", environ=environ)
        root.run(*APT, "purge", *SERVERS, environ=environ)
        if variant == APACHE:
            # For the services whose TLS server may be any.
            root.run(*APT, "install", "haproxy", environ=environ)
        root.run(python, "-m", "tests.guide.site_packages", environ=environ)
        for names in packages(variant):
            root.run(*APT, "install", "--download-only", *names, environ=environ)
    finally:
        status = wheels.wait()
    if status:
        raise GuideError("The packages of a client cannot be fetched; see above.")
    uninstall = (python, "-m", "pip", "uninstall", "--yes", "fedcloud-openstack")
    root.run(*uninstall, environ=environ)


def packages(variant: str) -> list[list[str]]:
    """Return the packages of each line of the guide that installs some."""
    actions = read(GUIDE.read_text(), variant=variant)
    texts = [action.text for action in actions if isinstance(action, Commands)]
    return [words.split() for text in texts for words in APT_INSTALL.findall(text)]


def keep_logs(root: Root) -> None:
    """Copy the logs of the site's services to where the caller looks for them."""
    target = Path(os.environ["GUIDE_LOGS"])
    for place in ("/var/tmp/site/log", "/run/units-of-the-site", "/var/log/keystone"):
        if root.at(place).is_dir():
            for log in sorted(root.at(place).glob("*.log")):
                shutil.copyfile(log, target / f"{Path(place).name}-{log.name}")
    for log in sorted(root.at("/var/log/apache2").glob("*.log")):
        shutil.copyfile(log, target / f"apache2-{log.name}")


def _filesystems() -> list[Path]:
    """Return the file systems that hold the machine and the project, / first."""
    found = [Path("/")]
    for place in (SOURCE, Path(sys.prefix), Path(sys.base_prefix)):
        while not os.path.ismount(place):
            place = place.parent
        if place not in found:
            found.append(place)
    return found


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True)
    if done.returncode:
        raise GuideError(f"mount {' '.join(words)}: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
