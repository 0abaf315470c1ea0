"""The table on the terminal, which grows while the lab runs."""

import time
from typing import Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.lab.case import Case, Check
from tests.lab.record import Look

_WIDTHS = {"case": 19, "expected": 18, "verdict": 7}
_OF_COMMAND = 0.55
"""Its share of what the other columns leave; what was seen has the rest."""


class Progress:
    """Prints rows as they come, and says below them what goes on. Safe to share between threads."""

    def __init__(self, console: Console) -> None:
        """Take the console; what is no terminal gets plain lines."""
        self._console = console
        self._began = time.monotonic()
        self._status = console.status("")

    def __enter__(self) -> Self:
        """Show what goes on, from now on."""
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Show it no longer."""
        self._status.stop()

    def say(self, line: str) -> None:
        """Say what goes on now."""
        text = Text(f"{time.monotonic() - self._began:5.0f} s  {line}", style="dim")
        if self._console.is_terminal:
            self._status.update(text)
        self._console.print(text, soft_wrap=True)

    def head(self) -> None:
        """Print the head of the table."""
        cells = ("case", "command", "expected", "seen", "verdict")
        self._console.print(self._line(*(Text(cell, "bold") for cell in cells)))

    def row(self, case: Case, check: Check, when: str, look: Look) -> None:
        """Print one row of the table."""
        verdict = Text("ok", "green") if look.good else Text("WRONG", "bold red")
        owner = "" if look.owner == look.seen else f" {look.owner}"
        first = f"{case.name}, {when}"
        cells = map(Text, (first, check.command, look.expected, f"{look.seen}{owner}"))
        self._console.print(self._line(*cells, verdict))

    def _line(self, *cells: Text) -> Table:
        """Make a table of one row: the columns are as wide in each, so that they make one table."""
        line = Table.grid(padding=(0, 1))
        columns = ("case", "command", "expected", "seen", "verdict")
        rest = self._console.width - sum(_WIDTHS.values()) - len(columns)
        command = int(rest * _OF_COMMAND)
        widths = {**_WIDTHS, "command": command, "seen": rest - command}
        for column in columns:
            line.add_column(width=widths[column], overflow="fold")
        line.add_row(*cells)
        return line
