# SPDX-License-Identifier: Apache-2.0
"""The ``[voms]`` section of keystone.conf.

Owns the options, their bounds and their defaults. It must never read a file
or keep a value: callers ask ``CONF.voms`` at the moment they need it, so that
a reload of the configuration is seen. Read ``OPTS`` first.
"""

from __future__ import annotations

from typing import Any

from oslo_config import cfg

GROUP = "voms"

OPTS = (
    cfg.StrOpt(
        "voms_policy",
        default="/etc/keystone/voms.json",
        help="The JSON file that maps VOs and FQANs to projects and roles. It is "
        "read again when it changes.",
    ),
    cfg.StrOpt(
        "ca_path",
        default="/etc/grid-security/certificates",
        help="The directory with the certificates, CRLs, namespaces and "
        "signing_policy files of the accepted certification authorities, as "
        "IGTF ships it. Trust comes from here and from nowhere else.",
    ),
    cfg.StrOpt(
        "vomsdir_path",
        default="/etc/grid-security/vomsdir",
        help="The directory with one sub-directory for each accepted VO, which "
        "holds the LSC files of its VOMS servers.",
    ),
    cfg.StrOpt(
        "crl_policy",
        default="require",
        choices=[
            ("require", "every issuer must have a CRL that is in date"),
            ("if_present", "a missing CRL is accepted, a stale one is not"),
            ("off", "revocation is not checked; only for tests without CRLs"),
        ],
        help="How much a missing certificate revocation list matters. Keep "
        "'require' wherever fetch-crl runs.",
    ),
    cfg.BoolOpt(
        "allow_limited",
        default=False,
        help="Accept limited proxies. Sites that let batch jobs start machines "
        "need it; a limited proxy is meant for moving data only.",
    ),
    cfg.BoolOpt(
        "allow_legacy_proxies",
        default=False,
        help="Accept proxies of the kinds from before RFC 3820, which very old "
        "tools make. Nothing marks them as proxies but their name, so leave it "
        "off unless such a tool cannot be replaced.",
    ),
    cfg.ListOpt(
        "trusted_header_peers",
        default=[],
        help="The addresses of TLS terminators whose Client-Cert headers (RFC "
        "9440) are believed; 'unix' for a unix socket. Every other peer could "
        "write these headers itself, so empty, which reads none, is right "
        "wherever the TLS server passes certificates by another way.",
    ),
    cfg.IntOpt(
        "max_proxies",
        default=16,
        min=1,
        max=16,
        help="The longest accepted chain of proxies, counted without the user's "
        "own certificate.",
    ),
    cfg.IntOpt(
        "clock_skew",
        default=300,
        min=0,
        max=3600,
        help="Seconds by which a proxy, an attribute certificate or a CRL may "
        "begin in the future. It never helps one that is over.",
    ),
    cfg.ListOpt(
        "hostnames",
        default=[],
        help="The names of this host that an attribute certificate may be "
        "targeted at. Empty means the fully qualified name of the host.",
    ),
    cfg.IntOpt(
        "cache_size",
        default=1000,
        min=0,
        max=100000,
        help="How many verified credentials each process remembers, so that the "
        "same proxy costs a look-up when it comes again. One that is over, or "
        "that a changed CRL, CA, LSC or policy file could concern, is verified "
        "anew. 0 means none; some 10 kB of memory go with each.",
    ),
    cfg.IntOpt(
        "min_lifetime",
        default=60,
        min=0,
        max=86400,
        help="Seconds that a credential must still be valid for. With less, the "
        "login is refused, for its token would be dead on arrival.",
    ),
    cfg.BoolOpt(
        "autocreate_users",
        default=False,
        help="Create a user at its first login. When off, users are created by "
        "the operator, with the DN as the name.",
    ),
    cfg.BoolOpt(
        "add_roles",
        default=False,
        help="Give the user the roles that the mapping names, through groups "
        "whose membership expires. When off, roles are the operator's to grant.",
    ),
    cfg.ListOpt(
        "user_roles",
        default=["member"],
        help="The roles for entries of the mapping that name none. They must "
        "exist; none is ever created.",
    ),
    cfg.StrOpt(
        "withdraw",
        default="sync",
        choices=[
            ("sync", "a login ends the rights in its VOs that its proxy lacks"),
            ("keep", "rights last until their membership expires"),
        ],
        help="What becomes of rights that an earlier proxy earned and this one "
        "does not. With 'sync', application credentials, trusts and EC2 "
        "credentials that the user made under them are deleted, and the user's "
        "older tokens revoked.",
    ),
    cfg.BoolOpt(
        "honour_other_grants",
        default=False,
        help="Let tokens of VOMS logins reach projects by grants that an operator "
        "made as well. When off, they reach what their proxy earned, and nothing "
        "more.",
    ),
    cfg.BoolOpt(
        "enable_pusp",
        default=False,
        help="Take the users of robot certificates apart by per-user sub-proxies: "
        "the first proxy of a robot, named CN=user:NAME or CN=eToken:NAME, becomes "
        "part of the DN.",
    ),
    cfg.StrOpt(
        "user_domain",
        default="default",
        help="Id or name of the domain that VOMS users and their groups live in. "
        "Its users must be stored in SQL: an LDAP directory is read-only.",
    ),
    cfg.StrOpt(
        "project_domain",
        default="default",
        help="Id or name of the domain of the mapped projects, for entries of "
        "the mapping that name none.",
    ),
    cfg.StrOpt(
        "identity_provider",
        default="egi.eu",
        help="The identity provider that users are linked to. It must exist and "
        "have an authorization_ttl, which bounds how long a right outlives the "
        "last login. Clients hard-code the default.",
    ),
    cfg.StrOpt(
        "protocol",
        default="mapped",
        help="The protocol of that identity provider. Clients hard-code the default.",
    ),
    cfg.BoolOpt(
        "v2_enabled",
        default=True,
        help="Serve the logins of v2.0 clients with a VOMS proxy, and nothing else "
        "of v2.0, where the filter voms_v2 is in the pipeline.",
    ),
    cfg.BoolOpt(
        "v2_advertise",
        default=False,
        help="Name v2.0 among the versions that GET / lists. Some clients try it "
        "first then.",
    ),
    cfg.StrOpt(
        "vomsapi_lib",
        deprecated_for_removal=True,
        deprecated_reason="Proxies are validated without that library.",
        help="Ignored.",
    ),
)


def register(conf: Any) -> None:
    """Register the options on an oslo.config object; may be called repeatedly."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    """Return the options for oslo-config-generator and oslo-config-validator."""
    return [(GROUP, list(OPTS))]
