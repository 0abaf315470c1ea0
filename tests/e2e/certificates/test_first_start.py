"""Two replicas that start at the same moment, where nothing is there but a registration."""

import time
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.e2e.certificates.deploying import deployed
from tests.e2e.certificates.prober import Prober
from tests.e2e.certificates.scenario import Record, Scenario
from tests.e2e.conftest import DEADLINE
from tests.e2e.registration import KEY
from tests.load import Load

pytestmark = pytest.mark.e2e

UNREACHABLE = 'namespace_lookups_total{result="unreachable"}'
"""Lookups after which nobody could tell the labels of a namespace."""


def test_first_start(plane: ControlPlane, tmp_path: Path, record: Record) -> None:
    """Racing replicas agree on one authority, and no creation fails before, while or after."""
    with deployed(plane, tmp_path, "first-start", label=False) as deployment:
        with Load(plane.api, deployment.shop, rate=60.0) as load:
            plane.wait_for(lambda: len(load.samples) >= 60, DEADLINE, "a second of load")
            began = time.monotonic()
            deployment.start()
            record("both ready after s", round(time.monotonic() - began, 2))
            secret = deployment.secret()
            assert deployment.published() == [secret["ca.crt"]] * 2
            with Prober(deployment) as prober:
                plane.kubectl("label", "namespace", deployment.shop, f"{KEY}=enabled")
                plane.wait_for(lambda: load.samples[-1].patched, DEADLINE, "the label to be seen")
                seen = len(load.samples)
                enough = seen + 300
                plane.wait_for(lambda: len(load.samples) >= enough, DEADLINE, "five more seconds")
        scenario = Scenario(load, prober, deployment, (0, 0))
        scenario.record(record)
        assert scenario.report.failed == 0, scenario.report.errors
        assert prober.refused == []
        record("before the label", sum(not each.patched for each in load.samples))
        first = min(sample.ended for sample in load.samples if sample.patched)
        later = [sample.patched for sample in load.samples if sample.started > first]
        # A lookup has half a second: where a busy machine takes longer, the watch brings the label.
        assert all(later) or any(replica.metric(UNREACHABLE) for replica in deployment.replicas)
        assert deployment.secret() == secret
        assert len({*prober.leaves[0], *prober.leaves[1]}) == 1
        created = 'certificate_steps_total{step="create"}'
        assert sum(replica.metric(created) for replica in deployment.replicas) == 1
