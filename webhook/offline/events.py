"""A YAML document as the events of its parser (libyaml), and the data that kubectl makes of them.

Source:
    go.yaml.in/yaml/v2 decode.go: the order of ``<<`` and a mapping's own members counts, and of
    members with the same key the last one; sigs.k8s.io/yaml yaml.go for keys.
"""

import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final, NamedTuple

from yaml import (  # type: ignore[import-untyped]
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    YAMLError,
)
from yaml.cyaml import CParser  # type: ignore[import-untyped]

from webhook.offline.scalars import Scalar, ScalarError, as_json, as_key, plain, tagged

MERGE: Final = "<<"
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"

_NUMBERS: Final = frozenset({int, float})

_FEW_ALIASED, _FEW_VALUES = 100, 1000
"""Up to so many values from aliases, or altogether, their share does not matter."""
_SMALL, _LARGE = 400_000, 4_000_000
_SHARE_OF_SMALL, _SHARE_OF_LARGE = 0.99, 0.10
"""From so many values on aliases may have less of them than in a small document; in the end, this.

Source:
    go.yaml.in/yaml/v2 decode.go, allowedAliasRatio.
"""

_COLON: Final = (":", "\ue000")
_BYTE_ORDER_MARK: Final = ("\ufeff", "\ue001")
"""What libyaml must not see in some places, and what it sees instead: to kubectl's parser a colon
before a bracket or a comma (``[fe80::]``) is text, and so is a byte order mark inside a document.
"""

_UNEXPECTED: Final = "found unexpected ':'"

_LENIENT: Final = re.compile(r"\?|\\/")
_SLASH: Final = re.compile(r"(?<!\\)(?:\\\\)*\\/")
"""The escape ``\\/``, which YAML took over from JSON later than kubectl's parser was written."""

Advance = Callable[[], Event]
"""Gives the next event."""


class EventsError(ValueError):
    """The events make no data; the text says why, as the end of a sentence about the document."""

    def __init__(self, reason: str, event: Event) -> None:
        """Make the error that an event is the reason for."""
        super().__init__(reason)
        self.line = int(event.start_mark.line)


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


def parse(text: str) -> Events:
    """Parse the first document of a text.

    Raises:
        YAMLError: The text is no YAML.
        EventsError: An alias stands for nothing, or libyaml is less strict than kubectl's parser.
    """
    found = _veiled(text)
    if "*" in text:
        found.targets.update(_targets(found.all))
    if _LENIENT.search(text):
        _check_leniency(text, found.all)
    return found


def _veiled(text: str) -> Events:
    """Parse a text in which libyaml does not see what only it would not take as text."""
    veiled = text.replace(*_BYTE_ORDER_MARK)
    while True:
        try:
            found = _parse(veiled)
            break
        except YAMLError as error:
            if getattr(error, "problem", "") != _UNEXPECTED:
                raise
            place = error.problem_mark.index
            veiled = f"{veiled[:place]}{_COLON[1]}{veiled[place + 1 :]}"
    for open_, veil in (_COLON, _BYTE_ORDER_MARK) if veiled != text else ():
        for event in found.all:
            if type(event) is ScalarEvent:
                event.value = event.value.replace(veil, open_)
    return found


def _parse(text: str) -> Events:
    parser = CParser(text)
    parser.get_event()  # the stream's
    if type(parser.get_event()) is StreamEndEvent:
        return Events([], {}, None)
    found: list[Event] = []
    add, advance = found.append, parser.get_event
    event = advance()
    while type(event) is not DocumentEndEvent:
        add(event)
        event = advance()
    return Events(found, {}, _unread(parser, event))


def _check_leniency(text: str, events: Sequence[Event]) -> None:
    """Refuse what kubectl's parser, which is older, does not know."""
    flows = 0
    for event in events:
        if type(event) is ScalarEvent:
            written = text[event.start_mark.index : event.end_mark.index]
            if event.style == '"' and _SLASH.search(written):
                raise EventsError("found unknown escape character \\/", event)
            if event.style == "" and flows and "?" in event.value:
                raise EventsError("a ? stands in unquoted text between brackets", event)
        elif isinstance(event, CollectionStartEvent):
            flows += bool(flows or event.flow_style)
        elif flows:
            flows -= isinstance(event, CollectionEndEvent)


def construct(events: Events) -> Constructed:
    """Make data of a document.

    Raises:
        EventsError: kubectl would refuse it.
    """
    return _Constructor(events).construct()


def is_merge(event: Event) -> bool:
    """Tell whether the key of a mapping is the ``<<`` that merges another one in."""
    return (
        type(event) is ScalarEvent
        and event.value == MERGE
        and bool(event.implicit[0] or event.tag == _MERGE_TAG)
    )


def _targets(events: Sequence[Event]) -> dict[int, int]:
    """Find what aliases stand for; of anchors with the same name, the last one before counts."""
    anchors: dict[str, int] = {}
    targets: dict[int, int] = {}
    for place, event in enumerate(events):
        anchor = getattr(event, "anchor", None)
        if anchor is None:
            continue
        if type(event) is not AliasEvent:
            anchors[anchor] = place
        elif anchor in anchors:
            targets[id(event)] = anchors[anchor]
        else:
            raise EventsError(f"the alias *{anchor} stands for nothing before it", event)
    return targets


def _unread(parser: CParser, end: Event) -> int | None:
    line = int(end.end_mark.line)
    try:
        return None if isinstance(parser.get_event(), StreamEndEvent) else line
    except YAMLError:
        return line


class _Constructor:
    """The construction of one document."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._duplicates: list[tuple[int, str]] = []
        self._following: set[int] = set()
        """Places in the events of what aliases stand for, while they are followed."""
        self._values = self._aliased = 0

    def construct(self) -> Constructed:
        advance = iter(self._events.all).__next__
        data = self._value(advance(), advance) if self._events.all else None
        return Constructed(data, self._duplicates)

    def _value(self, event: Event, advance: Advance) -> Any:
        self._values += 1
        if self._following:
            self._check_expansion(event)
        kind = type(event)
        if kind is ScalarEvent:
            value = self._scalar(event)
            return self._number(value, event) if type(value) in _NUMBERS else value
        if kind is MappingStartEvent:
            return self._mapping(advance)
        if kind is SequenceStartEvent:
            items = []
            while type(event := advance()) is not SequenceEndEvent:
                items.append(self._value(event, advance))
            return items
        return self._alias(event)

    def _mapping(self, advance: Advance) -> dict[str, Any]:
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
        listed = type(event) is SequenceStartEvent
        events = iter(advance, None) if listed else (event,)
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
        place = self._events.targets[id(event)]
        if place in self._following:
            raise EventsError(
                f"the alias *{event.anchor} stands inside of what it stands for", event
            )
        self._following.add(place)
        advance = map(self._events.all.__getitem__, count(place)).__next__
        value = self._value(advance(), advance)
        self._following.discard(place)
        return value

    def _key(self, event: Event, advance: Advance) -> str:
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
        if event.tag is None:
            return plain(text) if event.implicit[0] else text
        try:
            return tagged(event.tag, text)
        except ScalarError as error:
            raise EventsError(str(error), event) from error

    def _number(self, value: Any, event: Event) -> int | float:
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
    """Tell which share of the values of a document kubectl lets aliases have."""
    over = min(max(values - _SMALL, 0) / (_LARGE - _SMALL), 1)
    return _SHARE_OF_SMALL - (_SHARE_OF_SMALL - _SHARE_OF_LARGE) * over
