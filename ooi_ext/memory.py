# SPDX-License-Identifier: Apache-2.0
"""What one process remembers of the Nova that it runs in.

Owns: the highest microversion, which cannot change while the process runs,
and answers that are good for some seconds. Must never: hold anything without
a bound, or show one user what another one asked. Read first: known.
"""

import threading
import weakref
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

# Users with a value at once; a value is some hundred categories.
_LIMIT = 256


@dataclass
class Memory:
    """Values by their keys until a time. Times are seconds of one clock."""

    limit: int = _LIMIT
    _values: dict[Hashable, tuple[float, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, *, at: float) -> Any:
        """Return the value of `key`, None if there is none or it is too old."""
        with self._lock:
            until, value = self._values.get(key, (at, None))
            return value if at < until else None

    def put(self, key: Hashable, value: Any, *, until: float) -> None:
        """Keep a value; the one that was put first goes when there are too many."""
        with self._lock:
            self._values.pop(key, None)
            if len(self._values) >= self.limit:
                del self._values[next(iter(self._values))]
            self._values[key] = (until, value)

    def forget(self, key: Hashable) -> None:
        """Forget the value of `key`."""
        with self._lock:
            self._values.pop(key, None)


@dataclass
class Known:
    """What is known of one application: its highest microversion, and answers."""

    ceiling: tuple[int, int] | None = None
    answers: Memory = field(default_factory=Memory)


_LOCK = threading.Lock()
# By the place in memory, because an application need not be hashable; it
# leaves with the application, before another one can take the place.
_BY_PLACE: dict[int, Known] = {}


def known(app: Any) -> Known:
    """Return what is known of `app`, a WSGI application, as long as it lives."""
    with _LOCK:
        found = _BY_PLACE.get(id(app))
        if found is None:
            found = _BY_PLACE[id(app)] = Known()
            weakref.finalize(app, _BY_PLACE.pop, id(app), None)
        return found
