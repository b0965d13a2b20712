# SPDX-License-Identifier: Apache-2.0
"""The lab's APIs as its admin sees them.

Owns the admin's session: token, trust in the lab's CA, error texts. It must
never use what the caller's shell says about proxies or CA bundles. Read
Cloud.call.
"""

import re
from types import TracebackType
from typing import Any

import requests

from tests.lab.errors import LabError
from tests.lab.settings import Settings

REQUEST_SECONDS = 30
# Where each API begins below the root URL of its service.
PREFIXES = {
    "keystone": "/v3",
    "placement": "",
    "glance": "/v2",
    "nova": "/v2.1",
    "neutron": "/v2.0",
    "cinder": "/v3",
    "occi": "/occi1.1",
}


class Cloud:
    """An admin's session with all services; use it as a context manager."""

    def __init__(self, settings: Settings, password: str) -> None:
        self._settings = settings
        self._password = password
        self._token = ""
        self.project_id = ""
        self._http = requests.Session()
        self._http.trust_env = False

    def __enter__(self) -> "Cloud":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def log_in(self) -> None:
        """Get an admin's token for project admin; LabError when refused."""
        user = {
            "name": "admin",
            "domain": {"id": "default"},
            "password": self._password,
        }
        project = {"name": "admin", "domain": {"id": "default"}}
        response = self._send(
            "POST",
            "keystone",
            "/auth/tokens",
            {
                "auth": {
                    "identity": {"methods": ["password"], "password": {"user": user}},
                    "scope": {"project": project},
                }
            },
        )
        self._token = response.headers["X-Subject-Token"]
        self.project_id = response.json()["token"]["project"]["id"]

    def call(
        self, method: str, service: str, path: str, body: object = None
    ) -> dict[str, Any]:
        """Return the JSON answer, {} without one; LabError from status 400 on."""
        if not self._token:
            self.log_in()
        response = self._send(method, service, path, body)
        return response.json() if response.content else {}

    def text(self, service: str, path: str) -> str:
        """Return the text of what GET finds; LabError from status 400 on."""
        if not self._token:
            self.log_in()
        return self._send("GET", service, path).text

    def upload(self, path: str, data: bytes) -> None:
        """Put bytes into Glance."""
        self._send("PUT", "glance", path, data)

    def root_status(self, service: str) -> int:
        """Return the HTTP status of GET /; LabError when nobody answers."""
        return self._request(
            "GET", service, f"{self._settings.url(service)}/"
        ).status_code

    def _send(
        self, method: str, service: str, path: str, body: object = None
    ) -> requests.Response:
        url = f"{self._settings.url(service)}{PREFIXES[service]}{path}"
        response = self._request(method, service, url, body)
        if response.status_code >= 400:
            raise LabError(
                f"{service} answered {response.status_code} to {method} {path}: "
                f"{response.text[:300]}"
            )
        return response

    def _request(
        self, method: str, service: str, url: str, body: object = None
    ) -> requests.Response:
        raw = isinstance(body, bytes)
        headers = {"X-Auth-Token": self._token} if self._token else {}
        if raw:
            headers["Content-Type"] = "application/octet-stream"
        try:
            return self._http.request(
                method,
                url,
                json=None if raw else body,
                data=body if raw else None,
                headers=headers,
                verify=str(self._settings.ca_file),
                timeout=REQUEST_SECONDS,
            )
        except (requests.RequestException, OSError) as error:
            raise LabError(
                f"{service} does not answer at {url}: {_short(error)}"
            ) from error


def _short(error: Exception) -> str:
    """Return the system's own words out of requests' nest of exceptions."""
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)", str(error))
    return found.group(1) if found else f"{type(error).__name__} {error}"[:200]
