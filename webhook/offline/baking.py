"""Writes settings into the text of manifests, for clusters and pipelines without the webhook.

The text is edited in place: a line is inserted where the setting belongs, and everything else stays
byte for byte, so that a diff shows the setting and nothing else. The result is read again and
compared before anybody gets to see it.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import jsonpatch

from webhook.offline.aliases import references
from webhook.offline.documents import ManifestError
from webhook.offline.edits import Edit, edit
from webhook.offline.manifests import File, Manifest, file
from webhook.offline.setting import Setting, operation
from webhook.offline.workloads import spelled


def bake(source: File, settings: Mapping[Manifest, Sequence[Setting]]) -> str:
    """Write settings into the text of a file.

    Args:
        source: The file.
        settings: For each of its manifests what to set; manifests that are not named stay.

    Returns:
        The new text; the old one where there is nothing to set.

    Raises:
        ManifestError: The setting has no place of its own in the text, because YAML aliases share
            one mapping among several places, or because of the mapping's form.
    """
    text = source.text
    shared = references([manifest.node for manifest in source.manifests])
    edits = {
        manifest: [edit(text, manifest, setting, shared) for setting in settings[manifest]]
        for manifest in source.manifests
        if settings.get(manifest)
    }
    baked = _written(text, itertools.chain.from_iterable(edits.values()))
    if edits and not _is_proven(source, settings, baked):
        raise _bad_form(source, settings, edits)
    return baked


def _written(text: str, edits: Iterable[Edit]) -> str:
    for each in sorted(edits, reverse=True):  # from the end, so that places before stay right
        text = text[: each.start] + each.text + text[each.end :]
    return text


def _is_proven(source: File, settings: Mapping[Manifest, Sequence[Setting]], text: str) -> bool:
    """Read the new text, and compare what it says with what it should say."""
    read = file(source.name, text)
    if len(read.problems) != len(source.problems):
        return False
    return [manifest.data for manifest in read.manifests] == [
        jsonpatch.apply_patch(
            manifest.data,
            [operation(manifest.data, setting) for setting in settings.get(manifest, ())],
        )
        for manifest in source.manifests
    ]


def _bad_form(
    source: File,
    settings: Mapping[Manifest, Sequence[Setting]],
    edits: Mapping[Manifest, Sequence[Edit]],
) -> ManifestError:
    """Find the manifest that is at fault: the one whose edits alone go wrong too."""
    wrong = (
        each
        for each in edits
        if not _is_proven(source, {each: settings[each]}, _written(source.text, edits[each]))
    )
    manifest = next(wrong, next(iter(edits)))
    path, value = settings[manifest][0]
    return manifest.error(
        f"has a form that cannot be edited in place: write {spelled(path)}: {value} into it "
        "yourself, or write each key on that way as a plain line, `key:`, with nothing but its "
        "value behind it."
    )
