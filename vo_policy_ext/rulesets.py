# SPDX-License-Identifier: Apache-2.0
"""The rule sets that are shipped: what each changes, and why.

Owns: the content and the text of policy/<mode>/<service>/50-vo.yaml. Must
never: change an alias of a service or a rule that only services need, or ask a
rule for a user_id that its target has not. Read first: ruleset.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vo_policy_ext.targets import RELEASES, Row, Target, table

SHARED = "shared-project"
PER_USER = "project-per-user"
MODES = (SHARED, PER_USER)
FILE_NAME = "50-vo.yaml"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of a rule set. `why` is one sentence for who reads the file."""

    name: str
    check: str
    why: str


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """The rules of one service in one mode, aliases first."""

    service: str
    mode: str
    aliases: tuple[Rule, ...]
    rules: tuple[Rule, ...]


_ADMIN = MappingProxyType(
    {
        "nova": "rule:context_is_admin",
        "cinder": "rule:admin_api",
        "glance": "rule:context_is_admin",
    }
)
_MEMBERS = frozenset(
    {
        "rule:project_member_or_admin",
        "rule:xena_system_admin_or_project_member",
        "rule:context_is_admin or (role:member and project_id:%(project_id)s)",
    }
)
_READERS = frozenset(
    {"rule:project_reader_or_admin", "rule:xena_system_admin_or_project_reader"}
)
_NOVA = "os_compute_api:"

# What accounting and monitoring read, beside what its owner alone may read.
# Not here: passwords, consoles, keypairs, keys of encryption, transfers, the
# names that Nova still has for what Neutron and Cinder serve.
_AUDITED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "nova": (
            f"{_NOVA}servers:index",
            f"{_NOVA}servers:detail",
            f"{_NOVA}servers:show",
            f"{_NOVA}servers:show:flavor-extra-specs",
            f"{_NOVA}ips:index",
            f"{_NOVA}ips:show",
            f"{_NOVA}server-metadata:index",
            f"{_NOVA}server-metadata:show",
            f"{_NOVA}os-server-tags:index",
            f"{_NOVA}os-server-tags:show",
            f"{_NOVA}os-instance-actions:list",
            f"{_NOVA}os-instance-actions:show",
            f"{_NOVA}os-volumes-attachments:index",
            f"{_NOVA}os-volumes-attachments:show",
            f"{_NOVA}os-attach-interfaces:list",
            f"{_NOVA}os-attach-interfaces:show",
            f"{_NOVA}os-flavor-extra-specs:index",
            f"{_NOVA}os-flavor-extra-specs:show",
            f"{_NOVA}os-quota-sets:show",
            f"{_NOVA}os-quota-sets:detail",
        ),
        "cinder": (
            "volume:get_all",
            "volume:get_all_snapshots",
            "volume:get_volume_metadata",
            "volume_extension:volume_tenant_attribute",
            "volume_extension:volume_image_metadata:show",
            "volume_extension:extended_snapshot_attributes",
            "volume_extension:type_get",
            "volume_extension:type_get_all",
            "volume_extension:access_types_extra_specs",
            "volume_extension:types_extra_specs:index",
            "volume_extension:types_extra_specs:show",
            "volume_extension:quotas:show",
            "limits_extension:used_limits",
            "backup:get_all",
            "group:get_all",
            "group:get_all_group_snapshots",
        ),
        "glance": (),
    }
)
_USAGE = (f"{_NOVA}os-simple-tenant-usage:show",)
_GROUPS = tuple(
    f"{_NOVA}os-server-groups:{action}"
    for action in ("create", "delete", "index", "show")
)
# Of these, what belongs to no user: no filter asks for an owner there.
_NOBODYS = ("flavor", "quota", "limits", ":type", "types_", "types:")
# The key of an encrypted volume is named there.
_UNAUDITED = "volume_extension:volume_encryption_metadata"

_WHY_WRITE = "The owner; the managers of the project; admins."
_WHY_READ = "The owner; the managers and auditors of the project; admins."
_WHY_READ_OWN = "The owner; the managers of the project; admins. Not for auditors."
_WHY_LIST = "As by default, and for auditors. It is the filter that asks for the owner."
_WHY_AUDITOR = "As by default, and for auditors."
_WHY_GROUPS = "A group has no owner that Nova would tell: for managers and admins."
_WHY_PROJECT = "It tells of all users: for managers and auditors of the project."


