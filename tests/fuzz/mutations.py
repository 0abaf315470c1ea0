"""Reviews made wrong: by changing what they say, and by changing their bytes.

The same seed makes the same mutations, so that a failure can be had again.
"""

import contextlib
import random
from typing import Any

import msgspec

from tests.fuzz.pieces import (
    DEPTHS,
    KEYS,
    KINDS,
    LONG,
    NAMES,
    NEW_FIELDS,
    OPERATIONS,
    PARTS,
    TEXTS,
    TOKENS,
    VALUES,
)
from tests.fuzz.seeds import REVIEWS
from tests.property.vocabulary import ANNOTATIONS, LABELS


class Mutator:
    """Makes reviews from a source of chance.

    Args:
        chance: Decides everything.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def review(self) -> bytes:
        """Take a good review and make it wrong in one way or another, or leave it as it is."""
        chance = self._chance
        body = chance.choice(REVIEWS)
        draw = chance.random()
        if draw < 0.75:
            body = self.changed(body)
        if draw > 0.65:
            body = self.damaged(body)
        return body

    def changed(self, body: bytes) -> bytes:
        """Change what a review says; it stays JSON."""
        chance = self._chance
        try:
            document = msgspec.json.decode(body)
            request = document["request"]
            request["namespace"] = chance.choice(NAMES)
            if chance.random() < 0.1:
                request["operation"] = chance.choice(OPERATIONS)
            if chance.random() < 0.05:
                request["kind"]["kind"] = chance.choice(KINDS)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, KeyError):
            return self.damaged(body)
        for _ in range(chance.choice((1, 1, 2, 4))):
            draw = chance.random()
            if draw < 0.6:
                self._label(request.get("object"))
            else:
                self._change_somewhere(document if draw < 0.7 else request.get("object"))
        return msgspec.json.encode(document)

    def damaged(self, body: bytes) -> bytes:
        """Change the bytes of a review; it may be JSON no more."""
        chance = self._chance
        damaged = bytearray(body)
        for _ in range(chance.choice((1, 1, 1, 2, 8))):
            start = chance.randrange(len(damaged) + 1)
            end = min(len(damaged), start + chance.choice((0, 1, 1, 4, 64)))
            how = chance.randrange(6)
            if how == 0:
                damaged[start:end] = b""
            elif how == 1:
                damaged[start:end] = chance.choice(TOKENS)
            elif how == 2:
                damaged[start:end] = chance.randbytes(end - start)
            elif how == 3:
                damaged[start:start] = damaged[end : end + chance.randrange(200)]
            elif how == 4:
                damaged[start:end] = self._text().encode()
            elif chance.random() < 0.2:
                del damaged[start:]
        if chance.random() < 0.003:
            start = chance.randrange(len(damaged) + 1)
            damaged[start:start] = chance.choice((b"[", b'{"":', b"9", b"x")) * self._depth()
        return bytes(damaged)

    def _label(self, obj: Any) -> None:
        """Say something with an annotation or a label of an object, where it can have one."""
        chance = self._chance
        where, keys = chance.choice((("annotations", ANNOTATIONS), ("labels", LABELS)))
        with contextlib.suppress(AttributeError, KeyError, TypeError):
            texts = obj["metadata"].get(where) or {}
            obj["metadata"][where] = {**texts, chance.choice(keys): self._text()}

    def _change_somewhere(self, parent: Any) -> None:
        """Walk down from here, the more often the nearer, and change one member in place."""
        chance = self._chance
        while isinstance(parent, dict | list) and parent:
            name = chance.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
            member = parent[name]
            if not member or not isinstance(member, dict | list) or chance.random() < 0.25:
                self._change(parent, name)
                return
            parent = member

    def _change(self, parent: Any, name: Any) -> None:
        """Change one member, or put another one beside it."""
        chance = self._chance
        how = chance.randrange(10)
        if how == 0:
            del parent[name]
        elif how == 1:
            parent[name] = msgspec.json.decode(chance.choice(PARTS))
        elif how == 2:
            parent[name] = [parent[name]]
        elif how == 3 and isinstance(parent, dict):
            parent[chance.choice(NEW_FIELDS)] = parent.pop(name)
        elif how <= 5:
            parent[name] = msgspec.json.decode(chance.choice(VALUES))
        elif isinstance(parent[name], dict):
            parent[name][chance.choice(KEYS)] = self._text()
        elif isinstance(parent, dict) and how <= 8:
            parent[chance.choice(KEYS)] = self._text()
        else:
            parent[name] = self._text()

    def _text(self) -> str:
        """Take a text that means something, now and then a long one."""
        chance = self._chance
        return "x" * LONG if chance.random() < 0.002 else chance.choice(TEXTS)

    def _depth(self) -> int:
        """Take a number of repetitions around the limits of parsers."""
        return self._chance.choice(DEPTHS)
