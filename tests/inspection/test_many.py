"""50,000 Pods: an audit of them stays within its memory, and finds each old Deployment once."""

from pathlib import Path

import pytest

from tests.inspection.many import measure
from tests.inspection.population import OLD, Population

pytestmark = pytest.mark.e2e


def test_memory_does_not_grow_with_pods(tmp_path: Path) -> None:
    """An audit of 50,000 Pods has at most 300 MiB, and one finding for each old Deployment."""
    population = Population()
    assert population.pods == 50_000

    found = measure(population, tmp_path)

    assert found.report["pods"] == population.pods
    old = population.namespaces * population.workloads // OLD
    assert [each["count"] for each in found.report["findings"]] == [population.replicas] * old
    assert found.code == 1
    assert 0 < found.peak <= 300 << 20
