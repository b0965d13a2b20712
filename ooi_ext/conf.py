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
        help="Region in which the other services (Glance) are looked up in the "
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
        "TLS certificates are checked against. Empty: those of the system.",
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
]


def register(conf: cfg.ConfigOpts) -> Any:
    """Return the section [ooi] of `conf`, its options registered."""
    conf.register_opts(OPTIONS, group=GROUP)
    return conf[GROUP]


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return what oslo-config-generator shows of this package."""
    return [(GROUP, list(OPTIONS))]
