# SPDX-License-Identifier: Apache-2.0
"""``ooi-manage``: register the OCCI endpoint in the catalog, probe it, mount it.

Owns: the command line and what is printed. What register changes in Keystone
is told before it is done; what probe makes at the site it deletes; paste has a
module of its own. Must never: print a token, or what a server sent without making
it plain. Read first: main.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from keystoneauth1 import exceptions
from keystoneauth1.adapter import Adapter
from openstack import config as openstack_config
from openstack.exceptions import SDKException

from ooi_ext import paste_command, probing
from ooi_ext.errors import shown

Json = Mapping[str, Any]
# Sends a request to Keystone's v3: method, path, body; returns the JSON.
Ask = Callable[[str, str, Json | None], Json]

FINE, PROBLEM, MISUSE = 0, 1, 2

SERVICE = {"name": "occi", "type": "occi", "description": "OCCI interface"}


class CannotTell(Exception):
    """The request, or the catalog, leaves open what should be done."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint of the service, as it shall stand in the catalog."""

    interface: str
    region: str
    url: str


@dataclass(frozen=True)
class Step:
    """What must be done, in words and as a request; none if all is well."""

    text: str
    method: str = ""
    path: str = ""
    body: Json | None = None


def main(argv: list[str] | None = None) -> int:
    """Run one command. 0: all is well. 1: something is wrong. 2: wrong use."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        # It knows OS_*, clouds.yaml and every authentication plugin there is.
        clouds = openstack_config.OpenStackConfig()
        options = _parser(clouds, arguments).parse_args(arguments)
        if options.run is paste_command.run:
            # It needs no cloud, nor credentials.
            return int(paste_command.run(options))
        return int(options.run(clouds.get_one(argparse=options), options))
    except (CannotTell, SDKException, exceptions.ClientException) as error:
        print(f"ooi-manage: {_plain(str(error))}", file=sys.stderr)
        return MISUSE


def register(cloud: Any, options: Any) -> int:
    """Create or correct the service occi and its endpoints in the catalog."""
    keystone = Adapter(
        cloud.get_session(),
        service_type="identity",
        interface=cloud.get_interface() or "public",
        version="3",
    )
    ask = partial(_ask, keystone)
    region = choose_region(ask("GET", "/regions", None)["regions"], options.region)
    named = tuple(dict.fromkeys(options.interface or ["public"]))
    wanted = tuple(Endpoint(interface=n, region=region, url=options.url) for n in named)

    found = ask("GET", f"/services?type={SERVICE['type']}", None)["services"]
    step = plan_service(found)
    made = _take(step, ask, dry_run=options.dry_run)
    service_id = found[0]["id"] if found else made.get("service", {}).get("id", "")
    endpoints: Iterable[Json] = ()
    if service_id:
        endpoints = ask("GET", f"/endpoints?service_id={service_id}", None)["endpoints"]
    for step in plan_endpoints(endpoints, wanted, service_id=service_id):
        _take(step, ask, dry_run=options.dry_run)
    return FINE


def choose_region(regions: Iterable[Json], wanted: str) -> str:
    """Return the region that is wanted, or the only one. Raises CannotTell."""
    ids = sorted(str(region["id"]) for region in regions)
    if wanted in ids or (not wanted and len(ids) == 1):
        return wanted or ids[0]
    raise CannotTell(
        f"--region {shown(wanted)} must be one of: {', '.join(ids)}."
        if ids
        else "Keystone has no region yet: openstack region create NAME."
    )


def plan_service(services: Iterable[Json]) -> Step:
    """Return what must be done for the service itself.

    `services` are those of its type in Keystone. Raises CannotTell.
    """
    ids = [service["id"] for service in services]
    if len(ids) > 1:
        raise CannotTell(
            f"There are {len(ids)} services of type {SERVICE['type']}: "
            f"{', '.join(ids)}. Delete all but one."
        )
    if ids:
        return Step(f"the service {SERVICE['type']} is there: {ids[0]}")
    text = f"create the service {SERVICE['type']}"
    return Step(text, "POST", "/services", {"service": SERVICE})


def plan_endpoints(
    endpoints: Iterable[Json], wanted: Iterable[Endpoint], *, service_id: str
) -> tuple[Step, ...]:
    """Return what must be done for each endpoint that is wanted.

    `endpoints` are those of the service in Keystone. Raises CannotTell.
    """
    known = tuple(endpoints)
    return tuple(_plan(one, known, service_id) for one in wanted)


def probe(cloud: Any, options: Any) -> int:
    """Do what the federation's monitoring does, and print how it went."""
    session = cloud.get_session()
    endpoint = options.endpoint or _in_catalog(cloud, session)
    print(f"{endpoint}\n{'step':<18}{'verdict':<9}{'seconds':>7}  what was seen")
    fine = True
    for row in probing.probe(
        probing.over(session, endpoint.rstrip("/")),
        os_tpl=options.os_tpl,
        resource_tpl=options.resource_tpl,
        seconds=options.wait,
    ):
        fine = fine and row.fine
        verdict = "ok" if row.fine else "FAILED"
        said = _plain(row.said)
        print(f"{row.name:<18}{verdict:<9}{row.seconds:>7.2f}  {said}", flush=True)
    return FINE if fine else PROBLEM


