# SPDX-License-Identifier: Apache-2.0
"""Which rights a token was issued for, read back from the token itself.

A user may hold rights of several proxies, and grants of operators, at once; a
token of a VOMS login reaches only what its own proxy earned. Keystone keeps
16 octets of every chain of tokens, the audit id of its first one: here they
are random ones and a digest of the groups. Must never let an unknown digest
widen anything. Read ``mark`` and ``reach`` first.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import keystone.conf
from keystone import exception
from keystone.common import provider_api
from oslo_log import log

from keystone_voms_ext.identity import groups
from keystone_voms_ext.identity.places import find_domain

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs

# Four random octets, four that say that it is one of ours, eight of the digest.
_RANDOM_OCTETS = 4
_HEAD_OCTETS = 8
_OCTETS = 16
# 16,384 digests are some 30 ms; hardly anybody is in so many groups of a site.
_MAX_GROUPS = 14


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a token of a VOMS login may be used for: these projects alone."""

    user_id: str
    projects: frozenset[str]


def mark(names: Collection[str]) -> str:
    """Return an audit id for the chain of tokens that begins with this login.

    ``names`` are those of the groups that the proxy earned. The random octets
    keep the chains of two logins apart.
    """
    head = _head(secrets.token_bytes(_RANDOM_OCTETS))
    return _text(head + _digest(head, names))


def reach(token_id: str) -> Reach | None:
    """Return what a token may be used for, None if no VOMS login bounds it.

    Raises Keystone's TokenNotFound for a token that is not valid.
    """
    if CONF.voms.honour_other_grants or not CONF.voms.add_roles:
        return None
    token = PROVIDERS.token_provider_api.validate_token(token_id)
    octets = _octets(token.parent_audit_id)
    marked = len(octets) == _OCTETS and octets.startswith(_head(octets))
    if not marked and "voms" not in token.methods:
        return None
    places = [place for place in groups.memberships(token.user_id) if place.live]
    group_ids = _chosen(octets, places)
    projects = frozenset(project_id for project_id, _ in groups.grants_of(group_ids))
    return Reach(user_id=token.user_id, projects=projects)


def _head(octets: bytes) -> bytes:
    salt = octets[:_RANDOM_OCTETS]
    return salt + hashlib.sha256(b"voms" + salt).digest()[: _HEAD_OCTETS - len(salt)]


def _chosen(octets: bytes, places: Sequence[groups.Membership]) -> frozenset[str]:
    """Return the ids of the groups whose names a mark was made from."""
    if len(places) > _MAX_GROUPS:
        LOG.warning(
            "User is in %s groups of VOs: its tokens are bounded by all of these "
            "together, not by those of their proxy.",
            len(places),
        )
        return frozenset(place.group_id for place in places)
    head, digest = octets[:_HEAD_OCTETS], octets[_HEAD_OCTETS:]
    for count in range(len(places), 0, -1):
        for chosen in itertools.combinations(places, count):
            if _digest(head, [place.name for place in chosen]) == digest:
                return frozenset(place.group_id for place in chosen)
    return frozenset()


def _digest(head: bytes, names: Collection[str]) -> bytes:
    text = "\n".join(sorted(names)).encode()
    return hashlib.sha256(head + text).digest()[: _OCTETS - _HEAD_OCTETS]


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _octets(text: str | None) -> bytes:
    try:
        return base64.urlsafe_b64decode((text or "") + "==")
    except ValueError:
        return b""


def scope_project(scope: Any) -> str | None:
    """Return the id of the project that a request's scope names, if there is one."""
    project = scope.get("project") if isinstance(scope, dict) else None
    if not isinstance(project, dict):
        return None
    if isinstance(project.get("id"), str):
        return str(project["id"])
    domain = project.get("domain")
    if not isinstance(domain, dict) or not isinstance(project.get("name"), str):
        return None
    try:
        found = (
            domain.get("id")
            or find_domain(str(domain.get("name")), option="project_domain")["id"]
        )
        return str(
            PROVIDERS.resource_api.get_project_by_name(project["name"], found)["id"]
        )
    except (exception.DomainNotFound, exception.ProjectNotFound):
        return None
