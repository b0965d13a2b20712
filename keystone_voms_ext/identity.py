# SPDX-License-Identifier: Apache-2.0
"""Users, groups and grants of VOMS logins, in Keystone's own store.

The only room that calls Keystone's managers. It creates what a login needs
and takes back what it no longer earns, but it never touches a user, a group
or a grant that an operator made: ours are the groups named ``voms:<key>``.
Read ``resolve``, ``find_or_create_user`` and ``sync_groups`` first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import keystone.conf
from keystone import exception
from keystone.assignment import core as assignment
from keystone.common import provider_api
from oslo_db import exception as db_exception
from oslo_log import log

from keystone_voms_ext.mapping import Entry, vo_of
from keystone_voms_ext.voms.errors import CredentialRefused, SetupError

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs

GROUP_PREFIX = "voms:"
_NAME_LENGTH = 255  # local_user.name
_GROUP_NAME_LENGTH = 64  # group.name
# First logins of one user race for the same rows; each loser reads what the
# winner wrote, so two rounds are enough and more mean that something else is
# wrong.
_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class User:
    """A user of Keystone that stands for one DN."""

    id: str
    created: bool


@dataclass(frozen=True, kw_only=True)
class Granted:
    """An entry of the mapping and the (project id, role id) pairs it grants."""

    entry: Entry
    pairs: frozenset[tuple[str, str]]


def is_our_provider(name: Any) -> bool:
    """Tell whether a request's identity provider is that of the VOMS users.

    The database says so, since it takes EGI.EU for egi.eu and a comparison of
    ours would not.
    """
    try:
        found = PROVIDERS.federation_api.get_idp(name)
    except exception.IdentityProviderNotFound:
        return False
    return bool(found["id"] == CONF.voms.identity_provider)


def find_or_create_user(dn: str) -> User:
    """Return the enabled user whose name is ``dn``, byte for byte.

    Raises CredentialRefused (``user_unknown``, ``user_disabled``,
    ``user_name_collision``, ``dn_not_storable``) or SetupError.
    """
    _check_storable(dn)
    domain = _domain(CONF.voms.user_domain, option="user_domain")
    created = False
    for _ in range(_ROUNDS):
        try:
            user = PROVIDERS.identity_api.get_user_by_name(dn, domain["id"])
        except exception.UserNotFound:
            created = _create_user(dn, domain) or created
            continue
        # MariaDB compares names without regard to case, accents and trailing
        # blanks: what it found may be another person.
        if user["name"] != dn:
            # Keystone keeps this answer under the DN, and would give it long
            # after the other user has another name.
            identity_api = PROVIDERS.identity_api
            identity_api.get_user_by_name.invalidate(identity_api, dn, domain["id"])
            raise CredentialRefused(
                "user_name_collision",
                subject=dn,
                what=f"The user {user['name']} of domain {domain['name']} has a name "
                "that the database takes for the same, but it is another one.",
                mend="Give that user another name, or the VOMS users a domain of "
                "their own ([voms] user_domain).",
            )
        try:
            PROVIDERS.identity_api.assert_user_enabled(user["id"], user)
        except AssertionError as error:
            raise CredentialRefused(
                "user_disabled",
                subject=dn,
                what=f"The user {user['id']} or its domain is disabled.",
                mend=f"'openstack user set --enable {user['id']}' lets it in again.",
            ) from error
        if _linked(user["id"], dn):
            PROVIDERS.shadow_users_api.set_last_active_at(user["id"])
            return User(id=user["id"], created=created)
    raise SetupError(
        "user_not_created",
        subject=dn,
        what=f"No user {dn} could be created in domain {domain['name']}.",
        mend="Look for another user that is linked to this DN, and for database "
        "errors above this line.",
    )


def resolve(entries: Sequence[Entry]) -> tuple[Granted, ...]:
    """Return what the entries grant, as ids of projects and roles.

    Asked for before a user is created, so that a login that fails for the
    site's set-up leaves nothing behind. Raises SetupError for a project, role
    or domain that is missing, and for a provider whose memberships end at once.
    """
    _check_ttl()
    return tuple(Granted(entry=entry, pairs=_pairs(entry)) for entry in entries)


def sync_groups(user: User, granted: Sequence[Granted], *, vos: Sequence[str]) -> None:
    """Give the user what is granted, and nothing more within ``vos``.

    Memberships last for the ``authorization_ttl`` of the identity provider
    after the last login. Raises SetupError.
    """
    domain = _domain(CONF.voms.user_domain, option="user_domain")
    _join(user, [_group(one, domain) for one in granted], vos=vos)


def _check_storable(dn: str) -> None:
    if len(dn) > _NAME_LENGTH or dn.strip() != dn or any(c > "\uffff" for c in dn):
        raise CredentialRefused(
            "dn_not_storable",
            subject=dn,
            what="Keystone cannot keep this DN as a user's name: it has more than "
            f"{_NAME_LENGTH} characters, begins or ends with a blank, or has a "
            "character beyond the database's.",
            mend="The user needs a certificate with a shorter or plainer DN.",
        )


def _domain(name: str, *, option: str) -> dict[str, Any]:
    """Return the domain with this id, or else with this name."""
    resources = PROVIDERS.resource_api
    for find in (resources.get_domain, resources.get_domain_by_name):
        try:
            found: dict[str, Any] = find(name)
        except exception.DomainNotFound:
            continue
        return found
    raise SetupError(
        "domain_unknown",
        what=f"There is no domain {name!r}.",
        mend=f"Create it, or set [voms] {option} to one that exists.",
    )


def _create_user(dn: str, domain: dict[str, Any]) -> bool:
    """Create the user, and tell whether it was this call that did."""
    if not CONF.voms.autocreate_users:
        raise CredentialRefused(
            "user_unknown",
            subject=dn,
            what=f"No user of domain {domain['name']} has this DN as its name, and "
            "[voms] autocreate_users is off.",
            mend="Create the user with the DN as its name, or turn the option on.",
        )
    try:
        PROVIDERS.identity_api.create_user(
            {"name": dn, "domain_id": domain["id"], "enabled": True}
        )
    except exception.Conflict:
        return False
    except (exception.Forbidden, exception.ForbiddenAction) as error:
        raise SetupError(
            "user_domain_read_only",
            what=f"The domain {domain['name']} takes no new users: {error}",
            mend="Set [voms] user_domain to a domain that is stored in SQL.",
        ) from error
    return True


def _linked(user_id: str, dn: str) -> bool:
    """Tell whether the user has its federated link, making it where it is missing.

    The link lets group memberships expire, and lets the federated door find
    the same user. Creating a user with the link in one call leaves an orphan
    when two logins race, so the link is a step of its own.
    """
    idp, protocol = CONF.voms.identity_provider, CONF.voms.protocol
    shadow = PROVIDERS.shadow_users_api
    if any(
        provider["idp_id"] == idp
        and any(p["protocol_id"] == protocol for p in provider["protocols"])
        for provider in shadow.get_federated_objects(user_id)
    ):
        return True
    try:
        PROVIDERS.federation_api.get_protocol(idp, protocol)
    except (
        exception.FederatedProtocolNotFound,
        exception.IdentityProviderNotFound,
    ) as error:
        raise _provider_unknown() from error
    try:
        shadow.create_federated_object(
            {
                "user_id": user_id,
                "idp_id": idp,
                "protocol_id": protocol,
                "unique_id": quote(dn),
                "display_name": dn,
            }
        )
    except exception.Conflict:
        # Another login of this user was quicker, or the link belongs to a
        # user that is gone; the next round tells.
        return False
    return True


def _check_ttl() -> None:
    try:
        idp = PROVIDERS.federation_api.get_idp(CONF.voms.identity_provider)
    except exception.IdentityProviderNotFound as error:
        raise _provider_unknown() from error
    if idp.get("authorization_ttl") or CONF.federation.default_authorization_ttl:
        return
    raise SetupError(
        "authorization_ttl_missing",
        what=f"The identity provider {idp['id']!r} has no authorization_ttl, so "
        "every membership is over at once.",
        mend="'openstack identity provider set --authorization-ttl 1440 "
        f"{idp['id']}' makes memberships last a day after the last login.",
    )


def _provider_unknown() -> SetupError:
    idp, protocol = CONF.voms.identity_provider, CONF.voms.protocol
    return SetupError(
        "identity_provider_unknown",
        what=f"There is no protocol {protocol!r} of an identity provider {idp!r}.",
        mend="Create both ('openstack identity provider create "
        "--authorization-ttl 1440 ...', 'openstack federation protocol create "
        "...'), or set [voms] identity_provider and protocol.",
    )


def _pairs(entry: Entry) -> frozenset[tuple[str, str]]:
    domain = _domain(entry.domain or CONF.voms.project_domain, option="project_domain")
    roles = {
        role["name"]: role["id"]
        for role in PROVIDERS.role_api.list_roles()
        if role.get("domain_id") is None
    }
    pairs = set()
    for name in entry.projects:
        try:
            project = PROVIDERS.resource_api.get_project_by_name(name, domain["id"])
        except exception.ProjectNotFound as error:
            raise entry.fault(
                "mapping_project_unknown",
                what=f"There is no project {name!r} in domain {domain['name']}.",
                mend=f"'openstack project create {name}' makes it, or correct the "
                "name in the mapping.",
            ) from error
        for role in entry.roles or CONF.voms.user_roles:
            if role not in roles:
                raise entry.fault(
                    "mapping_role_unknown",
                    what=f"There is no role {role!r}.",
                    mend=f"'openstack role create {role}' makes it, or correct the "
                    "name in the mapping or in [voms] user_roles.",
                )
            pairs.add((project["id"], roles[role]))
    return frozenset(pairs)


def group_name(key: str) -> str:
    """Return the name of the group of a mapping's key, within Keystone's 64."""
    name = GROUP_PREFIX + key
    if len(name) <= _GROUP_NAME_LENGTH:
        return name
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"{name[: _GROUP_NAME_LENGTH - len(digest) - 1]}~{digest}"


def _group(granted: Granted, domain: dict[str, Any]) -> str:
    """Return the id of the entry's group, which grants its pairs and no more."""
    entry = granted.entry
    name = group_name(entry.key)
    identity = PROVIDERS.identity_api
    try:
        group = identity.get_group_by_name(name, domain["id"])
    except exception.GroupNotFound:
        try:
            group = identity.create_group(
                {
                    "name": name,
                    "domain_id": domain["id"],
                    "description": f"Users with {entry.key}; kept by keystone_voms_ext",
                }
            )
        except exception.Conflict:
            group = identity.get_group_by_name(name, domain["id"])
    if group["name"] != name:
        raise entry.fault(
            "group_name_collision",
            what=f"The group {group['name']!r} has a name that the database takes "
            f"for the same as {name!r}.",
            mend="Two keys that differ in case only cannot both be mapped.",
        )
    _set_grants(group["id"], granted.pairs)
    group_id: str = group["id"]
    return group_id


