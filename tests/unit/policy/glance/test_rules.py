# SPDX-License-Identifier: Apache-2.0
"""Glance's own enforcer with our rules: who gets through to which image."""

from datetime import UTC, datetime

import glance.domain.proxy
import pytest
from glance import context as glance_context
from glance import domain, policies
from glance.api import policy as glance_policy
from glance.api.v2 import policy as api_policy
from oslo_config import cfg
from oslo_policy import opts

from tests.unit.policy.shared import rules
from tests.unit.policy.shared.rules import MEMBER, READER, WRITERS, Persona
from vo_policy_ext import rulesets

CONF = cfg.CONF
PERSONAS = {
    **rules.PERSONAS,
    "partner": Persona("paul", "partner", MEMBER),
    "watcher": Persona("wim", "partner", READER),
}
IN_VO = "owner demoted other reader manager auditor"
MEMBERS = "owner other manager partner elsewhere admin"
READERS = "owner demoted other reader manager partner watcher elsewhere admin"

# The image, who gets through with our rules, and which rules. `shared` is what an
# image is at first; `lent` is one that the project partner may use: Glance's
# database tells a user of partner alone so.
SHARED = (
    ("shared", f"{WRITERS} demoted auditor", "get_image"),
    ("private", f"{WRITERS} demoted auditor", "get_image"),
    ("ownerless", "manager admin auditor", "get_image"),
    ("forged", f"{WRITERS} demoted auditor", "get_image get_members"),
    ("lent", f"{WRITERS} demoted auditor partner watcher", "get_image"),
    ("public", f"{READERS} auditor", "get_image"),
    ("community", f"{READERS} auditor", "get_image"),
    ("private", WRITERS, "download_image download_from_store"),
    ("shared", WRITERS, "download_image download_from_store"),
    ("forged", WRITERS, "download_image"),
    ("ownerless", "manager admin", "download_image"),
    ("lent", f"{WRITERS} partner", "download_image download_from_store"),
    ("public", MEMBERS, "download_image"),
    ("community", MEMBERS, "download_image"),
    *(
        (
            image,
            WRITERS,
            "modify_image delete_image upload_image deactivate reactivate "
            "set_image_location add_member delete_member",
        )
        for image in ("shared", "private", "lent", "public", "community")
    ),
    ("ownerless", "manager admin", "modify_image delete_image"),
    ("private", f"{WRITERS} service", "add_image_location"),
    ("private", f"{WRITERS} demoted", "get_image_location"),
    ("private", f"{WRITERS} demoted auditor", "get_member get_members"),
    (
        "lent",
        f"{WRITERS} demoted auditor partner watcher",
        "get_member get_members",
    ),
    ("new", f"{IN_VO} admin partner watcher elsewhere", "get_images"),
)
PER_USER = (
    ("private", f"{IN_VO} admin", "get_image"),
    ("shared", f"{IN_VO} admin", "get_image"),
    ("lent", f"{IN_VO} admin partner watcher", "get_image"),
    ("public", f"{READERS} auditor", "get_image"),
    ("new", f"{IN_VO} admin partner watcher elsewhere", "get_images"),
)
UNTOUCHED = (
    ("new", "owner other manager partner elsewhere admin", "add_image"),
    ("private", "admin", "publicize_image copy_image delete_image_location"),
    ("private", "owner other manager admin", "communitize_image"),
    ("private", "service admin", "fetch_image_location"),
    ("lent", "partner admin", "modify_member"),
)


def image_of(kind, project):
    """Return the image as Glance's database would give it to a project."""
    if kind == "new":
        return {"owner": project}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    properties = {} if kind == "ownerless" else {"user_id": "alice"}
    if kind == "forged":
        # What a user may write into an image is no membership.
        properties |= {"member": "partner", "member_id": "partner", "owner": "else"}
    is_open = kind in ("public", "community", "shared")
    return glance.domain.proxy.Image(
        domain.Image(
            image_id="6f1c9c0e-98d7-4b2a-9e5c-2d8c7a1b3e4f",
            status="active",
            created_at=at,
            updated_at=at,
            owner="vo",
            visibility=kind if is_open else {"lent": "shared"}.get(kind, "private"),
            member=project if kind == "lent" and project == "partner" else None,
            extra_properties=properties,
        )
    )


def lets(enforcer, persona, rule, kind):
    """Return whether Glance lets a persona through to an image."""
    context = glance_context.RequestContext(
        user_id=persona.user,
        project_id=persona.project,
        roles=list(persona.roles),
        policy_enforcer=enforcer,
    )
    image = image_of(kind, persona.project)
    asked = api_policy.ImageAPIPolicy(context, image, enforcer)
    return enforcer.check(context, rule, asked._target)


MATRIX = rules.Matrix(
    service="glance", lets=lets, personas=PERSONAS, name="{rule}-{what}"
)


@pytest.fixture
def enforcer(mode):
    """Put Glance's rules and the committed files of one mode into force."""
    opts.set_defaults(CONF)
    try:
        CONF.find_file("nothing.yaml")
    except cfg.NotInitializedError:
        CONF([], project="glance", default_config_files=[])
    CONF.set_override("policy_dirs", rules.folders("glance", mode), "oslo_policy")
    CONF.set_override("policy_file", "nothing.yaml", "oslo_policy")
    found = glance_policy.Enforcer(suppress_deprecation_warnings=True)
    found.load_rules()
    yield found
    CONF.clear_override("policy_dirs", "oslo_policy")
    CONF.clear_override("policy_file", "oslo_policy")


@pytest.mark.parametrize("cell", MATRIX.cells(SHARED))
def test_a_shared_project(enforcer, mode, cell):
    MATRIX.holds(enforcer, mode, cell)


@pytest.mark.parametrize("mode", [rulesets.PER_USER])
@pytest.mark.parametrize("cell", MATRIX.cells(PER_USER))
def test_a_project_for_each_user(enforcer, mode, cell):
    MATRIX.holds(enforcer, mode, cell)


@pytest.mark.parametrize("mode", ["", *rulesets.MODES])
@pytest.mark.parametrize("cell", MATRIX.cells(UNTOUCHED))
def test_what_stays_as_by_default(enforcer, mode, cell):
    MATRIX.holds(enforcer, mode, cell)


@pytest.mark.parametrize("mode", [""])
def test_by_default_all_of_the_project_see_a_shared_image(enforcer, mode):
    """It is what get_image is changed for; without it this file proves nothing."""
    assert {"other", "reader"} <= MATRIX.passing(enforcer, "get_image", "shared")
    assert "other" in MATRIX.passing(enforcer, "download_image", "shared")


@pytest.mark.parametrize(
    ("mode", "groups"), [(rulesets.SHARED, SHARED), (rulesets.PER_USER, PER_USER)]
)
def test_the_cells_are_of_all_rules_that_are_changed(mode, groups):
    MATRIX.covers(mode, groups)


@pytest.mark.parametrize("mode", rulesets.MODES)
def test_oslo_policy_finds_nothing_wrong(enforcer, mode):
    assert enforcer.check_rules(raise_on_violation=True)


def test_the_table_has_the_rules_and_defaults_of_glance():
    rules.table_is_of("glance", policies.list_rules())
