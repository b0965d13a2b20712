# SPDX-License-Identifier: Apache-2.0
"""voms.json: which VO or FQAN earns which projects and roles.

Owns the format of the file and the choice of entries for a validated
credential. It is pure: it reads no file and knows no Keystone; whether a
project or a role exists is for ``identity`` to say. Read ``VomsMap.grants``
first.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from keystone_voms_ext.voms.attributes import VomsAttributes
from keystone_voms_ext.voms.errors import SetupError

_PROJECT_KEYS = ("project", "tenant", "projects", "tenants")
_KEYS = frozenset((*_PROJECT_KEYS, "roles", "domain", "inherit", "project_per_user"))
# Two users must never share a name, so the digest of the DN is always in it.
DEFAULT_TEMPLATE = "{vo}-{cn}-{hash}"
_PLACES = re.compile(r"\{(vo|cn|hash)\}")
_NAME_LENGTH = 64  # project.name
_HASH_LENGTH = 16
_NULL = re.compile(r"/(?:Role|Capability)=NULL(?=/|$)")
_ROLE = re.compile(r"/(?:Role|Capability)=.*$")
_VO = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_FQAN = re.compile(r"(?:/[A-Za-z0-9_.-]+)+(?:/Role=[^/=]+)?(?:/Capability=[^/=]+)?")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the file: its key, what it grants, and where it stands.

    ``roles`` is empty and ``domain`` None where the file names none: then the
    options ``user_roles`` and ``project_domain`` hold. With a template in
    ``project_per_user`` each user has a project of that name, below the one of
    ``projects`` if it names one, and nothing in that one itself.
    """

    key: str
    projects: tuple[str, ...]
    roles: tuple[str, ...]
    domain: str | None
    inherit: bool
    project_per_user: str | None
    source: str
    line: int

    @property
    def vo(self) -> str:
        """The VO that the entry belongs to."""
        return vo_of(self.key)

    def own_project(self, dn: str) -> str:
        """Return the name of the project that the user ``dn`` has to itself.

        The names of VO and user are shortened as far as Keystone's 64
        characters ask for, the digest of the DN never is.
        """
        digest = hashlib.sha256(dn.encode()).hexdigest()[:_HASH_LENGTH]
        parts = {"vo": self.vo, "cn": _plain(dn.rpartition("=")[2]), "hash": digest}
        template = self.project_per_user or DEFAULT_TEMPLATE
        for part in ("cn", "vo"):
            excess = len(_filled(template, parts)) - _NAME_LENGTH
            if excess > 0:
                parts[part] = parts[part][: max(len(parts[part]) - excess, 1)]
        return _filled(template, parts)

    def fault(self, code: str, *, what: str, mend: str) -> SetupError:
        """Return an error about this entry that names file and line."""
        return _fault(code, self.source, self.line, what=what, mend=mend)


@dataclass(frozen=True)
class VomsMap:
    """The whole file: its entries by key, as written."""

    entries: tuple[Entry, ...]

    def grants(self, *, vo: str, fqans: Sequence[str]) -> tuple[Entry, ...]:
        """Return the entries that a credential of ``vo`` with ``fqans`` earns.

        The VO's own entry always adds. For each FQAN the most specific key
        wins: the FQAN as it is, then without NULL role and capability, then
        its group, then the nearest parent group that says ``inherit``. An
        empty result means that the site has no place for this credential.
        """
        by_key = {entry.key: entry for entry in self.entries}
        earned = dict.fromkeys(
            entry
            for fqan in fqans
            if vo_of(fqan) == vo and (entry := _most_specific(by_key, fqan))
        )
        own = by_key.get(vo)
        return (own, *earned) if own else tuple(earned)

    def earned(self, proved: VomsAttributes) -> tuple[Entry, ...]:
        """Return the entries that all VOs of a credential earn, the primary first."""
        found = list(self.grants(vo=proved.vo, fqans=proved.fqans))
        for other in proved.others:
            found += self.grants(vo=other.vo, fqans=other.fqans)
        return tuple(dict.fromkeys(found))