def _set_grants(group_id: str, wanted: frozenset[tuple[str, str]]) -> None:
    """Make the group's grants on projects equal to what the mapping says now."""
    assignments = PROVIDERS.assignment_api
    present = {
        (found["project_id"], found["role_id"])
        for found in assignments.list_role_assignments(group_id=group_id)
        if "project_id" in found
    }
    for project_id, role_id in sorted(wanted - present):
        assignments.create_grant(role_id, group_id=group_id, project_id=project_id)
    for project_id, role_id in sorted(present - wanted):
        try:
            assignments.delete_grant(role_id, group_id=group_id, project_id=project_id)
        except exception.RoleAssignmentNotFound:
            LOG.debug("Another login took back role %s already.", role_id)


def _join(user: User, groups: Sequence[str], *, vos: Sequence[str]) -> None:
    """Renew the memberships in ``groups``; end the others within ``vos``."""
    shadow = PROVIDERS.shadow_users_api
    before = {
        group["id"]: group
        for group in PROVIDERS.identity_api.list_groups_for_user(user.id)
        if group.get("membership_expires_at") is not None
    }
    for group_id in groups:
        for _ in range(_ROUNDS):
            try:
                shadow.add_user_to_group_expires(user.id, group_id)
            except (db_exception.DBDuplicateEntry, db_exception.DBDeadlock):
                continue
            break
        else:
            raise SetupError(
                "membership_not_created",
                what=f"The membership of user {user.id} in group {group_id} could "
                f"not be written in {_ROUNDS} attempts.",
                mend="Look for database errors above this line.",
            )
    # What was empty or over a moment ago may still be cached as "no roles".
    if not before.keys() >= set(groups):
        assignment.COMPUTED_ASSIGNMENTS_REGION.invalidate()
    lost = [
        group
        for group_id, group in before.items()
        if group_id not in groups
        and group["name"].startswith(GROUP_PREFIX)
        and vo_of(group["name"].removeprefix(GROUP_PREFIX)) in vos
    ]
    if not lost:
        return
    kept = [group_id for group_id in before if before[group_id] not in lost]
    shadow.cleanup_stale_group_memberships(
        user.id, CONF.voms.identity_provider, [*groups, *kept]
    )
    # Older tokens carry what was lost; this one is issued a moment later.
    PROVIDERS.assignment_api.invalidate_user_cache_on_group_change(user.id)
    LOG.info(
        "User %s lost its membership in %s: the proxy no longer earns it.",
        user.id,
        ", ".join(sorted(group["name"] for group in lost)),
    )