def _parser(
    clouds: openstack_config.OpenStackConfig, arguments: list[str]
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ooi-manage", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[..., int], help_text: str) -> Any:
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=run)
        return command

    command = add(
        "register",
        register,
        "Create the service occi and its endpoints in the catalog, or correct them. "
        "It needs an administrator's credentials.",
    )
    command.add_argument(
        "--url",
        required=True,
        type=_url,
        help="what users connect to: https://cloud.example.org:8787/occi1.1",
    )
    command.add_argument(
        "--interface",
        action="append",
        choices=("public", "internal", "admin"),
        help="may be repeated; public, if it is left out",
    )
    command.add_argument(
        "--region", default="", help="may be left out where there is only one"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="only tell what would be done"
    )
    clouds.register_argparse_arguments(command, arguments)
    command = add(
        "probe",
        probe,
        "Do what the federation's monitoring does: find the interface, make a "
        "machine, wait for it, delete it. It needs a user's credentials.",
    )
    command.add_argument("--endpoint", default="", help="if not that of the catalog")
    command.add_argument(
        "--os-tpl", default="", help="term of the image; else the first one listed"
    )
    command.add_argument(
        "--resource-tpl", default="", help="term of the flavor; else the first one"
    )
    command.add_argument(
        "--wait",
        type=float,
        default=300,
        metavar="SECONDS",
        help="for the machine to be active, and again to be gone (default: 300)",
    )
    clouds.register_argparse_arguments(command, arguments)
    paste_command.arguments(add("paste", paste_command.run, paste_command.ABOUT))
    return parser


def _in_catalog(cloud: Any, session: Any) -> str:
    try:
        found = session.get_endpoint(
            service_type=SERVICE["type"],
            interface=cloud.get_interface() or "public",
            region_name=cloud.get_region_name() or None,
            # It has no versions that OpenStack could discover.
            skip_discovery=True,
        )
    except exceptions.EndpointNotFound as error:
        raise CannotTell(
            "The catalog has no occi endpoint. Register it (ooi-manage register), or "
            "name it with --endpoint."
        ) from error
    return str(found)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise argparse.ArgumentTypeError(f"{text!r} is no URL of an endpoint")
    return text.rstrip("/")


def _plan(one: Endpoint, known: Iterable[Json], service_id: str) -> Step:
    place = (one.interface, one.region)
    there = [e for e in known if (e["interface"], e["region_id"]) == place]
    at = f"the {one.interface} endpoint in {one.region}"
    if len(there) > 1:
        ids = ", ".join(e["id"] for e in there)
        raise CannotTell(f"There are {len(there)} of {at}: {ids}. Delete all but one.")
    if not there:
        body = {
            "service_id": service_id,
            "interface": one.interface,
            "region_id": one.region,
            "url": one.url,
        }
        text = f"create {at}: {one.url}"
        return Step(text, "POST", "/endpoints", {"endpoint": body})
    (found,) = there
    if (found["url"], found["enabled"]) == (one.url, True):
        return Step(f"{at} is there: {one.url}")
    return Step(
        f"change {at} from {found['url']} to {one.url}",
        "PATCH",
        f"/endpoints/{found['id']}",
        {"endpoint": {"url": one.url, "enabled": True}},
    )


def _take(step: Step, ask: Ask, *, dry_run: bool) -> Json:
    would = "would " if step.method and dry_run else ""
    print(_plain(f"{would}{step.text}"), flush=True)
    return ask(step.method, step.path, step.body) if step.method and not dry_run else {}


def _ask(keystone: Any, method: str, path: str, body: Json | None) -> Json:
    found: Json = keystone.request(path, method, json=body).json()
    return found


def _plain(text: str) -> str:
    """Return a text that cannot steer a terminal: servers send what they like."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
