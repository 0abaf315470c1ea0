"""What was measured becomes rows, and what sums them up says how the figures grow."""

import pytest

from benchmarks.growth import body_size, handshakes, many_requests, namespaces, replicas
from benchmarks.growth.paced import Waits
from benchmarks.reviews import NAMESPACE
from benchmarks.wrk import Measured
from tests.situations import ENABLED

LOADED = Measured(5_000, 0.003, 0.01, 0.02, requests=10_000, errors=1)


def test_body_size() -> None:
    """The line through the medians is told in seconds for a megabyte."""
    found = [
        body_size.row_of("text", size, [0.5, 0.001 + size * 1e-8, 0.0001])
        for size in (2_000, 300_000, 18_000_000)
    ]

    row = body_size.line_of("text", found)

    assert row["seconds_per_megabyte"] == pytest.approx(0.01)
    assert row["seconds_at_zero"] == pytest.approx(0.001)
    assert row["largest_deviation"] == pytest.approx(0, abs=1e-9)


def test_waits() -> None:
    """How long reviews waited is summed up, and how many of them waited longer than the bar."""
    waits = Waits.of([0.001] * 98 + [0.03, 0.5], bar=0.02)

    assert waits == Waits(p50=0.001, p99=0.03, longest=0.5, late=0.02, reviews=100)


def test_namespaces() -> None:
    """Memory is told for each namespace more, latency as a ratio."""
    few, many = (
        {"namespaces": count, "rss": 60 + count / 1024, "p50": 0.005, "p99": 0.01 + count / 1e6}
        for count in (0, 10_000)
    )

    row = namespaces.growth_of([few, many])

    assert row["kib_per_namespace"] == pytest.approx(1)
    assert (row["p50_ratio"], row["p99_ratio"]) == (1, pytest.approx(2))


def test_namespaces_of_the_cluster() -> None:
    """There are as many as asked for, each with its name, and the one of the reviews opted in."""
    made = dict(namespaces.objects(1_000))

    assert len(made) == 1_000
    assert made[NAMESPACE].items() >= ENABLED.items()


@pytest.mark.parametrize(
    ("requests", "rate", "seconds"), [(200_000, 5_000, 2), (10_000_000, 5_000, 30), (1, 5_000, 2)]
)
def test_seconds_between_samples(requests: int, rate: float, seconds: int) -> None:
    """Memory is looked at some twenty times, but neither all the time nor hardly ever."""
    assert many_requests.seconds_of(requests, rate) == seconds


def test_memory_over_many_requests() -> None:
    """What was taken in the first tenth is no growth."""
    samples = [(10, 70.0), (1_000_000, 80.0), (5_000_000, 84.0), (9_000_000, 82.0)]
    found = [many_requests.row_of(sent, rss, LOADED) for sent, rss in samples]

    row = many_requests.growth_of(found)

    assert (row["total"], row["rss_settled"], row["rss_last"]) == (9_000_000, 80, 82)
    assert row["rss_highest"] == 84
    assert row["errors"] == 4
    assert row["mib_per_million"] == pytest.approx(0.25)


def test_memory_over_one_sample() -> None:
    """One sample shows no growth."""
    row = many_requests.growth_of([many_requests.row_of(10, 70.0, LOADED)])

    assert row["mib_per_million"] is None


def test_replicas() -> None:
    """A placement has medians, and processor time for a thousand reviews; two are set next to one.

    Each round lasts five seconds.
    """
    rounds = [
        {"requests_per_second": rate, "server_seconds": 5.0, "load_seconds": 1.0}
        for rate in (1_000, 2_000, 4_000)
    ]
    one, two = (replicas.sum_up(name, rounds) for name in (replicas.PAIR, replicas.PAIRS))

    assert one["requests_per_second"] == 2_000
    assert one["cpu_seconds_per_1000"] == pytest.approx(0.5)
    assert one["load_cpu_seconds_per_1000"] == pytest.approx(0.1)
    assert replicas.scale_of([one, {**two, "requests_per_second": 3_800}])["two_to_one"] == 1.9


def test_handshakes() -> None:
    """A handshake costs a part of the processor time, and the core's use says who was the limit."""
    row = handshakes.row_of("nginx", 2_000, took=4.0, used=2.0, resumed=True)

    assert row["handshakes_per_second"] == 500
    assert row["cpu_seconds_per_handshake"] == 0.001
    assert row["core_use"] == 0.5
