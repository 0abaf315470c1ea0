"""``python -m benchmarks``, which ``make bench`` runs: the webhook next to its peers."""

import click
from rich.console import Console

from benchmarks import command, machine, results, servers, tables, throughput
from benchmarks.matrix import OTHERS, Plan
from benchmarks.peers import commands
from benchmarks.results import Part

_PART = "throughput"


@click.command()
@click.option(
    "--only", metavar="NAMES", default=",".join(servers.NAMES), help="Servers, by commas."
)
@click.option("--rounds", type=click.IntRange(1, 100), default=Plan().rounds, show_default=True)
@click.option(
    "--other-rounds",
    type=click.IntRange(0, 100),
    default=Plan().other_rounds,
    show_default=True,
    help="Rounds of all but the typical case; 0 leaves them out.",
)
def main(only: str, rounds: int, other_rounds: int) -> None:
    """Measure the webhook and its peers, in turn, on this machine.

    Exit code 0: measured; 2: it could not be.
    """
    with command.running() as console:
        _run(console, _chosen(only), Plan(rounds=rounds, other_rounds=other_rounds))


def _chosen(only: str) -> list[str]:
    names = [name for name in only.split(",") if name]
    if unknown := [name for name in names if name not in servers.NAMES]:
        raise click.UsageError(
            f"There is no server {', '.join(unknown)}; there are {', '.join(servers.NAMES)}."
        )
    return names


def _run(console: Console, names: list[str], plan: Plan) -> None:
    commands.require([*names, "wrk"])
    described = machine.describe()
    seconds = plan.load_seconds(len(names))
    console.print(
        f"{len(names)} servers, {1 + len(OTHERS)} cases; {seconds / 60:.1f} minutes of load, and"
        " some for starts. Server on one core, wrk on the others.\n"
        f"{described.processor}, {described.cores} cores; load before: {described.load}\n"
    )
    with tables.Progress(console) as progress:
        found = throughput.rows(throughput.measure(names, plan, progress.say, progress.seen))
    part = Part(
        name=_PART,
        made=results.today(),
        machine=described,
        seconds=round(progress.seconds, 1),
        rows=found,
        about=commands.versions(),
    )
    path = results.save(part)
    console.print()
    console.print(tables.typical(found))
    if plan.other_rounds:
        console.print(tables.others(found, names))
    console.print(f"Kept in {path}, after {progress.seconds:.0f} s.")
    for line in tables.doubts(found, described.load):
        console.print(line, style="yellow")
    for line in tables.ratios(found):
        console.print(line)


if __name__ == "__main__":
    main()
