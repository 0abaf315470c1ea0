"""Requests a second and p99 of the typical case, ours and the peers'."""

from pathlib import Path
from typing import Final

from benchmarks.matrix import TYPICAL
from benchmarks.peers.commands import NGINX
from benchmarks.report import Parts, rows
from benchmarks.report.plots import style
from benchmarks.servers import NAMES, OURS
from benchmarks.throughput import row_of

PART: Final = "throughput"
NAME: Final = "requests.svg"
_PANELS: Final = (
    ("requests_per_second", 1, "requests a second, one core (more is better)"),
    ("p99", 1000, "p99 in ms (less is better)"),
)


def draw(parts: Parts, path: Path, source: str) -> None:
    """Draw two panels with a bar for each server.

    Args:
        parts: What was measured, :data:`PART` among them.
        path: Of the file.
        source: What names the figures.
    """
    measured = (row_of(rows(parts, PART), name, TYPICAL) for name in NAMES)
    found = [row for row in measured if row is not None]
    with style.drawn(path, panels=2, height=2.4, source=source) as panels:
        for axes, (figure, factor, title) in zip(panels, _PANELS, strict=True):
            figures = [
                (
                    row["server"],
                    row[figure] * factor,
                    [each * factor for each in style.rounds(row, figure)],
                )
                for row in found
            ]
            style.bars(axes, figures, ours=OURS, cut=NGINX)
            axes.set_title(title)
        panels[1].set_yticklabels([])
