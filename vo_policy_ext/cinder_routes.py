# SPDX-License-Identifier: Apache-2.0
"""The paths of Cinder's API v3, and what each gives access to.

Owns: the table as data, with the reason for what is not obvious. Must never
import Cinder: a test compares it with the router of the installed one. Read
first: ROUTES.
"""

from collections.abc import Mapping
from typing import Any

from vo_policy_ext.routes import Access, Items, Reference, Route, Table

ACTION = "/volumes/{volume}/action"

# What Nova does when a server lets go of a volume. All else that is done to a
# volume through a service is for the owner of the volume.
DETACHING = frozenset(
    {"os-begin_detaching", "os-detach", "os-roll_detaching", "os-terminate_connection"}
)

_PAGING = frozenset({"limit", "marker", "offset", "sort", "sort_key", "sort_dir"})

# The lists that Cinder narrows itself when the query has `user_id`: the resource
# whose line of resource_filters.json must have it; None where Cinder asks no file.
NARROWED: Mapping[str, str | None] = {
    "volumes": "volume",
    "snapshots": "snapshot",
    "backups": "backup",
    "groups": "group",
    "group_snapshots": "group_snapshot",
    "consistencygroups": None,
}

# Below the first of these microversions Cinder drops `user_id` from the query of
# these lists, whatever the file says, so they are asked for at the second: the
# first that also takes all the filters that Cinder drops below.
OBEYED_SINCE, ASKED_AT = "3.31", "3.34"
RAISED = frozenset({"snapshots", "backups"})

# What a plain user's query may have, beside the parameters below: the filters that
# the site allows for the resource. Lists that have no name here get no filter: the
# presence of a link to the next page would tell whether something of another user's
# is found.
FILTERED: Mapping[str, str] = {
    "volumes": "volume",
    "snapshots": "snapshot",
    "backups": "backup",
    "groups": "group",
    "group_snapshots": "group_snapshot",
    "attachments": "attachment",
}
# The kind of resource whose id is the marker of a list. The other lists are cut
# into pages before they are narrowed, so a link to the next page may name what
# is another user's.
MARKERS: Mapping[str, str] = {**FILTERED, "consistencygroups": "group"}
_MORE: Mapping[str, frozenset[str]] = {
    "volumes": frozenset({"with_count"}),
    "snapshots": frozenset({"with_count"}),
    "backups": frozenset({"with_count"}),
    "groups": frozenset({"list_volume"}),
}
NEVER = frozenset({"all_tenants", "host", "project_id", "tenant_id", "user_id"})


def collection(route: Route) -> str:
    """Return the first part of a path: `volumes`."""
    return route.segments[0]


def parameters(of: str) -> frozenset[str]:
    """Return the parameters, beside filters, of the query of a list."""
    return _PAGING | _MORE.get(of, frozenset())


def _open(*paths: str) -> tuple[Route, ...]:
    return tuple(Route(path=path, access=Access.OPEN) for path in paths)


def _owned(path: str, **more: Any) -> Route:
    return Route(path=path, access=Access.OWNED, **more)


def _operator(*paths: str) -> tuple[Route, ...]:
    """Return routes that Cinder keeps for admins. An auditor has no use for them."""
    return tuple(
        Route(path=path, access=Access.PROJECT, auditor=False) for path in paths
    )


def _lists(
    of: str,
    *more: str,
    items: Items | None = None,
    auditor: bool = True,
    references: tuple[Reference, ...] = (),
) -> tuple[Route, ...]:
    """Return the list of a collection, and those at the paths below it."""
    below = [
        Route(
            path=f"/{of}/{name}",
            access=Access.LIST,
            auditor=auditor and of != "attachments",
            items=items,
        )
        for name in more
    ]
    top = Route(
        path=f"/{of}",
        access=Access.LIST,
        auditor=auditor,
        items=items,
        references=references,
    )
    return (*below, top)


def _refers(method: str, kind: str, *at: str, split: bool = False) -> Reference:
    return Reference(method=method, at=at, kind=kind, split=split)


_READ = frozenset({"GET"})
_POST = frozenset({"POST"})

# The hints name volumes, to be put beside or apart from, and a server. Cinder
# knows no server's owner, so that none is the caller's own.
_HINTS = tuple(
    _refers("POST", kind, *place, name)
    for place in (("OS-SCH-HNT:scheduler_hints",), ("volume", "scheduler_hints"))
    for name, kind in (
        ("same_host", "volume"),
        ("different_host", "volume"),
        ("local_to_instance", "server"),
    )
)

