"""What servers spend is the difference of two readings, for each creation."""

import pytest

from benchmarks.cluster.clocks import Clock
from benchmarks.cluster.meters import Reading, spent


def test_both_webhooks_count() -> None:
    """Where two webhooks are called for a creation, the API server spends the time of both."""
    before = Reading({"a": Clock(1.0, 100)}, Clock(0.5, 100), 10.0, 2.0)
    after = Reading({"a": Clock(1.2, 200), "b": Clock(2.0, 100)}, Clock(0.54, 200), 10.5, 2.1)
    found = spent(before, after, 100)

    assert found.api_server == pytest.approx(0.002 + 0.02)
    assert found.ours == pytest.approx(0.0004)
    assert found.api_server_cpu == pytest.approx(0.005)
    assert found.called_cpu == pytest.approx(0.001)


def test_nobody_is_called() -> None:
    """Without a webhook there is processor time of the API server, and nothing else."""
    reading = Reading({"a": Clock(1.0, 100)}, Clock(), 10.0, 0.0)
    found = spent(reading, Reading({"a": Clock(1.0, 100)}, Clock(), 10.2, 0.0), 50)

    assert (found.api_server, found.ours, found.called_cpu) == (None, None, 0.0)
    assert found.api_server_cpu == pytest.approx(0.004)
