"""Writes settings into the text of manifests, for clusters and pipelines without the webhook.

The text is edited in place: a line is inserted where the setting belongs, and everything else stays
byte for byte, so that a diff shows the setting and nothing else. The result is read again and
compared before anybody gets to see it.
"""

import bisect
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from webhook.offline.aliases import references
from webhook.offline.documents import ManifestError
from webhook.offline.edits import Edit, edit
from webhook.offline.manifests import File, Manifest, file
from webhook.offline.nodes import Node
from webhook.offline.progress import SILENT, Progress
from webhook.offline.setting import Setting
from webhook.offline.workloads import Path, spelled

_ALIAS: Final = re.compile(r"\*[^\s,\[\]{}'\"]")
"""What may be an alias; a text without one shares nothing between places."""


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
    edits: dict[Manifest, list[Edit]] = {}
    for document, manifests in itertools.groupby(source.manifests, lambda each: each.document):
        place = document.start_mark.index
        progress.at(f"Writing {source.name}", place, len(source.text))
        wanted = {each: settings.get(each, ()) for each in manifests}
        try:
            edits |= _edits(source.text, document, wanted)
        except RecursionError as error:
            raise next(iter(wanted)).error("is nested too deeply to be edited.") from error
    baked = _written(source.text, itertools.chain.from_iterable(edits.values()))
    if edits and not _is_proven(source, settings, baked, progress):
        raise _bad_form(source, settings, edits)
    return baked


def _edits(
    text: str,
    document: Node,
    settings: Mapping[Manifest, Sequence[Setting]],
) -> dict[Manifest, list[Edit]]:
    """Find the places in one document, which shares nothing with others."""
    wanted = {each: values for each, values in settings.items() if values}
    shared = Counter[int]()
    if wanted and _ALIAS.search(text, document.start_mark.index, document.end_mark.index):
        shared = references([manifest.node for manifest in settings])
    edits = {
        manifest: [edit(text, manifest, setting, shared) for setting in values]
        for manifest, values in wanted.items()
    }
    document.forget()
    return edits


def _written(text: str, edits: Iterable[Edit]) -> str:
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
    read = file(source.name, text, progress=progress)
    if len(read.problems) != len(source.problems):
        return False
    return len(read.manifests) == len(source.manifests) and all(
        baked.data == _expected(manifest, settings.get(manifest, ()))
        for baked, manifest in zip(read.manifests, source.manifests, strict=True)
    )


def _expected(manifest: Manifest, settings: Sequence[Setting]) -> Any:
    data: Any = manifest.data
    for path, value in settings:
        data = _with(data, path, value)
    return data


def _with(data: Any, path: Path, value: str) -> Any:
    """Set a value in a copy that shares with the data what is not on the way."""
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        return [*data[:step], _with(data[step], tuple(rest), value), *data[step + 1 :]]
    members = data if isinstance(data, dict) else {}
    return {**members, step: _with(members.get(step), tuple(rest), value)}


def _bad_form(
    source: File,
    settings: Mapping[Manifest, Sequence[Setting]],
    edits: Mapping[Manifest, Sequence[Edit]],
) -> ManifestError:
    """Find the manifest that is at fault: the first with whose edits the text goes wrong."""
    manifests = list(edits)

    def goes_wrong(count: int) -> bool:
        some = manifests[:count]
        text = _written(source.text, itertools.chain.from_iterable(edits[each] for each in some))
        return not _is_proven(source, {each: settings[each] for each in some}, text)

    right = bisect.bisect_left(range(1, len(manifests)), x=True, key=goes_wrong)
    manifest = manifests[right]
    path, value = settings[manifest][0]
    return manifest.error(
        f"has a form that cannot be edited in place: write {spelled(path)}: {value} into it "
        "yourself, or write each key on that way as a plain line, `key:`, with nothing but its "
        "value behind it."
    )
