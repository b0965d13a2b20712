# SPDX-License-Identifier: Apache-2.0
"""One project of two users in Cinder, seen through the whole pipeline."""

import io
import json
import uuid
from typing import Any

from cinder import context
from cinder.api.middleware import auth, fault
from cinder.db import api as db
from cinder.db import models

from vo_policy_ext.cinder import filter_factory

PROJECT = "3a5e" * 8
ALICE, BOB, CAROL = ("a1" * 16, "b0" * 16, "ca" * 16)


class Cloud:
    """One project of two users, seen through the whole pipeline."""

    def __init__(self, api: Any) -> None:
        self.app = self.pipeline(filter_factory({})(api))
        self.bare = self.pipeline(api)
        self.seen: list[dict[str, Any]] = []
        engine = db.get_engine()
        models.BASE.metadata.drop_all(engine)
        models.BASE.metadata.create_all(engine)
        self.type_id = self.add(models.VolumeType, name="plain", is_public=True)

    @staticmethod
    def pipeline(app: Any) -> Any:
        return fault.FaultWrapper(auth.CinderKeystoneContext(app))

    def add(self, model: Any, **values: Any) -> str:
        """Write a row; return its id."""
        values.setdefault("id", str(uuid.uuid4()))
        with db.main_context_manager.writer.using(
            context.get_admin_context()
        ) as session:
            session.add(model(**values))
        return str(values["id"])

    def volume(self, owner: str, **more: Any) -> str:
        return self.add(
            models.Volume,
            **{
                "user_id": owner,
                "project_id": PROJECT,
                "status": "available",
                "display_name": "disk",
                "size": 1,
                "volume_type_id": self.type_id,
                "use_quota": True,
                **more,
            },
        )

    def snapshot(self, owner: str, volume_id: str, **more: Any) -> str:
        return self.add(
            models.Snapshot,
            **{
                "user_id": owner,
                "project_id": PROJECT,
                "volume_id": volume_id,
                "status": "available",
                "display_name": "snap",
                "volume_size": 1,
                "volume_type_id": self.type_id,
                "use_quota": True,
                **more,
            },
        )

    def backup(self, owner: str, volume_id: str, **more: Any) -> str:
        return self.add(
            models.Backup,
            **{
                "user_id": owner,
                "project_id": PROJECT,
                "volume_id": volume_id,
                "status": "available",
                "size": 1,
                **more,
            },
        )

    def ask(
        self,
        user: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = "3.70",
        roles: str = "member,reader",
        service_roles: str | None = None,
        bare: bool = False,
        **more: Any,
    ) -> tuple[int, Any]:
        """Send one request; return the status and the document of the answer."""
        path, _, query = path.partition("?")
        raw = b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/v3",
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
            "HTTP_X_USER_ID": user,
            "HTTP_X_PROJECT_ID": PROJECT,
            "HTTP_X_ROLES": roles,
            **more,
        }
        if raw:
            environ["CONTENT_TYPE"] = "application/json"
        if version:
            environ["HTTP_OPENSTACK_API_VERSION"] = f"volume {version}"
        if service_roles is not None:
            environ["HTTP_X_SERVICE_ROLES"] = service_roles
        status: list[str] = []
        self.headers: dict[str, str] = {}

        def start_response(line: str, headers: Any, exc_info: Any = None) -> Any:
            status.append(line)
            self.headers = {k.lower(): v for k, v in headers}
            return lambda data: None

        answer = (self.bare if bare else self.app)(environ, start_response)
        text = b"".join(answer)
        return int(status[0][:3]), json.loads(text) if text else None

    def ids(self, user: str, path: str, **how: Any) -> list[str]:
        """Return the ids in the one list of an answer."""
        status, document = self.ask(user, "GET", path, **how)
        assert status == 200, document
        (listed,) = [
            v for k, v in document.items() if not k.endswith("_links") and k != "count"
        ]
        return sorted(item["id"] for item in listed)
