# SPDX-License-Identifier: Apache-2.0
"""Step 12 of the guide: the page on isolation, followed behind the guide itself.

Owns which of that page's blocks are followed, what it leaves to a person, and the look
at whether two users of one project are apart in the end. It must never read a rule set
or a filter: the services do. Read read_page and see_that_they_are_apart.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.grid.grid import Grid
from tests.guide.actions import Action, Commands, GuideError
from tests.guide.ini import merged
from tests.guide.page import Block, parts
from tests.guide.people import ALICE_ID, People
from tests.guide.shell import Shell
from tests.guide.units import Units
from tests.lab import api_paste
from tests.lab.lab import SOURCE, Lab

PAGE = SOURCE / "doc/source/admin/isolation.rst"
# The first line of each block that is not followed, and why.
NOT_FOLLOWED = {
    "ooi-manage paste --install --isolation --no-occi": (
        "for a site without OCCI in Nova's own API; this one has it there"
    ),
    "openstack image set --property user_id=USER_ID IMAGE": (
        "for images from before the filter, which are public here"
    ),
    "openstack server show ID-OF-THE-FIRST": (
        "it names no machine: see_that_they_are_apart shows one of alice's to bob"
    ),
    "vo-policy migrate-legacy /etc/nova/policy.json": (
        "for a site that has this file from older guides"
    ),
    "Refused (not_the_owner): DELETE '/servers/ID' by user ID in project ID": (
        "a line of a log"
    ),
}
APIS = ("nova-api", "cinder-api", "glance-api")
BOBS_PROXY = Path("/tmp/proxy-of-bob.pem")
CINDER = """\
[DEFAULT]
resource_query_filters_file = /etc/cinder/resource_filters.json
"""
GLANCE = """\
[DEFAULT]
property_protection_file = /etc/glance/property-protections.conf
property_protection_rule_format = roles
"""
SERVICE_TOKENS = "[service_user]\nsend_service_user_token = true\n"


def read_page(text: str) -> tuple[Action, ...]:
    """Return what is typed, in order; GuideError for a block of an unknown kind."""
    blocks = [part for part in parts(text) if isinstance(part, Block)]
    first = {block.text.partition("\n")[0] for block in blocks}
    old = sorted(set(NOT_FOLLOWED) - first)
    if old:
        raise GuideError(f"{PAGE.name} has no block any more that begins {old[0]!r}.")
    odd = [block for block in blocks if block.caption is not None]
    if odd:
        raise GuideError(
            f"{PAGE.name}, line {odd[0].line}: a block with a caption. Teach "
            "tests/guide/isolation.py what to do with it."
        )
    return tuple(
        Commands(section=block.section, line=block.line, text=block.text)
        for block in blocks
        if block.text.partition("\n")[0] not in NOT_FOLLOWED
    )


def by_hand(everybody: People) -> dict[str, Callable[[], None]]:
    """Return what the page leaves to a person, by the command that follows it."""
    return {
        "openstack role add --project dteam --user accounting": (
            lambda: _make_accounting(everybody)
        ),
        "ooi-manage paste --install --isolation": set_what_the_rules_need,
    }


def set_what_the_rules_need() -> None:
    """Do what stands under "Settings beside them" and, but for Nova, "The filters"."""
    conf = SOURCE / "policy/conf"
    shutil.copyfile(
        conf / "cinder/resource_filters.json", "/etc/cinder/resource_filters.json"
    )
    shutil.copyfile(
        conf / "glance/property-protections.conf",
        "/etc/glance/property-protections.conf",
    )
    for place, text in (
        ("/etc/cinder/cinder.conf", CINDER + SERVICE_TOKENS),
        ("/etc/nova/nova.conf", SERVICE_TOKENS),
        ("/etc/glance/glance-api.conf", GLANCE),
    ):
        file = Path(place)
        file.write_text(merged(file.read_text(), text))
    for place, name in (
        ("/etc/cinder/cinder-api-paste.ini", "cinder"),
        ("/etc/glance/glance-api-paste.ini", "glance"),
    ):
        added = SOURCE / f"paste/{name}-api-paste-isolation.ini"
        file = Path(place)
        file.write_text(api_paste.overlay(file.read_text(), added.read_text()))


def see_that_they_are_apart(lab: Lab, units: Units, everybody: People) -> None:
    """Restart the APIs; raise GuideError unless alice's machine is hers alone."""
    for name in APIS:
        units.stop(name)
        units.start(name)
    shutil.copyfile(Grid(lab.settings.grid).proxy("bob"), BOBS_PROXY)
    BOBS_PROXY.chmod(0o600)
    os.chown(BOBS_PROXY, ALICE_ID, ALICE_ID)
    alice = everybody.alice
    created = alice.run(
        "openstack server create --flavor m1.nano --image cirros --network private "
        "--wait -f json of-alice"
    )
    machine = json.loads(created.output)["id"]
    _show(alice, machine, seen=True)
    alice.run(f"export OS_X509_USER_PROXY={BOBS_PROXY}")
    _show(alice, machine, seen=False)
    listed = alice.run("openstack server list -f value -c ID")
    if machine in listed.output:
        raise GuideError(f"bob's list has alice's machine:\n{listed.output}")
    alice.run("unset OS_X509_USER_PROXY")
    alice.run(f"openstack server delete --wait {machine}")
    print("  alice has seen her machine, and bob of the same project has not")


def _show(shell: Shell, machine: str, *, seen: bool) -> None:
    shown = shell.run(f"openstack server show {machine}", may_fail=True)
    found = shown.status == 0 and machine in shown.output
    missing = shown.status != 0 and "No Server found" in shown.errors
    if not (found if seen else missing):
        wanted = "be seen" if seen else "be unknown"
        raise GuideError(f"The machine should {wanted}:\n{shown.output}{shown.errors}")


def _make_accounting(everybody: People) -> None:
    everybody.administrator.run("openstack user create accounting")
