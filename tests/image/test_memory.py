"""The bars of memory, with the namespaces of a large cluster."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from tests.image import footprint
from tests.image.containers import Containers

pytestmark = pytest.mark.e2e

WORKING_SET = 60.0
RSS = 72.0
"""MiB, at most."""
REVIEWS = 1600


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """Run an API server that has the namespaces."""
    with contextlib.ExitStack() as stack:
        with skipped_without_binaries():
            plane = stack.enter_context(footprint.crowded(tmp_path))
        yield plane


def test_memory_with_5000_namespaces(
    containers: Containers,
    plane: ControlPlane,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """A replica that watches them, makes its own certificate and answers stays below the bars."""
    with footprint.replica(containers, plane, tmp_path / "replica") as replica:
        replica.answer(REVIEWS)
        found = replica.footprint()

    record_property("footprint", str(found))
    print(f"  {found}")  # noqa: T201
    assert found.working_set <= WORKING_SET
    assert found.rss <= RSS
