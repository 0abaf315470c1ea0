"""The table of a preview, and below it what the table has no room for."""

import textwrap
from collections import Counter
from typing import Final, TextIO

from rich.console import Console

from webhook.admission.decision import Outcome
from webhook.manifests.objects import Manifest
from webhook.offline.columns import Row, write_rows
from webhook.offline.preview import Forecast, Preview
from webhook.offline.remarks import is_gateway

_COLUMNS: Final = ("NAMESPACE", "OBJECT", "OUTCOME", "REASON", "APPLICATION SEES")
_STYLES: Final = {
    Outcome.PATCHED: "green",
    Outcome.UNCHANGED: "cyan",
    Outcome.SKIPPED: "dim",
    Outcome.CONFLICT: "yellow",
}
_NARROW_NAME: Final = 24
_NARROW_REASON: Final = 13
"""Columns of a name and of a reason on a terminal too narrow for the whole; a reason breaks at its
hyphens, and no word of one is longer."""


def write_table(preview: Preview, stream: TextIO) -> None:
    """Write the table.

    Args:
        preview: What to show.
        stream: Where to; a terminal gets colours and lines that fit it, anything else every line in
            one piece, however long.
    """
    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    if preview.forecasts:
        _write_rows(console, preview)
        console.print()
    for line, style in _below(preview):
        console.print(line, style=style, soft_wrap=not console.is_terminal)


def _write_rows(console: Console, preview: Preview) -> None:
    """Write a row for each forecast."""

    def narrow(number: int) -> tuple[str, ...]:
        forecast = preview.forecasts[number]
        namespace, _, outcome, _, sees = _cells(forecast)
        name, reason = _narrow(forecast)
        return namespace, name, outcome, reason, sees

    rows = [Row(_cells(each), _style(each)) for each in preview.forecasts]
    write_rows(console, _COLUMNS, rows, narrow)


def _cells(forecast: Forecast) -> tuple[str, ...]:
    return (
        forecast.namespace,
        forecast.title,
        forecast.outcome,
        forecast.reason,
        forecast.sees,
    )


def _style(forecast: Forecast) -> str:
    return _STYLES[Outcome(forecast.outcome)]


def _narrow(forecast: Forecast) -> tuple[str, str]:
    """Break the two widest cells, object and reason, at places where a reader expects it."""
    manifest, path = forecast.manifest, forecast.title.removeprefix(forecast.manifest.title)
    title = [forecast.title]
    if len(forecast.title) > _NARROW_NAME:
        title = [f"{manifest.kind}/", *textwrap.wrap(manifest.name + path, _NARROW_NAME)]
    return "\n".join(title), textwrap.fill(forecast.reason, _NARROW_REASON)


def _below(preview: Preview) -> list[tuple[str, str]]:
    """List what stands below the table, each with its style."""
    sentences = {forecast.reason: forecast.sentence for forecast in preview.forecasts}
    below = [f"{reason}: {sentence}" for reason, sentence in sentences.items()]
    if preview.assumed:
        below.append(
            f"Namespaces not among these files are taken as labelled {preview.assumed} (--assume)."
        )
    others = [manifest for manifest in preview.others if not is_gateway(manifest)]
    if others:
        kinds = Counter(map(_kind, others))
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        below.append(f"Left as they are, for they create no Pods that we know of: {listed}.")
    if not preview.forecasts and not others:
        below.append("There is no Service and no workload.")
    loud = preview.warnings + preview.notes
    return [(line, "yellow") for line in loud] + [(line, "dim") for line in below]


def _kind(manifest: Manifest) -> str:
    """Name a kind as kubectl does where its group matters, ``Certificate.cert-manager.io``."""
    return f"{manifest.kind}.{manifest.group}".removesuffix(".")
