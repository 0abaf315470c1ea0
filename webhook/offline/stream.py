"""Where the documents of a stream begin and end to kubectl, before anything of them is parsed.

A stream that begins with ``{`` is JSON, one value after another, for as long as it parses as such.
Everything else is YAML, cut at every line that begins with ``---``, whatever YAML itself makes of
that line: it may stand in a block of text.

Source:
    k8s.io/apimachinery pkg/util/yaml/decoder.go, YAMLOrJSONDecoder and YAMLReader.
"""

import enum
import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What Go's ``unicode.IsSpace`` calls a space."""

_LOOKS_LIKE_JSON: Final = re.compile(f"[{_SPACE}]*{{")
_JSON_SPACE: Final = re.compile(r"[ \t\n\r]*")
_TO_NEXT_LINE: Final = re.compile(f"(?:(?!\n)[{_SPACE}])*\n?")
_SEPARATOR: Final = re.compile(r"^---([^\n]*)\n?", re.MULTILINE)
_NEXT_OBJECT: Final = re.compile(r"^\{", re.MULTILINE)
_FEW_BYTES: Final = 4
"""With less than this left, kubectl does not try a rest that is no JSON as YAML."""


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
    start: int
    """Place in the text, in characters."""
    end: int
    value: Any = None
    """What the decoder made of JSON."""


def split(text: str, decoder: json.JSONDecoder) -> Iterator[Part]:
    """Find the documents of a stream; what is wrong costs no document but its own.

    Args:
        text: The stream, without a byte order mark at its beginning.
        decoder: What reads JSON; it raises :class:`ValueError` for what is none.
    """
    if not _LOOKS_LIKE_JSON.match(text):
        yield from _yaml(text)
        return
    start = count = 0
    while (begin := _end(_JSON_SPACE, text, start)) < len(text):
        try:
            value, end = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            if count <= 1 and _may_be_yaml(text, start):
                rest = _end(_TO_NEXT_LINE, text, start)
                for part in _yaml(text[rest:]):
                    yield part._replace(start=rest + part.start, end=rest + part.end)
                return
            following = _NEXT_OBJECT.search(text, begin + 1)
            start = following.start() if following else len(text)
            yield Part(Form.BAD_JSON, begin, start)
        else:
            yield Part(Form.JSON, begin, end, value)
            start, count = end, count + 1


def _yaml(text: str) -> Iterator[Part]:
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
    """Tell whether kubectl reads what is left as YAML: it looks at four bytes at a time."""
    end = _end(_TO_NEXT_LINE, text, start)
    last = end - 1 if text[start:end].endswith("\n") else end
    return len(text[last : last + _FEW_BYTES].encode()) >= _FEW_BYTES


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start
