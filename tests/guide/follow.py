# SPDX-License-Identifier: Apache-2.0
"""Follows the guide: types each command, writes each file, looks at each promise.

Owns the order of what is done, and the count. It must never leave an action out, nor a
promise that no command was for. Read Follower.follow.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.guide.actions import Action, Commands, File, GuideError
from tests.guide.ini import merged
from tests.guide.people import People
from tests.guide.promises import PROMISES, Promise, Told
from tests.guide.shell import Result, Shell, split

# What is typed at the user's shell, not at the administrator's.
OF_ALICE = (
    "10. A first login / On a user's machine",
    "11. OCCI / As a user of a project",
)


@dataclass(kw_only=True)
class Done:
    """How much was followed."""

    blocks: int = 0
    commands: int = 0
    files: int = 0

    def __add__(self, other: "Done") -> "Done":
        return Done(
            blocks=self.blocks + other.blocks,
            commands=self.commands + other.commands,
            files=self.files + other.files,
        )


@dataclass(kw_only=True)
class Follower:
    """One pass through the guide.

    `by_hand`: the beginning of a command, and what a person does before it, as the text
    above it says.
    """

    people: People
    by_hand: Mapping[str, Callable[[], None]]
    promises: Sequence[Promise] = PROMISES
    told: Told = field(default_factory=Told)
    left: set[object] = field(default_factory=set)

    def follow(self, actions: Sequence[Action]) -> Done:
        """Return the count when each action was done and each promise held."""
        sections = {action.section for action in actions}
        asked = [one for one in self.promises if one.section in sections]
        self.left = {*asked, *self.by_hand}
        done = Done()
        for action in actions:
            done.blocks += 1
            print(f"line {action.line}: {action.section}", flush=True)
            if isinstance(action, File):
                self._write(action)
                done.files += 1
            else:
                done.commands += self._type(action)
        if self.left:
            raise GuideError(
                "These belong to no command of the guide any more: "
                f"{', '.join(map(str, self.left))}. Change tests/guide/promises.py and "
                "people.py with the guide."
            )
        return done

    def _write(self, action: File) -> None:
        print(f"  writes {action.path}", flush=True)
        place = Path(action.path)
        if action.merge and not place.is_file():
            raise GuideError(f"Line {action.line}: there is no file {place} to change.")
        if action.merge:
            place.write_text(merged(place.read_text(), action.text))
            return
        # A person's editor makes the folder of a drop-in that systemd would read.
        if place.parent.name.endswith(".service.d"):
            place.parent.mkdir(exist_ok=True)
        if not place.parent.is_dir():
            raise GuideError(f"Line {action.line}: there is no folder {place.parent}.")
        place.write_text(action.text)

    def _type(self, action: Commands) -> int:
        alice = action.section in OF_ALICE
        shell = self.people.alice if alice else self.people.administrator
        commands = split(action.text)
        for command in commands:
            self._prepare(command)
            try:
                self._one(shell, action.section, command)
            except GuideError as error:
                raise GuideError(
                    f"Line {action.line} of the guide, {action.section}:\n"
                    f"{command}\n{error}"
                ) from error
        return len(commands)

    def _one(self, shell: Shell, section: str, command: str) -> None:
        print(textwrap.indent(command, "  $ "), flush=True)
        promised = [one for one in self.promises if one.is_for(section, command)]
        result = shell.run(command, may_fail=any(one.may_fail for one in promised))
        show(result)
        self.left -= set(promised)
        for promise in promised:
            wrong = promise.broken(result, self.told)
            if wrong:
                raise GuideError(
                    f"It is not as the guide says: {wrong}.\n{result.output}"
                    f"{result.errors}"
                )

    def _prepare(self, command: str) -> None:
        for beginning, prepare in self.by_hand.items():
            if command.startswith(beginning):
                prepare()
                self.left.discard(beginning)


def show(result: Result) -> None:
    """Print what a command said."""
    text = textwrap.indent(result.output + result.errors, "    ")
    if text:
        print(text.removesuffix("\n"), flush=True)
