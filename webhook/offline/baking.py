"""Writes settings into the text of manifests, for clusters and pipelines without the webhook.

The text is edited in place: a line is inserted where the setting belongs, and everything else stays
byte for byte, so that a diff shows the setting and nothing else. The result is read again and
compared before anybody gets to see it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jsonpatch
from ruamel.yaml.nodes import MappingNode, Node

from webhook.offline.documents import ManifestError, members
from webhook.offline.manifests import File, Manifest, file
from webhook.offline.setting import Setting, nested, operation

_STEP = 2
"""Columns by which YAML is indented where its own text does not show it."""


class _Edit(NamedTuple):
    """Text for what stands between two places; an insertion where they are the same."""

    start: int
    end: int
    text: str


def bake(source: File, settings: Mapping[Manifest, Sequence[Setting]]) -> str:
    """Write settings into the text of a file.

    Args:
        source: The file.
        settings: For each of its manifests what to set; manifests that are not named stay.

    Returns:
        The new text; the old one where there is nothing to set.

    Raises:
        ManifestError: The setting has no place of its own in the text, because YAML aliases share
            one mapping among several places.
    """
    text = source.text
    edits = [
        _edit(text, manifest, setting)
        for manifest in source.manifests
        for setting in settings.get(manifest, ())
    ]
    for edit in sorted(edits, reverse=True):  # from the end, so that places before stay right
        text = text[: edit.start] + edit.text + text[edit.end :]
    if edits:
        _prove(source, settings, text)
    return text


def _prove(source: File, settings: Mapping[Manifest, Sequence[Setting]], text: str) -> None:
    """Read the new text, and compare what it says with what it should say."""
    try:
        baked = [manifest.data for manifest in file(source.name, text).manifests]
    except ManifestError:
        baked = []
    for index, manifest in enumerate(source.manifests):
        operations = [operation(manifest.data, setting) for setting in settings.get(manifest, ())]
        if baked[index : index + 1] != [jsonpatch.apply_patch(manifest.data, operations)]:
            raise _no_place(manifest)


def _no_place(manifest: Manifest) -> ManifestError:
    return manifest.error(
        "shares YAML with another place through an anchor (&, *, <<), so the setting cannot be "
        "written into it alone: write the shared part out."
    )


def _edit(text: str, manifest: Manifest, setting: Setting) -> _Edit:
    """Find the place of a setting: go down its path as far as the text goes."""
    parent = manifest.node
    key, node = members(parent)[setting.path[0]]
    missing: Any = setting.value
    for depth, name in enumerate(setting.path[1:], start=1):
        if not isinstance(node, MappingNode) or name not in members(node):
            missing = nested(setting.path[depth:], setting.value)
            break
        parent = node
        key, node = members(parent)[name]
    if node.start_mark.index < key.start_mark.index:  # an alias: the node stands at its anchor
        raise _no_place(manifest)
    if not isinstance(node, MappingNode):
        return _instead(text, key, node, missing, flow=parent.flow_style)
    if node.flow_style:
        return _into_flow(text, node, missing)
    return _into_block(text, key, node, missing)


def _into_flow(text: str, node: MappingNode, entry: dict[str, Any]) -> _Edit:
    """Put an entry first into ``{...}``, JSON's objects among them."""
    start = text.index("{", node.start_mark.index) + 1
    spelled = json.dumps(entry)[1:-1]
    if node.value:
        first = start
        while text[first].isspace():
            first += 1
        space = text[start:first]
        spelled = f"{space}{spelled},{'' if space else ' '}"
    return _Edit(start, start, spelled)


def _into_block(text: str, key: Node, node: MappingNode, entry: dict[str, Any]) -> _Edit:
    """Put an entry first into an indented mapping: below the line of the mapping's key."""
    start = key.start_mark.index
    marks = [child.start_mark for child, _ in members(node).values()]
    own = [mark for mark in marks if mark.index > start]  # the others are merged in with <<
    first = min(own, key=lambda mark: mark.index, default=node.start_mark)
    return _below(text, key, first.column, entry)


def _instead(text: str, key: Node, node: Node, value: Any, *, flow: bool) -> _Edit:
    """Put a value where there is nothing, or something that means nothing (``null``, ``""``)."""
    start, end = node.start_mark.index, node.end_mark.index
    spelled = value if isinstance(value, str) and not flow else json.dumps(value)
    if start < end:
        return _Edit(start, end, spelled)
    if isinstance(value, dict) and not flow:
        return _below(text, key, key.start_mark.column + _STEP, value)
    colon = text.index(":", key.end_mark.index) + 1
    return _Edit(colon, colon, f" {spelled}")


def _below(text: str, key: Node, column: int, entry: Mapping[str, Any]) -> _Edit:
    """Put an entry on lines of its own below the line of a key, indented as the key's members."""
    step = column - key.start_mark.column
    line_break = "\r\n" if "\r\n" in text else "\n"
    end = text.find(line_break, key.end_mark.index)
    end = len(text) if end < 0 else end
    return _Edit(end, end, "".join(line_break + line for line in _lines(column, step, entry)))


def _lines(column: int, step: int, entry: Mapping[str, Any]) -> list[str]:
    """Spell an entry in block style."""
    ((name, value),) = entry.items()
    if isinstance(value, str):
        return [f"{' ' * column}{name}: {value}"]
    return [f"{' ' * column}{name}:", *_lines(column + step, step, value)]
