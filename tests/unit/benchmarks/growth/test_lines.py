"""Figures that lie on a line are told from those that do not."""

import pytest

from benchmarks.growth.lines import fit, quantile


def test_points_on_a_line() -> None:
    """A line is found as it is, however far apart its points are."""
    line = fit([(x, 0.5 + 3 * x) for x in (0.002, 0.3, 1.0, 18.0)])

    assert line.intercept == pytest.approx(0.5)
    assert line.slope == pytest.approx(3)
    assert line.deviation == pytest.approx(0, abs=1e-9)


def test_point_beside_the_line() -> None:
    """The largest deviation is told as a part of what was measured there."""
    points = [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 8.0)]
    line = fit(points)

    off = [abs(y - line.intercept - line.slope * x) / y for x, y in points]
    assert line.deviation == pytest.approx(max(off))
    assert line.deviation > 0.1


@pytest.mark.parametrize("points", [[], [(1.0, 1.0)], [(1.0, 1.0), (1.0, 2.0)], [(1, 0), (2, 1)]])
def test_no_line(points: list[tuple[float, float]]) -> None:
    """Points that say nothing of a line are refused."""
    with pytest.raises(ValueError, match="two points"):
        fit(points)


@pytest.mark.parametrize(("part", "value"), [(0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1, 100)])
def test_quantile(part: float, value: float) -> None:
    """A quantile is one of the values, whatever their order."""
    assert quantile(range(100, 0, -1), part) == value
