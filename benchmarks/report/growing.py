"""The tables of how the figures grow, and of what a replica takes."""

from collections.abc import Callable, Iterable
from typing import Final

from benchmarks.growth import (
    beside_large,
    body_size,
    handshakes,
    many_requests,
    namespaces,
    replicas,
)
from benchmarks.report import Parts, Row, answers, rows
from benchmarks.report.markdown import NONE, count, mib, missing, ms, percent, size
from benchmarks.report.markdown import table as written


def footprint(parts: Parts) -> str:
    """Write memory and start of a replica in a container."""
    found = rows(parts, "footprint")
    if not found:
        return missing("footprint")
    head = (
        *("namespaces", "when", "working set MiB", "RSS", "PSS", "anonymous"),
        *("start s", "CPU s of it"),
    )
    figures = ("working_set", "rss", "pss", "anonymous")
    lines = [
        (
            count(row["namespaces"]),
            row["when"].replace("-", " "),
            *(mib(row[name]) for name in figures),
            f"{row['ready_seconds']:.2f}",
            # Was not told at first.
            f"{row['ready_cpu_seconds']:.2f}" if "ready_cpu_seconds" in row else NONE,
        )
        for row in found
    ]
    return written(head, lines)


def _sizes(found: Iterable[Row]) -> str:
    """Write the median for each size and shape, and the line through those of a shape."""
    shapes: dict[str, dict[int, Row]] = {}
    lines: dict[str, Row] = {}
    for row in found:
        if "seconds_per_megabyte" in row:
            lines[row["shape"]] = row
        else:
            shapes.setdefault(row["shape"], {})[row["bytes"]] = row
    head = ("shape", "ms for each MB", "ms at zero", "farthest from the line", "p50 in ms by size")
    told = [
        (
            f"`{shape}`",
            ms(lines[shape]["seconds_per_megabyte"]),
            ms(lines[shape]["seconds_at_zero"]),
            f"{percent(lines[shape]['largest_deviation'])} %",
            ", ".join(f"{size(number)}: {ms(row['p50'])}" for number, row in each.items()),
        )
        for shape, each in shapes.items()
    ]
    return written(head, told, words=1)


def _beside(found: Iterable[Row]) -> str:
    """Write how long small reviews wait beside large ones."""
    head = ("beside", "p50 ms", "p99 ms", "longest ms", "late", "large ones answered")
    lines = [
        (
            f"`{row['shape']}`" if "bytes" in row else row["shape"],
            *(ms(row[name]) for name in ("small_p50", "small_p99", "small_longest")),
            f"{percent(row['small_late'])} %",
            count(row["large_reviews"]) if "large_reviews" in row else NONE,
        )
        for row in found
    ]
    return written(head, lines)


def _namespaces(found: Iterable[Row]) -> str:
    """Write latency and memory with more and more namespaces."""
    head = ("namespaces", "RSS MiB", "requests/s", "p50 ms", "p99 ms")
    lines = [
        (
            count(row["namespaces"]),
            mib(row["rss"]),
            count(row["requests_per_second"]),
            ms(row["p50"]),
            ms(row["p99"]),
        )
        for row in found
        if "namespaces" in row
    ]
    return written(head, lines)


def _replicas(found: Iterable[Row]) -> str:
    """Write what one replica answers, and what two do."""
    head = ("placement", "requests/s", "CPU s per 1,000", "CPU s of the load per 1,000")
    told = list(found)
    lines = [
        (
            row["placement"],
            count(row["requests_per_second"]),
            f"{row['cpu_seconds_per_1000']:.3f}",
            f"{row['load_cpu_seconds_per_1000']:.3f}",
        )
        for row in told
        if "placement" in row
    ]
    times = "".join(
        f"\nTwo replicas with their load answer {row['two_to_one']:.2f} times as many reviews as"
        " one with its own.\n"
        for row in told
        if "two_to_one" in row
    )
    return written(head, lines) + times


def _handshakes(found: Iterable[Row]) -> str:
    """Write what handshakes cost."""
    head = ("server", "session", "handshakes/s", "CPU ms for each", "core")
    lines = [
        (
            f"`{row['server']}`",
            "resumed" if row["resumed"] else "new",
            count(row["handshakes_per_second"]),
            ms(row["cpu_seconds_per_handshake"]),
            f"{percent(row['core_use'])} %",
        )
        for row in found
    ]
    return written(head, lines)


def _requests(found: Iterable[Row]) -> str:
    """Write how memory changed over many requests."""
    head = (
        *("requests", "errors", "RSS after a tenth, MiB", "at the end", "at most"),
        "more for each million",
    )
    lines = [
        (
            count(row["total"]),
            count(row["errors"]),
            *(mib(row[name]) for name in ("rss_settled", "rss_last", "rss_highest")),
            NONE if row["mib_per_million"] is None else f"{row['mib_per_million']:+.2f}",
        )
        for row in found
        if "total" in row
    ]
    return written(head, lines)


_TABLES: Final[dict[str, Callable[[Iterable[Row]], str]]] = {
    body_size.QUESTION: _sizes,
    beside_large.QUESTION: _beside,
    namespaces.QUESTION: _namespaces,
    replicas.QUESTION: _replicas,
    handshakes.QUESTION: _handshakes,
    many_requests.QUESTION: _requests,
}
QUESTIONS: Final = tuple(_TABLES)
"""The questions of ``make bench-growth``, each with a table."""


def answered(parts: Parts, question: str) -> str:
    """Write the table that answers a question."""
    found = answers(parts, question)
    return _TABLES[question](found) if found else missing("growth")
