# SPDX-License-Identifier: Apache-2.0
"""Check of the Apache in front of Keystone.

Owns what a virtual host must have so that a proxy reaches Keystone with its whole
chain. It must never judge one that does not lead to Keystone, but for what all of
them share. Read ``judged`` first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keystone.conf

from keystone_voms_ext.checks import uwsgi
from keystone_voms_ext.checks.apache_config import ENVVARS, Apache, load
from keystone_voms_ext.checks.apache_hosts import Door, Host, doors, hosts
from keystone_voms_ext.checks.finding import NOTE, OK, WRONG, Check, Finding, Findings
from keystone_voms_ext.checks.place import (
    chosen,
    is_directory,
    is_file,
    names_in_code,
    read,
)

CONF = keystone.conf.CONF

VARIABLE = "OS_KEYSTONE_VOMS_APACHE"
USUAL = ("/etc/apache2/apache2.conf", "/etc/httpd/conf/httpd.conf")

# A proxy, its user, a CA below another: less stops every proxy of some users.
_DEPTH_NEEDED = 3
_DEPTH_GOOD = 10
_NO_CACHE = ("", "none", "nonenotnull")
_SESSIONS = "A resumed session keeps the user's leaf and loses its chain."


@dataclass(frozen=True)
class Site:
    """What else of the site decides how its Apache must be."""

    ca_path: str
    crl_policy: str
    by_header: bool
    sockets: tuple[str, ...]


def judged(apache: Apache, site: Site) -> Findings:
    """Yield what is wrong in a configuration, each fault once."""
    yield from (Finding(NOTE, f"{text} This is not checked.") for text in apache.untold)
    found = hosts(apache)
    ways = doors(found, site.sockets, by_place=not site.by_header)
    open_ways = [way for way in ways if way.host.has_tls and _carries(way)]
    if not ways:
        yield Finding(
            OK if site.by_header else NOTE,
            f"No virtual host below {apache.root} leads to Keystone: not checked.",
        )
        return
    yield from _everywhere(apache)
    for way in ways:
        if way not in open_ways:
            level = NOTE if open_ways or site.by_header else WRONG
            yield Finding(level, _shut(way))
    if open_ways:
        yield from _resumption(apache, found, [way.host for way in open_ways])
    if open_ways and "gridsite_module" not in apache.modules:
        yield Finding(
            WRONG,
            f"{open_ways[0].host}: mod_gridsite is not loaded, and without it Apache "
            "refuses every proxy. Install gridsite and add 'LoadModule "
            f"gridsite_module {_modules_of(apache)}/mod_gridsite.so'.",
        )
    for host in dict.fromkeys(way.host for way in open_ways):
        for rule in (_verification, _depth, _authorities, _revocation):
            yield from rule(apache, host, site)
    for way in open_ways:
        yield from _asked_late(way)
        yield from _export(way)
        yield from _application(way)


def _modules_of(apache: Apache) -> str:
    """Return the directory of Apache's modules, as its own lines have it."""
    found = [
        one.words[1].rpartition("/")[0]
        for one in apache.directives
        if one.name == "loadmodule" and one.words[:1] == ("ssl_module",)
        if "/" in "".join(one.words[1:2])
    ]
    return found[-1] if found else "/usr/lib/apache2/modules"


def _carries(way: Door) -> bool:
    return way.protocol not in ("http", "https", "h2", "h2c")


def _shut(way: Door) -> str:
    where = f"{way.directive.place}: {way.target}"
    if not way.host.has_tls:
        return (
            f"{where} leads to Keystone without TLS, so no certificate and no proxy "
            f"comes that way, and passwords are sent in the clear. Add 'SSLEngine on' "
            f"to the virtual host, or remove it."
        )
    return (
        f"{where} leads to Keystone by HTTP, which hands no certificate on. Use "
        "'unix:SOCKET|uwsgi://keystone/', with uwsgi-socket in uWSGI's file."
    )


