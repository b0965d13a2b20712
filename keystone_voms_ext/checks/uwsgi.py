# SPDX-License-Identifier: Apache-2.0
"""Check of the uWSGI that runs Keystone.

Owns how uWSGI's ini files are read, and what they must say: which application, room
for certificates, and a socket for the TLS server alone. It must never start
anything, so conditions in a file are taken as if they held. Read ``judged`` first.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from keystone_voms_ext.checks.finding import NOTE, WRONG, Check, Finding, Findings
from keystone_voms_ext.checks.place import Place, chosen, names_in_code, read

VARIABLE = "OS_KEYSTONE_VOMS_UWSGI"
USUAL = "/etc/keystone/keystone-voms-uwsgi.ini"
APPLICATION = "keystone_voms_ext.wsgi"

MAX_FILES = 50
_MAX_DEPTH, _MAX_VALUE = 10, 4096
_DEFAULT_BUFFER = 4096
# A proxy of proxies is 8 kB; one with 150 groups needs all there is.
_BUFFER_NEEDED, _BUFFER_GOOD = 16384, 65535

_INCLUDES = ("ini", "include", "inherit", "config")
_OTHERS = (".yaml", ".yml", ".xml", ".json", ".js")
# A short name, as b for buffer-size, is one of the command line only.
# Their peers say in variables, which no client can, what certificate there was.
_TRUSTED = ("socket", "uwsgi-socket", "scgi-socket", "fastcgi-socket")
_HTTP = ("http-socket", "http", "https", "http-router", "https-socket")
_SECTION = re.compile(r"\[([^]]*)\]")
_MAGIC = re.compile(r"%([dDpPsSnNeEcC%])")
_PLACEHOLDER = re.compile(r"([%$])\(([^()]{1,200})\)")
_UNKNOWN = re.compile(r"[%$@]\(")


@dataclass(frozen=True)
class Setting:
    """One option with its value, variables replaced; the value may be empty."""

    name: str
    value: str
    place: Place


@dataclass(frozen=True)
class Listener:
    """A socket that uWSGI listens on."""

    setting: Setting
    by_http: bool

    @property
    def is_tcp(self) -> bool:
        """Tell whether it is a port; the rest are names of unix sockets."""
        value = self.setting.value
        return ":" in value and not value.startswith(("/", "@", "fd://"))

    @property
    def is_abstract(self) -> bool:
        """Tell whether it is a unix socket without a file, hence without a mode."""
        return self.setting.value.startswith(("@", "\\0"))


def load(main: Path) -> tuple[tuple[Setting, ...], tuple[str, ...]]:
    """Return the settings of an ini file with its includes, and what was not found.

    Raises OSError if the file itself cannot be read.
    """
    reader = _Reader()
    reader.take(read(main), main, "uwsgi")
    reader.inherit()
    # A placeholder may stand above what it stands for.
    settings = [
        replace(one, value=reader.resolved(one.value)) for one in reader.settings
    ]
    return tuple(settings), tuple(dict.fromkeys(reader.untold))


class _Reader:
    def __init__(self) -> None:
        self.settings: list[Setting] = []
        self.untold: list[str] = []
        self._files = 0
        self._set: dict[str, str] = {}
        self._heirs: list[Setting] = []

    def take(self, text: str, file: Path, wanted: str) -> None:
        """Read one section of a file's text, and what it includes."""
        section = ""
        for number, raw in enumerate(text.split("\n"), start=1):
            line = raw.strip()
            if not line or line[0] in "#;":
                continue
            if match := _SECTION.match(line):
                section = match[1].strip()
                continue
            if section != wanted:
                continue
            name, equals, value = line.partition("=")
            # An option without a value is switched on.
            value = _with_file(value.strip(), file) if equals else "1"
            self._option(Setting(name.strip(), value, Place(file, number)))

    def inherit(self) -> None:
        """Read what files inherit, after all else: so uWSGI does."""
        while self._heirs:
            self._include(self._heirs.pop(0))

    def _option(self, setting: Setting) -> None:
        if setting.name == "inherit":
            self._heirs.append(setting)
            return
        if setting.name in _INCLUDES:
            self._include(setting)
            return
        # The first value of a name is what a placeholder stands for.
        if setting.name in ("set", "set-placeholder", "set-ph"):
            name, _, value = setting.value.partition("=")
            # A blank before the sign would be one of the name.
            self._set.setdefault(name, value.strip())
        else:
            self._set.setdefault(setting.name, setting.value)
        self.settings.append(setting)

    def _include(self, setting: Setting) -> None:
        name, _, section = self.resolved(setting.value).partition(":")
        here = setting.place.file
        # Its own relative names uWSGI takes from where it was started.
        path = here.parent / name if name else here
        self._files += 1
        if self._files > MAX_FILES:
            self.untold.append(f"{setting.place}: it includes too many files.")
            return
        try:
            self.take(read(path), path, section or "uwsgi")
        except (OSError, RecursionError) as error:
            self.untold.append(f"{setting.place}: {path} cannot be read: {error}.")

    def resolved(self, value: str) -> str:
        """Return a value with its placeholders replaced; unknown ones stay."""

        def known(match: re.Match[str]) -> str:
            # $(...) is of the environment, which need not be that of uWSGI.
            values = self._set if match[1] == "%" else os.environ
            return values.get(match[2].strip(), match[0])

        for _ in range(_MAX_DEPTH):
            before, value = value, _PLACEHOLDER.sub(known, value)[:_MAX_VALUE]
            if value == before:
                break
        return value


