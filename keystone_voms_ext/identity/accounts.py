# SPDX-License-Identifier: Apache-2.0
"""The users that VOMS logins made or linked: who they are, and their end.

Owns the list of them and the purge of inactive ones. Looking and doing are
apart: a plan changes nothing. It must never touch a user without our link, nor
what an operator granted or made. Read ``linked`` and ``plan`` first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import keystone.conf
from keystone.common import provider_api, sql
from keystone.identity.backends import sql_model
from oslo_log import log

from keystone_voms_ext.identity import groups, withdrawal
from keystone_voms_ext.identity.places import find_domain
from keystone_voms_ext.mapping import Entry

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in one of our groups; ``until`` is aware."""

    group_id: str
    group: str
    until: datetime
    live: bool


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user linked to our identity provider; ``name`` is the DN.

    ``last_login`` is a day in UTC, that of the user's creation where Keystone
    knows of no login, None where it knows neither.
    """

    id: str
    name: str
    enabled: bool
    last_login: date | None
    places: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a user made for others to act in a project."""

    kind: str
    id: str
    project_id: str


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What one user loses: places, projects whose rights end, things made there."""

    account: Account
    places: tuple[Place, ...]
    projects: frozenset[str]
    made: tuple[Made, ...]


@dataclass(frozen=True, kw_only=True)
class Goodbye:
    """An inactive user's loss; ``stays`` is empty if the user itself goes too."""

    loss: Loss
    stays: str


