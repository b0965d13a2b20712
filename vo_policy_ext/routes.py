# SPDX-License-Identifier: Apache-2.0
"""What a path of a service's API gives access to.

Owns: the grammar of the route tables, and the match of a path with one. Must
never: be kinder than the service. A path that stands in no table is refused,
so an operation that a later release adds is closed until the table has it.
Read first: Table.match.
"""

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

READING = frozenset({"GET", "HEAD"})

# The form that the services store: databases find others too ('A' for 'a',
# a trailing space), and then the owner of another row would be looked up.
CANONICAL = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_PARAMETER = re.compile(r"\{([a-z_]+)\}")

# For each segment a literal, or the name of a parameter.
_Pattern = tuple[tuple[str, str], ...]


class Access(enum.Enum):
    """What there is below a path."""

    OPEN = "nothing of another user's, or the service itself keeps users apart"
    OWNED = "one resource: for its owner"
    LIST = "a list, narrowed to the caller's own"
    PROJECT = "facts about all of the project: not for a plain user"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Where the body of a request names a resource that must be the caller's own.

    `at` is the way there from the top of the JSON document; `*` is each item of
    a list. A text, or a list of texts, stands at its end; `split` says that the
    text is a list with commas.
    """

    method: str
    at: tuple[str, ...]
    kind: str
    split: bool = False


@dataclass(frozen=True, kw_only=True)
class Items:
    """How the answer to a LIST is narrowed, where the query cannot do it.

    The document has a list under `key`; of each item the member `by` is the id
    of a resource of this kind, which must be the caller's own.
    """

    key: str
    kind: str
    by: str = "id"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One path of an API and what it gives access to.

    The first parameter of an OWNED path is the resource, and its name is the
    kind: `/servers/{server}/tags/{name}`. Others match any text.

    `auditor`: a vo_auditor may read it for the whole project. `service`: the
    methods that services themselves call, with a token of their own.
    `through_service`: the methods that a service must get through when it does
    a user's work on a resource of another one. `items`: see Items.
    """

    path: str
    access: Access
    auditor: bool = True
    service: frozenset[str] = frozenset()
    through_service: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()
    items: Items | None = None
    segments: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(self.path.split("/")[1:]))
        if self.access is Access.OWNED and not self.parameters:
            raise ValueError(f"{self.path} is OWNED and names no resource.")
        # The last of two would be checked, and the service may act on the first.
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError(f"{self.path} names two parameters alike.")

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in braces, in order."""
        return tuple(_PARAMETER.findall(self.path))


@dataclass(frozen=True, kw_only=True)
class Match:
    """A route that a path is of, and its parameters in order of the path."""

    route: Route
    values: Mapping[str, str]

    @property
    def owned(self) -> tuple[str, str] | None:
        """The kind and the id of what must be the caller's; None if nothing."""
        if self.route.access is not Access.OWNED:
            return None
        kind = self.route.parameters[0]
        return kind, self.values[kind]


class Table:
    """The routes of one API. The first that fits is taken."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Raises ValueError if two routes have one path."""
        self.routes = tuple(routes)
        self._by_length: dict[int, list[tuple[Route, _Pattern]]] = {}
        seen: set[str] = set()
        for route in self.routes:
            if route.path in seen:
                raise ValueError(f"{route.path} stands twice.")
            seen.add(route.path)
            of_length = self._by_length.setdefault(len(route.segments), [])
            of_length.append((route, tuple(map(_piece, route.segments))))

    def match(self, path: str, *, project_id: str) -> Match | None:
        """Return the route of a PATH_INFO, None if there is none.

        The path may begin with the id of the project, as all did once; no
        other id counts. One slash at the end changes nothing.
        """
        if path and not path.startswith("/"):
            return None
        segments = path.split("/")[1:]
        # Without a project the id is empty, as the first segment of // is.
        if len(segments) > 1 and project_id and segments[0] == project_id:
            segments = segments[1:]
        if len(segments) > 1 and not segments[-1]:
            segments.pop()
        for route, pattern in self._by_length.get(len(segments), ()):
            values = _values(pattern, segments)
            if values is not None:
                return Match(route=route, values=values)
        return None


def _piece(segment: str) -> tuple[str, str]:
    """Return a literal and no name, or no literal and a parameter's name."""
    parameter = _PARAMETER.fullmatch(segment)
    return ("", parameter[1]) if parameter else (segment, "")


def _values(pattern: _Pattern, segments: Iterable[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for (literal, name), segment in zip(pattern, segments, strict=True):
        if not name:
            if literal != segment:
                return None
        # A dot segment stands for another path; an empty one for none.
        elif segment in ("", ".", ".."):
            return None
        else:
            found[name] = segment
    return found
