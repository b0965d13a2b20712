# SPDX-License-Identifier: Apache-2.0
"""The property that says whose an image is: `user_id`.

Owns: how it gets into a new image, and which changes of an image touch it. Must
never: let a client choose it. The names are compared as loosely as a database
may: MariaDB holds `User_ID`, `user_id ` and `usér_id` for one name. Read first:
stamped.
"""

import unicodedata
from typing import Any

from vo_policy_ext.errors import Malformed, Refused
from vo_policy_ext.routes import CANONICAL

NAME = "user_id"
_NO_WEIGHT = frozenset({"Cc", "Cf", "Mn", "Me", "Zs", "Zl", "Zp"})


def stamped(document: Any, user_id: str, *, free: bool, passed_on: bool) -> Any:
    """Return the document of a new image with the user as its owner.

    `free`: the client may name another owner, as an admin does. `passed_on`: a
    service sends it for the user; it may have copied the properties, the owner
    among them, of the image that a server or a volume was made of, so that what
    it names is replaced. What is no object is returned as it is, for Glance to
    refuse. Raises Refused for another owner, and Malformed for a name that a
    database may hold for this one and for an id that is not in lower case.
    """
    if not isinstance(document, dict):
        return document
    for name in document:
        if name != NAME and is_owner(name):
            raise Malformed(
                f"The property {name!r} is too like {NAME!r}.", code="owner_property"
            )
    if "id" in document and not _is_canonical(document["id"]):
        raise Malformed("The id of an image is a UUID in lower case.", code="image_id")
    named = document.get(NAME, user_id)
    if free and isinstance(named, str):
        return {**document, NAME: named}
    if named != user_id and not passed_on:
        raise Refused(
            f"The property {NAME!r} is the owner of an image, which is you.",
            code="owner_property",
        )
    return {**document, NAME: user_id}


def check_patch(document: Any) -> None:
    """Raise Refused if a JSON patch touches the owner of an image.

    Both media types of Glance's are read at once: a pointer stands under `path`
    in one, under the name of the operation in the other. Raises Malformed for a
    pointer that is no text. A document that is no patch is left to Glance.
    """
    for change in document if isinstance(document, list) else ():
        if not isinstance(change, dict):
            continue
        for member in ("path", "from", "add", "remove", "replace", "move", "copy"):
            if member in change and is_owner(_first(change[member])):
                raise Refused(
                    f"The property {NAME!r} is the owner of an image: only an "
                    "admin may change it.",
                    code="owner_property",
                )


def _first(pointer: Any) -> str:
    """Return the name at the beginning of a JSON pointer, as Glance reads it."""
    if not isinstance(pointer, str):
        raise Malformed("A pointer is no text.", code="patch")
    first = pointer.strip().lstrip("/").split("/")[0]
    return first.replace("~1", "/").replace("~0", "~")


def is_owner(name: str) -> bool:
    """Return whether a database may hold a name for that of the owner."""
    # How much of NAME the letters so far may stand for. No regular expression: a
    # name of many letters that may stand for anything would take one for ever.
    reached = frozenset({0})
    for letter in unicodedata.normalize("NFKD", name):
        reached = _after(reached, letter)
    return len(NAME) in reached


def _after(reached: frozenset[int], letter: str) -> frozenset[int]:
    """Return how much of NAME is reached when a letter follows, loosely compared."""
    if letter.isascii():
        if not (letter.isalnum() or letter == "_"):
            return reached
        same = letter.lower()
        return frozenset(n + 1 for n in reached if NAME[n : n + 1] == same)
    if unicodedata.category(letter) in _NO_WEIGHT:
        return reached
    # A Latin letter that no decomposition makes plain, such as a dotless i.
    if unicodedata.name(letter, "").startswith("LATIN "):
        return reached | {n + 1 for n in reached if n < len(NAME)}
    return frozenset()


def _is_canonical(image_id: Any) -> bool:
    return isinstance(image_id, str) and CANONICAL.fullmatch(image_id) is not None