def parse(text: str, *, source: str) -> VomsMap:
    """Return the map that ``text``, the content of the file ``source``, holds.

    Raises SetupError with the codes ``mapping_not_json`` and
    ``mapping_invalid``; each names the file, the line and the mend.
    """
    try:
        document = json.loads(text, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        raise _fault(
            "mapping_not_json",
            source,
            error.lineno,
            what=f"It is not JSON: {error.msg} (column {error.colno}).",
            mend="Mend that line; 'python3 -m json.tool FILE' checks it.",
        ) from error
    except RecursionError as error:
        raise _fault(
            "mapping_not_json",
            source,
            1,
            what="It is nested too deeply.",
            mend="An entry holds strings and lists of strings, nothing deeper.",
        ) from error
    if not isinstance(document, _Pairs):
        raise _fault(
            "mapping_invalid",
            source,
            1,
            what="It is not a JSON object.",
            mend='Write {"VO or FQAN": {"project": "NAME"}, ...}.',
        )
    return VomsMap(tuple(_entries(document, text, source)))


def vo_of(key: str) -> str:
    """Return the VO of a key or FQAN: its first part, with or without a slash."""
    return key.lstrip("/").split("/", 1)[0]


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs in order, so that a doubled key is seen."""


def _entries(document: _Pairs, text: str, source: str) -> Iterator[Entry]:
    seen: set[str] = set()
    for key, value in document:
        line = _line_of(text, key)
        try:
            if key in seen:
                raise _Invalid("The key stands there twice.", "Keep one of the two.")
            yield _entry(key, value, source=source, line=line)
        except _Invalid as error:
            raise _fault(
                "mapping_invalid",
                source,
                line,
                what=f"The entry {key!r}: {error.what}",
                mend=error.mend,
            ) from None
        seen.add(key)


class _Invalid(Exception):
    """An entry makes no sense; which one, and where, the caller knows."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what, mend)
        self.what = what
        self.mend = mend


def _entry(key: str, value: object, *, source: str, line: int) -> Entry:
    if not (_VO.fullmatch(key) or _FQAN.fullmatch(key)):
        raise _Invalid(
            "The key is neither a VO nor an FQAN.",
            "Write a VO (dteam) or an FQAN (/dteam/GROUP/Role=ROLE).",
        )
    if not isinstance(value, _Pairs):
        raise _Invalid("Its value is not an object.", 'Write {"project": "NAME"}.')
    fields = dict(value)
    unknown = sorted(set(fields) - _KEYS)
    if unknown or len(value) != len(fields):
        raise _Invalid(
            f"{unknown[0]!r} is no field."
            if unknown
            else "A field stands there twice.",
            f"The fields are {', '.join(sorted(_KEYS))}, each once.",
        )
    roles = fields.get("roles", [])
    if not _strings(roles) or ("roles" in fields and not roles):
        raise _Invalid(
            "'roles' is not a list of role names.",
            'Write "roles": ["member", ...], or leave it out for user_roles.',
        )
    domain = fields.get("domain")
    if domain is not None and not _strings([domain]):
        raise _Invalid(
            "'domain' is not a domain's id or name.",
            "Write a string, or leave it out for project_domain.",
        )
    inherit = fields.get("inherit", False)
    if not isinstance(inherit, bool):
        raise _Invalid(
            "'inherit' is neither true nor false.",
            "Write true, without quotes, if subgroups shall have this entry too.",
        )
    template = _template(fields)
    return Entry(
        key=key,
        projects=_projects(fields, per_user=template is not None),
        roles=tuple(dict.fromkeys(roles)),
        domain=domain,
        inherit=inherit,
        project_per_user=template,
        source=source,
        line=line,
    )


def _template(fields: dict[str, Any]) -> str | None:
    value = fields.get("project_per_user", False)
    if value is False:
        return None
    if value is True:
        return DEFAULT_TEMPLATE
    fixed = _PLACES.sub("", value) if isinstance(value, str) else "{"
    if re.search(r"[{}]", fixed) or fixed.strip() != fixed or value.find("{hash}") < 0:
        raise _Invalid(
            "'project_per_user' is no template of a project's name.",
            f'Write true for "{DEFAULT_TEMPLATE}", or a text with {{hash}} in it and, '
            "if you like, {vo} and {cn}.",
        )
    if len(_PLACES.sub("x" * _HASH_LENGTH, value)) > _NAME_LENGTH:
        raise _Invalid(
            "The template in 'project_per_user' is too long.",
            f"The name of a project has at most {_NAME_LENGTH} characters, "
            f"{_HASH_LENGTH} of them for the hash.",
        )
    return str(value)


def _filled(template: str, parts: dict[str, str]) -> str:
    return _PLACES.sub(lambda match: parts[match[1]], template)


def _plain(text: str) -> str:
    """Return a text as part of a project's name: letters, digits, a few signs."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-") or "user"


def _projects(fields: dict[str, Any], *, per_user: bool) -> tuple[str, ...]:
    given = [name for name in _PROJECT_KEYS if name in fields]
    if per_user and not given:
        return ()
    if len(given) != 1:
        raise _Invalid(
            "It names no project, or names it in two ways.",
            "Give one of project, tenant (a string), projects, tenants (a list).",
        )
    (name,) = given
    projects = fields[name] if name.endswith("s") else [fields[name]]
    if not projects or not _strings(projects):
        raise _Invalid(
            f"{name!r} does not name projects as it should.",
            'Write "project": "NAME" or "projects": ["NAME", ...].',
        )
    if per_user and len(projects) > 1:
        raise _Invalid(
            "Projects of users have one parent, and it names several.",
            "Name the one project below which each user gets its own.",
        )
    return tuple(dict.fromkeys(projects))


def _most_specific(by_key: dict[str, Entry], fqan: str) -> Entry | None:
    plain = _NULL.sub("", fqan)
    group = _ROLE.sub("", plain)
    for key in (fqan, plain, group):
        if key in by_key:
            return by_key[key]
    while (group := group.rpartition("/")[0]) != "":
        entry = by_key.get(group)
        if entry and entry.inherit:
            return entry
    return None


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str) and item.strip() == item != "" for item in value
    )


def _line_of(text: str, key: str) -> int:
    match = re.search(re.escape(json.dumps(key)) + r"\s*:", text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _fault(code: str, source: str, line: int, *, what: str, mend: str) -> SetupError:
    return SetupError(code, what=f"{source}, line {line}: {what}", mend=mend)
