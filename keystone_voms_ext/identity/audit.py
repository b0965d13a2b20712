# SPDX-License-Identifier: Apache-2.0
"""CADF audit events of VOMS logins, beside those that Keystone sends itself.

Owns their form. Keystone's own filter ``[DEFAULT] notification_opt_out`` decides
which are sent. Must never hold a credential. Read ``succeeded`` first.
"""

from __future__ import annotations

import http

from keystone import notifications
from pycadf import cadftaxonomy as taxonomy
from pycadf import reason, resource

_ACTION = "authenticate"
_EVENT = "identity.authenticate"


def succeeded(user_id: str) -> None:
    """Tell that a user was authenticated by the method ``voms``."""
    initiator = notifications.build_audit_initiator()
    initiator.user_id = user_id
    _send(initiator, taxonomy.OUTCOME_SUCCESS, None)


def failed(code: str, *, status: int) -> None:
    """Tell that a login was refused, with the stable code as the reason."""
    why = reason.Reason(
        reasonType=f"{http.HTTPStatus(status).phrase}: {code}", reasonCode=str(status)
    )
    initiator = notifications.build_audit_initiator()
    _send(initiator, taxonomy.OUTCOME_FAILURE, why)


def _send(
    initiator: resource.Resource, outcome: str, why: reason.Reason | None
) -> None:
    # Keystone has no public function for an event that is not about its own
    # resources; this is the one its plugins go through.
    notifications._send_audit_notification(
        _ACTION,
        initiator,
        outcome,
        resource.Resource(typeURI=taxonomy.ACCOUNT_USER),
        _EVENT,
        reason=why,
    )
