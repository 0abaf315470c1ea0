"""What YAML means to kubectl: the data that the events of a document stand for.

kubectl reads YAML 1.1, as its Go parser understands it: ``yes`` is a boolean, and ``0o7``, which is
YAML 1.2, is a number as well. PyYAML's own constructors differ from it in many cases, so that only
its parser is used, and the data is made here from the parser's events.

Source:
    go.yaml.in/yaml/v2, with which sigs.k8s.io/yaml and therefore kubectl read YAML: resolve.go for
    scalars, decode.go for aliases, ``<<`` and keys that are there twice (the last one counts, and
    the order of ``<<`` and of a mapping's own members); sigs.k8s.io/yaml yaml.go,
    convertToJSONableObject, for keys that are no text.
"""

import base64
import math
import re
import struct
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, Final, NamedTuple

from yaml import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

Scalar = str | int | float | bool | None
"""What a scalar may mean."""
Advance = Callable[[], Event]
"""Gives the next event."""
_YAML_TAG: Final = "tag:yaml.org,2002:"
"""What YAML's own tags begin with: ``!!int`` is short for ``tag:yaml.org,2002:int``."""
_MERGE: Final = "<<"
_MERGE_TAG: Final = f"{_YAML_TAG}merge"
_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(
        ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True
    ),
    **dict.fromkeys(
        ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False
    ),
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], None),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -math.inf),
}
"""Unquoted words that are no text, and what they mean."""
_NUMERIC: Final = frozenset("+-.0123456789")
"""Characters that a number may begin with."""
_INTEGER: Final = re.compile(
    r"[-+]?(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
_BASES: Final = {"x": 16, "b": 2, "o": 8, "d": 10}
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SIGNED_BINARY: Final = re.compile(r"0b[-+]?[01]+")
"""Signs may stand behind the prefix, because the digits behind it are parsed once more."""
_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d\d?-\d\d?(?:[Tt]\d\d?:\d\d?:\d\d?(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)"
    r"| \d\d?:\d\d?:\d\d?(?:\.\d+)?)?"
)
_INT64: Final = range(-(2**63), 2**63)
_UINT64: Final = range(2**63, 2**64)
_SMALLEST_EXPONENT, _EXPONENT_LIMIT = -4, 6
"""A float with an exponent from the first up to, not including, the second is spelled without it,
as Go's ``FormatFloat`` does it with the format ``g``."""
_LONGEST: Final = 400
"""An integer of so many digits or more is not read as one: a float has room for 309 digits, and
Python's ``int`` refuses more than 4,300."""
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "str": (),
    "binary": (),
    "timestamp": (),
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}
"""For each of YAML's own tags, the types one of which its text has to mean without the tag."""
_NUMBERS: Final = frozenset({int, float})
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_FEW_ALIASED, _FEW_VALUES = 100, 1000
"""With at most so many values from aliases, or at most so many values altogether, any share of them
may come from aliases."""
_SMALL, _LARGE = 400_000, 4_000_000
_SHARE_OF_SMALL, _SHARE_OF_LARGE = 0.99, 0.10
"""Share of the values of a document that may come from aliases: the first up to ``_SMALL`` values,
the second from ``_LARGE`` values on, and between the two it falls in a straight line.

Source:
    go.yaml.in/yaml/v2 decode.go, allowedAliasRatio.
"""


class Events(NamedTuple):
    """The events of one document."""

    all: Sequence[Event]
    """From the root's first to the root's last; none where the document is empty."""
    targets: dict[int, int]
    """For each alias, by its ``id``, the place in ``all`` of what it stands for."""
    unread: int | None
    """Line from which on kubectl reads nothing more, from 0; ``None`` where nothing is left."""


class Constructed(NamedTuple):
    """Data of a document."""

    data: Any
    """As JSON would carry it: keys are strings, and nothing is shared."""
    duplicates: list[tuple[int, str]]
    """Keys that are there twice in one mapping, and the line of the second, from 0."""


class EventsError(ValueError):
    """The events make no data; the text says why, as the end of a sentence about the document.

    Args:
        reason: That end of a sentence.
        event: Where in the document the reason is found.
    """

    def __init__(self, reason: str, event: Event) -> None:
        super().__init__(reason)
        self.line = int(event.start_mark.line)


class ScalarError(ValueError):
    """The scalar is not what its tag says, or nothing that JSON has; the text says which."""


def construct(events: Events) -> Constructed:
    """Make data of a document.

    Raises:
        EventsError: kubectl would refuse it.
    """
    return _Constructor(events).construct()


def is_merge(event: Event) -> bool:
    """Tell whether an event is the key ``<<``, which merges another mapping into this one.

    Args:
        event: The first event of a mapping's key.
    """
    return (
        type(event) is ScalarEvent
        and event.value == _MERGE
        and bool(event.implicit[0] or event.tag == _MERGE_TAG)
    )


