# SPDX-License-Identifier: Apache-2.0
"""What each path of Nova's API gives access to. Data.

Owns: one Route for each path of Nova 34 (nova.api.openstack.compute.routes), and
what the body of a request may name. Must never have a path that Nova has not, nor
lack one: a test compares them. Read first: TABLE.

Volumes, images and networks that a request names are not looked up here: Nova asks
Cinder and Glance for them with the caller's own token, and their filters answer.
Neutron knows no users, so what belongs to a network stays shared in the project.
"""

from collections.abc import Iterable, Iterator

from vo_policy_ext.routes import Access, Reference, Route, Table

GET = frozenset({"GET"})
POST = frozenset({"POST"})
PUT = frozenset({"PUT"})
DELETE = frozenset({"DELETE"})

# Where a new server goes. Beside or away from a server of another user tells
# where that one is. `query` is a JsonFilter's, and that one can look among the
# servers of a host ($instances.ID): nobody owns a query, so it is refused. The
# same goes for a group, which shows and steers the servers of all its members.
# The other hints of Nova name a network (build_near_host_ip, cidr) or a cell.
_HINTS = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")
_HINTED = {
    "same_host": "server",
    "different_host": "server",
    "group": "server_group",
    "query": "host_query",
}
_PLACEMENT = tuple(
    Reference(method="POST", at=(hints, name), kind=kind)
    for hints in _HINTS
    for name, kind in _HINTED.items()
)


def _open(*paths: str) -> Iterator[Route]:
    for path in paths:
        yield Route(path=path, access=Access.OPEN)


def _project(*paths: str) -> Iterator[Route]:
    for path in paths:
        yield Route(path=path, access=Access.PROJECT, auditor=False)


def _servers(*paths: str, auditor: bool) -> Iterator[Route]:
    for path in paths:
        yield Route(
            path=f"/servers/{{server}}{path}", access=Access.OWNED, auditor=auditor
        )


