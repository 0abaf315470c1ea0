"""Latency against the size of a review, over nearly four orders of magnitude."""

from pathlib import Path
from typing import Final

from matplotlib.ticker import FuncFormatter

from benchmarks.growth import body_size
from benchmarks.report import Parts, Row, answers
from benchmarks.report.markdown import size
from benchmarks.report.plots import style

PART: Final = "growth"
NAME: Final = "body-size.svg"
_MS: Final = 1000
_MEGABYTE: Final = 1_000_000
_STEPS: Final = 60
_TICKS: Final = (2_500, 9_000, 67_000, 300_000, 1_000_000, 3_000_000, 18_000_000)


def draw(parts: Parts, path: Path, source: str) -> None:
    """Draw the medians of each shape, and the line through them.

    Args:
        parts: What was measured, :data:`PART` among them.
        path: Of the file.
        source: What names the figures.
    """
    found = answers(parts, body_size.QUESTION)
    lines = [row for row in found if "seconds_per_megabyte" in row]
    with style.drawn(path, panels=1, height=3.6, source=source) as (axes,):
        for (colour, marker), line in zip(style.SERIES, lines, strict=False):
            points = [r for r in found if r["shape"] == line["shape"] and "bytes" in r]
            at = [row["bytes"] for row in points]
            axes.plot(at, [row["p50"] * _MS for row in points], marker, color=colour, markersize=6)
            axes.plot(*_line(line, at[0], at[-1]), color=colour, linewidth=1)
            label = f"{line['shape']}: {line['seconds_per_megabyte'] * _MS:.1f} ms for each MB"
            axes.plot([], [], marker, color=colour, linestyle="-", linewidth=1, label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(_TICKS, [size(each) for each in _TICKS])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlabel("size of the review")
        axes.set_ylabel("p50 in ms")
        axes.grid()
        if lines:
            axes.legend(loc="upper left")


def _line(row: Row, first: int, last: int) -> tuple[list[float], list[float]]:
    """Return the points of a line, which is bent where both axes are logarithmic."""
    ratio = (last / first) ** (1 / _STEPS)
    at = [first * ratio**step for step in range(_STEPS + 1)]
    slope, zero = row["seconds_per_megabyte"], row["seconds_at_zero"]
    return at, [(zero + slope * each / _MEGABYTE) * _MS for each in at]
