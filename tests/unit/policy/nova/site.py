# SPDX-License-Identifier: Apache-2.0
"""The Nova that the tests ask, with and without the filter before it."""

import io
import json
import uuid
from typing import Any

from nova import context as nova_context
from nova import objects
from nova.api.openstack.compute.routes import APIRouterV21
from nova.conf import CONF
from nova.network.model import NetworkInfo

from vo_policy_ext.nova import filter_factory

PROJECT = "f00d0000000000000000000000000001"
CELL0 = "00000000-0000-0000-0000-000000000000"


def context(user: str = "bob", *roles: str, **more: Any) -> Any:
    """Return Nova's context of a user of the project."""
    return nova_context.RequestContext(
        user_id=user,
        project_id=more.pop("project_id", PROJECT),
        roles=list(roles or ("member", "reader")),
        overwrite=False,
        **more,
    )


class Nova:
    """Nova's API with two cells in one database, and servers of two users."""

    def __init__(self) -> None:
        objects.register_all()
        self.admin = nova_context.get_admin_context()
        self.application = APIRouterV21()
        for name, cell in (("cell0", CELL0), ("cell1", str(uuid.uuid4()))):
            self.cell = objects.CellMapping(
                self.admin,
                uuid=cell,
                name=name,
                transport_url="none:///" if name == "cell0" else "fake:/",
                database_connection=CONF.database.connection,
                disabled=False,
            )
            self.cell.create()
        # Both of cell1: cell0 has the same database, and is not to show them.
        self.alices = self.server("alice", "alice-vm")
        self.bobs = self.server("bob", "bob-vm")
        self.renew()

    def renew(self) -> None:
        """Forget what the filter remembers."""
        self.filter = filter_factory({})(self.application)

    def mapping(self, server: str, user: str | None) -> None:
        """Write down whose a server is; None for one of an old release."""
        mapping = objects.InstanceMapping(
            self.admin,
            instance_uuid=server,
            project_id=PROJECT,
            cell_mapping=self.cell,
        )
        if user is not None:
            mapping.user_id = user
        mapping.create()

    def server(self, user: str, name: str, **more: Any) -> str:
        """Return the id of a new server of a user."""
        server = str(uuid.uuid4())
        self.mapping(server, user)
        with nova_context.target_cell(self.admin, self.cell) as cell:
            instance = objects.Instance(
                cell,
                uuid=server,
                user_id=user,
                project_id=PROJECT,
                display_name=name,
                vm_state="active",
                flavor=_flavor(),
                info_cache=objects.InstanceInfoCache(network_info=NetworkInfo([])),
                **more,
            )
            instance.create()
            # So that it has a time of change.
            instance.display_description = name
            instance.save()
        return server

    def delete(self, server: str) -> None:
        """Delete a server, as a compute would."""
        with nova_context.target_cell(self.admin, self.cell) as cell:
            objects.Instance.get_by_uuid(cell, server).destroy()

    def ask(
        self, application: Any, method: str, path: str, who: Any, **more: Any
    ) -> tuple[int, Any]:
        """Return the status of an answer, and its JSON document if it has one."""
        status, body = raw_answer(application, method, path, who, **more)
        return status, json.loads(body) if body[:1] in (b"{", b"[") else body


def _flavor() -> Any:
    sizes = dict.fromkeys(("memory_mb", "root_gb", "ephemeral_gb", "swap"), 1)
    return objects.Flavor(
        id=1,
        name="tiny",
        flavorid="1",
        vcpus=1,
        vcpu_weight=0,
        rxtx_factor=1.0,
        disabled=False,
        is_public=True,
        description=None,
        extra_specs={},
        **sizes,
    )


def raw_answer(
    application: Any,
    method: str,
    path: str,
    who: Any,
    *,
    raw: bytes = b"",
    **more: Any,
) -> tuple[int, bytes]:
    """Return the status and the body of an answer."""
    path, _, query = path.partition("?")
    seen: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        seen.append(status)
        return seen.append

    body = b"".join(
        application(
            {
                "REQUEST_METHOD": method,
                "SCRIPT_NAME": "/v2.1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "8774",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "CONTENT_LENGTH": str(len(raw)),
                "CONTENT_TYPE": "application/json",
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(raw),
                "wsgi.errors": io.StringIO(),
                "nova.context": who,
                **more,
            },
            start_response,
        )
    )
    return int(seen[0][:3]), body
