"""How all plots look, and how they are written: the same figures give the same bytes.

Colours are those that colour-blind people tell apart, and nothing is told by colour alone. The
page behind is white, so that a plot can be read on a dark page too.

Source:
    Okabe and Ito, Color Universal Design (https://jfly.uni-koeln.de/color/).
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from benchmarks.report import Row

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
GREEN: Final = "#009e73"
PURPLE: Final = "#cc79a7"
GREY: Final = "#9aa3ad"
INK: Final = "#1f2328"
"""Text, and points upon bars."""
SERIES: Final = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"))
"""Colour and marker of each series of points."""
_ROOM: Final = 1.2
"""The width of an axis, divided by what is drawn: there are words behind the bars."""
_TICKS: Final = 6
"""Steps of an axis at most."""
_RC: Final = {
    "svg.hashsalt": "source-ip-webhook",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#e3e6ea",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
}


@contextlib.contextmanager
def drawn(path: Path, *, panels: int, height: float, source: str) -> Iterator[list[Axes]]:
    """Give panels to draw in, and write them as SVG when the context ends.

    Args:
        path: Of the file.
        panels: How many, beside each other.
        height: In inches, at a width of eight.
        source: What names the figures of which it is drawn; kept in the file.
    """
    mpl.use("svg")
    with mpl.rc_context(_RC):
        figure: Figure
        figure, axes = plt.subplots(1, panels, figsize=(8, height), squeeze=False)
        try:
            yield list(axes[0])
            figure.savefig(
                path,
                format="svg",
                metadata={"Date": None, "Creator": None, "Description": source},
            )
        finally:
            plt.close(figure)
    # matplotlib leaves spaces at the ends of lines.
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def rounds(row: Row, figure: str) -> list[float]:
    """Return a figure of each round, none where the rounds were not kept."""
    found: list[float] = row.get("rounds", {}).get(figure, [])
    return found


def bars(
    axes: Axes, figures: list[tuple[str, float, list[float]]], *, ours: str, cut: str = ""
) -> None:
    """Draw a bar for each name, from the top down, with its value behind it.

    Args:
        axes: Where.
        figures: Name, median, and the figure of each round, which is a point.
        ours: The name whose bar is ours.
        cut: The name whose bar ends at the edge if it is longer than all others, and says so: it
            would leave no room for them.
    """
    longest = max(max([median, *each]) for name, median, each in figures if name != cut)
    edge = longest * _ROOM
    for place, (name, median, each) in enumerate(figures):
        beyond = median > edge
        axes.barh(place, min(median, edge), color=BLUE if name == ours else GREY, height=0.66)
        points = [] if beyond else [value for value in each if value <= edge]
        axes.plot(points, [place] * len(points), "o", color=INK, markersize=2.5, linestyle="none")
        axes.annotate(
            f"{_value(median)}, beyond the edge \u2192" if beyond else _value(median),
            (edge if beyond else max([median, *points]), place),
            xytext=(-5 if beyond else 5, 0),
            textcoords="offset points",
            ha="right" if beyond else "left",
            va="center",
            weight="bold" if name == ours else "normal",
        )
    axes.set_yticks(range(len(figures)), [name for name, _, _ in figures])
    axes.invert_yaxis()
    axes.set_xlim(0, edge)
    axes.xaxis.set_major_locator(MaxNLocator(_TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)


def _value(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}"  # noqa: PLR2004
