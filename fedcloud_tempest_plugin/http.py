# SPDX-License-Identifier: Apache-2.0
"""One request, with or without a proxy certificate, exactly as it is written.

Owns: the TLS side of a client. Tempest's own client has no place for a client
certificate and raises on a refusal, which most of these tests want to look at. Must
never: leave a server's certificate unchecked, or send on a connection that another
user opened. Read first: Http.send.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3


class TlsRefusal(Exception):
    """The server ended the connection instead of answering."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; the names of the headers are in lower case."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def document(self) -> Any:
        """Return the JSON of the body; ValueError if it is none."""
        return json.loads(self.text)


@dataclass(frozen=True, kw_only=True)
class Http:
    """How servers are spoken to; `ca_file` (PEM) '' means the system's CAs."""

    ca_file: str
    timeout_seconds: int

    def send(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        proxy: str = "",
    ) -> Answer:
        """Return the answer; a body that is no text and no bytes goes as JSON.

        `proxy` is a file with certificate, key and chain. Raises TlsRefusal when the
        server takes the connection and closes it without an answer. Redirects are
        not followed.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
            sent = {"Content-Type": "application/json", **sent}
        with self._pool(proxy) as pool:
            try:
                found = pool.request(
                    method,
                    url,
                    body=body,
                    headers=sent,
                    timeout=self.timeout_seconds,
                    retries=False,
                )
            # With TLS 1.3 the alert comes when the client already reads the answer,
            # and a connection may be reset before the alert is seen.
            except (urllib3.exceptions.SSLError, urllib3.exceptions.ProtocolError) as e:
                raise TlsRefusal(f"{method} {url}: {e}") from e
        return Answer(
            status=found.status,
            text=found.data.decode("utf-8", "replace"),
            headers={name.lower(): text for name, text in found.headers.items()},
        )

    def _pool(self, proxy: str) -> urllib3.PoolManager:
        # A pool of its own: an open connection keeps the certificate it began with.
        return urllib3.PoolManager(
            cert_reqs="CERT_REQUIRED",
            ca_certs=self.ca_file or None,
            cert_file=proxy or None,
            key_file=proxy or None,
        )
