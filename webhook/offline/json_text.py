"""JSON as kubectl reads it: values, and the nodes that say where everything stands."""

import bisect
import json
import math
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from webhook.offline.nodes import MappingNode, Mark, Node, Pairs, ScalarNode, SequenceNode
from webhook.offline.scalars import as_json, without_surrogates

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_WORD: Final = re.compile(r"[^ \t\n\r,:\[\]{}\"]+")
_EXACT: Final = 2**53
"""Integers below this are floats without loss."""

_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")


class Decoder(json.JSONDecoder):
    """Reads JSON, and remembers of the last value what Go's reader says or does about it.

    Source:
        Go's encoding/json: a half of a pair of surrogates becomes U+FFFD; no infinite numbers.
    """

    def __init__(self) -> None:
        """Make a reader."""
        super().__init__(
            object_pairs_hook=self._object,
            parse_int=self._number,
            parse_float=self._number,
            parse_constant=self._constant,
        )
        self.duplicates: list[str] = []
        """Keys that are there twice in one object; the last one counts."""
        self.too_large: str = ""
        """A number that is too large for kubectl."""

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        """Read the value that begins at a place in a text; tell it, and where it ends."""
        self.duplicates, self.too_large = [], ""
        value, end = super().raw_decode(s, idx)
        return (_whole(value) if _HALF.search(s, idx, end) else value), end

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            self.duplicates += [key for key in found if keys.count(key) > 1]
        return found

    def _number(self, spelled: str) -> int | float:
        number = float(spelled)
        if math.isinf(number):
            self.too_large = spelled
            return 0
        if abs(number) < _EXACT:
            return as_json(number)
        return as_json(int(spelled) if spelled.lstrip("-").isdigit() else number)

    def _constant(self, spelled: str) -> Any:
        raise ValueError(f"{spelled} is no JSON")


class Composer:
    """Composes the nodes of JSON documents."""

    def __init__(self, text: str) -> None:
        """Prepare to compose nodes of a file, of which data was made already."""
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def compose(self, start: int) -> Node:
        """Compose the value that begins at a place in the text."""
        return self._value(start)[0]

    def mark(self, index: int) -> Mark:
        """Tell the line and the column of a place in the text."""
        line = bisect.bisect_right(self._lines, index) - 1
        return Mark(index, line, index - self._lines[line])

    def _value(self, start: int) -> tuple[Node, int]:
        first = self._text[start]
        if first == "{":
            return self._object(start)
        if first == "[":
            return self._array(start)
        if first == '"':
            value, end = scanstring(self._text, start + 1, True)
        else:
            end = _end(_WORD, self._text, start)
            value = self._text[start:end]
        return ScalarNode(value, self.mark(start), self.mark(end)), end

    def _object(self, start: int) -> tuple[Node, int]:
        pairs: Pairs = []
        place = self._next(start + 1)
        while self._text[place] != "}":
            key, end = self._value(place)
            value, end = self._value(self._next(self._next(end) + 1))  # behind the colon
            pairs.append((key, value))
            place = self._behind_comma(end)
        end = place + 1
        return MappingNode(pairs, self.mark(start), self.mark(end), flow=True), end

    def _array(self, start: int) -> tuple[Node, int]:
        items: list[Node] = []
        place = self._next(start + 1)
        while self._text[place] != "]":
            item, end = self._value(place)
            items.append(item)
            place = self._behind_comma(end)
        end = place + 1
        return SequenceNode(items, self.mark(start), self.mark(end)), end

    def _behind_comma(self, end: int) -> int:
        place = self._next(end)
        return self._next(place + 1) if self._text[place] == "," else place

    def _next(self, place: int) -> int:
        """Find the next character that is no space."""
        return _end(_SPACE, self._text, place)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start


def _whole(value: Any) -> Any:
    """Replace the halves of pairs of surrogates in a value."""
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value
