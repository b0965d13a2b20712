# SPDX-License-Identifier: Apache-2.0
"""What is read of a service's source, from small sources written here."""

from pathlib import Path

import pytest

from vo_policy_ext import call_sites
from vo_policy_ext.call_sites import CALLER, MIXED, NONE, OWNER, UNKNOWN, Site


@pytest.fixture
def found(tmp_path: Path):
    """Return a function that reads one module of a service, beside its constants."""

    def of(body: str, service: str = "nova", file: str = "api/x.py"):
        policies = tmp_path / service / "policies"
        policies.mkdir(parents=True, exist_ok=True)
        (policies / "__init__.py").write_text("ALL = 'all'\n", encoding="utf-8")
        (policies / "base.py").write_text("ROOT = 'os'\n", encoding="utf-8")
        (policies / "servers.py").write_text(
            f"from {service}.policies import base\n"
            "POLICY = base.ROOT + ':%s'\n"
            "SHOW = POLICY % 'show'\n"
            "MADE = make()\n"
            "a.b = 'x'\n"
            "import os.path as nothing\n",
            encoding="utf-8",
        )
        path = tmp_path / service / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
        return call_sites.sites(tmp_path, service)

    return of


def one(found: tuple[Site, ...]) -> Site:
    (site,) = found
    return site


HEAD = "from nova.policies import servers as sp\n"


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        ("sp.SHOW", "os:show"),
        ("sp.POLICY % 'list'", "os:list"),
        ("sp.POLICY + 'x'", "os:%sx"),
        ("'plain'", "plain"),
        ("action='plain'", "plain"),
        ("sp.MADE", "<sp.MADE>"),
        ("sp.POLICY % x", "<sp.POLICY % x>"),
        ("'%s%s' % 'x'", "<'%s%s' % 'x'>"),
        ("'%s' - 'x'", "<'%s' - 'x'>"),
        ("other.SHOW", "<other.SHOW>"),
        ("a.b.SHOW", "<a.b.SHOW>"),
        ("name", "<name>"),
        ("1", "<1>"),
        ("", "<>"),
        ("*a", "<>"),
    ],
)
def test_the_name_of_a_rule(found, call: str, rule: str):
    assert one(found(f"{HEAD}context.can({call})\n")).rule == rule


@pytest.mark.parametrize(
    "source",
    [
        "from nova.policies.servers import SHOW\ncontext.can(SHOW)\n",
        "SHOW = 'os:show'\ncontext.can(SHOW)\n",
        "import nova.policies.servers as s\ncontext.can(s.SHOW)\n",
        HEAD + "def f():\n    rule = sp.POLICY % 'show'\n    context.can(rule)\n",
    ],
)
def test_the_places_where_a_name_comes_from(found, source: str):
    assert one(found(source)).rule == "os:show"


@pytest.mark.parametrize(
    "source",
    [
        # Two values, and which of them it is shows at run time alone.
        "def f():\n    rule = 'a'\n    rule = 'b'\n    context.can(rule)\n",
        "def f(rule):\n    context.can(rule)\n",
        "from elsewhere import rule\ncontext.can(rule)\n",
        "from .x import rule\ncontext.can(rule)\n",
        "import rule\ncontext.can(rule)\n",
        "import nowhere as there\nrule = there.RULE\ncontext.can(rule)\n",
    ],
)
def test_a_name_that_is_not_told(found, source: str):
    assert one(found(source)).rule == "<rule>"


OWNERS = "{'user_id': server.user_id, 'project_id': server.project_id}"
CALLERS = "{'user_id': context.user_id, 'project_id': context.project_id}"
PROJECTS = "{'project_id': server.project_id}"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("", CALLER),
        (", None", CALLER),
        (", target=None", CALLER),
        (", {}", NONE),
        (f", {PROJECTS}", NONE),
        (f", target={PROJECTS}", NONE),
        (f", {OWNERS}", OWNER),
        (f", target={OWNERS}, fatal=False", OWNER),
        (f", {CALLERS}", CALLER),
        (", {'user_id': self._context.user_id}", CALLER),
        (", {'user_id': user_id}", OWNER),
        (", {name: x}", UNKNOWN),
        (", {**other}", UNKNOWN),
        (", instance", UNKNOWN),
        (", make(instance)", UNKNOWN),
        (", *more", UNKNOWN),
        (", **more", UNKNOWN),
    ],
)
def test_the_class_of_a_target(found, target: str, expected: str):
    site = one(found(f"context.can('rule'{target})\n"))
    assert (site.rule, site.target_class) == ("rule", expected)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f"t = {OWNERS}"], OWNER),
        ([f"t: dict = {OWNERS}"], OWNER),
        ([f"t = {CALLERS}"], CALLER),
        (["t = None", "if x:", f"    t = {PROJECTS}"], MIXED),
        (["t = {}", "if x:", f"    t = {PROJECTS}"], NONE),
        ([f"t = {PROJECTS}", "t['user_id'] = x"], UNKNOWN),
        ([f"t = {PROJECTS}", "t.x.y = x"], UNKNOWN),
        ([f"t = {PROJECTS}", "t.update(x)"], UNKNOWN),
        ([f"t = {PROJECTS}", "t |= x"], UNKNOWN),
        (["t = server.target()"], UNKNOWN),
        (["a, b = 1, 2"], UNKNOWN),
    ],
)
def test_the_class_of_a_variable(found, lines: list[str], expected: str):
    body = "".join(f"    {line}\n" for line in [*lines, "context.can('rule', t)"])
    assert one(found(f"def f():\n{body}")).target_class == expected


