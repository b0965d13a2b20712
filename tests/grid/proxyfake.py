# SPDX-License-Identifier: Apache-2.0
"""Drives Debian's voms-proxy-fake (package voms-clients), the real VOMS code.

Owns the command line of that program and the traps in it: a path length of 1
unless told, a start five minutes back, a home directory to keep its random
seed in, noise on standard error, a missing output file behind a good status.
Must never choose whether the program is used: grid.py does.
Read first: fake_proxy().
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

PROGRAM = "voms-proxy-fake"
PACKAGE = "voms-clients"
PATH_LENGTH = 10
TIMEOUT_SECONDS = 60
_NOISE = ("Cannot open file", "Filename=", "Function:")


class ProxyFakeError(Exception):
    """voms-proxy-fake is missing, failed or wrote no proxy."""


@dataclass(frozen=True, kw_only=True)
class FakeServer:
    """The VOMS server that signs: its PEM files and its contact host:port."""

    certificate: Path
    key: Path
    host: str
    port: int


def program() -> str | None:
    """Return the path of voms-proxy-fake, None where it is not installed."""
    return shutil.which(PROGRAM)


def fake_proxy(
    *,
    certificate: Path,
    key: Path,
    out: Path,
    hours: int,
    vo: str | None = None,
    fqans: Sequence[str] = (),
    server: FakeServer | None = None,
    past: timedelta = timedelta(0),
    options: Sequence[str] = (),
) -> None:
    """Write a proxy file (PEM: proxy, key, EEC; mode 0600) to `out`.

    Without `vo` it is a plain proxy with no AC. `hours` is the life of proxy
    and AC, counted from now less `past`; the proxy starts five minutes before
    that. `options` are handed to the program as they are (`-limited`,
    `-newformat`, ...). Raises ProxyFakeError.
    """
    path = program()
    if path is None:
        raise ProxyFakeError(
            f"{PROGRAM} is not installed. Install the Debian package {PACKAGE}."
        )
    command = [path, "-q", "-rfc", "-path-length", str(PATH_LENGTH), "-bits", "2048"]
    command += ["-cert", str(certificate), "-key", str(key), "-out", str(out)]
    command += ["-hours", str(hours)]
    if past:
        command += ["-pastproxy", str(int(past.total_seconds()))]
    if vo is not None:
        command += _ac_options(vo, fqans, server, hours, past)
    _run([*command, *options], out)


def _ac_options(
    vo: str,
    fqans: Sequence[str],
    server: FakeServer | None,
    hours: int,
    past: timedelta,
) -> list[str]:
    if server is None:
        raise ProxyFakeError(f"An AC of {vo} needs the server that signs it.")
    options = ["-voms", vo, "-uri", f"{server.host}:{server.port}"]
    options += ["-hostcert", str(server.certificate), "-hostkey", str(server.key)]
    options += ["-vomslife", str(hours)]
    if past:
        options += ["-pastac", str(int(past.total_seconds()))]
    for fqan in fqans:
        options += ["-fqan", fqan]
    return options


def _run(command: list[str], out: Path) -> None:
    """Run in an empty home directory, so that no file of the user counts."""
    out.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="voms-proxy-fake-") as home:
        Path(home, ".rnd").touch()
        # The program wants a CA directory that exists; it never reads from it
        # without -verify.
        environment = {
            "HOME": home,
            "PATH": os.environ.get("PATH", os.defpath),
            "X509_CERT_DIR": home,
            "X509_VOMS_DIR": home,
        }
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
        )
    if done.returncode != 0 or not out.is_file():
        raise ProxyFakeError(
            f"{PROGRAM} wrote no proxy to {out} (status {done.returncode}): "
            f"{_reason(done.stdout + done.stderr)}. The command was: "
            f"{' '.join(command)}"
        )


def _reason(output: str) -> str:
    lines = (line.strip() for line in output.splitlines())
    kept = [line for line in lines if line and not line.startswith(_NOISE)]
    return "; ".join(kept) or "no message"
