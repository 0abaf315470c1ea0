"""Samples as a measurement takes them, of the webhook and of one peer."""

from benchmarks.matrix import OTHERS, TYPICAL, Case
from benchmarks.servers import OURS
from benchmarks.throughput import Sample
from benchmarks.usage import Memory
from benchmarks.wrk import Measured

PEER = "controller-runtime"


def sample(server: str, rate: float, p99: float = 0.01, case: Case = TYPICAL) -> Sample:
    """Make a sample of a server that answered for two seconds."""
    measured = Measured(rate, p99 / 2, p99, p99 * 2, requests=int(rate * 2), errors=1)
    return Sample(server, case, measured, rate / 1000, Memory(rate / 10, rate / 20), rate / 100)


SAMPLES = [
    *(sample(OURS, rate, p99) for rate, p99 in ((1000, 0.01), (1400, 0.03), (1200, 0.02))),
    *(sample(PEER, rate, p99) for rate, p99 in ((100, 0.1), (200, 0.2), (300, 0.4))),
    sample(OURS, 600, case=OTHERS[0]),
]
