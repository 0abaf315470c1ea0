"""Sends fuzzed requests to the real server and says what came of them.

Exit code 1 after a 5xx, a crash, an error in the server's log, a patch or an answer that the API
server would not take, or memory that grew.
"""

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import uvloop

from tests.fuzz.run import Run
from tests.fuzz.server import Server, serving
from tests.webhook_process import REPOSITORY


async def fuzz(total: int, connections: int, seed: int, growth: float) -> bool:
    """Send requests, print what came of them, and tell whether it is good.

    Args:
        total: How many requests.
        connections: Over how many connections at a time.
        seed: The same seed makes the same requests.
        growth: MiB that the server's memory may grow by after the first tenth.
    """
    scratch = REPOSITORY / ".build"
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        async with serving(Path(folder)) as server:
            run = Run(server, total, seed)
            began = time.monotonic()
            await run.send(connections)
            seconds = time.monotonic() - began
            await _examine(run, server, growth)
        if server.complaints:
            run.tally.fail("error in the log", detail=str(server.complaints))
    for name, value in _report(run, server, seconds):
        click.echo(f"{name:26} {value}")
    return not run.tally.failures


async def _examine(run: Run, server: Server, growth: float) -> None:
    """Look at the server after the last request."""
    if server.ended:
        run.tally.fail("crash")
    elif re.search(r'rejected_requests_total\{code="5\d\d"\} (?!0\.0)', await server.metrics()):
        run.tally.fail("5xx in its metrics")
    elif run.grown > growth:
        run.tally.fail("memory grew", detail=f"by {run.grown:.1f} MiB")


def _report(run: Run, server: Server, seconds: float) -> Iterator[tuple[str, str]]:
    """Say what came of it, line by line."""
    tally = run.tally
    yield "requests", f"{tally.total:,}"
    for sort, count in tally.requests.most_common():
        yield f"  {sort}", f"{count:,}"
    yield "answers", ""
    for status, count in sorted(tally.statuses.items()):
        yield f"  {status or 'none was due'}", f"{count:,}"
    yield "5xx", str(tally.failures["5xx"])
    yield "crashes", str(tally.failures["crash"])
    yield "patches that applied", f"{tally.patched:,}"
    yield "bad answers or patches", str(tally.failures["bad answer"])
    yield "connections", f"{run.opened:,}"
    yield "lines in its log", f"{server.lines:,}, of which complaints {len(server.complaints)}"
    yield "memory, MiB", " ".join(f"{memory:.1f}" for memory in run.memory)
    yield "grown after a tenth, MiB", f"{run.grown:.1f}"
    yield "seconds", f"{seconds:.0f} ({tally.total / seconds:,.0f} a second)"
    yield "failures", str(dict(tally.failures) or "none")
    for example in tally.examples:
        yield "example", example


@click.command()
@click.argument("total", type=click.IntRange(10, 100_000_000), default=1_000_000)
@click.option("--connections", type=click.IntRange(1, 64), default=6, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--growth", type=float, default=8, show_default=True, help="MiB after a tenth.")
def main(total: int, connections: int, seed: int, growth: float) -> None:
    """Send TOTAL fuzzed requests, a million by default."""
    sys.exit(0 if uvloop.run(fuzz(total, connections, seed, growth)) else 1)


if __name__ == "__main__":
    main()
