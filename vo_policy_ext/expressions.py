# SPDX-License-Identifier: Apache-2.0
"""Check strings of oslo.policy, read by oslo.policy itself, as plain values.

Owns: the tree of a check string, and what can be told by looking at it. Must
never: read the language in a way of its own; oslo.policy's parser is the only
one, and its checks decide each leaf. Read first: parsed.
"""

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from oslo_policy import policy

# oslo.policy asks this rule, if there is one, in place of a rule that is not there
# (its option policy_default_rule, which is taken to be as by default).
DEFAULT = "default"

_ATTRIBUTE = re.compile(r"%\(([^)]*)\)s")
# What oslo.policy has built in, and what a service's context says of the caller.
_BUILT_IN = frozenset({"rule", "role", "http", "https"})
CREDENTIALS = frozenset(
    {
        "domain_id",
        "is_admin",
        "is_admin_project",
        "project_domain_id",
        "project_id",
        "roles",
        "service_project_domain_id",
        "service_project_id",
        "service_roles",
        "service_user_domain_id",
        "service_user_id",
        "system_scope",
        "user_domain_id",
        "user_id",
    }
)


class Unreadable(ValueError):
    """oslo.policy cannot read the text: it would refuse everybody."""


@dataclass(frozen=True)
class Leaf:
    """One check, `kind:match`; `@` and `!` have no kind.

    `check` is oslo.policy's own object for it.
    """

    text: str
    kind: str
    match: str
    check: Any = field(compare=False, repr=False)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the target's attributes that it asks for, in order."""
        return tuple(_ATTRIBUTE.findall(self.match))

    @property
    def referred(self) -> str:
        """The name of the rule that it refers to; empty if it is another check."""
        return self.match if self.kind == "rule" else ""

    @property
    def is_remote(self) -> bool:
        """Whether code outside oslo.policy decides it: a server, or a plugin."""
        return bool(self.kind) and self.kind != "role" and _is_plugin(self.kind)


@dataclass(frozen=True)
class Every:
    """All parts must hold."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Either:
    """One part must hold."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Inverse:
    """The part must not hold."""

    part: "Expression"


Expression = Leaf | Every | Either | Inverse


@functools.lru_cache(maxsize=4096)
def parsed(text: str) -> Expression:
    """Return the tree of a check string. Raises Unreadable."""
    expression = _tree(policy.RuleDefault("parsed", text).check)
    # The parser says what it cannot read in the log alone, and puts a check
    # that is always false in its place.
    refusals = sum(leaf.text == "!" for leaf in leaves(expression))
    if refusals != sum(word.strip("()") == "!" for word in text.split()):
        raise Unreadable(f"{text!r} is no check string")
    for leaf in leaves(expression):
        _check_format(leaf)
    return expression


def leaves(expression: Expression) -> Iterator[Leaf]:
    """Yield each check of a tree, from left to right."""
    if isinstance(expression, Leaf):
        yield expression
    elif isinstance(expression, Inverse):
        yield from leaves(expression.part)
    else:
        for part in expression.parts:
            yield from leaves(part)


def written(expression: Expression) -> str:
    """Return the check string of a tree."""
    if isinstance(expression, Leaf):
        return expression.text
    if isinstance(expression, Inverse):
        return f"not {_inner(expression.part)}"
    word = " and " if isinstance(expression, Every) else " or "
    return word.join(_inner(part) for part in expression.parts)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came out of an expression for one caller and one target.

    `parts` are the verdicts of its parts, or of the rule that it refers to. All
    are there, the ones too that oslo.policy would not look at any more.
    """

    expression: Expression
    granted: bool
    parts: tuple["Verdict", ...] = ()
    note: str = ""


def judged(
    expression: Expression,
    rules: Mapping[str, Expression],
    *,
    target: Mapping[str, Any],
    caller: Mapping[str, Any],
    remote: bool = False,
    within: tuple[str, ...] = (),
) -> Verdict:
    """Return what an expression comes to, as oslo.policy would decide it.

    `rules` are what `rule:` refers to. `caller` are the credentials as a
    service's context gives them. `remote` is taken for the checks of servers and
    plugins: they are not asked. `within` are the rules on the way to here.
    """

    def inner(part: Expression, *, way: tuple[str, ...] = within) -> Verdict:
        return judged(
            part, rules, target=target, caller=caller, remote=remote, within=way
        )

    if isinstance(expression, Every | Either):
        parts = tuple(map(inner, expression.parts))
        combine = all if isinstance(expression, Every) else any
        granted = combine(part.granted for part in parts)
        return Verdict(expression=expression, granted=granted, parts=parts)
    if isinstance(expression, Inverse):
        part = inner(expression.part)
        return Verdict(expression=expression, granted=not part.granted, parts=(part,))
    name = expression.referred
    if not name:
        note = "not asked here" if expression.is_remote else ""
        granted = remote if note else _holds(expression, target, caller)
        return Verdict(expression=expression, granted=granted, note=note)
    found = name if name in rules else DEFAULT
    if found not in rules or found in within:
        note = "goes round in a circle" if found in within else "there is no such rule"
        return Verdict(expression=expression, granted=False, note=note)
    part = inner(rules[found], way=(*within, found))
    return Verdict(
        expression=expression,
        granted=part.granted,
        parts=(part,),
        note="" if found == name else f"no such rule, so {DEFAULT} decides",
    )


def fault_of_kind(leaf: Leaf) -> str:
    """Return what is wrong with the kind of a check, empty if nothing is."""
    if not leaf.kind or leaf.kind in _BUILT_IN or _is_plugin(leaf.kind):
        return ""
    try:
        ast.literal_eval(leaf.kind)
        return ""
    except ValueError:
        known = leaf.kind.partition(".")[0] in CREDENTIALS
    except SyntaxError:
        known = False
    return "" if known else f"nothing can check {leaf.kind!r}"


def _holds(leaf: Leaf, target: Mapping[str, Any], caller: Mapping[str, Any]) -> bool:
    try:
        return bool(leaf.check(target, dict(caller), None))
    # A kind that is no Python at all: oslo.policy fails on it, and so on the
    # request. It grants nothing.
    except SyntaxError:
        return False


@functools.cache
def _plugins() -> frozenset[str]:
    found = metadata.entry_points(group="oslo.policy.rule_checks")
    return frozenset(point.name for point in found)


def _is_plugin(kind: str) -> bool:
    return kind in ("http", "https") or kind in _plugins()


def _tree(check: Any) -> Expression:
    if isinstance(check, policy.AndCheck):
        return Every(tuple(map(_tree, check.rules)))
    if isinstance(check, policy.OrCheck):
        return Either(tuple(map(_tree, check.rules)))
    if isinstance(check, policy.NotCheck):
        return Inverse(_tree(check.rule))
    # A check of a plugin may be of any class; @ and ! have no kind.
    kind, match = getattr(check, "kind", ""), getattr(check, "match", "")
    return Leaf(f"{kind}:{match}" if kind else str(check), kind, match, check)


def _check_format(leaf: Leaf) -> None:
    """Raise Unreadable for a sign of a format that is no %(name)s.

    Such a check fails on each request, or compares with the whole target.
    """
    if "%" in _ATTRIBUTE.sub("", leaf.match).replace("%%", ""):
        raise Unreadable(f"{leaf.text!r} is misread: an attribute is written %(name)s")


def _inner(part: Expression) -> str:
    whole = written(part)
    return whole if isinstance(part, Leaf | Inverse) else f"({whole})"
