# SPDX-License-Identifier: Apache-2.0
"""What an operation of the matrix is.

Owns: the type, and how words in braces become the ids of resources. Must never:
say who may do it; that is the matrix' part. Read first: Operation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.isolation.asking import NEWEST, OLDEST, Answer
from tests.isolation.personas import Persona

if TYPE_CHECKING:
    from tests.isolation.world import World

BOTH = (OLDEST, NEWEST)
NEW = (NEWEST,)
OLD = (OLDEST,)

Target = Mapping[str, str]
After = Callable[["World", Answer, Target], None]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One request, tried by each persona.

    Path, body and headers have words in braces, which stand for resources of
    alice: {server}, {volume}. `versions` are the microversions that it is tried
    in. With `content` it counts whose resources the answer shows. `after` waits
    for what a success began, and takes it back. `touches` names the resources
    that must be as before when it was refused. A `fresh` kind is made anew for
    each who may do it. `like_missing`: a refusal must read like the answer about
    a resource that does not exist. `reads` says in a word what a success shows.
    """

    service: str
    name: str
    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] | None = None
    versions: tuple[str, ...] = BOTH
    content: bool = False
    after: After | None = None
    touches: tuple[str, ...] = ()
    fresh: str = ""
    like_missing: bool = True
    reads: Callable[["World", Persona, Answer], str] | None = None

    def ask(
        self, world: "World", persona: Persona, target: Target, version: str
    ) -> Answer:
        """Send it about a target, and return the answer."""
        own = {**target, **world.own(persona)}
        return world.api.send(
            self.service,
            persona,
            self.method,
            filled(self.path, own),
            filled(self.body, own),
            version=version,
            headers=filled(dict(self.headers or {}), own),
        )


def filled(value: Any, target: Target) -> Any:
    """Return a value with the words in braces replaced, in all its texts."""
    if isinstance(value, str):
        for word, text in target.items():
            value = value.replace("{" + word + "}", text)
        return value
    if isinstance(value, Mapping):
        return {key: filled(one, target) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [filled(one, target) for one in value]
    return value
