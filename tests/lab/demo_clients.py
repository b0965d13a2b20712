# SPDX-License-Identifier: Apache-2.0
"""What the steps of the demo share: alice's clients, and what was found.

Owns how the demo speaks to the services and to their logs. It must hand on
what a service answered and judge nothing. Read ``Demo`` first.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from tests.grid.accounts import ACCOUNTS
from tests.lab.lab import Lab

BIN = Path(sys.executable).parent


class StepFailed(Exception):
    """A service did not answer as the step says it must."""


def expect(what: str, found: object, wanted: object) -> None:
    """Raise StepFailed unless the answer is the wanted one."""
    if found != wanted:
        raise StepFailed(f"{what} is {found!r}, not {wanted!r}")


class Demo:
    """What the steps share: the clients, and what earlier steps found."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.env: dict[str, str] = {}
        self.found: dict[str, Any] = {}
        self.log_ends: dict[str, int] = {}

    # Clients

    def openstack(self, *arguments: str) -> Any:
        """Return what openstackclient prints as JSON, with alice's variables."""
        done = subprocess.run(
            [BIN / "openstack", *arguments, "-f", "json"],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise StepFailed(done.stderr.strip().splitlines()[-1])
        return json.loads(done.stdout)

    def keystone(
        self, method: str, path: str, *, proxy: str | None = None, **parts: Any
    ) -> requests.Response:
        """Return Keystone's answer, with an account's proxy in the handshake."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self.env["OS_AUTH_URL"] + path,
                cert=f"{self.env['LAB_PROXIES']}/{proxy}.pem" if proxy else None,
                verify=self.env["OS_CACERT"],
                timeout=60,
                **parts,
            )

    def log_in(self, proxy: str) -> requests.Response:
        identity = {"methods": ["voms"], "voms": {}}
        body = {"auth": {"identity": identity}}
        return self.keystone("POST", "/auth/tokens", proxy=proxy, json=body)

    def token(self, token: str) -> Any:
        """Return what Keystone says of a token, asked with that token."""
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        answer = self.keystone("GET", "/auth/tokens", headers=headers)
        expect("the status of a token's validation", answer.status_code, 200)
        return answer.json()["token"]

    def admin(self) -> dict[str, str]:
        """Return the headers of the administrator, who logs in by password."""
        with open(self.env["OS_ADMIN_AUTH_FILE"], encoding="utf-8") as file:
            text = file.read()
        password = text.partition("OS_PASSWORD=")[2].split("\n")[0].strip("'\"")
        domain = {"id": "default"}
        user = {"name": "admin", "domain": domain, "password": password}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": "admin", "domain": domain}},
            }
        }
        answer = self.keystone("POST", "/auth/tokens", json=body)
        expect("the status of a password login", answer.status_code, 201)
        return {"X-Auth-Token": answer.headers["X-Subject-Token"]}

    def occi(self, method: str, path: str, **parts: Any) -> requests.Response:
        """Return the answer of the OCCI endpoint; the path may be a whole URL."""
        url = path if "://" in path else self.env["OCCI_ENDPOINT"] + path
        headers = {
            "X-Auth-Token": self.need("token"),
            "Accept": "text/plain",
            **parts.pop("headers", {}),
        }
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, headers=headers, timeout=60, **parts)

    # What steps hand on

    def need(self, name: str) -> Any:
        if name not in self.found:
            raise StepFailed(f"an earlier step did not find the {name}")
        return self.found[name]

    def mark_logs(self) -> None:
        """Remember where the logs end now: new_line looks behind that."""
        for name in ("keystone", "keystone-tls"):
            log = self.lab.log(name)
            self.log_ends[name] = log.stat().st_size if log.exists() else 0

    def new_line(self, name: str, word: str) -> str:
        """Return the first line with that word in what the log has gained."""
        end = time.monotonic() + 10
        while True:
            with open(self.lab.log(name), "rb") as file:
                file.seek(self.log_ends[name])
                text = file.read().decode(errors="replace")
            for line in text.splitlines():
                if word in line:
                    return line.strip()
            if time.monotonic() > end:
                raise StepFailed(f"the log of {name} has no new line with {word!r}")
            time.sleep(0.1)

    def alices(self) -> list[dict[str, Any]]:
        answer = self.keystone("GET", "/users?domain_id=default", headers=self.admin())
        return [u for u in answer.json()["users"] if u["name"] == ACCOUNTS["alice"].dn]
