"""A YAML document: the events of its parser, and the nodes that they tell the places of.

The parser is libyaml, which PyYAML brings along; kubectl's is a translation of an older libyaml
into Go. Where the two differ, the text is changed before libyaml sees it, or refused afterwards.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from yaml import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
    YAMLError,
)
from yaml.cyaml import CParser

from webhook.manifests.nodes import MappingNode, Mark, Node, Pairs, Place, ScalarNode, SequenceNode
from webhook.manifests.values import Events, EventsError, is_merge

_COLON: Final = (":", "\ue000")
_BYTE_ORDER_MARK: Final = ("\ufeff", "\ue001")
"""What libyaml must not see in some places, and the private character that it sees instead: to
kubectl's parser a colon before a bracket or a comma (``[fe80::]``) is text, and so is a byte order
mark inside a document."""
_UNEXPECTED: Final = "found unexpected ':'"
"""What libyaml (as PyYAML 6.0.3 has it) says about such a colon."""
_LENIENT: Final = re.compile(r"\?|\\/")
"""What only libyaml may have read; without it in a text there is nothing to check."""
_SLASH: Final = re.compile(r"(?<!\\)(?:\\\\)*\\/")
"""The escape ``\\/``, which YAML took over from JSON later than kubectl's parser was written."""


def parse(text: str) -> Events:
    """Parse the first document of a text.

    Raises:
        YAMLError: The text is no YAML.
        EventsError: An alias stands for nothing, or kubectl's parser would refuse the text.
    """
    found = _parse_veiled(text)
    if "*" in text:
        found.targets.update(_targets(found.all))
    if _LENIENT.search(text):
        _check_leniency(text, found.all)
    return found


class YamlComposer:
    """Composes the nodes of a YAML document.

    Args:
        events: The document's, of which data can be constructed.
        origin: Where in the file the text that was parsed begins.
    """

    def __init__(self, events: Events, origin: Mark) -> None:
        self._advance: Callable[[], Event] = iter(events.all).__next__
        self._origin = origin
        self._targets = {alias: id(events.all[place]) for alias, place in events.targets.items()}
        self._shared: dict[int, Node] = {}
        """Nodes by the ``id`` of their event; kept only where there are aliases to look up."""

    def compose(self) -> Node:
        """Compose the root."""
        return self._node(self._advance())

    def _node(self, event: Event) -> Node:
        if type(event) is AliasEvent:
            return self._shared[self._targets[id(event)]]
        start, origin = event.start_mark, self._origin
        if type(event) is ScalarEvent:
            node: Node = ScalarNode(event.value, start, event.end_mark, origin)
        elif type(event) is MappingStartEvent:
            pairs, end = self._pairs()
            node = MappingNode(pairs, start, end, origin, flow=event.flow_style)
        else:
            items = []
            while type(item := self._advance()) is not SequenceEndEvent:
                items.append(self._node(item))
            node = SequenceNode(items, start, item.end_mark, origin)
        if self._targets:
            self._shared[id(event)] = node
        return node

    def _pairs(self) -> tuple[Pairs, Place]:
        """Compose a mapping's pairs, those merged in with ``<<`` among them; tell where it ends."""
        pairs: Pairs = []
        while type(event := self._advance()) is not MappingEndEvent:
            key, value = self._node(event), self._node(self._advance())
            if not is_merge(event):
                pairs.append((key, value))
                continue
            merged = value.value if isinstance(value, SequenceNode) else [value]
            for mapping in reversed(merged):
                pairs += mapping.value
        return pairs, event.end_mark


def _parse_veiled(text: str) -> Events:
    """Parse a text with :data:`_COLON` and :data:`_BYTE_ORDER_MARK` hidden from libyaml.

    Each is one character for one character, so that the places in the events stay right. A colon is
    hidden only once libyaml has refused it.
    """
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
    if veiled == text:
        return found
    for event in found.all:
        if type(event) is ScalarEvent:
            for original, veil in (_COLON, _BYTE_ORDER_MARK):
                event.value = event.value.replace(veil, original)
    return found


def _parse(text: str) -> Events:
    """Let libyaml parse the first document of a text; aliases are not followed yet."""
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


def _unread(parser: CParser, end: Event) -> int | None:
    """Tell the line from which on there is more, YAML or not, behind the end of a document."""
    line = int(end.end_mark.line)
    try:
        return None if isinstance(parser.get_event(), StreamEndEvent) else line
    except YAMLError:
        return line


def _targets(events: Sequence[Event]) -> dict[int, int]:
    """Find what aliases stand for: of anchors of one name, the last one before the alias."""
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


def _check_leniency(text: str, events: Sequence[Event]) -> None:
    """Refuse what libyaml has learnt since kubectl's parser was made of it."""
    flows = 0  # collections around the event, counted from the outermost one in brackets on
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
