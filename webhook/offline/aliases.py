"""Aliases in YAML (``*``, ``<<``): which nodes they share."""

from collections import Counter
from collections.abc import Iterator, Sequence

from webhook.offline.nodes import MappingNode, Node, SequenceNode


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
