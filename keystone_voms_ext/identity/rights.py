# SPDX-License-Identifier: Apache-2.0
"""What a credential earns, as Keystone's projects and roles, and its sync.

Owns the way from entries of the mapping to memberships: ``resolve`` only
looks, so that it can also predict; ``sync`` makes it so. Read ``resolve``
first, then ``sync``.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import keystone.conf
from keystone import exception
from keystone.assignment import core as assignment
from keystone.common import cache, provider_api
from oslo_log import log

from keystone_voms_ext.identity import groups, withdrawal
from keystone_voms_ext.identity.places import check_ttl, find_domain
from keystone_voms_ext.identity.users import User
from keystone_voms_ext.mapping import Entry
from keystone_voms_ext.voms.errors import SetupError

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project of Keystone; ``id`` is None for one that a login would create."""

    name: str
    id: str | None
    domain_id: str
    parent_id: str


@dataclass(frozen=True, kw_only=True)
class Granted:
    """An entry with the projects and roles it grants, and the group's name."""

    entry: Entry
    group: str
    projects: tuple[Project, ...]
    roles: tuple[tuple[str, str], ...]

    @property
    def pairs(self) -> groups.Pairs:
        """The (project id, role id) of the projects that exist."""
        return frozenset(
            (project.id, role_id)
            for project in self.projects
            if project.id is not None
            for role_id, _ in self.roles
        )


@dataclass(frozen=True, kw_only=True)
class Change:
    """Places that a login ends, that had lapsed and come back, that stay."""

    gone: tuple[groups.Membership, ...]
    back: tuple[groups.Membership, ...]
    left: tuple[groups.Membership, ...]


def resolve(entries: Sequence[Entry], *, dn: str) -> tuple[Granted, ...]:
    """Return what the entries grant to the user ``dn``.

    Nothing is made, so that a login that fails for the site's set-up leaves
    nothing behind. Raises SetupError for a project, role or domain that is
    missing, and for a provider whose memberships end at once.
    """
    roles: dict[str, str] = {}
    if CONF.voms.add_roles:
        check_ttl()
        roles = _roles_named({name for entry in entries for name in _names(entry)})
    return tuple(_granted(entry, dn, roles) for entry in entries)


def _read_roles() -> dict[str, str]:
    """Return the ids of the roles of no domain."""
    return {
        role["name"]: role["id"]
        for role in PROVIDERS.role_api.list_roles()
        if role.get("domain_id") is None
    }


# In Keystone's own cache, by its own options: roles hardly ever change.
_roles_by_name = cache.get_memoization_decorator(group="role")(_read_roles)


def _roles_named(names: Collection[str]) -> dict[str, str]:
    """Return the ids of these roles, of those that there are."""
    remembered: dict[str, str] = _roles_by_name()
    if not all(_is_role(remembered.get(name), name) for name in names):
        # Made, deleted or renamed since they were listed.
        _roles_by_name.invalidate()
        remembered = _roles_by_name()
    return {name: remembered[name] for name in names if name in remembered}


def _is_role(role_id: str | None, name: str) -> bool:
    if role_id is None:
        return False
    try:
        return bool(PROVIDERS.role_api.get_role(role_id)["name"] == name)
    except exception.RoleNotFound:
        return False


def sync(
    user: User, granted: Sequence[Granted], *, dn: str, vos: Collection[str]
) -> tuple[Granted, ...]:
    """Give the user what is granted, and nothing more within ``vos``.

    Returns what was granted with the projects that had to be made. Memberships
    last for the ``authorization_ttl`` of the identity provider after the last
    login. What was made under rights that are lost, or that had lapsed, ends.
    Raises SetupError.
    """
    made = tuple(_with_projects(one, dn) for one in granted)
    before = user.places
    known = {place.name: place.group_id for place in before}
    wanted = []
    revoked = False
    for one in made:
        group_id = known.get(one.group) or _find_or_create(one)
        wanted.append(group_id)
        revoked |= user.id in _set_grants(group_id, one.pairs)
    change = change_of(before, wanted, vos=vos)
    gone, left = change.gone, change.left
    if gone:
        groups.leave(user.id, [place.group_id for place in gone])
        LOG.info(
            "User %s is no longer in %s: the proxy does not earn it.",
            user.id,
            ", ".join(sorted(place.name for place in gone)),
        )
    lost = groups.grants_of(place.group_id for place in (*gone, *change.back))
    if _withdraw(user.id, lost, before=before, left=left) or revoked:
        withdrawal.next_second()
    groups.renew(user.id, [place for place in left if place.group_id in wanted])
    for group_id in set(wanted) - {place.group_id for place in left}:
        groups.join(user.id, group_id)
    # What was empty or over a moment ago may still be cached as "no roles".
    if not {place.group_id for place in left} >= set(wanted):
        assignment.COMPUTED_ASSIGNMENTS_REGION.invalidate()
    return made


def change_of(
    before: Sequence[groups.Membership],
    wanted: Collection[str],
    *,
    vos: Collection[str],
) -> Change:
    """Return what a login that earns the groups ``wanted`` does to these places."""
    gone = tuple(
        place
        for place in before
        if place.group_id not in wanted
        and place.is_within(vos)
        and (CONF.voms.withdraw == "sync" or not place.live)
    )
    return Change(
        gone=gone,
        back=tuple(p for p in before if not p.live and p.group_id in wanted),
        left=tuple(p for p in before if p.live and p not in gone),
    )


