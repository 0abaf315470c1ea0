"""The generated parts of docs/performance.md, each between a mark and its end."""

import functools
from collections.abc import Callable, Mapping
from typing import Final

from benchmarks import BenchmarkError
from benchmarks.report import (
    Parts,
    bars,
    costs,
    counted,
    growing,
    peers,
    pictures,
    runs,
)

TABLES: Final[Mapping[str, Callable[[Parts], str]]] = {
    **{name: functools.partial(pictures.shown, name=name) for name in pictures.SHOWS},
    "costs": costs.table,
    "bars": bars.table,
    "typical": peers.typical,
    "ratios": peers.ratios,
    "others": peers.others,
    "creations": costs.creations,
    "footprint": growing.footprint,
    **{name: functools.partial(growing.answered, question=name) for name in growing.QUESTIONS},
    "guard": counted.table,
    "runs": runs.table,
    "releases": runs.releases,
}
"""What is written, by the mark before it."""


def written(text: str, parts: Parts) -> str:
    """Write the tables into the page.

    Args:
        text: The page, with whatever stands between its marks.
        parts: What was measured.

    Raises:
        BenchmarkError: The page lacks a mark, or has one that is not ours.
    """
    for name, make in TABLES.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        if not start or not end:
            raise BenchmarkError(
                f"docs/performance.md has no place for {name}: write <!-- {name} --> and"
                f" <!-- end of {name} --> on lines of their own where it belongs."
            )
        text = f"{before}{start}{make(parts)}{end}{after}"
    return text
