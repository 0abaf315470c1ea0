"""What a review may cost: bounds in the repository, and what is said of a count beside them."""

import json
import math
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import BenchmarkError

FILE: Final = Path(__file__).with_name("bounds.toml")
"""The bounds of the repository."""
_ROOM: Final = 1.02
"""A bound, divided by the count that it was made of. Counts of the same code differ by some
thousandths at most."""
_LOOSE: Final = 0.95
"""A count, divided by its bound, below which the bound no longer holds anything."""
_HEADER: Final = """\
# What a review may cost at most, by interpreter and case: instructions of the processor, and
# allocations of memory. `make bench-guard` holds them; `python -m benchmarks.guard --record REASON`
# writes them, two hundredths above what it counts.
"""


class Cost(msgspec.Struct, frozen=True):
    """What one review of a case costs, on average."""

    instructions: int
    """Of the processor, in user space."""
    allocations: int
    """Calls that ask for memory."""


class Bound(Cost, frozen=True):
    """What one review of a case may cost at most."""

    reasons: tuple[str, ...] = ()
    """Why it is what it is: a line for each change, with its day and what was counted then."""


Bounds = dict[str, dict[str, Bound]]
"""By interpreter and case."""


def interpreter() -> str:
    """Name what a count depends on beside our code and its packages: who built which interpreter.

    The processor hardly matters: valgrind shows programs the same one wherever it runs.
    """
    return (
        f"{platform.python_implementation()} {platform.python_version()},"
        f" {platform.python_compiler()}, {platform.machine()}"
    )


def load(path: Path = FILE) -> Bounds:
    """Read bounds.

    Raises:
        BenchmarkError: The file is not there, or something else is in it.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Bounds)
    except (OSError, msgspec.DecodeError) as error:
        raise BenchmarkError(
            f"{path} has no bounds ({error}): take the file of the last commit."
        ) from error


def save(bounds: Bounds, path: Path = FILE) -> None:
    """Write bounds."""
    text = _HEADER
    for name, cases in sorted(bounds.items()):
        for case, bound in cases.items():
            reasons = "".join(
                f"  {json.dumps(each, ensure_ascii=False)},\n" for each in bound.reasons
            )
            text += (
                f"\n[{json.dumps(name)}.{case}]\n"
                f"instructions = {bound.instructions:_}\n"
                f"allocations = {bound.allocations:_}\n"
                f"reasons = [\n{reasons}]\n"
            )
    path.write_text(text, encoding="utf-8")


def exceeded(counted: Mapping[str, Cost], bounds: Mapping[str, Bound]) -> list[str]:
    """Say which bounds are exceeded, in one sentence each: what grew, by how much, what to do.

    Args:
        counted: By case.
        bounds: Of this interpreter; a case without a bound exceeds none.
    """
    return [
        f"{case}: {each:,} {what} a review, {each / most - 1:.1%} more than the bound of {most:,};"
        f" see with python -m benchmarks.guard --profile {case} where they are spent, and spend"
        " fewer, or accept them with --record REASON."
        for case, cost in counted.items()
        if (bound := bounds.get(case)) is not None
        for what, each, most in (
            ("instructions", cost.instructions, bound.instructions),
            ("allocations", cost.allocations, bound.allocations),
        )
        if each > most
    ]


def loose(counted: Mapping[str, Cost], bounds: Mapping[str, Bound]) -> list[str]:
    """Name the cases that have become so much cheaper that their bounds should follow."""
    return [
        case
        for case, cost in counted.items()
        if (bound := bounds.get(case)) is not None
        and (
            cost.instructions < bound.instructions * _LOOSE
            or cost.allocations < bound.allocations * _LOOSE
        )
    ]


def recorded(
    counted: Mapping[str, Cost], bounds: Mapping[str, Bound], reason: str, day: str
) -> dict[str, Bound]:
    """Make bounds of what was counted.

    Args:
        counted: By case.
        bounds: Those so far, whose reasons are kept.
        reason: Why they change.
        day: ISO 8601, with which the reason is kept.
    """
    made: dict[str, Bound] = {}
    for case, cost in counted.items():
        before = bounds[case].reasons if case in bounds else ()
        figures = f"{cost.instructions:,} instructions, {cost.allocations:,} allocations."
        made[case] = Bound(
            math.ceil(cost.instructions * _ROOM),
            math.ceil(cost.allocations * _ROOM),
            (*before, f"{day}: {figures} {reason}"),
        )
    return made
