"""docs/performance.md, made of what the other parts have measured: ``make bench-report``.

What was measured is copied into the repository, tables between the marks of the page are written
from it, and plots are drawn. So nobody types a figure, and a test holds page, plots and figures
together.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.results import Part

PAGE: Final = Path(__file__).parents[2] / "docs" / "performance.md"
FOLDER: Final = PAGE.with_suffix("")
"""Where figures and plots are kept in the repository."""
TARGETS: Final = {
    "throughput": "make bench",
    "footprint": "make bench-footprint",
    "cluster": "make bench-cluster",
    "growth": "make bench-growth",
    "guard": "make bench-guard",
}
"""The parts, each with what measures it."""

Parts = Mapping[str, Part]
"""The parts that were measured, by name; some may not be there."""
Row = dict[str, Any]


def rows(parts: Parts, name: str) -> list[Row]:
    """Return the rows of a part, none if it was not measured."""
    return parts[name].rows if name in parts else []


def answers(parts: Parts, question: str) -> list[Row]:
    """Return the rows that answer one question of how the figures grow."""
    return [row for row in rows(parts, "growth") if row["question"] == question]


def variants(parts: Parts) -> dict[str, Row]:
    """Return the rows of creations on a cluster, by what was called for them."""
    return {row["variant"]: row for row in rows(parts, "cluster")}
