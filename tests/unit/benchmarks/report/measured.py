"""Parts as they could have been measured, for tests of what is made of them."""

import datetime as dt

from benchmarks.cluster import turns, variants
from benchmarks.growth import (
    beside_large,
    body_size,
    handshakes,
    many_requests,
    namespaces,
    replicas,
)
from benchmarks.growth.paced import Waits
from benchmarks.machine import Machine
from benchmarks.matrix import OTHERS
from benchmarks.report import Row
from benchmarks.results import Part
from benchmarks.servers import OURS
from benchmarks.throughput import rows
from benchmarks.wrk import Measured
from tests.unit.benchmarks.cluster.rounds import turn
from tests.unit.benchmarks.samples import PEER, SAMPLES, sample

MACHINE = Machine("Processor", 2, 23.5, "6.18.1-x", "3.11.7", 0.1)
ADDED = {
    "none": 0.0,
    "ours": 0.001,
    "least": 0.0009,
    "controller-runtime": 0.003,
    "policy": 0.0015,
    "istio": 0.02,
    "istio-and-ours": 0.0212,
}
"""Seconds that each variant adds to a creation."""


def part(name: str, found: list[Row]) -> Part:
    """Make a part of rows."""
    return Part(name, dt.date(2026, 11, 26), MACHINE, 300.0, found, {"wrk": "4.1.0"})


def _throughput() -> list[Row]:
    return rows([*SAMPLES, sample(PEER, 50, case=OTHERS[0])])


def _cluster() -> list[Row]:
    found = {
        name: turn(0.004 + added, 250, 0.0009 if added else None, 0.0002 if added else None)
        for name, added in ADDED.items()
    }
    return turns.rows(variants.ALL, [found, found])


def _footprint() -> list[Row]:
    figures = {"working_set": 50.0, "rss": 75.6, "pss": 60.0, "anonymous": 45.0}
    start = {"ready_seconds": 0.9, "ready_cpu_seconds": 0.8, "starts": [0.9]}
    return [
        {"namespaces": count, "when": when, **figures, **start}
        for count in (10, 5000)
        for when in ("ready", "after-reviews")
    ]


def _sizes() -> list[Row]:
    sizes = ((2_500, 0.0002), (1_000_000, 0.0102), (18_000_000, 0.1802))
    found = [body_size.row_of("escaped", size, [p50, p50, 2 * p50]) for size, p50 in sizes]
    return [*found, body_size.line_of("escaped", found)]


def _beside() -> list[Row]:
    waits = Waits(p50=0.001, p99=0.03, longest=0.04, late=0.02, reviews=1600)
    row = {
        "question": beside_large.QUESTION,
        "shape": "nothing",
        **{f"small_{name}": getattr(waits, name) for name in ("p50", "p99", "longest", "late")},
        "bar": beside_large.BAR,
    }
    return [row, {**row, "shape": "escaped", "bytes": 18_000_000, "large_reviews": 40}]


def _namespaces() -> list[Row]:
    found = [
        {
            "question": namespaces.QUESTION,
            "namespaces": count,
            "rss": 60 + count / 1000,
            "requests_per_second": 4000.0,
            "p50": 0.004,
            "p99": 0.008,
        }
        for count in (10, 1000, 20_000)
    ]
    return [*found, namespaces.growth_of(found)]


def _replicas() -> list[Row]:
    one = {"requests_per_second": 1000.0, "server_seconds": 2.0, "load_seconds": 1.0}
    two = {**one, "requests_per_second": 1900.0}
    names = (replicas.ALONE, replicas.PAIR, replicas.PAIRS)
    found = [
        replicas.sum_up(name, [each]) for name, each in zip(names, (one, one, two), strict=True)
    ]
    return [*found, replicas.scale_of(found)]


def requests(total: int, rss: float) -> list[Row]:
    """Make the rows of a run of so many reviews, which ends with so much memory (MiB)."""
    measured = Measured(4000.0, 0.004, 0.008, 0.009, total // 10, 0)
    found = [many_requests.row_of(total // 10 * each, 80.0, measured) for each in range(1, 10)]
    found.append(many_requests.row_of(total, rss, measured))
    return [*found, many_requests.growth_of(found)]


GROWTH: dict[str, list[Row]] = {
    body_size.QUESTION: _sizes(),
    beside_large.QUESTION: _beside(),
    namespaces.QUESTION: _namespaces(),
    replicas.QUESTION: _replicas(),
    handshakes.QUESTION: [handshakes.row_of(OURS, 400, 4.0, 1.0, resumed=True)],
    many_requests.QUESTION: requests(10_000_000, 81.0),
}
"""The rows of each question."""
PARTS = {
    "throughput": part("throughput", _throughput()),
    "footprint": part("footprint", _footprint()),
    "cluster": part("cluster", _cluster()),
    "growth": part("growth", [row for found in GROWTH.values() for row in found]),
    "guard": part(
        "guard",
        [{"case": "pod-9k", "instructions": 440_000, "allocations": 227, "functions": {"f": 0.2}}],
    ),
}
"""All parts."""
