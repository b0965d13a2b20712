# SPDX-License-Identifier: Apache-2.0
"""One request of one persona to one service, exactly as it is written.

Owns: the addresses of the APIs, and their microversions. Must never: tidy a path
up; a client that means harm does not. Read first: Api.send.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.isolation.personas import Persona
from tests.lab.settings import HOST, Settings

OLDEST, NEWEST = "oldest", "newest"
SECONDS = 60
# Service of the matrix -> service of the lab, and where its API begins there.
PLACES = {
    "nova": ("nova", "/v2.1"),
    "occi": ("nova", "/occi1.1"),
    "cinder": ("cinder", "/v3/{own_project}"),
    "glance": ("glance", "/v2"),
    "neutron": ("neutron", "/v2.0"),
}
_VERSIONED = {"nova": "compute", "cinder": "volume"}
_OLDEST = {"nova": "2.1", "cinder": "3.0"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    @property
    def document(self) -> Any:
        """Return the JSON of the body; ValueError if it is none."""
        return json.loads(self.text) if self.text else None


@dataclass(frozen=True)
class Api:
    """The services of one lab."""

    settings: Settings

    def send(
        self,
        service: str,
        persona: Persona,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str = NEWEST,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer; `path` begins where the API does."""
        begin = PLACES[service][1].format(own_project=persona.project_id)
        return self.raw(
            service,
            persona,
            method,
            begin + path,
            body,
            headers={**self._version(service, version), **(headers or {})},
        )

    def raw(
        self,
        service: str,
        persona: Persona,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer; `path` is what the request line has.

        A body that is no text and no bytes is sent as JSON.
        """
        sent = {"X-Auth-Token": persona.token, **(headers or {})}
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
            sent = {"Content-Type": "application/json", **sent}
        port = self.settings.port(PLACES[service][0])
        connection = http.client.HTTPConnection(HOST, port, timeout=SECONDS)
        # http.client refuses some of what a harmful client would send.
        connection._validate_path = lambda url: None
        try:
            connection.request(method, path, body, sent)
            found = connection.getresponse()
            text = found.read().decode("utf-8", "replace")
            return Answer(status=found.status, text=text, headers=dict(found.headers))
        finally:
            connection.close()

    def asked(self, service: str, persona: Persona, method: str, *more: Any) -> Any:
        """Return the document of a request that has to succeed."""
        answer = self.send(service, persona, method, *more)
        if not answer.succeeded:
            raise RuntimeError(
                f"{persona.name}: {method} {service} {more[0]} was answered "
                f"{answer.status}: {answer.text[:500]}"
            )
        return answer.document

    def _version(self, service: str, version: str) -> dict[str, str]:
        if service not in _VERSIONED:
            return {}
        number = version
        if version in (OLDEST, NEWEST):
            number = (_OLDEST if version == OLDEST else self._newest)[service]
        return {"OpenStack-API-Version": f"{_VERSIONED[service]} {number}"}

    @cached_property
    def _newest(self) -> dict[str, str]:
        found = {}
        for service in _VERSIONED:
            nobody = Persona(name="nobody", token="", user_id="", project_id="")
            versions = self.raw(service, nobody, "GET", "/").document["versions"]
            found[service] = next(v["version"] for v in versions if v["version"])
        for service, versions in found.items():
            if not versions:
                raise RuntimeError(f"{service} does not say its newest version.")
        return found
