# SPDX-License-Identifier: Apache-2.0
"""The options of the OCCI interface, section [ooi] of nova.conf.

Owns: their names, bounds and help. Must never: read one at import. Read
first: OPTIONS.
"""

from typing import Any

from oslo_config import cfg

GROUP = "ooi"

OPTIONS = [
    cfg.StrOpt(
        "default_architecture",
        default="x64",
        choices=["x64", "x86", ""],
        help="Value of occi.compute.architecture for a machine whose image does "
        "not name its architecture (property hw_architecture). Empty: the "
        "attribute is left out. Change it on a site whose machines are not "
        "64-bit x86.",
    ),
    cfg.StrOpt(
        "region_name",
        default="",
        help="Region in which Glance, Neutron and Cinder are looked up in the "
        "catalog of the user's token. Empty: any region. Set it where the catalog "
        "has more than one.",
    ),
    cfg.StrOpt(
        "endpoint_interface",
        default="public",
        choices=["public", "internal"],
        help="Which endpoint of the other services is used. Set it to internal "
        "where the Nova API cannot reach the public addresses.",
    ),
    cfg.StrOpt(
        "cafile",
        default="",
        help="PEM file of the certificate authorities that the other services' "
        "TLS certificates are checked against. Empty: those of the Python library "
        "requests, which from pip are its own and not the system's.",
    ),
    cfg.IntOpt(
        "timeout_seconds",
        default=20,
        min=1,
        max=300,
        help="Seconds to wait for another service before the user is told (503) "
        "that it does not answer. Raise it only for a service that is known to "
        "be slow: a Nova API thread waits all that time.",
    ),
    cfg.IntOpt(
        "cache_seconds",
        default=20,
        min=0,
        max=3600,
        help="Seconds for which the templates of a site (flavors, images, pools, "
        "zones), as one user sees them in the query interface, are remembered in "
        "each process of the Nova API. 0: they are asked for every time. A new "
        "image may be missing from the query interface for so long; it can be "
        "used at once.",
    ),
    cfg.IntOpt(
        "wait_seconds",
        default=20,
        min=0,
        max=300,
        help="Seconds that a request waits for Nova where one step needs the end of "
        "another: the confirmation of a resize, and a floating IP for a new machine, "
        "which needs its port. A resize that takes longer is confirmed when the "
        "client asks for it again; a machine whose port takes longer is deleted. "
        "Raise it where machines are slow to start: a Nova API thread waits all "
        "that time.",
    ),
]


def register(conf: cfg.ConfigOpts) -> Any:
    """Return the section [ooi] of `conf`, its options registered."""
    conf.register_opts(OPTIONS, group=GROUP)
    return conf[GROUP]


def cache_seconds() -> int:
    """Return the option of that name, which the filter has registered."""
    return int(cfg.CONF[GROUP].cache_seconds)


def wait_seconds() -> int:
    """Return the option of that name, which the filter has registered."""
    return int(cfg.CONF[GROUP].wait_seconds)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return what oslo-config-generator shows of this package."""
    return [(GROUP, list(OPTIONS))]
