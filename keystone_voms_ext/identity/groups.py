# SPDX-License-Identifier: Apache-2.0
"""The groups ``voms:KEY``, through which every right of a VOMS login goes.

Owns their names, their grants and who is in them until when. It must never
touch a group or a grant that an operator made. Read ``Membership`` first.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import keystone.conf
from keystone import exception
from keystone.common import provider_api, sql
from keystone.identity.backends import sql_model
from oslo_db import exception as db_exception
from oslo_log import log
from oslo_utils import timeutils
from sqlalchemy import orm

from keystone_voms_ext.mapping import Entry, vo_of
from keystone_voms_ext.voms.errors import SetupError

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs

GROUP_PREFIX = "voms:"
# How the description of a group ends that is made here.
KEPT_BY_US = "kept by keystone_voms_ext"
# Before the digest of a user whose project is its own; in no key.
_USER_MARK = "@"
_CUT_MARK = "~"
_NAME_LENGTH = 64  # group.name
_VO_LENGTH = 32
_DIGEST_LENGTH = 16
_ROUNDS = 5
# Memberships last for minutes at least; a client that logs in for each request
# shall not write at each.
RENEW_AFTER = datetime.timedelta(seconds=20)

Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A user's place in one of our groups; ``live`` while it has not expired.

    ``verified`` is when a login last renewed it, in UTC without a zone, as
    Keystone keeps it; ``provider`` is the identity provider whose it is.
    """

    group_id: str
    name: str
    live: bool
    verified: datetime.datetime = datetime.datetime.min
    provider: str = ""

    def is_within(self, vos: Collection[str]) -> bool:
        """Tell whether the group belongs to one of these VOs."""
        key = self.name.removeprefix(GROUP_PREFIX)
        key = key.partition(_USER_MARK)[0].partition(_CUT_MARK)[0]
        return vo_of(key) in {_short(vo) for vo in vos}


def group_name(key: str, *, dn: str | None = None) -> str:
    """Return the name of the group of a mapping's key, within Keystone's 64.

    With ``dn`` it is the group of that one user, whose project is its own.
    """
    user = f"{_USER_MARK}{_digest(dn)}" if dn else ""
    vo = vo_of(key)
    name = f"{GROUP_PREFIX}{key}{user}"
    if len(name) <= _NAME_LENGTH and _short(vo) == vo:
        return name
    lead = "/" if key.startswith("/") else ""
    return f"{GROUP_PREFIX}{lead}{_short(vo)}{_CUT_MARK}{_digest(key + user)}"


def _short(vo: str) -> str:
    if len(vo) <= _VO_LENGTH:
        return vo
    return f"{vo[: _VO_LENGTH - _DIGEST_LENGTH - 1]}.{_digest(vo)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def find(name: str, entry: Entry, domain: dict[str, Any]) -> str | None:
    """Return the id of the group of that name, None if there is none.

    Raises SetupError ``group_name_collision``.
    """
    try:
        group = PROVIDERS.identity_api.get_group_by_name(name, domain["id"])
    except exception.GroupNotFound:
        return None
    if group["name"] != name:
        raise entry.fault(
            "group_name_collision",
            what=f"The group {group['name']!r} has a name that the database takes "
            f"for the same as {name!r}.",
            mend="Two keys that differ in case only cannot both be mapped.",
        )
    return str(group["id"])


def find_or_create(name: str, entry: Entry, domain: dict[str, Any]) -> str:
    """Return the id of the group of that name; raises SetupError."""
    for _ in range(_ROUNDS):
        group_id = find(name, entry, domain)
        if group_id is not None:
            return group_id
        try:
            made = PROVIDERS.identity_api.create_group(
                {
                    "name": name,
                    "domain_id": domain["id"],
                    "description": f"Users with {entry.key}; {KEPT_BY_US}",
                }
            )
        except exception.Conflict:
            # Another login was quicker, or a name is the same to the database.
            continue
        return str(made["id"])
    raise entry.fault(
        "group_not_created",
        what=f"The group {name!r} could not be created in {_ROUNDS} attempts.",
        mend="Look for database errors above this line.",
    )


