# SPDX-License-Identifier: Apache-2.0
"""Check of certificates that come in headers, from HAProxy.

Owns what stands between a header that a client wrote and a login by it: deletion in
HAProxy, and a socket that nobody but HAProxy reaches. It must hold every doubt
against the configuration. Read ``judged`` first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keystone.conf

from keystone_voms_ext.checks import uwsgi
from keystone_voms_ext.checks.finding import NOTE, WRONG, Check, Finding, Findings
from keystone_voms_ext.checks.haproxy_config import (
    Line,
    Section,
    argument,
    backends,
    is_loaded,
    parse,
)
from keystone_voms_ext.checks.place import chosen, read

CONF = keystone.conf.CONF

VARIABLE = "OS_KEYSTONE_VOMS_HAPROXY"
USUAL = "/etc/haproxy/haproxy.cfg"

_LEAF = "client-cert"
_CHAINS = ("client-cert-chain", "x-ssl-client-chain-der")
# A WSGI server takes "_" for "-", so a client may spell a header either way. A chain
# without HAProxy's own Client-Cert is refused, and each link of it is verified, so
# one that a client adds gains nothing; its usual spelling is named all the same.
_SPELLINGS = (
    *("client-cert", "client_cert", "client-cert-chain", "client_cert-chain"),
    *("client-cert_chain", "client_cert_chain", "x-ssl-client-chain-der"),
)
_LOOPBACK = ("127.", "localhost", "::1", "[::1]")
_BUFFER_GOOD = 65536


@dataclass(frozen=True)
class Site:
    """What else of the site decides how its HAProxy must be."""

    header_peers: tuple[str, ...]
    crl_policy: str
    listeners: tuple[uwsgi.Listener, ...]


def judged(sections: tuple[Section, ...], *, file: Path, site: Site) -> Findings:
    """Yield what is wrong in a haproxy.cfg, for the frontends that lead to Keystone."""
    doors = [one for one in sections if _leads(one, sections, site)]
    if not doors:
        if site.header_peers:
            yield Finding(
                NOTE,
                f"{file}: no frontend leads to Keystone: not checked. See that the TLS "
                "server deletes Client-Cert headers that a client sent.",
            )
        return
    for door in doors:
        requests = _requests(door, sections, site)
        sets = [one for one in requests if _sets(one, _LEAF)]
        if not site.header_peers:
            if sets:
                yield Finding(
                    WRONG,
                    f"{sets[0].place}: HAProxy hands certificates on, and Keystone "
                    "reads none. Set '[voms] trusted_header_peers = unix'.",
                )
            continue
        yield from _deletion(door, requests, sections)
        yield from _setting(door, requests, sets)
        yield from _binds(door, sections, site)
        yield from _servers(door, sections, site)
    if site.header_peers:
        yield from _sizes(sections, doors[0])


def _sets(line: Line, header: str) -> bool:
    row = line.words
    verb = tuple(row[:2])
    return (
        verb in (("http-request", "set-header"), ("http-request", "add-header"))
        and len(row) > 2
        and row[2].lower() == header
    )


def _leads(door: Section, sections: tuple[Section, ...], site: Site) -> bool:
    if door.kind not in ("frontend", "listen"):
        return False
    if any(_sets(one, _LEAF) for one in _requests(door, sections, site)):
        return True
    # Passed through as it is, TLS ends behind HAProxy.
    ends_tls = any("ssl" in one.words for one in door.of("bind"))
    return ends_tls and bool(_named(door, sections, site))


def _named(
    door: Section, sections: tuple[Section, ...], site: Site
) -> tuple[Section, ...]:
    """Return the backends that are Keystone's by a name or a socket."""
    sockets = [one.setting.value for one in site.listeners if one.setting.value]
    found = []
    for backend in backends(door, sections):
        servers = [" ".join(one.words[1:]) for one in backend.of("server")]
        text = " ".join([door.name, backend.name, *servers])
        if "keystone" in text.lower() or any(one in text for one in sockets):
            found.append(backend)
    return tuple(found)


def _requests(
    door: Section, sections: tuple[Section, ...], site: Site
) -> tuple[Line, ...]:
    """Return what is done to a request for Keystone, in HAProxy's order."""
    behind = _named(door, sections, site) or backends(door, sections)
    return tuple(
        line
        for section in (door, *(one for one in behind if one is not door))
        for line in section.of("http-request")
    )


