"""``python -m benchmarks.report``, which ``make bench-report`` runs."""

import sys

import click
from rich.console import Console

from benchmarks import BenchmarkError
from benchmarks.report import FOLDER, PAGE, bars, kept, page, pictures

_COULD_NOT = 2


@click.command()
def main() -> None:
    """Make docs/performance.md and its plots from what was measured last.

    Exit code 0: made; 2: it could not be.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    try:
        _run(console)
    except BenchmarkError as error:
        console.print(str(error), style="bold red")
        sys.exit(_COULD_NOT)


def _run(console: Console) -> None:
    parts = kept.take(console.print)
    PAGE.write_text(page.written(PAGE.read_text(encoding="utf-8"), parts), encoding="utf-8")
    drawn = pictures.draw(parts)
    for bar in bars.judge(parts):
        console.print(f"{bar.text}: {bar.measured}: {bar.verdict}")
    root = PAGE.parents[1]
    names = ", ".join(str(path.relative_to(root)) for path in (PAGE, *drawn))
    console.print(f"Written from {FOLDER.relative_to(root)}: {names}")


if __name__ == "__main__":
    main()
