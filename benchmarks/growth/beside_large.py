"""Do small reviews wait while 18 MB reviews are answered, one after the other?"""

import concurrent.futures
from pathlib import Path
from typing import Final

from benchmarks import servers, usage, wrk
from benchmarks.growth import Row, Say, new_folder, paced
from benchmarks.growth.paced import Waits
from benchmarks.growth.sizes import ANNOTATIONS, ESCAPED, LARGEST, TEXT, review
from benchmarks.reviews import REVIEWS, Review
from benchmarks.servers import Server
from benchmarks.wrk import Measured

QUESTION: Final = "beside-large"
BAR: Final = 0.02
"""Seconds within which 99 of 100 small reviews have to be answered."""
_SMALL: Final = REVIEWS["pod-2k"]
_RATE: Final = 200.0
"""Small reviews in a second."""
_SECONDS: Final = 8
_LONGER: Final = 1
"""Seconds by which large reviews go on longer."""


def measure(say: Say) -> list[Row]:
    """Measure how long small reviews wait: beside nothing, and beside large ones of each shape.

    Args:
        say: Told what goes on.

    Raises:
        BenchmarkError: The server cannot be measured.
    """
    rows: list[Row] = []
    with new_folder() as folder, servers.ours(folder / "server") as server:
        say("small reviews beside nothing")
        server.check(_SMALL)
        rows.append(_row(None, None, _small(server, _SECONDS)))
        for shape in (ESCAPED, TEXT, ANNOTATIONS):
            large = review(shape, LARGEST)
            say(f"small reviews beside one of {large.name} after the other")
            server.check(large)
            rows.append(_beside(server, shape, large))
    return rows


def _small(server: Server, seconds: int) -> Waits:
    ca: Path = server.folder / "tls" / "ca.crt"
    return paced.run(server.port, ca, _SMALL, rate=_RATE, seconds=seconds, bar=BAR)


def _beside(server: Server, shape: str, large: Review) -> Row:
    """Send small reviews while large ones are under way."""
    before = usage.cpu_seconds(server.pid)
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        answered = beside.submit(wrk.run, server.port, large, 1, _SECONDS + _LONGER)
        waits = _small(server, _SECONDS)
        measured = answered.result()
    used = usage.cpu_seconds(server.pid) - before
    row = _row(shape, measured, waits)
    return {**row, "bytes": len(large.body), "core_use": used / (_SECONDS + _LONGER)}


def _row(shape: str | None, large: Measured | None, waits: Waits) -> Row:
    """Make the row of small reviews beside one shape, or beside nothing."""
    row: Row = {
        "question": QUESTION,
        "shape": shape or "nothing",
        "small_p50": waits.p50,
        "small_p99": waits.p99,
        "small_longest": waits.longest,
        "small_late": waits.late,
        "bar": BAR,
        "small_reviews": waits.reviews,
    }
    if large is not None:
        # No latency: wrk does not tell that of large ones (benchmarks.growth.one_by_one).
        row |= {"large_reviews": large.requests, "errors": large.errors}
    return row
