# SPDX-License-Identifier: Apache-2.0
"""A directory that is read into memory, and again when its files change.

Owns all file access of the core, its lock and its pace: at most one look a
second, by one thread, while the others go on with what is known. Must never
know what the files mean. Read ``Watched.snapshot`` first.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from keystone_voms_ext.voms.errors import CredentialRefused, SetupError

LOG = logging.getLogger(__name__)

MAX_FILE_BYTES = 64 * 1024 * 1024
CHECK_SECONDS = 1.0
# A file this young may change once more without its stamp showing it.
_SETTLED_NANOSECONDS = 2_000_000_000
# A file written in place within this time may be half written yet. It is left
# alone until it is quiet, but no longer than one's patience lasts.
_QUIET_NANOSECONDS = 500_000_000
PATIENCE_SECONDS = 10.0


class Stamp(NamedTuple):
    """What differs when a file has been changed or replaced."""

    modified: int
    changed: int
    size: int
    inode: int


Item = TypeVar("Item")
Snapshot = TypeVar("Snapshot")


class Known(NamedTuple, Generic[Item]):
    """A file as it was read.

    ``settled`` says that its stamp can be relied on, ``awaited`` since when
    (monotonic) it is being written and left alone, None if it is not.
    """

    stamp: Stamp
    settled: bool
    awaited: float | None
    digest: bytes
    item: Item


def stamps(directory: Path) -> dict[str, Stamp]:
    """Return the stamp of each entry; of one that cannot be looked at, an empty one."""
    return {
        name: _stamp(directory / name) or Stamp(0, 0, 0, 0)
        for name in os.listdir(directory)
    }


def _stamp(path: Path) -> Stamp | None:
    try:
        return _stamp_of(os.stat(path))
    except OSError:
        return None


def _stamp_of(status: os.stat_result) -> Stamp:
    return Stamp(
        status.st_mtime_ns,
        status.st_ctime_ns,
        # Reading a pipe or a device could wait for ever.
        status.st_size if stat.S_ISREG(status.st_mode) else -1,
        status.st_ino,
    )


class _Content(NamedTuple):
    """The octets of a file, why there are none, and whether it changed meanwhile."""

    octets: bytes
    why: str = ""
    is_torn: bool = False


def _content(path: Path, stamp: Stamp) -> _Content:
    if not 0 <= stamp.size <= MAX_FILE_BYTES:
        return _Content(b"", f"it is not a file of at most {MAX_FILE_BYTES} bytes")
    try:
        with path.open("rb") as file:
            before = _stamp_of(os.fstat(file.fileno()))
            octets = file.read(MAX_FILE_BYTES + 1)
            after = _stamp_of(os.fstat(file.fileno()))
    except OSError as error:
        return _Content(b"", str(error.strerror))
    # A rename over the file changes its ctime, and nothing in it.
    torn = (before.modified, before.size) != (after.modified, len(octets))
    return _Content(octets, is_torn=torn)


class Watched(ABC, Generic[Item, Snapshot]):
    """A directory that is read into a snapshot, and again when files change."""

    code: str
    kind: str

    def __init__(
        self, path: str | Path, *, check_seconds: float = CHECK_SECONDS
    ) -> None:
        self.path = Path(path)
        self._check_seconds = check_seconds
        self._lock = threading.Lock()
        self._files: dict[str, Known[Item]] = {}
        self._directories: frozenset[str] = frozenset()
        self._snapshot: Snapshot | None = None
        self._next_check = 0.0

    def snapshot(self) -> Snapshot:
        """Return what the directory says, as of at most a second ago.

        The same object is returned until a file changes. Raises SetupError if
        the directory is missing or cannot be read.
        """
        current = self._snapshot
        if current is not None:
            if time.monotonic() < self._next_check:
                return current
            # One thread reads; the others go on with what is known.
            if not self._lock.acquire(blocking=False):
                return current
        else:
            self._lock.acquire()
        try:
            current = self._snapshot
            if current is None or time.monotonic() >= self._next_check:
                current = self._refreshed(current)
                self._snapshot = current
                self._next_check = time.monotonic() + self._check_seconds
            return current
        except OSError as error:
            # Nothing is trusted while nobody can say what is to be trusted.
            self._snapshot = None
            raise SetupError(
                self.code,
                what=f"The {self.kind} {self.path} cannot be read: {error.strerror}.",
                mend="Create it, make it readable by this service, or name another "
                "directory in the configuration.",
                subject=str(self.path),
            ) from error
        finally:
            self._lock.release()

    def _refreshed(self, current: Snapshot | None) -> Snapshot:
        stamps, directories = self._list()
        stamps.update(self._overlooked(stamps, directories))
        files: dict[str, Known[Item]] = {}
        for name, stamp in stamps.items():
            known = self._files.get(name)
            if known is None or known.stamp != stamp or not known.settled:
                known = self._read(name, stamp, known)
            files[name] = known
        before = {name: known.item for name, known in self._files.items()}
        after = {name: known.item for name, known in files.items()}
        same = (
            before.keys() == after.keys()
            and all(before[name] is item for name, item in after.items())
            and directories == self._directories
        )
        self._files, self._directories = files, directories
        if current is not None and same:
            return current
        return self._assemble(after.values(), directories)

    def _overlooked(
        self, listed: Mapping[str, Stamp], directories: frozenset[str]
    ) -> dict[str, Stamp]:
        """Return known files that are there although the listing has them not.

        A directory that is listed while one of its files is replaced may show
        neither the old nor the new one.
        """
        found: dict[str, Stamp] = {}
        for name in self._files.keys() - listed.keys():
            parent = name.rpartition("/")[0]
            stamp = _stamp(self.path / name)
            if stamp is not None and (not parent or parent in directories):
                found[name] = stamp
        return found

    def _read(self, name: str, stamp: Stamp, known: Known[Item] | None) -> Known[Item]:
        """Return the file as it is now: the same item if its content is the same."""
        age = time.time_ns() - stamp.modified
        settled = age > _SETTLED_NANOSECONDS
        being_written = (
            known is not None
            and known.stamp.inode == stamp.inode
            and 0 <= age < _QUIET_NANOSECONDS
        )
        if known is not None and being_written:
            awaited = known.awaited or time.monotonic()
            if time.monotonic() - awaited < PATIENCE_SECONDS:
                return known._replace(settled=False, awaited=awaited)
        data, why, is_torn = _content(self.path / name, stamp)
        if known is not None and is_torn:
            return known._replace(settled=False)
        digest = hashlib.sha256(why.encode() + b"\0" + data).digest()
        if known is not None and known.digest == digest:
            return known._replace(stamp=stamp, settled=settled, awaited=None)
        try:
            if why:
                raise ValueError(why)
            item = self._parse(name, data)
        except (ValueError, CredentialRefused) as error:
            if known is not None and being_written:
                # Half a file, in all likelihood; broken once it is left alone.
                return known._replace(settled=False)
            # DerError, PemError and PolicyFileError are ValueErrors.
            LOG.warning(
                "%s is not usable: %s Mend or replace this file; until then "
                "nothing that it describes is trusted.",
                self.path / name,
                getattr(error, "what", f"{error}."),
            )
            item = self._stand_in(name)
        return Known(stamp, settled, None, digest, item)

    @abstractmethod
    def _list(self) -> tuple[dict[str, Stamp], frozenset[str]]:
        """Return the stamps of the files that matter, and the sub-directories."""

    @abstractmethod
    def _parse(self, name: str, data: bytes) -> Item:
        """Return what the file holds; raises ValueError or CredentialRefused."""

    @abstractmethod
    def _stand_in(self, name: str) -> Item:
        """Return what stands for a bad file: it grants nothing."""

    @abstractmethod
    def _assemble(self, items: Iterable[Item], directories: frozenset[str]) -> Snapshot:
        """Return the snapshot of these files."""