def grants_of(group_ids: Iterable[str]) -> Pairs:
    """Return what these groups grant, as (project id, role id)."""
    return frozenset(
        (found["project_id"], found["role_id"])
        for group_id in group_ids
        for found in PROVIDERS.assignment_api.list_role_assignments(group_id=group_id)
        if "project_id" in found
    )


def set_grants(group_id: str, wanted: Pairs) -> Pairs:
    """Make a group's grants equal to what the mapping says, return what it lost."""
    assignments = PROVIDERS.assignment_api
    present = grants_of([group_id])
    for project_id, role_id in sorted(wanted - present):
        assignments.create_grant(role_id, group_id=group_id, project_id=project_id)
    for project_id, role_id in sorted(present - wanted):
        try:
            assignments.delete_grant(role_id, group_id=group_id, project_id=project_id)
        except exception.RoleAssignmentNotFound:
            LOG.debug("Another login took back role %s already.", role_id)
    return present - wanted


def memberships(user_id: str) -> tuple[Membership, ...]:
    """Return the user's places in our groups, those that have expired included.

    Keystone's managers tell of the live ones only, but a right that comes back
    after it had lapsed must not bring back what was made under it.
    """
    with sql.session_for_read() as session:
        rows = (
            session.query(sql_model.ExpiringUserGroupMembership, sql_model.Group.name)
            # The provider has the time that a membership lasts.
            .options(orm.joinedload(sql_model.ExpiringUserGroupMembership.idp))
            .join(
                sql_model.Group,
                sql_model.Group.id == sql_model.ExpiringUserGroupMembership.group_id,
            )
            .filter(sql_model.ExpiringUserGroupMembership.user_id == user_id)
        )
        return tuple(
            Membership(
                group_id=row.group_id,
                name=name,
                live=not row.expired,
                verified=row.last_verified,
                provider=row.idp_id,
            )
            for row, name in rows.all()
            if name.startswith(GROUP_PREFIX)
        )


def members(group_id: str) -> tuple[str, ...]:
    """Return the ids of all users with a place in a group, expired or not."""
    model = sql_model.ExpiringUserGroupMembership
    with sql.session_for_read() as session:
        rows = session.query(model.user_id).filter(model.group_id == group_id)
        return tuple(sorted({row.user_id for row in rows.all()}))


def join(user_id: str, group_id: str) -> None:
    """Put the user into the group, or renew its place; raises SetupError."""
    for _ in range(_ROUNDS):
        try:
            PROVIDERS.shadow_users_api.add_user_to_group_expires(user_id, group_id)
        except (db_exception.DBDuplicateEntry, db_exception.DBDeadlock):
            continue
        return
    raise SetupError(
        "membership_not_created",
        what=f"The membership of user {user_id} in group {group_id} could not be "
        f"written in {_ROUNDS} attempts.",
        mend="Look for database errors above this line.",
    )


def renew(user_id: str, places: Collection[Membership]) -> None:
    """Count these places from now on; not those of a login moments ago."""
    now = timeutils.utcnow()
    stale = [place.group_id for place in places if now - place.verified > RENEW_AFTER]
    if not stale:
        return
    model = sql_model.ExpiringUserGroupMembership
    with sql.session_for_write() as session:
        session.query(model).filter(
            model.user_id == user_id, model.group_id.in_(stale)
        ).update({"last_verified": now}, synchronize_session=False)


def leave(user_id: str, group_ids: Collection[str]) -> None:
    """Take the user out of these groups."""
    model = sql_model.ExpiringUserGroupMembership
    with sql.session_for_write() as session:
        session.query(model).filter(
            model.user_id == user_id, model.group_id.in_(list(group_ids))
        ).delete(synchronize_session=False)
