"""Shows a preview: as a table for people, as manifests, as a diff, or as JSON."""

import enum
import json
from collections.abc import Sequence
from typing import Any, Final, TextIO

from webhook.offline.diff import unified
from webhook.offline.documents import ManifestError, as_yaml
from webhook.offline.forecast import Forecast
from webhook.offline.preview import Preview
from webhook.offline.progress import SILENT, Progress
from webhook.offline.table import notes, warnings, write_table
from webhook.offline.workloads import spelled


class Output(enum.StrEnum):
    """How a preview is shown."""

    TABLE = "table"
    """One line per Service, Pod and workload, and the reasons in words."""

    YAML = "yaml"
    """The manifests with the settings written into them."""

    DIFF = "diff"
    """What ``yaml`` changes, for ``git apply`` and ``patch -p1``; nothing where nothing changes."""

    JSON = "json"
    """A list with one object per line of the table."""


def write(preview: Preview, output: Output, stream: TextIO, progress: Progress = SILENT) -> None:
    """Show a preview.

    Args:
        preview: What to show.
        output: How.
        stream: Where to; a terminal gets colours and lines that fit it, anything else plain text.
        progress: Is told how far that is, and cleared before anything is written.

    Raises:
        ManifestError: For ``yaml`` and ``diff``, where a setting has no place of its own in the
            text (see :func:`webhook.offline.baking.bake`).
    """
    if output is Output.TABLE:
        progress.clear()
        write_table(preview, stream)
    else:
        text = _TEXTS[output](preview, progress)
        progress.clear()
        stream.write(text)


def warnings_beside(preview: Preview, output: Output) -> list[str]:
    """List what an output has no place for, so that it can be shown beside it."""
    if output is Output.TABLE:
        return []
    return [*(() if output is Output.JSON else warnings(preview)), *notes(preview)]


def _yaml(preview: Preview, progress: Progress) -> str:
    return _stream_of(preview.baked(progress))


def _diff(preview: Preview, progress: Progress) -> str:
    for file in preview.files:
        if not file.faithful:
            raise ManifestError(f"{file.name}: no diff fits this file: save it as UTF-8 first.")
    pairs = zip(preview.files, preview.baked(progress), strict=True)
    return "".join(unified(file.name, file.text, baked) for file, baked in pairs)


def _json(preview: Preview, _progress: Progress) -> str:
    return json.dumps([_item(forecast) for forecast in preview.forecasts], indent=2) + "\n"


_TEXTS: Final = {Output.YAML: _yaml, Output.DIFF: _diff, Output.JSON: _json}


def _stream_of(texts: Sequence[str]) -> str:
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


def _item(forecast: Forecast) -> dict[str, Any]:
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
