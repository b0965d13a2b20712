# SPDX-License-Identifier: Apache-2.0
"""Checks of keystone.conf and of the paste file.

Owns what the options must be for VOMS logins. It must never ask the database:
a wrong option is to be found while Keystone cannot even start. Read
``CHECKS`` first.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from typing import Any

import keystone.conf
from oslo_config import cfg
from paste.deploy import loadwsgi

from keystone_voms_ext import conf, wsgi
from keystone_voms_ext.checks.finding import NOTE, OK, WRONG, Check, Finding, Findings

CONF = keystone.conf.CONF

# It stands here by name, for loading it is the paste file's to do.
_V2 = "keystone_voms_ext.v2"


def _options() -> Findings:
    for option in conf.OPTS:
        try:
            CONF.voms[option.dest]
        except (cfg.Error, ValueError) as error:
            yield Finding(WRONG, f"[voms] {option.name}: {error}. Correct the value.")
    for option, whose in (
        ("autocreate_users", "users are"),
        ("add_roles", "roles are"),
    ):
        if not CONF.voms[option]:
            yield Finding(
                OK, f"[voms] {option} is off: {whose} the operator's to give."
            )


def _methods() -> Findings:
    methods = list(CONF.auth.methods)
    if "voms" not in methods:
        yield Finding(WRONG, "[auth] methods lacks voms. Add it at the end.")
    elif methods[-1] != "voms":
        yield Finding(
            WRONG,
            f"[auth] methods ends with {methods[-1]}. A Fernet token keeps its "
            "methods by position, so put voms last, on all nodes alike.",
        )
    for method in ("token", "ec2credential"):
        if method not in methods:
            yield Finding(
                WRONG,
                f"[auth] methods lacks {method}. "
                + (
                    "Without it no token can be scoped: put it back where it was."
                    if method == "token"
                    else "Without it EC2 and S3 tokens are refused with 503: put it "
                    "back where Keystone's default has it."
                ),
            )
    if "mapped" not in methods:
        yield Finding(
            NOTE,
            "[auth] methods lacks mapped, so the federated door is shut, which many "
            "clients hard-code. Add it before voms.",
        )
    if "external" in methods:
        yield Finding(
            NOTE,
            "[auth] methods has external, which logs in whoever the web server "
            "names in REMOTE_USER, and some name the DN of any certificate. To take "
            "it out moves the others, which misreads the tokens that are out: empty "
            "the Fernet key repository and run keystone-manage fernet_setup then.",
        )


def _plugins() -> Findings:
    for method, harm in (
        ("mapped", "a federated login gets no rights and outlives its proxy"),
        ("token", "a VOMS login reaches projects that its proxy did not earn"),
    ):
        found = CONF.auth.get(method)
        if found != "voms" and method in CONF.auth.methods:
            yield Finding(
                WRONG,
                f"[auth] {method} is {found or 'not set'}, so {harm}. Set it to voms.",
            )
    if "voms" in CONF.auth.methods:
        # Keystone knows the option once it has seen the method.
        keystone.conf.auth.setup_authentication()
        if CONF.auth.voms not in (None, "default"):
            yield Finding(WRONG, "[auth] voms names another plugin. Take it out.")


def _delegation() -> Findings:
    listed = CONF.auth.get("additional_primary_auth_methods")
    if listed is None:
        text = (
            "This Keystone has no [auth] additional_primary_auth_methods: tokens of "
            "native VOMS logins can make application credentials and trusts."
        )
    elif "voms" in listed:
        text = (
            "[auth] additional_primary_auth_methods has voms: tokens of native VOMS "
            "logins can be rescoped, and make application credentials and trusts."
        )
    else:
        text = (
            "[auth] additional_primary_auth_methods lacks voms, the default: tokens "
            "of native VOMS logins can neither be rescoped nor make application "
            "credentials and trusts; those of federated logins can."
        )
    yield Finding(OK, text)


def _tokens() -> Findings:
    if CONF.token.provider != "fernet":
        yield Finding(
            NOTE,
            f"[token] provider is {CONF.token.provider}; VOMS logins are tried with "
            "fernet only.",
        )
    elif CONF.max_token_size < 255:
        yield Finding(
            NOTE,
            f"max_token_size is {CONF.max_token_size}, and Keystone logs each token "
            "that is longer. Those of VOMS logins fit into its default, 255.",
        )


def _paste() -> Findings:
    path = wsgi.paste_file()
    try:
        # What the file names is looked up, but nothing is made of it.
        context = loadwsgi.loadcontext(loadwsgi.APP, f"config:{path.resolve()}", "main")
        ways = tuple(_ways(context))
    except (OSError, LookupError, configparser.Error, ValueError, ImportError) as error:
        what = (str(error).strip().splitlines() or [""])[0]
        yield Finding(
            WRONG,
            f"{path} cannot be loaded, and Keystone does not start with it: "
            f"{type(error).__name__}: {what}. Correct it, or name another by "
            f"{wsgi.PASTE_VARIABLE}.",
        )
        return
    ways = tuple(way for way in ways if way[-1] is wsgi.app_factory) or ways
    if not all(wsgi.filter_factory in way for way in ways):
        yield Finding(
            NOTE,
            f"{path} has no filter voms on the way to Keystone: federated logins do "
            "not work, and REMOTE_USER is not taken out of requests.",
        )
    elif any(map(_asks_behind, ways)):
        yield Finding(
            WRONG,
            f"{path} has voms_v2 behind voms, which what it asks has to go through. "
            "Put voms_v2 first.",
        )
    else:
        yield Finding(
            OK, f"It is {path}, where {wsgi.PASTE_VARIABLE} is set as it is here."
        )


def _ways(context: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the factories on each way through a paste file, the application last."""
    filters = [one.object for one in getattr(context, "filter_contexts", ())]
    if single := getattr(context, "filter_context", None):
        filters.append(single.object)
    inner = getattr(context, "app_context", None) or getattr(
        context, "next_context", None
    )
    if inner is not None:
        yield from ((*filters, *way) for way in _ways(inner))
    elif context.protocol == "paste.composite_factory":
        for name in dict.fromkeys(context.local_conf.values()):
            yield from _ways(context.loader.get_context(loadwsgi.APP, name))
    else:
        yield (context.object,)


def _asks_behind(way: tuple[Any, ...]) -> bool:
    behind = way[way.index(wsgi.filter_factory) :]
    return any(getattr(one, "__module__", "") == _V2 for one in behind)


CHECKS = (
    Check("Options of [voms]", _options),
    Check("Auth methods", _methods),
    Check("Auth plugins", _plugins),
    Check("Delegation", _delegation),
    Check("Tokens", _tokens),
    Check("Paste file", _paste),
)
