# SPDX-License-Identifier: Apache-2.0
"""Requests served by the application in a process of its own.

A TLS server refuses most spoilt certificates before Keystone sees them, and the
lab's Keystone has one set of options; here the environ and the options are the
test's to choose, on the lab's own database. Read ``serve`` first.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

VOMS = {"auth": {"identity": {"methods": ["voms"], "voms": {}}}}


def login(**environ):
    return {"path": "/v3/auth/tokens", "body": VOMS, "environ": environ}


def keys_of(path):
    """Return the environ keys that a TLS server makes of a proxy file."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    found = path.read_text().split(begin)[1:]
    leaf, *rest = (f"{begin}{part.split(end)[0]}{end}\n" for part in found)
    issuers = {f"SSL_CLIENT_CERT_CHAIN_{n}": text for n, text in enumerate(rest)}
    return {"SSL_CLIENT_CERT": leaf, **issuers}


@dataclass(frozen=True)
class Served:
    answers: list
    log: str

    def warnings(self):
        return [line for line in self.log.splitlines() if " WARNING " in line]


def serve(settings, place, requests, **options):
    """Serve requests with options of [voms] changed, or of SECTION__option."""
    log = place / "keystone.log"
    log.unlink(missing_ok=True)
    sections = {"DEFAULT": {"log_file": log, "log_dir": ""}, "voms": {}}
    for name, value in options.items():
        section, _, option = name.rpartition("__")
        sections.setdefault(section or "voms", {})[option] = value
    changed = place / "changed.conf"
    changed.write_text(
        "".join(
            f"[{section}]\n"
            + "".join(f"{key} = {value}\n" for key, value in of.items())
            for section, of in sections.items()
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.functional.in_process"],
        input=json.dumps(requests),
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("OS_")},
            "OS_KEYSTONE_CONFIG_DIR": str(settings.etc),
            "OS_KEYSTONE_CONFIG_FILES": f"keystone.conf;{changed}",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return Served(json.loads(done.stdout.splitlines()[-1]), log.read_text())
