# SPDX-License-Identifier: Apache-2.0
"""The three doors of Keystone that a VOMS proxy opens.

Owns: the requests of a login, and what a token says about itself. Must never: judge
an answer; a refusal is an answer like another. Read first: Doors and token_of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from fedcloud_tempest_plugin.http import Answer, Http

NATIVE, FEDERATED, V2 = "native", "federated", "v2"


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token of Keystone, and what Keystone says about it."""

    id: str
    user_id: str
    user_name: str
    project_id: str
    expires_at: datetime
    body: Mapping[str, Any]

    def endpoint(self, kind: str, region: str = "") -> str:
        """Return the public URL of a kind of service; LookupError without one."""
        for service in self.body.get("catalog", ()):
            if service["type"] == kind:
                for one in service["endpoints"]:
                    fits = not region or one["region_id"] == region
                    if one["interface"] == "public" and fits:
                        return str(one["url"]).rstrip("/")
        raise LookupError(
            f"The catalog of the token has no public {kind} endpoint in region "
            f"{region or '(any)'}. See `openstack catalog list`."
        )


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Keystone, as a client with a proxy sees it; `url` ends in /v3."""

    http: Http
    url: str
    identity_provider: str
    protocol: str
    domain: str

    @property
    def root(self) -> str:
        """Return the URL above /v3, below which the old clients ask."""
        return self.url.rstrip("/").removesuffix("/v3")

    def open(self, door: str, proxy: str, project: str = "") -> Answer:
        """Return the answer to the login at a door; `proxy` '' sends none.

        The federated door gives a token without a project in any case.
        """
        if door == FEDERATED:
            return self.federated(proxy)
        return self.v2(proxy, project) if door == V2 else self.native(proxy, project)

    def native(self, proxy: str, project: str = "") -> Answer:
        """Return the answer to a login by the method voms."""
        auth: dict[str, Any] = {"identity": {"methods": ["voms"], "voms": {}}}
        if project:
            auth["scope"] = self._scope(project)
        url = f"{self.url}/auth/tokens"
        return self.http.send("POST", url, {"auth": auth}, proxy=proxy)

    def federated(self, proxy: str, method: str = "POST") -> Answer:
        """Return the answer to a login at the URL of the identity provider."""
        place = f"identity_providers/{self.identity_provider}/protocols/{self.protocol}"
        url = f"{self.url}/OS-FEDERATION/{place}/auth"
        return self.http.send(method, url, proxy=proxy)

    def v2(self, proxy: str, project: str = "") -> Answer:
        """Return the answer to a login at /v2.0/tokens."""
        auth: dict[str, Any] = {"voms": True}
        if project:
            auth["tenantName"] = project
        url = f"{self.root}/v2.0/tokens"
        return self.http.send("POST", url, {"auth": auth}, proxy=proxy)

    def tenants(self, token: str) -> Answer:
        """Return the answer to GET /v2.0/tenants."""
        url = f"{self.root}/v2.0/tenants"
        return self.http.send("GET", url, headers={"X-Auth-Token": token})

    def exchanged(self, token: str, project: str) -> Answer:
        """Return the answer to the exchange of a token for one of a project."""
        identity = {"methods": ["token"], "token": {"id": token}}
        auth = {"identity": identity, "scope": self._scope(project)}
        return self.http.send("POST", f"{self.url}/auth/tokens", {"auth": auth})

    def by_password(self, user_id: str, password: str, project_id: str = "") -> Answer:
        """Return the answer to a login with a password, as any user has it."""
        user = {"id": user_id, "password": password}
        auth: dict[str, Any] = {
            "identity": {"methods": ["password"], "password": {"user": user}}
        }
        if project_id:
            auth["scope"] = {"project": {"id": project_id}}
        return self.http.send("POST", f"{self.url}/auth/tokens", {"auth": auth})

    def described(self, token: str) -> Answer:
        """Return what Keystone tells a token's owner about it."""
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        return self.http.send("GET", f"{self.url}/auth/tokens", headers=headers)

    def projects(self, token: str) -> Answer:
        """Return the answer about the projects that a token's owner may have."""
        headers = {"X-Auth-Token": token}
        return self.http.send("GET", f"{self.url}/auth/projects", headers=headers)

    def _scope(self, project: str) -> dict[str, Any]:
        return {"project": {"name": project, "domain": {"name": self.domain}}}


def token_of(answer: Answer) -> Token:
    """Return the token of an answer of v3; ValueError for a refusal."""
    if answer.status not in (200, 201):
        raise ValueError(f"Keystone answered {answer.status}: {answer.text[:300]}")
    body = answer.document["token"]
    return Token(
        id=answer.headers["x-subject-token"],
        user_id=body["user"]["id"],
        user_name=body["user"]["name"],
        project_id=body.get("project", {}).get("id", ""),
        expires_at=time_of(body["expires_at"]),
        body=body,
    )


def time_of(text: str) -> datetime:
    """Return the time that Keystone wrote; a text without a zone is UTC."""
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def end_of(proxy: str) -> datetime:
    """Return when the first of the certificates in a proxy file is over.

    The attribute certificate may be over before, so a token's end can be earlier.
    """
    chain = x509.load_pem_x509_certificates(Path(proxy).read_bytes())
    return min(certificate.not_valid_after_utc for certificate in chain)