def _everywhere(apache: Apache) -> Findings:
    """Yield the faults that concern all virtual hosts, wherever they stand."""
    for one in apache.directives:
        text = " ".join(one.words)
        if one.name == "sslsessioncache" and text.lower() not in _NO_CACHE:
            yield Finding(
                WRONG,
                f"{one.place}: SSLSessionCache is {text}. {_SESSIONS} Comment the line "
                "out: a later 'SSLSessionCache none' does not turn it off.",
            )
        elif (
            one.name in ("setenv", "passenv", ENVVARS)
            and "OPENSSL_ALLOW_PROXY_CERTS" in text
        ):
            yield Finding(
                NOTE,
                f"{one.place}: OPENSSL_ALLOW_PROXY_CERTS does nothing since OpenSSL "
                "1.1; it is mod_gridsite that lets proxies in. Remove the line.",
            )
        elif one.name == "gridsiteadminuri":
            yield Finding(
                NOTE,
                f"{one.place}: the sample configuration of gridsite publishes an "
                "administration page. Turn it off with 'a2dismod zgridsite'.",
            )


def _resumption(
    apache: Apache, found: tuple[Host, ...], judged_hosts: list[Host]
) -> Findings:
    for host in found:
        # Before a name is known, the first virtual host of a port speaks for all.
        shares = (
            host.section is not None and host.has_tls and host.shares_port(judged_hosts)
        )
        if (host in judged_hosts or shares) and host.value(
            "sslsessiontickets"
        ) != "off":
            last = host.last("sslsessiontickets")
            yield Finding(
                WRONG,
                f"{last.place if last else host}: SSLSessionTickets is "
                f"{last.words[0] if last else 'not set, and on by default'}. "
                f"{_SESSIONS} Set "
                "'SSLSessionTickets off' in each virtual host of the port.",
            )


def _asked_late(way: Door) -> Findings:
    for one in way.host.nested("sslverifyclient"):
        if way.meets(one.within[-1]):
            yield Finding(
                WRONG,
                f"{one.place}: SSLVerifyClient stands inside <{one.within[-1].kind}>, "
                "and with TLS 1.3 everybody gets 403 there. Move it to the virtual "
                "host, as 'SSLVerifyClient optional'.",
            )


def _verification(apache: Apache, host: Host, site: Site) -> Findings:
    last, value = host.last("sslverifyclient"), host.value("sslverifyclient")
    if value == "optional":
        return
    where = last.place if last else host
    if value == "require":
        yield Finding(
            NOTE,
            f"{where}: SSLVerifyClient is require, so users without a certificate "
            "reach no password login. Set it to optional.",
        )
    elif value == "optional_no_ca":
        yield Finding(
            WRONG,
            f"{where}: SSLVerifyClient is optional_no_ca, which lets certificates in "
            "that no accepted CA has signed. Set it to optional.",
        )
    else:
        yield Finding(
            WRONG,
            f"{where}: SSLVerifyClient is {value or 'not set'}, so no client is asked "
            "for a certificate. Set 'SSLVerifyClient optional' in the virtual host.",
        )


def _depth(apache: Apache, host: Host, site: Site) -> Findings:
    last = host.last("sslverifydepth")
    value = last.words[0] if last else "1"
    depth = int(value) if value.isascii() and value.isdigit() and len(value) < 9 else 0
    if depth < _DEPTH_GOOD:
        yield Finding(
            WRONG if depth < _DEPTH_NEEDED else NOTE,
            f"{last.place if last else host}: SSLVerifyDepth is "
            f"{value if last else 'not set, which is 1'}, too small for "
            f"{'a proxy' if depth < _DEPTH_NEEDED else 'a proxy of proxies'}. Set "
            "'SSLVerifyDepth 20'.",
        )


def _authorities(apache: Apache, host: Host, site: Site) -> Findings:
    if not (host.last("sslcacertificatepath") or host.last("sslcacertificatefile")):
        yield Finding(
            WRONG,
            f"{host}: there is no SSLCACertificatePath, so no certificate of a user is "
            f"accepted. Add 'SSLCACertificatePath {site.ca_path}'.",
        )
    yield from _missing(apache, host, "SSLCACertificatePath", "SSLCACertificateFile")
    last = host.last("sslcacertificatepath")
    if last and (apache.root / last.words[0]) != Path(site.ca_path):
        yield Finding(
            NOTE,
            f"{last.place}: SSLCACertificatePath is {last.words[0]}, and [voms] "
            f"ca_path is {site.ca_path}. Only users whom both accept get in.",
        )


