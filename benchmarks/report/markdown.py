"""How figures and tables are written on the page."""

from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.report import TARGETS

NONE: Final = "-"
"""In the place of a figure that there is not."""
_MILLI: Final = 1000
_LARGE: Final = 100
_MIDDLE: Final = 10


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 0) -> str:
    """Write a table; its first column has words, and the others have figures.

    Args:
        head: Titles of the columns.
        rows: Cells, as many as there are titles.
        words: So many of the last columns have words as well.
    """
    figures = len(head) - 1 - words
    marks = "|".join(["---", *["---:"] * figures, *["---"] * words])
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{marks}|", *lines, ""])


def words(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table whose columns have words."""
    return table(head, rows, words=len(head) - 1)


def missing(part: str) -> str:
    """Say that a part was not measured, and how it is."""
    return f"Not measured yet: `{TARGETS[part]}`.\n"


def digits(value: float) -> str:
    """Write a number with three digits that say something, and thousands in groups."""
    size = abs(value)
    if size >= _LARGE:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= _MIDDLE else f"{value:.2f}"


def ms(seconds: float | None) -> str:
    """Write a time in milliseconds, without the unit."""
    return NONE if seconds is None else digits(seconds * _MILLI)


def mib(value: float | None) -> str:
    """Write an amount of memory in MiB, without the unit."""
    return NONE if value is None else f"{value:.1f}"


def count(value: float) -> str:
    """Write a whole number, with thousands in groups."""
    return f"{value:,.0f}"


def percent(part: float) -> str:
    """Write a part as a percentage."""
    value = part * 100
    return f"{value:.0f}" if abs(value) >= _MIDDLE else f"{value:.2g}"


def size(count_of_bytes: int) -> str:
    """Write a number of bytes as people say it."""
    if count_of_bytes >= 1_000_000:  # noqa: PLR2004
        return f"{count_of_bytes / 1_000_000:.3g} MB"
    return f"{count_of_bytes / 1000:.3g} KB"
