# SPDX-License-Identifier: Apache-2.0
"""One user at the lab's OCCI endpoint, and at Nova's own API beside it.

Owns: sending, waiting, and the list of what a test has made. Must never: hide
an answer; a test sees the whole of it. Read first: Occi.send.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import requests


@dataclass
class Occi:
    """The OCCI endpoint, and Nova's own API beside it, for one user."""

    endpoint: str
    token: str
    image: str = ""
    flavor: str = ""
    made: list[str] = field(default_factory=list)

    def send(
        self, method: str, url: str, body: bytes = b"", **headers: str
    ) -> requests.Response:
        """Send one request; `url` may begin at the endpoint."""
        whole = url if url.startswith("http") else self.endpoint + url
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = requests.request(
            method,
            whole,
            data=body or None,
            headers={"X-Auth-Token": self.token, **names},
            timeout=60,
        )
        if answer.status_code == 201:
            self.made.append(answer.headers["Location"])
        return answer

    def create(self, body: bytes, **headers: str) -> str:
        """Return the URL of the machine that `body` makes."""
        answer = self.send("POST", "/compute/", body, **headers)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def wait(self, url: str, state: str, seconds: float = 60) -> str:
        """Return the text of the machine as soon as it is in `state`."""
        end = time.monotonic() + seconds
        while True:
            answer = self.send("GET", url)
            assert answer.status_code == 200, answer.text
            if f'occi.compute.state="{state}"' in answer.text:
                return answer.text
            assert time.monotonic() < end, answer.text
            time.sleep(0.3)

    def gone(self, url: str, seconds: float = 60) -> None:
        """Wait until the machine is no more."""
        end = time.monotonic() + seconds
        while self.send("GET", url).status_code != 404:
            assert time.monotonic() < end, f"{url} is still there"
            time.sleep(0.3)

    def nova(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of Nova's own answer."""
        answer = requests.request(
            method,
            self.endpoint.replace("/occi1.1", "/v2.1") + path,
            json=body,
            headers={
                "X-Auth-Token": self.token,
                "OpenStack-API-Version": "compute 2.96",
            },
            timeout=60,
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def listed(self) -> list[str]:
        """Return the URLs of all machines."""
        answer = self.send("GET", "/compute/", Accept="text/uri-list")
        assert answer.status_code == 200, answer.text
        return answer.text.split()
