"""Shows a preview to programs: as manifests, as a diff, or as JSON.

The diff is a unified one that ``patch`` and ``git apply`` accept. People read the table
(:mod:`webhook.offline.table`).
"""

import difflib
import enum
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, TextIO

from webhook.manifests.documents import BYTE_ORDER_MARK, Document, ManifestError, parse
from webhook.manifests.objects import SILENT, Progress, spelled
from webhook.manifests.stream import Decoder, Form, split
from webhook.offline.preview import Forecast, Preview

_CONTEXT: Final = 3
"""Lines shown before and after a change."""
_WINDOW: Final = 16
"""Lines of each text, from the first difference on, that are compared to find where the texts are
the same again; far more than one change ever adds."""


class Output(enum.StrEnum):
    """A form that programs read."""

    YAML = "yaml"
    """The manifests with the settings written into them."""

    DIFF = "diff"
    """What ``yaml`` changes, for ``git apply`` and ``patch -p1``; nothing where nothing changes."""

    JSON = "json"
    """A list with one object per line of the table."""


class _Change(NamedTuple):
    """Lines that go, and lines that come in their place, each as ``start`` and ``end``."""

    start: int
    """Lines of the old text before those that go."""
    end: int
    """Lines of the old text up to and with those that go."""
    new_start: int
    """Lines of the new text before those that come."""
    new_end: int
    """Lines of the new text up to and with those that come."""


def write(preview: Preview, output: Output, stream: TextIO, progress: Progress = SILENT) -> None:
    """Write a preview in a form for programs.

    Args:
        preview: What to show.
        output: How.
        stream: Where to.
        progress: Is told how far that is, and cleared before anything is written.

    Raises:
        ManifestError: For ``yaml`` and ``diff``, where a setting has no place of its own in the
            text (see :func:`webhook.offline.bake.bake`).
    """
    text = _TEXTS[output](preview, progress)
    progress.clear()
    stream.write(text)


def warnings_beside(preview: Preview, output: Output) -> list[str]:
    """List what an output has no place for, so that it can be shown beside it.

    Args:
        preview: What is shown.
        output: The form in which it is shown.
    """
    return [*(() if output is Output.JSON else preview.warnings), *preview.notes]


def unified(name: str, before: str, after: str) -> str:
    """Compare two texts of one file, which differ in a few lines here and there.

    The time grows with the length of the texts. With :func:`difflib.unified_diff`, which knows
    nothing of how little they differ, it would grow with its square.

    Args:
        name: The file's name; it gets the prefixes ``a/`` and ``b/``.
        before: The text as it is.
        after: The text as it would be.

    Returns:
        The diff, empty where the texts are the same.

    Source:
        GNU diffutils manual, "Detailed Unified", and "Incomplete Lines" for a last line without its
        newline.
    """
    if before == after:
        return ""
    path = name.lstrip("/")
    old, new = _lines(before), _lines(after)
    shown = [f"--- a/{path}\n", f"+++ b/{path}\n"]
    for hunk in _hunks(_changes(old, new)):
        shown += _hunk_lines(hunk, old, new)
    return "".join(shown)


def as_yaml(text: str) -> list[str]:
    """Write a text so that it can stand anywhere in a stream of YAML.

    Args:
        text: What a file has, YAML or JSON, in which a byte order mark may stand first.

    Returns:
        The whole text as one piece; each document by itself where the text begins as JSON, which
        may have to be spelled anew: YAML as kubectl reads it does not know all escapes of JSON.

    Raises:
        ManifestError: A JSON document cannot be YAML.
    """
    body = text.removeprefix(BYTE_ORDER_MARK)
    parts = list(split(body, Decoder()))
    if not parts or parts[0].form is not Form.JSON:
        return [body]
    documents = []
    for part in parts:
        document = body[part.start : part.end]
        if part.form is not Form.JSON:
            documents.append(document)
        elif part.value is not None:  # JSON's null is an empty document
            documents.append(_json_as_yaml(document, part.value))
    return documents


def _yaml(preview: Preview, progress: Progress) -> str:
    return _as_stream(preview.baked(progress))


