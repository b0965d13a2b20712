# SPDX-License-Identifier: Apache-2.0
"""The credential of a request: validated once, kept in the environ.

Owns the environ keys by which the ``voms`` filter hands its verdict to the
doors. It must never believe a key that a client could have set; what may be
remembered from one request to the next is the validator's to know. Read
``of_request`` first.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import socket
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

import keystone.conf
from oslo_log import log

from keystone_voms_ext import environ as wsgi_environ
from keystone_voms_ext import sources
from keystone_voms_ext.voms.errors import CredentialRefused, VomsError
from keystone_voms_ext.voms.validate import Rules, Step, VomsAttributes

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)

# A client's headers arrive as HTTP_*, so no client can set this key.
VERDICT = "keystone_voms_ext.verdict"

# How the CAs of the grid name robots, and portals their users.
_ROBOT = re.compile(r"/CN=Robot\b[^/]*(?:/CN=[^/]*)*\Z", re.IGNORECASE)
_SUB_PROXY = re.compile(r"(?:user|eToken):[A-Za-z0-9_.@:-]{1,64}")


def of_request(
    environ: MutableMapping[str, Any], *, at: datetime.datetime
) -> VomsAttributes:
    """Return what the proxy of the request proves, or raise why it proves nothing.

    The verdict that the filter left in the environ is used where there is
    one; a site may leave the filter out of its pipeline. ``at`` is an aware
    time. Raises CredentialRefused or SetupError.
    """
    verdict = environ.get(VERDICT)
    if verdict is None:
        verdict = environ[VERDICT] = _verdict(environ, at=at)
    if isinstance(verdict, VomsError):
        raise verdict
    attributes: VomsAttributes = verdict
    return attributes


def proved_by(environ: MutableMapping[str, Any]) -> VomsAttributes | None:
    """Return what the filter found proved by this request, or None."""
    verdict = environ.get(VERDICT)
    return verdict if isinstance(verdict, VomsAttributes) else None


def _verdict(
    environ: MutableMapping[str, Any], *, at: datetime.datetime
) -> VomsAttributes | VomsError:
    try:
        attributes = sources.validator().validate(
            wsgi_environ.client_chain(
                environ, header_peers=CONF.voms.trusted_header_peers
            ),
            at=at,
            rules=_rules(),
            trace=_log_check if LOG.isEnabledFor(log.DEBUG) else None,
        )
        _check_lifetime(attributes, at=at)
    except VomsError as error:
        return error
    return _person(attributes) if CONF.voms.enable_pusp else attributes


def _person(attributes: VomsAttributes) -> VomsAttributes:
    """Return the same for the person behind a robot's per-user sub-proxy.

    Whoever holds the robot's key names its users, so the name only ever adds
    to the robot's own DN.
    """
    names = attributes.proxy_names
    if not names or not _ROBOT.search(attributes.dn):
        return attributes
    if not _SUB_PROXY.fullmatch(names[0]):
        return attributes
    return dataclasses.replace(attributes, dn=f"{attributes.dn}/CN={names[0]}")


def _log_check(step: Step) -> None:
    LOG.debug("VOMS check %s", step)


def _rules() -> Rules:
    options = CONF.voms
    return Rules(
        crl_policy=options.crl_policy,
        allow_limited=options.allow_limited,
        allow_legacy=options.allow_legacy_proxies,
        max_proxies=options.max_proxies,
        skew_seconds=options.clock_skew,
        hostnames=tuple(options.hostnames) or (_own_name(),),
    )


@lru_cache(maxsize=1)
def _own_name() -> str:
    """Return this host's full name; asked once, for DNS may be slow."""
    return socket.getfqdn()


def _check_lifetime(attributes: VomsAttributes, *, at: datetime.datetime) -> None:
    left = (attributes.not_after - at).total_seconds()
    if left < CONF.voms.min_lifetime:
        raise CredentialRefused(
            "lifetime_too_short",
            subject=attributes.dn,
            what=f"The credential is valid for {left:.0f} s more, less than "
            f"[voms] min_lifetime ({CONF.voms.min_lifetime} s).",
            mend="Make a new proxy with voms-proxy-init.",
        )
