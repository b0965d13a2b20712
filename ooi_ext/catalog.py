# SPDX-License-Identifier: Apache-2.0
"""All kinds, mixins and actions of this service, by identifier and in order.

Owns: the merge of the modules that define them, and what follows from all of
them together: ancestors, attributes, the targets of links. Must never: hold
behaviour, or a definition of its own. Read first: ADVERTISED.
"""

from collections.abc import Iterable, Mapping

from ooi_ext import kinds, kinds_network, kinds_storage
from ooi_ext.model import Action, Attribute, Kind, Mixin

# What GET /-/ shows before the templates of the site.
ADVERTISED: tuple[Kind | Mixin | Action, ...] = (
    *kinds.ADVERTISED,
    *kinds_network.ADVERTISED,
    *kinds_storage.ADVERTISED,
)

KINDS: Mapping[str, Kind] = {c.identifier: c for c in ADVERTISED if isinstance(c, Kind)}
MIXINS: Mapping[str, Mixin] = {
    c.identifier: c for c in ADVERTISED if isinstance(c, Mixin)
}
ACTIONS: Mapping[str, Action] = {
    c.identifier: c for c in ADVERTISED if isinstance(c, Action)
}

# Mixins of which every site has its own: scheme -> the mixin they depend on.
TEMPLATES: Mapping[str, Mixin] = {
    **kinds.TEMPLATES,
    **kinds_network.TEMPLATES,
}

# Where a link of each kind may lead; the first is what its rel names.
TARGETS: Mapping[str, tuple[Kind, ...]] = {
    kinds_network.NETWORK_INTERFACE.identifier: (
        kinds_network.NETWORK,
        kinds_network.IP_RESERVATION,
    ),
    kinds_storage.STORAGE_LINK.identifier: (kinds_storage.STORAGE,),
    kinds_network.SECURITY_GROUP_LINK.identifier: (kinds_network.SECURITY_GROUP,),
}


def ancestors(kind: Kind) -> tuple[Kind, ...]:
    """Return `kind`, its parent, and so on up to entity."""
    found = [kind]
    while found[-1].parent:
        found.append(KINDS[found[-1].parent])
    return tuple(found)


def attributes(kind: Kind, mixins: Iterable[Mixin] = ()) -> tuple[Attribute, ...]:
    """Return what an entity of `kind` with `mixins` may have."""
    return tuple(a for c in (*ancestors(kind), *mixins) for a in c.attributes)
