# SPDX-License-Identifier: Apache-2.0
"""What a user makes in a project, and what of it is still alive.

Owns the requests to make and to try an application credential, a trust, an EC2
credential and a token, as the user's own client would send them. Must never
assert what should be. Read ``Belongings`` first.
"""

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass

FEDERATION = "/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth"


def federated(client, proxy):
    """Return an unscoped token by the federation URL."""
    answer = client.post(FEDERATION, proxy=proxy)
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]


def rescope(client, token, project, domain="Default"):
    """Return the answer to the exchange of a token for one of a project."""
    identity = {"methods": ["token"], "token": {"id": token}}
    scope = {"project": {"name": project, "domain": {"name": domain}}}
    return client.post("/auth/tokens", {"auth": {"identity": identity, "scope": scope}})


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """What a user has made with a token of a project."""

    token: str
    application_credential: tuple[str, str]
    trust: str
    ec2: tuple[str, str]

    @classmethod
    def of(cls, client, token, trustee):
        """Make one of each kind; ``trustee`` is the id of the one to be trusted."""
        described = client.post_subject("GET", token).json()["token"]
        user, project = described["user"]["id"], described["project"]["id"]
        made = client.post(
            f"/users/{user}/application_credentials",
            {"application_credential": {"name": uuid.uuid4().hex}},
            token=token,
        )
        assert made.status_code == 201, made.text
        credential = made.json()["application_credential"]
        trust = client.post(
            "/OS-TRUST/trusts",
            {
                "trust": {
                    "trustor_user_id": user,
                    "trustee_user_id": trustee,
                    "project_id": project,
                    "impersonation": True,
                    "roles": [{"id": role["id"]} for role in described["roles"]],
                }
            },
            token=token,
        )
        assert trust.status_code == 201, trust.text
        ec2 = client.post(
            f"/users/{user}/credentials/OS-EC2", {"tenant_id": project}, token=token
        )
        assert ec2.status_code == 201, ec2.text
        keys = ec2.json()["credential"]
        return cls(
            token=token,
            application_credential=(credential["id"], credential["secret"]),
            trust=trust.json()["trust"]["id"],
            ec2=(keys["access"], keys["secret"]),
        )

    def alive(self, client, trustee_token, admin_token):
        """Return the kinds that still let their holder in."""
        tries = {
            "token": lambda: client.post_subject("GET", self.token, by=admin_token),
            "application credential": lambda: self._by_application_credential(client),
            "trust": lambda: self._by_trust(client, trustee_token),
            "EC2 credential": lambda: self._by_ec2(client, admin_token),
        }
        return {name for name, one in tries.items() if one().status_code in (200, 201)}

    def _by_application_credential(self, client):
        found = dict(zip(("id", "secret"), self.application_credential, strict=True))
        identity = {"methods": ["application_credential"]}
        identity["application_credential"] = found
        return client.post("/auth/tokens", {"auth": {"identity": identity}})

    def _by_trust(self, client, trustee_token):
        identity = {"methods": ["token"], "token": {"id": trustee_token}}
        scope = {"OS-TRUST:trust": {"id": self.trust}}
        auth = {"auth": {"identity": identity, "scope": scope}}
        return client.post("/auth/tokens", auth)

    def _by_ec2(self, client, admin_token):
        access, secret = self.ec2
        params = {"AWSAccessKeyId": access, "SignatureVersion": "2", "Action": "x"}
        params["SignatureMethod"] = "HmacSHA256"
        query = "&".join(f"{key}={params[key]}" for key in sorted(params))
        text = f"GET\nlocalhost\n/\n{query}"
        digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
        credentials = {
            "access": access,
            "host": "localhost",
            "verb": "GET",
            "path": "/",
            "params": params,
            "signature": base64.b64encode(digest).decode(),
        }
        return client.post(
            "/ec2tokens", {"credentials": credentials}, token=admin_token
        )
