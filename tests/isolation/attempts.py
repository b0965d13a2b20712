# SPDX-License-Identifier: Apache-2.0
"""Ways around the filters, as bob would try them.

Owns: the requests, byte for byte. `leaks` says that without isolation the request
shows or changes something of alice's: the control run checks that, so an attempt is
known to be one. Must never: be tidied up. Read first: ATTEMPTS, then outcome.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.isolation.operation import filled
from tests.isolation.personas import ALICE, BOB
from tests.isolation.world import World

CLOSED = "closed"
_LINK = re.compile(r'"(?:first|next)": "[^"]*"')
TOUCHED = ("server", "volume", "free", "snapshot", "image", "attachment")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One request; `path` is all of the request line's target."""

    service: str
    path: str
    method: str = "GET"
    body: Any = None
    headers: Mapping[str, str] | None = None
    leaks: bool = False

    @property
    def name(self) -> str:
        head = ",".join(f"{k}={v}" for k, v in (self.headers or {}).items())
        return f"{self.method} {self.path} {head}".strip()


def outcome(world: World, attempt: Attempt) -> str:
    """Return `closed`, or what got through."""
    bob = world.personas[BOB]
    target = {**world.target, **world.own(bob), **_disguised(world.target)}
    answer = world.api.raw(
        attempt.service,
        bob,
        attempt.method,
        filled(attempt.path, target),
        filled(attempt.body, target),
        headers=filled(dict(attempt.headers or {}), target),
    )
    hers = world.belongings[ALICE]
    asked = unquote(filled(attempt.path, target)) + str(filled(attempt.body, target))
    # What bob said himself is no news to him, but in an answer that succeeds. Glance
    # repeats the query there in the links to its pages.
    marks = [m for m in hers.marks if answer.succeeded or m not in asked]
    text = _LINK.sub("", answer.text)
    if any(mark in text for mark in marks):
        return f"{answer.status} shows what is alice's"
    if answer.succeeded and attempt.method != "GET":
        return f"{answer.status} succeeds"
    return CLOSED


def _disguised(target: Mapping[str, str]) -> dict[str, str]:
    """Return other ways to write the ids."""
    found = {}
    for word in ("server", "free", "image"):
        plain = target[word]
        found[word.upper()] = plain.upper()
        found[f"{word}_hex"] = plain.replace("-", "")
        found[f"{word}_encoded"] = "".join(f"%{ord(c):02x}" for c in plain)
        found[f"{word}_twice"] = "".join(f"%25{ord(c):02x}" for c in plain)
    return found


def _get(service: str, leaking: str, closed: str) -> Iterator[Attempt]:
    for text, leaks in ((leaking, True), (closed, False)):
        for path in text.split():
            yield Attempt(service=service, path=path, leaks=leaks)


