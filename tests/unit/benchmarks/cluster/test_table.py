"""The table on the terminal."""

import io

from rich.console import Console

from benchmarks.cluster import bars, table
from benchmarks.cluster.turns import rows
from benchmarks.cluster.variants import ALL, NONE, OUR_OWN
from tests.unit.benchmarks.cluster.rounds import turn


def test_table_has_every_variant() -> None:
    """Each variant has a line with its figures in milliseconds, and each bar one with a verdict."""
    found = {each.name: turn(0.005, 250, 0.0012, 0.0003) for each in ALL} | {
        NONE.name: turn(0.004, 1300)
    }
    made = rows(ALL, [found])
    stream = io.StringIO()
    Console(file=stream, width=140).print(table.show(made, bars.judge(made)))
    shown = stream.getvalue()

    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines()]
    lines = {line[0]: line[1:] for line in cells if line and line[0]}
    assert set(lines) == {variant.title for variant in ALL}
    assert lines[NONE.title] == [
        *("4.00", "8.00", "0.00", "", "", "2.00", "1.00"),
        *("16.00", "32.00", "1,300"),
    ]
    assert lines[OUR_OWN.title] == [
        *("5.00", "10.00", "1.00", "1.20", "0.30", "2.50", "1.25"),
        *("20.00", "40.00", "250"),
    ]
    assert "ours adds at most 1.5 ms at the median: yes (1.00 ms)" in shown
    assert "ours adds at most 10% of what Istio's injector adds: no (1.00 of 1.00 ms)" in shown
