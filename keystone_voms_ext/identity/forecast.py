# SPDX-License-Identifier: Apache-2.0
"""What a login would do to Keystone's store, without doing any of it.

Owns the prediction of ``users.find_or_create_user`` and ``rights.sync``, and
must say what they do, refusals included: who changes one of them changes the
same here. It must never write. Read ``of_login`` beside those two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import keystone.conf
from keystone import exception
from keystone.common import provider_api

from keystone_voms_ext.identity import accounts, groups, store, users, withdrawal
from keystone_voms_ext.identity.places import find_domain, provider_unknown
from keystone_voms_ext.identity.rights import Granted
from keystone_voms_ext.voms.errors import CredentialRefused, SetupError

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
    wanted = frozenset(known.values())
    gone = [
        place
        for place in before
        if place.group_id not in wanted
        and place.is_within(vos)
        and (CONF.voms.withdraw == "sync" or not place.live)
    ]
    back = [place for place in before if not place.live and place.group_id in wanted]
    left = [place for place in before if place.live and place not in gone]

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
    kept = _of(left, grants)
    alone |= _of((*gone, *back), grants) - kept - others
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
    users._check_storable(dn)
    identity = PROVIDERS.identity_api
    try:
        user = identity.get_user_by_name(dn, domain["id"])
    except exception.UserNotFound:
        _check_creation(dn, domain)
        return None
    if user["name"] != dn:
        identity.get_user_by_name.invalidate(identity, dn, domain["id"])
        raise CredentialRefused(
            "user_name_collision",
            subject=dn,
            what=f"The user {user['name']} of domain {domain['name']} has a name "
            "that the database takes for the same, but it is another one.",
            mend="Give that user another name, or the VOMS users a domain of "
            "their own ([voms] user_domain).",
        )
    try:
        identity.assert_user_enabled(user["id"], user)
    except AssertionError as error:
        raise CredentialRefused(
            "user_disabled",
            subject=dn,
            what=f"The user {user['id']} or its domain is disabled.",
            mend=f"'openstack user set --enable {user['id']}' lets it in again.",
        ) from error
    return str(user["id"])


def _check_creation(dn: str, domain: dict[str, Any]) -> None:
    """Refuse a user that is not there and cannot be made."""
    if not CONF.voms.autocreate_users:
        raise CredentialRefused(
            "user_unknown",
            subject=dn,
            what=f"No user of domain {domain['name']} has this DN as its name, and "
            "[voms] autocreate_users is off.",
            mend="Create the user with the DN as its name, or turn the option on.",
        )
    if not store.is_in_sql(domain):
        raise SetupError(
            "user_domain_read_only",
            what=f"The domain {domain['name']} takes no new users.",
            mend="Set [voms] user_domain to a domain that is stored in SQL.",
        )


def _check_link(dn: str, user_id: str | None) -> None:
    """Refuse a user whose link is missing and cannot be made."""
    idp, protocol = CONF.voms.identity_provider, CONF.voms.protocol
    shadow = PROVIDERS.shadow_users_api
    if user_id is not None and any(
        provider["idp_id"] == idp
        and any(one["protocol_id"] == protocol for one in provider["protocols"])
        for provider in shadow.get_federated_objects(user_id)
    ):
        return
    if not store.protocol_exists():
        raise provider_unknown()
    try:
        other = shadow.get_federated_user(idp, protocol, quote(dn))
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
            raise one.entry.fault(
                "own_project_not_created",
                what=f"The project {project.name!r} could not be created: another "
                "one has a name that the database takes for the same.",
                mend="Rename that project, or change the template in the mapping.",
            )


def _group_ids(
    granted: Sequence[Granted], domain: dict[str, Any], known: dict[str, str]
) -> dict[str, str]:
    """Return the ids of the granted groups that exist, by name."""
    found: dict[str, str] = {}
    for one in granted:
        if one.group in known:
            found[one.group] = known[one.group]
            continue
        try:
            group = PROVIDERS.identity_api.get_group_by_name(one.group, domain["id"])
        except exception.GroupNotFound:
            continue
        if group["name"] != one.group:
            raise one.entry.fault(
                "group_name_collision",
                what=f"The group {group['name']!r} has a name that the database "
                f"takes for the same as {one.group!r}.",
                mend="Two keys that differ in case only cannot both be mapped.",
            )
        found[one.group] = group["id"]
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
