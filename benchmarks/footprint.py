"""What a replica takes: memory, and the time until it is ready. ``make bench-footprint``.

A container of the image that the tests build, beside a real API server with thousands of
namespaces; :mod:`tests.image.footprint` runs it and says what is read. The container has a core for
itself while it starts.
"""

import contextlib
import dataclasses
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from benchmarks import BUILD, BenchmarkError, machine, results
from benchmarks.results import Part
from tests import images
from tests.controlplane import ComponentMissingError, ControlPlane
from tests.image import footprint
from tests.image.containers import Containers
from tests.images import containerd, names
from tests.images.programs import ProgramFailedError

_PART: Final = "footprint"
_COULD_NOT: Final = 2
_WIDTH_OF_A_PIPE: Final = 140
_REVIEWS: Final = 4000
_SIZES: Final = (10, footprint.NAMESPACES)
"""Namespaces in the cluster: few, and many."""
WORKING_SET: Final = 60
RSS: Final = 72
READY: Final = 1.0
"""The bars of docs/performance.md: MiB, MiB and seconds, with many namespaces."""


class Row(dict[str, Any]):
    """``namespaces``, ``when`` (``ready`` or ``after-reviews``), and what was read, in medians."""


def rows(starts: int, say: Callable[[str], None]) -> Iterator[Row]:
    """Measure.

    Args:
        starts: How often the container is started with each number of namespaces.
        say: Is told what goes on.

    Yields:
        A row for each number of namespaces and each moment.

    Raises:
        BenchmarkError: Something that is needed is not there, or fails.
    """
    try:
        say("building the image, if it is not there")
        store = images.prepare([names.WEBHOOK])
        with (
            tempfile.TemporaryDirectory(dir=BUILD) as folder,
            _containers(store, Path(folder)) as containers,
        ):
            for count in _SIZES:
                yield from _with(containers, Path(folder, str(count)), count, starts, say)
    except (ComponentMissingError, ProgramFailedError) as error:
        raise BenchmarkError(str(error)) from error


@contextlib.contextmanager
def _containers(store: Path, folder: Path) -> Iterator[Containers]:
    """Run a containerd on the core of servers, where its containers are then as well."""
    images.copy(store, folder / "root")
    (folder / "volume").mkdir()
    with contextlib.ExitStack() as stack:
        with machine.on({machine.server_core()}):
            daemon = stack.enter_context(containerd.running(folder / "root"))
        yield Containers(daemon, folder / "volume")


def _with(
    containers: Containers, folder: Path, count: int, starts: int, say: Callable[[str], None]
) -> Iterator[Row]:
    """Measure with a number of namespaces."""
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        say(f"an API server with {count:,} namespaces")
        with machine.on(machine.other_cores()):
            plane = stack.enter_context(footprint.crowded(folder, count))
        ready, after = [], []
        for number in range(starts):
            say(f"{count:,} namespaces, start {number + 1} of {starts}")
            first, last = _once(containers, plane, folder / str(number))
            ready.append(first)
            after.append(last)
    yield row_of(count, "ready", ready)
    yield row_of(count, "after-reviews", after)


def _once(
    containers: Containers, plane: ControlPlane, folder: Path
) -> tuple[footprint.Footprint, footprint.Footprint]:
    """Start a container, and read what it takes when it is ready and when it has answered."""
    with footprint.replica(containers, plane, folder) as replica:
        first = replica.footprint()
        with machine.on(machine.other_cores()):
            replica.answer(_REVIEWS)
        last = replica.footprint()
    shutil.rmtree(folder)
    return first, last


def row_of(count: int, when: str, found: Sequence[footprint.Footprint]) -> Row:
    """Make a row of the medians, with each time of a start."""
    fields = [field.name for field in dataclasses.fields(footprint.Footprint)]
    medians = {
        name: round(statistics.median(getattr(each, name) for each in found), 3) for name in fields
    }
    starts = sorted(round(each.ready_seconds, 3) for each in found)
    return Row(namespaces=count, when=when, **medians, starts=starts)


def table(found: Sequence[Row]) -> Table:
    """Make the table that people see."""
    made = Table(title="A replica in a container: medians", title_justify="left")
    for head in ("namespaces", "when", "working set MiB", "RSS", "PSS", "anonymous"):
        made.add_column(head, justify="left" if head == "when" else "right")
    for head in ("start s", "CPU s"):
        made.add_column(head, justify="right")
    for row in found:
        start = (f"{row[name]:.2f}" for name in ("ready_seconds", "ready_cpu_seconds"))
        memory = (f"{row[name]:.1f}" for name in ("working_set", "rss", "pss", "anonymous"))
        when = row["when"].replace("-", " ")
        made.add_row(f"{row['namespaces']:,}", when, *memory, *start)
    return made


def verdicts(found: Sequence[Row]) -> list[str]:
    """Say of each bar whether it holds."""
    row = next(
        each
        for each in found
        if (each["namespaces"], each["when"]) == (footprint.NAMESPACES, "after-reviews")
    )
    bars = (
        ("working set", row["working_set"], WORKING_SET, "MiB"),
        ("RSS", row["rss"], RSS, "MiB"),
        ("start to ready", row["ready_seconds"], READY, "s"),
    )
    return [
        f"{name}: {value:.4g} {unit}, at most {bar:g} wanted: {'ok' if value <= bar else 'MISSED'}"
        for name, value, bar, unit in bars
    ]


@click.command()
@click.option("--starts", type=click.IntRange(1, 50), default=5, show_default=True)
def main(starts: int) -> None:
    """Measure memory and start of a replica in a container, beside a real API server.

    Exit code 0: measured; 2: it could not be.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_OF_A_PIPE)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: all is ended
    began, described = time.monotonic(), machine.describe()
    try:
        found = list(
            rows(starts, lambda what: console.print(f"{time.monotonic() - began:4.0f} s  {what}"))
        )
    except BenchmarkError as error:
        console.print(str(error), style="bold red")
        sys.exit(_COULD_NOT)
    except KeyboardInterrupt:
        console.print("Interrupted.")
        sys.exit(128 + signal.SIGINT)
    part = Part(
        name=_PART,
        made=results.today(),
        machine=described,
        seconds=round(time.monotonic() - began, 1),
        rows=[dict(row) for row in found],
    )
    path = results.save(part)
    console.print(table(found))
    for line in verdicts(found):
        console.print(line)
    console.print(f"Load of the machine before: {described.load}.")
    console.print(f"Kept in {path}.")


if __name__ == "__main__":
    main()
