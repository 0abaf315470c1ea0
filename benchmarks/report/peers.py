"""The tables of the comparison with peers."""

from benchmarks.matrix import OTHERS, TYPICAL, Case
from benchmarks.peers.commands import CONTROLLER_RUNTIME
from benchmarks.report import Parts, Row, rows
from benchmarks.report.markdown import NONE, count, digits, mib, missing, ms, percent
from benchmarks.report.markdown import table as written
from benchmarks.servers import NAMES, OURS
from benchmarks.throughput import ratio, row_of

PART = "throughput"


def typical(parts: Parts) -> str:
    """Write the table of the typical case: all that was measured of each server."""
    found = rows(parts, PART)
    if not found:
        return missing(PART)
    head = (
        *("server", "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU s per 1,000", "core"),
        *("RSS MiB", "ready s", "errors"),
    )
    measured = (row_of(found, name, TYPICAL) for name in NAMES)
    return written(head, [_typical(row) for row in measured if row is not None])


def _typical(row: Row) -> tuple[str, ...]:
    return (
        f"`{row['server']}`",
        count(row["requests_per_second"]),
        *(ms(row[name]) for name in ("p50", "p99", "p999")),
        f"{row['cpu_seconds_per_1000']:.3f}",
        f"{percent(row['core'])} %",
        mib(row["rss"]),
        f"{row['ready_seconds']:.2f}",
        str(row["errors"]),
    )


def others(parts: Parts) -> str:
    """Write requests a second and p99 of all cases: a row for each, a column for each server."""
    found = rows(parts, PART)
    if not found:
        return missing(PART)
    names = [name for name in NAMES if row_of(found, name, TYPICAL)]
    lines = [
        (_case(case), *(_cell(row_of(found, name, case)) for name in names))
        for case in _cases(found)
    ]
    return written(("review x connections", *(f"`{name}`" for name in names)), lines)


def _cases(found: list[Row]) -> list[Case]:
    """Return the cases in which we were measured, the typical one first."""
    return [case for case in (TYPICAL, *OTHERS) if row_of(found, OURS, case)]


def _case(case: Case) -> str:
    return f"`{case.review.name}` x {case.connections}"


def _cell(row: Row | None) -> str:
    return NONE if row is None else f"{count(row['requests_per_second'])}, {ms(row['p99'])} ms"


def ratios(parts: Parts) -> str:
    """Write us next to controller-runtime in all cases, with the lowest and highest of a round."""
    found = rows(parts, PART)
    if ratio(found, "p99", TYPICAL) is None:
        return missing(PART)
    head = ("review x connections", "requests/s", "p99", "CPU for each review")
    figures = ("requests_per_second", "p99", "cpu_seconds_per_1000")
    lines = [
        (_case(case), *(_ratio(found, figure, case) for figure in figures))
        for case in _cases(found)
    ]
    return f"`{OURS}`, divided by `{CONTROLLER_RUNTIME}`:\n\n{written(head, lines)}"


def _ratio(found: list[Row], figure: str, case: Case) -> str:
    each = ratio(found, figure, case)
    if each is None:
        return NONE
    if figure == "requests_per_second":
        return f"{digits(each.median)} ({digits(each.lowest)} to {digits(each.highest)})"
    return f"{each.median:.3f} ({each.lowest:.3f} to {each.highest:.3f})"
