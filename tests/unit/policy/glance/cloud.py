# SPDX-License-Identifier: Apache-2.0
"""One project of two users in Glance, seen through the whole pipeline."""

import io
import json
import uuid
from typing import Any

from glance.api.middleware import context
from glance.api.v2 import router
from glance.db.sqlalchemy import api as db
from paste import urlmap

from vo_policy_ext.glance import filter_factory

PROJECT, PARTNER = ("3a5e" * 8, "7a97" * 8)
ALICE, BOB, CAROL, ROOT = ("a1" * 16, "b0" * 16, "ca" * 16, "07" * 16)
ADMIN = {"roles": "admin,manager,member,reader"}
MANAGER = {"roles": "manager,member,reader"}
AUDITOR = {"roles": "vo_auditor"}
PATCH_10 = "application/openstack-images-v2.1-json-patch"
PATCH_4 = "application/openstack-images-v2.0-json-patch"


class Cloud:
    """Glance with the filter, and without it (`bare`)."""

    def __init__(self) -> None:
        api = urlmap.URLMap()
        api["/v2"] = router.API.factory({})
        self.app = context.ContextMiddleware(filter_factory({})(api))
        self.bare = context.ContextMiddleware(api)

    def image(self, user: str | None, **more: Any) -> str:
        """Write an image; return its id."""
        from glance.context import get_admin_context

        image_id = str(uuid.uuid4())
        db.image_create(
            get_admin_context(),
            {
                "id": image_id,
                "name": "disk",
                "status": "active",
                "owner": PROJECT,
                "visibility": "shared",
                "disk_format": "raw",
                "container_format": "bare",
                "size": 1,
                "properties": {"user_id": user} if user else {},
                **more,
            },
        )
        return image_id

    def ask(
        self,
        user: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        roles: str = "member,reader",
        service_roles: str | None = None,
        project: str = PROJECT,
        media: str = "application/json",
        bare: bool = False,
    ) -> tuple[int, Any]:
        """Send one request; return the status and the document of the answer."""
        path, _, query = path.partition("?")
        raw = b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": io.BytesIO(raw),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "HTTP_ACCEPT": "application/json",
            "HTTP_X_IDENTITY_STATUS": "Confirmed",
            "HTTP_X_USER_ID": user,
            "HTTP_X_PROJECT_ID": project,
            "HTTP_X_ROLES": roles,
        }
        if raw:
            environ["CONTENT_TYPE"] = media
        if service_roles is not None:
            environ["HTTP_X_SERVICE_ROLES"] = service_roles
        status: list[str] = []

        def start_response(line: str, headers: Any, exc_info: Any = None) -> Any:
            status.append(line)
            return lambda data: None

        answer = (self.bare if bare else self.app)(environ, start_response)
        text = b"".join(answer)
        try:
            return int(status[0][:3]), json.loads(text) if text else None
        except ValueError:
            return int(status[0][:3]), text.decode()

    def ids(self, user: str, query: str = "", **how: Any) -> list[str]:
        """Return the ids in a list of images."""
        status, document = self.ask(user, "GET", f"/v2/images{query}", **how)
        assert status == 200, document
        return sorted(image["id"] for image in document["images"])
