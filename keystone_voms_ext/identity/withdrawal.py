# SPDX-License-Identifier: Apache-2.0
"""Taking back what was made under rights that a user no longer has.

Owns the end of application credentials, trusts, EC2 credentials and tokens. A
right that is granted again must find none of them alive: Keystone only lets
them sleep. It must never touch what rests on an operator's own grant. Read
``withdraw`` first.
"""

from __future__ import annotations

import time
from collections.abc import Collection

import keystone.conf
from keystone import exception, notifications
from keystone.assignment import core as assignment
from keystone.common import driver_hints, provider_api
from keystone.models import revoke_model
from oslo_log import log
from oslo_utils import timeutils

from keystone_voms_ext.identity.groups import Pairs

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs


def held_otherwise(user_id: str, our_groups: Collection[str]) -> Pairs:
    """Return what the user holds without these groups: operators' own grants.

    Direct grants and those of other groups, inherited ones included.
    """
    assignments = PROVIDERS.assignment_api.list_role_assignments(
        user_id=user_id, effective=True
    )
    return frozenset(
        (found["project_id"], found["role_id"])
        for found in assignments
        if "project_id" in found
        and found.get("indirect", {}).get("group_id") not in our_groups
    )


def withdraw(user_id: str, lost: Pairs) -> None:
    """End all that the user made in the projects of these lost rights.

    Tokens issued up to this second end as well; see ``next_second``.
    """
    projects = {project_id for project_id, _ in lost}
    for project_id in sorted(projects):
        _delete_application_credentials(user_id, project_id)
    _delete_trusts(user_id, projects)
    _delete_ec2_credentials(user_id, projects)
    end_tokens(user_id)


def next_second() -> None:
    """Wait until a token that is issued now outlives what was just revoked.

    Fernet keeps whole seconds, and a token of the same second that carries the
    lost right must not be left.
    """
    time.sleep(1.01 - time.time() % 1)


def end_tokens(user_id: str) -> None:
    """End the user's tokens that were issued up to this second."""
    assignment.COMPUTED_ASSIGNMENTS_REGION.invalidate()
    now = timeutils.utcnow().replace(microsecond=0)
    PROVIDERS.revoke_api.revoke(
        revoke_model.RevokeEvent(user_id=user_id, issued_before=now)
    )
    notifications.invalidate_token_cache_notification(
        f"The rights of user {user_id} have changed."
    )


def _delete_application_credentials(user_id: str, project_id: str) -> None:
    credentials = PROVIDERS.application_credential_api
    hints = driver_hints.Hints()
    hints.add_filter("project_id", project_id)
    for found in credentials.list_application_credentials(user_id, hints=hints):
        if found["project_id"] != project_id:
            continue
        try:
            credentials.delete_application_credential(found["id"])
        except exception.ApplicationCredentialNotFound:
            continue
        LOG.info("Application credential %s of user %s ended.", found["id"], user_id)


def _delete_trusts(user_id: str, projects: Collection[str]) -> None:
    trusts = PROVIDERS.trust_api
    for found in trusts.list_trusts_for_trustor(user_id):
        if found["project_id"] not in projects:
            continue
        try:
            trusts.delete_trust(found["id"])
        except exception.TrustNotFound:
            continue
        LOG.info("Trust %s of user %s ended.", found["id"], user_id)


def _delete_ec2_credentials(user_id: str, projects: Collection[str]) -> None:
    credentials = PROVIDERS.credential_api
    for found in credentials.list_credentials_for_user(user_id, type="ec2"):
        if found["project_id"] not in projects:
            continue
        try:
            credentials.delete_credential(found["id"])
        except exception.CredentialNotFound:
            continue
        LOG.info("EC2 credential %s of user %s ended.", found["id"], user_id)
