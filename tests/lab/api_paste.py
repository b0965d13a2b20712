# SPDX-License-Identifier: Apache-2.0
"""Edits a PasteDeploy file by token, as an operator's tool would.

Owns the edits that mount OCCI in Nova's api-paste.ini and put the isolation filter
into the pipelines. It must never parse the file into a dictionary and write it
anew: the comments and the order of the operator's file stay as they are. Read
mount and overlay.
"""

from tests.lab.errors import LabError


def mount(paste: str, *, composite: str, path: str, app: str, sections: str) -> str:
    """Return a paste file with `path: app` in a composite and sections added.

    A path that the composite already has is left alone, and so is a section
    that the file already has, so a second run changes nothing. Raises LabError
    when the composite is not in the file.
    """
    lines = paste.splitlines()
    header = f"[composite:{composite}]"
    if header not in (line.strip() for line in lines):
        raise LabError(
            f"The paste file has no {header}, so {path} cannot be mounted in it. "
            "Is it the api-paste.ini of this Nova?"
        )
    start = next(n for n, line in enumerate(lines) if line.strip() == header)
    end = _end_of_section(lines, start)
    if not any(_key(line) == path for line in lines[start + 1 : end]):
        lines.insert(_last_used(lines, start, end) + 1, f"{path}: {app}")
    known = {line.strip() for line in lines if line.startswith("[")}
    for section in _sections(sections):
        if section[0] not in known:
            lines += ["", *section]
    return "\n".join(lines) + "\n"


def overlay(paste: str, sections: str) -> str:
    """Return a paste file in which the lines of these sections hold.

    In a section that the file has already, a line takes the place of the one
    with the same key, or joins the section at its end. Other sections are added
    at the end of the file. A second run changes nothing.
    """
    lines = paste.splitlines()
    for header, *wanted in _sections(sections):
        headers = [line.strip() for line in lines]
        if header not in headers:
            lines += ["", header, *wanted]
            continue
        start = headers.index(header)
        for line in wanted:
            end = _end_of_section(lines, start)
            known = [n for n in range(start + 1, end) if _key(lines[n]) == _key(line)]
            if known:
                lines[known[0]] = line
            else:
                lines.insert(_last_used(lines, start, end) + 1, line)
    return "\n".join(lines) + "\n"


def _end_of_section(lines: list[str], start: int) -> int:
    for number in range(start + 1, len(lines)):
        if lines[number].startswith("["):
            return number
    return len(lines)


def _last_used(lines: list[str], start: int, end: int) -> int:
    # Comments before the next header belong to that header.
    for number in range(end - 1, start, -1):
        line = lines[number].strip()
        if line and not line.startswith("#"):
            return number
    return start


def _key(line: str) -> str:
    if line.lstrip().startswith("#"):
        return ""
    return line.replace("=", ":", 1).partition(":")[0].strip()


def _sections(text: str) -> list[list[str]]:
    found: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("["):
            found.append([line.strip()])
        elif found and line.strip() and not line.startswith("#"):
            found[-1].append(line.rstrip())
    return found
