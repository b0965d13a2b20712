# SPDX-License-Identifier: Apache-2.0
"""Where the source of a service asks its policy, and about whose resource.

Owns: the reading of Nova's, Cinder's and Glance's Python source, as text: for
each question the rule and the target. Must never: import or run what it reads,
or call a target somebody's own when the text does not show it. Read first:
sites, then classified.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

OWNER = "OWNER"
CALLER = "CALLER"
NONE = "NONE"
MIXED = "MIXED"
UNKNOWN = ""


@dataclass(frozen=True, order=True)
class Site:
    """One question to the policy.

    `rule` is the rule's name, or the source text between `<` and `>` where the
    name is made at run time. `file` is relative to the folder that the package
    is in. `target` is the normalised source of what the rule is asked about,
    empty if nothing is given. `target_class` is UNKNOWN where the text does not
    tell.
    """

    rule: str
    file: str
    target: str
    target_class: str = UNKNOWN

    @property
    def key(self) -> tuple[str, str, str]:
        """What is recorded of a site that a person had to classify."""
        return self.rule, self.file, self.target


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A method that asks the policy, and the places of its arguments.

    `on` is a pattern for the source of what the method is called on.
    """

    method: str
    rule: int
    target: int
    on: str = ""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one service asks its policy.

    `own`: the files that define the gates, and what only looks like one.
    `omitted`: the class of a target that is not given. `owned`: names of the
    variables that hold an object with the user_id of its owner. `askers`: the
    classes that ask about one target each, with its class; `asker` is the end
    of the name of any such class.
    """

    gates: tuple[Gate, ...]
    own: tuple[str, ...]
    omitted: str = CALLER
    owned: frozenset[str] = frozenset()
    asker: str = ""
    askers: Mapping[str, str] = field(default_factory=dict)


DIALECTS = {
    "nova": Dialect(
        gates=(
            Gate(method="can", rule=0, target=1),
            Gate(method="authorize", rule=1, target=2, on="policy$"),
        ),
        own=("nova/context.py", "nova/policy.py", "nova/cmd/policy.py"),
    ),
    "cinder": Dialect(
        gates=(
            Gate(method="authorize", rule=0, target=1, on="(context|ctxt)$"),
            Gate(method="authorize", rule=1, target=2, on="(policy|^self)$"),
            Gate(method="validate_project_and_authorize", rule=2, target=1),
        ),
        own=("cinder/context.py", "cinder/policy.py"),
        owned=frozenset(
            "backup current_snapshot group group_snapshot gsnapshot snapshot vol "
            "volume volume_ref vref".split()
        ),
    ),
    "glance": Dialect(
        gates=(
            Gate(method="_enforce", rule=0, target=1),
            Gate(method="enforce", rule=1, target=2, on="(policy|enforcer)$"),
            Gate(method="check", rule=1, target=2, on="(policy|enforcer)$"),
        ),
        own=("glance/api/policy.py", "glance/quota/keystone.py"),
        omitted=UNKNOWN,
        asker="APIPolicy",
        # An image has no user_id of its own, but its properties are part of
        # the target, and the filter stamps the owner there.
        askers={
            "ImageAPIPolicy": OWNER,
            "MemberAPIPolicy": OWNER,
            "MetadefAPIPolicy": NONE,
            "TasksAPIPolicy": NONE,
            "DiscoveryAPIPolicy": NONE,
        },
    ),
}

_RULE_KEYWORDS = ("action", "rule_name", "new_policy", "policy_check")
_TARGET_KEYWORDS = ("target", "target_obj")
_CALLERS_ID = re.compile(r"(^|\.)_?(context|ctxt|ctx)\.user_id$")


def sites(root: Path, service: str) -> tuple[Site, ...]:
    """Return every call site of a service, sorted, each kind once.

    `root` is the folder that holds the service's package. Tests are left out.
    Raises SyntaxError for a file that this Python cannot read.
    """
    dialect = DIALECTS[service]
    constants = _Constants(root)
    words = [gate.method + "(" for gate in dialect.gates]
    words += [dialect.asker] if dialect.asker else []
    found: set[Site] = set()
    for path in sorted((root / service).rglob("*.py")):
        file = path.relative_to(root).as_posix()
        if "/tests/" in file or file in dialect.own:
            continue
        text = path.read_text(encoding="utf-8")
        if any(word in text for word in words):
            tree = ast.parse(text, filename=file)
            found |= set(_File(tree, file, dialect, constants).sites())
    return tuple(sorted(found))


def classified(found: Iterable[Site]) -> str:
    """Return the one class of a rule's sites, UNKNOWN if one is not known."""
    return _merged(site.target_class for site in found)


