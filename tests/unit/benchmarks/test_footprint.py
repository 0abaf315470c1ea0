"""Medians of several starts, and what is said of the bars."""

import io

from rich.console import Console

from benchmarks import footprint
from tests.image.footprint import NAMESPACES, Footprint


def found(seconds: float, rss: float = 70.0) -> Footprint:
    """Make what was read of one container."""
    return Footprint(
        ready_seconds=seconds,
        ready_cpu_seconds=0.7,
        working_set=50.0,
        rss=rss,
        pss=60.0,
        anonymous=45.5,
    )


ROW = footprint.row_of(NAMESPACES, "after-reviews", [found(0.9), found(0.8), found(2.0, rss=90)])


def test_row_has_medians_and_every_start() -> None:
    """One slow start changes no figure, and is told."""
    assert ROW["ready_seconds"] == 0.9
    assert ROW["rss"] == 70.0
    assert ROW["starts"] == [0.8, 0.9, 2.0]


def test_table_has_a_line_for_each_row() -> None:
    """People see what is kept."""
    console = Console(file=io.StringIO(), width=120)
    console.print(footprint.table([ROW]))
    line = console.file.getvalue().splitlines()[4]  # type: ignore[attr-defined]

    cells = [cell.strip() for cell in line.split("│")[1:-1]]
    assert cells == ["5,000", "after reviews", "50.0", "70.0", "60.0", "45.5", "0.90", "0.70"]


def test_bars_that_hold_and_bars_that_do_not_are_said() -> None:
    """Each bar has a line with the figure beside it."""
    slow = footprint.row_of(NAMESPACES, "after-reviews", [found(1.25, rss=72.4)])

    assert footprint.verdicts([ROW]) == [
        "working set: 50 MiB, at most 60 wanted: ok",
        "RSS: 70 MiB, at most 72 wanted: ok",
        "start to ready: 0.9 s, at most 1 wanted: ok",
    ]
    assert footprint.verdicts([slow])[1:] == [
        "RSS: 72.4 MiB, at most 72 wanted: MISSED",
        "start to ready: 1.25 s, at most 1 wanted: MISSED",
    ]
