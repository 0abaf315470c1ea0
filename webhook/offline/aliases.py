"""Aliases in YAML (``*``, ``<<``): how much they stand for, and which nodes they share."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from ruamel.yaml.nodes import CollectionNode, Node

LIMIT: Final = 400_000
"""Values that the aliases of one document may stand for.

A few lines can stand for billions, which would fill the memory. From this number on kubectl's
parser narrows what share of a document may be aliases; no manifest in earnest comes near it.

Source:
    sigs.k8s.io/yaml goyaml.v2/decode.go, alias_ratio_range_low and allowedAliasRatio.
"""


def expansion(root: Node) -> int:
    """Count the values that a document gets from aliases, on top of those that it spells out.

    Args:
        root: The document's node, before data is constructed of it.
    """
    sizes: dict[int, int] = {}

    def size(node: Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = 0  # for a node inside of itself, which is refused when it is JSON
            sizes[id(node)] = 1 + sum(map(size, _children(node)))
        return sizes[id(node)]

    return size(root) - len(sizes)


def references(roots: Sequence[Node]) -> Counter[int]:
    """Count for each node, by its ``id``, the places that it stands in; only aliases make it two.

    Args:
        roots: Nodes of objects, after data was constructed of them, which resolves ``<<``.
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
    for child in node.value if isinstance(node, CollectionNode) else ():
        yield from child if isinstance(child, tuple) else (child,)