def _as_stream(texts: Sequence[str]) -> str:
    """Join texts to one stream that kubectl reads whole; one text stays what it is.

    A stream of several begins with ``---``: one that begins with ``{`` is JSON to kubectl, and some
    of its releases do not find back from there to YAML. For the same reason each JSON object of a
    file is a document of its own.
    """
    if len(texts) == 1:
        return texts[0]
    pieces: list[str] = []
    for text in texts:
        for document in as_yaml(text):
            if not document.startswith("---"):
                pieces.append("---\n")
            pieces += [document, "" if document.endswith("\n") else "\n"]
    return "".join(pieces)


def _json_as_yaml(text: str, value: Any) -> str:
    """Keep the text of JSON if it says the same as YAML."""
    for written in (text, json.dumps(value, indent=2, ensure_ascii=False)):
        read = [each for each in parse("", f"---\n{written}") if isinstance(each, Document)]
        if [each.data for each in read] == [value]:
            return written
    raise ManifestError(
        "A key of more than 1024 characters stands in JSON, which fits into no stream of YAML: "
        "name its file alone."
    )


def _diff(preview: Preview, progress: Progress) -> str:
    """Show as a diff what the settings change.

    Raises:
        ManifestError: A file is not UTF-8, so a diff of its text would not fit its bytes; or as
            :meth:`webhook.offline.preview.Preview.baked` does.
    """
    for file in preview.files:
        if not file.faithful:
            raise ManifestError(f"{file.name}: no diff fits this file: save it as UTF-8 first.")
    pairs = zip(preview.files, preview.baked(progress), strict=True)
    return "".join(unified(file.name, file.text, baked) for file, baked in pairs)


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    """Walk through both texts, and where they differ, find where they are the same again."""
    place = new_place = 0
    while place < len(old) or new_place < len(new):
        is_inside = place < len(old) and new_place < len(new)
        if is_inside and old[place] == new[new_place]:
            place, new_place = place + 1, new_place + 1
            continue
        window, new_window = old[place : place + _WINDOW], new[new_place : new_place + _WINDOW]
        matcher = difflib.SequenceMatcher(None, window, new_window, autojunk=False)
        same = matcher.get_matching_blocks()[0]
        yield _Change(place, place + same.a, new_place, new_place + same.b)
        place, new_place = place + same.a, new_place + same.b


def _hunks(changes: Iterator[_Change]) -> Iterator[list[_Change]]:
    """Put changes together whose surroundings touch; there is at least one change."""
    hunk = [next(changes)]
    for change in changes:
        if change.start - hunk[-1].end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    yield hunk


def _hunk_lines(hunk: list[_Change], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Write a hunk: its first line with the ranges, its changes, and the lines around them."""
    first, last = hunk[0], hunk[-1]
    start = max(first.start - _CONTEXT, 0)
    end = min(last.end + _CONTEXT, len(old))
    new_start = first.new_start - (first.start - start)
    new_end = last.new_end + (end - last.end)
    yield f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@\n"
    place = start
    for change in hunk:
        yield from _marked(" ", old[place : change.start])
        yield from _marked("-", old[change.start : change.end])
        yield from _marked("+", new[change.new_start : change.new_end])
        place = change.end
    yield from _marked(" ", old[place:end])


def _range(start: int, end: int) -> str:
    """Spell a range of lines as its first line and their count.

    Of no lines the line before them is named, and the count of a single line is left out.

    Source:
        GNU diffutils manual, "Detailed Unified".
    """
    count = end - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        newline = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
        yield f"{mark}{line}{newline}"


def _lines(text: str) -> list[str]:
    """Split at line feeds only: ``str.splitlines`` knows more ends of lines than ``patch`` does."""
    return list(io.StringIO(text, newline="\n"))


def _json(preview: Preview, _progress: Progress) -> str:
    return json.dumps([_item(forecast) for forecast in preview.forecasts], indent=2) + "\n"


def _item(forecast: Forecast) -> dict[str, Any]:
    """Make the object of JSON that stands for one line of the table."""
    manifest = forecast.manifest
    return {
        "apiVersion": manifest.api_version,
        "kind": manifest.kind,
        "namespace": forecast.namespace,
        "name": manifest.name,
        "template": spelled(forecast.template),
        "outcome": forecast.outcome,
        "reason": forecast.reason,
        "sentence": forecast.sentence,
        "applicationSees": forecast.sees,
        "patch": forecast.patch,
        "warnings": forecast.warnings,
        "source": {"file": manifest.file, "line": manifest.line},
    }


_TEXTS: Final = {Output.YAML: _yaml, Output.DIFF: _diff, Output.JSON: _json}
