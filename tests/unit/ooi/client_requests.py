# SPDX-License-Identifier: Apache-2.0
"""The create requests of the federation's clients, byte for byte.

Owns: headers, line order and syntax of rOCCI-cli, IM and the Nagios probe;
the unit tests and the tests against the lab send the same. Must never: be
tidied up; what looks wrong here is what they send. Read first: Client.
"""

from dataclasses import dataclass

SCHEMA = "http://schemas.ogf.org/occi"
INFRA = f"{SCHEMA}/infrastructure#"
OS = "http://schemas.openstack.org/template/os#"
SIZE = "http://schemas.openstack.org/template/resource#"
PUBLIC_KEY = "http://schemas.openstack.org/instance/credentials#"
USER_DATA = "http://schemas.openstack.org/compute/instance#"
KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPNCoCLEEiWsyTZ3Oxa2gn5HjVKVFB5Xeqn0GhDrVQ5q "
    "alice@example.org"
)
SCRIPT = "IyEvYmluL3NoCmVjaG8gaGVsbG8K"


@dataclass(frozen=True, kw_only=True)
class Client:
    """One client: `create` holds IMAGE and FLAVOR in the place of the terms."""

    headers: dict[str, str]
    create: str

    def body(self, image: str, flavor: str) -> bytes:
        return self.create.replace("IMAGE", image).replace("FLAVOR", flavor).encode()


ROCCI = Client(
    headers={
        "Accept": "text/plain,text/occi",
        "Content-Type": "text/plain,text/occi",
        "User-Agent": "rOCCI-core/4.3.6 rOCCI-api/4.3.14 OCCI/1.1 ruby-2.3",
    },
    # Strings by Ruby's inspect, no line feed at the end.
    create=f"""\
Category: compute;scheme="{INFRA}";class="kind"
Category: IMAGE;scheme="{OS}";class="mixin"
Category: FLAVOR;scheme="{SIZE}";class="mixin"
Category: public_key;scheme="{PUBLIC_KEY}";class="mixin"
Category: user_data;scheme="{USER_DATA}";class="mixin"
X-OCCI-Attribute: occi.core.id="2b3fd0c6-52a8-4b7a-8d35-3c5bb8d1c1ff"
X-OCCI-Attribute: occi.core.title="a \\"small\\" VM"
X-OCCI-Attribute: occi.compute.hostname="vm"
X-OCCI-Attribute: org.openstack.credentials.publickey.data="{KEY}\\n"
X-OCCI-Attribute: org.openstack.compute.user_data="{SCRIPT}\"""",
)


def rocci_link(network: str) -> bytes:
    """Return the line that rOCCI adds for --link NETWORK at a create."""
    own = "7d0c1b8e-7e0f-4f9c-b8f8-5e5d0b1c7c11"
    return (
        f'\nLink: </network/{network}>;rel="{INFRA}network";'
        f'self="/link/networkinterface/{own}";'
        f'category="{INFRA}networkinterface";occi.core.id="{own}";'
        f'occi.core.target="/network/{network}";'
        'occi.core.source="/compute/2b3fd0c6-52a8-4b7a-8d35-3c5bb8d1c1ff"'
    ).encode()


def rocci_action(name: str, /, **attributes: str) -> bytes:
    """Return the body of rOCCI's and IM's POST ?action=NAME."""
    scheme = f"{SCHEMA}/infrastructure/compute/action#"
    lines = [f'Category: {name};scheme="{scheme}";class="action"']
    lines += [f'X-OCCI-Attribute: {k}="{v}"' for k, v in attributes.items()]
    return "\n".join(lines).encode()


def rocci_update(offered: str, term: str) -> bytes:
    """Return the body of rOCCI's update: a mixin as the query interface shows it."""
    (line,) = (x for x in offered.split("\n") if x.startswith(f"Category: {term};"))
    return line.replace("; ", ";").encode()


def im_volume(storage: str, prefix: str) -> bytes:
    """Return the line that IM adds for a volume at a create, P being the prefix."""
    own = "im-7d0c1b8e"
    return (
        f'Link: <{prefix}/storage/{storage}>; rel="{INFRA}storage"; '
        f'self="/storagelink/{own}"; category="{INFRA}storagelink"; '
        f'occi.core.target="{prefix}/storage/{storage}"; '
        f'occi.core.source="{prefix}/compute/im-2b3fd0c6"; occi.core.id="{own}"; '
        'occi.storagelink.deviceid="/dev/vdb"\n'
    ).encode()


IM = Client(
    headers={
        "Accept": "text/plain",
        "Content-Type": "text/plain,text/occi",
        "Connection": "close",
    },
    create=f"""\
Category: compute; scheme="{INFRA}"; class="kind"
Category: IMAGE; scheme="{OS}"; class="mixin"
Category: user_data; scheme="{USER_DATA}"; class="mixin"
Category: public_key; scheme="{PUBLIC_KEY}"; class="mixin"
Category: FLAVOR; scheme="{SIZE}"; class="mixin"
X-OCCI-Attribute: occi.core.id="im-2b3fd0c6"
X-OCCI-Attribute: occi.core.title="node-1"
X-OCCI-Attribute: occi.compute.hostname="node-1"
X-OCCI-Attribute: org.openstack.compute.user_data="{SCRIPT}"
X-OCCI-Attribute: org.openstack.credentials.publickey.data="{KEY}"
""",
)

PROBE = Client(
    headers=ROCCI.headers,
    create=f"""\
Category: compute;scheme="{INFRA}";class="kind"
Category: IMAGE;scheme="{OS}";class="mixin"
Category: FLAVOR;scheme="{SIZE}";class="mixin"
X-OCCI-Attribute: occi.core.title="occi-probe"
X-OCCI-Attribute: occi.compute.hostname="occi-probe\"""",
)

JOCCI = Client(
    headers={"Accept": "text/plain", "Content-Type": "text/plain"},
    create=f"""\
Category: compute;scheme="{INFRA}";class="kind";title="Compute resource"
Category: IMAGE;scheme="{OS}";class="mixin"
Category: FLAVOR;scheme="{SIZE}";class="mixin"
X-OCCI-Attribute: occi.core.title="jocci"
X-OCCI-Attribute: occi.compute.hostname="jocci"
""",
)
