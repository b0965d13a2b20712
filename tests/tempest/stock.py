# SPDX-License-Identifier: Apache-2.0
"""A lab without our parts, for a comparison.

Owns: which lines make a lab stock. Isolation goes by the lab's own setting; VOMS and
OCCI are taken out of the files that Keystone and Nova read at their start. Must never:
change what the lab's next `up` does not write anew. Read first: made_stock.
"""

import re

import requests

from tests.lab.beside import set_otherwise
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.rendering import STOCK_METHODS
from tests.lab.settings import OCCI, OFF

# The lab's Keystone is loaded by this file; without filters it is Keystone's own.
KEYSTONE_PASTE = """\
[pipeline:main]
pipeline = keystone

[app:keystone]
use = egg:fedcloud-openstack#keystone
"""
CHANGED = ("keystone", "nova")
SECONDS = 60


def made_stock(lab: Lab) -> Lab:
    """Return the lab, running without our parts until it is brought up again."""
    there = set_otherwise(lab, isolation=OFF)
    etc, venv = there.settings.etc, there.settings.venv
    for service in reversed((*CHANGED, *_own_port(there))):
        there.stop_service(service)
    keystone = etc / "keystone.conf"
    keystone.write_text(without_voms(keystone.read_text()))
    (etc / "keystone-paste.ini").write_text(KEYSTONE_PASTE)
    own = venv / "etc/nova/api-paste.ini"
    (etc / "api-paste.ini").write_text(own.read_text())
    for service in CHANGED:
        there.start_service(service)
    left = _left(there)
    if left:
        raise LabError(
            f"The lab is not stock: {left}. Compare tests/tempest/stock.py with "
            "what the lab's services read."
        )
    return there


def _own_port(lab: Lab) -> tuple[str, ...]:
    """Return the service of OCCI where it is a process of its own."""
    return (OCCI,) if OCCI in lab.names else ()


def _left(lab: Lab) -> str:
    """Return what of our parts still answers, '' for nothing."""
    grid, keystone = lab.settings.grid, lab.settings.url("keystone")
    with requests.Session() as session:
        session.trust_env = False
        login = session.post(
            f"{keystone}/v3/auth/tokens",
            json={"auth": {"identity": {"methods": ["voms"], "voms": {}}}},
            cert=str(grid / "proxies/alice.pem"),
            verify=str(lab.settings.ca_file),
            timeout=SECONDS,
        )
        found = {
            service: session.get(
                f"{lab.settings.url(service)}/occi1.1/-/",
                verify=str(lab.settings.ca_file),
                timeout=SECONDS,
            )
            for service in ("nova", *_own_port(lab))
        }
    if login.status_code != 401 or "VOMS" in login.text:
        return f"a VOMS login is answered {login.status_code} {login.text[:100]}"
    for service, answer in found.items():
        if "OCCI" in answer.headers.get("Server", ""):
            return f"OCCI answers {answer.status_code} on the port of {service}"
    return ""


def without_voms(conf: str) -> str:
    """Return a keystone.conf with the methods that Keystone itself has."""
    methods = f"methods = {','.join(STOCK_METHODS)}"
    conf = re.sub(r"(?m)^methods = .*$", methods, conf)
    ours = r"(?m)^(mapped|token|additional_primary_auth_methods) = voms\n"
    conf = re.sub(ours, "", conf)
    return re.sub(r"(?ms)^\[voms\]\n.*?(?=^\[|\Z)", "", conf)