class _Constants:
    """The constants at the top of a package's modules, by their source."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.of = cache(self._of)

    def is_module(self, name: str) -> bool:
        return self._path(name) is not None

    def _path(self, name: str) -> Path | None:
        path = self._root.joinpath(*name.split("."))
        candidates = (path.with_suffix(".py"), path / "__init__.py")
        return next((c for c in candidates if c.is_file()), None)

    def _of(self, module: str) -> dict[str, str]:
        path = self._path(module)
        if path is None:
            return {}
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        found: dict[str, str] = {}
        names = _Names(_imports(tree), found, self)
        for statement in tree.body:
            if isinstance(statement, ast.Assign):
                value = names.text(statement.value)
                for target in statement.targets:
                    if isinstance(target, ast.Name) and value is not None:
                        found[target.id] = value
        return found


def _imports(tree: ast.Module) -> dict[str, str]:
    """Return the dotted name that each imported name stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            found |= {a.asname: a.name for a in node.names if a.asname}
    return found


class _Names:
    """The values that names have in one module, where they are plain text."""

    def __init__(
        self, imports: dict[str, str], own: dict[str, str], constants: _Constants
    ) -> None:
        self._imports = imports
        self._own = own
        self._constants = constants

    def text(self, node: ast.expr) -> str | None:
        """Return the text that an expression is, None if it is made at run time."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self._own.get(node.id) or self._imported(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = self._imports.get(node.value.id, "")
            return self._constants.of(module).get(node.attr) if module else None
        if isinstance(node, ast.BinOp):
            left, right = self.text(node.left), self.text(node.right)
            if left is None or right is None:
                return None
            if isinstance(node.op, ast.Add):
                return left + right
            if isinstance(node.op, ast.Mod) and left.count("%") == 1 and "%s" in left:
                return left.replace("%s", right)
        return None

    def _imported(self, name: str) -> str | None:
        module, _, attribute = self._imports.get(name, "").rpartition(".")
        if not module or not self._constants.is_module(module):
            return None
        return self._constants.of(module).get(attribute)


class _File:
    """One module of a service that asks the policy."""

    def __init__(
        self, tree: ast.Module, file: str, dialect: Dialect, constants: _Constants
    ) -> None:
        self._tree = tree
        self._file = file
        self._dialect = dialect
        module = file.removesuffix(".py").replace("/", ".")
        self._names = _Names(_imports(tree), constants.of(module), constants)

    def sites(self) -> Iterator[Site]:
        yield from self._below(self._tree, class_name="", function=None)

    def _below(
        self,
        node: ast.AST,
        *,
        class_name: str,
        function: ast.FunctionDef | ast.AsyncFunctionDef | None,
    ) -> Iterator[Site]:
        for child in ast.iter_child_nodes(node):
            inside, within = class_name, function
            if isinstance(child, ast.ClassDef):
                inside = child.name
                if self._asks(child.name):
                    yield Site(f"<class {child.name}>", self._file, _made(child))
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                # What a nested function asks about may be of the outer one.
                within = function or child
            elif isinstance(child, ast.Call):
                yield from self._asked(child, class_name, function)
            yield from self._below(child, class_name=inside, function=within)

    def _asks(self, name: str) -> bool:
        return bool(self._dialect.asker) and name.endswith(self._dialect.asker)

    def _asked(
        self, call: ast.Call, class_name: str, function: ast.AST | None
    ) -> Iterator[Site]:
        name = _called(call)
        if self._asks(name):
            yield Site(f"<{name}>", self._file, _arguments(call))
        on = call.func.value if isinstance(call.func, ast.Attribute) else None
        receiver = "" if on is None else ast.unparse(on)
        for gate in self._dialect.gates:
            if gate.method == name and re.search(gate.on, receiver):
                rule = _argument(call, gate.rule, _RULE_KEYWORDS)
                if self._asks(class_name):
                    target = class_name
                    known = self._dialect.askers.get(class_name, UNKNOWN)
                else:
                    given = _argument(call, gate.target, _TARGET_KEYWORDS)
                    target, known = self._target(call, given, function)
                yield Site(self._rule(rule, function), self._file, target, known)
                return

    def _rule(self, node: ast.expr | None, function: ast.AST | None) -> str:
        if node is None:
            return "<>"
        name = self._names.text(node)
        if name is None and isinstance(node, ast.Name):
            values = [self._names.text(v) for v in _assigned(node.id, function)]
            name = values[0] if len(values) == 1 else None
        return f"<{ast.unparse(node)}>" if name is None else name

    def _target(
        self, call: ast.Call, given: ast.expr | None, function: ast.AST | None
    ) -> tuple[str, str]:
        """Return the text of a target and its class."""
        if given is None:
            unreadable = any(k.arg is None for k in call.keywords) or any(
                isinstance(a, ast.Starred) for a in call.args
            )
            return ("*", UNKNOWN) if unreadable else ("", self._dialect.omitted)
        text = ast.unparse(given)
        if not isinstance(given, ast.Name):
            return text, self._class_of(given)
        if given.id in self._dialect.owned:
            return text, OWNER
        values = list(_assigned(given.id, function))
        text = " | ".join(dict.fromkeys([text, *map(ast.unparse, values)]))
        return text, _merged(self._class_of(value) for value in values)

    def _class_of(self, value: ast.expr) -> str:
        if isinstance(value, ast.Constant) and value.value is None:
            return self._dialect.omitted
        return _class_of_members(value) if isinstance(value, ast.Dict) else UNKNOWN


def _merged(found: Iterable[str]) -> str:
    classes = set(found)
    if not classes or UNKNOWN in classes:
        return UNKNOWN
    return classes.pop() if len(classes) == 1 else MIXED


def _class_of_members(value: ast.Dict) -> str:
    """Return the class of a target that is written out as a dictionary."""
    for key, member in zip(value.keys, value.values, strict=True):
        if not isinstance(key, ast.Constant):
            return UNKNOWN
        if key.value == "user_id":
            return CALLER if _CALLERS_ID.search(ast.unparse(member)) else OWNER
    return NONE


def _assigned(name: str, function: ast.AST | None) -> Iterator[ast.expr]:
    """Yield what may be in a variable: each value, and each statement that changes it.

    A parameter of the function is a value that nothing is known of.
    """
    for node in ast.walk(function) if function is not None else ():
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id == name and node.value:
                    yield node.value
                elif _base(target) == name:
                    yield target
        elif isinstance(node, ast.arg) and node.arg == name:
            yield ast.Name(id="given by the caller")
        elif isinstance(node, ast.Call) and _base(node.func) == name:
            yield node


def _base(node: ast.expr) -> str:
    """Return the variable that an attribute or an item is of."""
    if isinstance(node, ast.Attribute | ast.Subscript):
        inner = node.value
        return inner.id if isinstance(inner, ast.Name) else _base(inner)
    return ""


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _argument(call: ast.Call, place: int, names: tuple[str, ...]) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    if any(isinstance(argument, ast.Starred) for argument in call.args[: place + 1]):
        return None
    return call.args[place] if len(call.args) > place else None


def _arguments(call: ast.Call) -> str:
    """Return the arguments without the context and the enforcer, as text."""
    given = [ast.unparse(a) for a in call.args[1:2]]
    given += [
        f"{k.arg}={ast.unparse(k.value)}"
        for k in call.keywords
        if k.arg not in ("context", "enforcer")
    ]
    return ", ".join(given)


def _made(node: ast.ClassDef) -> str:
    """Return what a class makes its target of, as text."""
    values = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            text = ast.unparse(inner)
            if re.match(r"(self\._)?target\b", text):
                values.append(text)
    return " | ".join(values)
