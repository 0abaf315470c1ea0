"""Where everything stands in the text of a document: nodes with marks, in the words of YAML.

The data of a document tells what a manifest says, its nodes tell where, so that a setting can be
written there. An alias (``*``, ``<<``) makes one node stand in several places, which
:func:`references` counts.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol


class Place(Protocol):
    """A place in a part of a text, as a parser tells it: PyYAML's marks are such places."""

    index: int
    """Characters before it."""
    line: int
    """Lines before its own."""
    column: int
    """Characters before it on its line."""


@dataclasses.dataclass(slots=True)
class Mark:
    """A place in a text."""

    index: int
    """Characters before it."""
    line: int
    """Lines before its own."""
    column: int
    """Characters before it on its line."""

    def at(self, place: Place) -> "Mark":
        """Make the mark of a place in a part of the text that begins here."""
        return Mark(self.index + place.index, self.line + place.line, place.column)


BEGINNING: Final = Mark(0, 0, 0)
"""Where a text begins."""


class Node:
    """A value in the text; an alias is the very node that it stands for.

    Marks in the text are made when somebody asks for them, of few nodes of many.

    Args:
        value: What :attr:`value` is, or a function that finds it as soon as somebody asks for it.
        start: Where the value begins.
        end: Where it ends.
        origin: Where in the text the part begins in which these two are places.
    """

    __slots__ = ("_compose", "_end", "_origin", "_start", "_value")

    def __init__(self, value: Any, start: Place, end: Place, origin: Mark = BEGINNING) -> None:
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
        """Free the memory of a value that a function found, and can find again."""
        if self._compose:
            self._value = None


class ScalarNode(Node):
    """A value without parts."""

    __slots__ = ()


class SequenceNode(Node):
    """A list."""

    __slots__ = ()


Pairs = list[tuple[Node, Node]]
"""Keys and values of a mapping, in the order of the text."""


class MappingNode(Node):
    """A mapping: pairs of keys and values, of which the last of a name counts.

    What it merges in with ``<<`` stands among its own members.

    Args:
        value: The pairs, or a function that finds them as soon as somebody asks for them.
        start: Where the mapping begins.
        end: Where it ends.
        origin: Where in the text the part begins in which these two are places.
        flow: Whether it is written in braces.
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
        super().__init__(value, start, end, origin)
        self.flow_style = flow


def members(node: Node) -> dict[str, tuple[Node, Node]]:
    """Name the members of a mapping: for each, the nodes of its key and of its value.

    What a mapping merges in with ``<<`` stands among its own members; the last of a name counts.
    """
    if not isinstance(node, MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value if isinstance(key, ScalarNode)}


def references(roots: Sequence[Node]) -> Counter[int]:
    """Count for each node, by its ``id``, the places in which it stands: aliases make it several.

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
