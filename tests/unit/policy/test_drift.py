# SPDX-License-Identifier: Apache-2.0
"""What is said of a service that differs in one thing from the tables."""

import dataclasses

import pytest

from vo_policy_ext import drift, installed
from vo_policy_ext.call_sites import CALLER, NONE, OWNER, UNKNOWN, Site
from vo_policy_ext.drift import WATCHED, Known
from vo_policy_ext.installed import Installed, Rule
from vo_policy_ext.routes import Access, Route, Table
from vo_policy_ext.targets import Row, Target

FILE = "nova/api/servers.py"
OWNED = {"user_id", "project_id"}
ASKER = Site("<class P>", FILE, "target = x")
MADE = Site("servers:create", FILE, "target | given by the caller")


def row(name: str, target: Target, default: str, *operations: str) -> Row:
    return Row(
        name=name,
        target=target,
        attributes=frozenset(OWNED),
        default=default,
        operations=operations,
    )


THEN = Known(
    rules={
        r.name: r
        for r in (
            row("admin", Target.ALIAS, "role:admin"),
            row("servers:stop", Target.OWNER, "rule:member", "POST /servers/{id}"),
            row("servers:show", Target.NONE, "rule:reader", "GET /servers/{id}"),
            row("servers:create", Target.CALLER, "rule:member", "POST /servers"),
            row("servers:hidden", Target.OWNER, "rule:member"),
        )
    },
    sites={
        MADE.key: CALLER,
        ASKER.key: WATCHED,
        ("servers:hidden", "", ""): OWNER,
    },
    paths=Table(
        [
            Route(path="/servers", access=Access.LIST),
            Route(path="/servers/{server}", access=Access.OWNED),
            Route(path="/schemas/{name}", access=Access.OPEN),
        ]
    ),
    table="tables/nova.csv",
)
NOW = Installed(
    rules=(
        Rule(name="admin", default="role:admin"),
        Rule(
            name="servers:stop",
            default="rule:member",
            operations=("POST /servers/{id}",),
            formerly="servers:stop",
        ),
        Rule(
            name="servers:show",
            default="rule:reader",
            operations=("GET /servers/{id}",),
        ),
        Rule(
            name="servers:create", default="rule:member", operations=("POST /servers",)
        ),
        Rule(name="servers:hidden", default="rule:member"),
    ),
    sites=(
        ASKER,
        MADE,
        Site("servers:show", FILE, "{'project_id': s.project_id}", NONE),
        Site("servers:stop", FILE, "{'user_id': s.user_id}", OWNER),
    ),
    paths={
        "/servers": True,
        "/servers/{id}": True,
        "/servers/new": False,
        "/schemas/image": True,
        "/schemas/task": True,
    },
)


def change(**changes) -> tuple[str, ...]:
    return drift.compared(dataclasses.replace(NOW, **changes), THEN)


def with_rule(name: str, **changes) -> tuple[str, ...]:
    return change(
        rules=tuple(
            dataclasses.replace(rule, **changes) if rule.name == name else rule
            for rule in NOW.rules
        )
    )


def without(name: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in NOW.rules if rule.name != name)


def with_site(*sites: Site, instead_of: Site | None = None) -> tuple[str, ...]:
    kept = tuple(site for site in NOW.sites if site != instead_of)
    return change(sites=kept + sites)


def one(lines: tuple[str, ...]) -> str:
    (line,) = lines
    return line


def test_the_same():
    assert drift.compared(NOW, THEN) == ()


