# SPDX-License-Identifier: Apache-2.0
"""The configuration files that a site gets: the install guide's, and the shipped ones.

Owns taking the guide's files out of its text, so that what is tested is what is told.
Read ``block`` first.
"""

import textwrap
from pathlib import Path

from keystone_voms_ext.checks.finding import NOTE, WRONG

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "doc" / "source" / "install" / "index.rst"
DEPLOY = ROOT / "deploy"


def block(language, *, having):
    """Return the one code block of the guide in a language that has some text."""
    found = []
    for part in GUIDE.read_text("utf-8").split(f".. code-block:: {language}\n")[1:]:
        lines = []
        for line in part.strip("\n").split("\n"):
            if line and not line.startswith(" "):
                break
            lines.append(line)
        text = textwrap.dedent("\n".join(lines)).strip("\n") + "\n"
        if having in text:
            found.append(text)
    (one,) = found
    return one


def changed(text, old, new):
    """Return a text with its one occurrence of ``old`` replaced."""
    assert text.count(old) == 1, (old, text.count(old))
    return text.replace(old, new)


def faults(findings):
    """Return the texts of what is wrong or worth a note, as (level, text)."""
    return [(one.level, one.text) for one in findings if one.level in (NOTE, WRONG)]


def check_mended(text):
    """See that a finding says how to mend what it found, in whole sentences."""
    verbs = ("Set ", "Add ", "Move ", "Remove ", "Install ", "Make ", "Give ", "See ")
    verbs += ("Use ", "Let ", "Comment ", "Turn ", "Take ", "Put ", "Define ", "put ")
    verbs += ("names another", "Write ")
    assert text.endswith(".") and any(verb in text for verb in verbs), text
