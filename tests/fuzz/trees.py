# SPDX-License-Identifier: Apache-2.0
"""Changes good DER into nearly good DER: one field, its lengths kept right.

Owns the tree of a DER object, what is inside its strings included, and one
random change in it. Must never use the reader under test: it would hide what
that reader takes wrongly. Read first: mutated.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.grid.certs import der

_MAX_DEPTH = 24
_TAGS = (
    *(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x14, 0x16, 0x17, 0x18),
    *(0x1C, 0x1E, 0x1F, 0x30, 0x31, 0x80, 0x82, 0x86, 0xA0, 0xA1, 0xA3, 0xA4),
)
_VALUES = (
    b"",
    b"\0",
    b"\xff",
    b"\x80",
    b"\x00\xff",
    b"\xff\xff",
    b"\0" * 40,
    b"\xff" * 40,
    b"\x80" * 63 + b"\x01",
    b"\xff" * 63 + b"\x7f",
    b"a\0b\nc",
    b"/CN=a+CN=b\\",
    b"\xc3\xa9\xe2\x80\xae",
    b"\xd8\x00",
    b"991231235959Z",
    b"20300101000000Z",
    b"00000000000000Z",
    b"20300101000000.5Z",
    b"dteam://voms.example.org:99999",
    b"/dteam/../Role=x",
)
# Headers that promise what does not follow, or in a form that is not DER.
_HEADERS = (
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x30\x81\x01",
    b"\x30\x85\x01\x00\x00\x00\x00",
    b"\x04\x82\x00\x01",
    b"\x1f\x81\x01",
    b"\x02\x00",
    b"\x00\x00",
)


@dataclass(slots=True)
class Node:
    """One element; without a tag its content stands as it is.

    `prefix` is what stands before the elements, as in a BIT STRING.
    """

    tag: int | None
    content: bytes | list[Node]
    prefix: bytes = b""

    def encoded(self) -> bytes:
        """Return the bytes of this element."""
        body = self.content
        if isinstance(body, list):
            body = b"".join(child.encoded() for child in body)
        if self.tag is None:
            return body
        return der(self.tag, self.prefix, body)


def parsed(data: bytes, depth: int = 0) -> list[Node] | None:
    """Return the elements that `data` consists of, None if it is not such a list."""
    found: list[Node] = []
    while data:
        if len(data) < 2 or depth > _MAX_DEPTH:
            return None
        size, header = data[1], 2
        if size > 0x80:
            header += size & 0x7F
            size = int.from_bytes(data[2:header], "big")
        if len(data) < header + size or data[1] == 0x80:
            return None
        body = data[header : header + size]
        found.append(_node(data[0], body, depth))
        data = data[header + size :]
    return found


def _node(tag: int, body: bytes, depth: int) -> Node:
    prefix = b"\0" if tag == 0x03 and body[:1] == b"\0" else b""
    if tag & 0x20 or tag == 0x04 or prefix:
        inside = parsed(body[len(prefix) :], depth + 1)
        if inside:
            return Node(tag, inside, prefix)
    return Node(tag, body)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return `data` after one to three changes, of fields or of bare bytes."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        tree = parsed(data) if chance.random() < 0.75 else None
        if tree:
            _change_tree(tree, chance)
            data = b"".join(node.encoded() for node in tree)
        else:
            data = _change_bytes(data, chance)
    return data


def _lists(nodes: list[Node]) -> list[list[Node]]:
    """Return this list of elements and all those inside it."""
    found, waiting = [], [nodes]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting += [node.content for node in current if isinstance(node.content, list)]
    return [current for current in found if current]


def _change_tree(nodes: list[Node], chance: random.Random) -> None:
    lists = _lists(nodes)
    siblings = chance.choice(lists)
    place = chance.randrange(len(siblings))
    node = siblings[place]
    kind = chance.randrange(11)
    if kind == 0:
        del siblings[place]
    elif kind == 1:
        siblings[place:place] = [node] * chance.choice((1, 1, 2, 20, 120))
    elif kind == 2:
        other = chance.randrange(len(siblings))
        siblings[place], siblings[other] = siblings[other], node
    elif kind == 3:
        siblings[place] = _copy(chance.choice(chance.choice(lists)))
    elif kind == 4:
        siblings.insert(place, _copy(chance.choice(chance.choice(lists))))
    elif kind == 5:
        node.tag = chance.choice(_TAGS)
    elif kind == 6:
        node.content, node.prefix = chance.choice(_VALUES), b""
    elif kind == 7:
        siblings[place] = Node(chance.choice((0x30, 0x31, 0xA0)), [node])
    elif kind == 8:
        siblings[place] = Node(None, chance.choice(_HEADERS) + node.encoded()[2:])
    elif kind == 9:
        node.content = _change_bytes(Node(None, node.content).encoded(), chance)
    else:
        # An integer far from the one that was there.
        node.content = chance.randbytes(chance.choice((1, 8, 20, 21, 64)))


def _copy(node: Node) -> Node:
    return Node(None, node.encoded())


def _change_bytes(data: bytes, chance: random.Random) -> bytes:
    """Return `data` with a piece flipped, cut, repeated, replaced or moved."""
    copy = bytearray(data or b"\0")
    place = chance.randrange(len(copy))
    end = min(place + chance.randrange(1, 40), len(copy))
    kind = chance.randrange(7)
    if kind == 0:
        copy[place] ^= 1 << chance.randrange(8)
    elif kind == 1:
        copy[place] = chance.choice((0x00, 0x0A, 0x30, 0x7F, 0x80, 0x84, 0xFF))
    elif kind == 2:
        del copy[place:end]
    elif kind == 3:
        copy[place:place] = copy[place:end] * chance.choice((1, 1, 2, 50))
    elif kind == 4:
        copy[place:end] = chance.randbytes(end - place)
    elif kind == 5:
        other = chance.randrange(len(copy))
        copy[other:other] = copy[place:end]
    else:
        del copy[place:]
    return bytes(copy)
