# SPDX-License-Identifier: Apache-2.0
"""What one can ask the OCCI interface about alice's resources, and Neutron.

Owns: the requests, as data. Neutron's stand here too: they are few, and show what is
not kept apart. Must never: say who may do it. Read first: OCCI.
"""

from typing import Any

from tests.isolation.nova_operations import undone, until
from tests.isolation.operation import NEW, Operation

COMPUTE = "/compute/{server}"
SCHEMA = "http://schemas.ogf.org/occi"
TEXT = {"Content-Type": "text/plain", "Accept": "text/plain"}


def get(name: str, path: str, accept: str = "text/plain", **more: Any) -> Operation:
    return Operation(
        service="occi",
        name=name,
        method="GET",
        path=path,
        headers={"Accept": accept},
        versions=NEW,
        **{"content": True, **more},
    )


def do(name: str, method: str, path: str, body: str | None, **more: Any) -> Operation:
    return Operation(
        service="occi",
        name=name,
        method=method,
        path=path,
        body=body,
        headers=TEXT,
        versions=NEW,
        **{"touches": ("server",), **more},
    )


def action(name: str, **more: Any) -> Operation:
    scheme = f"{SCHEMA}/infrastructure/compute/action#"
    body = f'Category: {name}; scheme="{scheme}"; class="action"'
    return do(f"action {name}", "POST", f"{COMPUTE}?action={name}", body, **more)


def link(name: str, kind: str, source: str, target: str) -> Operation:
    body = (
        f'Category: {kind}; scheme="{SCHEMA}/infrastructure#"; class="kind"\n'
        f'X-OCCI-Attribute: occi.core.source="{source}"\n'
        f'X-OCCI-Attribute: occi.core.target="{target}"'
    )
    return do(name, "POST", f"/{kind}/", body, touches=("server", "free"))


OCCI = (
    get("compute list", "/compute/", "text/uri-list"),
    get("compute list in full", "/compute/", "application/occi+json"),
    get("all entities", "/", "text/uri-list"),
    get("compute show", COMPUTE),
    get("compute show, JSON", COMPUTE, "application/occi+json"),
    do("compute HEAD", "HEAD", COMPUTE, None, touches=()),
    get("storage list", "/storage/", "text/uri-list"),
    get("storage show", "/storage/{free}"),
    get("storage link list", "/storagelink/", "text/uri-list"),
    get("templates", "/-/", content=False),
    action("restart", after=until("ACTIVE")),
    action("stop", after=undone("os-start", first="SHUTOFF")),
    action("save"),
    do(
        "compute update",
        "POST",
        COMPUTE,
        'X-OCCI-Attribute: occi.core.title="isolation-renamed"',
    ),
    link(
        "link own storage to alice's compute",
        "storagelink",
        "/compute/{server}",
        "/storage/{own_free}",
    ),
    link(
        "link alice's storage to own compute",
        "storagelink",
        "/compute/{own_server}",
        "/storage/{free}",
    ),
    do("storage delete", "DELETE", "/storage/{free}", None, touches=("free",)),
    do(
        "compute delete",
        "DELETE",
        COMPUTE,
        None,
        fresh="server",
        after=until("GONE"),
    ),
)


def port(name: str, method: str, path: str, body: Any = None, **more: Any) -> Operation:
    return Operation(
        service="neutron",
        name=name,
        method=method,
        path=path,
        body=body,
        versions=NEW,
        like_missing=False,
        **more,
    )


NEUTRON = (
    port("port list", "GET", "/ports", content=True),
    port("port show", "GET", "/ports/{port}", content=True),
    port("port update", "PUT", "/ports/{port}", {"port": {"name": "x"}}),
    port("security group list", "GET", "/security-groups"),
)

OPERATIONS = (*OCCI, *NEUTRON)
