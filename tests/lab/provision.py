# SPDX-License-Identifier: Apache-2.0
"""Makes what a user needs to find in the lab: accounts, catalog, images, networks.

Owns the lab's content. It must be safe to run again: whatever is there already
is left as it is. Read identity and resources.
"""

from pathlib import Path
from typing import Any

from tests.lab.cloud import Cloud
from tests.lab.settings import Settings

# Service user -> catalog type and path below the service's root URL.
CATALOG = {
    "placement": ("placement", ""),
    "glance": ("image", ""),
    "nova": ("compute", "/v2.1"),
    "neutron": ("network", ""),
    "cinder": ("block-storage", "/v3"),
}
PROJECTS = ("dteam", "ngi-test", "ops", "fedcloud.egi.eu")
FLAVORS = {
    # name: (memory in MB, disk in GB, vcpus)
    "m1.nano": (128, 1, 1),
    "m1.tiny": (512, 1, 1),
    "m1.small": (2048, 20, 1),
    "m1.medium": (4096, 40, 2),
}
IMAGE = "cirros"
IMAGE_BYTES = 1024
IDENTITY_PROVIDER = "egi.eu"
PROTOCOL = "mapped"
MAPPING = "voms"
AUTHORIZATION_MINUTES = 1440
# Who reads all of a project and changes nothing, beside Keystone's own roles.
AUDITOR = "vo_auditor"


def identity(settings: Settings, cloud: Cloud, password: str) -> None:
    """Make service users, catalog, VO projects and the identity provider.

    A plain lab has neither of the last two, nor the role of auditors.
    """
    roles = _ids(cloud, "keystone", "/roles", "roles")
    if AUDITOR not in roles and not settings.plain:
        cloud.call("POST", "keystone", "/roles", {"role": {"name": AUDITOR}})
    _ensure_catalog(settings, cloud)
    of_vos = () if settings.plain else PROJECTS
    projects = {
        name: _ensure_in_domain(cloud, "project", name)
        for name in ("service", "admin", *of_vos)
    }
    for name in CATALOG:
        user = _ensure_in_domain(cloud, "user", name, password=password)
        for role in ("admin", "service"):
            _grant(cloud, projects["service"], user, roles[role])
    admin = _ensure_in_domain(cloud, "user", "admin", password=password)
    for name in of_vos:
        _grant(cloud, projects[name], admin, roles["admin"])
    if not settings.plain:
        _ensure_federation(cloud, mapping_rules())


def mapping_rules() -> list[dict[str, Any]]:
    """Return the rules that turn the assertion of a proxy into its user.

    The user is a local one, so that Keystone leaves the groups alone, which
    the login through keystone_voms_ext has set by then.
    """
    user = {"name": "{0}", "type": "local", "domain": {"id": "default"}}
    return [{"local": [{"user": user}], "remote": [{"type": "VOMS_DN"}]}]


def resources(cloud: Cloud) -> None:
    """Make flavors, the public image and the networks."""
    flavors = _ids(cloud, "nova", "/flavors", "flavors")
    for name, (memory, disk, vcpus) in FLAVORS.items():
        if name not in flavors:
            flavor = {"name": name, "ram": memory, "disk": disk, "vcpus": vcpus}
            cloud.call("POST", "nova", "/flavors", {"flavor": flavor})
    _ensure_image(cloud)
    _ensure_networks(cloud)


def _ensure_catalog(settings: Settings, cloud: Cloud) -> None:
    known = _ids(cloud, "keystone", "/services", "services")
    endpoints = cloud.call("GET", "keystone", "/endpoints")["endpoints"]
    for name, (kind, path) in CATALOG.items():
        service = known.get(name)
        if not service:
            body = {"service": {"name": name, "type": kind}}
            service = cloud.call("POST", "keystone", "/services", body)["service"]["id"]
        url = settings.url(name) + path
        for interface in ("public", "internal"):
            _ensure_endpoint(cloud, endpoints, service, interface, url)
    own = f"{settings.url('keystone')}/v3"
    for interface in ("public", "internal"):
        _ensure_endpoint(cloud, endpoints, known["keystone"], interface, own)


def _ensure_endpoint(
    cloud: Cloud,
    endpoints: list[dict[str, Any]],
    service: str,
    interface: str,
    url: str,
) -> None:
    for endpoint in endpoints:
        if (endpoint["service_id"], endpoint["interface"]) == (service, interface):
            if endpoint["url"] != url:
                # A kept root that moved to other ports.
                body = {"endpoint": {"url": url}}
                cloud.call("PATCH", "keystone", f"/endpoints/{endpoint['id']}", body)
            return
    body = {
        "endpoint": {
            "service_id": service,
            "interface": interface,
            "url": url,
            "region_id": "RegionOne",
        }
    }
    cloud.call("POST", "keystone", "/endpoints", body)


