# SPDX-License-Identifier: Apache-2.0
"""A small Neutron on loopback, and a Nova that attaches its ports.

Both refuse what the real ones refuse, with the same status. As the real one
it shows a project its own and what is shared, and an administrator all.
Read Neutron first; neutron_site puts the filter on both.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl


from tests.unit.ooi import loopback
from tests.unit.ooi.cloud import Nova

Json = dict[str, Any]
Reply = tuple[int, Any]

ALICE, BOB = "a" * 32, "b" * 32

_DEFAULTS: dict[str, Json] = {
    "networks": {
        "name": "",
        "description": "",
        "status": "ACTIVE",
        "admin_state_up": True,
        "shared": False,
        "router:external": False,
        "tags": [],
    },
    "subnets": {"name": "", "enable_dhcp": True, "ip_version": 4},
    "ports": {"name": "", "device_id": "", "device_owner": "", "status": "ACTIVE"},
    "floatingips": {"port_id": None, "description": "", "status": "DOWN"},
    "routers": {"name": "", "description": ""},
    "security_groups": {"name": "", "description": ""},
    "security_group_rules": {
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote_ip_prefix": None,
        "remote_group_id": None,
    },
}


@dataclass
class Neutron:
    """What the projects have, and a record of what was asked."""

    url: str = ""
    page: int = 1000
    kept: dict[str, dict[str, Json]] = field(
        default_factory=lambda: {name: {} for name in _DEFAULTS}
    )
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    # ("POST", path without its query) -> (status, JSON), in place of the answer
    answers: dict[tuple[str, str], Reply] = field(default_factory=dict)
    # Networks that no router connects with the outside.
    apart: set[str] = field(default_factory=set)
    made: int = 0

    def add(self, collection: str, **values: Any) -> str:
        self.made += 1
        item = {
            "id": str(uuid.uuid4()),
            "project_id": ALICE,
            "created_at": f"2026-01-01T00:00:{self.made:06}Z",
            **_DEFAULTS[collection],
            **values,
        }
        self.kept[collection][item["id"]] = item
        return str(item["id"])

    def network(self, cidr: str = "", **values: Any) -> str:
        """Add a network, with a subnet if there is a CIDR."""
        network_id = self.add("networks", **values)
        if cidr:
            gateway = cidr.partition("/")[0].removesuffix("0") + "1"
            self.add(
                "subnets",
                network_id=network_id,
                cidr=cidr,
                gateway_ip=gateway,
                project_id=self.kept["networks"][network_id]["project_id"],
            )
        return network_id

    def port(self, server_id: str, network_id: str, *ips: str, **values: Any) -> str:
        """Add the port of a server."""
        subnets = [
            s["id"]
            for s in self.kept["subnets"].values()
            if s["network_id"] == network_id
        ]
        subnet_id = subnets[0] if subnets else "none"
        fixed = [{"ip_address": ip, "subnet_id": subnet_id} for ip in ips]
        own = {
            "device_id": server_id,
            "device_owner": "compute:nova",
            "network_id": network_id,
            "mac_address": f"fa:16:3e:00:00:{len(self.kept['ports']):02x}",
            "fixed_ips": fixed,
            "security_groups": [],
            **values,
        }
        return self.add("ports", **own)

    def floating_ip(self, network_id: str, address: str, **values: Any) -> str:
        return self.add(
            "floatingips",
            floating_network_id=network_id,
            floating_ip_address=address,
            **values,
        )

    def group(self, **values: Any) -> str:
        """Add a security group with the two rules that Neutron gives it."""
        group_id = self.add("security_groups", **values)
        for version in ("IPv4", "IPv6"):
            self.rule(group_id, direction="egress", ethertype=version)
        return group_id

    def rule(self, group_id: str, **values: Any) -> str:
        return self.add("security_group_rules", security_group_id=group_id, **values)

    def rules(self, group_id: str, direction: str = "ingress") -> list[Json]:
        found = self.kept["security_group_rules"].values()
        return [
            r
            for r in found
            if (r["security_group_id"], r["direction"]) == (group_id, direction)
        ]

    def asked(self) -> list[tuple[str, str]]:
        return [(method, path.partition("?")[0]) for method, path, _ in self.requests]

    def refuse(self, method: str, path: str, status: int, message: str) -> None:
        fault = {"NeutronError": {"type": "T", "message": message, "detail": ""}}
        self.answers[method, path] = (status, fault)

    def answer(self, method: str, path: str, body: Any, token: str) -> Reply:
        self.requests.append((method, path, body))
        place, _, query = path.partition("?")
        if (method, place) in self.answers:
            return self.answers[method, place]
        role, _, project_id = token.partition(":")
        name, *rest = place.removeprefix("/v2.0/").split("/")
        name = name.replace("-", "_")
        if not rest:
            if method == "GET":
                seen = [
                    self._whole(name, item)
                    for item in self.kept[name].values()
                    if role == "admin" or self._is_seen(item, project_id)
                ]
                return self._listed(name, seen, query)
            return self._create(name, body, project_id)
        item = self.kept[name].get(rest[0])
        if item is None or not (role == "admin" or self._is_seen(item, project_id)):
            return _fault(404, f"{name} {rest[0]} could not be found.")
        return self._one(method, name, item, rest[1:], body)

    def _listed(self, name: str, items: list[Json], query: str) -> Reply:
        wanted = dict(parse_qsl(query))
        fields = parse_qs(query).get("fields")
        for key in set(wanted) - {"limit", "marker", "fields"}:
            items = [i for i in items if str(i.get(key)).lower() == wanted[key].lower()]
        ids = [item["id"] for item in items]
        start = ids.index(wanted["marker"]) + 1 if "marker" in wanted else 0
        part = items[start : start + self.page]
        page: Json = {
            name: [{k: i[k] for k in fields if k in i} if fields else i for i in part]
        }
        if start + self.page < len(items):
            href = f"http://elsewhere/?{query}&marker={part[-1]['id']}"
            page[f"{name}_links"] = [{"rel": "next", "href": href}]
        return 200, page

    def _create(self, name: str, body: Any, project_id: str) -> Reply:
        if name == "security_group_rules":
            for rule in body[name]:
                self.add(name, project_id=project_id, **rule)
            return 201, {name: body[name]}
        (values,) = body.values()
        one = name.removesuffix("s")
        if name == "floatingips":
            if self._is_apart(values.get("port_id")):
                return _fault(404, "External network is not reachable from subnet")
            taken = len(self.kept[name])
            values = {"floating_ip_address": f"203.0.113.{taken + 1}", **values}
        if name == "subnets":
            values = {"gateway_ip": "10.9.0.1", **values}
        made = self.add(name, **{**values, "project_id": project_id})
        if name == "security_groups":
            for version in ("IPv4", "IPv6"):
                self.rule(made, direction="egress", ethertype=version)
        return 201, {one: self._whole(name, self.kept[name][made])}

    def _one(
        self, method: str, name: str, item: Json, rest: list[str], body: Any
    ) -> Reply:
        match method, name, rest:
            case "GET", _, []:
                return 200, {name.removesuffix("s"): self._whole(name, item)}
            case "PUT", "floatingips", []:
                if self._is_apart(body["floatingip"].get("port_id")):
                    return _fault(404, "External network is not reachable from subnet")
                item |= body["floatingip"]
                return 200, {"floatingip": item}
            case "PUT", _, []:
                item |= body[name.removesuffix("s")]
                return 200, {name.removesuffix("s"): self._whole(name, item)}
            case "PUT", "networks", ["tags"]:
                item["tags"] = body["tags"]
                return 200, body
            case "PUT", "routers", ["add_router_interface"]:
                subnet = self.kept["subnets"][body["subnet_id"]]
                owner = "network:router_interface"
                network_id = subnet["network_id"]
                self.port(item["id"], network_id, "10.9.0.1", device_owner=owner)
                return 200, {}
            case "PUT", "routers", ["remove_router_interface"]:
                del self.kept["ports"][body["port_id"]]
                return 200, {}
            case "DELETE", "networks", []:
                ports = [p["network_id"] for p in self.kept["ports"].values()]
                if item["id"] in ports:
                    return _fault(409, "Unable to complete operation: ports in use")
        del self.kept[name][item["id"]]
        return 204, None

    def _whole(self, name: str, item: Json) -> Json:
        if name != "security_groups":
            return item
        rules = self.kept["security_group_rules"].values()
        own = [r for r in rules if r["security_group_id"] == item["id"]]
        return {**item, "security_group_rules": own}

    def _is_seen(self, item: Json, project_id: str) -> bool:
        # Who owns a network sees all ports on it.
        network = self.kept["networks"].get(item.get("network_id", ""), item)
        return bool(
            project_id in (item["project_id"], network["project_id"])
            or item.get("shared")
            or item.get("router:external")
        )

    def _is_apart(self, port_id: str | None) -> bool:
        return bool(port_id) and self.kept["ports"][port_id]["network_id"] in self.apart


@dataclass(eq=False)
class NovaWithPorts(Nova):
    """A Nova whose machines have ports of `neutron`."""

    neutron: Neutron = field(default_factory=Neutron)

    def machine(self, project_id: str = ALICE) -> str:
        return self.add(tenant_id=project_id)

    def _answer(
        self, method: str, path: str, asked: Any, query: str
    ) -> tuple[str, bytes]:
        match method, path.strip("/").split("/"):
            case "POST", ["servers", server_id, "os-interface"]:
                wanted = asked["interfaceAttachment"]
                ips = [f["ip_address"] for f in wanted.get("fixed_ips", ())]
                port_id = self.neutron.port(
                    server_id, wanted["net_id"], *(ips or ["10.0.0.77"])
                )
                found = {"interfaceAttachment": {"port_id": port_id}}
                return "200 OK", json.dumps(found).encode()
            case "DELETE", ["servers", _, "os-interface", port_id]:
                del self.neutron.kept["ports"][port_id]
                for floating_ip in self.neutron.kept["floatingips"].values():
                    if floating_ip["port_id"] == port_id:
                        floating_ip["port_id"] = None
                return "202 Accepted", b""
            case "POST", ["servers", server_id, "action"]:
                self._group(server_id, *asked.items())
        return super()._answer(method, path, asked, query)

    def _group(self, server_id: str, action: tuple[str, Any]) -> None:
        for port in self.neutron.kept["ports"].values():
            if port["device_id"] == server_id:
                match action:
                    case "addSecurityGroup", {"name": group_id}:
                        port["security_groups"].append(group_id)
                    case "removeSecurityGroup", {"name": group_id}:
                        port["security_groups"].remove(group_id)


def _fault(status: int, message: str) -> Reply:
    return status, {"NeutronError": {"type": "T", "message": message, "detail": ""}}


@contextmanager
def serve() -> Iterator[Neutron]:
    """Serve a Neutron on loopback."""
    service = Neutron()

    def answer(method: str, path: str, body: Any, headers: Mapping[str, str]) -> Reply:
        return service.answer(method, path, body, headers["X-Auth-Token"])

    with loopback.serve(answer) as url:
        service.url = url
        yield service
