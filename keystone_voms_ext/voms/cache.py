# SPDX-License-Identifier: Apache-2.0
"""Credentials that were verified, so that the next login is a look-up.

Owns the memory of verdicts and what ends one: time, a change in the CA
directory or in vomsdir, other rules, or too many others since its last use.
Must never keep a refusal, nor know a chain by less than all of its bytes.
Read ``Validator.validate`` first.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from keystone_voms_ext.voms.anchors import Anchors, VoServers
from keystone_voms_ext.voms.rules import Case, Rules, Step
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir
from keystone_voms_ext.voms.validate import VomsAttributes, judge

MAX_CREDENTIALS = 1000
# A proxy has some 5,000 bytes; a few with a thousand FQANs must not be what
# fills the memory.
_BYTES_PER_CREDENTIAL = 8192

_Key = tuple[bytes, Rules]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """A verdict with the moments between which it stands, and the chain's size."""

    attributes: VomsAttributes
    since: datetime
    until: datetime
    size: int


class Validator:
    """Validates against two directories and remembers whom it has accepted.

    ``max_credentials`` bounds how many are kept, the least recently used going
    first; 0 keeps none. All methods may be called by any thread.
    """

    def __init__(
        self,
        trust: TrustStore,
        vomsdir: Vomsdir,
        *,
        max_credentials: int = MAX_CREDENTIALS,
    ) -> None:
        self._trust = trust
        self._vomsdir = vomsdir
        self._max_credentials = max_credentials
        self._max_bytes = max_credentials * _BYTES_PER_CREDENTIAL
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._bytes = 0
        self._snapshots: tuple[Anchors, VoServers] | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def validate(
        self,
        chain: Sequence[bytes],
        *,
        at: datetime,
        rules: Rules = Rules(),
        trace: Callable[[Step], None] | None = None,
    ) -> VomsAttributes:
        """Return what a credential proves at the aware moment ``at``.

        The same as ``validate.validate``, errors included. With ``trace``,
        which wants to see each check, nothing is taken from memory.
        """
        anchors, servers = self._trust.snapshot(), self._vomsdir.snapshot()
        case = Case.of(
            at=at, rules=rules, anchors=anchors, servers=servers, trace=trace
        )
        key = (_digest(chain), rules)
        if trace is None:
            known = self._find(key, case)
            if known is not None:
                return known
        verdict = judge(chain, case)
        kept = _Kept(
            attributes=verdict.attributes,
            since=at,
            until=verdict.until,
            size=sum(map(len, chain)),
        )
        self._keep(key, kept, case)
        return verdict.attributes

    def _find(self, key: _Key, case: Case) -> VomsAttributes | None:
        with self._lock:
            if not self._is_of_today(case):
                return None
            kept = self._kept.get(key)
            if kept is None:
                return None
            # A clock that was set back proves nothing about what had begun.
            if not kept.since <= case.at < kept.until:
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return kept.attributes

    def _keep(self, key: _Key, kept: _Kept, case: Case) -> None:
        with self._lock:
            if not self._is_of_today(case):
                self._kept.clear()
                self._bytes = 0
                self._snapshots = case.anchors, case.servers
            self._drop(key)
            self._kept[key] = kept
            self._bytes += kept.size
            while (
                len(self._kept) > self._max_credentials or self._bytes > self._max_bytes
            ):
                self._drop(next(iter(self._kept)))

    def _is_of_today(self, case: Case) -> bool:
        """Tell whether what is kept was judged by the snapshots of this case."""
        if self._snapshots is None:
            return False
        anchors, servers = self._snapshots
        return anchors is case.anchors and servers is case.servers

    def _drop(self, key: _Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= kept.size


def _digest(chain: Sequence[bytes]) -> bytes:
    """Return the SHA-256 of a whole chain; no two chains have the same input."""
    digest = hashlib.sha256()
    for data in chain:
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()
