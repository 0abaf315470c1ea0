"""What the rows say, in one line for each answer, and whether a bar holds."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from benchmarks.growth import (
    Row,
    beside_large,
    body_size,
    handshakes,
    many_requests,
    namespaces,
    replicas,
)

_MILLI: Final = 1000


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """Say what was found.

    Args:
        rows: Of any questions, in any order.
    """
    for row in rows:
        line = _SENTENCES[row["question"]](row)
        if line:
            yield line


def _body_size(row: Row) -> str:
    if "seconds_per_megabyte" in row:
        return (
            f"{row['shape']}: {_ms(row['seconds_per_megabyte'])} ms for each MB,"
            f" {row['largest_deviation']:.0%} off the line at most"
        )
    return f"{row['shape']} of {row['bytes']:,} bytes: p50 {_ms(row['p50'])} ms"


def _beside_large(row: Row) -> str:
    holds = "holds" if row["small_p99"] < row["bar"] else "does not hold"
    large = ""
    if "large_reviews" in row:
        large = f"; {row['large_reviews']} large ones, {row['errors']} errors"
    return (
        f"small reviews beside {row['shape']}: p50 {_ms(row['small_p50'])},"
        f" p99 {_ms(row['small_p99'])}, at most {_ms(row['small_longest'])} ms,"
        f" {row['small_late']:.1%} above the bar, which {holds}{large}"
    )


def _namespaces(row: Row) -> str:
    if "kib_per_namespace" in row:
        return (
            f"{row['kib_per_namespace']:.2f} KiB for each namespace; with the most of them"
            f" {row['p50_ratio']:.2f} times the p50, and {row['p99_ratio']:.2f} times the p99"
        )
    return (
        f"{row['namespaces']:,} namespaces: RSS {row['rss']:.1f} MiB,"
        f" {row['requests_per_second']:,.0f} requests/s, p50 {_ms(row['p50'])},"
        f" p99 {_ms(row['p99'])} ms"
    )


def _many_requests(row: Row) -> str:
    if "total" not in row:
        return ""
    growth = row["mib_per_million"]
    told = "" if growth is None else f", {growth:+.2f} MiB for each million"
    return (
        f"{row['total']:,} requests: RSS {row['rss_settled']:.1f} MiB after a tenth of them,"
        f" {row['rss_last']:.1f} at the end, {row['rss_highest']:.1f} at most{told};"
        f" {row['errors']} errors"
    )


def _replicas(row: Row) -> str:
    if "two_to_one" in row:
        return f"two replicas answer {row['two_to_one']:.2f} times as many as one"
    return (
        f"{row['placement']}: {row['requests_per_second']:,.0f} requests/s; CPU seconds for 1,000:"
        f" {row['cpu_seconds_per_1000']:.3f}, of the load {row['load_cpu_seconds_per_1000']:.3f}"
    )


def _handshakes(row: Row) -> str:
    how = "resumed" if row["resumed"] else "full"
    return (
        f"{row['server']}, {how}: {row['handshakes_per_second']:,.0f} handshakes/s,"
        f" {_ms(row['cpu_seconds_per_handshake'])} ms of CPU each, {row['core_use']:.0%} of a core"
    )


def _ms(seconds: float) -> str:
    """Write a time in ms with digits that say something."""
    value = seconds * _MILLI
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004


_SENTENCES: Final[dict[str, Callable[[Row], str]]] = {
    body_size.QUESTION: _body_size,
    beside_large.QUESTION: _beside_large,
    namespaces.QUESTION: _namespaces,
    many_requests.QUESTION: _many_requests,
    replicas.QUESTION: _replicas,
    handshakes.QUESTION: _handshakes,
}
