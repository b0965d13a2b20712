# SPDX-License-Identifier: Apache-2.0
"""Nova's API and the OCCI interface, for the holder of a token.

Owns: addresses, the pinned microversion and the lines that OCCI clients write. Must
never: judge an answer, or wait. Read first: Service and Occi.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fedcloud_tempest_plugin.http import Answer, Http

# Old enough for all supported releases, and new enough for remote consoles.
MICROVERSION = "compute 2.79"

SCHEMA = "http://schemas.ogf.org/occi"
INFRASTRUCTURE = f"{SCHEMA}/infrastructure#"
COMPUTE = f"{INFRASTRUCTURE}compute"
ACTIONS = f"{SCHEMA}/infrastructure/compute/action#"
IMAGES = "http://schemas.openstack.org/template/os#"
FLAVORS = "http://schemas.openstack.org/template/resource#"

TEXT = "text/plain"
JSON = "application/occi+json"
URIS = "text/uri-list"


@dataclass(frozen=True, kw_only=True)
class Service:
    """An API below a URL, for one user; a token '' is not sent."""

    http: Http
    url: str
    token: str

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer; `path` begins where the API does, or is a whole URL."""
        whole = path if path.startswith(("http://", "https://")) else self.url + path
        sent = {"X-Auth-Token": self.token} if self.token else {}
        return self.http.send(
            method, whole, body, headers={**self.defaults(), **sent, **(headers or {})}
        )

    def defaults(self) -> Mapping[str, str]:
        """Return the headers that every request has."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Nova(Service):
    """Nova's API in one microversion; `url` is that of the catalog."""

    def defaults(self) -> Mapping[str, str]:
        return {"OpenStack-API-Version": MICROVERSION}

    def create(
        self,
        name: str,
        *,
        image: str,
        flavor: str,
        network: str,
        metadata: Mapping[str, str],
    ) -> Answer:
        """Return the answer to a new server; a network '' is Nova's choice."""
        server = {
            "name": name,
            "imageRef": image,
            "flavorRef": flavor,
            "networks": [{"uuid": network}] if network else "auto",
            "metadata": dict(metadata),
        }
        return self.send("POST", "/servers", {"server": server})


@dataclass(frozen=True, kw_only=True)
class Occi(Service):
    """The OCCI interface in one format; `url` is its endpoint, without a slash."""

    format: str = TEXT

    def defaults(self) -> Mapping[str, str]:
        # Without a body there is nothing to give a type to.
        return {"Accept": self.format}

    def submit(self, path: str, body: Any) -> Answer:
        """Return the answer to a POST in this format."""
        return self.send("POST", path, body, headers={"Content-Type": self.format})

    def create(self, title: str, *, image: str, flavor: str, network: str) -> Answer:
        """Return the answer to a new machine; a network '' is the site's choice."""
        place = f"{self.url}/network/{network}"
        if self.format == JSON:
            link = {
                "kind": f"{INFRASTRUCTURE}networkinterface",
                "target": {"location": place, "kind": f"{INFRASTRUCTURE}network"},
            }
            document = {
                "kind": COMPUTE,
                "mixins": [IMAGES + image, FLAVORS + flavor],
                "title": title,
                "links": [link] if network else [],
            }
            return self.submit("/compute/", document)
        lines = [
            f'Category: compute; scheme="{INFRASTRUCTURE}"; class="kind"',
            f'Category: {image}; scheme="{IMAGES}"; class="mixin"',
            f'Category: {flavor}; scheme="{FLAVORS}"; class="mixin"',
            f'X-OCCI-Attribute: occi.core.title="{title}"',
        ]
        if network:
            lines.append(
                f'Link: <{place}>; rel="{INFRASTRUCTURE}network"; '
                f'category="{INFRASTRUCTURE}networkinterface"'
            )
        return self.submit("/compute/", "\n".join(lines))

    def act(self, machine: str, action: str) -> Answer:
        """Return the answer to an action on a machine (its URL, or path)."""
        body: Any = f'Category: {action}; scheme="{ACTIONS}"; class="action"'
        if self.format == JSON:
            body = {"action": ACTIONS + action}
        return self.submit(f"{machine}?action={action}", body)

    def state(self, machine: str) -> str:
        """Return a machine's state, or the status of the answer that has none."""
        answer = self.send("GET", machine)
        if answer.status != 200:
            return str(answer.status)
        name = "occi.compute.state"
        if self.format == JSON:
            return str(answer.document["attributes"][name])
        for line in answer.text.splitlines():
            if line.startswith(f'X-OCCI-Attribute: {name}="'):
                return line.partition("=")[2].strip('"')
        return "(none)"
