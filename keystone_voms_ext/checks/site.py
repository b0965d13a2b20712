# SPDX-License-Identifier: Apache-2.0
"""Checks of the mapping, and of what it and the options name in Keystone.

Owns what must exist before a login can succeed. It resolves as a login does,
and must never create what is missing. Read ``CHECKS`` first.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import keystone.conf

from keystone_voms_ext import mapping, sources
from keystone_voms_ext.checks.finding import NOTE, WRONG, Check, Finding, Findings
from keystone_voms_ext.identity import places, rights, store
from keystone_voms_ext.voms.errors import SetupError

CONF = keystone.conf.CONF

# Stands for any user where a check needs one.
_SAMPLE_DN = "/DC=org/DC=example/CN=check"


def _mapping() -> Findings:
    path = Path(CONF.voms.voms_policy)
    try:
        sources.voms_map()
    except SetupError as error:
        faults = {str(error): None}
        if error.code == "mapping_invalid":
            text = path.read_text(encoding="utf-8")
            faults.update(dict.fromkeys(_faults(text, source=str(path))))
        yield from (Finding(WRONG, fault) for fault in faults)


def _faults(text: str, *, source: str) -> Iterator[str]:
    """Yield the fault of each entry, where parsing all ends with the first."""
    document = json.loads(text)
    for key, value in document.items() if isinstance(document, dict) else ():
        named = json.dumps(key)
        # At its own line, so that the fault says where it stands.
        above = text[: max(text.find(named), 0)].count("\n")
        try:
            alone = f"{{{named}: {json.dumps(value)}}}"
            mapping.parse("\n" * above + alone, source=source)
        except SetupError as error:
            yield str(error)


def _domains() -> Findings:
    for option in ("user_domain", "project_domain"):
        try:
            domain = places.find_domain(CONF.voms[option], option=option)
        except SetupError as error:
            yield Finding(WRONG, str(error))
            continue
        if not domain["enabled"]:
            yield Finding(
                WRONG,
                f"The domain {domain['name']} of [voms] {option} is disabled. "
                f"'openstack domain set --enable {domain['id']}' enables it.",
            )
        if option == "user_domain" and not store.is_in_sql(domain):
            yield Finding(
                WRONG,
                f"The users of domain {domain['name']} are not stored in SQL, so none "
                "can be made. Set [voms] user_domain to a domain that is.",
            )


def _provider() -> Findings:
    if CONF.voms.add_roles:
        places.check_ttl()
    if not store.protocol_exists():
        raise places.provider_unknown()
    idp = CONF.voms.identity_provider
    if not store.provider_is_enabled():
        yield Finding(
            WRONG,
            f"The identity provider {idp} is disabled. 'openstack identity provider "
            f"set --enable {idp}' enables it.",
        )
    keys = [entry.key for entry in sources.voms_map().entries]
    for vo in sorted({mapping.vo_of(key) for key in keys}):
        fqans = [
            key for key in keys if key.startswith("/") and mapping.vo_of(key) == vo
        ]
        if not store.rules_hold(_assertion(vo, [f"/{vo}", *fqans])):
            yield Finding(
                NOTE,
                f"No rule of the mapping of protocol {CONF.voms.protocol} holds for a "
                f"user of VO {vo}, so federated logins of that VO are refused. One "
                "rule on VOMS_DN alone is enough for all VOs.",
            )


def _assertion(vo: str, fqans: list[str]) -> dict[str, str]:
    joined = ";".join(fqans)
    return {
        "VOMS_DN": _SAMPLE_DN,
        "VOMS_VO": vo,
        "VOMS_FQANS": joined,
        "GRST_CONN_AURI_0": f"dn:{_SAMPLE_DN}",
        "GRST_VOMS_FQANS": joined,
    }


def _roles() -> Findings:
    wanted = CONF.voms.user_roles if CONF.voms.add_roles else ()
    for role in store.roles_missing(wanted):
        yield Finding(
            WRONG,
            f"There is no role {role!r}, which [voms] user_roles names. 'openstack "
            f"role create {role}' makes it.",
        )


def _entries() -> Findings:
    faults: dict[str, None] = {}
    for entry in sources.voms_map().entries:
        # One by one, for resolving an entry ends with its first fault.
        alone = [dataclasses.replace(entry, projects=(p,)) for p in entry.projects]
        alone += [
            dataclasses.replace(entry, projects=(), project_per_user=None, roles=(r,))
            for r in entry.roles
        ]
        for part in alone or [entry]:
            try:
                rights.resolve([part], dn=_SAMPLE_DN)
            except SetupError as error:
                faults[str(error)] = None
    yield from (Finding(WRONG, text) for text in faults)


def _names() -> Findings:
    collation = store.collation()
    if not collation or collation.endswith("_bin"):
        return
    domain = places.find_domain(CONF.voms.user_domain, option="user_domain")
    yield Finding(
        NOTE,
        f"The database compares names by {collation}, to which names that differ in "
        "case, accents or trailing blanks only are equal. A login compares the "
        "user's name with the DN byte for byte and is refused if they differ, so "
        "nobody gets in as another; but of two such users one has no account.",
    )
    for one, two in store.alike(domain):
        yield Finding(
            NOTE,
            f"In domain {domain['name']} the database takes these users' names for the "
            f"same: {one!r} and {two!r}. Rename one.",
        )


CHECKS = (
    Check("Mapping file", _mapping),
    Check("Domains", _domains, asks_store=True),
    Check("Identity provider", _provider, asks_store=True),
    Check("Roles of [voms] user_roles", _roles, asks_store=True),
    Check("Entries of the mapping", _entries, asks_store=True),
    Check("Names in the database", _names, asks_store=True),
)
