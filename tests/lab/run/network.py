# SPDX-License-Identifier: Apache-2.0
"""A network of its own for a program that would listen on every address.

Owns the namespace: in it loopback is all there is, so that nobody beyond the
machine reaches the program, and no port of the machine is taken by it. It must
never run the program in the machine's own network when the namespace cannot be
had. Read main.

Command: python -m tests.lab.run.network new COMMAND...
         python -m tests.lab.run.network PID COMMAND... joins that process's
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1

_LIBC = ctypes.CDLL(None, use_errno=True)


def new() -> None:
    """Give this process a network of its own, with loopback up.

    Without the right to do so it becomes root of a user namespace first, in
    which it stays the user that it is.
    """
    user, group = os.getuid(), os.getgid()
    try:
        _call("unshare", CLONE_NEWNET)
    except PermissionError:
        _call("unshare", CLONE_NEWUSER | CLONE_NEWNET)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh22x", b"lo", IFF_UP)
        fcntl.ioctl(sock, SIOCSIFFLAGS, request)


def join(pid: int) -> None:
    """Join the network of a process, and its user namespace if it has one."""
    for kind, flag in (("user", CLONE_NEWUSER), ("net", CLONE_NEWNET)):
        theirs = f"/proc/{pid}/ns/{kind}"
        if os.readlink(theirs) == os.readlink(f"/proc/self/ns/{kind}"):
            continue
        descriptor = os.open(theirs, os.O_RDONLY)
        _call("setns", descriptor, flag)
        os.close(descriptor)


def _call(name: str, *arguments: int) -> None:
    if getattr(_LIBC, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def main() -> None:
    where, *command = sys.argv[1:]
    try:
        if where == "new":
            new()
        else:
            join(int(where))
    except OSError as error:
        hint = ""
        if error.errno in (errno.EPERM, errno.ENOSPC):
            hint = (
                " This machine lets nobody have a network namespace: run the lab as "
                "root, or allow it (in a container: CAP_SYS_ADMIN)."
            )
        sys.exit(f"Error: no network of its own: {error}.{hint}")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