def plain(text: str) -> Scalar:
    """Tell what unquoted text without a tag means.

    Args:
        text: The text, without the space around it.
    """
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _NUMERIC else text


def tagged(tag: str, text: str) -> Scalar:
    """Tell what text with a tag means, quoted or not; with a tag that is not YAML's own, text.

    Args:
        tag: The tag, resolved: ``tag:yaml.org,2002:int`` for ``!!int``.
        text: The text.

    Raises:
        ScalarError: The text is nothing of that type.
    """
    name = tag.removeprefix(_YAML_TAG)
    if name == tag or name not in _TYPES:
        return text
    if name == "binary":
        return _binary(text)
    value = plain(text)
    if name == "str" or (name == "timestamp" and _TIMESTAMP.fullmatch(text)):
        return text
    if type(value) not in _TYPES[name]:
        raise ScalarError(f"`{text}` is no !!{name}")
    if name == "float" and isinstance(value, int) and value in _UINT64:
        raise ScalarError(f"`{text}` is too large for a !!float without a point")
    return float(value) if name == "float" and isinstance(value, int) else value


def as_key(value: Scalar) -> str:
    """Spell the key of a mapping that is no text as JSON has it.

    Raises:
        ScalarError: kubectl refuses such a key.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value in _INT64:
        return str(value)
    if isinstance(value, float):
        return _short(value)
    raise ScalarError("a key is null, a list, a mapping, or a number of more than 64 bits")


def as_json(value: int | float) -> int | float:  # noqa: PYI041 - they are told apart
    """Turn a number into what is left of it once it has been written as JSON and read again.

    Go writes a float without a fraction as an integer, and reads an integer of more than 64 bits as
    a float.

    Raises:
        ScalarError: JSON has no such number.
    """
    if isinstance(value, int):
        return value if value in _INT64 else float(value)
    if not math.isfinite(value):
        raise ScalarError(f"{_short(value)} is nothing that JSON can carry")
    written = Decimal(repr(value))  # the fewest digits that mean it; zeros follow
    return int(written) if value.is_integer() and int(written) in _INT64 else value


def without_surrogates(text: str) -> str:
    """Put U+FFFD in the place of every surrogate.

    Args:
        text: Text with surrogates of two origins: unpaired ones from escapes of JSON, and bytes
            that are not UTF-8, as Python's error handler ``surrogateescape`` reads them (PEP 383).
    """
    return _SURROGATES.sub("\ufffd", text)


class _Constructor:
    """The construction of one document.

    The code compares the types of events instead of calling ``isinstance``, and does without
    PyYAML's Constructor, because a preview spends most of its time here.

    Args:
        events: The document's.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._duplicates: list[tuple[int, str]] = []
        self._following: set[int] = set()
        """Places in the events of what aliases stand for, while their values are constructed."""
        self._values = 0
        """Values constructed so far, keys among them, and what aliases stand for once for each."""
        self._aliased = 0
        """How many of them come from aliases."""

    def construct(self) -> Constructed:
        """Make the data; that of an empty document is ``None``."""
        advance = iter(self._events.all).__next__
        data = self._value(advance(), advance) if self._events.all else None
        return Constructed(data, self._duplicates)

    def _value(self, event: Event, advance: Advance) -> Any:
        """Construct a value.

        Args:
            event: The value's first event.
            advance: Gives the value's further events.
        """
        self._values += 1
        if self._following:
            self._check_expansion(event)
        kind = type(event)
        if kind is ScalarEvent:
            value = self._scalar(event)
            return self._as_json(value, event) if type(value) in _NUMBERS else value
        if kind is MappingStartEvent:
            return self._mapping(advance)
        if kind is SequenceStartEvent:
            items = []
            while type(event := advance()) is not SequenceEndEvent:
                items.append(self._value(event, advance))
            return items
        return self._alias(event)

    def _mapping(self, advance: Advance) -> dict[str, Any]:
        """Construct a mapping; of members of one name, own or merged in, the last one counts."""
        mapping: dict[str, Any] = {}
        merged: set[str] = set()
        while type(event := advance()) is not MappingEndEvent:
            if is_merge(event):
                members = self._merged(advance(), advance)
                mapping |= members
                merged |= members.keys()
                continue
            key = self._key(event, advance)
            if key in mapping and key not in merged:
                self._duplicates.append((int(event.start_mark.line), key))
            merged.discard(key)
            mapping[key] = self._value(advance(), advance)
        return mapping

    def _merged(self, event: Event, advance: Advance) -> dict[str, Any]:
        """Construct what ``<<`` merges in: a mapping, or a list of which the first one wins."""
        is_list = type(event) is SequenceStartEvent
        # No event is None, so the iterator goes on until the loop has seen the end of the list.
        events = iter(advance, None) if is_list else (event,)
        mappings = []
        for each in events:
            if type(each) is SequenceEndEvent:
                break
            members = self._value(each, advance)
            if not isinstance(members, dict):
                raise EventsError("a << merges in something that is no mapping", each)
            mappings.append(members)
        return {key: value for each in reversed(mappings) for key, value in each.items()}

    def _alias(self, event: Event) -> Any:
        """Construct what an alias stands for once more, so that nothing is shared."""
        place = self._events.targets[id(event)]
        if place in self._following:
            raise EventsError(
                f"the alias *{event.anchor} stands inside of what it stands for", event
            )
        self._following.add(place)
        # The events from there on once more; the value takes as many of them as it has.
        advance = map(self._events.all.__getitem__, count(place)).__next__
        value = self._value(advance(), advance)
        self._following.discard(place)
        return value

    def _key(self, event: Event, advance: Advance) -> str:
        """Construct the key of a mapping as text, which JSON's keys are."""
        if type(event) is ScalarEvent:
            self._values += 1
            if self._following:
                self._check_expansion(event)
            value = self._scalar(event)
        else:
            value = self._value(event, advance)
        if type(value) is str:
            return value
        try:
            return as_key(value)
        except ScalarError as error:
            raise EventsError(str(error), event) from error

    def _scalar(self, event: Event) -> Scalar:
        text: str = event.value
        # libyaml resolves no tags (PyYAML 6.0.3): where the text has none, the first of `implicit`
        # tells whether it is plain, that is, without quotes.
        if event.tag is None:
            return plain(text) if event.implicit[0] else text
        try:
            return tagged(event.tag, text)
        except ScalarError as error:
            raise EventsError(str(error), event) from error

    def _as_json(self, value: Any, event: Event) -> int | float:
        try:
            return as_json(value)
        except ScalarError as error:
            raise EventsError(str(error), event) from error

    def _check_expansion(self, event: Event) -> None:
        """Refuse aliases that stand for so much that they would fill the memory."""
        self._aliased += 1
        if (
            self._aliased > _FEW_ALIASED
            and self._values > _FEW_VALUES
            and self._aliased > self._values * _allowed_share(self._values)
        ):
            raise EventsError(
                "its aliases (*) stand for more values than kubectl reads, so write out what is "
                "needed of them",
                event,
            )