_VOLUMES = (
    *_lists(
        "volumes",
        "detail",
        references=(
            _refers("POST", "volume", "volume", "source_volid"),
            _refers("POST", "volume", "volume", "source_replica"),
            _refers("POST", "snapshot", "volume", "snapshot_id"),
            _refers("POST", "backup", "volume", "backup_id"),
            _refers("POST", "group", "volume", "group_id"),
            _refers("POST", "group", "volume", "consistencygroup_id"),
            *_HINTS,
        ),
    ),
    # Sums over the project, with the metadata of all its volumes.
    Route(path="/volumes/summary", access=Access.PROJECT),
    _owned("/volumes/{volume}", service=_READ),
    _owned(
        ACTION,
        service=_POST,
        # Only what is in DETACHING: the filter looks at the action.
        through_service=_POST,
        references=(
            _refers("POST", "snapshot", "revert", "snapshot_id"),
            _refers("POST", "volume", "os-migrate_volume_completion", "new_volume"),
            _refers("POST", "attachment", "os-detach", "attachment_id"),
            _refers("POST", "attachment", "os-force_detach", "attachment_id"),
        ),
    ),
    _owned("/volumes/{volume}/metadata"),
    _owned("/volumes/{volume}/metadata/{key}"),
    # The id of the key is no business of an auditor's.
    _owned("/volumes/{volume}/encryption", auditor=False),
    _owned("/volumes/{volume}/encryption/{key}", auditor=False),
)

_SNAPSHOTS = (
    *_lists(
        "snapshots",
        "detail",
        references=(_refers("POST", "volume", "snapshot", "volume_id"),),
    ),
    _owned("/snapshots/{snapshot}"),
    # Nova tells Cinder here what became of a snapshot that Cinder asked it for.
    _owned("/snapshots/{snapshot}/action", service=_POST),
    _owned("/snapshots/{snapshot}/metadata"),
    _owned("/snapshots/{snapshot}/metadata/{key}"),
)

_BACKUPS = (
    *_lists(
        "backups",
        "detail",
        references=(
            _refers("POST", "volume", "backup", "volume_id"),
            _refers("POST", "snapshot", "backup", "snapshot_id"),
        ),
    ),
    # A record names a backup by its place in the store, so that it could name
    # anybody's.
    *_operator("/backups/import_record"),
    _owned("/backups/{backup}"),
    _owned(
        "/backups/{backup}/restore",
        references=(_refers("POST", "volume", "restore", "volume_id"),),
    ),
    _owned("/backups/{backup}/action"),
    _owned("/backups/{backup}/export_record", auditor=False),
)

# An attachment belongs to the owner of its volume. What it shows alone, and in a
# detailed list, is how to connect to the volume: not for an auditor.
_ATTACHMENTS = (
    *_lists(
        "attachments",
        "detail",
        "summary",
        items=Items(key="attachments", kind="volume", by="volume_id"),
        references=(_refers("POST", "volume", "attachment", "volume_uuid"),),
    ),
    _owned(
        "/attachments/{attachment}",
        auditor=False,
        # Nova looks after the attachments of its servers when it starts anew.
        service=frozenset({"GET", "PUT", "DELETE"}),
        # A server is deleted with the volumes of others that are attached to it.
        through_service=frozenset({"DELETE"}),
    ),
    _owned("/attachments/{attachment}/action", service=_POST),
)

# A new group is made from a snapshot of another, or from another.
_SOURCES = (
    _refers("POST", "group", "create-from-src", "source_group_id"),
    _refers("POST", "group_snapshot", "create-from-src", "group_snapshot_id"),
)

_GROUPS = (
    *_lists("groups", "detail", items=Items(key="groups", kind="group")),
    Route(path="/groups/action", access=Access.OPEN, references=_SOURCES),
    _owned(
        "/groups/{group}",
        references=(
            _refers("PUT", "volume", "group", "add_volumes", split=True),
            _refers("PUT", "volume", "group", "remove_volumes", split=True),
        ),
    ),
    # Cinder takes the same action here, and looks at the body alone.
    _owned("/groups/{group}/action", references=_SOURCES),
    *_lists(
        "group_snapshots",
        "detail",
        items=Items(key="group_snapshots", kind="group_snapshot"),
        references=(_refers("POST", "group", "group_snapshot", "group_id"),),
    ),
    _owned("/group_snapshots/{group_snapshot}"),
    _owned("/group_snapshots/{group_snapshot}/action"),
)

