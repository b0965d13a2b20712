# SPDX-License-Identifier: Apache-2.0
"""Neutron's security groups to OCCI and back. Pure.

Owns: the rules in the form that rOCCI gave them, a JSON list of objects with
type, protocol, port and range, in the text of a string. Must never: ask a
service or know HTTP. Read first: security_group, then rules.
"""

import ipaddress
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ooi_ext import check, kinds, kinds_network
from ooi_ext.check import Wish
from ooi_ext.errors import BadRequest, shown
from ooi_ext.model import End, LinkEntity, Resource
from ooi_ext.translate_address import Json, Url, is_of_machine
from ooi_ext.translate_network import compute_url, machine_id

RULES = "occi.securitygroup.rules"

# Bounds what one request can make Neutron do.
_MOST_RULES = 1000

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = re.compile(_ID)
_LINK_ID = re.compile(f"({_ID})_({_ID})")

_DIRECTIONS = {"inbound": "ingress", "outbound": "egress"}
_TYPES = {neutrons: ours for ours, neutrons in _DIRECTIONS.items()}
_VERSIONS = {"IPv4": 4, "IPv6": 6}
_KEYS = {"type", "protocol", "port", "range", "ipversion", "group"}
_ANY = ("", "all", "any")
_PROTOCOL = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
# rOCCI-server writes a range of ports with a colon, ooi with a hyphen.
_PORTS = re.compile(r"([0-9]{1,5})(?:[-:]([0-9]{1,5}))?")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule in Neutron's words, without what Neutron adds to it."""

    direction: str
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None

    def values(self, group_id: str) -> dict[str, Any]:
        """Return the rule as Neutron makes one in a security group."""
        own = {key: value for key, value in vars(self).items() if value is not None}
        return {**own, "security_group_id": group_id}


def security_group(group: Json, *, url: Url) -> Resource:
    """Return the security group resource for one of Neutron's."""
    shown_rules = [_written(_of_neutron(rule)) for rule in _sorted(group)]
    attributes = (
        ("occi.core.id", group["id"]),
        ("occi.core.title", group.get("name") or ""),
        ("occi.core.summary", group.get("description") or ""),
        (RULES, json.dumps(shown_rules)),
        ("occi.securitygroup.state", "active"),
    )
    return Resource(
        kind=kinds_network.SECURITY_GROUP,
        attributes=tuple((name, value) for name, value in attributes if value),
        location=security_group_url(group["id"], url=url),
    )


def rules(wish: Wish) -> tuple[Rule, ...] | None:
    """Return the rules that `wish` brings, None if it says nothing of them.

    Raises BadRequest, naming the offending rule.
    """
    if RULES not in wish.attributes:
        return None
    text = wish.text(RULES)
    try:
        # Deep nesting exhausts Python's stack, and is no list of rules.
        found = json.loads(text, object_pairs_hook=_unrepeated)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{RULES} is no JSON: {shown(text)}.") from error
    if not isinstance(found, list) or len(found) > _MOST_RULES:
        raise BadRequest(f"{RULES} is no list of at most {_MOST_RULES} rules.")
    wanted = {}
    for number, rule in enumerate(found, 1):
        try:
            wanted[_read(rule)] = number
        except ValueError as error:
            raise BadRequest(f"Rule {number} of {RULES}: {error}.") from error
    return tuple(wanted)


def to_change(
    group: Json, wanted: Iterable[Rule]
) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """Return the rules to add to a group, and the ids of those to take away.

    A list without a rule for what goes out leaves those there are: Neutron
    gives each new group two that let everything out, rOCCI's clients know of
    no others and their machines must reach the world.
    """
    present = {
        _of_neutron(rule): rule["id"] for rule in group.get("security_group_rules", ())
    }
    goal = set(wanted)
    outward = any(rule.direction == "egress" for rule in goal)
    return (
        tuple(rule for rule in goal if rule not in present),
        tuple(
            rule_id
            for rule, rule_id in present.items()
            if rule not in goal and (outward or rule.direction == "ingress")
        ),
    )


