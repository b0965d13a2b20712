# SPDX-License-Identifier: Apache-2.0
"""The shell files that make a client talk to the lab.

Owns clients.env, admin.env and the list of variables that would get in their
way. It must never leave half of another cloud's credentials in force. Read
variables and render.
"""

import shlex
from collections.abc import Mapping

from tests.lab.settings import OCCI, Settings

# What a shell may still hold from another cloud. Each of these either beats
# the variables below or makes a client refuse the combination.
CONFLICTS = (
    "OS_APPLICATION_CREDENTIAL_ID",
    "OS_APPLICATION_CREDENTIAL_NAME",
    "OS_APPLICATION_CREDENTIAL_SECRET",
    "OS_AUTH_METHODS",
    "OS_CERT",
    "OS_CLIENT_CONFIG_FILE",
    "OS_CLOUD",
    "OS_DEFAULT_DOMAIN_ID",
    "OS_DEFAULT_DOMAIN_NAME",
    "OS_DOMAIN_ID",
    "OS_DOMAIN_NAME",
    "OS_ENDPOINT",
    "OS_ENDPOINT_OVERRIDE",
    "OS_ENDPOINT_TYPE",
    "OS_IDENTITY_PROVIDER",
    "OS_INTERFACE",
    "OS_KEY",
    "OS_PASSWORD",
    "OS_PROJECT_DOMAIN_ID",
    "OS_PROJECT_ID",
    "OS_PROTOCOL",
    "OS_REGION_NAME",
    "OS_SYSTEM_SCOPE",
    "OS_TENANT_ID",
    "OS_TENANT_NAME",
    "OS_TOKEN",
    "OS_TRUST_ID",
    "OS_URL",
    "OS_USER_DOMAIN_ID",
    "OS_USER_DOMAIN_NAME",
    "OS_USER_ID",
    "OS_USERNAME",
    "OS_X509_USER_PROXY",
    "X509_USER_PROXY",
    # requests and curl would trust these and not the lab's own CA.
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
)
LOOPBACK = "127.0.0.1,localhost"


def variables(settings: Settings) -> dict[str, str]:
    """Return what clients.env exports: alice's login and the places of the lab."""
    grid = settings.grid
    return {
        **_where(settings),
        "OS_AUTH_TYPE": "v3voms",
        "OS_X509_USER_PROXY": str(grid / "proxies/alice.pem"),
        "OS_PROJECT_NAME": "dteam",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_ADMIN_AUTH_FILE": str(settings.root / "admin.env"),
        "OCCI_ENDPOINT": f"{settings.url(_occi_service(settings))}/occi1.1",
        "LAB_ROOT": str(settings.root),
        "LAB_PORT_BASE": str(settings.port_base),
        "LAB_KEYSTONE_WORKERS": str(settings.keystone_workers),
        "LAB_VOMS_DELEGATION": str(int(settings.voms_delegation)),
        "LAB_PROXIES": str(grid / "proxies"),
        "LAB_VOMSDIR": str(grid / "vomsdir"),
        "LAB_CADIR": str(grid / "certificates"),
        "LAB_GRID_KEYS": str(grid / "keys"),
        "LAB_GRID": str(grid),
        "LAB_LOGS": str(settings.logs),
        "LAB_KEYSTONE_CONFIG_DIR": str(settings.etc),
        "no_proxy": LOOPBACK,
        "NO_PROXY": LOOPBACK,
    }


def _occi_service(settings: Settings) -> str:
    return OCCI if settings.is_production else "nova"


def admin_variables(settings: Settings, password: str) -> dict[str, str]:
    """Return what admin.env exports: the admin's login by password."""
    return {
        **_where(settings),
        "OS_AUTH_TYPE": "password",
        "OS_USERNAME": "admin",
        "OS_PASSWORD": password,
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_NAME": "admin",
        "OS_PROJECT_DOMAIN_NAME": "Default",
    }


def render(title: str, exports: Mapping[str, str]) -> str:
    """Return a shell file that clears the conflicts, then exports the variables."""
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        f"# {title} Made by the lab at each start.",
    ]
    lines += [f"unset {name}" for name in CONFLICTS if name not in exports]
    lines += [f"export {name}={shlex.quote(text)}" for name, text in exports.items()]
    return "\n".join(lines) + "\n"


def parse(text: str) -> dict[str, str]:
    """Return the variables that a file of `render` exports."""
    found = {}
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if len(words) == 2 and words[0] == "export":
            name, _, value = words[1].partition("=")
            found[name] = value
    return found


def environ_for(base: Mapping[str, str], exports: Mapping[str, str]) -> dict[str, str]:
    """Return a process environment as if a shell with `base` had read the file."""
    kept = {name: text for name, text in base.items() if name not in CONFLICTS}
    return {**kept, **exports}


def _where(settings: Settings) -> dict[str, str]:
    return {
        "OS_AUTH_URL": f"{settings.url('keystone')}/v3",
        "OS_CACERT": str(settings.ca_file),
        "OS_IDENTITY_API_VERSION": "3",
    }
