# SPDX-License-Identifier: Apache-2.0
"""What a unit file of systemd says about a service, as far as the guide needs it.

Owns the meaning of the settings (systemd.service(5), systemd.exec(5)). An unknown one
is an error: the stand-in of systemctl must never start a service otherwise than
systemd would. It starts nothing itself. Read parse.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.guide.actions import GuideError

KINDS = ("simple", "notify", "forking", "oneshot")
# They say when systemd starts a service by itself, what a person reads about it, or
# keep it in a box: none of it changes what a command of the guide does.
NO_EFFECT = frozenset(
    (
        "After",
        "Before",
        "BindReadOnlyPaths",
        "Description",
        "Documentation",
        "NotifyAccess",
        "OOMPolicy",
        "PrivateTmp",
        "Requires",
        "Restart",
        "SuccessExitStatus",
        "Wants",
    )
)
LISTS = frozenset(
    (
        "Environment",
        "EnvironmentFile",
        "ExecReload",
        "ExecStart",
        "ExecStartPost",
        "ExecStartPre",
        "ExecStop",
        "SupplementaryGroups",
        "WantedBy",
    )
)
SINGLE = frozenset(
    (
        "Group",
        "KillMode",
        "PIDFile",
        "RemainAfterExit",
        "RuntimeDirectory",
        "RuntimeDirectoryMode",
        "Type",
        "UMask",
        "User",
        "WorkingDirectory",
    )
)
WHOLE_WORD = re.compile(r"\$([A-Za-z_]\w*)$")
IN_BRACES = re.compile(r"\$\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One service: its single settings and its lists, by the names of systemd."""

    name: str
    single: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]

    @property
    def kind(self) -> str:
        return self.single.get("Type", "simple")

    @property
    def stays_without_process(self) -> bool:
        return self.single.get("RemainAfterExit") in ("yes", "true", "1")

    @property
    def kills_all(self) -> bool:
        """Whether SIGTERM goes to each process and not to the main one alone."""
        return self.single.get("KillMode", "control-group") == "control-group"

    def commands(self, setting: str) -> tuple[str, ...]:
        """Return the command lines of a setting such as ExecStart."""
        return self.lists.get(setting, ())

    def words(self, setting: str) -> tuple[str, ...]:
        """Return the words of a list such as Environment."""
        return tuple(
            word for line in self.lists.get(setting, ()) for word in shlex.split(line)
        )


def parse(name: str, texts: Sequence[str]) -> Unit:
    """Return the unit of a file and its drop-ins, in the order in which they count.

    Raises GuideError for a setting that this module does not know.
    """
    single: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for text in texts:
        for key, value in _settings(name, text):
            if key in SINGLE:
                single[key] = value
            elif key in LISTS and value:
                lists.setdefault(key, []).append(value)
            elif key in LISTS:
                # An empty value takes back what stood before.
                lists[key] = []
            elif key not in NO_EFFECT:
                raise GuideError(
                    f"The unit {name} has {key}={value}, which the stand-in of "
                    "systemctl does not know: tests/guide/unit_files.py says what it "
                    "does."
                )
    unit = Unit(
        name=name,
        single=single,
        lists={key: tuple(values) for key, values in lists.items()},
    )
    _check(unit)
    return unit


def expand(command: str, environ: Mapping[str, str]) -> list[str]:
    """Return the words of a command line with the variables in them replaced.

    A word that is a variable becomes as many words as it has.
    """
    found: list[str] = []
    for word in shlex.split(command):
        whole = WHOLE_WORD.match(word)
        if whole:
            found += shlex.split(environ.get(whole.group(1), ""))
        else:
            found.append(IN_BRACES.sub(lambda m: environ.get(m.group(1), ""), word))
    return found


def assignments(text: str) -> dict[str, str]:
    """Return the variables of an environment file, such as /etc/default/haproxy."""
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith(("#", ";")):
            name, _, value = line.partition("=")
            found[name.strip()] = " ".join(shlex.split(value))
    return found


def _settings(name: str, text: str) -> list[tuple[str, str]]:
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()
        if not line or line.startswith(("#", ";", "[")):
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise GuideError(f"The unit {name} has a line without an =: {line}")
        found.append((key.strip(), value.strip()))
    return found


def _check(unit: Unit) -> None:
    if unit.kind not in KINDS:
        raise GuideError(
            f"The unit {unit.name} is of Type={unit.kind}; the stand-in of systemctl "
            f"knows {', '.join(KINDS)}."
        )
    if not unit.commands("ExecStart"):
        raise GuideError(f"The unit {unit.name} has no ExecStart.")