_MEMBERS = (
    _refers("PUT", "volume", "consistencygroup", "add_volumes", split=True),
    _refers("PUT", "volume", "consistencygroup", "remove_volumes", split=True),
)

# The older names for groups of volumes, and their snapshots.
_CONSISTENCY_GROUPS = (
    *_lists(
        "consistencygroups",
        "detail",
        items=Items(key="consistencygroups", kind="group"),
    ),
    Route(
        path="/consistencygroups/create_from_src",
        access=Access.OPEN,
        references=(
            _refers("POST", "group", "consistencygroup-from-src", "source_cgid"),
            _refers(
                "POST", "group_snapshot", "consistencygroup-from-src", "cgsnapshot_id"
            ),
        ),
    ),
    _owned("/consistencygroups/{group}", references=_MEMBERS),
    _owned("/consistencygroups/{group}/delete"),
    _owned("/consistencygroups/{group}/update", references=_MEMBERS),
    *_lists(
        "cgsnapshots",
        "detail",
        items=Items(key="cgsnapshots", kind="group_snapshot"),
        references=(_refers("POST", "group", "cgsnapshot", "consistencygroup_id"),),
    ),
    _owned("/cgsnapshots/{group_snapshot}"),
)


def _transfers(of: str) -> tuple[Route, ...]:
    return (
        *_lists(
            of,
            "detail",
            items=Items(key="transfers", kind="volume", by="volume_id"),
            auditor=False,
            references=(_refers("POST", "volume", "transfer", "volume_id"),),
        ),
        _owned(f"/{of}/{{transfer}}", auditor=False),
        # Who has the key of the transfer may take the volume: that is its sense.
        *_open(f"/{of}/{{id}}/accept"),
    )


_MESSAGES = (
    *_lists("messages", items=Items(key="messages", kind="message")),
    _owned("/messages/{message}"),
)

# What the site offers, the same to all. Cinder's own rules keep the rest of the
# methods for admins.
_SITE = _open(
    "/",
    "/types",
    "/types/{id}",
    "/types/{id}/action",
    "/types/{id}/extra_specs",
    "/types/{id}/extra_specs/{key}",
    "/types/{id}/encryption",
    "/types/{id}/encryption/{key}",
    "/types/{id}/os-volume-type-access",
    "/group_types",
    "/group_types/{id}",
    "/group_types/{id}/group_specs",
    "/group_types/{id}/group_specs/{key}",
    "/default-types",
    "/default-types/{id}",
    "/qos-specs",
    "/qos-specs/{id}",
    "/qos-specs/{id}/associations",
    "/qos-specs/{id}/associate",
    "/qos-specs/{id}/disassociate",
    "/qos-specs/{id}/disassociate_all",
    "/qos-specs/{id}/delete_keys",
    "/resource_filters",
    "/extensions",
    "/extensions/{id}",
    "/os-availability-zone",
    # Sums over the project: what is left for each is what is left for all, and a
    # client has to know it.
    "/limits",
    "/os-quota-sets/{id}",
    "/os-quota-sets/{id}/defaults",
    "/os-quota-class-sets/{id}",
)

_OPERATOR = _operator(
    "/clusters",
    "/clusters/detail",
    "/clusters/enable",
    "/clusters/disable",
    "/clusters/{id}",
    "/workers/cleanup",
    "/os-services",
    "/os-services/enable",
    "/os-services/disable",
    "/os-services/disable-log-reason",
    "/os-services/get-log",
    "/os-services/set-log",
    "/os-services/freeze",
    "/os-services/thaw",
    "/os-services/failover_host",
    "/os-hosts",
    "/os-hosts/{id}",
    "/scheduler-stats/get_pools",
    "/capabilities/{id}",
    # The volumes of a backend that Cinder does not manage yet: of no user, and
    # of all.
    "/manageable_volumes",
    "/manageable_volumes/detail",
    "/manageable_snapshots",
    "/manageable_snapshots/detail",
    "/os-volume-manage",
    "/os-volume-manage/detail",
    "/os-snapshot-manage",
    "/os-snapshot-manage/detail",
)

ROUTES = (
    *_VOLUMES,
    *_SNAPSHOTS,
    *_BACKUPS,
    *_ATTACHMENTS,
    *_GROUPS,
    *_CONSISTENCY_GROUPS,
    *_transfers("os-volume-transfer"),
    *_transfers("volume-transfers"),
    *_MESSAGES,
    *_SITE,
    *_OPERATOR,
)

TABLE = Table(ROUTES)
