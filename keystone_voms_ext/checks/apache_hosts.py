# SPDX-License-Identifier: Apache-2.0
"""The virtual hosts of Apache, and which of them lead to Keystone.

Owns what holds for a virtual host, by what the server above it says and by its own
directives. It must never judge: ``apache`` does. Read ``doors`` first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from keystone_voms_ext.checks.apache_config import Apache, Directive, Section

_PLACES = ("location", "locationmatch")
_PORTS = frozenset({"5000", "35357"})


@dataclass(frozen=True)
class Host:
    """A virtual host, or the server around them all when ``section`` is None."""

    section: Section | None
    own: tuple[Directive, ...]
    above: tuple[Directive, ...]

    def __str__(self) -> str:
        if self.section is None:
            return "Apache's configuration outside of virtual hosts"
        return f"{self.section.place}, virtual host {' '.join(self.section.words)}"

    def depth(self, directive: Directive) -> int:
        """Return how many containers of this host a directive stands in."""
        sections = directive.within
        kinds = [section.kind for section in sections]
        return len(sections) - ("virtualhost" in kinds)

    def last(self, name: str) -> Directive | None:
        """Return the directive that holds for the whole host: its own, or the server's.

        One without an argument is none.
        """
        for level in (self.own, self.above):
            found = [
                one
                for one in level
                if one.name == name and one.words and not self.depth(one)
            ]
            if found:
                return found[-1]
        return None

    def value(self, name: str) -> str:
        """Return the first argument of what holds, in lower case; '' if none does."""
        found = self.last(name)
        return found.words[0].lower() if found else ""

    def nested(self, name: str) -> Iterator[Directive]:
        """Yield the directives of a name that hold for a part of the host only."""
        for one in (*self.above, *self.own):
            if one.name == name and self.depth(one):
                yield one

    def options(self, way: Door) -> frozenset[str]:
        """Return the SSLOptions in force on a way, in lower case."""
        chosen: set[str] = set()
        levels = [
            [one for one in level if not self.depth(one)]
            for level in (self.above, self.own)
        ] + [
            [
                one
                for one in level
                if self.depth(one) == 1 and way.is_within(one.within[-1])
            ]
            for level in (self.above, self.own)
        ]
        for directive in (one for level in levels for one in level):
            if directive.name != "ssloptions":
                continue
            first = True
            for word in (word.lower() for word in directive.words):
                if word.startswith("-"):
                    chosen.discard(word[1:])
                elif word.startswith("+"):
                    chosen.add(word[1:])
                else:
                    # A word without a sign takes back all that was set before.
                    chosen = {word} if first else chosen | {word}
                    first = False
        return frozenset(chosen)

    @property
    def has_tls(self) -> bool:
        """Tell whether TLS is on."""
        return self.value("sslengine") == "on"

    @property
    def ports(self) -> frozenset[str]:
        """Return the ports of its addresses; ``*``, as no port, is each."""
        addresses = self.section.words if self.section else ()
        # Not those of an IPv6 address.
        bare = [re.sub(r"\[.*\]", "", one) for one in addresses]
        return frozenset(one.partition(":")[2] or "*" for one in bare)

    def shares_port(self, others: Iterable[Host]) -> bool:
        """Tell whether one of the others may be met on a port of this one."""
        ports = frozenset().union(*(one.ports for one in others))
        return bool(self.ports & ports) or ("*" in self.ports | ports)


@dataclass(frozen=True)
class Door:
    """A way through a virtual host to Keystone.

    ``protocol`` is that of the backend (``uwsgi``, ``http``), ``wsgi`` for mod_wsgi;
    ``target`` is its URL or script.
    """

    host: Host
    directive: Directive
    protocol: str
    path: str
    target: str

    def is_within(self, section: Section) -> bool:
        """Tell whether a container is around all that comes this way."""
        if not section.words:
            return False
        last = section.words[-1]
        if section.kind == "locationmatch" or section.words[0] == "~":
            try:
                return section.kind in _PLACES and bool(re.search(last, self.path))
            except (re.error, OverflowError, RecursionError):
                return False
        if section.kind == "directory":
            return self.protocol == "wsgi" and _is_below(self.target, last)
        return section.kind == "location" and _is_below(self.path, last)

    def meets(self, section: Section) -> bool:
        """Tell whether a container may be around a part of what comes this way."""
        plain = section.words and section.words[0] != "~"
        if section.kind == "location" and plain:
            return self.is_within(section) or _is_below(section.words[0], self.path)
        if section.kind == "directory" and plain:
            return self.is_within(section)
        return True


def _is_below(path: str, above: str) -> bool:
    return f"{path}/".startswith(f"{above.rstrip('/')}/")


def hosts(apache: Apache) -> tuple[Host, ...]:
    """Return all virtual hosts, and before them the server around them."""
    above: list[Directive] = []
    own: dict[Section, list[Directive]] = {}
    for one in apache.directives:
        section = next((s for s in one.within if s.kind == "virtualhost"), None)
        (above if section is None else own.setdefault(section, [])).append(one)
    outside = tuple(above)
    return (
        Host(None, outside, ()),
        *(Host(section, tuple(found), outside) for section, found in own.items()),
    )


def doors(
    found: tuple[Host, ...], sockets: Collection[str], *, by_place: bool = False
) -> tuple[Door, ...]:
    """Return the ways to Keystone; ``sockets`` are the paths it listens on.

    A backend or a script with ``keystone`` in its name leads there too. If there is
    no such way, those of a virtual host with that name or Keystone's port do, with
    ``by_place``.
    """
    virtual = [host for host in found if host.section is not None] or list(found)
    ways = [
        way
        for host in virtual
        for directive in (*host.above, *host.own)
        for way in _doors(host, directive)
    ]
    named = [way for way in ways if _is_keystones(way, sockets)]
    if by_place and not named:
        named = [way for way in ways if way.directive in way.host.own]
        named = [way for way in named if _looks_like_keystones(way.host)]
    return tuple(named)


def _is_keystones(way: Door, sockets: Collection[str]) -> bool:
    socket, _, _ = way.target.rpartition("|")
    if socket and socket.removeprefix("unix:") in sockets:
        return True
    # A member of a balancer goes by the balancer's name, too.
    told = way.directive.words if way.protocol != "wsgi" else way.directive.words[1:]
    return any("keystone" in one.lower() for one in (way.target, *_targets(told)))


def _looks_like_keystones(host: Host) -> bool:
    named = "keystone" in host.value("servername")
    return host.section is not None and (named or bool(host.ports & _PORTS))


def _targets(arguments: Iterable[str]) -> Iterator[str]:
    yield from (one for one in arguments if "://" in one)


def _doors(host: Host, directive: Directive) -> Iterator[Door]:
    """Yield the ways of a directive, whosever they are."""
    name, arguments = directive.name, directive.words
    path = arguments[0] if arguments and arguments[0].startswith("/") else "/"
    for section in directive.within:
        if section.kind in _PLACES and section.words:
            path = section.words[-1]
    is_script = name == "alias" and "keystone-wsgi" in "".join(arguments[1:2])
    if is_script or name in ("wsgiscriptalias", "wsgiscriptaliasmatch"):
        if len(arguments) > 1:
            yield Door(host, directive, "wsgi", path, arguments[1])
        return
    if name == "sethandler":
        arguments = tuple(one.removeprefix("proxy:") for one in arguments)
    elif name == "rewriterule":
        flags = "".join(arguments[2:3]).strip("[]").lower().split(",")
        arguments = arguments[1:2] if {"p", "proxy"} & set(flags) else ()
    elif name not in ("proxypass", "proxypassmatch"):
        return
    for target in _targets(arguments):
        members = tuple(_members(host, target))
        for one in members or (target,):
            url = one.rpartition("|")[2]
            yield Door(host, directive, url.partition(":")[0].lower(), path, one)


def _members(host: Host, balancer: str) -> Iterator[str]:
    """Yield what a balancer hands requests to, as far as it is written down."""
    if not balancer.lower().startswith("balancer:"):
        return
    name = balancer.lower().split("/")[2:3]
    for one in (*host.above, *host.own):
        if one.name == "balancermember":
            around = [s.words[-1] for s in one.within if s.kind == "proxy" and s.words]
            first, *more = [*around, *_targets(one.words)] or [""]
            if more and first.lower().split("/")[2:3] == name:
                yield more[0]
