"""How rows of text are set in columns, for a terminal, a narrow one, and a pipe."""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

_GAP: Final = 2
"""Columns between two columns."""
_END_OF_LINE: Final = re.compile(r"(?: |\x1b\[[\d;]*m)+$", re.MULTILINE)
"""Spaces at the end of a line, and what changes its colour among them."""


class Row(NamedTuple):
    """A row and how it looks on a terminal."""

    cells: Sequence[str]
    style: str = ""
    """As rich has it."""


def write_rows(
    console: Console,
    columns: Sequence[str],
    rows: Sequence[Row],
    narrow: Callable[[int], Sequence[str]] | None = None,
) -> None:
    """Write whole lines where they fit; a pipe takes lines of any width, and thousands of them.

    Args:
        console: Where to.
        columns: The head.
        rows: What stands below it, each with as many cells.
        narrow: Tells the cells of the row of a number for a terminal that is too narrow for whole
            lines, broken where a reader expects it. ``None``: the same ones.
    """
    whole = [Row(columns, "bold"), *rows]
    cells_of = zip(*(row.cells for row in whole), strict=True)
    widths = [max(map(cell_len, column)) for column in cells_of]
    if console.is_terminal and sum(widths) + _GAP * (len(widths) - 1) > console.width:
        _write_folded(console, columns, rows, narrow)
        return
    text = Text()
    for row in whole:
        cells = zip(row.cells, widths, strict=True)
        line = "".join(set_cell_size(cell, width + _GAP) for cell, width in cells)
        text.append(line.rstrip() + "\n", row.style)
    if console.is_terminal:
        # Without soft_wrap rich (15.0.0) breaks lines at the terminal's width itself.
        console.print(text, end="", soft_wrap=True)
    else:
        console.file.write(text.plain)


def _write_folded(
    console: Console,
    columns: Sequence[str],
    rows: Sequence[Row],
    narrow: Callable[[int], Sequence[str]] | None,
) -> None:
    """Write cells that go on in the next line."""
    table = Table(*columns, box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    for number, row in enumerate(rows):
        table.add_row(*(row.cells if narrow is None else narrow(number)), style=row.style)
    # rich (15.0.0) pads the cells of the last column too, which spoils what people copy.
    with console.capture() as capture:
        console.print(table)
    console.file.write(_END_OF_LINE.sub(lambda end: end[0].replace(" ", ""), capture.get()))
