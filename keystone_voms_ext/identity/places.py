# SPDX-License-Identifier: Apache-2.0
"""Where VOMS users and projects live: domains and the identity provider.

Owns looking them up by what the configuration names, and the errors that say
what to create. Must never create one. Read ``find_domain`` first.
"""

from __future__ import annotations

from typing import Any

import keystone.conf
from keystone import exception
from keystone.common import cache, provider_api
from keystone.federation import utils

from keystone_voms_ext.voms.errors import CredentialRefused, SetupError

CONF = keystone.conf.CONF
PROVIDERS = provider_api.ProviderAPIs


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


def check_mapping(payload: dict[str, Any], assertion: dict[str, Any]) -> None:
    """Refuse a login for which no rule of the provider's mapping holds.

    Only whether a rule holds counts; whom and which groups it names does not.
    Raises CredentialRefused, or Keystone's own errors for a provider that is
    disabled or a protocol without a mapping.
    """
    provider, protocol = payload["identity_provider"], payload["protocol"]
    federation = PROVIDERS.federation_api
    utils.assert_enabled_identity_provider(federation, provider)
    try:
        utils.validate_idp(federation.get_idp(provider), protocol, assertion)
        federation.evaluate(provider, protocol, assertion)
    except exception.ValidationError as error:
        if "VOMS_DN" not in assertion:
            # Why there is nothing to map is for the login itself to say.
            return
        raise CredentialRefused(
            "mapping_rules_refused",
            subject=str(assertion["VOMS_DN"]),
            what=f"No rule of the mapping of {provider!r} holds for this login.",
            mend="Compare its rules with VOMS_DN, VOMS_VO and VOMS_FQANS; one rule "
            "on VOMS_DN alone is enough, for voms.json says who earns what.",
        ) from error


def find_domain(name: str, *, option: str) -> dict[str, Any]:
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


def check_ttl() -> None:
    """Refuse an identity provider whose memberships are over at once."""
    name = CONF.voms.identity_provider
    try:
        ttl = _authorization_ttl(name)
    except exception.IdentityProviderNotFound as error:
        raise provider_unknown() from error
    if ttl or CONF.federation.default_authorization_ttl:
        return
    # What is remembered is good news alone.
    _authorization_ttl.invalidate(name)
    raise SetupError(
        "authorization_ttl_missing",
        what=f"The identity provider {name!r} has no authorization_ttl, so "
        "every membership is over at once.",
        mend="'openstack identity provider set --authorization-ttl 1440 "
        f"{name}' makes memberships last a day after the last login.",
    )


def _read_ttl(name: str) -> int:
    """Return the minutes that a membership lasts, 0 if the provider has none set."""
    found = PROVIDERS.federation_api.get_idp(name)
    return int(found.get("authorization_ttl") or 0)


# In Keystone's own cache, by its own options: a login asks for it each time.
_authorization_ttl = cache.get_memoization_decorator(group="federation")(_read_ttl)


def provider_unknown() -> SetupError:
    """Return the error for a provider or protocol that does not exist."""
    idp, protocol = CONF.voms.identity_provider, CONF.voms.protocol
    return SetupError(
        "identity_provider_unknown",
        what=f"There is no protocol {protocol!r} of an identity provider {idp!r}.",
        mend="Create both ('openstack identity provider create "
        "--authorization-ttl 1440 ...', 'openstack federation protocol create "
        "...'), or set [voms] identity_provider and protocol.",
    )