def _routes() -> Iterable[Route]:
    # --- Lists of servers, narrowed by a query that Nova obeys.
    yield Route(path="/servers", access=Access.LIST, references=_PLACEMENT)
    yield Route(path="/servers/detail", access=Access.LIST)
    # The same servers by another name, up to microversion 2.102.
    yield Route(path="/os-volumes_boot", access=Access.LIST, references=_PLACEMENT)
    yield Route(path="/os-volumes_boot/detail", access=Access.LIST)

    # --- One server.
    # Cinder's scheduler asks where a server is (hint local_to_instance).
    yield Route(path="/servers/{server}", access=Access.OWNED, service=GET)
    # What accounting and monitoring read beside the server itself.
    yield from _servers(
        "/ips",
        "/ips/{network}",
        "/metadata",
        "/metadata/{key}",
        "/os-instance-actions",
        "/os-instance-actions/{request}",
        "/os-interface",
        "/os-interface/{port}",
        "/os-volume_attachments",
        "/tags",
        "/tags/{tag}",
        auditor=True,
    )
    # GET through Cinder: before a user may delete an attachment, Cinder asks with
    # the user's token whether the server still has it. A 404 for a server of
    # somebody else would be read as "it has not", and Cinder would take the volume
    # from under it. PUT: Cinder puts another volume in its place (migration).
    yield Route(
        path="/servers/{server}/os-volume_attachments/{volume}",
        access=Access.OWNED,
        service=PUT,
        through_service=GET,
    )
    # The way into a machine, its output and its secrets, or nothing that
    # accounting needs: not for an auditor. `action` is all in one: consoles,
    # images of it, its password, its power, its addresses. An action names hosts,
    # networks, addresses and images beside the server, and never another server.
    yield from _servers(
        "/action",
        "/consoles",
        "/consoles/{console}",
        "/diagnostics",
        "/migrations",
        "/migrations/{migration}",
        "/migrations/{migration}/action",
        "/os-security-groups",
        "/os-server-password",
        "/os-virtual-interfaces",
        "/remote-consoles",
        "/shares",
        "/shares/{share}",
        "/topology",
        auditor=False,
    )
    yield Route(path="/os-volumes_boot/{server}", access=Access.OWNED)
    yield Route(
        path="/os-volumes_boot/{server}/action", access=Access.OWNED, auditor=False
    )

    # --- What shows or touches the servers of all users.
    # The usage of a project is a list of all its servers. (The list of all
    # projects' usage is the administrator's in Nova.)
    yield from _project("/os-simple-tenant-usage")
    yield Route(path="/os-simple-tenant-usage/{project}", access=Access.PROJECT)
    # A group lists its members, and the quota of groups is one for the project.
    yield from _project("/os-server-groups", "/os-server-groups/{group}")
    # What a service tells Nova, and nobody else: Neutron, Cinder, Ironic and
    # Cyborg of events, Cinder of a snapshot that the hypervisor has to make.
    yield Route(
        path="/os-server-external-events",
        access=Access.PROJECT,
        auditor=False,
        service=POST,
    )
    yield Route(
        path="/os-assisted-volume-snapshots",
        access=Access.PROJECT,
        auditor=False,
        service=POST,
    )
    yield Route(
        path="/os-assisted-volume-snapshots/{snapshot}",
        access=Access.PROJECT,
        auditor=False,
        service=DELETE,
    )
    # Hosts, and what is on them. By Nova's own rules the administrator's (and
    # migrations the manager's); a site that loosened a rule opened it for people
    # who may see all, not for the users of a project.
    yield from _project(
        "/os-aggregates",
        "/os-aggregates/{aggregate}",
        "/os-aggregates/{aggregate}/action",
        "/os-aggregates/{aggregate}/images",
        "/os-availability-zone/detail",
        "/os-baremetal-nodes",
        "/os-baremetal-nodes/{node}",
        "/os-baremetal-nodes/{node}/action",
        "/os-console-auth-tokens/{token}",
        "/os-hosts",
        "/os-hosts/{host}",
        "/os-hosts/{host}/reboot",
        "/os-hosts/{host}/shutdown",
        "/os-hosts/{host}/startup",
        "/os-hypervisors",
        "/os-hypervisors/detail",
        "/os-hypervisors/statistics",
        "/os-hypervisors/{hypervisor}",
        "/os-hypervisors/{hypervisor}/search",
        "/os-hypervisors/{hypervisor}/servers",
        "/os-hypervisors/{hypervisor}/uptime",
        "/os-instance_usage_audit_log",
        "/os-instance_usage_audit_log/{before}",
        "/os-migrations",
        "/os-services",
        "/os-services/{service}",
    )
    # Nova 34 answers 410 to these. Older releases did something: pinged all the
    # machines of a project, or told which machine has an address.
    yield from _project(
        "/os-agents",
        "/os-agents/{agent}",
        "/os-cells",
        "/os-cells/capacities",
        "/os-cells/detail",
        "/os-cells/info",
        "/os-cells/sync_instances",
        "/os-cells/{cell}",
        "/os-cells/{cell}/capacities",
        "/os-certificates",
        "/os-certificates/{certificate}",
        "/os-cloudpipe",
        "/os-cloudpipe/{network}",
        "/os-fixed-ips/{address}",
        "/os-fixed-ips/{address}/action",
        "/os-floating-ip-dns",
        "/os-floating-ip-dns/{domain}",
        "/os-floating-ip-dns/{domain}/entries/{entry}",
        "/os-floating-ips-bulk",
        "/os-floating-ips-bulk/{host}",
        "/os-fping",
        "/os-fping/{machine}",
        "/os-security-group-default-rules",
        "/os-security-group-default-rules/{rule}",
    )

    # --- Nothing of another user's.
    # The API itself, and the cloud's menu.
    yield from _open(
        "",
        "/",
        "/versions/{version}",
        "/extensions",
        "/extensions/{extension}",
        "/flavors",
        "/flavors/detail",
        "/flavors/{flavor}",
        "/flavors/{flavor}/action",
        "/flavors/{flavor}/os-extra_specs",
        "/flavors/{flavor}/os-extra_specs/{key}",
        "/flavors/{flavor}/os-flavor-access",
        "/os-availability-zone",
        "/os-floating-ip-pools",
    )
    # Nova itself keeps key pairs apart by user.
    yield from _open("/os-keypairs", "/os-keypairs/{keypair}")
    # Totals of the project, which its users share. (For another user's share of
    # a quota see nova.py.)
    yield from _open(
        "/limits",
        "/os-quota-class-sets/{name}",
        "/os-quota-sets/{project}",
        "/os-quota-sets/{project}/detail",
        "/os-quota-sets/{project}/defaults",
    )
    # Old ways to other services, up to microversion 2.35. Glance and Cinder see
    # the caller's token and filter; Neutron has nothing to filter by, and shows
    # at its own API what it shows here (the server of an address). Old clients
    # take their public addresses this way.
    yield from _open(
        "/images",
        "/images/detail",
        "/images/{image}",
        "/images/{image}/metadata",
        "/images/{image}/metadata/{key}",
        "/os-volumes",
        "/os-volumes/detail",
        "/os-volumes/{volume}",
        "/os-snapshots",
        "/os-snapshots/detail",
        "/os-snapshots/{snapshot}",
        "/os-floating-ips",
        "/os-floating-ips/{address}",
        "/os-networks",
        "/os-networks/add",
        "/os-networks/{network}",
        "/os-networks/{network}/action",
        "/os-tenant-networks",
        "/os-tenant-networks/{network}",
        "/os-security-groups",
        "/os-security-groups/{group}",
        "/os-security-group-rules",
        "/os-security-group-rules/{rule}",
    )


TABLE = Table(_routes())
