# SPDX-License-Identifier: Apache-2.0
"""The filter before Glance's API: `vo_isolation` of glance-api-paste.ini.

Owns: the stamp of the owner on each new image, and a second lock on images,
beside Glance's policy, which looks at the same property. It alone imports
Glance. Must never: read a body that is an image. Read first: Glance.adapted.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from glance import db
from glance.common import exception

from vo_policy_ext import glance_routes as routes
from vo_policy_ext import image_owner, request
from vo_policy_ext.caller import AUDITOR, Caller
from vo_policy_ext.errors import Malformed, Missing
from vo_policy_ext.request import Environ
from vo_policy_ext.routes import CANONICAL, READING, Match
from vo_policy_ext.wsgi import Application, Isolation, is_free, no_options

_EVERYBODYS = frozenset({"public", "community"})

# The roles that Glance's rules, and ours, give rights to.
_RIGHTS = frozenset({"admin", "manager", "member", "reader", AUDITOR})


class Glance:
    """What the filter has to know of Glance (see vo_policy_ext.wsgi.Service)."""

    table = routes.TABLE

    def context(self, environ: Environ) -> Any:
        """Return the RequestContext that `context` left, or None."""
        return environ.get("webob.adhoc_attrs", {}).get("context")

    def owners(
        self, context: Any, kind: str, ids: Collection[str]
    ) -> Mapping[str, str]:
        """Return whose each image is, for the user of the context.

        An `image` that is everybody's, or that another project shares with the
        user's, is the user's: what the user may do to it Glance knows. An
        `own_image` is of who is its owner. Deleted ones are left out, and those
        of the project that have no owner: they were made before there was a
        filter. Raises what the database raises.
        """
        found: dict[str, str] = {}
        for image_id in ids:
            image = _image(context, image_id)
            if image is None:
                continue
            if image["owner"] != context.project_id or (
                kind == "image" and image["visibility"] in _EVERYBODYS
            ):
                found[image_id] = str(context.user_id)
                continue
            for stored in image["properties"]:
                if stored["name"] == image_owner.NAME and not stored["deleted"]:
                    found[image_id] = str(stored["value"])
        return found

    def missing(self, kind: str, resource_id: str) -> str:
        """Return Glance's own text for an image that does not exist."""
        return f"No image found with ID {resource_id}"

    def adapted(
        self, environ: Environ, context: Any, caller: Caller, match: Match, method: str
    ) -> Environ:
        """Return the environ with the owner in the document of a new image.

        A service that passes the request on adds none of its rights to the user's.
        Raises Refused for a change of the owner, and Malformed, as Glance does,
        for a marker that the caller cannot see.
        """
        _without_rights(context)
        path = match.route.path
        if path == routes.IMAGES and method == "POST":
            document = request.body(environ)
            if document is None:
                return environ
            stamped = image_owner.stamped(
                document,
                caller.user_id,
                free=caller.is_admin,
                passed_on=caller.through_service,
            )
            return request.with_body(environ, stamped)
        if path == routes.IMAGE and method == "PATCH" and not caller.is_admin:
            image_owner.check_patch(request.body(environ))
        if not is_free(caller, match, method):
            if path == routes.STORED:
                self._check_seen(context, caller, match.values["image"])
            if path == routes.IMAGES and method in READING:
                self._check_marker(environ, context, caller)
        return environ

    def _check_marker(self, environ: Environ, context: Any, caller: Caller) -> None:
        for name, value in request.query(environ):
            if name == "marker":
                try:
                    self._check_seen(context, caller, value)
                except Missing as error:
                    raise Malformed(error.message, code="marker") from error

    def _check_seen(self, context: Any, caller: Caller, image_id: str) -> None:
        if CANONICAL.fullmatch(image_id):
            owners = self.owners(context, "image", (image_id,))
            if owners.get(image_id) == caller.user_id:
                return
        raise Missing(self.missing("image", image_id), code="not_the_owner")


def _without_rights(context: Any) -> None:
    """Take the roles that give rights out of those of a service in a context.

    Where properties are protected, Glance adds the service's roles to the user's
    when it first looks at a property, before it asks for the rule: a user would
    see by Nova what an admin sees, as Nova is one on most sites.
    """
    roles = getattr(context, "service_roles", None) or []
    context.service_roles = [r for r in roles if r.lower() not in _RIGHTS]


def _image(context: Any, image_id: str) -> Any:
    """Return the row of an image, with its properties; None if there is none.

    Nor is there one if another project does not share it with the user's: the
    refusal must not tell it from none.
    """
    try:
        found = db.get_api().image_get(context, image_id, force_show_deleted=False)
    except (exception.ImageNotFound, exception.Forbidden):
        return None
    return None if found["deleted"] else found


def filter_factory(
    global_conf: Mapping[str, str], **local_conf: str
) -> Callable[[Application], Isolation]:
    """Return the filter for PasteDeploy.

    Raises ValueError for an option: it has none.
    """
    no_options("Glance", local_conf)

    def isolation(app: Application) -> Isolation:
        return Isolation(app, Glance())

    return isolation
