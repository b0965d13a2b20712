# SPDX-License-Identifier: Apache-2.0
"""``keystone-voms-manage map``: what a login with this proxy would do.

Owns the way from a proxy, or from a DN with FQANs, to the answer in both its
forms. It must go the way of ``plugin.log_in``, by the same functions, and
change nothing. Read ``foresee`` first.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import keystone.conf

from keystone_voms_ext import credential, environ, mapping, sources
from keystone_voms_ext.identity import accounts, forecast, rights
from keystone_voms_ext.voms.chain import certificates_from_pem
from keystone_voms_ext.voms.errors import VomsError

CONF = keystone.conf.CONF

MOMENT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Whose login is foreseen: the VOs with their FQANs, the primary one first."""

    dn: str
    vos: dict[str, tuple[str, ...]]
    entries: tuple[mapping.Entry, ...]
    not_after: datetime | None


@dataclass(frozen=True, kw_only=True)
class Login:
    """What a login would do."""

    claim: Claim
    granted: tuple[rights.Granted, ...]
    forecast: forecast.Forecast
    ends: datetime


def claim_of_proxy(pem: bytes, *, at: datetime) -> Claim:
    """Return what the proxy proves, by the same door as a request's."""
    leaf, *issuers = map(ssl.DER_cert_to_PEM_cert, certificates_from_pem(pem))
    request: dict[str, Any] = {environ.LEAF: leaf}
    for number, issuer in enumerate(issuers):
        request[f"{environ.LEAF}_CHAIN_{number}"] = issuer
    proved = credential.of_request(request, at=at)
    return Claim(
        dn=proved.dn,
        vos={
            proved.vo: proved.fqans,
            **{other.vo: other.fqans for other in proved.others},
        },
        entries=sources.voms_map().earned(proved),
        not_after=proved.not_after,
    )


def claim_of_names(dn: str, vo: str | None, fqans: Sequence[str]) -> Claim:
    """Return the claim of a user with these FQANs, whose proxy is taken as good."""
    vos = {
        vo or mapping.vo_of(fqans[0]): (),
        **dict.fromkeys(map(mapping.vo_of, fqans)),
    }
    by_vo = {
        name: tuple(fqan for fqan in fqans if mapping.vo_of(fqan) == name)
        for name in vos
    }
    known = sources.voms_map()
    entries = dict.fromkeys(
        entry
        for name, earned in by_vo.items()
        for entry in known.grants(vo=name, fqans=earned)
    )
    return Claim(dn=dn, vos=by_vo, entries=tuple(entries), not_after=None)


def foresee(claim: Claim, *, at: datetime) -> Login:
    """Return what a login does, or raise what it is refused with."""
    if not claim.entries:
        fqans = [fqan for earned in claim.vos.values() for fqan in earned]
        raise sources.not_mapped(claim.dn, vo=next(iter(claim.vos)), fqans=fqans)
    granted = rights.resolve(claim.entries, dn=claim.dn)
    ends = at + timedelta(seconds=CONF.token.expiration)
    return Login(
        claim=claim,
        granted=granted,
        forecast=forecast.of_login(granted, dn=claim.dn, vos=tuple(claim.vos)),
        ends=min(ends, claim.not_after or ends),
    )


def login_object(login: Login) -> dict[str, Any]:
    seen = login.forecast
    return {
        "verdict": "accept",
        "dn": login.claim.dn,
        "vos": login.claim.vos,
        "user": {"id": seen.user_id, "domain": seen.domain},
        "grants": [
            {
                "entry": one.entry.key,
                "line": one.entry.line,
                "group": one.group,
                "projects": [{"id": p.id, "name": p.name} for p in one.projects],
                "roles": [name for _, name in one.roles],
            }
            for one in login.granted
        ],
        "held": [
            {**place_object(one.place), "rights": list(map(vars, one.rights))}
            for one in seen.held
        ],
        "lost": list(map(vars, seen.lost)),
        "ended": list(map(vars, seen.made)),
        "tokens_end": seen.tokens_end,
        "token_until": login.ends.strftime(MOMENT),
    }


def login_lines(login: Login) -> Iterator[str]:
    claim, seen = login.claim, login.forecast
    yield f"DN            {claim.dn}"
    for vo, fqans in claim.vos.items():
        yield f"VO            {vo}: {', '.join(fqans) or 'no FQAN'}"
    who = seen.user_id or "would be created,"
    yield f"user          {who} in domain {seen.domain}"
    for one in login.granted:
        entry = one.entry
        yield f"entry         {entry.key} ({entry.source}, line {entry.line})"
        if CONF.voms.add_roles:
            yield f"  group       {one.group}"
        for project in one.projects:
            named = f"{project.name} ({project.id or 'would be created'})"
            yield f"  project     {named}: {_names(name for _, name in one.roles)}"
    for held in seen.held:
        yield f"holds now     {held.place.group}, {until(held.place)}"
        for right in held.rights:
            yield f"  project     {right.project} ({right.project_id}): {right.role}"
    for right in seen.lost:
        yield f"would lose    {right.role} in {right.project} ({right.project_id})"
    for made in seen.made:
        yield f"would end     {made.kind} {made.id} in project {made.project_id}"
    if seen.tokens_end:
        yield "would end     the user's older tokens"
    most = "" if claim.not_after else " at most, and not after its proxy"
    yield f"token         until {login.ends.strftime(MOMENT)}{most}"


def _names(roles: Iterator[str]) -> str:
    return ", ".join(roles) or "what operators granted, [voms] add_roles is off"


def refusal_object(error: VomsError) -> dict[str, Any]:
    return {
        "verdict": "refuse",
        "status": error.status,
        "code": error.code,
        "dn": getattr(error, "user", None) or error.subject,
        "what": error.what,
        "mend": error.mend,
    }


def refusal_lines(error: VomsError) -> Iterator[str]:
    if (user := getattr(error, "user", None)) is not None:
        yield f"claimed DN    {user}"
    if error.subject is not None:
        yield f"subject       {error.subject}"
    yield f"refused       {error.code}, with status {error.status}"
    yield f"why           {error.what}"
    yield f"what to do    {error.mend}"


def place_object(place: accounts.Place) -> dict[str, Any]:
    return {**vars(place), "until": place.until.strftime(MOMENT)}


def until(place: accounts.Place) -> str:
    return f"{'until' if place.live else 'over since'} {place.until.strftime(MOMENT)}"