def _missing(apache: Apache, host: Host, *names: str) -> Findings:
    for name in names:
        last = host.last(name.lower())
        if last is None:
            continue
        path = apache.root / last.words[0]
        there = is_directory(path) if name.endswith("Path") else is_file(path)
        if "${" in last.words[0]:
            yield Finding(
                NOTE,
                f"{last.place}: {name} is {last.words[0]}, whose value is not known "
                "here. Define it in the configuration, or see that it exists.",
            )
        elif not there:
            kind = "directory" if name.endswith("Path") else "file"
            yield Finding(
                WRONG,
                f"{last.place}: {name} is {last.words[0]}, and there is no such "
                f"{kind}. Install the CAs of IGTF and run fetch-crl, or correct it.",
            )


def _revocation(apache: Apache, host: Host, site: Site) -> Findings:
    last, value = host.last("sslcarevocationcheck"), host.value("sslcarevocationcheck")
    if value != "chain":
        why = (
            "and a proxy is a leaf without a CRL: the revoked user behind it gets past"
            if value == "leaf"
            else "so Apache lets revoked certificates in"
        )
        yield Finding(
            NOTE if site.crl_policy == "off" else WRONG,
            f"{last.place if last else host}: SSLCARevocationCheck is "
            f"{value or 'not set'}, {why}. Set 'SSLCARevocationCheck chain'.",
        )
    elif not (host.last("sslcarevocationpath") or host.last("sslcarevocationfile")):
        yield Finding(
            WRONG,
            f"{host}: SSLCARevocationCheck has no CRLs to look at, so every "
            f"certificate is refused. Add 'SSLCARevocationPath {site.ca_path}'.",
        )
    yield from _missing(apache, host, "SSLCARevocationPath", "SSLCARevocationFile")


def _export(way: Door) -> Findings:
    have = way.host.options(way)
    for name, harm in (
        ("ExportCertData", "the certificates do not reach Keystone"),
        ("StdEnvVars", "what TLS found out does not reach Keystone"),
    ):
        if name.lower() not in have:
            yield Finding(
                WRONG,
                f"{way.host}: SSLOptions lacks +{name}, so {harm}. Add 'SSLOptions "
                "+StdEnvVars +ExportCertData'.",
            )


def _application(way: Door) -> Findings:
    if way.protocol == "balancer":
        yield Finding(
            NOTE,
            f"{way.directive.place}: the members of {way.target} are not looked at. "
            "See that each is reached by uwsgi:// over a unix socket.",
        )
    elif way.protocol == "wsgi":
        try:
            if not names_in_code("keystone_voms_ext", read(Path(way.target))):
                yield Finding(
                    WRONG,
                    f"{way.directive.place}: {way.target} loads Keystone without its "
                    "pipeline. Let it say 'from keystone_voms_ext.wsgi import "
                    "application'.",
                )
        except OSError as error:
            yield Finding(
                NOTE,
                f"{way.directive.place}: {way.target} cannot be looked at: {error}. "
                "See that it takes application from keystone_voms_ext.wsgi.",
            )
    elif not way.target.startswith("unix:"):
        yield Finding(
            WRONG,
            f"{way.directive.place}: {way.target} is a TCP port, and who can connect "
            "to it can claim any certificate. Use a unix socket that only Apache can "
            "write to: 'unix:SOCKET|uwsgi://keystone/'.",
        )


def _find() -> Iterator[Finding]:
    main = chosen(VARIABLE, *USUAL)
    by_header = bool(CONF.voms.trusted_header_peers)
    try:
        apache = load(main)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        what = "no Apache configuration found" if missing else str(error)
        yield Finding(
            OK if missing and by_header else NOTE,
            f"{main}: {what}: not checked. {VARIABLE} names another file.",
        )
        return
    site = Site(
        ca_path=CONF.voms.ca_path,
        crl_policy=CONF.voms.crl_policy,
        by_header=by_header,
        sockets=uwsgi.socket_paths(),
    )
    # Several ways through one virtual host share its faults.
    yield from dict.fromkeys(judged(apache, site))


CHECKS = (Check("Apache before Keystone", _find),)
