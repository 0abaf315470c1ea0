"""The table of the guard: instructions and allocations of a review, which nothing else changes."""

from typing import Final

from benchmarks.report import Parts, Row, rows
from benchmarks.report.markdown import count, missing, percent
from benchmarks.report.markdown import table as written

_DEAREST: Final = 5
"""How many functions are named."""


def table(parts: Parts) -> str:
    """Write a row for each review that is counted."""
    found = rows(parts, "guard")
    if not found:
        return missing("guard")
    head = ("review", "instructions", "allocations", "where instructions are spent")
    return written(head, [_line(row) for row in found], words=1)


def _line(row: Row) -> tuple[str, ...]:
    dearest = sorted(row["functions"].items(), key=lambda each: -each[1])[:_DEAREST]
    told = ", ".join(f"`{function}` {percent(part)} %" for function, part in dearest)
    return (f"`{row['case']}`", count(row["instructions"]), count(row["allocations"]), told)