def links(ports: Iterable[Json]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of server and security group that ports bring together."""
    pairs = (
        (port["device_id"], group_id)
        for port in ports
        if is_of_machine(port)
        for group_id in port.get("security_groups") or ()
    )
    return tuple(dict.fromkeys(pairs))


def link_ids(identifier: str) -> tuple[str, str] | None:
    """Return the ids of server and group in the id of a security group link."""
    found = _LINK_ID.fullmatch(identifier)
    return (found[1], found[2]) if found else None


def link_entity(server_id: str, group_id: str, *, url: Url) -> LinkEntity:
    """Return the link of a machine to a security group."""
    return LinkEntity(
        kind=kinds_network.SECURITY_GROUP_LINK,
        source=End(compute_url(server_id, url=url), kinds.COMPUTE.identifier),
        target=End(
            security_group_url(group_id, url=url),
            kinds_network.SECURITY_GROUP.identifier,
        ),
        attributes=(
            ("occi.core.id", f"{server_id}_{group_id}"),
            ("occi.securitygrouplink.state", "active"),
        ),
        location=link_url(server_id, group_id, url=url),
    )


def ends(wish: Wish) -> tuple[str, str]:
    """Return the ids of server and group that a link is wanted between.

    Raises BadRequest.
    """
    target = wish.text("occi.core.target")
    group_id = check.place(target, kind=kinds_network.SECURITY_GROUP)
    if not _UUID.fullmatch(group_id):
        raise BadRequest(f"There is no securitygroup {shown(target)}.")
    return machine_id(wish), group_id


def security_group_url(group_id: str, *, url: Url) -> str:
    """Return the URL of a security group."""
    return url(f"{kinds_network.SECURITY_GROUP.location}{group_id}")


def link_url(server_id: str, group_id: str, *, url: Url) -> str:
    """Return the URL of a security group link."""
    return url(f"{kinds_network.SECURITY_GROUP_LINK.location}{server_id}_{group_id}")


def _sorted(group: Json) -> list[Json]:
    # Neutron gives them in any order; a client compares what it got twice.
    return sorted(group.get("security_group_rules", ()), key=lambda rule: rule["id"])


def _of_neutron(rule: Json) -> Rule:
    return Rule(
        direction=rule["direction"],
        ethertype=rule.get("ethertype") or "IPv4",
        protocol=rule.get("protocol"),
        port_range_min=rule.get("port_range_min"),
        port_range_max=rule.get("port_range_max"),
        remote_ip_prefix=rule.get("remote_ip_prefix"),
        remote_group_id=rule.get("remote_group_id"),
    )


def _written(rule: Rule) -> dict[str, str]:
    low, high = rule.port_range_min, rule.port_range_max
    port = "" if low is None else f"{low}" if high in (None, low) else f"{low}-{high}"
    found = {
        "type": _TYPES[rule.direction],
        "protocol": rule.protocol or "all",
        "port": port,
        "range": rule.remote_ip_prefix or "",
        "ipversion": rule.ethertype,
        "group": rule.remote_group_id or "",
    }
    return {key: value for key, value in found.items() if value}


def _read(given: Any) -> Rule:
    """Return the rule that an object of JSON is; raises ValueError, saying why not."""
    if not isinstance(given, dict) or not given.keys() <= _KEYS:
        raise ValueError(f"it is no object of {', '.join(sorted(_KEYS))}")
    direction = _DIRECTIONS.get(str(given.get("type")).lower())
    if direction is None:
        raise ValueError('its type is neither "inbound" nor "outbound"')
    protocol = str(given.get("protocol") or "").lower()
    if protocol not in _ANY and not _PROTOCOL.fullmatch(protocol):
        raise ValueError("its protocol is no name")
    prefix, ethertype = _prefix(given)
    low, high = _ports(given, protocol)
    group = given.get("group")
    if group is not None and not (isinstance(group, str) and _UUID.fullmatch(group)):
        raise ValueError("its group is no id of a security group")
    return Rule(
        direction=direction,
        ethertype=ethertype,
        protocol=None if protocol in _ANY else protocol,
        port_range_min=low,
        port_range_max=high,
        remote_ip_prefix=prefix,
        remote_group_id=group,
    )


def _prefix(given: dict[str, Any]) -> tuple[str | None, str]:
    """Return the addresses of a rule, None for all, and Neutron's ethertype."""
    text, version = given.get("range"), given.get("ipversion")
    if version not in (None, *_VERSIONS):
        raise ValueError(f"its ipversion is none of {', '.join(_VERSIONS)}")
    if not text:
        return None, version or "IPv4"
    try:
        found = ipaddress.ip_network(str(text), strict=False)
    except ValueError as error:
        raise ValueError("its range is no range of addresses") from error
    ethertype = f"IPv{found.version}"
    if version not in (None, ethertype):
        raise ValueError(f"its range is of {ethertype}")
    return str(found), ethertype


def _ports(given: dict[str, Any], protocol: str) -> tuple[int | None, int | None]:
    port = given.get("port")
    if port in (None, ""):
        return None, None
    found = _PORTS.fullmatch(str(port))
    if found is None or isinstance(port, bool):
        raise ValueError('its port is neither "22" nor "20-25"')
    low = int(found[1])
    # Of ICMP these are a type and a code, and a type has many codes.
    alone = None if protocol.startswith(("icmp", "ipv6-icmp")) else low
    return low, int(found[2]) if found[2] else alone


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found
