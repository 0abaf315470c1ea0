"""Writes settings into the text of manifests, for clusters and pipelines without the webhook.

The text is edited in place: a line is inserted where the setting belongs, and everything else stays
byte for byte, so that a diff shows the setting and nothing else. The result is read again and
compared with what it should say before anybody gets to see it.
"""

import bisect
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from jsonpointer import JsonPointer

from webhook.admission.decision import Patch, merge
from webhook.manifests.documents import ManifestError
from webhook.manifests.nodes import MappingNode, Node, members, references
from webhook.manifests.objects import (
    SILENT,
    File,
    Manifest,
    Path,
    Progress,
    find_objects,
    member,
    spelled,
)
from webhook.manifests.values import plain

_STEP: Final = 2
"""Columns by which YAML is indented where its own text does not show it."""
_BREAK: Final = re.compile(r"\r\n?|\n")
"""A line break of YAML (1.1, section 5.4, without those that only Unicode has)."""
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
"""Text that needs no quotes, unless it is a word that means something else."""
_ALIAS: Final = re.compile(r"\*[^\s,\[\]{}'\"]")
"""What may be an alias; a text without one shares nothing between places."""


class Setting(NamedTuple):
    """One value to be set in a manifest."""

    path: Path
    """Steps from the manifest's root to the value."""
    value: str | dict[str, Any]
    """A text; a mapping of texts where several settings are one edit (:func:`_joined`)."""


class _Edit(NamedTuple):
    """Text that replaces what stands between two places; an insertion where they are the same."""

    start: int
    """Place in the file's text, in characters."""
    end: int
    """Place behind what is replaced."""
    text: str
    """What comes in its place."""


def settings_of(operations: Sequence[Mapping[str, Any]], prefix: Path) -> tuple[Setting, ...]:
    """Read the settings out of a patch.

    Args:
        operations: ``add`` operations, which is all that this product's patches consist of.
        prefix: Where in the manifest the patched object stands: the path of a pod template.
    """
    return tuple(
        Setting(prefix + path, value)
        for operation in operations
        for path, value in _texts(tuple(JsonPointer(operation["path"]).parts), operation["value"])
    )


def operations(data: Mapping[str, Any], settings: Sequence[Setting]) -> list[dict[str, Any]]:
    """Make the RFC 6902 operations that put settings into a manifest.

    Args:
        data: The manifest.
        settings: What to set; parents that the manifest lacks become part of an operation's value.
    """
    patch = merge([_patch(data, setting) for setting in settings])
    return [] if patch is None else list(patch.operations)


def bake(
    source: File, settings: Mapping[Manifest, Sequence[Setting]], progress: Progress = SILENT
) -> str:
    """Write settings into the text of a file.

    Args:
        source: The file.
        settings: For each of its manifests what to set; manifests that are not named stay.
        progress: Is told how far the writing is, and the reading of what was written.

    Returns:
        The new text; the old one where there is nothing to set.

    Raises:
        ManifestError: The setting has no place of its own in the text, because YAML aliases share
            one mapping among several places, or because of the mapping's form.
    """
    edits: dict[Manifest, list[_Edit]] = {}
    for document, manifests in itertools.groupby(source.manifests, lambda each: each.document):
        place = document.start_mark.index
        progress.at(f"Writing {source.name}", place, len(source.text))
        wanted = {each: settings.get(each, ()) for each in manifests}
        try:
            edits |= _edits(source.text, document, wanted)
        except RecursionError as error:
            raise next(iter(wanted)).error("is nested too deeply to be edited.") from error
    baked = _apply_edits(source.text, itertools.chain.from_iterable(edits.values()))
    if edits and not _is_proven(source, settings, baked, progress):
        raise _bad_form(source, settings, edits)
    return baked


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Take a value apart into its texts, each with its path."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _texts((*path, name), child)
    else:
        yield path, value


def _patch(data: Mapping[str, Any], setting: Setting) -> Patch:
    """Make the patch that puts one setting into a manifest, with the parents that it lacks."""
    depth = _depth(data, setting.path)
    value = _nested(setting.path[depth:], setting.value)
    return Patch.add(*map(str, setting.path[:depth]), value=value)


def _depth(data: Mapping[str, Any], path: Path) -> int:
    """Count the steps to the first value on a path that is missing, or is no mapping and no list.

    The result is at least one, because a manifest has the first member of each path.
    """
    depth = 1
    while isinstance(member(data, path[:depth]), dict | list):
        depth += 1
    return depth