class TestRules:
    def test_a_default(self):
        line = one(with_rule("servers:stop", default="@"))
        assert line.startswith(
            "servers:stop: the default changed from 'rule:member' to '@'. "
        )
        assert "Read the release note, then put the new default into tables" in line

    def test_the_operations(self):
        line = one(with_rule("servers:create", operations=()))
        assert "changed from POST /servers to no operation" in line
        assert "See that the filter has each path" in line

    def test_the_order_of_operations_is_nothing(self):
        both = ("POST /servers/{id}", "POST /servers")
        stop = dataclasses.replace(THEN.rules["servers:stop"], operations=both)
        then = dataclasses.replace(THEN, rules={**THEN.rules, stop.name: stop})
        turned = dataclasses.replace(NOW.rules[1], operations=both[::-1])
        now = dataclasses.replace(NOW, rules=(*without("servers:stop"), turned))
        assert drift.compared(now, then) == ()

    def test_one_that_the_service_will_drop(self):
        line = one(with_rule("servers:stop", going=True))
        assert line.startswith("servers:stop is deprecated: the service will drop it.")
        known = dataclasses.replace(THEN, going=frozenset({"servers:stop"}))
        now = dataclasses.replace(NOW.rules[1], going=True)
        rules = (*without("servers:stop"), now)
        assert drift.compared(dataclasses.replace(NOW, rules=rules), known) == ()

    def test_a_new_one_whose_class_the_source_tells(self):
        new = Rule(name="servers:x", default="@", operations=("GET /x",))
        line = one(
            change(
                rules=(*NOW.rules, new),
                sites=(*NOW.sites, Site("servers:x", FILE, "", CALLER)),
            )
        )
        assert line.startswith(
            "a new rule servers:x, with the default '@', of class CALLER, for GET /x: "
            "nobody has looked at it; the filter refuses its path if that is new too."
        )
        assert f"Read where it is asked ({FILE})" in line

    def test_a_new_one_that_is_asked_nowhere(self):
        new = Rule(name="servers:x", default="@")
        line = one(change(rules=(*NOW.rules, new)))
        assert "of class unknown, for no operation" in line
        assert "(no file that is read)" in line

    def test_a_new_name(self):
        new = Rule(name="servers:halt", default="rule:member", formerly="servers:stop")
        line = one(change(rules=(*without("servers:stop"), new)))
        assert line.startswith("servers:stop is named servers:halt now, with")
        assert "of the old name may do nothing" in line

    def test_one_that_is_gone(self):
        line = one(change(rules=without("servers:stop")))
        assert line.startswith("servers:stop is gone")
        assert "Find what guards POST /servers/{id} now" in line


class TestSites:
    def test_another_class(self):
        line = one(
            with_site(Site("servers:stop", FILE, "", CALLER), instead_of=NOW.sites[3])
        )
        assert line.startswith(
            "servers:stop: the target's class changed from OWNER to CALLER (the ids "
            "of the caller: a check of user_id is true for everybody)."
        )
        assert f"Read {FILE}, mend tables/nova.csv" in line

    def test_a_second_site_of_another_class(self):
        line = one(with_site(Site("servers:stop", "nova/b.py", "{}", NONE)))
        assert "changed from OWNER to MIXED" in line
        assert f"Read {FILE}, nova/b.py" in line

    def test_a_second_site_of_the_same_class(self):
        assert with_site(Site("servers:stop", "nova/b.py", "x", OWNER)) == ()

    def test_one_that_nobody_has_judged(self):
        new = Site("servers:create", FILE, "made(x)", UNKNOWN)
        line = one(with_site(new, instead_of=MADE))
        assert line.startswith(f"{FILE} asks servers:create about 'made(x)': this is")
        assert "add a row with this rule, file and target" in line

    def test_a_rule_whose_name_is_made_at_run_time(self):
        line = one(with_site(Site("<name>", FILE, "", CALLER)))
        assert line.startswith(f"{FILE} asks <name> about 'no target': this is new")

    def test_a_site_of_no_rule_whose_class_is_told(self):
        assert with_site(Site("other:rule", FILE, "", CALLER)) == ()

    def test_one_that_was_watched_is_gone(self):
        line = one(with_site(instead_of=ASKER))
        assert line.startswith(f"{FILE} does not ask <class P> about 'target = x' any")

    def test_a_rule_that_is_asked_no_more(self):
        line = one(with_site(instead_of=NOW.sites[2]))
        assert line.startswith("servers:show (class NONE) is asked nowhere")

    def test_a_judged_site_that_is_gone_leaves_its_rule_unasked(self):
        line = one(with_site(instead_of=MADE))
        assert line.startswith("servers:create (class CALLER) is asked nowhere")


