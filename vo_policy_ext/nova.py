# SPDX-License-Identifier: Apache-2.0
"""Nova behind the filter: whose a server is, and how a list is narrowed.

Owns: every import of Nova. Must never: look into a cell's database (it may be
down, and then nothing could be decided), or trust a query of the client's that
has not been cut to what every user may send. Read first: Nova.adapted.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from nova.context import get_admin_context
from nova.exception import InstanceMappingNotFound
from nova.objects.instance_mapping import InstanceMapping
from oslo_log import log as logging

from vo_policy_ext import request
from vo_policy_ext.caller import Caller
from vo_policy_ext.errors import Malformed, Refused, Unready
from vo_policy_ext.nova_routes import TABLE
from vo_policy_ext.request import Environ
from vo_policy_ext.routes import CANONICAL, READING, Access, Match
from vo_policy_ext.wsgi import Application, Isolation, no_options

LOG = logging.getLogger(__name__)

# Owners to remember: some 2 MB.
REMEMBERED = 10_000

# Nova's ServersController._get_server_search_options, what it lets a user search
# by; without all_tenants and user_id. Nova drops what is newer than the
# microversion of the request, but for the old v2 API, where the newer would crash
# it. Sorting by `host` and `node` Nova keeps to administrators by itself.
_SEARCHED = frozenset(
    "reservation_id name status image flavor ip ip6 changes-since".split()
)
_SEARCHED_LATER = frozenset(
    "tags tags-any not-tags not-tags-any changes-before locked availability_zone "
    "config_drive key_name created_at launched_at terminated_at power_state "
    "task_state vm_state progress hostname".split()
)
_PAGED = frozenset("limit marker offset page_size sort_key sort_dir".split())

# Below microversion 2.83, and in the v2 API, Nova obeys user_id only for those
# whom this rule lets use any filter.
_ANY_FILTER = "os_compute_api:servers:allow_all_filters"

_MISSING = {
    "server": "Instance {} could not be found.",
    "server_group": "Instance group {} could not be found.",
    "host_query": "No valid host was found by the query {}.",
}


class Nova:
    """What the filter has to know of Nova (vo_policy_ext.wsgi.Service)."""

    table = TABLE

    def __init__(self) -> None:
        """Nothing is asked of the database before the first request."""
        # It keeps no exceptions, so what is not there is asked for again. The
        # owner of a server never changes.
        self._owner = functools.lru_cache(maxsize=REMEMBERED)(_owner)

    def context(self, environ: Environ) -> Any:
        """Return Nova's RequestContext, None if there is none."""
        return environ.get("nova.context")

    def owners(
        self, context: Any, kind: str, ids: Collection[str]
    ) -> Mapping[str, str]:
        """Return the user id of the owner of each server that there is.

        Nobody owns anything else: groups belong to the project.
        """
        found: dict[str, str] = {}
        for server_id in ids if kind == "server" else ():
            try:
                found[server_id] = self._owner(server_id)
            except _Unowned:
                continue
        return found

    def missing(self, kind: str, resource_id: str) -> str:
        """Return Nova's text for what does not exist."""
        return _MISSING[kind].format(resource_id)

    def adapted(
        self, environ: Environ, context: Any, caller: Caller, match: Match, method: str
    ) -> Environ:
        """Return the environ to pass on, the query cut to what the caller may ask.

        The administrator's stays as it is.
        """
        if caller.is_admin:
            return environ
        if match.route.access is Access.LIST and method in READING:
            return self._narrowed(environ, context, caller, match)
        if match.route.path.startswith("/os-quota-sets/"):
            return _own_quota(environ, caller)
        return environ

    def _narrowed(
        self, environ: Environ, context: Any, caller: Caller, match: Match
    ) -> Environ:
        """Return the environ of a list of servers.

        Who reads all of the project keeps the filters of a plain user and
        `user_id`; others get `user_id` set to their own.
        """
        allowed = _SEARCHED | _PAGED
        if not environ.get("openstack.legacy_v2"):
            allowed |= _SEARCHED_LATER
        if caller.reads_all:
            allowed |= {"user_id"}
        parameters = [p for p in request.query(environ) if p[0] in allowed]
        if caller.reads_all:
            return request.with_query(environ, parameters)
        self._check_marker(context, caller, parameters)
        _check_rule(context, match)
        return request.with_query(environ, [*parameters, ("user_id", caller.user_id)])

    def _check_marker(
        self, context: Any, caller: Caller, parameters: Iterable[tuple[str, str]]
    ) -> None:
        """Raise Malformed, as Nova would, if a page begins at no server of theirs."""
        markers = [value for name, value in parameters if name == "marker"]
        if len(markers) > 1:
            raise Malformed("The query has more than one marker.", code="marker")
        for marker in markers:
            ids = (marker,) if CANONICAL.fullmatch(marker) else ()
            if self.owners(context, "server", ids).get(marker) != caller.user_id:
                raise Malformed(f"marker [{marker}] not found", code="marker")


class _Unowned(Exception):
    """There is no such server, or nobody knows whose it is."""


def _owner(server_id: str) -> str:
    """Return the user id of the owner of a server. Raises _Unowned."""
    # The mappings are in the API database, of all cells.
    try:
        mapping = InstanceMapping.get_by_instance_uuid(get_admin_context(), server_id)
    except InstanceMappingNotFound as error:
        raise _Unowned(server_id) from error
    # The database may have found it by a comparison of its own.
    if mapping.instance_uuid != server_id:
        raise _Unowned(server_id)
    if not mapping.obj_attr_is_set("user_id"):
        LOG.error(
            "The mapping of server %s has no user, so nobody but a manager reaches "
            "it. Run nova-manage db online_data_migrations.",
            server_id,
        )
        raise _Unowned(server_id)
    return str(mapping.user_id)


def _check_rule(context: Any, match: Match) -> None:
    """Raise Unready unless Nova will obey the user_id of the query."""
    if context.can(_ANY_FILTER, fatal=False):
        return
    action = "detail" if match.route.path.endswith("/detail") else "index"
    # Nova refuses the whole list by this rule, so there is nothing to narrow.
    if not context.can(f"os_compute_api:servers:{action}", fatal=False):
        return
    raise Unready(
        "The list cannot be narrowed to what is yours.",
        code="rule_set_missing",
        mend=f"the policy of this Nova keeps {_ANY_FILTER} to the administrator; put "
        "50-vo.yaml of the mode shared-project into the policy.d of nova",
    )


def _own_quota(environ: Environ, caller: Caller) -> Environ:
    """Return the environ of a quota, which may be the caller's own share of it.

    Raises Refused for the share of another user: how much that one has.
    """
    parameters = request.query(environ)
    for name, value in parameters:
        if name == "user_id" and value != caller.user_id and not caller.reads_all:
            raise Refused(
                "Only a manager or an auditor of the project may ask for the quota "
                "of another user.",
                code="names_anothers",
            )
    return request.with_query(environ, parameters)


def filter_factory(
    global_conf: Mapping[str, str], **local_conf: str
) -> Callable[[Application], Isolation]:
    """Return the filter for PasteDeploy.

    Raises ValueError for an option: it has none.
    """
    no_options("Nova", local_conf)
    service = Nova()

    def isolation(app: Application) -> Isolation:
        return Isolation(app, service)

    return isolation
