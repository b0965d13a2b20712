# SPDX-License-Identifier: Apache-2.0
"""What the install guide asks of a person, one value for each block.

Owns the two kinds of action. It must never read the guide (reader.py does) nor do
what it says. Read Action.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Commands:
    """A shell block as it is printed, for bash as root, in the folder of the project.

    ``line`` is the first line of the block in the guide.
    """

    section: str
    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class File:
    """A text that the guide prints and that belongs into the file ``path``.

    ``merge``: the text is options of an ini file, to be set in the file that is
    there; otherwise it is the whole file.
    """

    section: str
    line: int
    path: str
    text: str
    merge: bool


Action = Commands | File


class GuideError(ValueError):
    """The guide cannot be followed as it is written: what, where, how to mend it."""
