"""``python -m benchmarks.growth``, which ``make bench-growth`` runs."""

import functools
import time
from collections.abc import Callable
from typing import Final

import click
from rich.console import Console

from benchmarks import BenchmarkError, command, machine, results
from benchmarks.growth import (
    Row,
    Say,
    beside_large,
    body_size,
    handshakes,
    many_requests,
    namespaces,
    replicas,
    sentences,
)
from benchmarks.peers import commands
from benchmarks.results import Part

_PART: Final = "growth"
_QUESTIONS: Final[dict[str, Callable[[Say], list[Row]]]] = {
    body_size.QUESTION: body_size.measure,
    beside_large.QUESTION: beside_large.measure,
    namespaces.QUESTION: namespaces.measure,
    replicas.QUESTION: replicas.measure,
    handshakes.QUESTION: handshakes.measure,
    many_requests.QUESTION: many_requests.measure,
}


@click.command()
@click.option(
    "--only",
    metavar="QUESTIONS",
    default=",".join(_QUESTIONS),
    help="By commas.",
    show_default=True,
)
@click.option(
    "--requests",
    type=click.IntRange(1),
    default=many_requests.ORDINARY,
    help=f"Of {many_requests.QUESTION}, at least.",
    show_default=True,
)
def main(only: str, requests: int) -> None:
    """Measure how the webhook's figures grow; what is not measured keeps its earlier figures.

    Exit code 0: measured; 2: it could not be.
    """
    with command.running() as console:
        _run(console, _chosen(only), requests)


def _chosen(only: str) -> list[str]:
    names = [name for name in only.split(",") if name]
    if unknown := [name for name in names if name not in _QUESTIONS]:
        raise click.UsageError(
            f"There is no question {', '.join(unknown)}; there are {', '.join(_QUESTIONS)}."
        )
    return names


def _run(console: Console, names: list[str], requests: int) -> None:
    """Measure, keep what was found after each question, and print it."""
    commands.require(["wrk", *([commands.NGINX] if handshakes.QUESTION in names else [])])
    described = machine.describe()
    console.print(
        f"{described.processor}, {described.cores} cores; load before: {described.load}\n"
    )
    began = time.monotonic()
    rows: list[Row] = []
    for name in names:
        measure = _QUESTIONS[name]
        if name == many_requests.QUESTION:
            measure = functools.partial(many_requests.measure, requests=requests)
        rows += _measured(console, name, measure)
    seconds = round(time.monotonic() - began, 1)
    kept = [*_earlier(names), *rows]
    path = results.save(Part(_PART, results.today(), described, seconds, kept))
    console.print(f"\nKept in {path}, after {seconds:.0f} s.")


def _measured(console: Console, name: str, measure: Callable[[Say], list[Row]]) -> list[Row]:
    """Answer one question, with what goes on below it on a terminal."""
    console.print(f"{name}:", style="bold")
    with console.status("") as status:

        def say(line: str) -> None:
            if console.is_terminal:
                status.update(line)
            else:
                console.print(f"  ... {line}")

        rows = measure(say)
    for line in sentences.lines(rows):
        console.print(f"  {line}")
    return rows


def _earlier(measured: list[str]) -> list[Row]:
    """Return the rows of an earlier run that answer other questions."""
    try:
        rows = results.load(_PART).rows
    except BenchmarkError:
        return []
    return [row for row in rows if row["question"] not in measured]


if __name__ == "__main__":
    main()
