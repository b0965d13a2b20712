# SPDX-License-Identifier: Apache-2.0
"""Who asks, and how far the user sees.

Owns: the roles that the filters make a difference for. Must never: read a
header; what the service's own authentication made of the token is all there
is. Read first: Caller.
"""

from dataclasses import dataclass
from typing import Any

MANAGER = "manager"
SERVICE = "service"
AUDITOR = "vo_auditor"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The user of one request, in the project that the token is scoped to.

    `roles` and `service_roles` are in lower case: Keystone's role names do not
    differ by case, and oslo.policy compares them so. `service_roles` are those
    of the service that passes a user's request on (X-Service-Token).
    """

    user_id: str
    project_id: str
    roles: frozenset[str]
    service_roles: frozenset[str] = frozenset()
    is_admin: bool = False

    @classmethod
    def from_context(cls, context: Any) -> "Caller | None":
        """Return the caller of an oslo.context RequestContext; None if nobody.

        Without a project (a token of a domain or of the system) the id is empty.
        """
        if context is None or not context.user_id:
            return None
        return cls(
            user_id=str(context.user_id),
            project_id=str(context.project_id or ""),
            roles=_lower(context.roles),
            service_roles=_lower(getattr(context, "service_roles", ())),
            is_admin=bool(context.is_admin),
        )

    @property
    def changes_all(self) -> bool:
        """Whether the user may do in the whole project what the service allows.

        A manager of a domain, without a project, is a manager of no project.
        """
        return self.is_admin or bool(self.project_id and MANAGER in self.roles)

    @property
    def reads_all(self) -> bool:
        """Whether the user may read in the whole project."""
        return self.changes_all or bool(self.project_id and AUDITOR in self.roles)

    @property
    def is_service(self) -> bool:
        """Whether a service asks by itself, for no user."""
        return SERVICE in self.roles

    @property
    def through_service(self) -> bool:
        """Whether a service passes on the request of a user."""
        return SERVICE in self.service_roles


def _lower(roles: Any) -> frozenset[str]:
    return frozenset(str(role).lower() for role in roles or ())
