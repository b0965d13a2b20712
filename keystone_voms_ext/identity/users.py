# SPDX-License-Identifier: Apache-2.0
"""The user that stands for a DN, in Keystone's own store.

Owns finding, creating and linking it. It must never take one user for another:
the name is compared with the DN byte for byte, whatever the database thinks.
Read ``find_or_create_user`` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import keystone.conf
from keystone import exception
from keystone.common import provider_api
from oslo_utils import timeutils

from keystone_voms_ext.identity import groups
from keystone_voms_ext.identity.places import find_domain, provider_unknown
from keystone_voms_ext.voms.errors import CredentialRefused, SetupError

CONF = keystone.conf.CONF
PROVIDERS = provider_api.ProviderAPIs

_NAME_LENGTH = 255  # local_user.name
# First logins of one user race for the same rows; each loser reads what the
# winner wrote, so two rounds are enough and more mean that something else is
# wrong.
_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class User:
    """A user of Keystone that stands for one DN, and its places in our groups."""

    id: str
    created: bool
    places: tuple[groups.Membership, ...] = ()


def find_or_create_user(dn: str) -> User:
    """Return the enabled user whose name is ``dn``, byte for byte.

    Raises CredentialRefused (``user_unknown``, ``user_disabled``,
    ``user_name_collision``, ``dn_not_storable``) or SetupError.
    """
    domain = find_domain(CONF.voms.user_domain, option="user_domain")
    created = False
    for _ in range(_ROUNDS):
        user = find_user(dn, domain)
        if user is None:
            created = _create_user(dn, domain) or created
            continue
        places = groups.memberships(user["id"])
        # Who has a place in a group of the provider has its link as well.
        known = any(place.provider == CONF.voms.identity_provider for place in places)
        if known or _linked(user["id"], dn):
            today = timeutils.utcnow().date()
            if not any(place.verified.date() == today for place in places):
                PROVIDERS.shadow_users_api.set_last_active_at(user["id"])
            return User(id=user["id"], created=created, places=places)
    raise SetupError(
        "user_not_created",
        subject=dn,
        what=f"No user {dn} could be created in domain {domain['name']}.",
        mend="Look for another user that is linked to this DN, and for database "
        "errors above this line.",
    )


def find_user(dn: str, domain: dict[str, Any]) -> dict[str, Any] | None:
    """Return the enabled user whose name is ``dn``, None if there is none.

    Raises CredentialRefused ``user_disabled``, ``user_name_collision`` and
    ``dn_not_storable``.
    """
    _check_storable(dn)
    identity = PROVIDERS.identity_api
    try:
        user: dict[str, Any] = identity.get_user_by_name(dn, domain["id"])
    except exception.UserNotFound:
        return None
    # MariaDB compares names without regard to case, accents and trailing
    # blanks: what it found may be another person.
    if user["name"] != dn:
        # Keystone keeps this answer under the DN, and would give it long after
        # the other user has another name.
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
    return user


def default_project(user_id: str) -> str | None:
    """Return the id of the user's default project, None without one."""
    found = PROVIDERS.identity_api.get_user(user_id).get("default_project_id")
    return str(found) if found else None


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


def check_autocreate(dn: str, domain: dict[str, Any]) -> None:
    """Refuse a user who is not there where the site makes its users itself."""
    if CONF.voms.autocreate_users:
        return
    raise CredentialRefused(
        "user_unknown",
        subject=dn,
        what=f"No user of domain {domain['name']} has this DN as its name, and "
        "[voms] autocreate_users is off.",
        mend="Create the user with the DN as its name, or turn the option on.",
    )


def read_only(domain: dict[str, Any], reason: str = "") -> SetupError:
    """Return the error for a domain whose users Keystone cannot write."""
    return SetupError(
        "user_domain_read_only",
        what=f"The domain {domain['name']} takes no new users{reason}.",
        mend="Set [voms] user_domain to a domain that is stored in SQL.",
    )


def is_linked(user_id: str) -> bool:
    """Tell whether the user has the link of our provider and protocol."""
    return any(
        provider["idp_id"] == CONF.voms.identity_provider
        and any(
            one["protocol_id"] == CONF.voms.protocol for one in provider["protocols"]
        )
        for provider in PROVIDERS.shadow_users_api.get_federated_objects(user_id)
    )


def _create_user(dn: str, domain: dict[str, Any]) -> bool:
    """Create the user, and tell whether it was this call that did."""
    check_autocreate(dn, domain)
    try:
        PROVIDERS.identity_api.create_user(
            {"name": dn, "domain_id": domain["id"], "enabled": True}
        )
    except exception.Conflict:
        return False
    except (exception.Forbidden, exception.ForbiddenAction) as error:
        raise read_only(domain, f": {error}") from error
    return True


def _linked(user_id: str, dn: str) -> bool:
    """Tell whether the user has its federated link, making it where it is missing.

    The link lets group memberships expire, and lets the federated door find
    the same user. Creating a user with the link in one call leaves an orphan
    when two logins race, so the link is a step of its own.
    """
    idp, protocol = CONF.voms.identity_provider, CONF.voms.protocol
    if is_linked(user_id):
        return True
    try:
        PROVIDERS.federation_api.get_protocol(idp, protocol)
    except (
        exception.FederatedProtocolNotFound,
        exception.IdentityProviderNotFound,
    ) as error:
        raise provider_unknown() from error
    try:
        PROVIDERS.shadow_users_api.create_federated_object(
            {
                "user_id": user_id,
                "idp_id": idp,
                "protocol_id": protocol,
                "unique_id": quote(dn),
                # With a name here Keystone would list the user by it twice.
                "display_name": None,
            }
        )
    except exception.Conflict:
        # Another login of this user was quicker, or the link belongs to a
        # user that is gone; the next round tells.
        return False
    return True
