# SPDX-License-Identifier: Apache-2.0
"""The filter on a small Nova and a small Neutron, as one user sees it.

Owns: sending a request as a user of a project, reading what comes back in
more than one rendering, and the texts of requests. Read Site first.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from keystoneauth1.token_endpoint import Token

from ooi_ext.rendering import text
from tests.unit.ooi.cloud import Answer, Cloud, Glance
from tests.unit.ooi.neutron_cloud import ALICE, BOB, Neutron, NovaWithPorts, serve

INFRA = "http://schemas.ogf.org/occi/infrastructure#"
BASE = "http://cloud.example.org/occi1.1"
NOWHERE = "11111111-2222-3333-4444-555555555555"

Json = dict[str, Any]


class ProjectToken(Token):
    """A token of a project; an administrator's begins with "admin"."""

    def __init__(self, endpoint: str, project_id: str | None, role: str = "") -> None:
        super().__init__(endpoint, f"{role}:{project_id}")
        self.project_id = project_id

    def get_project_id(self, *args: Any, **kwargs: Any) -> str | None:
        return self.project_id


@dataclass
class Site:
    """The filter on a Nova and a Neutron, as one user sees it."""

    neutron: Neutron
    nova: NovaWithPorts
    project_id: str | None = ALICE
    role: str = ""

    def send(
        self, method: str, path: str, body: bytes | str = b"", **headers: str
    ) -> Answer:
        token = ProjectToken(self.neutron.url, self.project_id, self.role)
        cloud = Cloud(Glance(), nova=self.nova, environ={"keystone.token_auth": token})
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return cloud.send(method, path, body, names)

    def of(self, project_id: str | None, role: str = "") -> "Site":
        """Return the same site as a user of another project sees it."""
        return Site(self.neutron, self.nova, project_id, role)

    def listed(self, path: str) -> list[str]:
        """Return the paths that a collection lists, in each rendering the same."""
        answer = self.send("GET", path, Accept="text/uri-list")
        assert answer.status == 200, answer.text
        whole = self.send("GET", path, Accept="application/occi+json")
        assert whole.status == 200, whole.text
        found = json.loads(whole.text)
        entities = [e for half in found.values() for e in half]
        urls = answer.text.split()
        assert [e["id"] for e in entities] == [url.rpartition("/")[2] for url in urls]
        return [url.removeprefix(BASE) for url in urls]

    def shown(self, path: str) -> Json:
        """Return the attributes of an entity."""
        answer = self.send("GET", path)
        assert answer.status == 200, answer.text
        return dict(text.parse_plain(answer.body, {}).attributes)

    def made(self, path: str, body: str) -> str:
        """Return the path of what a request has made."""
        answer = self.send("POST", path, body)
        assert answer.status == 201, answer.text
        assert answer.text == f"X-OCCI-Location: {answer.header('Location')}"
        return answer.header("Location").removeprefix(BASE)


def kind(term: str, *more: str) -> str:
    """Return the text of a request for an entity of a kind, with `more` lines."""
    return "\n".join((f'Category: {term}; scheme="{INFRA}"; class="kind"', *more))


def mixin(scheme: str, term: str) -> str:
    return f'Category: {term}; scheme="{scheme}"; class="mixin"'


def attribute(name: str, value: str | int) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return f"X-OCCI-Attribute: {name}={written}"


IP_NETWORK = mixin("http://schemas.ogf.org/occi/infrastructure/network#", "ipnetwork")
IP_INTERFACE = mixin(
    "http://schemas.ogf.org/occi/infrastructure/networkinterface#", "ipnetworkinterface"
)


def pool(term: str) -> str:
    return mixin("http://schemas.openstack.org/network/floatingippool#", term)


def neutron_site() -> Iterator[Site]:
    """Yield a site without networks: a test module makes a fixture of this."""
    with serve() as service:
        yield Site(service, NovaWithPorts(neutron=service))


def outside(site: Site, name: str = "public", **values: Any) -> str:
    """Add an external network, which another project owns."""
    own = {"name": name, "router:external": True, "project_id": BOB, **values}
    return site.neutron.network(**own)


def interface(server_id: str, target: str, *more: str) -> str:
    return kind(
        "networkinterface",
        attribute("occi.core.id", "made-up"),
        attribute("occi.core.source", f"/occi1.1/compute/{server_id}"),
        attribute("occi.core.target", target),
        *more,
    )


def machine(site: Site, *ips: str) -> tuple[str, str, str]:
    """Add a machine with one port; return its id, its network's and its port's."""
    server_id = site.nova.machine()
    network_id = site.neutron.network("10.0.0.0/24", name="inside")
    port_id = site.neutron.port(server_id, network_id, *(ips or ("10.0.0.5",)))
    return server_id, network_id, port_id


def led(site: Site) -> list[tuple[Any, Any]]:
    """Return where each floating IP leads, and what it is described by."""
    found = site.neutron.kept["floatingips"].values()
    return [(f["port_id"], f["description"]) for f in found]


def act(name: str) -> str:
    scheme = "http://schemas.ogf.org/occi/infrastructure/network/action#"
    return f'Category: {name}; scheme="{scheme}"; class="action"'
