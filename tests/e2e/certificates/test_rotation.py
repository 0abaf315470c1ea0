"""Certificates that live for seconds only, replaced while Pods are created."""

from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.e2e.certificates.deploying import deployed
from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.scenario import Record, under_load

pytestmark = pytest.mark.e2e

DEADLINE = 90.0


def steps(deployment: Deployment, step: str) -> float:
    """Count the steps of a kind that all replicas took."""
    sample = f'certificate_steps_total{{step="{step}"}}'
    return sum(replica.metric(sample) for replica in deployment.replicas)


def test_leaf_renewal(plane: ControlPlane, tmp_path: Path, record: Record) -> None:
    """Leaves of eighteen seconds are renewed twice, and nobody notices."""
    flags = ("--tls-leaf-lifetime=18s", "--tls-propagation=2s", "--tls-overlap=4s")
    with deployed(plane, tmp_path, "renewal", *flags) as deployment:
        deployment.start()
        with under_load(deployment, record) as scenario:
            plane.wait_for(lambda: steps(deployment, "renew") >= 2, DEADLINE, "two renewals")
            deployment.wait_until_settled()
            scenario.wait_for_leaves(3)
        scenario.assert_unharmed()
        seen = set().union(*scenario.prober.leaves.values())
        plane.wait_for(
            lambda: steps(deployment, "renew") >= len(seen) - 1,
            DEADLINE,
            "each leaf but the first to be counted as a renewal",
        )
        assert scenario.prober.authorities == 1


def test_authority_rotation(plane: ControlPlane, tmp_path: Path, record: Record) -> None:
    """An authority of 45 seconds is replaced, from introduction to retirement, unnoticed."""
    # It is due after 30 s, and its successor 30 s later: time to begin, and to look at the end.
    flags = ("--tls-ca-lifetime=45s", "--tls-leaf-lifetime=15s")
    waits = ("--tls-propagation=1s", "--tls-overlap=3s")
    with deployed(plane, tmp_path, "rotation", *flags, *waits) as deployment:
        deployment.start()
        first = deployment.secret()["ca.crt"]
        with under_load(deployment, record) as scenario:
            plane.wait_for(lambda: steps(deployment, "retire"), DEADLINE, "the end of a rotation")
            assert not any(first in bundle for bundle in deployment.published())
            (second,) = {*deployment.published()}
            assert second == deployment.secret()["ca.crt"]
            scenario.wait_for_issuers(2)
        scenario.assert_unharmed()
        assert [len(scenario.prober.issuers[n]) for n in range(2)] == [2, 2]
        assert scenario.prober.authorities == 2
        for step in ("introduce", "promote", "retire"):
            assert steps(deployment, step) == 1