@dataclass(frozen=True, kw_only=True)
class DeadGroup:
    """A group that no entry names and nobody is in, and what rests on it yet."""

    id: str
    name: str
    losses: tuple[Loss, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A purge, before any of it is done."""

    goodbyes: tuple[Goodbye, ...]
    groups: tuple[DeadGroup, ...]


def linked() -> tuple[Account, ...]:
    """Return all users linked to ``[voms] identity_provider`` and ``protocol``."""
    user, link = sql_model.User, sql_model.FederatedUser
    with sql.session_for_read() as session:
        rows = (
            session.query(user)
            .join(link, link.user_id == user.id)
            .filter(
                link.idp_id == CONF.voms.identity_provider,
                link.protocol_id == CONF.voms.protocol,
            )
            .all()
        )
        places = _by_user(_places(session))
        found = [
            Account(
                id=row.id,
                name=row.name or "",
                enabled=bool(row.enabled),
                last_login=row.last_active_at
                or (row.created_at.date() if row.created_at else None),
                places=tuple(places.get(row.id, ())),
            )
            for row in rows
        ]
    return tuple(sorted(found, key=lambda one: (one.name, one.id)))


def plan(
    entries: Sequence[Entry], *, days: int, today: date, delete_users: bool
) -> Plan:
    """Return what a purge does to users without a login for ``days`` days.

    ``entries`` are those of the mapping: a group that one of them names stays.
    A user of whose logins nothing is known is left alone.
    """
    everybody = linked()
    inactive = [
        one
        for one in everybody
        if one.last_login is not None and (today - one.last_login).days >= days
    ]
    goodbyes = []
    for one in inactive:
        loss = _loss(one, one.places)
        stays = _reason_to_stay(one) if delete_users else "--delete-users is not given"
        if loss.places or loss.made or not stays:
            goodbyes.append(Goodbye(loss=loss, stays=stays))
    deleted = {one.loss.account.id for one in goodbyes if not one.stays}
    dns = [one.name for one in everybody if one.id not in deleted]
    named = _named_groups(entries, dns)
    leaving = {one.id for one in inactive}
    return Plan(
        goodbyes=tuple(goodbyes),
        groups=tuple(_dead_groups(named, leaving, everybody)),
    )


def carry_out(loss: Loss) -> None:
    """End what the user loses; as at a login with a poorer proxy."""
    if loss.places:
        groups.leave(loss.account.id, [place.group_id for place in loss.places])
    if loss.projects:
        lost = frozenset((project_id, "") for project_id in loss.projects)
        withdrawal.withdraw(loss.account.id, lost)
    LOG.info("User %s was purged of the rights of its VOs.", loss.account.id)


def delete_user(account: Account) -> None:
    """Delete the user itself, with all that Keystone keeps of it."""
    PROVIDERS.identity_api.delete_user(account.id)


def delete_group(group: DeadGroup) -> None:
    """Delete the group, after what its former members made under it."""
    for loss in group.losses:
        carry_out(loss)
    PROVIDERS.identity_api.delete_group(group.id)


def made_in(user_id: str, projects: Collection[str]) -> tuple[Made, ...]:
    """Return what ``withdrawal.withdraw`` ends in these projects."""
    return tuple(one for one in _made(user_id) if one.project_id in projects)


def places_of(user_id: str) -> tuple[Place, ...]:
    """Return one user's places in our groups, linked or not, live or not."""
    with sql.session_for_read() as session:
        return tuple(_by_user(_places(session, user_id)).get(user_id, ()))


def _places(session: Any, user_id: str | None = None) -> Iterator[tuple[str, Place]]:
    """Yield the places in our groups, of one user or of all, with the user's id."""
    member, group = sql_model.ExpiringUserGroupMembership, sql_model.Group
    rows = session.query(member, group.name).join(group, group.id == member.group_id)
    if user_id is not None:
        rows = rows.filter(member.user_id == user_id)
    for row, name in rows.order_by(group.name).all():
        if name.startswith(groups.GROUP_PREFIX):
            place = Place(
                group_id=row.group_id,
                group=name,
                until=row.expires.replace(tzinfo=UTC),
                live=not row.expired,
            )
            yield row.user_id, place


def _by_user(places: Iterable[tuple[str, Place]]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for user_id, place in places:
        found.setdefault(user_id, []).append(place)
    return found


def _made(user_id: str) -> list[Made]:
    """Return all that the user made: what acts in no project at all is not ours."""
    listed = {
        "application credential": (
            PROVIDERS.application_credential_api.list_application_credentials(user_id)
        ),
        "trust": PROVIDERS.trust_api.list_trusts_for_trustor(user_id),
        "EC2 credential": PROVIDERS.credential_api.list_credentials_for_user(
            user_id, type="ec2"
        ),
    }
    return [
        Made(kind=kind, id=one["id"], project_id=one["project_id"])
        for kind, found in listed.items()
        for one in found
        if one["project_id"]
    ]


def _loss(account: Account, places: Sequence[Place]) -> Loss:
    """Return what the user loses with these places."""
    left = [place for place in account.places if place not in places]
    ours = {place.group_id for place in account.places}
    others = withdrawal.held_otherwise(account.id, ours)
    lost = groups.grants_of(place.group_id for place in places)
    kept = others | groups.grants_of(place.group_id for place in left if place.live)
    projects = {project_id for project_id, _ in lost - kept}
    if not left:
        # What was made under grants that have gone since rests on nothing.
        held = {project_id for project_id, _ in kept}
        projects |= {one.project_id for one in _made(account.id)} - held
    return Loss(
        account=account,
        places=tuple(places),
        projects=frozenset(projects),
        made=made_in(account.id, projects),
    )


def _reason_to_stay(account: Account) -> str:
    """Return what an operator gave to this user, '' if that is nothing."""
    ours = {place.group_id for place in account.places}
    regular, member = (
        sql_model.UserGroupMembership,
        sql_model.ExpiringUserGroupMembership,
    )
    with sql.session_for_read() as session:
        user = session.get(sql_model.User, account.id)
        if user is not None and user.password:
            return "it has a password"
        if user is not None and len(user.federated_users) > 1:
            return "it has another federated link"
        in_groups = {
            row.group_id
            for model in (regular, member)
            for row in session.query(model.group_id).filter(model.user_id == account.id)
        }
    if in_groups - ours:
        return "it is in groups that are not of VOs"
    assignments = PROVIDERS.assignment_api
    if assignments.list_role_assignments(user_id=account.id) or (
        assignments.list_system_grants_for_user(account.id)
    ):
        return "it has roles of its own"
    return ""


def _named_groups(entries: Iterable[Entry], dns: Collection[str]) -> frozenset[str]:
    """Return the names of all groups that a login of these users may need."""
    return frozenset(
        groups.group_name(entry.key, dn=dn)
        for entry in entries
        for dn in (dns if entry.project_per_user else [None])
    )


def _dead_groups(
    named: Collection[str], leaving: Collection[str], everybody: Sequence[Account]
) -> Iterator[DeadGroup]:
    """Yield our groups that are of no more use once the ``leaving`` users left.

    A group with a live member stays, and so does one with a member that is
    not ours.
    """
    domain = find_domain(CONF.voms.user_domain, option="user_domain")
    group, regular = sql_model.Group, sql_model.UserGroupMembership
    accounts = {one.id: one for one in everybody}
    with sql.session_for_read() as session:
        rows = session.query(group).filter(group.domain_id == domain["id"])
        candidates = [
            (row.id, row.name)
            for row in rows.order_by(group.name).all()
            if row.name.startswith(groups.GROUP_PREFIX)
            and (row.description or "").endswith(groups.KEPT_BY_US)
            and row.name not in named
        ]
        used = {row.group_id for row in session.query(regular.group_id)}
        former: dict[str, list[tuple[str, Place]]] = {}
        for user_id, place in _places(session):
            if user_id not in leaving:
                former.setdefault(place.group_id, []).append((user_id, place))
                if place.live or user_id not in accounts:
                    used.add(place.group_id)
    for group_id, name in candidates:
        if group_id not in used:
            losses = tuple(
                _loss(accounts[user_id], [place])
                for user_id, place in former.get(group_id, ())
            )
            yield DeadGroup(id=group_id, name=name, losses=losses)