def _edits(
    text: str,
    document: Node,
    settings: Mapping[Manifest, Sequence[Setting]],
) -> dict[Manifest, list[_Edit]]:
    """Find the places in one document, which shares nothing with others."""
    wanted = {each: values for each, values in settings.items() if values}
    shared = Counter[int]()
    if wanted and _ALIAS.search(text, document.start_mark.index, document.end_mark.index):
        shared = references([manifest.node for manifest in settings])
    edits = {
        manifest: [
            _edit(text, manifest, setting, shared) for setting in _joined(manifest.data, values)
        ]
        for manifest, values in wanted.items()
    }
    document.forget()
    return edits


def _joined(data: Mapping[str, Any], settings: Sequence[Setting]) -> list[Setting]:
    """Make one setting of those that add to the same mapping of a manifest.

    Each by itself would add the parents that the text lacks, and so write them twice. The path of
    a setting that comes of this ends at a value that is to be replaced, or else at the deepest
    mapping that the manifest has.
    """
    joined: dict[Path, Any] = {}
    for setting in settings:
        depth = _depth(data, setting.path)
        name = setting.path[depth - 1]
        if name not in (member(data, setting.path[: depth - 1]) or {}):
            depth -= 1
        place, rest = setting.path[:depth], setting.path[depth:]
        joined[place] = _replaced(joined.get(place), rest, setting.value)
    return [Setting(*each) for each in joined.items()]


def _edit(text: str, manifest: Manifest, setting: Setting, shared: Mapping[int, int]) -> _Edit:
    """Find the place of a setting.

    Args:
        text: The text of the manifest's file.
        manifest: The manifest.
        setting: What to set in it; the manifest has everything on its path.
        shared: What :func:`webhook.manifests.nodes.references` counts in the file.

    Raises:
        ManifestError: Something on the way stands in another place too, through an alias.
    """
    parent: Any = manifest.node
    key, node = members(parent)[str(setting.path[0])]
    way: list[Node] = [parent, node]
    value: Any = setting.value
    for step in setting.path[1:]:
        parent, (key, node) = node, _child(node, step)
        way.append(node)
    begin = manifest.node.start_mark.index  # what a List's items share with it stands before them
    if any(shared[id(each)] > 1 or each.start_mark.index < begin for each in way):
        raise manifest.error(
            "shares YAML with another place through an anchor (&, *, <<), so the setting cannot be "
            "written into it alone: write the shared part out."
        )
    if not isinstance(node, MappingNode):
        return _in_place_of(text, key, node, value, flow=parent.flow_style)
    if node.flow_style:
        return _into_flow(text, node, value)
    return _into_block(text, key, node, value)


def _child(parent: Node, step: str | int) -> tuple[Node, Node]:
    """Find what a step leads to, with its key; an item of a list has none, and stands for it."""
    if isinstance(step, int):
        item = parent.value[step]  # such a path was found in this list
        return item, item
    return members(parent)[step]


def _into_flow(text: str, node: MappingNode, entry: dict[str, Any]) -> _Edit:
    """Put an entry first into ``{...}``, JSON's objects among them."""
    start = text.index("{", node.start_mark.index) + 1
    written = json.dumps(entry)[1:-1]
    if node.value:
        first = start
        while text[first].isspace():
            first += 1
        space = text[start:first]
        written = f"{space}{written},{'' if space else ' '}"
    return _Edit(start, start, written)


def _into_block(text: str, key: Node, node: MappingNode, entry: dict[str, Any]) -> _Edit:
    """Put an entry first into an indented mapping: below the line of the mapping's key."""
    start = key.start_mark.index
    marks = [child.start_mark for child, _ in members(node).values()]
    own = [mark for mark in marks if mark.index > start]  # the others are merged in with <<
    first = min(own, key=lambda mark: mark.index, default=node.start_mark)
    before = text[first.index - first.column : first.index].rstrip()
    column = len(before) - 1 if before.endswith("?") else first.column  # an explicit key, `? a`
    return _insert_below(text, key, column, entry)


