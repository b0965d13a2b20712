# SPDX-License-Identifier: Apache-2.0
"""The ``[fedcloud]`` section of tempest.conf.

Owns: the options, their bounds and their defaults. Must never: read a file or keep a
value; the tests ask CONF when they run. Read first: OPTS.
"""

from typing import Any

from oslo_config import cfg

GROUP = cfg.OptGroup(
    name="fedcloud",
    title="VOMS logins, OCCI and isolation of a federated cloud",
)

OFF = "off"
SHARED_PROJECT = "shared-project"
PROJECT_PER_USER = "project-per-user"

OPTS = (
    cfg.StrOpt(
        "auth_url",
        default="",
        help="The https URL of Keystone's v3 API that takes client certificates, "
        "such as https://keystone.example.org:5000/v3. Empty means [identity] "
        "uri_v3.",
    ),
    cfg.StrOpt(
        "ca_file",
        default="",
        help="The PEM file of the CAs that the servers' certificates are checked "
        "by; the check is never off. Empty means [identity] ca_certificates_file, "
        "and without that one the system's.",
    ),
    cfg.StrOpt(
        "user_proxy",
        default="",
        help="The proxy file of a user of the VO: certificate, private key and chain "
        "in one PEM file. It is needed, and has to last as long as the tests do.",
    ),
    cfg.StrOpt(
        "other_user_proxy",
        default="",
        help="The proxy file of another user of the same VO, who must not reach the "
        "first one's machines. It is needed.",
    ),
    cfg.StrOpt(
        "unmapped_proxy",
        default="",
        help="A good proxy of a VO that the site gives no rights to. Empty leaves "
        "its refusals out.",
    ),
    cfg.StrOpt(
        "plain_proxy",
        default="",
        help="A good proxy without a VOMS attribute certificate. Empty leaves its "
        "refusals out.",
    ),
    cfg.StrOpt(
        "expired_proxy",
        default="",
        help="A proxy that was good once and is over. Empty leaves its refusals out.",
    ),
    cfg.StrOpt(
        "project",
        default="",
        help="The name of the project that the site's mapping gives to the VO. Where "
        "each user has a project it is the one above them.",
    ),
    cfg.StrOpt(
        "project_domain",
        default="Default",
        help="The name of the domain of the projects.",
    ),
    cfg.StrOpt(
        "foreign_project",
        default="",
        help="The name of a project in the same domain that exists and that the VO "
        "has no rights to. Empty leaves the login that asks for it out.",
    ),
    cfg.StrOpt(
        "identity_provider",
        default="egi.eu",
        help="The identity provider of the federated login, as clients have it in "
        "their URL.",
    ),
    cfg.StrOpt(
        "protocol",
        default="mapped",
        help="The protocol of the federated login, as clients have it in their URL.",
    ),
    cfg.BoolOpt(
        "v2",
        default=True,
        help="The site answers /v2.0/tokens and /v2.0/tenants, at the root of "
        "auth_url, for clients that know nothing else.",
    ),
    cfg.StrOpt(
        "occi_endpoint",
        default="",
        help="The URL of the OCCI interface, such as "
        "https://nova.example.org:8787/occi1.1. Empty means that the site has none.",
    ),
    cfg.StrOpt(
        "isolation",
        default=SHARED_PROJECT,
        choices=[
            (SHARED_PROJECT, "users are apart within the project that they share"),
            (PROJECT_PER_USER, "each user has a project"),
            (OFF, "users of a project may do all to each other's machines"),
        ],
        help="How the site keeps the users of one VO apart.",
    ),
    cfg.StrOpt(
        "auditor_role",
        default="vo_auditor",
        help="The name of the role that reads all of a project and changes nothing. "
        "Tempest's administrator gives it to a user that is made for the tests. "
        "Empty means that the site has none.",
    ),
    cfg.StrOpt(
        "network",
        default="",
        help="The id of the network that machines are started on. Empty leaves the "
        "choice to Nova, which needs exactly one that it can take.",
    ),
    cfg.IntOpt(
        "http_timeout",
        default=60,
        min=1,
        max=600,
        help="Seconds that a server may take for one answer.",
    ),
)


def list_opts() -> list[tuple[Any, list[cfg.Opt]]]:
    """Return the options by group, as Tempest and oslo.config want them."""
    return [(GROUP, list(OPTS))]
