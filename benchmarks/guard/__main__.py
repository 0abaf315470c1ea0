"""``python -m benchmarks.guard``, which ``make bench-guard`` runs: what a review costs."""

import contextlib
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import BenchmarkError, command, machine, results
from benchmarks.guard import bounds, callgrind
from benchmarks.guard.answering import CASES
from benchmarks.guard.bounds import Cost
from benchmarks.guard.callgrind import Count
from benchmarks.results import Part

_EXCEEDED: Final = 1
_TIME: Final = 600.0
"""Seconds that counting may take; on two cores that are free it takes half of a minute."""
_LOOK: Final = 0.2
"""Seconds between looks at how far it has come."""
_FUNCTIONS: Final = 25
"""How many functions a profile has."""


@click.command()
@click.option("--record", metavar="REASON", default="", help="Make bounds of what is counted.")
@click.option("--profile", type=click.Choice(list(CASES)), help="Show the dearest functions.")
def main(record: str, profile: str | None) -> None:
    """Count instructions and allocations of a review, and hold them against their bounds.

    Exit code 0: within the bounds, or there are none for this interpreter; 1: one is exceeded; 2:
    nothing could be counted.
    """
    with command.running() as console:
        sys.exit(_run(console, record, profile))


def _run(console: Console, record: str, profile: str | None) -> int:
    """Count, tell, and return the exit code."""
    name, all_bounds = bounds.interpreter(), bounds.load()
    began, described = time.monotonic(), machine.describe()
    instructions, allocations = _count(console)
    counted = {
        case: Cost(
            round(instructions[case].instructions / times),
            round(allocations[case].allocations / times),
        )
        for case, times in CASES.items()
    }
    part = Part(
        name="guard",
        made=results.today(),
        machine=described,
        seconds=round(time.monotonic() - began, 1),
        rows=[
            {
                "case": case,
                "instructions": cost.instructions,
                "allocations": cost.allocations,
                "functions": instructions[case].dearest(_FUNCTIONS),
            }
            for case, cost in counted.items()
        ],
        about={"interpreter": name},
    )
    results.save(part)
    if record:
        known = all_bounds.get(name, {})
        all_bounds[name] = bounds.recorded(counted, known, record, part.made.isoformat())
        bounds.save(all_bounds)
    console.print(_table(counted, all_bounds.get(name, {})))
    if profile:
        console.print(_profile(instructions[profile]))
    return _judge(console, counted, all_bounds)


def _count(console: Console) -> tuple[dict[str, Count], dict[str, Count]]:
    """Count all cases: their instructions in one run, and their allocations in another beside it.

    Instructions are those with the interpreter's own allocator, as it serves; an allocation of the
    C library's costs more of them.

    Raises:
        BenchmarkError: Nothing could be counted.
    """
    ends = time.monotonic() + _TIME
    console.print("Counting what a review costs, under valgrind; half a minute.")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runs = [
            stack.enter_context(callgrind.running(folder / allocator, allocator))
            for allocator in ("default", "malloc")
        ]
        progress = stack.enter_context(Progress(console=console, transient=True))
        task = progress.add_task("counting", total=2 * len(CASES) * len(runs))
        while [run for run in runs if not run.ended]:
            progress.update(task, completed=sum(run.marks for run in runs))
            if time.monotonic() > ends:
                raise BenchmarkError(
                    f"Counting did not end within {_TIME:.0f} s: try again, with less beside it."
                )
            time.sleep(_LOOK)
        instructions, allocations = [run.counts() for run in runs]
    return instructions, allocations


def _table(counted: Mapping[str, Cost], known: Mapping[str, bounds.Bound]) -> Table:
    """Show what was counted beside what is allowed."""
    table = Table("a review of", box=None, pad_edge=False)
    for title in ("instructions", "at most", "allocations", "at most"):
        table.add_column(title, justify="right")
    for case, cost in counted.items():
        bound = known.get(case)
        table.add_row(
            case,
            f"{cost.instructions:,}",
            "-" if bound is None else f"{bound.instructions:,}",
            f"{cost.allocations:,}",
            "-" if bound is None else f"{bound.allocations:,}",
        )
    return table


def _profile(count: Count) -> Table:
    """Show in which functions instructions are spent."""
    table = Table("function", "part", title="Instructions of each function itself", box=None)
    for function, part in count.dearest(_FUNCTIONS).items():
        table.add_row(function, f"{part:.1%}")
    return table


def _judge(console: Console, counted: Mapping[str, Cost], all_bounds: bounds.Bounds) -> int:
    """Say what exceeds its bound, or why nothing can, and return the exit code."""
    name = bounds.interpreter()
    if name not in all_bounds:
        console.print(
            f"NO BOUND is held: {bounds.FILE.name} has none for {name}; it has them for"
            f" {' and '.join(sorted(all_bounds)) or 'no interpreter'}.",
            style="bold yellow",
        )
        return 0
    known = all_bounds[name]
    for case in bounds.loose(counted, known):
        console.print(
            f"{case} has become so much cheaper that its bound holds nothing: run"
            " python -m benchmarks.guard --record REASON.",
            style="yellow",
        )
    too_much = bounds.exceeded(counted, known)
    for sentence in too_much:
        console.print(sentence, style="bold red", soft_wrap=True)
    return _EXCEEDED if too_much else 0


if __name__ == "__main__":
    main()
