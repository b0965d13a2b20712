# SPDX-License-Identifier: Apache-2.0
"""What the operator put on disk, opened once per process and kept in memory.

Owns the trust store, the vomsdir and the mapping that ``[voms]`` names. Each
is made at its first use, so that a missing directory costs the VOMS logins
and nothing else, and made anew when its path changes. Read ``voms_map``
first.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import keystone.conf
from oslo_log import log

from keystone_voms_ext import mapping
from keystone_voms_ext.voms.cache import Validator
from keystone_voms_ext.voms.errors import CredentialRefused, SetupError
from keystone_voms_ext.voms.trust import TrustStore, Vomsdir

CONF = keystone.conf.CONF
LOG = log.getLogger(__name__)


def validator() -> Validator:
    """Return the validator over ``[voms] ca_path`` and ``vomsdir_path``.

    Its ``validate`` raises SetupError while one of them cannot be read.
    """
    options = CONF.voms
    return _validator(options.ca_path, options.vomsdir_path, options.cache_size)


def voms_map() -> mapping.VomsMap:
    """Return the mapping of ``[voms] voms_policy`` as the file stands now.

    Raises SetupError when there is no mapping that can be used: a file that
    cannot be read or parsed while no earlier version of it was good.
    """
    return _map_file(CONF.voms.voms_policy).current()


def not_mapped(dn: str, *, vo: str, fqans: Sequence[str]) -> CredentialRefused:
    """Return the refusal of a credential that earns nothing by the mapping."""
    return CredentialRefused(
        "vo_not_mapped",
        subject=dn,
        what=f"{CONF.voms.voms_policy} maps neither VO {vo} nor any of "
        f"{', '.join(fqans)}.",
        mend="Add an entry for the VO or the group, if this site supports it.",
    )


@lru_cache(maxsize=1)
def _validator(ca_path: str, vomsdir_path: str, cache_size: int) -> Validator:
    return Validator(
        TrustStore(ca_path), Vomsdir(vomsdir_path), max_credentials=cache_size
    )


@lru_cache(maxsize=1)
def _map_file(path: str) -> _MapFile:
    return _MapFile(Path(path))


@dataclass(frozen=True, kw_only=True)
class _Version:
    """The file's identity when it was read, and what reading it gave."""

    stamp: tuple[int, int, int] | None
    outcome: mapping.VomsMap | SetupError


class _MapFile:
    """The mapping file, parsed again when its time, size or inode changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._version: _Version | None = None

    def current(self) -> mapping.VomsMap:
        with self._lock:
            stamp = self._stamp()
            if self._version is None or stamp != self._version.stamp:
                self._version = self._read(stamp)
            outcome = self._version.outcome
        if isinstance(outcome, SetupError):
            # Kept and raised again, so it must not gather a trace each time.
            raise outcome.with_traceback(None)
        return outcome

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self, stamp: tuple[int, int, int] | None) -> _Version:
        try:
            text = self._path.read_text(encoding="utf-8")
            good = mapping.parse(text, source=str(self._path))
            return _Version(stamp=stamp, outcome=good)
        except (OSError, UnicodeDecodeError) as error:
            fault = SetupError(
                "mapping_unreadable",
                what=f"The mapping {self._path} cannot be read: {error}.",
                mend="Create it, readable for the user that Keystone runs as, or "
                "set [voms] voms_policy to the right path.",
            )
        except SetupError as error:
            fault = error
        if self._version is None or isinstance(self._version.outcome, SetupError):
            return _Version(stamp=stamp, outcome=fault)
        LOG.error("The last good mapping stays in force. [%s] %s", fault.code, fault)
        return _Version(stamp=stamp, outcome=self._version.outcome)
