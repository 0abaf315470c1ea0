"""Where everything stands in the text of a document: nodes with marks, in the words of YAML.

Aliases in YAML (``*``, ``<<``): which nodes they share.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol


class Place(Protocol):
    """A place in a part of a text, as a parser tells it."""

    index: int
    line: int
    column: int


@dataclasses.dataclass(slots=True)
class Mark:
    """A place in a text, in characters, lines and columns counted from 0."""

    index: int
    line: int
    column: int

    def at(self, place: Place) -> "Mark":
        """Make the mark of a place in a part of the text that begins here."""
        return Mark(self.index + place.index, self.line + place.line, place.column)


BEGINNING: Final = Mark(0, 0, 0)


class Node:
    """A value in the text; an alias is the very node that it stands for."""

    __slots__ = ("_compose", "_end", "_origin", "_start", "_value")

    def __init__(self, value: Any, start: Place, end: Place, origin: Mark = BEGINNING) -> None:
        """Make a node.

        Args:
            value: What :attr:`value` is, or what finds it as soon as somebody asks for it.
            start: Where the value begins.
            end: Where it ends.
            origin: Where in the text the part begins in which these two are places.
        """
        self._compose = value if callable(value) else None
        self._value = None if callable(value) else value
        self._start = start
        self._end = end
        self._origin = origin

    @property
    def start_mark(self) -> Mark:
        """Where in the text the value begins."""
        return self._origin.at(self._start)

    @property
    def end_mark(self) -> Mark:
        """Where in the text the value ends."""
        return self._origin.at(self._end)

    @property
    def value(self) -> Any:
        """A scalar's text, a list's nodes, or a mapping's pairs of nodes."""
        if self._value is None and self._compose:
            self._value = self._compose()
        return self._value

    def forget(self) -> None:
        """Give back the memory of what can be found again."""
        if self._compose:
            self._value = None


class ScalarNode(Node):
    """A value without parts."""

    __slots__ = ()


class SequenceNode(Node):
    """A list."""

    __slots__ = ()


Pairs = list[tuple[Node, Node]]


class MappingNode(Node):
    """A mapping: pairs of keys and values, of which the last of a name counts.

    What it merges in with ``<<`` stands among its own members.
    """

    __slots__ = ("flow_style",)

    def __init__(
        self,
        value: Pairs | Callable[[], Pairs],
        start: Place,
        end: Place,
        origin: Mark = BEGINNING,
        *,
        flow: bool,
    ) -> None:
        """Make a node; ``flow`` tells whether it is written in braces."""
        super().__init__(value, start, end, origin)
        self.flow_style = flow


def references(roots: Sequence[Node]) -> Counter[int]:
    """Count for each node, by its ``id``, the places that it stands in; only aliases make it two.

    Args:
        roots: Nodes of objects.
    """
    found = Counter(map(id, roots))
    waiting = list({id(root): root for root in roots}.values())
    while waiting:
        for child in _children(waiting.pop()):
            if not found[id(child)]:
                waiting.append(child)
            found[id(child)] += 1
    return found


def _children(node: Node) -> Iterator[Node]:
    """List the nodes directly below a node, keys among them."""
    if isinstance(node, MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, SequenceNode):
        yield from node.value


def members(node: Node) -> dict[str, tuple[Node, Node]]:
    """Name the members of a mapping: for each, the nodes of its key and of its value.

    What a mapping merges in with ``<<`` stands among its own members; the last of a name counts.
    """
    if not isinstance(node, MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value if isinstance(key, ScalarNode)}