def _with_file(value: str, file: Path) -> str:
    """Return a value with what stands for its own file replaced."""
    directory = os.path.abspath(file.parent)
    known = {
        "d": f"{directory}/",
        "p": os.path.join(directory, file.name),
        "s": file.name,
        "n": file.stem,
        "e": file.suffix.removeprefix("."),
        "c": os.path.basename(directory),
        "%": "%",
    }
    return _MAGIC.sub(lambda match: known[match[1].lower()], value)


def listeners(settings: tuple[Setting, ...]) -> tuple[Listener, ...]:
    """Return the sockets of a configuration, in its order."""
    asks_http = any(one.name == "protocol" and one.value == "http" for one in settings)
    shared = [one.value for one in settings if one.name == "shared-socket"]

    def meant(one: Setting) -> Setting:
        """Return a socket of its own, where ``=0`` is the first of the shared ones."""
        number = one.value.removeprefix("=")
        if one.value.startswith("=") and number in map(str, range(len(shared))):
            return replace(one, value=shared[int(number)])
        return one

    return tuple(
        Listener(meant(one), one.name in _HTTP or (asks_http and one.name == "socket"))
        for one in settings
        if one.name in (*_TRUSTED, *_HTTP)
    )


def found_listeners() -> tuple[Listener, ...]:
    """Return the sockets of this site's file, () if it cannot be read."""
    try:
        settings, _ = load(chosen(VARIABLE, USUAL))
    except OSError:
        return ()
    return listeners(settings)


def socket_paths() -> tuple[str, ...]:
    """Return the names of the unix sockets of this site's file."""
    return tuple(one.setting.value for one in found_listeners() if not one.is_tcp)


def judged(settings: tuple[Setting, ...], *, file: Path) -> Findings:
    """Yield what is wrong in the settings of a file."""
    yield from _application(settings, file)
    yield from _buffer(settings, file)
    listening = listeners(settings)
    if not listening:
        yield Finding(
            WRONG,
            f"{file}: there is no socket, so nothing reaches Keystone. Add "
            "'uwsgi-socket = /run/keystone-voms/uwsgi.sock'.",
        )
    for one in listening:
        if _UNKNOWN.search(one.setting.value):
            yield Finding(
                NOTE,
                f"{one.setting.place}: the value of {one.setting.name} is not known "
                "here. See that it is a unix socket for the TLS server alone.",
            )
        elif one.is_abstract:
            yield Finding(
                WRONG,
                f"{one.setting.place}: {one.setting.name} is {one.setting.value}, an "
                "abstract socket, which anybody on this host may write to. Give it a "
                "path.",
            )
        elif one.setting.name in ("http", "https"):
            yield Finding(
                WRONG,
                f"{one.setting.place}: {one.setting.name} starts a router, which "
                "speaks to Keystone over a TCP port of its own, and who connects to it "
                "can claim any certificate. Use http-socket behind HAProxy, else "
                "uwsgi-socket.",
            )
        elif one.is_tcp and not one.by_http:
            yield Finding(
                WRONG,
                f"{one.setting.place}: {one.setting.name} is the TCP port "
                f"{one.setting.value}, and who can connect to it can claim any "
                "certificate. Make it a unix socket with 'chmod-socket = 660'.",
            )
    yield from _mode(settings, listening)


def _last(settings: tuple[Setting, ...], *names: str) -> Setting | None:
    found = [one for one in settings if one.name in names]
    return found[-1] if found else None


