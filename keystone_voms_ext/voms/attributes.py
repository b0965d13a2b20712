# SPDX-License-Identifier: Apache-2.0
"""What a verified credential says: the result of a validation.

Owns the two value types. Must never be made from anything unverified: only
``validate`` makes them. Read ``VomsAttributes`` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keystone_voms_ext.voms.ac import GenericAttribute


@dataclass(frozen=True, kw_only=True, slots=True)
class VoAttributes:
    """What one verified AC says; its dates are those of the AC and its signer."""

    vo: str
    fqans: tuple[str, ...]
    generic_attributes: tuple[GenericAttribute, ...]
    ac_issuer: str
    voms_host: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VomsAttributes:
    """A verified credential.

    ``vo`` to ``voms_host`` are of the primary AC, the first of a known VO;
    ``others`` are the further ones, ``ignored_vos`` those without a directory
    in vomsdir. ``dn`` is that of the EEC, ``proxy_names`` are the CNs that the
    proxies add to it, from the one nearest the EEC down. The dates are aware,
    in UTC: the latest beginning and the earliest end of the proxies, the EEC,
    the primary AC and its signer.
    """

    dn: str
    issuer_dn: str
    vo: str
    fqans: tuple[str, ...]
    primary_fqan: str
    generic_attributes: tuple[GenericAttribute, ...]
    limited: bool
    not_before: datetime
    not_after: datetime
    ac_issuer: str
    voms_host: str
    proxy_names: tuple[str, ...] = ()
    others: tuple[VoAttributes, ...] = ()
    ignored_vos: tuple[str, ...] = ()
