# SPDX-License-Identifier: Apache-2.0
"""The storage family, as data: storage, its actions, and storagelink.

Owns: what GFD.224 sections 3.3 and 3.4.2 define, and of GFD.184, its
predecessor, the actions that a volume can have. Must never: hold behaviour;
what a value means in Cinder is translate_storage's. Read first: STORAGE.
"""

from ooi_ext.kinds import INFRASTRUCTURE, LINK, RESOURCE
from ooi_ext.model import Action, Attribute, Kind, Mixin

STORAGE_ACTION = "http://schemas.ogf.org/occi/infrastructure/storage/action#"

ONLINE = Action(scheme=STORAGE_ACTION, term="online", title="Set storage online")
OFFLINE = Action(scheme=STORAGE_ACTION, term="offline", title="Set storage offline")
# OCCI 1.2 has these two no more; clients of 1.1 know them. The third of that
# sort, backup, is not offered: it needs a service that many sites do not run.
SNAPSHOT = Action(scheme=STORAGE_ACTION, term="snapshot", title="Take a snapshot")
RESIZE = Action(
    scheme=STORAGE_ACTION,
    term="resize",
    title="Make the storage larger",
    attributes=(Attribute("size", type="number", required=True),),
)

STORAGE = Kind(
    scheme=INFRASTRUCTURE,
    term="storage",
    title="Storage resource",
    parent=RESOURCE.identifier,
    location="/storage/",
    attributes=(
        Attribute("occi.storage.size", type="number", required=True),
        Attribute("occi.storage.state", mutable=False),
        Attribute("occi.storage.state.message", mutable=False),
    ),
    actions=tuple(a.identifier for a in (ONLINE, OFFLINE, SNAPSHOT, RESIZE)),
)

STORAGE_LINK = Kind(
    scheme=INFRASTRUCTURE,
    term="storagelink",
    title="Storage link",
    parent=LINK.identifier,
    location="/storagelink/",
    attributes=(
        Attribute("occi.storagelink.deviceid"),
        # The guest mounts; nobody outside of it can, or knows where it did.
        Attribute("occi.storagelink.mountpoint", mutable=False),
        Attribute("occi.storagelink.state", mutable=False),
        Attribute("occi.storagelink.state.message", mutable=False),
    ),
)

ADVERTISED: tuple[Kind | Mixin | Action, ...] = (
    STORAGE,
    ONLINE,
    OFFLINE,
    SNAPSHOT,
    RESIZE,
    STORAGE_LINK,
)