_NOVA = _get(
    "nova",
    # These reach alice's machine where nothing stands in the way.
    """
    /v2.1/servers/{server}
    /v2.1/servers/{server}?x=y
    /v2.1/%73ervers/{server}
    /v2.1/servers/{server_encoded}
    /v2.1/{project}/servers/{server}
    /v2/servers/{server}
    /v2/{project}/servers/{server}
    /v2.1/servers/{SERVER}
    /v2.1/servers
    /v2.1/{project}/servers/detail
    /v2/{project}/servers/detail
    /v2.1/servers/detail?user_id={user}
    /v2.1/servers/detail?user_id={own_user}&user_id={user}
    /v2.1/servers/detail?user_id={user}&user_id={own_user}
    /v2.1/servers/detail?%75ser_id={user}
    /v2.1/servers/detail?all_tenants=0&user_id={user}
    /v2.1/servers/detail?tenant_id={project}
    /v2.1/servers/detail?project_id={project}
    /v2.1/servers/detail?name={key}
    /v2.1/servers/detail?limit=1000&sort_key=user_id
    /v2.1/servers/detail?deleted=0
    /v2.1/servers/detail?uuid={server}
    /v2.1/servers/detail?host=lab
    /v2.1/os-volumes/detail
    /v2.1/os-volumes/{free}
    /v2.1/os-snapshots/detail
    /v2.1/images/detail
    /v2.1/images/{image}
    /v2.1//servers/{server}
    /v2.1/servers//{server}
    /v2.1/servers/{server}%0a
    /v2.1/os-volumes_boot/{server}
    /v2.1/os-volumes_boot/detail
    /v2/{project}/os-volumes_boot/detail
    /v2.1/servers/detail?deleted=1
    """,
    """
    /v2.1/servers/{server}/
    /v2.1/servers/{server}.json
    /v2.1/{project}/servers/{server}/
    /v2.1/servers/
    //v2.1/servers/{server}
    /v2.1/./servers/{server}
    /v2.1/servers/./{server}
    /v2.1/%2e/servers/{server}
    /v2.1/servers/%2e/{server}
    /v2.1/servers%2F{server}
    /v2.1/servers%252F{server}
    /v2.1/servers/{server_twice}
    /v2.1/servers/{server_hex}
    /v2.1/servers/%7B{server}%7D
    /v2.1/servers/urn:uuid:{server}
    /v2.1/servers/{server}%20
    /v2.1/servers/%20{server}
    /v2.1/servers/{server}%00
    /v2.1/servers/{server};x=y
    /v2.1/servers/{own_server}/../{server}
    /v2.1/servers/{own_server}/%2e%2e/{server}
    /v2.1/servers/{own_server},{server}
    /v2.1/{own_project}/{own_project}/servers/{server}
    /v2.1/servers/detail/{server}
    /v2.1/servers/detail?marker={server}
    /v2.1/servers/detail?all_tenants=1
    /v2.1/servers/detail?changes-since=2020-01-01T00:00:00Z&all_tenants=1
    /v2.1/servers/detail?all_tenants=True&user_id={user}
    /v2.1/servers/{own_server}/os-instance-actions/../../{server}
    /v2.1/servers.json
    """,
)
_CINDER = _get(
    "cinder",
    """
    /v3/{project}/volumes/{free}
    /v3/volumes/{free}
    /v3/{project}/volumes/{free}.json
    /v3/{project}/%76olumes/{free}
    /v3/{project}/volumes/{free_encoded}
    /v3/{project}/volumes/{FREE}
    /v3/{project}/volumes/detail
    /v3/volumes/detail
    /v3/{project}/volumes/detail?user_id={user}
    /v3/{project}/volumes/detail?all_tenants=1
    /v3/{project}/volumes/detail?project_id={project}
    /v3/{project}/volumes/detail?name={key}-free
    /v3/{project}/volumes/detail?sort=user_id
    /v3/{project}/snapshots/detail?volume_id={free}
    /v3/{project}/volumes.json
    /v3//volumes/{free}
    /v3/{project}//volumes/{free}
    /v3/{project}/volumes/{free}%20
    """,
    """
    /v3/{project}/./volumes/{free}
    /v3/{project}/volumes%2F{free}
    /v3/{project}/volumes/%7B{free}%7D
    /v3/{project}/volumes/urn:uuid:{free}
    /v3/{project}/volumes/{free_hex}
    /v3/{project}/volumes/{free_twice}
    /v3/{project}/volumes/{own_free}/../{free}
    /v2/{project}/volumes/{free}
    /v1/{project}/volumes/{free}
    /v3/{project}/volumes/{free}/
    /v3/{project}/volumes/detail?user_id={own_user}&user_id={user}
    /v3/{project}/volumes/detail?user_id={user}&user_id={own_user}
    """,
)
_GLANCE = _get(
    "glance",
    """
    /v2/images/{image}
    /v2/images/{image_encoded}
    /v2/%69mages/{image}
    /v2.0/images/{image}
    /v2/images/{image}/file
    /v2/images?limit=200
    /v2/images?visibility=private&limit=200
    /v2/images?visibility=all&limit=200
    /v2/images?owner={project}&limit=200
    /v2/images?id=in:{image}
    /v2/images?name=in:{key}
    /v2/images/{IMAGE}
    /v2//images/{image}
    """,
    """
    //v2/images/{image}
    /v2/./images/{image}
    /v2/images/{image}/
    /v2/images/{image}.json
    /v2/images%2F{image}
    /v2/images/%7B{image}%7D
    /v2/images/urn:uuid:{image}
    /v2/images/{image}%20
    /v2/images/{image_twice}
    /v2/images/{own_image}/../{image}
    /v1/images/{image}
    /v1/images/detail
    /v2/images?member_status=all&visibility=shared
    /v2/images?os_hidden=true
    /images/{image}
    /v2/images?user_id={user}&limit=200
    /v2/images?user_id={own_user}&user_id={user}&limit=200
    """,
)
_OCCI = _get(
    "occi",
    """
    /occi1.1/compute/{server}
    /occi1.2/compute/{server}
    /occi/compute/{server}
    /occi1.1/compute/
    /occi1.1/storage/{free}
    /occi1.1/storage/
    /occi1.1/storagelink/
    /occi1.1/storagelink/{server}_{volume}
    /occi1.1/-/
    /occi1.1//compute/{server}
    /occi1.1/compute/?user_id={user}&all_tenants=1
    """,
    """
    /occi1.1/./compute/{server}
    /occi1.1/compute/{server_twice}
    /occi1.1/compute/%7B{server}%7D
    /occi1.1/compute/urn:uuid:{server}
    /occi1.1/compute/{server}%20
    /occi1.1/compute/{own_server}/../{server}
    """,
)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_SPOOFS = (
    {"X-User-Id": "{user}"},
    {"X-Roles": "admin"},
    {"X-Roles": "manager,admin", "X-Identity-Status": "Confirmed"},
    {"X-Service-Roles": "service", "X-Service-Identity-Status": "Confirmed"},
    {"X-Is-Admin-Project": "True"},
    {"X-Original-Url": "/v2.1/servers/{server}"},
)
_OTHERS = (
    Attempt(service="nova", method="HEAD", path="/v2.1/servers/{server}"),
    Attempt(service="cinder", method="HEAD", path="/v3/{project}/volumes/{free}"),
    Attempt(service="glance", method="HEAD", path="/v2/images/{image}"),
    *(
        Attempt(service="nova", path="/v2.1/servers/{server}", headers=h, leaks=True)
        for h in _SPOOFS
    ),
    Attempt(
        service="nova",
        path="/v2.1/servers/{server}",
        headers={"X-Service-Token": "none"},
    ),
    Attempt(
        service="nova",
        path="/v2.1/servers/{own_server}",
        headers={
            "X-Http-Method-Override": "DELETE",
            "X-Original-Url": "/servers/{server}",
        },
    ),
    Attempt(service="nova", method="POST", path="/v2.1/servers?_method=GET"),
    Attempt(service="nova", path="/v2.1/servers/{server}?_method=PUT"),
    Attempt(
        service="nova",
        method="POST",
        path="/v2.1/servers/{server}/action?_method=POST",
        body={"lock": None},
        leaks=True,
    ),
    Attempt(
        service="nova",
        method="POST",
        path="/v2.1/servers/detail",
        body="_method=GET",
        headers=_FORM,
    ),
    Attempt(
        service="nova",
        method="POST",
        path="/v2.1/servers/{own_server}/os-volume_attachments",
        body={"volumeAttachment": {"volumeId": "{FREE}"}},
        leaks=True,
    ),
    Attempt(
        service="nova",
        method="PUT",
        path="/v2.1/servers/{own_server}/os-volume_attachments/{volume}",
        body={"volumeAttachment": {"volumeId": "{free}"}},
    ),
    Attempt(
        service="cinder",
        method="POST",
        path="/v3/{project}/volumes",
        body={"volume": {"size": 1, "source_volid": "{FREE}"}},
    ),
    Attempt(
        service="cinder",
        method="DELETE",
        path="/v3/{project}/volumes/{free}%20",
    ),
    Attempt(
        service="glance",
        method="POST",
        path="/v2/images/{image}/import",
        body={"method": {"name": "glance-direct"}},
    ),
    Attempt(
        service="glance",
        method="POST",
        path="/v2/images",
        body={"name": "isolation-x", "user_id": "{user}", "owner": "{project}"},
        leaks=True,
    ),
)

ATTEMPTS = (*_NOVA, *_CINDER, *_GLANCE, *_OCCI, *_OTHERS)
