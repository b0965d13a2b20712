# SPDX-License-Identifier: Apache-2.0
"""The virtual hosts of Apache, and which of them lead to Keystone.

Owns what holds for a virtual host, by what the server above it says and by its own
directives. It must never judge: ``apache`` does. Read ``doors`` first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from keystone_voms_ext.checks.apache_config import Apache, Directive, Section

_PLACES = ("location", "locationmatch")


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

    def options(self, path: str) -> frozenset[str]:
        """Return the SSLOptions in force at a path, in lower case."""
        chosen: set[str] = set()
        levels = [
            [one for one in level if not self.depth(one)]
            for level in (self.above, self.own)
        ] + [
            [one for one in level if self.depth(one) == 1 and _holds_at(one, path)]
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
        """Return what stands behind the last colon of its addresses."""
        addresses = self.section.words if self.section else ()
        return frozenset(one.rpartition(":")[2] for one in addresses)


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


def _holds_at(directive: Directive, path: str) -> bool:
    section = directive.within[-1]
    if section.kind != "location" or not section.words:
        return False
    return path.startswith(section.words[0].rstrip("/"))


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


def doors(found: tuple[Host, ...], sockets: Collection[str]) -> tuple[Door, ...]:
    """Return the ways to Keystone; ``sockets`` are the paths it listens on.

    A backend or a script with ``keystone`` in its name leads there too.
    """
    virtual = [host for host in found if host.section is not None]
    ways: list[Door] = []
    for host in virtual or found:
        for directive in (*host.above, *host.own):
            ways += _doors(host, directive, sockets)
    return tuple(ways)


def _doors(
    host: Host, directive: Directive, sockets: Collection[str]
) -> Iterator[Door]:
    arguments = directive.words
    path = arguments[0] if arguments and arguments[0].startswith("/") else "/"
    for section in directive.within:
        if section.kind in _PLACES and section.words:
            path = section.words[-1]
    if directive.name in ("wsgiscriptalias", "wsgiscriptaliasmatch"):
        if any("keystone" in one.lower() for one in arguments[1:]):
            yield Door(host, directive, "wsgi", path, arguments[1])
        return
    if directive.name == "sethandler":
        arguments = tuple(one.removeprefix("proxy:") for one in arguments)
    elif directive.name not in ("proxypass", "proxypassmatch", "balancermember"):
        return
    for target in arguments:
        if "://" not in target:
            continue
        socket, _, url = target.rpartition("|")
        named = socket.removeprefix("unix:") in sockets if socket else False
        if named or "keystone" in target.lower():
            yield Door(host, directive, url.partition(":")[0].lower(), path, target)