def _ensure_in_domain(cloud: Cloud, kind: str, name: str, **values: str) -> str:
    found = cloud.call("GET", "keystone", f"/{kind}s?domain_id=default&name={name}")
    if found[f"{kind}s"]:
        return found[f"{kind}s"][0]["id"]
    body = {kind: {"name": name, "domain_id": "default", **values}}
    return cloud.call("POST", "keystone", f"/{kind}s", body)[kind]["id"]


def _grant(cloud: Cloud, project: str, user: str, role: str) -> None:
    cloud.call("PUT", "keystone", f"/projects/{project}/users/{user}/roles/{role}")


def _ensure_federation(cloud: Cloud, rules: list[dict[str, Any]]) -> None:
    base = "/OS-FEDERATION"
    mappings = cloud.call("GET", "keystone", f"{base}/mappings")["mappings"]
    method = "PATCH" if any(one["id"] == MAPPING for one in mappings) else "PUT"
    body: dict[str, Any] = {"mapping": {"rules": rules, "schema_version": "2.0"}}
    cloud.call(method, "keystone", f"{base}/mappings/{MAPPING}", body)

    providers = cloud.call("GET", "keystone", f"{base}/identity_providers")
    known = [one["id"] for one in providers["identity_providers"]]
    provider = f"{base}/identity_providers/{IDENTITY_PROVIDER}"
    if IDENTITY_PROVIDER not in known:
        body = {
            "identity_provider": {
                "enabled": True,
                # Both doors make their users in the same domain.
                "domain_id": "default",
                "authorization_ttl": AUTHORIZATION_MINUTES,
            }
        }
        cloud.call("PUT", "keystone", provider, body)
    protocols = cloud.call("GET", "keystone", f"{provider}/protocols")["protocols"]
    if not any(one["id"] == PROTOCOL for one in protocols):
        body = {"protocol": {"mapping_id": MAPPING}}
        cloud.call("PUT", "keystone", f"{provider}/protocols/{PROTOCOL}", body)


def _ensure_image(cloud: Cloud) -> None:
    images = cloud.call("GET", "glance", f"/images?name={IMAGE}")["images"]
    if any(image["status"] == "active" for image in images):
        return
    body = {
        "name": IMAGE,
        "disk_format": "raw",
        "container_format": "bare",
        "visibility": "public",
    }
    image = images[0] if images else cloud.call("POST", "glance", "/images", body)
    cloud.upload(f"/images/{image['id']}/file", bytes(IMAGE_BYTES))


def _ensure_networks(cloud: Cloud) -> None:
    """One network to boot on, shared by all projects, behind a router."""
    networks = _ids(cloud, "neutron", "/networks", "networks")
    if "public" not in networks:
        networks["public"] = _create(
            cloud,
            "network",
            {
                "name": "public",
                "router:external": True,
                "provider:network_type": "flat",
                "provider:physical_network": "public",
            },
        )
    if "private" not in networks:
        networks["private"] = _create(
            cloud, "network", {"name": "private", "shared": True}
        )
    subnets = _ids(cloud, "neutron", "/subnets", "subnets")
    for name, cidr, dhcp in (
        ("public", "172.24.4.0/24", False),
        ("private", "10.0.0.0/20", True),
    ):
        if name not in subnets:
            subnets[name] = _create(
                cloud,
                "subnet",
                {
                    "name": name,
                    "network_id": networks[name],
                    "ip_version": 4,
                    "cidr": cidr,
                    "enable_dhcp": dhcp,
                },
            )
    if "router" not in _ids(cloud, "neutron", "/routers", "routers"):
        gateway = {"network_id": networks["public"]}
        router = _create(
            cloud, "router", {"name": "router", "external_gateway_info": gateway}
        )
        path = f"/routers/{router}/add_router_interface"
        cloud.call("PUT", "neutron", path, {"subnet_id": subnets["private"]})


def _create(cloud: Cloud, kind: str, values: dict[str, Any]) -> str:
    return cloud.call("POST", "neutron", f"/{kind}s", {kind: values})[kind]["id"]


def _ids(cloud: Cloud, service: str, path: str, key: str) -> dict[str, str]:
    """Return the ids of a collection by name."""
    return {one["name"]: one["id"] for one in cloud.call("GET", service, path)[key]}


def source() -> bytes:
    """Return the bytes that change when the lab's content does."""
    return Path(__file__).read_bytes()
