# SPDX-License-Identifier: Apache-2.0
"""OCCI on a port of its own, by the page on its endpoint, behind the guide itself.

Owns which section of that page is followed, and what it promises. It must never hold
what the page could say: a file, a port, a command. Read read_section.
"""

from pathlib import Path

from tests.guide.actions import Action, Commands, GuideError
from tests.guide.page import Block, parts
from tests.guide.promises import KEYSTONE, Promise, shows
from tests.lab.lab import SOURCE

PAGE = SOURCE / "doc/source/admin/occi-endpoint.rst"
SECTION = "A process of its own"
# What the first check prints is a block of the page as well.
PRINTED = f"WWW-Authenticate: Keystone uri='{KEYSTONE}'"

PROMISES = (
    Promise(
        section=SECTION,
        command="grep -i -e '^HTTP'",
        broken=shows("401", "OCCI/1.2 OCCI/1.1", PRINTED),
    ),
    # curl is cut off by head when there is more to say.
    Promise(
        section=SECTION,
        command="/-/ | head",
        broken=shows("Category: compute;"),
        may_fail=True,
    ),
)


def read_section(text: str) -> tuple[Action, ...]:
    """Return what is typed, in order; GuideError if the page is not as it was."""
    blocks = [
        part
        for part in parts(text)
        if isinstance(part, Block) and part.section == SECTION
    ]
    typed = [block for block in blocks if block.text.strip() != PRINTED]
    if len(typed) != len(blocks) - 1:
        raise GuideError(f"{Path(PAGE).name} does not print {PRINTED!r} once.")
    if odd := [block for block in typed if block.caption is not None]:
        raise GuideError(
            f"{PAGE.name}, line {odd[0].line}: a block with a caption. Teach "
            "tests/guide/own_port.py what to do with it."
        )
    return tuple(
        Commands(section=block.section, line=block.line, text=block.text)
        for block in typed
    )
