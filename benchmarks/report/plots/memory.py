"""Memory over many requests, and with more and more namespaces."""

from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from benchmarks.footprint import WORKING_SET
from benchmarks.growth import many_requests, namespaces
from benchmarks.report import Parts, answers, rows
from benchmarks.report.plots import style

PART: Final = "growth"
NAME: Final = "memory.svg"
_MILLION: Final = 1_000_000


def draw(parts: Parts, path: Path, source: str) -> None:
    """Draw two panels that share the axis of MiB.

    Args:
        parts: What was measured, :data:`PART` among them.
        path: Of the file.
        source: What names the figures.
    """
    with style.drawn(path, panels=2, height=2.8, source=source) as (left, right):
        _requests(left, parts)
        _namespaces(right, parts)
        top = max(left.get_ylim()[1], right.get_ylim()[1], WORKING_SET)
        for axes in (left, right):
            axes.set_ylim(0, top * 1.25)
            axes.grid(axis="y")
        left.set_ylabel("MiB")


def _requests(axes: Axes, parts: Parts) -> None:
    """Draw RSS over the requests of one run."""
    found = [row for row in answers(parts, many_requests.QUESTION) if "requests" in row]
    at = [row["requests"] / _MILLION for row in found]
    axes.plot(at, [row["rss"] for row in found], "o-", color=style.BLUE, markersize=2.5)
    axes.set_title("RSS over many reviews")
    axes.set_xlabel("million reviews")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _namespaces(axes: Axes, parts: Parts) -> None:
    """Draw RSS of a process, and the working set of a container, by namespaces in the cluster."""
    found = [row for row in answers(parts, namespaces.QUESTION) if "namespaces" in row]
    (_, first), (_, second) = style.SERIES[:2]
    if found:
        axes.plot(
            [row["namespaces"] for row in found],
            [row["rss"] for row in found],
            f"{first}-",
            color=style.BLUE,
            markersize=4,
            label="RSS, before reviews",
        )
    after = [row for row in rows(parts, "footprint") if row["when"] != "ready"]
    if after:
        axes.plot(
            [row["namespaces"] for row in after],
            [row["working_set"] for row in after],
            f"{second}--",
            color=style.ORANGE,
            markersize=5,
            label="working set in a container, after reviews",
        )
        axes.axhline(
            WORKING_SET, color=style.INK, linewidth=1, linestyle=":", label="bar of that one"
        )
    axes.set_title("memory with many namespaces")
    axes.set_xlabel("namespaces in the cluster")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.minorticks_off()
    if found or after:
        axes.legend(loc="lower right")
