"""A control plane without nodes, whose API server tests of this folder may stop."""

from collections.abc import Iterator

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries


@pytest.fixture(scope="package")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane."""
    with skipped_without_binaries():
        described = ControlPlane(tmp_path_factory.mktemp("controlplane"), controllers=False)
    with described as running:
        yield running
