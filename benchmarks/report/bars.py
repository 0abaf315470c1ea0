"""The bars: what ought to hold, what was measured, and by how much a bar is missed."""

import dataclasses
from collections.abc import Iterator
from typing import Final

from benchmarks import footprint
from benchmarks.cluster.bars import MOST_OF_ISTIO, MOST_SECONDS
from benchmarks.cluster.variants import INJECTOR, OUR_OWN
from benchmarks.growth import beside_large, body_size, many_requests, namespaces
from benchmarks.growth.sizes import ESCAPED
from benchmarks.matrix import TYPICAL
from benchmarks.report import Parts, answers, rows, variants
from benchmarks.report.markdown import count, digits, mib, ms, percent, words
from benchmarks.throughput import ratio

LEAST_RATE: Final = 10.0
"""How many times the requests a second of controller-runtime's webhook at least."""
MOST_P99: Final = 0.1
"""The part of its p99 at most."""
MOST_OFF_LINE: Final = 0.25
"""Where sizes differ seven thousandfold, a median this far off the line is still on it."""
MOST_GROWN: Final = 1.1
"""p50 with the most namespaces next to the fewest: rounds of the same differ by as much."""
REQUESTS: Final = 10_000_000
MOST_KEPT: Final = 2.0
"""MiB that memory may grow over the requests after the first tenth of them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """Something that ought to hold."""

    text: str
    """What."""
    measured: str
    """The figure, with its unit."""
    missed_by: float | None
    """The part of the bar that is missing or too much; 0 or less: it holds; ``None``: too little
    was measured."""

    @property
    def verdict(self) -> str:
        """Yes, or no and by how much."""
        if self.missed_by is None:
            return "not measured to the end"
        return "yes" if self.missed_by <= 0 else f"**no**, by {percent(self.missed_by)} %"


def table(parts: Parts) -> str:
    """Write the table of all bars whose part was measured."""
    found = ((bar.text, bar.measured, bar.verdict) for bar in judge(parts))
    return words(("bar", "measured", "holds"), found)


def judge(parts: Parts) -> list[Bar]:
    """Tell which bars hold.

    Args:
        parts: What was measured.
    """
    return [*_throughput(parts), *_creation(parts), *_footprint(parts), *_growth(parts)]


def _most(text: str, value: float, most: float, measured: str) -> Bar:
    return Bar(text, measured, value / most - 1)


def _throughput(parts: Parts) -> Iterator[Bar]:
    found = rows(parts, "throughput")
    if rate := ratio(found, "requests_per_second", TYPICAL):
        yield Bar(
            f"at least {LEAST_RATE:g} times the requests a second of controller-runtime",
            f"{digits(rate.median)} times ({digits(rate.lowest)} to {digits(rate.highest)})",
            1 - rate.median / LEAST_RATE,
        )
    if p99 := ratio(found, "p99", TYPICAL):
        yield _most(
            f"at most {MOST_P99:g} of its p99",
            p99.median,
            MOST_P99,
            f"{p99.median:.3f} ({p99.lowest:.3f} to {p99.highest:.3f})",
        )


def _creation(parts: Parts) -> Iterator[Bar]:
    found = variants(parts)
    if not found:
        return
    adds, istio = found[OUR_OWN.name]["adds_p50"], found[INJECTOR.name]["adds_p50"]
    yield _most(
        f"a Pod's creation takes at most {ms(MOST_SECONDS)} ms more at the median",
        *(adds, MOST_SECONDS, f"{ms(adds)} ms"),
    )
    part = adds / istio if istio > 0 else 1.0
    yield _most(
        f"at most {MOST_OF_ISTIO:g} of what Istio's injector adds",
        *(part, MOST_OF_ISTIO, f"{part:.2f}: {ms(adds)} of {ms(istio)} ms"),
    )


def _footprint(parts: Parts) -> Iterator[Bar]:
    after = [row for row in rows(parts, "footprint") if row["when"] != "ready"]
    if not after:
        return
    row = max(after, key=lambda each: each["namespaces"])
    beside = f"with {row['namespaces']:,} namespaces"
    for name, most, what, value, unit in (
        ("working_set", footprint.WORKING_SET, "working set", mib(row["working_set"]), "MiB"),
        ("rss", footprint.RSS, "RSS", mib(row["rss"]), "MiB"),
        ("ready_seconds", footprint.READY, "start", f"{row['ready_seconds']:.2f}", "s"),
    ):
        text = f"{what} {beside} at most {most:g} {unit}"
        yield _most(text, row[name], most, f"{value} {unit}")


def _growth(parts: Parts) -> Iterator[Bar]:
    yield from _sizes(parts)
    for row in answers(parts, beside_large.QUESTION):
        if "bytes" in row:
            sent = "" if row["shape"] == ESCAPED else ", which no API server sends"
            yield _most(
                f"small reviews beside 18 MB (`{row['shape']}`{sent}): p99 at most"
                f" {ms(row['bar'])} ms",
                *(row["small_p99"], row["bar"], f"{ms(row['small_p99'])} ms"),
            )
    for row in answers(parts, namespaces.QUESTION):
        if "p50_ratio" in row:
            yield _most(
                f"p50 with the most namespaces at most {MOST_GROWN:g} times that with the fewest",
                *(row["p50_ratio"], MOST_GROWN, f"{row['p50_ratio']:.2f} times"),
            )
    for row in answers(parts, many_requests.QUESTION):
        if "total" in row:
            yield _kept(row)


def _sizes(parts: Parts) -> Iterator[Bar]:
    for row in answers(parts, body_size.QUESTION):
        if "largest_deviation" in row:
            off = row["largest_deviation"]
            yield _most(
                f"p50 grows in a line with the size (`{row['shape']}`): at most"
                f" {percent(MOST_OFF_LINE)} % off it",
                *(off, MOST_OFF_LINE, f"{percent(off)} % at most"),
            )


def _kept(row: dict[str, float]) -> Bar:
    """Judge memory over many requests; fewer than the bar asks for decide nothing."""
    grown = row["rss_last"] - row["rss_settled"]
    text = (
        f"memory grows by at most {MOST_KEPT:g} MiB over {count(REQUESTS)} requests, after the"
        " first tenth"
    )
    measured = f"{grown:+.1f} MiB over {count(row['total'])}"
    if row["total"] < REQUESTS:
        return Bar(text, measured, None)
    return _most(text, grown, MOST_KEPT, measured)
