"""Where the documents of a stream begin and end to kubectl, and what those in JSON say.

A stream that begins with ``{`` is JSON, one value after another, for as long as it parses as such.
Everything else is YAML, cut at every line that begins with ``---``, whatever YAML itself makes of
that line: it may stand in a block of text.

Source:
    k8s.io/apimachinery pkg/util/yaml/decoder.go, YAMLOrJSONDecoder and YAMLReader.
"""

import bisect
import enum
import json
import math
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

from webhook.manifests.nodes import MappingNode, Mark, Node, Pairs, ScalarNode, SequenceNode
from webhook.manifests.values import as_json, without_surrogates

_EXACT: Final = 2**53
"""Integers below this are floats without loss."""
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape that may be an unpaired surrogate, half of a character."""
_SPACE: Final = re.compile(r"[ \t\n\r]*")
"""What JSON calls space (RFC 8259 section 2)."""
_WORD: Final = re.compile(r"[^ \t\n\r,:\[\]{}\"]+")
"""A number, ``true``, ``false`` or ``null``, in what is known to be JSON."""
_GO_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What Go's ``unicode.IsSpace`` calls a space."""
_LOOKS_LIKE_JSON: Final = re.compile(f"[{_GO_SPACE}]*{{")
"""What a stream begins with that kubectl takes for JSON."""
_TO_NEXT_LINE: Final = re.compile(f"(?:(?!\n)[{_GO_SPACE}])*\n?")
"""The space that is left of a line, and its end."""
_SEPARATOR: Final = re.compile(r"^---([^\n]*)\n?", re.MULTILINE)
"""A line at which YAML is cut, with what stands behind the ``---``."""
_NEXT_OBJECT: Final = re.compile(r"^\{", re.MULTILINE)
"""Where reading goes on after what was no JSON: at the next line that begins an object."""
_FEW_BYTES: Final = 4
"""Bytes that have to be left for kubectl to try a rest that is no JSON as YAML."""


class Form(enum.Enum):
    """How a part of a stream is to be read."""

    YAML = enum.auto()
    JSON = enum.auto()
    BAD_SEPARATOR = enum.auto()
    """A line of ``---`` with something behind it, which kubectl refuses."""
    BAD_JSON = enum.auto()
    """Not JSON, in a stream that has been JSON so far."""


class Part(NamedTuple):
    """One document, or what should have been one."""

    form: Form
    """How it is to be read."""
    start: int
    """Where in the text it begins, in characters."""
    end: int
    """Where it ends: the place behind its last character."""
    value: Any = None
    """What the decoder made of JSON."""


def split(text: str, decoder: json.JSONDecoder) -> Iterator[Part]:
    """Find the documents of a stream; those after one that is wrong are found all the same.

    Args:
        text: The stream, without a byte order mark at its beginning.
        decoder: What reads JSON; it raises :class:`ValueError` for what is none.
    """
    if not _LOOKS_LIKE_JSON.match(text):
        yield from _yaml_parts(text)
        return
    start = count = 0
    while (begin := _end(_SPACE, text, start)) < len(text):
        try:
            value, end = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            # kubectl tries what is left as YAML while it has read at most one value as JSON.
            if count <= 1 and _may_be_yaml(text, start):
                rest = _end(_TO_NEXT_LINE, text, start)
                for part in _yaml_parts(text[rest:]):
                    yield part._replace(start=rest + part.start, end=rest + part.end)
                return
            following = _NEXT_OBJECT.search(text, begin + 1)
            start = following.start() if following else len(text)
            yield Part(Form.BAD_JSON, begin, start)
        else:
            yield Part(Form.JSON, begin, end, value)
            start, count = end, count + 1


class Decoder(json.JSONDecoder):
    """Reads JSON as Go does, and remembers what is wrong with the last value that was read.

    Source:
        Go's encoding/json: an unpaired surrogate becomes U+FFFD; no infinite numbers.
    """

    def __init__(self) -> None:
        super().__init__(
            object_pairs_hook=self._object,
            parse_int=self._number,
            parse_float=self._number,
            parse_constant=self._constant,
        )
        self.duplicates: list[str] = []
        """Keys that are there twice in one object; the last one counts."""
        self.too_large: str = ""
        """A number that is too large for kubectl, as it is spelled; empty where there is none."""

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        """Read the value that begins at a place in a text.

        Args:
            s: The text, under the name that :meth:`json.JSONDecoder.raw_decode` gives it.
            idx: The place, in characters.

        Returns:
            The value, and the place at which it ends.

        Raises:
            ValueError: There is no JSON.
            RecursionError: It is nested too deeply.
        """
        self.duplicates, self.too_large = [], ""
        value, end = super().raw_decode(s, idx)
        return (_replace_surrogates(value) if _HALF.search(s, idx, end) else value), end

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Make an object of its members, and remember the keys that are there twice."""
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            self.duplicates += [key for key in found if keys.count(key) > 1]
        return found

    def _number(self, spelled: str) -> int | float:
        """Read a number as kubectl does; one that is too large is remembered."""
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
    """Composes the nodes of documents in JSON.

    It checks nothing, because :class:`Decoder` has read the documents before.

    Args:
        text: The text of the whole file.
    """

    def __init__(self, text: str) -> None:
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
        """Compose the value that begins at a place, and tell where it ends."""
        first = self._text[start]
        if first == "{":
            return self._object(start)
        if first == "[":
            return self._array(start)
        if first == '"':
            # Of json.decoder (CPython 3.11 to 3.13), which has no name for it in public: the place
            # behind the first quote, and whether control characters are refused.
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


def _yaml_parts(text: str) -> Iterator[Part]:
    """Cut YAML at its lines of ``---``; the first line of a text may be one, and cuts nothing."""
    start, form = 0, Form.YAML
    for separator in _SEPARATOR.finditer(text):
        behind = separator[1].strip()
        if behind and not behind.startswith("#"):
            following = Form.BAD_SEPARATOR
        elif start == separator.start():
            continue  # the line is the first of its document
        else:
            following = Form.YAML
        if start < separator.start():
            yield Part(form, start, separator.start())
        form = following
        start = separator.start() if form is Form.BAD_SEPARATOR else separator.end()
    if start < len(text):
        yield Part(form, start, len(text))


def _may_be_yaml(text: str, start: int) -> bool:
    """Tell whether kubectl tries what is left as YAML: it wants four bytes to look at.

    They are counted from the end of this line on, where nothing but space is left of it.
    """
    end = _end(_TO_NEXT_LINE, text, start)
    last = end - 1 if text[start:end].endswith("\n") else end
    return len(text[last : last + _FEW_BYTES].encode()) >= _FEW_BYTES


def _replace_surrogates(value: Any) -> Any:
    """Put U+FFFD in the place of unpaired surrogates, in a value and in all its parts and keys."""
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_replace_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): _replace_surrogates(item) for key, item in value.items()}
    return value


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Tell where a match that begins at a place ends; where there is none, the place itself."""
    match = pattern.match(text, start)
    return match.end() if match else start
