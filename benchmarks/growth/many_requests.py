"""Does memory grow over many requests?"""

from typing import Final

from benchmarks import servers, usage, wrk
from benchmarks.growth import WARM_UP, Row, Say, new_folder
from benchmarks.reviews import REVIEWS
from benchmarks.wrk import Measured

QUESTION: Final = "many-requests"
ORDINARY: Final = 200_000
"""Requests of an ordinary run, a minute or two; the bar is about ten million."""
_REVIEW: Final = REVIEWS["pod-2k"]
_CONNECTIONS: Final = 16
_ROUNDS: Final = 20
"""Samples of memory, about; connections are opened anew after each."""
_SHORTEST, _LONGEST = 2, 30
"""Seconds of load between two samples."""
_MILLION: Final = 1_000_000


def measure(say: Say, requests: int = ORDINARY) -> list[Row]:
    """Send reviews until there were so many, and look at the memory again and again.

    Args:
        say: Told what goes on.
        requests: How many, at least.

    Raises:
        BenchmarkError: The server cannot be measured.
    """
    found: list[Row] = []
    with new_folder() as folder, servers.ours(folder / "server") as server:
        server.check(_REVIEW)
        # What the first requests make stays: connections, byte code, counters of metrics.
        sent, seconds = 0, WARM_UP
        while True:
            measured = wrk.run(server.port, _REVIEW, _CONNECTIONS, seconds)
            sent += measured.requests
            found.append(row_of(sent, usage.memory(server.pid).rss, measured))
            say(f"{sent:,} of {requests:,} requests; {found[-1]['rss']:.1f} MiB")
            if sent >= requests:
                return [*found, growth_of(found)]
            seconds = seconds_of(requests, measured.requests_per_second)


def seconds_of(requests: int, rate: float) -> int:
    """Choose how long to send reviews before the next look at the memory.

    Args:
        requests: How many there are to be in all.
        rate: So many are answered in a second.
    """
    return min(max(round(requests / rate / _ROUNDS), _SHORTEST), _LONGEST)


def row_of(sent: int, rss: float, measured: Measured) -> Row:
    """Make the row of one sample.

    Args:
        sent: Requests so far.
        rss: MiB.
        measured: The load before it.
    """
    return {
        "question": QUESTION,
        "requests": sent,
        "rss": rss,
        "requests_per_second": measured.requests_per_second,
        "errors": measured.errors,
    }


def growth_of(found: list[Row]) -> Row:
    """Make the row that sums up: how much memory grew after the first tenth of the requests.

    Args:
        found: The samples, in their order.
    """
    last = found[-1]
    settled = next(row for row in found if row["requests"] >= last["requests"] / 10)
    more = last["requests"] - settled["requests"]
    grown = last["rss"] - settled["rss"]
    return {
        "question": QUESTION,
        "total": last["requests"],
        "errors": sum(row["errors"] for row in found),
        "rss_settled": settled["rss"],
        "rss_last": last["rss"],
        "rss_highest": max(row["rss"] for row in found),
        "mib_per_million": grown / more * _MILLION if more else None,
    }
