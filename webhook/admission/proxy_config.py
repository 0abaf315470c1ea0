"""The interception mode that a ``proxy.istio.io/config`` annotation chooses.

The text may come from anybody who may create a pod, and it is read while that pod waits. So the
size of what is read has a bound, nothing is recursive, and an alias stays a reference that is never
expanded. ``InvalidError`` stands for what Istio was seen to refuse; whatever else cannot be read
within the bounds is ``UnreadError``, because Istio may accept it.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Final

import yaml

from webhook.labels import NONE, REDIRECT, TPROXY

LONGEST: Final = 32 * 1024
"""Characters that are read; Istio has no bound but the 256 KiB of all annotations of a pod."""
MOST: Final = 4096
"""Events of the YAML parser; reading them took 18 ms at the worst that was found, and 1 ms for a
configuration with 250 variables."""
DEEPEST: Final = 16
"""Levels of nesting, of which a proxy configuration has four: a thousand take the parser 5 ms."""
_FIELDS: Final = frozenset({"interceptionMode", "interception_mode"})
"""Names of the field: YAML is read as protobuf's JSON, which takes both."""
_MODES: Final = {mode: mode for mode in (REDIRECT, TPROXY, NONE)} | {
    str(number): mode for number, mode in enumerate((REDIRECT, TPROXY, NONE))
}
"""How a mode may be spelled: by name or by number (istio/api mesh/v1alpha1/proxy.proto)."""
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
"""How null may be spelled."""
_WORD: Final = re.compile(r"[A-Za-z_]+")
"""Text that is no number, however numbers are spelled."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Of libyaml, where PyYAML 6 was built with it; the one in Python took thirty times as long."""


class InvalidError(ValueError):
    """Istio refuses a pod with this configuration."""


class UnreadError(ValueError):
    """This cannot be read here, so nobody knows what it chooses."""


@dataclasses.dataclass(slots=True, eq=False)
class _Node:
    """A node of YAML; where an alias stands, there is the very node that it stands for."""

    kind: type[yaml.Event]
    """Type of the event that the node begins with."""
    value: str = ""
    """The text of a scalar."""
    plain: bool = False
    """Whether a scalar has no quotes."""
    children: list["_Node"] = dataclasses.field(default_factory=list)
    """The items of a sequence; keys and values of a mapping by turns."""

    @property
    def is_mapping(self) -> bool:
        return self.kind is yaml.MappingStartEvent

    @property
    def is_null(self) -> bool:
        return self.plain and self.value in _NULL


def mode_in(written: str) -> str | None:
    """Read the mode that a configuration chooses; ``None`` where it chooses none.

    Args:
        written: The annotation's value: YAML, and therefore JSON as well.

    Raises:
        InvalidError: It is no mapping, or has a mode that Istio does not know.
        UnreadError: It is no YAML, too much of it, or chooses in a way that YAML's readers differ
            about.
    """
    if len(written) > LONGEST:
        raise UnreadError
    try:
        root = _compose(written)
    except (yaml.YAMLError, KeyError) as error:  # KeyError: an alias without its anchor
        raise UnreadError from error
    if root.is_null:
        return None
    if not root.is_mapping:
        raise InvalidError
    modes = {mode for node in _choices(root) if (mode := _mode(node))}
    if len(modes) > 1:  # which one counts depends on the reader's version
        raise UnreadError
    return modes.pop() if modes else None


def _compose(written: str) -> _Node:
    """Read the first document, which is all that Istio reads; an empty one is null.

    Source:
        sigs.k8s.io/yaml, YAMLToJSON.
    """
    root = _Node(yaml.SequenceStartEvent)
    parents: list[_Node] = [root]
    anchors: dict[str | None, _Node] = {}
    for number, event in enumerate(yaml.parse(written, Loader=_LOADER)):
        if number > MOST or len(parents) > DEEPEST:
            raise UnreadError
        if isinstance(event, yaml.CollectionEndEvent):
            parents.pop()
        elif isinstance(event, yaml.AliasEvent):
            parents[-1].children.append(anchors[event.anchor])
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event)
            parents[-1].children.append(node)
            anchors[event.anchor] = node
            if isinstance(event, yaml.CollectionStartEvent):
                parents.append(node)
        elif isinstance(event, yaml.DocumentEndEvent):
            break
    return root.children[0] if root.children else _Node(yaml.ScalarEvent, plain=True)


def _node(event: yaml.NodeEvent) -> _Node:
    if isinstance(event, yaml.ScalarEvent):
        return _Node(yaml.ScalarEvent, event.value, plain=not event.style)
    return _Node(type(event))


def _choices(root: _Node) -> Iterator[_Node]:
    """Yield the values of the field: of the outermost mapping, and of what is merged into it.

    Source:
        YAML, Merge Key Language-Independent Type.
    """
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        if node.is_mapping:
            pairs = list(zip(node.children[::2], node.children[1::2], strict=True))
            yield from [value for key, value in pairs if key.value in _FIELDS]
            merged = [value for key, value in pairs if key.value == "<<"]
        else:
            merged = node.children  # what << merges in may be a sequence of mappings
        waiting += [each for each in merged if id(each) not in seen]
        seen.update(map(id, merged))


def _mode(value: _Node) -> str | None:
    """Read a mode; ``None`` for null.

    Raises:
        InvalidError: It is no mode.
        UnreadError: It may be the number of a mode, spelled in a way that is not known here:
            ``0x1``, ``1.0``.
    """
    if value.is_null:
        return None
    if value.value in _MODES:
        return _MODES[value.value]
    if value.plain and not _WORD.fullmatch(value.value):
        raise UnreadError
    raise InvalidError
