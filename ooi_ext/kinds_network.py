# SPDX-License-Identifier: Apache-2.0
"""The kinds, mixins and actions of networks and what hangs on them, as data.

Owns: network, networkinterface and their IP mixins (GFD.224 sections 3.2 and
3.4.1), ipreservation, securitygroup and securitygrouplink as rOCCI defined
them, and OpenStack's floating IP pools. Must never: hold behaviour.
Read first: NETWORK, then ADVERTISED.
"""

from ooi_ext.kinds import INFRASTRUCTURE, LINK, RESOURCE
from ooi_ext.model import Action, Attribute, Kind, Mixin

NETWORK_ACTION = "http://schemas.ogf.org/occi/infrastructure/network/action#"

# One mixin for each pool stands under this scheme. Its base stands under
# another one: IM takes every line that holds this one for a pool.
FLOATING_IP_POOLS = "http://schemas.openstack.org/network/floatingippool#"

_STATES = ("active", "inactive", "error")
_ALLOCATIONS = ("dynamic", "static")

UP = Action(scheme=NETWORK_ACTION, term="up", title="Switch the network on")
DOWN = Action(scheme=NETWORK_ACTION, term="down", title="Switch the network off")

NETWORK = Kind(
    scheme=INFRASTRUCTURE,
    term="network",
    title="Network resource",
    parent=RESOURCE.identifier,
    location="/network/",
    attributes=(
        Attribute("occi.network.vlan", type="integer"),
        Attribute("occi.network.label"),
        Attribute("occi.network.state", mutable=False, choices=_STATES),
        Attribute("occi.network.state.message", mutable=False),
    ),
    actions=(UP.identifier, DOWN.identifier),
)

IP_NETWORK = Mixin(
    scheme="http://schemas.ogf.org/occi/infrastructure/network#",
    term="ipnetwork",
    title="IP network",
    location="/ipnetwork/",
    applies=(NETWORK.identifier,),
    attributes=(
        Attribute("occi.network.address"),
        Attribute("occi.network.gateway"),
        Attribute("occi.network.allocation", choices=_ALLOCATIONS),
    ),
)

OS_NETWORK = Mixin(
    scheme="http://schemas.openstack.org/infrastructure/network#",
    term="osnetwork",
    title="OpenStack network",
    location="/osnetwork/",
    applies=(NETWORK.identifier,),
    attributes=(Attribute("org.openstack.network.ip_version", type="integer"),),
)

NETWORK_INTERFACE = Kind(
    scheme=INFRASTRUCTURE,
    term="networkinterface",
    title="Network interface",
    parent=LINK.identifier,
    location="/networkinterface/",
    attributes=(
        Attribute("occi.networkinterface.interface", mutable=False),
        Attribute("occi.networkinterface.mac"),
        Attribute("occi.networkinterface.state", mutable=False, choices=_STATES),
        Attribute("occi.networkinterface.state.message", mutable=False),
    ),
)

IP_NETWORK_INTERFACE = Mixin(
    scheme="http://schemas.ogf.org/occi/infrastructure/networkinterface#",
    term="ipnetworkinterface",
    title="IP network interface",
    location="/ipnetworkinterface/",
    applies=(NETWORK_INTERFACE.identifier,),
    attributes=(
        Attribute("occi.networkinterface.address"),
        Attribute("occi.networkinterface.gateway"),
        Attribute("occi.networkinterface.allocation", choices=_ALLOCATIONS),
    ),
)

# A public address that is kept, whether a machine uses it or not.
IP_RESERVATION = Kind(
    scheme=INFRASTRUCTURE,
    term="ipreservation",
    title="IP reservation",
    parent=NETWORK.identifier,
    location="/ipreservation/",
    attributes=(
        Attribute("occi.ipreservation.address"),
        Attribute("occi.ipreservation.used", type="boolean", mutable=False),
        Attribute("occi.ipreservation.state", mutable=False, choices=_STATES),
    ),
)

FLOATING_IP_POOL = Mixin(
    scheme="http://schemas.openstack.org/network#",
    term="floatingippool",
    title="Floating IP pool",
    location="/floatingippool/",
    applies=(NETWORK_INTERFACE.identifier, IP_RESERVATION.identifier),
)

SECURITY_GROUP = Kind(
    scheme=INFRASTRUCTURE,
    term="securitygroup",
    title="Security group",
    parent=RESOURCE.identifier,
    location="/securitygroup/",
    attributes=(
        # A JSON list in the text of a string, as rOCCI writes and reads it.
        Attribute("occi.securitygroup.rules"),
        Attribute("occi.securitygroup.state", mutable=False, choices=_STATES),
    ),
)

SECURITY_GROUP_LINK = Kind(
    scheme=INFRASTRUCTURE,
    term="securitygrouplink",
    title="Security group link",
    parent=LINK.identifier,
    location="/securitygrouplink/",
    attributes=(
        Attribute("occi.securitygrouplink.state", mutable=False, choices=_STATES),
    ),
)

# What GET /-/ shows before the pools of the site.
ADVERTISED: tuple[Kind | Mixin | Action, ...] = (
    NETWORK,
    UP,
    DOWN,
    IP_NETWORK,
    OS_NETWORK,
    NETWORK_INTERFACE,
    IP_NETWORK_INTERFACE,
    IP_RESERVATION,
    FLOATING_IP_POOL,
    SECURITY_GROUP,
    SECURITY_GROUP_LINK,
)

# Mixins of which every site has its own: scheme -> the mixin they depend on.
TEMPLATES = {FLOATING_IP_POOLS: FLOATING_IP_POOL}
