# SPDX-License-Identifier: Apache-2.0
"""Neutron, asked for what the project of the token owns or may use.

Owns: the paths and queries of Neutron, and that nobody sees more than the
own project's, an administrator neither. Must never: know OCCI, or put into a
path what is no UUID. Read first: Neutron.networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ooi_ext.errors import UpstreamError
from ooi_ext.services import Remote
from ooi_ext.translate_address import allocation_mark

Json = dict[str, Any]

_PAGE = 1000


@dataclass(frozen=True)
class Neutron:
    """Neutron as the user of one request sees it.

    Every method raises UpstreamError when Neutron refuses or fails; with 404
    for what is not there or is another project's.
    """

    remote: Remote

    @property
    def project_id(self) -> str:
        """The project of the token; raises UpstreamError if it has none.

        An administrator's token sees all projects in Neutron: without a
        project nothing could be held back.
        """
        auth = self.remote.auth
        found = auth and auth.get_project_id(self.remote.services.session)
        if not found:
            raise UpstreamError(
                "The token is not for a project, so it owns no networks.",
                service="network",
                status=403,
                mend="Ask Keystone for a token with a project as its scope.",
            )
        return str(found)

    def networks(self, *fields: str, **query: Any) -> tuple[Json, ...]:
        """Return the networks that the project owns or may use."""
        project_id = self.project_id
        wanted = {"project_id", "shared", "router:external", *fields}
        query |= {"fields": sorted(wanted)} if fields else {}
        found = self._all("networks", query)
        return tuple(n for n in found if _is_usable(n, project_id))

    def external_networks(self) -> tuple[Json, ...]:
        """Return the networks that floating IPs come from."""
        return self.networks(**{"router:external": "true"})

    def network(self, network_id: str) -> Json:
        """Return one network that the project owns or may use."""
        project_id = self.project_id
        found = self._one("network", network_id)
        if not _is_usable(found, project_id):
            raise _nothing("network", network_id)
        return found

    def subnets(self, network_id: str = "") -> tuple[Json, ...]:
        """Return the subnets of one network, or all that Neutron shows."""
        return self._all("subnets", {"network_id": network_id} if network_id else {})

    def ports_of(self, server_id: str) -> tuple[Json, ...]:
        """Return the ports of one server."""
        return self.ports(device_id=server_id)

    def ports(self, *fields: str, **query: Any) -> tuple[Json, ...]:
        """Return the project's ports."""
        query |= {"fields": sorted(fields)} if fields else {}
        return self._own("ports", query)

    def floating_ips(self, *fields: str, **query: Any) -> tuple[Json, ...]:
        """Return the project's floating IPs."""
        query |= {"fields": sorted(fields)} if fields else {}
        return self._own("floatingips", query)

    def security_groups(self, *fields: str) -> tuple[Json, ...]:
        """Return the project's security groups, with their rules."""
        return self._own("security-groups", {"fields": fields} if fields else {})

    def routers(self, **query: Any) -> tuple[Json, ...]:
        """Return the project's routers."""
        return self._own("routers", query)

    def ports_on(self, network_id: str) -> tuple[Json, ...]:
        """Return all ports on a network that the project owns, whoever's they are."""
        return self._all("ports", {"network_id": network_id})

    def own(self, kind: str, identifier: str) -> Json:
        """Return one port, floatingip, security_group or router of the project's."""
        project_id = self.project_id
        found = self._one(kind, identifier)
        if found.get("project_id") != project_id:
            raise _nothing(kind, identifier)
        return found

    def create(self, kind: str, **values: Any) -> Json:
        """Return what Neutron has made of `values`."""
        return self._ask("POST", f"/v2.0/{_path(kind)}", kind, values)

    def update(self, kind: str, identifier: str, **values: Any) -> Json:
        """Return what has become of one after a change."""
        return self._ask("PUT", f"/v2.0/{_path(kind)}/{identifier}", kind, values)

    def delete(self, kind: str, identifier: str) -> None:
        """Delete one."""
        self.remote.ask("DELETE", f"/v2.0/{_path(kind)}/{identifier}")

    def allocate(
        self, network_id: str, *, port_id: str, address: str, server_id: str
    ) -> Json:
        """Return a new floating IP that leads to a port, and goes with its machine.

        `address` is that of the port that it leads to.
        """
        return self.create(
            "floatingip",
            floating_network_id=network_id,
            port_id=port_id,
            fixed_ip_address=address,
            description=allocation_mark(server_id),
        )

    def add_rules(self, rules: Sequence[Json]) -> None:
        """Add rules to security groups, all in one request."""
        body = {"security_group_rules": list(rules)}
        self.remote.ask("POST", "/v2.0/security-group-rules", body)

    def set_tags(self, network_id: str, tags: Sequence[str]) -> None:
        """Replace the tags of a network."""
        path = f"/v2.0/networks/{network_id}/tags"
        self.remote.ask("PUT", path, {"tags": list(tags)})

    def join(self, router_id: str, subnet_id: str) -> None:
        """Give a router an interface in a subnet."""
        path = f"/v2.0/routers/{router_id}/add_router_interface"
        self.remote.ask("PUT", path, {"subnet_id": subnet_id})

    def part(self, router_id: str, port_id: str) -> None:
        """Take an interface away from a router."""
        path = f"/v2.0/routers/{router_id}/remove_router_interface"
        self.remote.ask("PUT", path, {"port_id": port_id})

    def _own(self, collection: str, query: Mapping[str, Any]) -> tuple[Json, ...]:
        return self._all(collection, {**query, "project_id": self.project_id})

    def _all(self, collection: str, query: Mapping[str, Any]) -> tuple[Json, ...]:
        asked = urlencode({**query, "limit": _PAGE}, doseq=True)
        key = collection.replace("-", "_")
        return self.remote.listed(f"/v2.0/{collection}?{asked}", key)

    def _one(self, kind: str, identifier: str) -> Json:
        return self._ask("GET", f"/v2.0/{_path(kind)}/{identifier}", kind)

    def _ask(
        self, method: str, path: str, kind: str, values: Json | None = None
    ) -> Json:
        found = self.remote.ask(method, path, {kind: values} if values else None)
        if not isinstance(found.get(kind), dict):
            raise UpstreamError(
                f"The network service sent no {kind} for {method} {path}.",
                service="network",
                status=502,
            )
        return dict(found[kind])


def _is_usable(network: Json, project_id: str) -> bool:
    return bool(
        network.get("project_id") == project_id
        or network.get("shared")
        or network.get("router:external")
    )


def _nothing(kind: str, identifier: str) -> UpstreamError:
    # As Neutron says it: nobody learns that another project has it.
    what = kind.replace("_", " ")
    return UpstreamError(
        f"The network service refused: {what} {identifier} could not be found.",
        service="network",
        status=404,
    )


def _path(kind: str) -> str:
    return kind.replace("_", "-") + "s"