def ruleset(service: str, *, mode: str) -> RuleSet:
    """Return the rule set of one of targets.SERVICES in one of MODES."""
    shared = mode == SHARED
    if service == "glance":
        rules = _GLANCE_SHARED if shared else _GLANCE_PER_USER
    else:
        rules = tuple(_shared(service) if shared else _per_user(service))
    order = list(table(service))
    rules = tuple(sorted(rules, key=lambda rule: order.index(rule.name)))
    known = _aliases(service)
    return RuleSet(
        service=service,
        mode=mode,
        aliases=tuple(known[name] for name in _used(rules, known)),
        rules=rules,
    )


def rendered(rules: RuleSet) -> str:
    """Return the text of the file: YAML that a person can read and review."""
    release = f"{rules.service} {RELEASES[rules.service]}"
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        f"# Rules of {release} for VO projects in the mode {rules.mode}.",
        f"# Its place is /etc/{rules.service}/policy.d. Do not edit it: a file with a",
        "# name that sorts behind this one has the last word. It was written by:",
        f"# vo-policy generate --mode {rules.mode} --service {rules.service}",
        "",
    ]
    for alias in rules.aliases:
        lines += _lines(alias)
    rows = table(rules.service)
    for rule in rules.rules:
        operations = (f"# {operation}" for operation in rows[rule.name].operations)
        lines += ["", *operations, *_lines(rule)]
    return "\n".join(lines) + "\n"


def _lines(rule: Rule) -> list[str]:
    why = textwrap.wrap(rule.why, 78, initial_indent="# ", subsequent_indent="# ")
    return [*why, f'"{rule.name}": "{rule.check}"']


def _shared(service: str) -> Iterator[Rule]:
    for row in table(service).values():
        changed = _kept_apart(row) if row.target is Target.OWNER else None
        if changed is not None:
            yield changed
    for name in _AUDITED[service]:
        is_nobodys = any(word in name for word in _NOBODYS)
        why = _WHY_AUDITOR if is_nobodys else _WHY_LIST
        yield Rule(name=name, check="rule:vo_list", why=why)
    if service == "nova":
        yield from _of(_USAGE, "rule:vo_project_read", _WHY_PROJECT)
        yield from _of(_GROUPS, "rule:vo_project_write", _WHY_GROUPS)
        yield Rule(
            name=f"{_NOVA}servers:allow_all_filters",
            check="rule:vo_list",
            why="Lets the filter narrow a list by user_id at each microversion; it "
            "drops what else this opens.",
        )
        yield _DIAGNOSTICS


def _kept_apart(row: Row) -> Rule | None:
    """Return the rule for a plain user's operation on one resource."""
    if row.name == _UNAUDITED:
        return Rule(name=row.name, check="rule:vo_read_own", why=_WHY_READ_OWN)
    if row.default in _READERS:
        return Rule(name=row.name, check="rule:vo_read", why=_WHY_READ)
    if row.default in _MEMBERS:
        return Rule(name=row.name, check="rule:vo_write", why=_WHY_WRITE)
    return None


def _per_user(service: str) -> Iterator[Rule]:
    names = [*_AUDITED[service]]
    if service == "nova":
        names += _USAGE
        yield _DIAGNOSTICS
    names += [
        row.name
        for row in table(service).values()
        if row.target is Target.OWNER
        and row.default in _READERS
        and row.name != _UNAUDITED
    ]
    yield from _of(names, "rule:vo_list", _WHY_AUDITOR)


def _of(names: Iterable[str], check: str, why: str) -> Iterator[Rule]:
    return (Rule(name=name, check=check, why=why) for name in names)


_DIAGNOSTICS = Rule(
    name=f"{_NOVA}os-server-diagnostics",
    check="rule:vo_project_write",
    why="As by default, and for managers of the project: it shows load, no content.",
)


