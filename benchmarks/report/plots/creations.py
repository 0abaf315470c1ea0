"""What the creation of a Pod takes on a real cluster, by what is called for it."""

from pathlib import Path
from typing import Final

from benchmarks.cluster.variants import OUR_OWN
from benchmarks.report import Parts, rows
from benchmarks.report.plots import style

PART: Final = "cluster"
NAME: Final = "creations.svg"
_MS: Final = 1000


def draw(parts: Parts, path: Path, source: str) -> None:
    """Draw two panels with a bar for each variant: one client's median, and what is added.

    Args:
        parts: What was measured, :data:`PART` among them.
        path: Of the file.
        source: What names the figures.
    """
    found = rows(parts, PART)
    titles = {"p50": "p50 of one client, in ms", "adds_p50": "more than without a webhook, in ms"}
    with style.drawn(path, panels=2, height=2.6, source=source) as panels:
        for axes, (figure, title) in zip(panels, titles.items(), strict=True):
            figures = [
                (
                    row["title"],
                    row[figure] * _MS,
                    [each * _MS for each in style.rounds(row, figure)],
                )
                for row in found
            ]
            style.bars(axes, figures, ours=OUR_OWN.title)
            axes.set_title(title)
        panels[1].set_yticklabels([])
