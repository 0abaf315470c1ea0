"""The nodes of a YAML document: what its events say about where everything stands."""

from collections.abc import Callable

from yaml import (  # type: ignore[import-untyped]
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from webhook.offline.events import Events, is_merge
from webhook.offline.nodes import MappingNode, Mark, Node, Pairs, Place, ScalarNode, SequenceNode


class YamlComposer:
    """Composes the nodes of a YAML document."""

    def __init__(self, events: Events, origin: Mark) -> None:
        """Prepare to compose.

        Args:
            events: The document's, of which data can be constructed.
            origin: Where in the file the text that was parsed begins.
        """
        self._advance: Callable[[], Event] = iter(events.all).__next__
        self._origin = origin
        self._targets = {alias: id(events.all[place]) for alias, place in events.targets.items()}
        self._shared: dict[int, Node] = {}
        """Nodes, by the ``id`` of their event; of these, aliases are looked up."""

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