def _find_or_create(granted: Granted) -> str:
    domain = find_domain(CONF.voms.user_domain, option="user_domain")
    return groups.find_or_create(granted.group, granted.entry, domain)


def _withdraw(
    user_id: str,
    lost: groups.Pairs,
    *,
    before: Sequence[groups.Membership],
    left: Sequence[groups.Membership],
) -> bool:
    """End what rests on the lost pairs alone, and tell whether there were any."""
    alone = lost - groups.grants_of(place.group_id for place in left)
    if alone:
        ours = {place.group_id for place in before}
        alone -= withdrawal.held_otherwise(user_id, ours)
    if alone:
        withdrawal.withdraw(user_id, alone)
    return bool(alone)


def _set_grants(group_id: str, wanted: groups.Pairs) -> set[str]:
    """Make the group's grants equal to the mapping; end what its users lose by it."""
    lost = groups.set_grants(group_id, wanted)
    if not lost or CONF.voms.withdraw == "keep":
        return set()
    done = set()
    for user_id in groups.members(group_id):
        before = groups.memberships(user_id)
        left = [place for place in before if place.live]
        if _withdraw(user_id, lost, before=before, left=left):
            done.add(user_id)
    return done


def _granted(entry: Entry, dn: str, roles: dict[str, str]) -> Granted:
    domain = find_domain(
        entry.domain or CONF.voms.project_domain, option="project_domain"
    )
    shared = tuple(_shared_project(entry, name, domain) for name in entry.projects)
    per_user = entry.project_per_user is not None
    return Granted(
        entry=entry,
        group=groups.group_name(entry.key, dn=dn if per_user else None),
        projects=(_own_project(entry, dn, shared, domain),) if per_user else shared,
        roles=_roles(entry, roles) if CONF.voms.add_roles else (),
    )


def _shared_project(entry: Entry, name: str, domain: dict[str, Any]) -> Project:
    found = _project(name, domain["id"]) or _project_by_id(name)
    if found is None:
        raise entry.fault(
            "mapping_project_unknown",
            what=f"There is no project {name!r} in domain {domain['name']}.",
            mend=f"'openstack project create {name}' makes it, or correct the "
            "name in the mapping.",
        )
    return found


def _own_project(
    entry: Entry, dn: str, parents: Sequence[Project], domain: dict[str, Any]
) -> Project:
    """Return the user's own project, which a login makes if it is not there."""
    name = entry.own_project(dn)
    parent_id = parents[0].id if parents else domain["id"]
    found = _project(name, domain["id"])
    if found is None:
        return Project(
            name=name, id=None, domain_id=domain["id"], parent_id=str(parent_id)
        )
    return found


def _project(name: str, domain_id: str) -> Project | None:
    """Return the project of exactly that name."""
    try:
        found = PROVIDERS.resource_api.get_project_by_name(name, domain_id)
    except exception.ProjectNotFound:
        return None
    # MariaDB compares names without regard to case and accents.
    if found["name"] != name:
        return None
    return Project(
        name=name,
        id=found["id"],
        domain_id=found["domain_id"],
        parent_id=found["parent_id"],
    )


def _project_by_id(project_id: str) -> Project | None:
    """Return the project with this id: cASO's files name projects by either."""
    try:
        found = PROVIDERS.resource_api.get_project(project_id)
    except exception.ProjectNotFound:
        return None
    if found["id"] != project_id or found["is_domain"]:
        return None
    return Project(
        name=found["name"],
        id=found["id"],
        domain_id=found["domain_id"],
        parent_id=found["parent_id"],
    )


def _with_projects(granted: Granted, dn: str) -> Granted:
    """Return the same with the user's own project made, if it was missing."""
    if all(project.id for project in granted.projects):
        return granted
    (project,) = granted.projects
    fields = {
        "id": uuid.uuid4().hex,
        "name": project.name,
        "domain_id": project.domain_id,
        "parent_id": project.parent_id,
        "description": f"The project of {dn} in {granted.entry.vo}",
        "enabled": True,
    }
    try:
        PROVIDERS.resource_api.create_project(fields["id"], fields)
    except exception.Conflict:
        LOG.debug("Another login made the project %s already.", project.name)
    found = _project(project.name, project.domain_id)
    if found is None:
        raise name_taken(granted.entry, project)
    return dataclasses.replace(granted, projects=(found,))


def name_taken(entry: Entry, project: Project) -> SetupError:
    """Return the error for a user's own project whose name is another one's."""
    return entry.fault(
        "own_project_not_created",
        what=f"The project {project.name!r} could not be created: another one has a "
        "name that the database takes for the same.",
        mend="Rename that project, or change the template in the mapping.",
    )


def _names(entry: Entry) -> Sequence[str]:
    """Return the names of the roles that an entry gives."""
    return entry.roles or tuple(CONF.voms.user_roles)


def _roles(entry: Entry, known: dict[str, str]) -> tuple[tuple[str, str], ...]:
    found = []
    for role in _names(entry):
        if role not in known:
            raise entry.fault(
                "mapping_role_unknown",
                what=f"There is no role {role!r}.",
                mend=f"'openstack role create {role}' makes it, or correct the "
                "name in the mapping or in [voms] user_roles.",
            )
        found.append((known[role], role))
    return tuple(found)
