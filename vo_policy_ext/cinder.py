# SPDX-License-Identifier: Apache-2.0
"""The filter before Cinder's API: `vo_isolation` of its api-paste.ini.

Owns: what the filter asks Cinder for (owners, texts, filters of lists), and the
query of a list. It alone imports Cinder. Must never: remember an owner, since a
transfer gives a volume another one. Read first: Cinder.adapted.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from cinder import exception
from cinder.api import common
from cinder.api.openstack import api_version_request
from cinder.api.openstack import wsgi as cinder_wsgi
from cinder.db import api as db
from cinder.db import models
from cinder.message import message_field

from vo_policy_ext import cinder_routes as routes
from vo_policy_ext import request
from vo_policy_ext.caller import Caller
from vo_policy_ext.errors import Missing, Unready
from vo_policy_ext.request import Environ
from vo_policy_ext.routes import CANONICAL, READING, Access, Match
from vo_policy_ext.wsgi import Application, Isolation, is_free, no_options

_OWN_USER: Mapping[str, Any] = {
    "volume": models.Volume,
    "snapshot": models.Snapshot,
    "backup": models.Backup,
    "group": models.Group,
    "group_snapshot": models.GroupSnapshot,
}
_OF_A_VOLUME: Mapping[str, Any] = {
    "attachment": models.VolumeAttachment,
    "transfer": models.Transfer,
}
_MESSAGE_ABOUT: Mapping[str, Any] = {
    message_field.Resource.VOLUME: models.Volume,
    message_field.Resource.VOLUME_SNAPSHOT: models.Snapshot,
    message_field.Resource.VOLUME_BACKUP: models.Backup,
}

_VERSION = "HTTP_OPENSTACK_API_VERSION"


class Cinder:
    """What the filter has to know of Cinder (see vo_policy_ext.wsgi.Service)."""

    table = routes.TABLE

    def context(self, environ: Environ) -> Any:
        """Return the RequestContext that `keystonecontext` left, or None."""
        return environ.get("cinder.context")

    def owners(
        self, context: Any, kind: str, ids: Collection[str]
    ) -> Mapping[str, str]:
        """Return the user id of the owner of each resource that is not deleted.

        An attachment and a transfer belong to who has the volume, a message to
        who has, or had, what it is about. Cinder knows the owner of no server.
        Raises KeyError for another kind, and what the database raises.
        """
        if kind == "server" or not ids:
            return {}
        with db.main_context_manager.reader.using(context) as session:
            rows = [
                row
                for query in _queries(session, kind, list(ids))
                for row in query.all()
            ]
        return {str(row[0]): str(row[1]) for row in rows if row[1]}

    def missing(self, kind: str, resource_id: str) -> str:
        """Return Cinder's own text for a resource that does not exist."""
        if kind == "attachment":
            reason = f"attachment_id = {resource_id}"
            return str(exception.VolumeAttachmentNotFound(filter=reason).msg)
        error, name = {
            "volume": (exception.VolumeNotFound, "volume_id"),
            "snapshot": (exception.SnapshotNotFound, "snapshot_id"),
            "backup": (exception.BackupNotFound, "backup_id"),
            "group": (exception.GroupNotFound, "group_id"),
            "group_snapshot": (exception.GroupSnapshotNotFound, "group_snapshot_id"),
            "transfer": (exception.TransferNotFound, "transfer_id"),
            "message": (exception.MessageNotFound, "message_id"),
            "server": (exception.ServerNotFound, "uuid"),
        }[kind]
        return str(error(**{name: resource_id}).msg)

    def adapted(
        self, environ: Environ, context: Any, caller: Caller, match: Match, method: str
    ) -> Environ:
        """Return the environ with the query of a list narrowed to the caller's own.

        A list that not every microversion can narrow is asked for at the first
        that can. Raises Missing for a marker that is not the caller's own and
        for an action, passed on by a service, on another user's volume; Unready
        if Cinder's resource filters would have it ignore the owner.
        """
        if match.route.path == routes.ACTION and method == "POST":
            self._check_action(environ, context, caller, match)
        if match.route.access is not Access.LIST or method not in READING:
            return environ
        if is_free(caller, match, method):
            return environ
        of = routes.collection(match.route)
        query = [
            (name, value)
            for name, value in request.query(environ)
            if name in routes.parameters(of) or _is_filter(of, name)
        ]
        for name, value in query:
            if name == "marker" and of in routes.MARKERS:
                self._check_own(context, caller, routes.MARKERS[of], value)
        if of in routes.NARROWED:
            _check_narrows(routes.NARROWED[of])
            query.append(("user_id", caller.user_id))
        passed = request.with_query(environ, query)
        return _raised(passed) if of in routes.RAISED else passed

    def _check_action(
        self, environ: Environ, context: Any, caller: Caller, match: Match
    ) -> None:
        """Raise Missing for what a service may not do to another user's volume."""
        if caller.changes_all or caller.is_service or not caller.through_service:
            return
        document = request.body(environ)
        if isinstance(document, dict) and document.keys() <= routes.DETACHING:
            return
        self._check_own(context, caller, "volume", match.values["volume"])
        for reference in match.route.references:
            for named in request.named(document, reference):
                self._check_own(context, caller, reference.kind, named)

    def _check_own(
        self, context: Any, caller: Caller, kind: str, resource_id: str
    ) -> None:
        if CANONICAL.fullmatch(resource_id):
            owners = self.owners(context, kind, (resource_id,))
            if owners.get(resource_id) == caller.user_id:
                return
        raise Missing(self.missing(kind, resource_id), code="names_anothers")