def _aliases(service: str) -> Mapping[str, Rule]:
    admin = _ADMIN[service]
    readers = {
        "nova": "rule:project_reader_or_admin",
        "cinder": "rule:xena_system_admin_or_project_reader",
        "glance": f"{admin} or (role:reader and project_id:%(project_id)s)",
    }[service]
    own = "and project_id:%(project_id)s and user_id:%(user_id)s"
    known = {
        "vo_owner": (
            f"role:member {own}",
            "The user whose resource it is, who may change things in the project.",
        ),
        "vo_owner_read": (f"role:reader {own}", "The user whose resource it is."),
        "vo_auditor": (
            "role:vo_auditor and project_id:%(project_id)s",
            "Accounting and monitoring: they read all of the project.",
        ),
        "vo_manager": (
            "role:manager and project_id:%(project_id)s",
            "Who answers for the VO in the project.",
        ),
        "vo_write": (f"rule:vo_owner or rule:vo_manager or {admin}", _WHY_WRITE),
        "vo_read": (
            f"rule:vo_owner_read or rule:vo_auditor or rule:vo_manager or {admin}",
            _WHY_READ,
        ),
        "vo_read_own": (
            f"rule:vo_owner_read or rule:vo_manager or {admin}",
            _WHY_READ_OWN,
        ),
        "vo_project_write": (
            f"rule:vo_manager or {admin}",
            "The managers of the project; admins.",
        ),
        "vo_project_read": (
            f"rule:vo_auditor or rule:vo_manager or {admin}",
            "The managers and auditors of the project; admins.",
        ),
        "vo_list": (
            f"{readers} or rule:vo_auditor",
            "Whoever may read in the project by default; its auditors.",
        ),
        "vo_offered": (
            "'public':%(visibility)s or 'community':%(visibility)s "
            "or project_id:%(member_id)s",
            "The image is offered to all, or another project shares it with this one.",
        ),
    }
    return {
        name: Rule(name=name, check=check, why=why)
        for name, (check, why) in known.items()
    }


def _used(rules: Iterable[Rule], known: Mapping[str, Rule]) -> list[str]:
    """Return the names of the aliases that rules refer to, in the file's order."""
    found: set[str] = set()
    waiting = [rule.check for rule in rules]
    while waiting:
        words = waiting.pop().replace("(", " ").replace(")", " ").split()
        for word in words:
            name = word.removeprefix("rule:")
            if name in known and name not in found:
                found.add(name)
                waiting.append(known[name].check)
    return [name for name in known if name in found]


_IMAGE_READ = "rule:vo_read or ((role:reader or role:vo_auditor) and rule:vo_offered)"
_IMAGE_USE = "rule:vo_write or (role:member and rule:vo_offered)"
_MEMBERSHIP = "rule:vo_read or (role:reader and project_id:%(member_id)s)"
_LISTED = Rule(
    name="get_images",
    check="rule:vo_list",
    why="As by default, and for auditors. Each image is then asked for by get_image.",
)
_GLANCE_SHARED = (
    Rule(
        name="get_image",
        check=_IMAGE_READ,
        why="The owner; managers; auditors; admins; who is offered the image. The "
        "default lets all users of the project in, and for the visibility `shared`, "
        "which an image has at first, it asks for nothing else.",
    ),
    _LISTED,
    *_of(
        ("download_image", "download_from_store"),
        _IMAGE_USE,
        "The owner; managers; admins; members who are offered it. Not for auditors.",
    ),
    *_of(
        (
            "modify_image",
            "delete_image",
            "upload_image",
            "deactivate",
            "reactivate",
            "set_image_location",
            "add_member",
            "delete_member",
        ),
        "rule:vo_write",
        _WHY_WRITE,
    ),
    Rule(
        name="add_image_location",
        check="rule:service_api or rule:vo_owner or rule:vo_manager",
        why="Services as by default; the owner; the managers of the project.",
    ),
    Rule(name="get_image_location", check="rule:vo_read_own", why=_WHY_READ_OWN),
    *_of(
        ("get_member", "get_members"),
        _MEMBERSHIP,
        "Who may read the image, and the project that it is shared with.",
    ),
)
_GLANCE_PER_USER = (
    Rule(
        name="get_image",
        check="rule:vo_list or ((role:reader or role:vo_auditor) and rule:vo_offered)",
        why="As by default, and for auditors.",
    ),
    _LISTED,
)
