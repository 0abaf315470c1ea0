"""What the command prints at its end: the table, and what became of the bars."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from benchmarks.cluster.bars import Bar
from benchmarks.cluster.turns import Row

_MS: Final = 1000.0
"""Milliseconds of a second."""
_COLUMNS: Final = (
    ("p50", "p50"),
    ("p99", "p99"),
    ("adds", "adds_p50"),
    ("API server", "api_server"),
    ("ours", "ours"),
    ("CPU API server", "api_server_cpu"),
    ("CPU called", "called_cpu"),
    ("p50 of 8", "many_p50"),
    ("p99 of 8", "many_p99"),
)
"""Headings of the columns in milliseconds, and the figures that stand below."""


def show(rows: Sequence[Row], bars: Sequence[Bar]) -> Group:
    """Make the table, and a line for each bar.

    Args:
        rows: As of `turns.rows`.
        bars: As of `bars.judge`.
    """
    table = Table(title="Creation of a Pod, in milliseconds", title_justify="left")
    table.add_column("namespace with")
    for heading, _ in _COLUMNS:
        table.add_column(heading, justify="right")
    table.add_column("Pods/s", justify="right")
    for row in rows:
        figures = (_milliseconds(row[name]) for _, name in _COLUMNS)
        table.add_row(row["title"], *figures, f"{row['creations_per_second']:,.0f}")
    return Group(table, *map(_line, bars))


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * _MS:.2f}"


def _line(bar: Bar) -> Text:
    verdict = Text("yes", "green") if bar.holds else Text("no", "bold red")
    return Text.assemble(f"{bar.text}: ", verdict, f" ({bar.figures})")
