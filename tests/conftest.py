"""The order of the tests: those that take longest come first."""

import pytest

_LONGEST = (
    "tests/e2e/certificates/test_contested.py",
    "tests/e2e/certificates/test_lagging.py",
    "tests/e2e/certificates/test_rotation.py",
    "tests/e2e/certificates/",
)
"""Minutes, most of them spent waiting. Where two processes share the tests, as in ``make e2e``, one
of these at the end would have the other wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them there; what is in one file stays together, and in its order."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    beginnings = (item.nodeid.startswith(place) for place in _LONGEST)
    return next((rank for rank, matches in enumerate(beginnings) if matches), len(_LONGEST))