def _queries(session: Any, kind: str, ids: list[str]) -> Iterator[Any]:
    if kind == "message":
        # What a message is about may be deleted: to tell so may be its sense.
        for about, model in _MESSAGE_ABOUT.items():
            yield (
                session.query(models.Message.id, model.user_id)
                .join(model, models.Message.resource_uuid == model.id)
                .filter(models.Message.resource_type == about)
                .filter(models.Message.id.in_(ids))
                .filter(models.Message.deleted.is_(False))
            )
    elif kind in _OF_A_VOLUME:
        model = _OF_A_VOLUME[kind]
        yield (
            session.query(model.id, models.Volume.user_id)
            .join(models.Volume, model.volume_id == models.Volume.id)
            .filter(model.id.in_(ids))
            .filter(model.deleted.is_(False))
            .filter(models.Volume.deleted.is_(False))
        )
    else:
        model = _OWN_USER[kind]
        yield (
            session.query(model.id, model.user_id)
            .filter(model.id.in_(ids))
            .filter(model.deleted.is_(False))
        )


def _filters(resource: str) -> Collection[str]:
    """Return the filters that the site allows for lists of a resource."""
    return tuple(common.get_enabled_resource_filters(resource).get(resource, ()))


def _is_filter(of: str, name: str) -> bool:
    if of not in routes.FILTERED:
        return False
    allowed = _filters(routes.FILTERED[of])
    return name.removesuffix("~") not in routes.NEVER and (
        # As Cinder reads the file: with a tilde, a filter may be used without.
        name in allowed or f"{name}~" in allowed
    )


def _check_narrows(resource: str | None) -> None:
    """Raise Unready if Cinder would not obey `user_id` in the query."""
    if resource is not None and "user_id" not in _filters(resource):
        raise Unready(
            "The list cannot be narrowed to what is yours.",
            code="resource_filters",
            mend=f'add "user_id" to {resource!r} in the resource_filters.json that '
            "resource_query_filters_file of cinder.conf names (see "
            "policy/conf/cinder/resource_filters.json) and restart Cinder's API.",
        )


def _raised(environ: Environ) -> Environ:
    """Return the environ with a microversion at which `user_id` is obeyed."""
    asked = cinder_wsgi.Request(environ)
    try:
        asked.set_api_version_request(None)
    except (exception.CinderException, ValueError):
        # Cinder cannot read it either, and answers with that error.
        return environ
    needed = api_version_request.APIVersionRequest(routes.OBEYED_SINCE)
    if asked.api_version_request >= needed:
        return environ
    return {**environ, _VERSION: f"volume {routes.ASKED_AT}"}


def filter_factory(
    global_conf: Mapping[str, str], **local_conf: str
) -> Callable[[Application], Isolation]:
    """Return the filter for PasteDeploy.

    Raises ValueError for an option: it has none.
    """
    no_options("Cinder", local_conf)

    def isolation(app: Application) -> Isolation:
        return Isolation(app, Cinder())

    return isolation
