"""The bars say yes or no, and by which figures."""

import pytest

from benchmarks.cluster.bars import judge
from benchmarks.cluster.turns import Row


def rows(ours: float, istio: float) -> list[Row]:
    """Make the rows that decide: seconds that are added at the median."""
    return [
        {"variant": "none", "adds_p50": 0.0},
        {"variant": "ours", "adds_p50": ours},
        {"variant": "istio", "adds_p50": istio},
    ]


@pytest.mark.parametrize(
    ("ours", "istio", "verdicts"),
    [
        (0.0012, 0.0121, [True, True]),
        (0.0015, 0.0150, [True, True]),
        (0.0014, 0.0130, [True, False]),
        (0.0016, 0.0200, [False, True]),
        (0.0020, 0.0100, [False, False]),
    ],
)
def test_both_bars(ours: float, istio: float, verdicts: list[bool]) -> None:
    """At most a millisecond and a half, and at most a tenth of what Istio's injector adds."""
    assert [bar.holds for bar in judge(rows(ours, istio))] == verdicts


def test_figures_stand_beside_the_verdict() -> None:
    """A reader sees the numbers that decide."""
    absolute, relative = judge(rows(0.00123, 0.0142))

    assert absolute.figures == "1.23 ms"
    assert relative.figures == "1.23 of 14.20 ms"
