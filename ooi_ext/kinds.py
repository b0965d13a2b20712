# SPDX-License-Identifier: Apache-2.0
"""The core kinds and the compute family, as data.

Owns: what GFD.221 and GFD.224 section 3.1 and 3.5 define, and the OpenStack
extensions of it, with locations relative to the endpoint. Network and storage
have modules of their own, ooi_ext.catalog holds all of them. Must never: hold
behaviour; what a value means in OpenStack is translate's. Read first: COMPUTE.
"""

from ooi_ext.model import Action, Attribute, Kind, Mixin

CORE = "http://schemas.ogf.org/occi/core#"
INFRASTRUCTURE = "http://schemas.ogf.org/occi/infrastructure#"
COMPUTE_ACTION = "http://schemas.ogf.org/occi/infrastructure/compute/action#"

# The schemes of what a site offers: the same that ooi had, because users'
# scripts and the federation's image catalogue hold these identifiers.
OS_TEMPLATE = "http://schemas.openstack.org/template/os#"
RESOURCE_TEMPLATE = "http://schemas.openstack.org/template/resource#"
ZONE_TEMPLATE = "http://schemas.openstack.org/compute/availability_zone#"

# GFD.223 section 4 wants no location for entity, resource and link, but jOCCI
# refuses a kind without one.
ENTITY = Kind(
    scheme=CORE,
    term="entity",
    title="Entity",
    location="/entity/",
    attributes=(
        Attribute("occi.core.id", mutable=False),
        Attribute("occi.core.title"),
    ),
)

RESOURCE = Kind(
    scheme=CORE,
    term="resource",
    title="Resource",
    parent=ENTITY.identifier,
    location="/resource/",
    attributes=(Attribute("occi.core.summary"),),
)

LINK = Kind(
    scheme=CORE,
    term="link",
    title="Link",
    parent=ENTITY.identifier,
    location="/link/",
    attributes=(
        Attribute("occi.core.source", required=True),
        Attribute("occi.core.target", required=True),
    ),
)

START = Action(scheme=COMPUTE_ACTION, term="start", title="Start the machine")
STOP = Action(
    scheme=COMPUTE_ACTION,
    term="stop",
    title="Stop the machine",
    attributes=(Attribute("method", choices=("graceful", "acpioff", "poweroff")),),
)
RESTART = Action(
    scheme=COMPUTE_ACTION,
    term="restart",
    title="Restart the machine",
    attributes=(Attribute("method", choices=("graceful", "warm", "cold")),),
)
SUSPEND = Action(
    scheme=COMPUTE_ACTION,
    term="suspend",
    title="Suspend the machine",
    attributes=(Attribute("method", choices=("hibernate", "suspend")),),
)

SAVE = Action(
    scheme=COMPUTE_ACTION,
    term="save",
    title="Save the machine as a new OS template",
    attributes=(
        Attribute("method", choices=("hot", "deferred")),
        Attribute("name"),
    ),
)

COMPUTE = Kind(
    scheme=INFRASTRUCTURE,
    term="compute",
    title="Compute resource",
    parent=RESOURCE.identifier,
    location="/compute/",
    attributes=(
        Attribute("occi.compute.architecture", choices=("x86", "x64")),
        Attribute("occi.compute.cores", type="integer"),
        Attribute("occi.compute.hostname"),
        Attribute("occi.compute.memory", type="number"),
        Attribute("occi.compute.share", type="integer"),
        Attribute("occi.compute.state", mutable=False),
        Attribute("occi.compute.state.message", mutable=False),
    ),
    actions=tuple(a.identifier for a in (START, STOP, RESTART, SUSPEND, SAVE)),
)

OS_TPL = Mixin(
    scheme=INFRASTRUCTURE,
    term="os_tpl",
    title="OS template",
    location="/os_tpl/",
    applies=(COMPUTE.identifier,),
)
RESOURCE_TPL = Mixin(
    scheme=INFRASTRUCTURE,
    term="resource_tpl",
    title="Resource template",
    location="/resource_tpl/",
    applies=(COMPUTE.identifier,),
)

AVAILABILITY_ZONE = Mixin(
    scheme=INFRASTRUCTURE,
    term="availability_zone",
    title="Availability zone",
    location="/availability_zone/",
    applies=(COMPUTE.identifier,),
)

# Context in the form of OpenStack sites before OCCI 1.2 ...
PUBLIC_KEY = Mixin(
    scheme="http://schemas.openstack.org/instance/credentials#",
    term="public_key",
    title="Contextualization: public key",
    location="/public_key/",
    applies=(COMPUTE.identifier,),
    attributes=(
        Attribute("org.openstack.credentials.publickey.name"),
        Attribute("org.openstack.credentials.publickey.data"),
    ),
)
USER_DATA = Mixin(
    scheme="http://schemas.openstack.org/compute/instance#",
    term="user_data",
    title="Contextualization: user data in base64",
    location="/user_data/",
    applies=(COMPUTE.identifier,),
    attributes=(Attribute("org.openstack.compute.user_data", required=True),),
)
# ... and in the form of OCCI 1.2 (GFD.224 section 3.5.3).
SSH_KEY = Mixin(
    scheme="http://schemas.ogf.org/occi/infrastructure/credentials#",
    term="ssh_key",
    title="Credentials: SSH public key",
    location="/ssh_key/",
    applies=(COMPUTE.identifier,),
    attributes=(Attribute("occi.credentials.ssh.publickey", required=True),),
)
OCCI_USER_DATA = Mixin(
    scheme="http://schemas.ogf.org/occi/infrastructure/compute#",
    term="user_data",
    title="Contextualization: user data in base64 (OCCI 1.2)",
    location="/occi_user_data/",
    applies=(COMPUTE.identifier,),
    attributes=(Attribute("occi.compute.userdata", required=True),),
)

# What GET /-/ shows before the templates of the site.
ADVERTISED: tuple[Kind | Mixin | Action, ...] = (
    ENTITY,
    RESOURCE,
    LINK,
    COMPUTE,
    START,
    STOP,
    RESTART,
    SUSPEND,
    SAVE,
    OS_TPL,
    RESOURCE_TPL,
    AVAILABILITY_ZONE,
    PUBLIC_KEY,
    USER_DATA,
    SSH_KEY,
    OCCI_USER_DATA,
)

# Mixins of which every site has its own: scheme -> the mixin they depend on.
TEMPLATES = {
    OS_TEMPLATE: OS_TPL,
    RESOURCE_TEMPLATE: RESOURCE_TPL,
    ZONE_TEMPLATE: AVAILABILITY_ZONE,
}
