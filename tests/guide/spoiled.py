# SPDX-License-Identifier: Apache-2.0
"""The finished site with one thing spoiled at a time: is each found and named?

Owns the table of what is spoiled and what must be said. Each file is put back, and no
server is started anew in between: the commands read files. It must never take a verdict
for granted that the sound site has too. Read SPOILED.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.guide.actions import GuideError
from tests.guide.reader import APACHE, HAPROXY

STATUS = "keystone-voms-status upgrade check --json"
PASTE = "ooi-manage paste --check"
UWSGI = "/etc/keystone/keystone-voms-uwsgi.ini"
VHOST = "/etc/apache2/sites-available/keystone-voms.conf"
PROXY = "/etc/haproxy/haproxy.cfg"


@dataclass(frozen=True, kw_only=True)
class Spoiled:
    """A file in which `old`, a regular expression, became `new`.

    `says` is what the command must tell, and does not tell of the sound site.
    """

    variants: tuple[str, ...] = (APACHE, HAPROXY)
    file: str
    old: str
    new: str
    says: str
    command: str = STATUS


SPOILED = (
    Spoiled(
        variants=(APACHE,),
        file=VHOST,
        old=r"(?m)^ *LoadModule gridsite_module .*$",
        new="",
        says="mod_gridsite is not loaded",
    ),
    Spoiled(
        variants=(APACHE,),
        file=VHOST,
        old="SSLSessionTickets off",
        new="SSLSessionTickets on",
        says="SSLSessionTickets is on",
    ),
    Spoiled(
        variants=(APACHE,),
        file="/etc/apache2/mods-available/ssl.conf",
        old=r"(?m)^#(\s*SSLSessionCache\b)",
        new=r"\1",
        says="/etc/apache2/mods-enabled/ssl.conf, line",
    ),
    Spoiled(
        variants=(APACHE,),
        file="/etc/apache2/conf-available/keystone-voms-site.conf",
        old=r"\Z",
        new="Define KEYSTONE_VOMS_CADIR /etc/grid-security/certs\n",
        says="SSLCACertificatePath is /etc/grid-security/certs, and there is no such "
        "directory",
    ),
    Spoiled(
        variants=(HAPROXY,),
        file=PROXY,
        old=r"(?m)^.*del-header.*\n",
        new="",
        says="lets headers through that a client wrote",
    ),
    Spoiled(
        variants=(HAPROXY,),
        file=PROXY,
        old=" no-tls-tickets",
        new="",
        says="TLS tickets are on",
    ),
    Spoiled(
        variants=(HAPROXY,),
        file=PROXY,
        old="ca-file /etc/haproxy/igtf.pem",
        new="ca-file /etc/haproxy/absent.pem",
        says="/etc/haproxy/absent.pem",
    ),
    Spoiled(
        file=UWSGI,
        old=r"(?m)^buffer-size = .*$",
        new="buffer-size = 4096",
        says="buffer-size is 4096, too small for the certificates of a proxy",
    ),
    Spoiled(
        file="/etc/keystone/keystone.conf",
        old=r"(?m)^\[voms\]$",
        new="[voms]\nca_path = /etc/grid-security/certs",
        says="/etc/grid-security/certs",
    ),
    Spoiled(
        file="/etc/nova/api-paste.ini",
        old=r"(?m)^(keystone = .*) occi ",
        new=r"\1 ",
        says="has no pipeline with OCCI's filter",
        command=PASTE,
    ),
    Spoiled(
        file="/etc/nova/api-paste.ini",
        old=r"(?m)^\[filter:authtoken\]$",
        new="[filter:authtoken]\n[filter:authtoken]",
        says="authtoken",
        command=PASTE,
    ),
)


def look(variant: str, run: Callable[[str], tuple[int, str]]) -> int:
    """Return how many were found; GuideError for one that was not.

    `run` returns status and output of a command that the administrator types.
    """
    sound = {command: run(command) for command in (STATUS, PASTE)}
    mine = [one for one in SPOILED if variant in one.variants]
    for one in mine:
        before, said = sound[one.command]
        if one.says in said:
            raise GuideError(f"{one.command} says {one.says!r} of the sound site too.")
        status, output = _spoilt(one, run)
        # A sound site may have warnings.
        if status <= before or one.says not in output:
            raise GuideError(
                f"With {one.old!r} of {one.file} as {one.new!r}, `{one.command}` ended "
                f"with {status} and did not say {one.says!r}:\n{output}"
            )
    if {command: run(command) for command in sound} != sound:
        raise GuideError("The site is not as it was before it was spoiled.")
    return len(mine)


def _spoilt(one: Spoiled, run: Callable[[str], tuple[int, str]]) -> tuple[int, str]:
    file = Path(one.file)
    text = file.read_text()
    changed, count = re.subn(one.old, one.new, text)
    if not count:
        raise GuideError(f"{file} has nothing like {one.old!r} to spoil.")
    try:
        file.write_text(changed)
        return run(one.command)
    finally:
        file.write_text(text)