def _application(settings: tuple[Setting, ...], file: Path) -> Findings:
    named = [
        one
        for one in settings
        if one.name in ("module", "wsgi", "mount", "wsgi-file", "file")
    ]
    callable_ = _last(settings, "callable")
    mend = f"Set 'module = {APPLICATION}:application'."
    if not named:
        yield Finding(
            WRONG, f"{file}: it has no module, so no Keystone is loaded. {mend}"
        )
    for one in named:
        if _UNKNOWN.search(one.value):
            yield Finding(
                NOTE,
                f"{one.place}: the value of {one.name}, {one.value}, is not known "
                f"here. See that it is '{APPLICATION}:application'.",
            )
            continue
        value = one.value.rpartition("=")[2].strip() if one.name == "mount" else ""
        module, _, name = (value or one.value).partition(":")
        if one.name in ("wsgi-file", "file") or module.endswith(".py"):
            if not _takes_ours(Path(module)):
                yield Finding(
                    WRONG,
                    f"{one.place}: {one.name} {module} does not load Keystone behind "
                    f"its pipeline. {mend}",
                )
            continue
        name = name or (callable_.value if callable_ else "application")
        if (module, name) != (APPLICATION, "application"):
            yield Finding(
                WRONG,
                f"{one.place}: {one.name} is {one.value}, which is not Keystone behind "
                f"its pipeline. {mend}",
            )


def _takes_ours(path: Path) -> bool:
    try:
        return names_in_code(APPLICATION, read(path))
    except OSError:
        return False


def _buffer(settings: tuple[Setting, ...], file: Path) -> Findings:
    last = _last(settings, "buffer-size")
    value = last.value if last else str(_DEFAULT_BUFFER)
    if last and _UNKNOWN.search(value):
        yield Finding(
            NOTE,
            f"{last.place}: the value of buffer-size, {value}, is not known here. See "
            f"that it is {_BUFFER_GOOD}.",
        )
        return
    # As uWSGI does, which takes the digits and leaves the rest.
    digits = re.match(r"\+?([0-9]{1,9})", value)
    size = int(digits[1]) if digits else 0
    if size < _BUFFER_GOOD:
        yield Finding(
            WRONG if size < _BUFFER_NEEDED else NOTE,
            f"{last.place if last else file}: buffer-size is "
            f"{value if last else f'not set, which is {value}'}, too small for "
            + (
                "the certificates of a proxy"
                if size < _BUFFER_NEEDED
                else "a proxy with many groups"
            )
            + f". Set 'buffer-size = {_BUFFER_GOOD}'.",
        )


def _mode(settings: tuple[Setting, ...], listening: tuple[Listener, ...]) -> Findings:
    files = [one for one in listening if not one.is_tcp and not one.is_abstract]
    chmod, umask = _last(settings, "chmod-socket"), _last(settings, "umask")
    if files and chmod is not None:
        # Without a value, or with 1, uWSGI takes 666.
        text = chmod.value if chmod.value not in ("", "1", "true") else "666"
        if not re.fullmatch("[0-7]{3}", text):
            yield Finding(
                WRONG,
                f"{chmod.place}: chmod-socket is {chmod.value}, which is no mode of "
                "three digits. Set 'chmod-socket = 660'.",
            )
        elif int(text, 8) & stat.S_IWOTH:
            yield _open_to_all(chmod, f"chmod-socket gives it the mode {text}")
    elif files and umask is not None and re.fullmatch("[0-7]{1,4}", umask.value):
        if not int(umask.value, 8) & stat.S_IWOTH:
            yield _open_to_all(umask, f"umask is {umask.value}")
    for one in files:
        try:
            mode = os.stat(one.setting.value).st_mode
        except (OSError, ValueError):
            # It is not running, or not here.
            continue
        if stat.S_ISSOCK(mode) and mode & stat.S_IWOTH:
            yield _open_to_all(one.setting, f"{one.setting.value} is so now")


def _open_to_all(setting: Setting, why: str) -> Finding:
    return Finding(
        WRONG,
        f"{setting.place}: anybody may write to the socket, and so claim any "
        f"certificate: {why}. Set 'chmod-socket = 660', with chown-socket for the "
        "group of the TLS server.",
    )


def _find() -> Iterator[Finding]:
    file = chosen(VARIABLE, USUAL)
    if file.suffix in _OTHERS:
        yield Finding(
            NOTE,
            f"{file}: only ini files are read here: not checked. See that it has "
            f"'{APPLICATION}:application', buffer-size {_BUFFER_GOOD}, and a unix "
            "socket for the TLS server alone.",
        )
        return
    try:
        settings, untold = load(file)
    except OSError as error:
        what = "no uWSGI file found" if isinstance(error, FileNotFoundError) else error
        yield Finding(NOTE, f"{file}: {what}: not checked. {VARIABLE} names another.")
        return
    yield from (Finding(NOTE, f"{text} This is not checked.") for text in untold)
    yield from judged(settings, file=file)


CHECKS = (Check("uWSGI with Keystone", _find),)