class TestPaths:
    def test_a_new_one(self):
        line = one(change(paths={**NOW.paths, "/servers/{id}/spy": True}))
        assert line.startswith(
            "a new path /servers/{id}/spy: the filter does not have it and refuses it"
        )

    def test_a_new_one_beside_the_ids(self):
        line = one(change(paths={**NOW.paths, "/servers/all": True}))
        assert line.startswith("a new path /servers/all: ")

    @pytest.mark.parametrize(
        ("gone", "named"),
        [
            (["/servers"], "/servers"),
            (["/servers/{id}", "/servers/new"], "/servers/{server}"),
            (["/schemas/image", "/schemas/task"], "/schemas/{name}"),
        ],
    )
    def test_one_that_is_gone(self, gone: list[str], named: str):
        paths = {p: answered for p, answered in NOW.paths.items() if p not in gone}
        line = one(change(paths=paths))
        assert line.startswith(f"the path {named} is gone from the API.")

    def test_a_router_that_cannot_be_read(self):
        line = one(change(paths={}, unread="AttributeError: ROUTE_LIST"))
        assert "cannot be read from the service's router (AttributeError" in line
        assert "A new path is refused to plain users all the same" in line


class Resource:
    """What a router has for a path."""

    def __init__(self, *methods: str, actions: tuple[str, ...] = ()) -> None:
        self.controller = type("Controller", (), dict.fromkeys(methods, print))()
        self.wsgi_actions = actions


class TestReading:
    def test_a_service_that_is_not_there(self):
        with pytest.raises(
            installed.NotInstalledError, match="nosuch is not installed"
        ):
            installed.read("nosuch")

    def test_nor_in_a_process_of_its_own(self):
        with pytest.raises(installed.NotInstalledError, match="nosuch is not"):
            drift.differences("nosuch")

    def test_the_paths_of_a_router(self):
        routes = [
            ("/{project_id:[0-9a-f]+}/volumes/:(id)", Resource("show"), "show"),
            ("/volumes/:volume_id/tags/{tag}", Resource("show"), "show"),
            ("/{project_id}/default-types/{id}", Resource("x"), "x"),
            ("volumes/new", Resource("show"), "new"),
            ("/volumes.:(format)", Resource("show"), "show"),
            ("/volumes/:(id)/action", Resource(actions=("os-x",)), "action"),
            ("/groups/:(id)/action", Resource(), "action"),
            ("", None, ""),
        ]
        mapper = type("Mapper", (), {})()
        mapper.matchlist = [
            type(
                "Route",
                (),
                {
                    "routepath": path,
                    "defaults": {"controller": resource, "action": action},
                },
            )
            for path, resource, action in routes
        ]
        assert dict(installed.read_paths(mapper)) == {
            "/volumes/{id}": True,
            "/volumes/{volume_id}/tags/{tag}": True,
            "/default-types/{id}": True,
            "/volumes/new": False,
            "/volumes/{id}/action": True,
            "/groups/{id}/action": False,
            "/": False,
        }

    def test_a_rule_as_a_service_registers_it(self):
        from oslo_policy import policy

        old = policy.DeprecatedRule(
            name="a:old", check_str="", deprecated_reason="x", deprecated_since="1"
        )
        operations = [
            {"method": "GET", "path": "/a"},
            {"method": ["PUT", "POST"], "path": "/a/{id}"},
        ]
        new = policy.DocumentedRuleDefault(
            "a:new", "@", "What it is.", operations, deprecated_rule=old
        )
        assert installed.read_rule(new) == Rule(
            name="a:new",
            default="@",
            operations=("GET /a", "PUT /a/{id}", "POST /a/{id}"),
            formerly="a:old",
        )
        assert installed.read_rule(policy.RuleDefault("b", "!")) == Rule(
            name="b", default="!"
        )