def _deletion(
    door: Section, requests: tuple[Line, ...], sections: tuple[Section, ...]
) -> Findings:
    """Yield it when a header that a client sent can arrive."""
    restricted = any(
        one.words[2:] in (("delete",), ("reject",))
        for section in (door, *(one for one in sections if one.kind == "defaults"))
        for one in section.of("option", "http-restrict-req-hdr-names")
    )
    left = [one for one in _SPELLINGS if not (restricted and "_" in one)]
    conditional: list[Line] = []
    late: list[Line] = []
    was_set = False
    for one in requests:
        was_set = was_set or any(_sets(one, name) for name in (_LEAF, *_CHAINS))
        if one.words[1:2] != ("del-header",):
            continue
        covered = [name for name in _SPELLINGS if _deletes(one, name)]
        if {"if", "unless"} & set(one.words[3:]):
            conditional += [one] if covered else []
        elif was_set:
            late += [one] if covered else []
        else:
            left = [name for name in left if name not in covered]
    for one in conditional:
        yield Finding(
            WRONG,
            f"{one.place}: del-header has a condition, and whoever evades it writes "
            "the certificate itself. Take the condition out.",
        )
    for one in late:
        yield Finding(
            WRONG,
            f"{one.place}: del-header stands behind the line that sets such a header, "
            "and takes away what HAProxy wrote. Put it first.",
        )
    if left:
        yield Finding(
            WRONG,
            f"{door.place}: {door.kind} {door.name} lets headers through that a client "
            f"wrote: {', '.join(left)}. So anybody gets in as anybody: put "
            "'http-request del-header ^client[-_]cert -m reg' and "
            "'http-request del-header ^(x[-_])?ssl[-_] -m reg' before all others.",
        )


def _deletes(line: Line, header: str) -> bool:
    row = line.words
    name = "".join(row[2:3])
    method = argument(row, "-m") or "str"
    if method == "reg":
        try:
            # HAProxy has names of headers in lower case.
            return re.search(name, header) is not None
        except (re.error, OverflowError, RecursionError):
            return False
    name = name.lower()
    return bool(name) and {
        "str": header == name,
        "beg": header.startswith(name),
        "end": header.endswith(name),
        "sub": name in header,
    }.get(method, False)


def _setting(door: Section, requests: tuple[Line, ...], sets: list[Line]) -> Findings:
    if not sets:
        yield Finding(
            WRONG,
            f"{door.place}: {door.kind} {door.name} sets no Client-Cert, so no "
            "certificate reaches Keystone. Add 'http-request set-header Client-Cert "
            ":%[ssl_c_der,base64]: if { ssl_c_used }'.",
        )
    elif not any(_sets(one, name) for one in requests for name in _CHAINS):
        yield Finding(
            WRONG,
            f"{sets[0].place}: Client-Cert is set, and the chain of the proxy is not. "
            "Add 'http-request set-header X-SSL-Client-Chain-DER "
            "%[ssl_c_chain_der,base64] if { ssl_c_used }'.",
        )


def _binds(door: Section, sections: tuple[Section, ...], site: Site) -> Findings:
    usual = {
        word
        for section in sections
        if section.kind == "global"
        for one in section.of("ssl-default-bind-options")
        for word in one.words
    }
    for one in door.of("bind"):
        row = one.words
        if "ssl" not in row:
            yield Finding(
                NOTE,
                f"{one.place}: this bind has no TLS: no certificate comes that way, "
                "and passwords are sent in the clear. Remove it.",
            )
            continue
        if "no-tls-tickets" not in {*row, *usual}:
            yield Finding(
                WRONG,
                f"{one.place}: TLS tickets are on. A resumed session keeps the user's "
                "leaf and loses its chain. Add no-tls-tickets to the bind.",
            )
        verify = argument(row, "verify")
        if verify != "optional":
            yield Finding(
                NOTE if verify == "required" else WRONG,
                f"{one.place}: verify is {verify or 'not set'}, so "
                + (
                    "users without a certificate reach no password login"
                    if verify == "required"
                    else "no client is asked for a certificate"
                )
                + ". Set 'verify optional'.",
            )
        yield from _authorities(one, sections, site)


