# SPDX-License-Identifier: Apache-2.0
"""What the identity back end and its database are like at this site.

Owns the questions that the operators' checks ask of them. It only looks, and
must never mend anything. Read ``alike`` for what a database does to names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keystone.conf
import sqlalchemy
from keystone import exception
from keystone.common import provider_api, sql
from keystone.identity.backends import sql_model
from keystone.server import backends

CONF = keystone.conf.CONF
PROVIDERS = provider_api.ProviderAPIs


def load() -> None:
    """Make Keystone's managers, once in a process, and see the database answer."""
    backends.load_backends()
    with sql.session_for_read() as session:
        session.query(sql_model.User.id).first()


def is_in_sql(domain: dict[str, Any]) -> bool:
    """Tell whether the domain's users are stored in SQL, where we can make some."""
    identity = PROVIDERS.identity_api
    # Domains with a driver of their own are read in by the first call that
    # needs them, which any look-up is.
    try:
        identity.get_user_by_name("", domain["id"])
    except exception.UserNotFound:
        pass
    driver = identity.domain_configs.get_domain_driver(domain["id"]) or identity.driver
    return bool(driver.is_sql)


def roles_missing(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of these global roles that do not exist."""
    known = {
        role["name"]
        for role in PROVIDERS.role_api.list_roles()
        if role.get("domain_id") is None
    }
    return tuple(name for name in names if name not in known)


def provider_is_enabled() -> bool:
    """Tell whether the identity provider is enabled, as federated logins need."""
    found = PROVIDERS.federation_api.get_idp(CONF.voms.identity_provider)
    return bool(found["enabled"])


def protocol_exists() -> bool:
    """Tell whether the identity provider has the protocol of ``[voms]``."""
    try:
        PROVIDERS.federation_api.get_protocol(
            CONF.voms.identity_provider, CONF.voms.protocol
        )
    except (exception.FederatedProtocolNotFound, exception.IdentityProviderNotFound):
        return False
    return True


def rules_hold(assertion: dict[str, str]) -> bool:
    """Tell whether the rules of our protocol let a login with this assertion in."""
    try:
        PROVIDERS.federation_api.evaluate(
            CONF.voms.identity_provider, CONF.voms.protocol, assertion
        )
    except exception.Error:
        return False
    return True


def collation() -> str:
    """Return by what MySQL or MariaDB compares users' names, '' for others."""
    with sql.session_for_read() as session:
        if session.get_bind().dialect.name not in ("mysql", "mariadb"):
            return ""
        query = sqlalchemy.text(
            "SELECT collation_name FROM information_schema.columns WHERE "
            "table_schema = DATABASE() AND table_name = :t AND column_name = 'name'"
        )
        table = sql_model.LocalUser.__tablename__
        return str(session.execute(query, {"t": table}).scalar() or "unknown")


def alike(domain: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return pairs of users' names that differ, and are equal to the database."""
    local, other, user = sql_model.LocalUser, sql_model.NonLocalUser, sql_model.User
    link = sql_model.FederatedUser
    names = sqlalchemy.union_all(
        sqlalchemy.select(local.user_id, local.name).where(
            local.domain_id == domain["id"]
        ),
        sqlalchemy.select(other.user_id, other.name).where(
            other.domain_id == domain["id"]
        ),
        sqlalchemy.select(link.user_id, link.display_name)
        .join(user, user.id == link.user_id)
        .where(user.domain_id == domain["id"]),
    ).subquery()
    one, two = names.alias(), names.alias()
    query = sqlalchemy.select(one.c.name, two.c.name).where(
        one.c.name == two.c.name, one.c.user_id != two.c.user_id
    )
    with sql.session_for_read() as session:
        pairs = {(str(a), str(b)) for a, b in session.execute(query).all()}
    return tuple(sorted((a, b) for a, b in pairs if a < b))
