"""Where everything stands in the text of a document: nodes with marks, in the words of YAML."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(slots=True)
class Mark:
    """A place in a text, in characters, lines and columns counted from 0."""

    index: int
    line: int
    column: int


class Node:
    """A value in the text; an alias is the very node that it stands for."""

    __slots__ = ("_compose", "_value", "end_mark", "start_mark")

    def __init__(self, value: Any, start_mark: Mark, end_mark: Mark) -> None:
        """Make a node.

        Args:
            value: What :attr:`value` is, or what finds it as soon as somebody asks for it.
            start_mark: Where the value begins.
            end_mark: Where it ends.
        """
        self._compose = value if callable(value) else None
        self._value = None if callable(value) else value
        self.start_mark = start_mark
        self.end_mark = end_mark

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
        self, value: Pairs | Callable[[], Pairs], start_mark: Mark, end_mark: Mark, *, flow: bool
    ) -> None:
        """Make a node; ``flow`` tells whether it is written in braces."""
        super().__init__(value, start_mark, end_mark)
        self.flow_style = flow
