"""Does latency grow in proportion to the size of a body, from 2 KB to 18 MB?"""

from collections.abc import Sequence
from typing import Final

from benchmarks import servers
from benchmarks.growth import Row, Say, new_folder, one_by_one
from benchmarks.growth.lines import fit, quantile
from benchmarks.growth.sizes import CONTAINERS, ESCAPED, TEXT, review
from benchmarks.servers import Server

QUESTION: Final = "body-size"
_SIZES: Final = (2_500, 9_000, 67_000, 300_000, 1_000_000, 3_000_000, 9_000_000, 18_000_000)
_LARGEST: Final = {CONTAINERS: 3_000_000, TEXT: _SIZES[-1], ESCAPED: _SIZES[-1]}
"""Bytes of the largest review of each shape that an API server sends, or that may have a bound of
its own: see ``webhook.server.bodies``."""
_SECONDS, _FEWEST = 2.0, 15
"""How long each size is sent, and how often, at least."""
_MEGABYTE: Final = 1_000_000


def measure(say: Say) -> list[Row]:
    """Measure, over one connection, all sizes of each shape; and last the line through them.

    Args:
        say: Told what goes on.

    Raises:
        BenchmarkError: The server cannot be measured.
    """
    rows: list[Row] = []
    with new_folder() as folder, servers.ours(folder / "server") as server:
        for shape, largest in _LARGEST.items():
            sizes = [size for size in _SIZES if size <= largest]
            found = [_sized(server, shape, size, say) for size in sizes]
            rows += [*found, line_of(shape, found)]
    return rows


def _sized(server: Server, shape: str, size: int, say: Say) -> Row:
    """Measure one size."""
    made = review(shape, size)
    say(f"latency against size: {made.name}")
    server.check(made)
    tls = server.folder / "tls"
    took = one_by_one.run(server.port, tls, made, seconds=_SECONDS, fewest=_FEWEST)
    return row_of(shape, len(made.body), took)


def row_of(shape: str, size: int, took: Sequence[float]) -> Row:
    """Make the row of one size.

    Args:
        shape: Of the reviews.
        size: Bytes of each.
        took: Seconds of each; at least one.
    """
    return {
        "question": QUESTION,
        "shape": shape,
        "bytes": size,
        "p50": quantile(took, 0.5),
        "fastest": min(took),
        "p99": quantile(took, 0.99),
        "requests": len(took),
    }


def line_of(shape: str, found: list[Row]) -> Row:
    """Make the row that sums up a shape: the line that its medians lie on.

    Args:
        shape: Of the reviews.
        found: The rows of its sizes.
    """
    line = fit([(row["bytes"] / _MEGABYTE, row["p50"]) for row in found])
    return {
        "question": QUESTION,
        "shape": shape,
        "seconds_per_megabyte": line.slope,
        "seconds_at_zero": line.intercept,
        "largest_deviation": line.deviation,
    }
