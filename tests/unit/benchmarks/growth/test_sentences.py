"""Rows are told in sentences, and whether a bar holds."""

from typing import Any

import pytest

from benchmarks.growth import sentences

Row = dict[str, Any]

BESIDE: Row = {
    "question": "beside-large",
    "shape": "text",
    "small_p50": 0.001,
    "small_p99": 0.019,
    "small_longest": 0.25,
    "small_late": 0.004,
    "bar": 0.02,
}
LARGE: Row = {"large_reviews": 40, "errors": 0}
PLACED: Row = {"requests_per_second": 2_000.0, "cpu_seconds_per_1000": 0.4}
HANDSHAKES: Row = {"handshakes_per_second": 900.0, "cpu_seconds_per_handshake": 0.001}
MEMORY: Row = {
    "total": 200_000,
    "rss_settled": 80.0,
    "rss_last": 80.5,
    "rss_highest": 81.0,
    "errors": 0,
}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"question": "body-size", "shape": "text", "bytes": 9_000, "p50": 0.0012},
            "text of 9,000 bytes: p50 1.20 ms",
        ),
        (
            {
                "question": "body-size",
                "shape": "text",
                "seconds_per_megabyte": 0.011,
                "largest_deviation": 0.13,
            },
            "text: 11.00 ms for each MB, 13% off the line at most",
        ),
        (
            BESIDE | {"shape": "nothing"},
            (
                "small reviews beside nothing: p50 1.00, p99 19.00, at most 250 ms, 0.4% above the"
                " bar, which holds"
            ),
        ),
        (
            BESIDE | LARGE | {"small_p99": 0.02},
            (
                "small reviews beside text: p50 1.00, p99 20.00, at most 250 ms, 0.4% above the"
                " bar, which does not hold; 40 large ones, 0 errors"
            ),
        ),
        (
            {
                "question": "namespaces",
                "namespaces": 5_000,
                "rss": 65.0,
                "requests_per_second": 2_500.0,
                "p50": 0.005,
                "p99": 0.012,
            },
            "5,000 namespaces: RSS 65.0 MiB, 2,500 requests/s, p50 5.00, p99 12.00 ms",
        ),
        (
            {
                "question": "namespaces",
                "kib_per_namespace": 0.987,
                "p50_ratio": 1.01,
                "p99_ratio": 1.1,
            },
            (
                "0.99 KiB for each namespace; with the most of them 1.01 times the p50, and 1.10"
                " times the p99"
            ),
        ),
        (
            {"question": "many-requests", **MEMORY, "mib_per_million": 2.777},
            (
                "200,000 requests: RSS 80.0 MiB after a tenth of them, 80.5 at the end, 81.0 at"
                " most, +2.78 MiB for each million; 0 errors"
            ),
        ),
        (
            {"question": "many-requests", **MEMORY, "mib_per_million": None},
            (
                "200,000 requests: RSS 80.0 MiB after a tenth of them, 80.5 at the end, 81.0 at"
                " most; 0 errors"
            ),
        ),
        (
            {
                "question": "replicas",
                "placement": "one",
                **PLACED,
                "load_cpu_seconds_per_1000": 0.1,
            },
            "one: 2,000 requests/s; CPU seconds for 1,000: 0.400, of the load 0.100",
        ),
        (
            {"question": "replicas", "two_to_one": 1.9},
            "two replicas answer 1.90 times as many as one",
        ),
        (
            {
                "question": "handshakes",
                "server": "nginx",
                "resumed": False,
                "core_use": 0.97,
                **HANDSHAKES,
            },
            "nginx, full: 900 handshakes/s, 1.00 ms of CPU each, 97% of a core",
        ),
        (
            {
                "question": "handshakes",
                "server": "nginx",
                "resumed": True,
                "core_use": 0.5,
                **HANDSHAKES,
            },
            "nginx, resumed: 900 handshakes/s, 1.00 ms of CPU each, 50% of a core",
        ),
    ],
)
def test_sentence(row: Row, said: str) -> None:
    """Each row is told with its figures."""
    assert list(sentences.lines([row])) == [said]


def test_samples_are_not_told() -> None:
    """The samples of memory are kept, and only what sums them up is told."""
    assert not list(sentences.lines([{"question": "many-requests", "requests": 1, "rss": 80.0}]))
