# SPDX-License-Identifier: Apache-2.0
"""Security groups over Neutron, and their links to machines over Nova.

Owns: in which order the two are asked, and what must be undone when a step
fails. Must never: build or read a text of OCCI. Read first: ROUTES.
"""

from collections.abc import Mapping
from typing import Any

from oslo_log import log as logging

from ooi_ext import check, translate_security
from ooi_ext.errors import BadRequest, NotFound, NotSupported, UpstreamError, shown
from ooi_ext.handlers import listing, machines
from ooi_ext.handlers.call import Answer, Call, Handler, Routes, entity_id
from ooi_ext.handlers.interfaces import check_machine
from ooi_ext.handlers.network import completed, neutron_of, refuse_links
from ooi_ext.kinds_network import SECURITY_GROUP, SECURITY_GROUP_LINK
from ooi_ext.model import Collection, LinkEntity, Resource
from ooi_ext.neutron import Neutron
from ooi_ext.translate_network import changes, line

LOG = logging.getLogger(__name__)

Json = Mapping[str, Any]

_SETTABLE = ("occi.core.title", "occi.core.summary", translate_security.RULES)


def list_groups(call: Call) -> Answer:
    """Answer with the project's security groups."""
    neutron = neutron_of(call)

    def locations() -> tuple[str, ...]:
        return tuple(_url(call, g["id"]) for g in neutron.security_groups("id"))

    def entities() -> tuple[Resource, ...]:
        return tuple(
            translate_security.security_group(g, url=call.url)
            for g in neutron.security_groups()
        )

    return listing.answer(call, entities, locations)


def show_group(call: Call) -> Answer:
    """Answer with one security group."""
    return Answer(body=translate_security.security_group(_own(call), url=call.url))


def create_group(call: Call) -> Answer:
    """Make a security group with its rules, and answer with its URL."""
    if call.action():
        raise _no_actions(call)
    wish = check.entity(call.message(), kind=SECURITY_GROUP)
    refuse_links(wish)
    values = {
        "name": line(wish, "occi.core.title"),
        "description": line(wish, "occi.core.summary"),
    }
    rules = translate_security.rules(wish)
    neutron = neutron_of(call)
    group = neutron.create("security_group", **values)
    try:
        if rules is not None:
            _set_rules(neutron, group, rules)
    except UpstreamError:
        _forget(neutron, group["id"])
        raise
    url = _url(call, group["id"])
    return Answer(status=201, location=url, body=Collection((url,)))


def change_group(call: Call) -> Answer:
    """Change what the request names of a security group."""
    if call.action():
        raise _no_actions(call)
    return _update(call, whole=False)


def replace_group(call: Call) -> Answer:
    """Change a security group to what the request says, all of it."""
    return _update(call, whole=True)


def delete_group(call: Call) -> Answer:
    """Delete a security group; Neutron keeps one that is in use."""
    neutron_of(call).delete("security_group", _own(call)["id"])
    return Answer()


def delete_all_groups(call: Call) -> Answer:
    """Delete all security groups of the project but the one that always is."""
    neutron = neutron_of(call)
    for group in neutron.security_groups("id", "name"):
        if group["name"] != "default":
            neutron.delete("security_group", group["id"])
    return Answer()


def list_links(call: Call) -> Answer:
    """Answer with the links of the user's machines to security groups."""
    neutron = neutron_of(call)

    def pairs() -> tuple[tuple[str, str], ...]:
        fields = ("id", "device_id", "device_owner", "security_groups")
        ports = machines.of_user(call, neutron.ports(*fields))
        return translate_security.links(ports)

    def locations() -> tuple[str, ...]:
        return tuple(
            translate_security.link_url(*pair, url=call.url) for pair in pairs()
        )

    def entities() -> tuple[LinkEntity, ...]:
        return tuple(
            translate_security.link_entity(*pair, url=call.url) for pair in pairs()
        )

    return listing.answer(call, entities, locations)


def show_link(call: Call) -> Answer:
    """Answer with one link to a security group."""
    return Answer(body=translate_security.link_entity(*_linked(call), url=call.url))


