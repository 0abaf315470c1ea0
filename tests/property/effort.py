"""How much a property is tried: bounded in number, never in time, and the same every time in CI."""

import os

from hypothesis import HealthCheck, settings


def tried(examples: int) -> settings:
    """Make the settings of a property.

    Args:
        examples: How many reviews it is tried with.
    """
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        suppress_health_check=[HealthCheck.too_slow],
    )