def _allowed_share(values: int) -> float:
    """Tell which share of a document's values, from 0 to 1, kubectl lets come from aliases."""
    over = min(max(values - _SMALL, 0) / (_LARGE - _SMALL), 1)
    return _SHARE_OF_SMALL - (_SHARE_OF_SMALL - _SHARE_OF_LARGE) * over


def _number(text: str) -> Scalar:
    """Read a number, or text that only begins like one."""
    if text[0] == ".":
        return _float(text)
    digits = text.replace("_", "")
    if match := _INTEGER.fullmatch(digits):
        kind = str(match.lastgroup)
        if len(digits) < _LONGEST:
            value = int(match[kind], _BASES[kind])
            value = -value if digits[0] == "-" else value
            if value in _INT64 or (value in _UINT64 and digits[0] != "+"):
                return value
    elif _SIGNED_BINARY.fullmatch(digits.removeprefix("-")):
        value = int(digits.removeprefix("-").removeprefix("0b"), base=2)
        if value in _INT64 and digits[0] != "-":
            return value
    number = _float(digits)
    return text if isinstance(number, str) else number


def _float(text: str) -> float | str:
    """Read a float; text that is none, or too large for one, stays text."""
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else text


def _binary(text: str) -> str:
    try:
        content = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except ValueError as error:
        raise ScalarError("a !!binary is no base64") from error
    return without_surrogates(content.decode(errors="surrogateescape"))


def _short(value: float) -> str:
    """Spell a float as Go's ``FormatFloat(value, 'g', -1, 32)``: the shortest of 32 bits."""
    if math.isnan(value):
        return ".nan"
    (single,) = struct.unpack("f", struct.pack("f", value))  # infinite if it is too large
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    spelled, precision = "", -1
    while not spelled or struct.pack("f", float(spelled)) != struct.pack("f", single):
        precision += 1  # up to 8, which every float of 32 bits is spelled by
        spelled = f"{single:.{precision}e}"
    exponent = int(spelled.partition("e")[2])
    if exponent < _SMALLEST_EXPONENT or exponent >= _EXPONENT_LIMIT:
        return spelled
    return f"{single:.{max(precision - exponent, 0)}f}"
