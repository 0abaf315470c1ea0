"""How much a property is tried: bounded in number, never in time, and the same every time in CI."""

import os
from typing import Final

from hypothesis import HealthCheck, settings

EFFORT: Final = "EFFORT"
"""Environment variable: how many times the examples of ``make test`` to try; ``make fuzz`` sets it.
"""


def tried(examples: int) -> settings:
    """Make the settings of a property.

    Args:
        examples: How many it is tried with in ``make test``, which should take seconds.

    Raises:
        ValueError: The variable EFFORT is no whole number.
    """
    return settings(
        max_examples=examples * int(os.environ.get(EFFORT, "1")),
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        suppress_health_check=[HealthCheck.too_slow],
    )
