"""The bars of this part: what source-ip-webhook may add to the creation of a Pod."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from benchmarks.cluster.turns import Row
from benchmarks.cluster.variants import INJECTOR, OUR_OWN

MOST_SECONDS: Final = 0.0015
"""Most that we may add at the median."""
MOST_OF_ISTIO: Final = 0.1
"""Most that we may add, as a part of what Istio's injector adds."""
_MS: Final = 1000.0
"""Milliseconds of a second."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """Something that ought to hold, and what was measured."""

    text: str
    """What ought to hold."""
    holds: bool
    """Whether it does."""
    figures: str
    """The numbers that decide it."""


def judge(rows: Sequence[Row]) -> tuple[Bar, ...]:
    """Tell which bars hold.

    Args:
        rows: As of `turns.rows`, in any order.
    """
    adds = {row["variant"]: row["adds_p50"] for row in rows}
    ours, istio = adds[OUR_OWN.name], adds[INJECTOR.name]
    return (
        Bar(
            f"ours adds at most {MOST_SECONDS * _MS} ms at the median",
            ours <= MOST_SECONDS,
            f"{ours * _MS:.2f} ms",
        ),
        Bar(
            f"ours adds at most {MOST_OF_ISTIO:.0%} of what Istio's injector adds",
            ours <= MOST_OF_ISTIO * istio,
            f"{ours * _MS:.2f} of {istio * _MS:.2f} ms",
        ),
    )
