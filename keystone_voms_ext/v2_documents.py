# SPDX-License-Identifier: Apache-2.0
"""The documents of the v2.0 API, made of those of v3.

Owns their form alone, as old clients read it: what they take for granted is
there, even where v3 has nothing for it. Pure; it must ask nobody anything. Read
``access_of`` first.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any


def access_of(token_id: str, token: Mapping[str, Any]) -> dict[str, Any]:
    """Return v2.0's form of a v3 token."""
    user, roles = token["user"], token.get("roles", [])
    ends = datetime.datetime.fromisoformat(token["expires_at"])
    described: dict[str, Any] = {
        "id": token_id,
        "expires": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "issued_at": token["issued_at"],
        "audit_ids": token["audit_ids"],
    }
    if "project" in token:
        described["tenant"] = tenant_of(token["project"])
    return {
        "access": {
            "token": described,
            "serviceCatalog": catalog_of(token.get("catalog", [])),
            "user": {
                "id": user["id"],
                "name": user["name"],
                "username": user["name"],
                "roles_links": [],
                "roles": [{"name": role["name"]} for role in roles],
            },
            "metadata": {"is_admin": 0, "roles": [role["id"] for role in roles]},
        }
    }


def tenant_of(project: Mapping[str, Any]) -> dict[str, Any]:
    """Return v2.0's form of a project; the one in a token has no description."""
    return {
        "id": project["id"],
        "name": project["name"],
        "description": project.get("description") or "",
        "enabled": project.get("enabled", True),
    }


def catalog_of(catalog: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return v2.0's form of a catalog: one endpoint a region, with all three URLs.

    Clients take the first endpoint of a service, and each of its URLs, for
    granted. So a service without endpoints is left out, and the public URL
    stands in for those that are missing.
    """
    found = []
    for service in catalog:
        regions: dict[str, dict[str, Mapping[str, Any]]] = {}
        for endpoint in service["endpoints"]:
            region = regions.setdefault(endpoint.get("region") or "", {})
            region.setdefault(endpoint["interface"], endpoint)
        endpoints = [_endpoint(name, one) for name, one in regions.items()]
        if endpoints:
            found.append(
                {
                    "type": service["type"],
                    "name": service.get("name", ""),
                    "endpoints_links": [],
                    "endpoints": endpoints,
                }
            )
    return found


def _endpoint(region: str, by: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    order = [by[name] for name in ("public", "internal", "admin") if name in by]
    first = order[0]
    return {
        "region": region,
        "id": first["id"],
        "publicURL": first["url"],
        "internalURL": by.get("internal", first)["url"],
        "adminURL": by.get("admin", first)["url"],
    }


def version_of(base: str) -> dict[str, Any]:
    """Return v2.0 as lists of versions describe it, below an unversioned URL."""
    return {
        "id": "v2.0",
        "status": "deprecated",
        "updated": "2016-08-04T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base}/v2.0/"}],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.identity-v2.0+json",
            }
        ],
    }


def error_of(code: int, title: str, message: str) -> dict[str, Any]:
    """Return the document of an error."""
    return {"error": {"code": code, "title": title, "message": message}}