def _authorities(bind: Line, sections: tuple[Section, ...], site: Site) -> Findings:
    base = "".join(
        "".join(one.words[1:2])
        for section in sections
        if section.kind == "global"
        for one in section.of("ca-base")[-1:]
    )
    for name, what in (("ca-file", "CAs"), ("crl-file", "CRLs")):
        path = argument(bind.words, name)
        mild = name == "crl-file" and site.crl_policy == "off"
        if not path:
            yield Finding(
                NOTE if mild else WRONG,
                f"{bind.place}: the bind has no {name}. Add one with all {what} of "
                "the accepted authorities.",
            )
        elif "$" in path:
            yield Finding(
                NOTE,
                f"{bind.place}: {name} is {path}, whose value is not known here. See "
                f"that it exists, with all {what} of the accepted authorities.",
            )
        elif (base or path.startswith("/")) and not is_loaded(Path(base, path)):
            yield Finding(
                WRONG,
                f"{bind.place}: {name} is {path}, and there is no such file"
                f"{f' in {base}' if base and path[0] != '/' else ''}. Write all "
                f"{what} of the accepted authorities there.",
            )


def _servers(door: Section, sections: tuple[Section, ...], site: Site) -> Findings:
    for backend in _named(door, sections, site) or backends(door, sections):
        for one in backend.of("server"):
            address = "".join(one.words[2:3])
            if address and not address.startswith(("unix@", "/", "abns@")):
                yield from _over_tcp(
                    f"{one.place}: the server {address} is a TCP port",
                    address,
                    site.header_peers,
                )


def listening(site: Site) -> Findings:
    """Yield it when others than the TLS server can reach where headers are believed."""
    if not site.header_peers:
        return
    for one in site.listeners:
        if one.by_http and one.is_tcp:
            where = f"{one.setting.place}: {one.setting.name} is the TCP port"
            address = one.setting.value
            yield from _over_tcp(f"{where} {address}", address, site.header_peers)


def _over_tcp(what: str, address: str, peers: tuple[str, ...]) -> Findings:
    host = address.rpartition(":")[0]
    near = [peer for peer in peers if peer.startswith(_LOOPBACK)]
    far = [peer for peer in peers if peer != "unix" and peer not in near]
    mend = (
        "Make it a unix socket that only HAProxy can write to, and set '[voms] "
        "trusted_header_peers = unix'."
    )
    if not near and not far:
        yield Finding(
            WRONG,
            f"{what}, and [voms] trusted_header_peers has unix alone, so no "
            f"certificate is read. {mend}",
        )
    if near:
        yield Finding(
            WRONG,
            f"{what}, and [voms] trusted_header_peers has {', '.join(near)}: each user "
            f"of this host can claim any certificate. {mend}",
        )
    if far:
        # Nothing but these is in a name of all addresses, of IPv4 or IPv6.
        everywhere = not host.strip("*0.:[]")
        yield Finding(
            WRONG if everywhere else NOTE,
            f"{what}{' open to every network' if everywhere else ''}, and whatever "
            f"connects from {', '.join(far)} can claim any certificate. See that it is "
            "HAProxy alone, and that a firewall keeps others out, or make it a unix "
            "socket.",
        )


def _sizes(sections: tuple[Section, ...], door: Section) -> Findings:
    settings = [
        one for section in sections if section.kind == "global" for one in section.lines
    ]
    last = {one.name: one for one in settings}
    cache = last.get("tune.ssl.cachesize")
    if cache is None or cache.words[1:2] != ("0",):
        yield Finding(
            WRONG,
            f"{cache.place if cache else door.place}: HAProxy keeps TLS sessions. A "
            "resumed session keeps the user's leaf and loses its chain. Set "
            "'tune.ssl.cachesize 0' in global.",
        )
    buffer = last.get("tune.bufsize")
    value = "".join(buffer.words[1:2]) if buffer else "16384"
    known = value.isascii() and value.isdigit() and len(value) < 12
    if not known or int(value) < _BUFFER_GOOD:
        yield Finding(
            NOTE,
            f"{buffer.place if buffer else door.place}: tune.bufsize is {value}, and a "
            "proxy with many groups arrives as an empty Client-Cert. Set 'tune.bufsize "
            f"{_BUFFER_GOOD}' in global.",
        )


def _find() -> Iterator[Finding]:
    site = Site(
        header_peers=tuple(CONF.voms.trusted_header_peers),
        crl_policy=CONF.voms.crl_policy,
        listeners=uwsgi.found_listeners(),
    )
    yield from listening(site)
    file = chosen(VARIABLE, USUAL)
    try:
        sections = parse(read(file), file=file)
    except OSError as error:
        if site.header_peers:
            missing = isinstance(error, FileNotFoundError)
            yield Finding(
                NOTE,
                f"{file}: {'no HAProxy configuration found' if missing else error}: "
                f"not checked. {VARIABLE} names another file; see that the TLS server "
                "deletes Client-Cert headers that a client sent.",
            )
        return
    yield from judged(sections, file=file, site=site)


CHECKS = (Check("Certificates in headers", _find),)
