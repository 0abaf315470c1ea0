"""What people see has all figures, and says what speaks against them."""

import io

from rich.console import Console
from rich.table import Table

from benchmarks import tables
from benchmarks.servers import OURS
from benchmarks.throughput import rows
from tests.unit.benchmarks.samples import PEER, SAMPLES, sample

FOUND = rows(SAMPLES)


def shown(table: Table) -> list[list[str]]:
    """Print a table, and split its rows into cells."""
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]


def test_typical_case() -> None:
    """A row for each server has its medians, its memory, and how long it took to become ready."""
    ours, peer = shown(tables.typical(FOUND))

    assert ours == f"{OURS}|1,200|10.0|20.0|40.0|0.500|60%|120.0|60.0|12.00|3".split("|")
    assert peer[:2] == [PEER, "200"]


def test_other_cases() -> None:
    """A row for each case has requests a second and p99 of each server, or that there are none."""
    first, second, *_ = shown(tables.others(FOUND, [OURS, PEER]))

    assert first == ["pod-9k", "16", "1,200  20.0", "200  200"]
    assert second == ["pod-9k", "1", "600  10.0", "-"]


def test_ratios_end_with_the_typical_case() -> None:
    """The last line says how many times as much, and how far rounds were apart."""
    *_, last = tables.ratios(FOUND)

    assert " ".join(last.split()) == (
        "pod-9k x 16 requests/s 6.00 (4.00 to 10.00) p99 0.100 (0.050 to 0.150)"
        " CPU 1.000 (1.000 to 1.000)"
    )


def test_no_ratios_without_a_peer() -> None:
    """Where controller-runtime was left out nothing is said about it."""
    assert tables.ratios(rows(SAMPLES[:3])) == []


def test_doubts_are_said() -> None:
    """A busy machine, and a core that others used, are said; a quiet run has none of both."""
    busy, starved = tables.doubts(FOUND, load=2.5)

    assert "load 2.5" in busy
    assert starved.startswith(f"{OURS} used as little as 60% of its core")
    assert "in 1 of 1 cases" in starved  # over one connection any server waits
    assert tables.doubts(rows([sample(PEER, 100)]), load=0.1) == []


def test_samples_are_shown_as_they_come() -> None:
    """Each gives a line, and its errors another one."""
    console = Console(file=io.StringIO(), width=200)

    with tables.Progress(console) as progress:
        progress.say("pod-9k")
        progress.seen(SAMPLES[0])

    first, second = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert " ".join(first.split()[2:]) == f"pod-9k x 16 {OURS} 1,000 requests/s p99 10.0 ms"
    assert second.strip() == "1 errors"
