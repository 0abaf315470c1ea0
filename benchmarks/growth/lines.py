"""Whether figures lie on a line, and what quantiles they have."""

import dataclasses
import math
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """The line that measured points lie on, more or less."""

    intercept: float
    """Where it begins: y at x = 0."""

    slope: float
    """By how much y grows where x grows by one."""

    deviation: float
    """The largest distance of a point from the line, as a part of the point's own y."""


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """Find the line from which the points deviate least, each in relation to its own y.

    So the small ones count as much as the large ones, which a usual regression would hardly see
    where the largest x is thousands of times the smallest.

    Args:
        points: x and y, with at least two different x; every y above 0.

    Raises:
        ValueError: They say nothing of a line.
    """
    if len({x for x, _ in points}) < 2 or any(y <= 0 for _, y in points):  # noqa: PLR2004
        raise ValueError("A line needs two points, and figures above 0.")
    # Least squares of 1 = intercept / y + slope * x / y.
    ones = [(1 / y, x / y) for x, y in points]
    aa = math.fsum(a * a for a, _ in ones)
    ab = math.fsum(a * b for a, b in ones)
    bb = math.fsum(b * b for _, b in ones)
    a1 = math.fsum(a for a, _ in ones)
    b1 = math.fsum(b for _, b in ones)
    determinant = aa * bb - ab * ab
    intercept = (a1 * bb - b1 * ab) / determinant
    slope = (aa * b1 - ab * a1) / determinant
    deviation = max(abs(y - intercept - slope * x) / y for x, y in points)
    return Line(intercept, slope, deviation)


def quantile(values: Sequence[float], part: float) -> float:
    """Return the smallest value that so large a part of all values does not exceed.

    Args:
        values: At least one, in any order.
        part: From 0 to 1.
    """
    ascending = sorted(values)
    return ascending[max(0, math.ceil(part * len(ascending)) - 1)]
