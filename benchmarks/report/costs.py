"""What it costs: a table for those who run a cluster, and one of creations in full."""

from collections.abc import Iterator
from typing import Final

from benchmarks.cluster.variants import BOTH, INJECTOR, NONE, OUR_OWN
from benchmarks.growth import body_size, namespaces
from benchmarks.growth.sizes import ESCAPED
from benchmarks.matrix import TYPICAL
from benchmarks.report import Parts, Row, answers, rows, variants
from benchmarks.report.markdown import count, digits, mib, missing, ms, percent, words
from benchmarks.report.markdown import table as written
from benchmarks.servers import OURS
from benchmarks.throughput import row_of

_CREATIONS: Final = 10
"""Creations a second of which the share of a core is told: many, for a cluster."""
_THOUSAND: Final = 1000

_COLUMNS: Final = {
    "p50": "p50",
    "p99": "p99",
    "adds": "adds_p50",
    "API server": "api_server",
    "ours": "ours",
    "CPU API server": "api_server_cpu",
    "CPU called": "called_cpu",
    "p50 of 8": "many_p50",
    "p99 of 8": "many_p99",
}
"""Titles of the columns of creations, all in milliseconds, and the figures below them."""

Line = tuple[str, str, str]
"""What, how much, and which measurement says so."""


def table(parts: Parts) -> str:
    """Write the table; what was not measured has no row.

    Args:
        parts: What was measured.
    """
    lines = [*_creation(parts), *_replica(parts), *_memory(parts), *_size(parts)]
    return words(("what", "costs", "measured by"), lines)


def _creation(parts: Parts) -> Iterator[Line]:
    found = variants(parts)
    if not found:
        return
    none, ours = found[NONE.name], found[OUR_OWN.name]
    by = "`make bench-cluster`"
    yield (
        "creation of a Pod in an opted-in namespace, median",
        f"{ms(ours['adds_p50'])} ms more: {ms(ours['p50'])} instead of {ms(none['p50'])} ms",
        by,
    )
    beside = found[BOTH.name]["adds_p50"] - found[INJECTOR.name]["adds_p50"]
    yield (
        "the same where Istio's injector is called as well",
        f"{ms(beside)} ms more, beside {ms(found[INJECTOR.name]['adds_p50'])} ms of the injector",
        by,
    )
    yield (
        "one call, as the API server counts it",
        f"{ms(ours['api_server'])} ms, of which {ms(ours['ours'])} ms in the webhook itself",
        by,
    )
    more = ours["api_server_cpu"] - none["api_server_cpu"]
    yield "processor time of the API server for a creation", f"{ms(more)} ms more", by


def _replica(parts: Parts) -> Iterator[Line]:
    row = row_of(rows(parts, "throughput"), OURS, TYPICAL)
    if row is None:
        return
    each = row["cpu_seconds_per_1000"] / _THOUSAND
    yield (
        "processor time of a replica for a review",
        (
            f"{ms(each)} ms: {_CREATIONS} creations a second take {percent(each * _CREATIONS)} %"
            " of a core"
        ),
        "`make bench`",
    )
    yield (
        "the most that a replica answers with one core",
        (
            f"{count(row['requests_per_second'])} reviews a second, 99 of 100 within"
            f" {ms(row['p99'])} ms"
        ),
        "`make bench`",
    )


def _memory(parts: Parts) -> Iterator[Line]:
    after = {r["namespaces"]: r for r in rows(parts, "footprint") if r["when"] != "ready"}
    by = "`make bench-footprint`"
    for number, row in sorted(after.items()):
        yield (
            f"memory of a replica, {number:,} namespaces in the cluster",
            f"{mib(row['working_set'])} MiB of working set, {mib(row['rss'])} MiB RSS",
            by,
        )
    if after:
        row = after[max(after)]
        yield (
            "start of a replica until it is ready, on a core that nobody else uses",
            f"{row['ready_seconds']:.2f} s",
            by,
        )
    for row in answers(parts, namespaces.QUESTION):
        if "kib_per_namespace" in row:
            yield (
                "memory for each namespace more",
                f"{row['kib_per_namespace']:.2f} KiB",
                "`make bench-growth`",
            )


def _size(parts: Parts) -> Iterator[Line]:
    for row in answers(parts, body_size.QUESTION):
        if row["shape"] == ESCAPED and "seconds_per_megabyte" in row:
            yield (
                "a larger object, for each MB of its review",
                f"{digits(row['seconds_per_megabyte'] * _THOUSAND)} ms",
                "`make bench-growth`",
            )


def creations(parts: Parts) -> str:
    """Write what a creation costs with each webhook; columns as in benchmarks/cluster/README.md.

    Args:
        parts: What was measured.
    """
    found = variants(parts)
    if not found:
        return missing("cluster")
    head = ("namespace with", *(f"{title} ms" for title in _COLUMNS), "Pods/s")
    return written(head, [_of_variant(row) for row in found.values()])


def _of_variant(row: Row) -> tuple[str, ...]:
    figures = (ms(row[name]) if row[name] != 0 else "0" for name in _COLUMNS.values())
    return (row["title"], *figures, count(row["creations_per_second"]))
