# SPDX-License-Identifier: Apache-2.0
"""Further processes that serve the port of this one, as a site's workers do.

Owns their life: all of them listen at once, when each can, and none outlives
the first process, however that one ends. Each is a whole process of its own,
for a Keystone that was forked would share its connections. Read Siblings.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

LOG = logging.getLogger(__name__)


class Siblings:
    """The other processes, as the first one holds them.

    A pair of sockets joins each with the first: a byte up says that it could
    listen, a byte down lets it, and the end of either process closes both.
    """

    def __init__(self, command: Sequence[str], *, count: int) -> None:
        """Start the processes; they run `command` and call `wait_to_listen`."""
        self._stopping = False
        self._started = [_start(command) for _ in range(count)]

    def let_listen(self) -> None:
        """Wait until each could listen, then let all; ChildProcessError if not."""
        for process, link in self._started:
            if not link.recv(1):
                raise ChildProcessError(
                    f"worker process {process.pid} ended as it started"
                )
        for process, link in self._started:
            link.sendall(b"!")
            watch = threading.Thread(target=self._watch, args=(process,), daemon=True)
            watch.start()

    def stop(self) -> None:
        """End the processes and return when they are gone."""
        self._stopping = True
        for _, link in self._started:
            link.close()
        for process, _ in self._started:
            process.wait()

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        # Half of a Keystone would hide that the other half is broken.
        process.wait()
        if not self._stopping:
            LOG.error("worker process %s has ended", process.pid)
            os.kill(os.getpid(), signal.SIGTERM)


def wait_to_listen() -> None:
    """Say that this process could listen, and return when it may.

    From then on it gets SIGTERM when the first process ends.
    """
    link = socket.socket(fileno=sys.stdin.fileno())
    link.sendall(b"!")
    if not link.recv(1):
        sys.exit("the first worker process is gone")

    def end_with_the_first() -> None:
        link.recv(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_the_first, daemon=True).start()


def _start(command: Sequence[str]) -> "tuple[subprocess.Popen[bytes], socket.socket]":
    ours, theirs = socket.socketpair()
    with theirs:
        return subprocess.Popen(command, stdin=theirs), ours
