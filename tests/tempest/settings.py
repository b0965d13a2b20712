# SPDX-License-Identifier: Apache-2.0
"""The tempest.conf of a lab.

Owns: what Tempest is told about a lab, and where the facts come from. Must never:
promise Tempest what the lab's fake drivers cannot do. Read first: sections.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.cloud import Cloud
from tests.lab.lab import Lab

SMALL, LARGER = "m1.nano", "m1.tiny"
IMAGE, NETWORK, OUTSIDE = "cirros", "private", "public"
# No proxy of the VO dteam may enter it, and it is there.
FOREIGN_PROJECT = "fedcloud.egi.eu"

Sections = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The ids of a lab's content."""

    image: str
    flavor: str
    larger_flavor: str
    network: str
    outside_network: str
    admin_password: str


def facts(lab: Lab, admin_password: str) -> Facts:
    """Return the ids that the lab's APIs give; KeyError for what it lacks."""
    with Cloud(lab.settings, admin_password) as cloud:

        def ids(service: str, kind: str) -> dict[str, str]:
            found = cloud.call("GET", service, f"/{kind}")[kind]
            return {one["name"]: one["id"] for one in found}

        flavors, networks = ids("nova", "flavors"), ids("neutron", "networks")
        return Facts(
            image=ids("glance", "images")[IMAGE],
            flavor=flavors[SMALL],
            larger_flavor=flavors[LARGER],
            network=networks[NETWORK],
            outside_network=networks[OUTSIDE],
            admin_password=admin_password,
        )


def sections(
    found: Facts, environ: Mapping[str, str], *, isolation: str, folder: Path
) -> Sections:
    """Return the sections of tempest.conf for a lab.

    `environ` is a client's, as clients.env exports it; `folder` is Tempest's own.
    """
    proxies = Path(environ["LAB_PROXIES"])
    return {
        "DEFAULT": {"log_file": str(folder / "tempest.log")},
        "oslo_concurrency": {"lock_path": str(folder / "lock")},
        "auth": {
            "use_dynamic_credentials": "true",
            "admin_username": "admin",
            "admin_password": found.admin_password,
            "admin_project_name": "admin",
            "admin_domain_name": "Default",
        },
        "identity": {
            "uri_v3": environ["OS_AUTH_URL"],
            "auth_version": "v3",
            "region": "RegionOne",
            "ca_certificates_file": environ["OS_CACERT"],
        },
        "identity-feature-enabled": {"api_v2": "false"},
        "compute": {
            "image_ref": found.image,
            "image_ref_alt": found.image,
            "flavor_ref": found.flavor,
            "flavor_ref_alt": found.larger_flavor,
            "fixed_network_name": NETWORK,
            "hypervisor_type": "fake",
            "max_microversion": "latest",
            "build_interval": "1",
            "build_timeout": "120",
        },
        "compute-feature-enabled": {
            "console_output": "true",
            "live_migration": "false",
            "resize": "true",
            "vnc_console": "false",
        },
        "network": {
            "public_network_id": found.outside_network,
            "floating_network_name": OUTSIDE,
            "project_network_cidr": "10.100.0.0/16",
        },
        # The machines of the fake hypervisor cannot be reached.
        "validation": {"run_validation": "false", "connect_method": "fixed"},
        "volume": {"catalog_type": "block-storage", "build_interval": "1"},
        "service_available": {
            "cinder": "true",
            "glance": "true",
            "horizon": "false",
            "neutron": "true",
            "nova": "true",
            "swift": "false",
        },
        "fedcloud": {
            "user_proxy": str(proxies / "alice.pem"),
            "other_user_proxy": str(proxies / "bob.pem"),
            "unmapped_proxy": str(proxies / "dave.pem"),
            "plain_proxy": str(proxies / "frank.pem"),
            "expired_proxy": str(proxies / "expired.pem"),
            "project": environ["OS_PROJECT_NAME"],
            "project_domain": environ["OS_PROJECT_DOMAIN_NAME"],
            "foreign_project": FOREIGN_PROJECT,
            "occi_endpoint": environ["OCCI_ENDPOINT"],
            "isolation": isolation,
            "network": found.network,
        },
    }


def render(values: Sections) -> str:
    """Return the text of a configuration file."""
    blocks = (
        "\n".join((f"[{name}]", *(f"{key} = {text}" for key, text in lines.items())))
        for name, lines in values.items()
    )
    return "\n\n".join(blocks) + "\n"
