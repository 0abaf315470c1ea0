"""The comparison: every server answers the same reviews, in turn, several times.

Servers take turns in each round, so that what slows the machine down for a while slows all of them.
"""

import contextlib
import dataclasses
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import servers, usage, wrk
from benchmarks.matrix import OTHERS, TYPICAL, Case, Plan
from benchmarks.peers.commands import CONTROLLER_RUNTIME, NGINX
from benchmarks.servers import OURS, Server
from benchmarks.usage import Memory
from benchmarks.wrk import Measured

COMPARED: Final = ("requests_per_second", "p99", "cpu_seconds_per_1000")
"""The figures that servers are compared by, of which a row has those of each round."""
_MEDIANS: Final = (*COMPARED, "p50", "p999", "core")
_ENOUGH: Final = 4
"""Answers over each connection. With fewer the figures would flatter a slow server: what it has not
answered when the load ends is in no latency."""
_LONGER: Final = 5
"""How many times as long a server is loaded that gave fewer."""
Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """One server in one round of one case."""

    server: str
    case: Case
    measured: Measured
    cpu_seconds: float
    """Of the server, during the measurement."""
    memory: Memory
    """Of the server, after it."""
    ready_seconds: float
    """From its start until it had answered a review."""

    @property
    def core(self) -> float:
        """The part of its core that the server used: near 1, or something else was the limit."""
        return self.cpu_seconds * self.measured.requests_per_second / self.measured.requests

    @property
    def cpu_seconds_per_1000(self) -> float:
        """Seconds of processor time that it takes to answer a thousand reviews."""
        return self.cpu_seconds / self.measured.requests * 1000


def measure(
    names: Sequence[str], plan: Plan, say: Callable[[str], None], seen: Callable[[Sample], None]
) -> list[Sample]:
    """Measure all cases.

    Args:
        names: Of the servers, in the order of their turns.
        plan: How often, and how long.
        say: Told what goes on.
        seen: Told of each sample as it comes.

    Raises:
        BenchmarkError: A server cannot be started, answers wrongly or not at all, or there is no
            wrk.
    """
    samples: list[Sample] = []

    def keep(sample: Sample) -> None:
        samples.append(sample)
        seen(sample)

    for number in range(1, plan.rounds + 1):
        for name in names:
            say(f"{TYPICAL.name}, round {number} of {plan.rounds}: {name}")
            with _folder() as folder, servers.running(name, folder / name) as server:
                keep(_sample(server, TYPICAL, plan.warm_up, plan.seconds))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(_folder())
        say("starting all servers for the other cases")
        running = [stack.enter_context(servers.running(name, folder / name)) for name in names]
        for number in range(1, plan.other_rounds + 1):
            for case in OTHERS:
                for server in running:
                    if server.name == NGINX and not case.review.patched:
                        continue  # its answer is always the same
                    say(f"{case.name}, round {number} of {plan.other_rounds}: {server.name}")
                    keep(_sample(server, case, plan.warm_up, plan.other_seconds))
    return samples


def _sample(server: Server, case: Case, warm_up: int, seconds: int) -> Sample:
    """See that a server answers as it should, warm it up, and measure it."""
    server.check(case.review)
    wrk.warm_up(server.port, case.review, case.connections, warm_up)
    try:
        measured, used = _loaded(server, case, seconds)
        enough = measured.requests >= _ENOUGH * case.connections
    except wrk.NoAnswerError:
        enough = False
    if not enough:
        measured, used = _loaded(server, case, seconds * _LONGER)
    memory = usage.memory(server.pid)
    return Sample(server.name, case, measured, used, memory, server.ready_seconds)


def _loaded(server: Server, case: Case, seconds: int) -> tuple[Measured, float]:
    """Load a server; return what wrk measured, and the processor time that the server used."""
    before = usage.cpu_seconds(server.pid)
    measured = wrk.run(server.port, case.review, case.connections, seconds)
    return measured, usage.cpu_seconds(server.pid) - before


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder)


def rows(samples: Sequence[Sample]) -> list[Row]:
    """Sum up the rounds: one row for each server in each case, the typical case first.

    A row has the median of each figure, and those that are compared of every round. Memory and
    the time to become ready are told of the typical case only, where each round has a process of
    its own.
    """
    found: dict[tuple[str, Case], list[Sample]] = {}
    for sample in samples:
        found.setdefault((sample.server, sample.case), []).append(sample)
    return [_row(server, case, rounds) for (server, case), rounds in found.items()]


def _row(server: str, case: Case, rounds: list[Sample]) -> Row:
    row: Row = {
        "server": server,
        "review": case.review.name,
        "bytes": len(case.review.body),
        "patched": case.review.patched,
        "connections": case.connections,
        **{name: statistics.median(_figures(rounds, name)) for name in _MEDIANS},
        "errors": sum(each.measured.errors for each in rounds),
        "rounds": {name: _figures(rounds, name) for name in COMPARED},
    }
    if case == TYPICAL:
        row["rss"] = statistics.median(each.memory.rss for each in rounds)
        row["pss"] = statistics.median(each.memory.pss for each in rounds)
        row["ready_seconds"] = statistics.median(each.ready_seconds for each in rounds)
    return row


def _figures(rounds: list[Sample], name: str) -> list[float]:
    """Take one figure of each round."""
    return [float(getattr(each if hasattr(each, name) else each.measured, name)) for each in rounds]


@dataclasses.dataclass(frozen=True, slots=True)
class Ratio:
    """One server next to another in a case: how many times as much."""

    median: float
    """Of the medians."""

    lowest: float
    """Of the rounds."""

    highest: float
    """Of the rounds."""


def ratio(
    found: Sequence[Row], figure: str, case: Case, server: str = OURS, to: str = CONTROLLER_RUNTIME
) -> Ratio | None:
    """Compare two servers in a case, by the medians and round by round.

    Args:
        found: All rows.
        figure: One of :data:`COMPARED`.
        case: What was sent.
        server: The one above the line.
        to: The one below the line.

    Returns:
        ``None`` where one of them was not measured.
    """
    above, below = row_of(found, server, case), row_of(found, to, case)
    if above is None or below is None:
        return None
    pairs = zip(above["rounds"][figure], below["rounds"][figure], strict=True)
    each = [ours / theirs for ours, theirs in pairs]
    return Ratio(above[figure] / below[figure], min(each), max(each))


def row_of(found: Sequence[Row], server: str, case: Case) -> Row | None:
    """Return the row of a server in a case; ``None`` where it was not measured."""
    wanted = (server, case.review.name, case.connections)
    for row in found:
        if (row["server"], row["review"], row["connections"]) == wanted:
            return row
    return None
