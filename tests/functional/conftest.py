# SPDX-License-Identifier: Apache-2.0
"""The lab as a fixture, and the ways in which a client uses it.

A lab that runs already is used and left running; otherwise one is started for
the tests and stopped after them. A lab that does not start is an error, never
a skip. Read ``lab`` first.
"""

import functools
import json
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.functional import serving
from tests.grid.grid import Grid
from tests.lab.lab import Lab

BIN = Path(sys.executable).parent


@pytest.fixture(scope="session")
def lab():
    """Return the lab, running."""
    found = Lab.from_environ()
    running = not any(service.fault for service in found.status())
    found.up()
    try:
        yield found
    finally:
        if not running:
            found.down()


@pytest.fixture(scope="session")
def lab_env(lab):
    """Return the environment of a client that has sourced clients.env."""
    return lab.client_environ()


@pytest.fixture(scope="session")
def grid(lab):
    """Return the lab's grid: CAs, VOMS servers, users, proxies."""
    return Grid(lab.settings.grid)


@dataclass(frozen=True)
class Client:
    """A client of the lab's Keystone, by requests or by openstackclient."""

    env: dict

    def post(self, path, body=None, *, proxy=None, token=None, method="POST"):
        """Return Keystone's answer; a TLS alert raises requests' SSLError."""
        # A session of its own: a pooled connection has another certificate.
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self.env["OS_AUTH_URL"] + path,
                json=body,
                cert=str(proxy) if proxy else None,
                headers={"X-Auth-Token": token} if token else {},
                verify=self.env["OS_CACERT"],
                timeout=60,
            )

    def get(self, path, *, proxy=None, token=None):
        return self.post(path, proxy=proxy, token=token, method="GET")

    def post_subject(self, method, subject, *, by=None):
        """Return Keystone's answer about a token, to its owner or to another."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self.env["OS_AUTH_URL"] + "/auth/tokens",
                headers={"X-Auth-Token": by or subject, "X-Subject-Token": subject},
                verify=self.env["OS_CACERT"],
                timeout=60,
            )

    def log_in(self, proxy, *, project=None, domain="Default"):
        """Return the answer to a native VOMS login, scoped or not."""
        auth = {"identity": {"methods": ["voms"], "voms": {}}}
        if project:
            auth["scope"] = {"project": {"name": project, "domain": {"name": domain}}}
        return self.post("/auth/tokens", {"auth": auth}, proxy=proxy)

    def admin_token(self):
        """Return a token of the administrator, who logs in by password."""
        user = {"name": "admin", "domain": {"name": "Default"}, "password": None}
        with open(self.env["OS_ADMIN_AUTH_FILE"], encoding="utf-8") as file:
            lines = [line.strip() for line in file]
        for line in lines:
            if line.startswith("export OS_PASSWORD="):
                user["password"] = line.partition("=")[2].strip("'\"")
        answer = self.post(
            "/auth/tokens",
            {
                "auth": {
                    "identity": {"methods": ["password"], "password": {"user": user}},
                    "scope": {
                        "project": {"name": "admin", "domain": {"name": "Default"}}
                    },
                }
            },
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["X-Subject-Token"]

    def users_named(self, dn):
        """Return the users of that name, exactly, as the administrator sees them."""
        answer = self.post("/users", token=self.admin_token(), method="GET")
        return [user for user in answer.json()["users"] if user["name"] == dn]

    def openstack(self, *arguments, check=True, **variables):
        """Return what a command of openstackclient printed, as JSON if it can be."""
        done = subprocess.run(
            [BIN / "openstack", *arguments],
            env={**self.env, **variables},
            capture_output=True,
            text=True,
            timeout=180,
        )
        if not check:
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if "json" in arguments else done.stdout


@pytest.fixture(scope="session")
def client(lab_env):
    return Client(lab_env)


@pytest.fixture(scope="session")
def proxies(lab_env):
    """Return the path of an account's proxy by the account's name."""
    return lambda name: Path(lab_env["LAB_PROXIES"]) / f"{name}.pem"


@pytest.fixture(scope="session")
def token_for(client, proxies):
    """Return a token in project dteam for an account, by a VOMS login."""

    def token(name, project="dteam"):
        answer = client.log_in(proxies(name), project=project)
        assert answer.status_code == 201, answer.text
        return answer.headers["X-Subject-Token"]

    return token


@pytest.fixture
def serve(lab, tmp_path):
    """Return a function that serves requests with options changed."""
    return functools.partial(serving.serve, lab.settings, tmp_path)


@pytest.fixture
def logged(lab):
    """Return a reader of what a service's log gained since the test began."""
    names = ("keystone", "keystone-tls", "nova")
    begin = {name: lab.log(name).stat().st_size for name in names}

    def read(name="keystone", until=None, seconds=10):
        end = time.monotonic() + seconds
        while True:
            with open(lab.log(name), "rb") as file:
                file.seek(begin[name])
                text = file.read().decode(errors="replace")
            if until is None or until in text or time.monotonic() > end:
                return text
            time.sleep(0.1)

    return read


@pytest.fixture
def unique():
    """Return a name that nothing else in the lab has."""
    return f"test-{uuid.uuid4().hex[:12]}"
