"""What people see of the comparison: each figure as it comes, then tables, and last the ratios."""

import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.matrix import OTHERS, TYPICAL, Case
from benchmarks.peers.commands import CONTROLLER_RUNTIME
from benchmarks.servers import OURS
from benchmarks.throughput import COMPARED, Row, Sample, ratio, row_of

_MILLI = 1000
_QUIET = 0.5
"""The load above which others use the machine."""
_BUSY = 0.85
"""The part of its core that a loaded server uses at least, if nobody else wants it."""
_TITLES = {"requests_per_second": "requests/s", "p99": "p99", "cpu_seconds_per_1000": "CPU"}


class Progress:
    """Prints a line for each sample, and says below them what goes on.

    Args:
        console: What is no terminal gets plain lines.
    """

    def __init__(self, console: Console) -> None:
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

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    def say(self, line: str) -> None:
        """Say what goes on now; only a terminal shows it."""
        self._status.update(Text(f"{self.seconds:4.0f} s  {line}", style="dim"))

    def seen(self, sample: Sample) -> None:
        """Print a sample."""
        measured = sample.measured
        line = (
            f"{self.seconds:4.0f} s  {sample.case.name:20} {sample.server:20}"
            f" {measured.requests_per_second:9,.0f} requests/s  p99 {_ms(measured.p99)} ms"
        )
        self._console.print(Text(line))
        if measured.errors:
            self._console.print(Text(f"        {measured.errors} errors", style="bold red"))


def typical(found: Sequence[Row]) -> Table:
    """Make the table of the typical case: a row for each server, with all that was measured."""
    size = len(TYPICAL.review.body)
    title = f"{TYPICAL.review.name} ({size:,} bytes), {TYPICAL.connections} connections: medians"
    table = Table(title=title, title_justify="left")
    table.add_column("server")
    for head in ("requests/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU s per 1,000", "core"):
        table.add_column(head, justify="right")
    for head in ("RSS MiB", "PSS MiB", "ready s", "errors"):
        table.add_column(head, justify="right")
    for row in found:
        if row["review"] == TYPICAL.review.name and row["connections"] == TYPICAL.connections:
            latencies = (_ms(row[name]) for name in ("p50", "p99", "p999"))
            memory = (f"{row[name]:.1f}" for name in ("rss", "pss"))
            table.add_row(
                *(row["server"], f"{row['requests_per_second']:,.0f}", *latencies),
                *(f"{row['cpu_seconds_per_1000']:.3f}", f"{row['core']:.0%}", *memory),
                *(f"{row['ready_seconds']:.2f}", str(row["errors"])),
            )
    return table


def others(found: Sequence[Row], names: Sequence[str]) -> Table:
    """Make the table of the other cases: a row for each, a column for each server."""
    table = Table(
        title="Other reviews and connections: requests/s, and p99 in ms", title_justify="left"
    )
    table.add_column("review")
    table.add_column("connections", justify="right")
    for name in names:
        table.add_column(name, justify="right")
    for case in (TYPICAL, *OTHERS):
        cells = (_cell(row_of(found, name, case)) for name in names)
        table.add_row(case.review.name, str(case.connections), *cells)
    return table


def _cell(row: Row | None) -> str:
    if row is None:
        return "-"
    return f"{row['requests_per_second']:,.0f}  {_ms(row['p99'])}"


def doubts(found: Sequence[Row], load: float) -> list[str]:
    """Say what speaks against the figures.

    Args:
        found: All rows.
        load: Of the machine, before.
    """
    lines: list[str] = []
    if load > _QUIET:
        lines.append(f"The machine was busy before (load {load:g}): the figures are rough.")
    loaded = [row["core"] for row in found if row["server"] == OURS and row["connections"] > 1]
    shared = [core for core in loaded if core < _BUSY]
    if shared:
        lines.append(
            f"{OURS} used as little as {min(shared):.0%} of its core, and less than {_BUSY:.0%} in"
            f" {len(shared)} of {len(loaded)} cases: others used it, or the load was the limit."
        )
    return lines


def ratios(found: Sequence[Row]) -> list[str]:
    """Say how we compare with controller-runtime, the typical case last."""
    lines = [f"{OURS} next to {CONTROLLER_RUNTIME}, medians, and lowest and highest of a round:"]
    lines += [line for case in (*OTHERS, TYPICAL) if (line := _ratios(found, case))]
    return lines if len(lines) > 1 else []


def _ratios(found: Sequence[Row], case: Case) -> str:
    compared = {name: ratio(found, name, case) for name in COMPARED}
    cells = [
        f"{_TITLES[name]} {each.median:.{digits}f} ({each.lowest:.{digits}f} to"
        f" {each.highest:.{digits}f})"
        for name, each in compared.items()
        if each is not None
        for digits in (2 if name == "requests_per_second" else 3,)
    ]
    return f"  {case.name:20} {'   '.join(cells)}" if cells else ""


def _ms(seconds: float) -> str:
    """Write a latency in ms with three digits that say something."""
    value = seconds * _MILLI
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004