def create_link(call: Call) -> Answer:
    """Put a machine into a security group, and answer with the link's URL."""
    if call.action():
        raise _no_actions(call)
    wish = check.entity(call.message(), kind=SECURITY_GROUP_LINK)
    refuse_links(wish)
    for name in wish.attributes:
        if name not in ("occi.core.source", "occi.core.target"):
            raise BadRequest(f"A security group link cannot have {shown(name)}.")
    server_id, group_id = translate_security.ends(wish)
    try:
        check_machine(call, server_id)
        neutron_of(call).own("security_group", group_id)
        call.nova.act(server_id, {"addSecurityGroup": {"name": group_id}})
    except UpstreamError as error:
        # What is not there is named in the body, not in the path.
        error.status = 400 if error.status == 404 else error.status
        raise
    url = translate_security.link_url(server_id, group_id, url=call.url)
    return Answer(status=201, location=url, body=Collection((url,)))


def change_link(call: Call) -> Answer:
    """Refuse: a link to a security group is what it is."""
    _linked(call)
    if call.action():
        raise _no_actions(call)
    raise NotSupported(
        "A security group link cannot be changed.", mend="Delete it and make another."
    )


def delete_link(call: Call) -> Answer:
    """Take a machine out of a security group."""
    _part(call, *_linked(call))
    return Answer()


def delete_all_links(call: Call) -> Answer:
    """Take all machines of the user out of all security groups."""
    ports = machines.of_user(call, neutron_of(call).ports())
    for pair in translate_security.links(ports):
        _part(call, *pair)
    return Answer()


def _url(call: Call, group_id: str) -> str:
    return translate_security.security_group_url(group_id, url=call.url)


def _own(call: Call) -> Json:
    return neutron_of(call).own("security_group", entity_id(call, "securitygroup"))


def _set_rules(
    neutron: Neutron, group: Json, rules: tuple[translate_security.Rule, ...]
) -> None:
    add, take = translate_security.to_change(group, rules)
    # In this order: for a moment more is open, never less than is wanted.
    if add:
        neutron.add_rules([rule.values(group["id"]) for rule in add])
    for rule_id in take:
        neutron.delete("security_group_rule", rule_id)


def _forget(neutron: Neutron, group_id: str) -> None:
    try:
        neutron.delete("security_group", group_id)
    except UpstreamError as error:
        LOG.error("code=security_group_left security_group=%s: %s", group_id, error)


def _update(call: Call, *, whole: bool) -> Answer:
    group = _own(call)
    present = translate_security.security_group(group, url=call.url)
    wish = check.update(
        completed(call.message(), present), kind=SECURITY_GROUP, whole=whole
    )
    wanted = changes(wish, present, settable=_SETTABLE)
    rules = translate_security.rules(wish)
    values = {
        name: str(wanted.get(attribute, ""))
        for name, attribute in (
            ("name", "occi.core.title"),
            ("description", "occi.core.summary"),
        )
        if (whole or attribute in wanted)
        and wanted.get(attribute, "") != (group.get(name) or "")
    }
    neutron = neutron_of(call)
    # The step that may fail comes first; a new name alone would be half.
    if rules is not None:
        _set_rules(neutron, group, rules)
    if values:
        neutron.update("security_group", group["id"], **values)
    return show_group(call)


def _linked(call: Call) -> tuple[str, str]:
    """Return server and group of the path, if they are linked."""
    found = translate_security.link_ids(call.names["id"])
    if found:
        ports = neutron_of(call).ports_of(found[0])
        linked = found in translate_security.links(ports)
        if linked and machines.is_of_user(call, found[0]):
            return found
    raise NotFound(f"There is no securitygrouplink {shown(call.names['id'])}.")


def _part(call: Call, server_id: str, group_id: str) -> None:
    call.nova.act(server_id, {"removeSecurityGroup": {"name": group_id}})


def _no_actions(call: Call) -> BadRequest:
    return BadRequest(f"There is no action {shown(call.action())} here.")


ROUTES: Routes = {
    "/securitygroup": {
        "GET": Handler(list_groups, listing=True),
        "POST": Handler(create_group, listing=True),
        "DELETE": Handler(delete_all_groups, listing=True),
    },
    "/securitygroup/{id}": {
        "GET": Handler(show_group),
        "POST": Handler(change_group),
        "PUT": Handler(replace_group),
        "DELETE": Handler(delete_group, listing=True),
    },
    "/securitygrouplink": {
        "GET": Handler(list_links, listing=True),
        "POST": Handler(create_link, listing=True),
        "DELETE": Handler(delete_all_links, listing=True),
    },
    "/securitygrouplink/{id}": {
        "GET": Handler(show_link),
        "POST": Handler(change_link),
        "PUT": Handler(change_link),
        "DELETE": Handler(delete_link, listing=True),
    },
}
