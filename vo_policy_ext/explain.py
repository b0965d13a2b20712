# SPDX-License-Identifier: Apache-2.0
"""Why a rule lets a user in or not, step by step, and what the filter adds.

Owns: the question, and the answer in lines for a person. Must never: decide a
check by itself; expressions.judged asks oslo.policy, and the filter's own table
of routes says what it keeps apart. Read first: explained.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vo_policy_ext import expressions, wsgi
from vo_policy_ext.caller import Caller
from vo_policy_ext.expressions import Every, Expression, Inverse, Leaf, Verdict
from vo_policy_ext.routes import Access, Table
from vo_policy_ext.targets import RELEASES, Row, Target, table

_PLACE = re.compile(r"\{[^}]*\}")
_ANY_ID = "00000000-0000-4000-8000-000000000000"
_WRONG = "The rule is handed no {name}. There is: {there}."


class CannotTell(Exception):
    """The question does not fit the rule."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Who asks, and whose the resource is.

    `given` are more attributes of the target, such as visibility of an image.
    """

    user: str
    project: str
    roles: tuple[str, ...]
    owner: str
    target_project: str
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def credentials(self) -> dict[str, object]:
        """What a service's context would say of the user."""
        return {
            "user_id": self.user,
            "project_id": self.project,
            "roles": list(self.roles),
            "is_admin": self.caller.is_admin,
            "is_admin_project": True,
            "system_scope": None,
            "domain_id": None,
            "service_roles": [],
        }

    @property
    def caller(self) -> Caller:
        """The user as the filter sees it."""
        roles = frozenset(role.lower() for role in self.roles)
        return Caller(
            user_id=self.user,
            project_id=self.project,
            roles=roles,
            is_admin="admin" in roles,
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer in lines, and what it comes to."""

    allowed: bool
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Filtered:
    """What the filter does with one operation. `passes` is None if it is unknown."""

    passes: bool | None
    text: str


def explained(
    service: str,
    rule: str,
    question: Question,
    rules: Mapping[str, Expression],
    *,
    has_filter: bool,
) -> Answer:
    """Return why the rule lets the user in or not.

    `rules` are those that hold at the service, defaults among them. Raises
    CannotTell for a rule that is not there and for attributes that it has not.
    """
    row = _row(service, rule, rules)
    target = _target(row, question)
    verdict = expressions.judged(
        rules[rule], rules, target=target, caller=question.credentials
    )
    handed = ", ".join(f"{name}={value}" for name, value in sorted(target.items()))
    lines = [
        f"rule      {rule} ({service} {RELEASES[service]})",
        *(f"asked for {operation}" for operation in row.operations),
        f"check     {expressions.written(rules[rule])}",
        f"target    {row.target.name}: {row.target.value}",
        f"          {handed or 'nothing'}",
        f"caller    user {question.user}, project {question.project}, "
        f"roles {', '.join(question.roles) or '-'}",
        f"policy    {'allows' if verdict.granted else 'denies'} it:",
        *_steps(verdict, target, question, depth=1),
    ]
    filtered = []
    if has_filter:
        filtered = [
            _through_filter(service, operation, question)
            for operation in row.operations
        ]
        lines += [
            f"filter    {text}" for text in dict.fromkeys(f.text for f in filtered)
        ]
    stopped = bool(filtered) and all(f.passes is False for f in filtered)
    lines.append(f"verdict   {_verdict(row, verdict.granted, stopped, has_filter)}")
    return Answer(allowed=verdict.granted and not stopped, lines=tuple(lines))


def _row(service: str, rule: str, rules: Mapping[str, Expression]) -> Row:
    if rule not in rules:
        raise CannotTell(f"{service} {RELEASES[service]} has no rule {rule}.")
    row = table(service).get(rule)
    if row is not None and row.target is not Target.ALIAS:
        return row
    every = {name for other in table(service).values() for name in other.attributes}
    return Row(
        name=rule,
        target=Target.ALIAS,
        attributes=frozenset(every),
        default="",
        operations=(),
    )


def _target(row: Row, question: Question) -> dict[str, str]:
    """Return what the service would hand to the rule."""
    for name in question.given:
        if name not in row.attributes:
            there = ", ".join(sorted(row.attributes)) or "nothing"
            raise CannotTell(_WRONG.format(name=name, there=there))
    project, user = question.target_project, question.owner
    if row.target is Target.CALLER:
        project, user = question.project, question.user
    known = {"project_id": project, "owner": project, "user_id": user}
    known["visibility"] = "private"
    found = {name: known[name] for name in known if name in row.attributes}
    return found | dict(question.given)


def _steps(
    verdict: Verdict, target: Mapping[str, str], question: Question, *, depth: int
) -> Iterator[str]:
    parts = verdict.parts
    text = expressions.written(verdict.expression)
    if isinstance(verdict.expression, Leaf):
        if parts:
            note = f" ({verdict.note})" if verdict.note else ""
            text += f" = {expressions.written(parts[0].expression)}{note}"
            parts = parts[0].parts or parts
        else:
            text += _because(verdict, verdict.expression, target, question)
    elif isinstance(verdict.expression, Inverse):
        text += " (the other way round)"
    else:
        text = "all of" if isinstance(verdict.expression, Every) else "one of"
    yield f"{'  ' * depth}{'[yes]' if verdict.granted else '[no] '} {text}"
    for part in parts:
        yield from _steps(part, target, question, depth=depth + 1)


def _because(
    verdict: Verdict, leaf: Leaf, target: Mapping[str, str], question: Question
) -> str:
    """Return what decided one check."""
    if verdict.note:
        return f": {verdict.note}"
    missing = [name for name in leaf.attributes if name not in target]
    if missing:
        return f": the target has no {missing[0]}"
    if leaf.kind == "role":
        return "" if verdict.granted else ": the caller has not this role"
    if not leaf.kind:
        return ""
    wanted = leaf.match % target
    if leaf.kind not in question.credentials:
        return f": it is {wanted}"
    return f": {wanted} is wanted, the caller's is {question.credentials[leaf.kind]}"


def _through_filter(service: str, operation: str, question: Question) -> _Filtered:
    """Return what the filter does with an operation, `POST /servers/{id}/action`."""
    method, _, rest = operation.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    routes: Table = importlib.import_module(f"vo_policy_ext.{service}_routes").TABLE
    match = routes.match(_PLACE.sub(_ANY_ID, path), project_id=question.project)
    if match is None:
        return _Filtered(None, f"has no path {path}; it answers 404 to all but admins")
    route = match.route
    if wsgi.is_free(question.caller, match, method):
        return _Filtered(True, f"lets the caller's roles through at {path}")
    if route.access is Access.PROJECT:
        return _Filtered(False, f"answers 403 at {path}: {route.access.value}")
    if match.owned is not None:
        if question.owner == question.user or _is_offered(match.owned[0], question):
            return _Filtered(True, f"lets the user through at {path}")
        whose = f"it is {question.owner}'s, not {question.user}'s"
        return _Filtered(False, f"answers 404 at {path}: {whose}")
    return _Filtered(True, f"lets it through at {path}: {route.access.value}")


def _is_offered(kind: str, question: Question) -> bool:
    """Return whether the filter leaves it to Glance who may use an image."""
    is_open = question.given.get("visibility") in ("public", "community")
    return kind == "image" and (is_open or question.target_project != question.project)


def _verdict(row: Row, granted: bool, stopped: bool, has_filter: bool) -> str:
    if stopped:
        return "denied by the filter" + (
            ", before the policy is asked" if not granted else "; the policy allows it"
        )
    if not granted:
        return "denied by the policy"
    if row.target in (Target.OWNER, Target.ALIAS) or not row.operations:
        return "allowed"
    if has_filter:
        return "allowed; it is the filter, not this rule, that keeps users apart here"
    return "allowed; this rule tells projects apart, and not the users of one"
