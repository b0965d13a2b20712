# SPDX-License-Identifier: Apache-2.0
"""Who tries the operations: one person for each column of the matrix.

Owns: their tokens, and the users that are made for them and removed again. alice,
bob and the member of another project log in with VOMS proxies, as users do; for the
roles that no proxy gives there are users with a password. Must never: give anybody
more than the one role of the column. Read first: personas.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.grid.accounts import ACCOUNTS
from tests.lab.cloud import Cloud
from tests.lab.configuration import password
from tests.lab.lab import Lab
from tests.lab.settings import PROJECT_PER_USER, Settings

ALICE, BOB, READER, MANAGER = "alice", "bob", "reader", "manager"
AUDITOR, ADMIN, OTHER = "vo_auditor", "admin", "other_project"
# In the order of the columns.
NAMES = (ALICE, BOB, READER, MANAGER, AUDITOR, ADMIN, OTHER)
VO = "dteam"
# Its /dteam/NGI_TEST gives another project than the VO itself.
OTHER_ACCOUNT, OTHER_PROJECT = "carol", "ngi-test"


@dataclass(frozen=True, kw_only=True)
class Persona:
    """One user with a token of one project."""

    name: str
    token: str
    user_id: str
    project_id: str


@contextmanager
def personas(lab: Lab) -> Iterator[Mapping[str, Persona]]:
    """Yield the personas by name, as the lab's mode wants them.

    With a project for each user, manager and vo_auditor have their role in the
    VO's project by inheritance and ask in alice's; reader has it in the VO's
    project alone, and asks there.
    """
    settings = lab.settings
    home = {name: _home(settings, name) for name in (ALICE, BOB)}
    found = {name: _by_voms(lab, name, project) for name, project in home.items()}
    found[OTHER] = _by_voms(lab, OTHER_ACCOUNT, OTHER_PROJECT, name=OTHER)
    secret = password(settings)
    found[ADMIN] = _by_password(settings, ADMIN, ADMIN, secret, {"name": VO})
    with Cloud(settings, secret) as cloud, ExitStack() as undo:
        shared = cloud.call("GET", "keystone", f"/projects?name={VO}")
        parent = shared["projects"][0]["id"]
        roles = {
            role["name"]: role["id"]
            for role in cloud.call("GET", "keystone", "/roles")["roles"]
        }
        for role in (READER, MANAGER, AUDITOR):
            user, word = _user(cloud, undo, role)
            path = f"projects/{parent}/users/{user}/roles/{roles[role]}"
            cloud.call("PUT", "keystone", f"/{path}")
            project = {"id": parent}
            if settings.isolation == PROJECT_PER_USER and role != READER:
                inherited = f"/OS-INHERIT/{path}/inherited_to_projects"
                cloud.call("PUT", "keystone", inherited)
                project = {"id": found[ALICE].project_id}
            found[role] = _by_password(settings, role, user, word, project)
        yield {name: found[name] for name in NAMES}


def own_project(vo: str, dn: str) -> str:
    """Return the name of the project that a user has for itself."""
    digest = hashlib.sha256(dn.encode()).hexdigest()[:16]
    return f"{vo}-{dn.rpartition('CN=')[2]}-{digest}"


def _home(settings: Settings, name: str) -> str:
    if settings.isolation == PROJECT_PER_USER:
        return own_project(VO, ACCOUNTS[name].dn)
    return VO


def _user(cloud: Cloud, undo: ExitStack, role: str) -> tuple[str, str]:
    secret = uuid.uuid4().hex
    name = f"isolation-{role}-{secret[:6]}"
    body = {"name": name, "password": secret, "domain_id": "default"}
    user = cloud.call("POST", "keystone", "/users", {"user": body})["user"]["id"]
    undo.callback(cloud.call, "DELETE", "keystone", f"/users/{user}")
    return user, secret


def _by_voms(lab: Lab, account: str, project: str, *, name: str = "") -> Persona:
    identity = {"methods": ["voms"], "voms": {}}
    proxy = lab.settings.grid / "proxies" / f"{account}.pem"
    scope = {"name": project, "domain": {"id": "default"}}
    if project not in (VO, OTHER_PROJECT):
        # The first login makes the project, and a scope has to be there before.
        _post_login(lab.settings, name or account, identity, None, str(proxy))
    return _log_in(lab.settings, name or account, identity, scope, str(proxy))


def _by_password(
    settings: Settings, name: str, user: str, secret: str, project: Mapping[str, Any]
) -> Persona:
    who: dict[str, Any] = {"id": user, "password": secret}
    if name == ADMIN:
        who = {"name": user, "domain": {"id": "default"}, "password": secret}
    identity = {"methods": ["password"], "password": {"user": who}}
    scope = dict(project)
    if "name" in scope:
        scope["domain"] = {"id": "default"}
    return _log_in(settings, name, identity, scope)


def _log_in(
    settings: Settings,
    name: str,
    identity: Mapping[str, Any],
    project: Mapping[str, Any],
    proxy: str | None = None,
) -> Persona:
    answer = _post_login(settings, name, identity, project, proxy)
    token = answer.json()["token"]
    return Persona(
        name=name,
        token=answer.headers["X-Subject-Token"],
        user_id=token["user"]["id"],
        project_id=token["project"]["id"],
    )


def _post_login(
    settings: Settings,
    name: str,
    identity: Mapping[str, Any],
    project: Mapping[str, Any] | None,
    proxy: str | None,
) -> requests.Response:
    auth: dict[str, Any] = {"identity": identity}
    if project:
        auth["scope"] = {"project": project}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{settings.url('keystone')}/v3/auth/tokens",
            json={"auth": auth},
            cert=proxy,
            verify=str(settings.ca_file),
            timeout=60,
        )
    if answer.status_code != 201:
        raise RuntimeError(f"{name} cannot log in: {answer.text}")
    return answer
