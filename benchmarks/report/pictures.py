"""Which plots there are, and whether a plot shows the figures of the repository.

Each file names the figures of which it was drawn by a digest. So a test can tell, without drawing,
that nobody has changed the one and not the other.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.report import FOLDER, Parts
from benchmarks.report.markdown import missing

SHOWS: Final[Mapping[str, tuple[str, ...]]] = {
    "requests.svg": ("throughput",),
    "creations.svg": ("cluster",),
    "body-size.svg": ("growth",),
    "memory.svg": ("growth", "footprint"),
}
"""The plots, each with the parts that it shows; without the first of them it is not drawn."""
_INSTEAD: Final = {
    "requests.svg": "Bars: requests a second and p99 of each server",
    "creations.svg": "Bars: the time of a Pod's creation without a webhook, with ours, with others",
    "body-size.svg": "Lines: latency against the size of a review, both logarithmic",
    "memory.svg": "Lines: memory over many reviews, and by the number of namespaces",
}
"""What is read aloud in the place of each plot."""
_SOURCE: Final = re.compile(r"figures ([0-9a-f]{64})")


def source(parts: Parts, name: str) -> str:
    """Name the figures of a plot.

    Args:
        parts: What was measured.
        name: Of the plot.
    """
    shown = [parts[part].rows for part in SHOWS[name] if part in parts]
    return f"figures {hashlib.sha256(msgspec.json.encode(shown)).hexdigest()}"


def source_of(path: Path) -> str | None:
    """Return what a plot says of its figures, ``None`` if it says nothing."""
    match = _SOURCE.search(path.read_text(encoding="utf-8"))
    return match and match[0]


def shown(parts: Parts, name: str) -> str:
    """Write what shows a plot on the page, or that there is nothing to show yet.

    Args:
        parts: What was measured.
        name: Of the plot.
    """
    first, *_ = SHOWS[name]
    if first not in parts:
        return missing(first)
    return f"![{_INSTEAD[name]}]({FOLDER.name}/{name})\n"


def draw(parts: Parts, folder: Path = FOLDER) -> list[Path]:
    """Draw all plots whose figures are there, and return their files.

    Args:
        parts: What was measured.
        folder: Where they are written.
    """
    # Only here: the tests need no matplotlib.
    from benchmarks.report.plots import creations, memory, requests, sizes  # noqa: PLC0415

    drawn: list[Path] = []
    for plot in (requests, creations, sizes, memory):
        if plot.PART in parts:
            path = folder / plot.NAME
            plot.draw(parts, path, source(parts, plot.NAME))
            drawn.append(path)
    return drawn
