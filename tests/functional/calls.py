# SPDX-License-Identifier: Apache-2.0
"""Requests to the root of the lab's Keystone, as clients of any version send them.

Owns one connection a request and the lab's CA, whatever the shell of the tests
says. Must never assert what the answer should be. Read ``Caller`` first.
"""

from dataclasses import dataclass

import requests

V2 = {"auth": {"voms": True}}


def v2(path="/v2.0/tokens", method="POST", body=None, **environ):
    """Return a request for the fixture ``serve``."""
    return {"path": path, "method": method, "body": body, "environ": environ}


@dataclass(frozen=True)
class Caller:
    """A program that speaks HTTP with a proxy for its client certificate."""

    env: dict

    @property
    def root(self):
        """The unversioned URL, which ``Keystone uri="..."`` tells clients."""
        return self.env["OS_AUTH_URL"].removesuffix("/v3")

    def __call__(self, method, url, *, proxy=None, headers=(), **body):
        """Return the answer to a request for a URL, or for a path below the root."""
        # A session of its own: a pooled connection has another certificate.
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                url if url.startswith("http") else self.root + url,
                cert=str(proxy) if proxy else None,
                headers=dict(headers),
                verify=self.env["OS_CACERT"],
                timeout=60,
                **body,
            )

    def v2_token(self, proxy, **tenant):
        """Return the answer to POST /v2.0/tokens for a proxy, or without one."""
        auth = {"auth": {"voms": True, **tenant}}
        return self("POST", "/v2.0/tokens", proxy=proxy, json=auth)

    def tenants(self, token):
        """Return the answer to GET /v2.0/tenants."""
        return self("GET", "/v2.0/tenants", headers={"X-Auth-Token": token})