def _in_place_of(text: str, key: Node, node: Node, value: Any, *, flow: bool) -> _Edit:
    """Put a value where there is nothing, or something that means nothing (``null``, ``""``)."""
    start, end = node.start_mark.index, node.end_mark.index
    written = _scalar(value) if isinstance(value, str) and not flow else json.dumps(value)
    if start < end:
        return _Edit(start, end, written)
    if isinstance(value, dict) and not flow:
        return _insert_below(text, key, key.start_mark.column + _STEP, value)
    # A key may have no colon (`{annotations}`); then this is no place for it, as the proof finds.
    colon = text.find(":", key.end_mark.index) + 1
    return _Edit(colon, colon, f" {written}")


def _insert_below(text: str, key: Node, column: int, entry: Mapping[str, Any]) -> _Edit:
    """Put an entry on lines of its own below the line of a key, indented as the key's members."""
    step = column - key.start_mark.column
    own = _BREAK.search(text, key.end_mark.index)
    end = own.start() if own else len(text)
    line_break = (own or _BREAK.search(text) or "\n")[0]
    return _Edit(end, end, "".join(line_break + line for line in _entry_lines(column, step, entry)))


def _entry_lines(column: int, step: int, entry: Mapping[str, Any]) -> list[str]:
    """Spell entries in block style."""
    lines = []
    for name, value in entry.items():
        if isinstance(value, str):
            lines.append(f"{' ' * column}{name}: {_scalar(value)}")
        else:
            lines += [f"{' ' * column}{name}:", *_entry_lines(column + step, step, value)]
    return lines


def _scalar(value: str) -> str:
    """Spell a text in block style: with quotes where YAML would not read a text without them."""
    is_plain = _PLAIN.fullmatch(value) and isinstance(plain(value), str)
    return value if is_plain else json.dumps(value)


def _nested(path: Path, value: Any) -> Any:
    """Wrap a value in one mapping per name, the first name outermost."""
    for name in reversed(path):
        value = {name: value}
    return value


def _apply_edits(text: str, edits: Iterable[_Edit]) -> str:
    """Make edits in a text; no two of them overlap."""
    pieces, place = [], 0
    for each in sorted(edits):
        pieces += [text[place : each.start], each.text]
        place = each.end
    return "".join([*pieces, text[place:]])


def _is_proven(
    source: File,
    settings: Mapping[Manifest, Sequence[Setting]],
    text: str,
    progress: Progress = SILENT,
) -> bool:
    """Read the new text, and compare what it says with what it should say."""
    read = find_objects(source.name, text, progress=progress)
    if len(read.problems) != len(source.problems):
        return False
    return len(read.manifests) == len(source.manifests) and all(
        baked.data == _expected(manifest, settings.get(manifest, ()))
        for baked, manifest in zip(read.manifests, source.manifests, strict=True)
    )


def _expected(manifest: Manifest, settings: Sequence[Setting]) -> Any:
    """Tell what a manifest should say once it has its settings."""
    data: Any = manifest.data
    for path, value in settings:
        data = _replaced(data, path, value)
    return data


def _replaced(data: Any, path: Path, value: Any) -> Any:
    """Set a value in a copy that shares with the data what is not on the way."""
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        return [*data[:step], _replaced(data[step], tuple(rest), value), *data[step + 1 :]]
    mapping = data if isinstance(data, dict) else {}
    return {**mapping, step: _replaced(mapping.get(step), tuple(rest), value)}


def _bad_form(
    source: File,
    settings: Mapping[Manifest, Sequence[Setting]],
    edits: Mapping[Manifest, Sequence[_Edit]],
) -> ManifestError:
    """Find the manifest that is at fault, and say so.

    It is the first manifest with which the text goes wrong, if the edits are made one manifest
    after the other. The search is binary, because each try reads the whole text.
    """
    manifests = list(edits)

    def goes_wrong(count: int) -> bool:
        """Tell whether the text goes wrong with the edits of so many manifests."""
        some = manifests[:count]
        text = _apply_edits(
            source.text, itertools.chain.from_iterable(edits[each] for each in some)
        )
        return not _is_proven(source, {each: settings[each] for each in some}, text)

    # With all of them it goes wrong, as the caller has seen, so that is not tried again.
    harmless = bisect.bisect_left(range(1, len(manifests)), x=True, key=goes_wrong)
    manifest = manifests[harmless]
    path, value = settings[manifest][0]
    return manifest.error(
        f"has a form that cannot be edited in place: write {spelled(path)}: {value} into it "
        "yourself, or write each key on that way as a plain line, `key:`, with nothing but its "
        "value behind it."
    )
