# SPDX-License-Identifier: Apache-2.0
"""What a login would do to Keystone's store, without doing any of it.

Owns the prediction of ``users.find_or_create_user`` and ``rights.sync``, by the
same functions wherever these only look. It must never write. Read ``of_login``
beside those two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import keystone.conf
from keystone import exception
from keystone.common import provider_api

from keystone_voms_ext.identity import (
    accounts,
    groups,
    rights,
    store,
    users,
    withdrawal,
)
from keystone_voms_ext.identity.places import find_domain, provider_unknown
from keystone_voms_ext.identity.rights import Granted
from keystone_voms_ext.voms.errors import SetupError

CONF = keystone.conf.CONF
PROVIDERS = provider_api.ProviderAPIs


@dataclass(frozen=True, kw_only=True)
class Right:
    """A role in a project, by id and by name."""

    project_id: str
    project: str
    role_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Held:
    """A live place in one of our groups, and the rights that come with it."""

    place: accounts.Place
    rights: tuple[Right, ...]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The user, what it holds now and what the login takes from it.

    ``user_id`` is None for a user that would be created. ``held`` is what the
    user has within the VOs of the login, ``lost`` what it has no more
    afterwards, from anybody. ``made`` is what ends of the user's, and
    ``tokens_end`` says whether its older tokens do.
    """

    user_id: str | None
    domain: str
    held: tuple[Held, ...]
    lost: tuple[Right, ...]
    made: tuple[accounts.Made, ...]
    tokens_end: bool


def of_login(granted: Sequence[Granted], *, dn: str, vos: Collection[str]) -> Forecast:
    """Return what a login of ``dn`` with these grants does, or raise as it does."""
    domain = find_domain(CONF.voms.user_domain, option="user_domain")
    user_id = _user_id(dn, domain)
    before = () if user_id is None else groups.memberships(user_id)
    # Who has a place in a group of the provider has its link as well.
    if all(place.provider != CONF.voms.identity_provider for place in before):
        _check_link(dn, user_id)
    known = {place.name: place.group_id for place in before}
    if CONF.voms.add_roles:
        _check_projects(granted)
        known = _group_ids(granted, domain, known)
    if user_id is None or not CONF.voms.add_roles:
        return Forecast(
            user_id=user_id,
            domain=domain["name"],
            held=(),
            lost=(),
            made=(),
            tokens_end=False,
        )
    change = rights.change_of(before, frozenset(known.values()), vos=vos)
    others = withdrawal.held_otherwise(user_id, {place.group_id for place in before})
    grants = {place.group_id: groups.grants_of([place.group_id]) for place in before}
    had = _of((place for place in before if place.live), grants)
    alone: groups.Pairs = frozenset()
    for one in granted:
        # The mapping may grant less than when the group was last set.
        group_id = known.get(one.group)
        if group_id in grants:
            less = grants[group_id] - one.pairs
            grants[group_id] = one.pairs
            if CONF.voms.withdraw == "sync":
                live = (place for place in before if place.live)
                alone |= less - _of(live, grants) - others
    kept = _of(change.left, grants)
    alone |= _of((*change.gone, *change.back), grants) - kept - others
    has = kept | frozenset().union(*(one.pairs for one in granted))
    return Forecast(
        user_id=user_id,
        domain=domain["name"],
        held=_held(user_id, [place for place in before if place.is_within(vos)]),
        lost=_rights(had - has - others),
        made=accounts.made_in(user_id, {project_id for project_id, _ in alone}),
        tokens_end=bool(alone),
    )


def _of(
    places: Iterable[groups.Membership], grants: dict[str, groups.Pairs]
) -> groups.Pairs:
    return frozenset().union(*(grants[place.group_id] for place in places))


def _user_id(dn: str, domain: dict[str, Any]) -> str | None:
    """Return the id of the user that the login finds, None if it makes one."""
    user = users.find_user(dn, domain)
    if user is not None:
        return str(user["id"])
    users.check_autocreate(dn, domain)
    if not store.is_in_sql(domain):
        raise users.read_only(domain)
    return None


def _check_link(dn: str, user_id: str | None) -> None:
    """Refuse a user whose link is missing and cannot be made."""
    idp, protocol = CONF.voms.identity_provider, CONF.voms.protocol
    if user_id is not None and users.is_linked(user_id):
        return
    if not store.protocol_exists():
        raise provider_unknown()
    try:
        other = PROVIDERS.shadow_users_api.get_federated_user(idp, protocol, quote(dn))
    except exception.UserNotFound:
        return
    raise SetupError(
        "user_not_created",
        subject=dn,
        what=f"Another user, {other['id']}, is linked to the DN {dn}.",
        mend="Delete that user, or give it the DN as its name.",
    )


def _check_projects(granted: Sequence[Granted]) -> None:
    """Refuse a project of a user that the login could not make."""
    for one in granted:
        for project in one.projects:
            if project.id is not None:
                continue
            try:
                PROVIDERS.resource_api.get_project_by_name(
                    project.name, project.domain_id
                )
            except exception.ProjectNotFound:
                continue
            raise rights.name_taken(one.entry, project)


def _group_ids(
    granted: Sequence[Granted], domain: dict[str, Any], known: dict[str, str]
) -> dict[str, str]:
    """Return the ids of the granted groups that exist, by name."""
    found: dict[str, str] = {}
    for one in granted:
        group_id = known.get(one.group) or groups.find(one.group, one.entry, domain)
        if group_id is not None:
            found[one.group] = group_id
    return found


def _held(user_id: str, within: Sequence[groups.Membership]) -> tuple[Held, ...]:
    ours = {place.group_id for place in within}
    return tuple(
        Held(place=place, rights=_rights(groups.grants_of([place.group_id])))
        for place in accounts.places_of(user_id)
        if place.live and place.group_id in ours
    )


def _rights(pairs: groups.Pairs) -> tuple[Right, ...]:
    found = []
    for project_id, role_id in pairs:
        project = PROVIDERS.resource_api.get_project(project_id)["name"]
        role = PROVIDERS.role_api.get_role(role_id)["name"]
        found.append(
            Right(project_id=project_id, project=project, role_id=role_id, role=role)
        )
    return tuple(sorted(found, key=lambda one: (one.project, one.role)))
