# SPDX-License-Identifier: Apache-2.0
"""What a row of the feature table is.

Owns: the type, the levels of the standard and the names of the clients. Must
never: say that a feature works; that is for the tests to show. Read Feature,
then infrastructure and protocol, which hold the rows.
"""

from dataclasses import dataclass

MUST = "MUST"
SHOULD = "SHOULD"
MAY = "MAY"
EXTENSION = "extension"
LEVELS = (MUST, SHOULD, MAY, EXTENSION)

# Who is named in `used_by`.
CLIENTS = ("rOCCI-cli", "IM", "jOCCI", "Nagios", "pOCCI", "sscmon")
ALL = ("rOCCI-cli", "IM", "jOCCI", "Nagios", "pOCCI")


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One row of the table.

    `section` names the document of OCCI 1.2, or of 1.1 where 1.2 has no more
    of it, or whose extension it is. `tests` are tests/functional/MODULE.py
    and a function in it, MODULE::FUNCTION or MODULE::FUNCTION[PARAMETER]; each
    must pass. `note` says what differs from what a reader would expect. A
    feature that is not there has no tests but a `reason`, and can only be one
    that the standard leaves open (MAY).
    """

    name: str
    section: str
    level: str
    used_by: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    note: str = ""
    reason: str = ""


def http(*names: str) -> tuple[str, ...]:
    """Return the tests that are written down as HTTP, in gabbits/NAME.yaml."""
    return tuple(f"test_occi_gabbi::test_http[{name}]" for name in names)
