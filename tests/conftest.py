"""The order of the tests: those that take longest come first."""

import pytest

_LONGEST = (
    "tests/e2e/failures/test_faults.py",
    "tests/image/test_wheels.py",
    "tests/controlplane/test_controlplane.py",
    "tests/fuzz/test_attacks.py",
    "tests/e2e/test_mesh_settings.py",
    "tests/property/test_objects.py",
    "tests/server/test_serve.py",
    "tests/property/test_anything.py",
    "tests/unit/certificates/test_managed_contest.py",
    "tests/property/test_rotation.py",
    "tests/unit/manifests/test_documents.py",
    "tests/unit/test_extending.py",
)
"""Where several processes share the tests, one of these at the end would have the others wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them there; what is in one file stays together, and in its order."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    beginnings = (item.nodeid.startswith(place) for place in _LONGEST)
    return next((rank for rank, matches in enumerate(beginnings) if matches), len(_LONGEST))
