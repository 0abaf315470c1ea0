"""Turns as they could have been, for tests of what is made of them."""

from benchmarks.cluster.creating import Outcome
from benchmarks.cluster.meters import Spent
from benchmarks.cluster.turns import Turn


def outcome(p50: float, rate: float = 100.0) -> Outcome:
    """Make what became of an order of 200 Pods; the slowest took twice as long as the median."""
    return Outcome(requests=200, failed=0, patched=200, rate=rate, p50=p50, p99=2 * p50, errors=[])


def turn(
    p50: float, rate: float = 100.0, api_server: float | None = None, ours: float | None = None
) -> Turn:
    """Make a turn in which several clients waited four times as long as one."""
    spent = Spent(api_server, ours, api_server_cpu=p50 / 2, called_cpu=p50 / 4)
    return Turn(outcome(p50), outcome(4 * p50, rate), spent)
