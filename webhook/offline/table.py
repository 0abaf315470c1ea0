"""The table of a preview, and below it what the table has no room for."""

import re
import textwrap
from collections import Counter
from typing import Final, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from webhook.admission.decision import Outcome
from webhook.manifests.objects import Manifest
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
_GAP: Final = 2
"""Columns between two columns."""
_TRAILING_SPACE: Final = re.compile(r" +$", re.MULTILINE)


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
    """Write whole lines where they fit; a pipe takes lines of any width, and thousands of them."""
    rows = [(_COLUMNS, "bold"), *((_cells(each), _style(each)) for each in preview.forecasts)]
    widths = [max(map(cell_len, column)) for column in zip(*(row for row, _ in rows), strict=True)]
    if console.is_terminal and sum(widths) + _GAP * (len(widths) - 1) > console.width:
        # rich (15.0.0) pads the cells of the last column too, which spoils what people copy.
        with console.capture() as capture:
            console.print(_table(preview))
        console.file.write(_TRAILING_SPACE.sub("", capture.get()))
        return
    text = Text()
    for row, style in rows:
        cells = (set_cell_size(cell, width + _GAP) for cell, width in zip(row, widths, strict=True))
        text.append("".join(cells).rstrip() + "\n", style)
    if console.is_terminal:
        # Without soft_wrap rich (15.0.0) breaks lines at the terminal's width itself.
        console.print(text, end="", soft_wrap=True)
    else:
        console.file.write(text.plain)


def _table(preview: Preview) -> Table:
    """Make a table for a terminal that is too narrow for whole lines."""
    table = Table(*_COLUMNS, box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    for forecast in preview.forecasts:
        namespace, _, outcome, _, sees = _cells(forecast)
        name, reason = _narrow(forecast)
        table.add_row(namespace, name, outcome, reason, sees, style=_style(forecast))
    return table


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
