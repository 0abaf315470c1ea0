"""Where in the text of a manifest a setting belongs, and how it is spelled there."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from webhook.offline.documents import members
from webhook.offline.manifests import Manifest
from webhook.offline.nodes import MappingNode, Node
from webhook.offline.setting import Setting, nested

_STEP = 2
"""Columns by which YAML is indented where its own text does not show it."""

_BREAK = re.compile(r"\r\n?|\n")


class Edit(NamedTuple):
    """Text for what stands between two places; an insertion where they are the same."""

    start: int
    end: int
    text: str


def edit(text: str, manifest: Manifest, setting: Setting, shared: Mapping[int, int]) -> Edit:
    """Find the place of a setting: go down its path as far as the text goes.

    Args:
        text: The text of the manifest's file.
        manifest: The manifest.
        setting: What to set in it.
        shared: What :func:`webhook.offline.aliases.references` counts in the file.

    Raises:
        ManifestError: Something on the way stands in another place too, through an alias.
    """
    parent: Any = manifest.node
    key, node = members(parent)[str(setting.path[0])]
    way: list[Node] = [parent, node]
    missing: Any = setting.value
    for depth, step in enumerate(setting.path[1:], start=1):
        if (child := _child(node, step)) is None:
            missing = nested(setting.path[depth:], setting.value)
            break
        parent, (key, node) = node, child
        way.append(node)
    begin = manifest.node.start_mark.index  # what a List's items share with it stands before them
    if any(shared[id(each)] > 1 or each.start_mark.index < begin for each in way):
        raise manifest.error(
            "shares YAML with another place through an anchor (&, *, <<), so the setting cannot be "
            "written into it alone: write the shared part out."
        )
    if not isinstance(node, MappingNode):
        return _instead(text, key, node, missing, flow=parent.flow_style)
    if node.flow_style:
        return _into_flow(text, node, missing)
    return _into_block(text, key, node, missing)


def _child(parent: Node, step: str | int) -> tuple[Node, Node] | None:
    """Find what a step leads to, with its key; an item of a list has none, and stands for it."""
    if isinstance(step, int):
        item = parent.value[step]  # such a path was found in this list
        return item, item
    return members(parent).get(step)


def _into_flow(text: str, node: MappingNode, entry: dict[str, Any]) -> Edit:
    """Put an entry first into ``{...}``, JSON's objects among them."""
    start = text.index("{", node.start_mark.index) + 1
    spelled = json.dumps(entry)[1:-1]
    if node.value:
        first = start
        while text[first].isspace():
            first += 1
        space = text[start:first]
        spelled = f"{space}{spelled},{'' if space else ' '}"
    return Edit(start, start, spelled)


def _into_block(text: str, key: Node, node: MappingNode, entry: dict[str, Any]) -> Edit:
    """Put an entry first into an indented mapping: below the line of the mapping's key."""
    start = key.start_mark.index
    marks = [child.start_mark for child, _ in members(node).values()]
    own = [mark for mark in marks if mark.index > start]  # the others are merged in with <<
    first = min(own, key=lambda mark: mark.index, default=node.start_mark)
    before = text[first.index - first.column : first.index].rstrip()
    column = len(before) - 1 if before.endswith("?") else first.column  # an explicit key, `? a`
    return _below(text, key, column, entry)


def _instead(text: str, key: Node, node: Node, value: Any, *, flow: bool) -> Edit:
    """Put a value where there is nothing, or something that means nothing (``null``, ``""``)."""
    start, end = node.start_mark.index, node.end_mark.index
    spelled = value if isinstance(value, str) and not flow else json.dumps(value)
    if start < end:
        return Edit(start, end, spelled)
    if isinstance(value, dict) and not flow:
        return _below(text, key, key.start_mark.column + _STEP, value)
    # A key may have no colon (`{annotations}`); then this is no place for it, as the proof finds.
    colon = text.find(":", key.end_mark.index) + 1
    return Edit(colon, colon, f" {spelled}")


def _below(text: str, key: Node, column: int, entry: Mapping[str, Any]) -> Edit:
    """Put an entry on lines of its own below the line of a key, indented as the key's members."""
    step = column - key.start_mark.column
    own = _BREAK.search(text, key.end_mark.index)
    end = own.start() if own else len(text)
    line_break = (own or _BREAK.search(text) or "\n")[0]
    return Edit(end, end, "".join(line_break + line for line in _lines(column, step, entry)))


def _lines(column: int, step: int, entry: Mapping[str, Any]) -> list[str]:
    """Spell an entry in block style."""
    ((name, value),) = entry.items()
    if isinstance(value, str):
        return [f"{' ' * column}{name}: {value}"]
    return [f"{' ' * column}{name}:", *_lines(column + step, step, value)]
