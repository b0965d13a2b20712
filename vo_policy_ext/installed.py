# SPDX-License-Identifier: Apache-2.0
"""What the installed service has: rules, call sites, paths.

Owns: the loading of Nova, Cinder or Glance to look at it, by the names that
each has for its rules and its router. Must never: touch a database, a message
bus or a file of the site. One process loads one service alone: their options
clash. Read first: read.
"""

import importlib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from vo_policy_ext import call_sites
from vo_policy_ext.call_sites import Site


class NotInstalledError(LookupError):
    """There is no such service in this Python."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is compared of a rule that a service registers.

    `formerly` is the name that it says it had, empty if it had none other.
    """

    name: str
    default: str
    operations: tuple[str, ...] = ()
    formerly: str = ""
    going: bool = False


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What an installed service has.

    `paths` are of the form `/servers/{server_id}`, as the filter sees them, each
    with whether a controller answers there. `unread` is why the service's router
    could not be read, empty if it could.
    """

    rules: tuple[Rule, ...]
    sites: tuple[Site, ...]
    paths: Mapping[str, bool]
    unread: str = ""


def read(service: str) -> Installed:
    """Read the installed service. Raises NotInstalledError."""
    try:
        distribution = metadata.distribution(service)
    except metadata.PackageNotFoundError as error:
        raise NotInstalledError(f"{service} is not installed.") from error
    with warnings.catch_warnings():
        # What the services warn of at import is their affair, not a difference.
        warnings.simplefilter("ignore")
        rules = tuple(map(read_rule, _registered(service)))
        paths, unread = {}, ""
        try:
            for path, answered in sorted(_READ_PATHS[service]()):
                paths[path] = answered
        # Whatever a new release raises here, its paths are not known then.
        except Exception as error:
            unread = f"{type(error).__name__}: {error}"
    root = Path(str(distribution.locate_file("")))
    return Installed(
        rules=rules,
        sites=call_sites.sites(root, service),
        paths=paths,
        unread=unread,
    )


def _registered(service: str) -> Iterable[Any]:
    entries = metadata.entry_points(group="oslo.policy.policies", name=service)
    return [rule for entry in entries for rule in entry.load()()]


def read_rule(registered: Any) -> Rule:
    """Return what is compared of an oslo.policy RuleDefault."""
    deprecated = registered.deprecated_rule
    return Rule(
        name=registered.name,
        default=registered.check_str,
        operations=tuple(
            f"{method} {operation['path']}"
            for operation in getattr(registered, "operations", ())
            for method in _methods(operation["method"])
        ),
        formerly=deprecated.name if deprecated is not None else "",
        going=bool(registered.deprecated_for_removal),
    )


def _methods(given: Any) -> Iterable[str]:
    return [given] if isinstance(given, str) else given


def _nova_paths() -> Iterator[tuple[str, bool]]:
    routes = importlib.import_module("nova.api.openstack.compute.routes")
    for path, _ in routes.ROUTE_LIST:
        yield path, True


def _cinder_paths() -> Iterator[tuple[str, bool]]:
    """Build Cinder's router, with no database and no message bus behind it."""
    objects = importlib.import_module("cinder.objects")
    objects.register_all()
    base = importlib.import_module("cinder.objects.base")
    rpc = importlib.import_module("cinder.rpc")
    importlib.import_module("cinder.db.api")
    conf = importlib.import_module("cinder.common.config").CONF
    conf([], project="cinder", default_config_files=[], default_config_dirs=[])
    conf.set_override("connection", "sqlite://", "database")
    # Cinder asks its database for these once, and remembers them here.
    for binary in ("cinder-backup", "cinder-scheduler", "cinder-volume"):
        rpc.LAST_OBJ_VERSIONS[binary] = base.OBJ_VERSIONS.get_current()
        rpc.LAST_RPC_VERSIONS[binary] = None
    rpc.init(conf)
    router = importlib.import_module("cinder.api.v3.router").APIRouter()
    yield from read_paths(router.map)


def _glance_paths() -> Iterator[tuple[str, bool]]:
    router = importlib.import_module("glance.api.v2.router")
    conf = importlib.import_module("glance.common.config").CONF
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    mapper = importlib.import_module("routes").Mapper()
    router.API(mapper)
    # So the pipeline's rootapp puts it; the list of versions is at its top.
    yield "/", True
    for path, answered in read_paths(mapper):
        yield f"/v2{path}", answered


_READ_PATHS: Mapping[str, Callable[[], Iterator[tuple[str, bool]]]] = {
    "nova": _nova_paths,
    "cinder": _cinder_paths,
    "glance": _glance_paths,
}


def read_paths(mapper: Any) -> Iterator[tuple[str, bool]]:
    """Yield the paths of a router, each with whether a controller answers there.

    Not so a redirection, nor the paths that Routes makes for web forms.
    """
    for route in mapper.matchlist:
        resource = route.defaults.get("controller")
        action = route.defaults.get("action", "")
        answered = hasattr(getattr(resource, "controller", None), action) or (
            # The body names the method.
            action == "action" and bool(getattr(resource, "wsgi_actions", None))
        )
        if not route.routepath.endswith(".:(format)"):
            yield _plain(route.routepath), answered


def _plain(path: str) -> str:
    """Return a path of Routes, without the project, in the form of a Route."""
    path = re.sub(
        r":\((\w+)\)|:(\w+)", r"{\1\2}", re.sub(r"\{(\w+):[^}]*\}", r"{\1}", path)
    )
    path = re.sub(r"^/?\{project_id\}(?=/)", "", path)
    return "/" + path.strip("/")