def test_what_a_parameter_is_nobody_knows(found):
    site = one(found("async def f(self, t):\n    context.can('rule', t)\n"))
    assert site == Site("rule", "nova/api/x.py", "t | given by the caller", UNKNOWN)


def test_a_function_within_a_function_asks_about_the_outer_ones_variable(found):
    body = f"def f():\n    t = {OWNERS}\n    def g():\n        c.can('rule', t)\n"
    assert one(found(body)).target_class == OWNER


def test_a_method_of_a_controller(found):
    body = (
        f"class C:\n    def f(self, t):\n        self.context.can('rule', {OWNERS})\n"
    )
    assert one(found(body)).target_class == OWNER


def test_the_text_of_a_target_is_the_same_however_it_is_laid_out(found):
    first = one(found("c.can('rule',\n      {  'a':1 })\n"))
    second = one(found("c.can('rule', target={'a': 1})\n"))
    assert first.key == second.key == ("rule", "nova/api/x.py", "{'a': 1}")


@pytest.mark.parametrize("file", ["tests/unit/x.py", "policy.py", "context.py"])
def test_files_that_are_left_out(found, file: str):
    assert found("context.can('rule')\n", file=file) == ()


def test_what_is_called_the_same_and_is_none(found):
    body = "context.can\nitems.authorize('rule')\nf()()\n# context.can('rule')\n"
    assert found(body) == ()


@pytest.mark.parametrize(
    ("call", "rule", "expected"),
    [
        ("context.authorize('rule')", "rule", CALLER),
        ("ctxt.authorize('rule', target_obj=volume)", "rule", OWNER),
        ("context.authorize('rule', target_obj=attachment)", "rule", UNKNOWN),
        ("context.authorize('rule', target={'project_id': id})", "rule", NONE),
        ("self.authorize(context, 'reset', target_obj=volume)", "reset", OWNER),
        ("cinder.policy.authorize(context, 'rule', {})", "rule", NONE),
        ("utils.validate_project_and_authorize(c, id, 'rule')", "rule", UNKNOWN),
    ],
)
def test_the_ways_of_cinder(found, call: str, rule: str, expected: str):
    site = one(found(f"{call}\n", service="cinder"))
    assert (site.rule, site.target_class) == (rule, expected)


ASKER = """
class {name}(APIPolicyBase):
    def __init__(self, context, image):
        target = policy.ImageTarget(image)
        target['x'] = 1
        self.other = 2
    def get(self):
        self._enforce('get_image')
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ImageAPIPolicy", OWNER), ("MetadefAPIPolicy", NONE), ("NewAPIPolicy", UNKNOWN)],
)
def test_a_class_of_glance_that_asks(found, name: str, expected: str):
    watched, asked = found(ASKER.format(name=name), service="glance")
    assert watched.rule == f"<class {name}>"
    assert watched.target == ("target = policy.ImageTarget(image) | target['x'] = 1")
    assert (asked.rule, asked.target, asked.target_class) == (
        "get_image",
        name,
        expected,
    )


def test_a_use_of_such_a_class_is_watched(found):
    body = "p.ImageAPIPolicy(req.context, image, self.policy, enforcer=e).get()\n"
    assert one(found(body, service="glance")).key == (
        "<ImageAPIPolicy>",
        "glance/api/x.py",
        "image",
    )
    body = "ImageAPIPolicy(c, context=c, image=x)\n"
    assert one(found(body, service="glance")).target == "image=x"


def test_glance_takes_no_target_for_the_callers(found):
    body = "self._enforce(req)\nself.policy.enforce(c, 'get_images', {})\n"
    images, request = sorted(found(body, service="glance"), key=lambda s: s.rule)[::-1]
    assert (images.rule, images.target_class) == ("get_images", NONE)
    assert (request.rule, request.target_class) == ("<req>", UNKNOWN)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ((), UNKNOWN),
        ((OWNER,), OWNER),
        ((OWNER, OWNER), OWNER),
        ((OWNER, NONE), MIXED),
        ((OWNER, UNKNOWN), UNKNOWN),
    ],
)
def test_the_class_of_a_rule(classes: tuple[str, ...], expected: str):
    sites = [Site("rule", str(i), "", c) for i, c in enumerate(classes)]
    assert call_sites.classified(sites) == expected


def test_a_file_that_this_python_cannot_read(found):
    with pytest.raises(SyntaxError):
        found("context.can(\n")
