"""A replica that cannot reach the API server for a while, while the authority is replaced."""

import time
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.e2e.certificates.deploying import deployed
from tests.e2e.certificates.prober import shown
from tests.e2e.certificates.relay import Relay
from tests.e2e.certificates.scenario import Record, under_load
from tests.e2e.conftest import DEADLINE

pytestmark = pytest.mark.e2e

LAG = 22.0
"""Seconds: three attempts of the replica, of which two end by their own timeout and one goes on."""
WAITS = ("--tls-propagation=2s", "--tls-overlap=45s")
"""The overlap has room for a replica that is slow to catch up, on a busy machine too."""


def test_lagging_replica(plane: ControlPlane, tmp_path: Path, record: Record) -> None:
    """It serves the old leaf all the while, is trusted all that time, and then catches up."""
    port = int(plane.server.rpartition(":")[2])
    with (
        Relay(port) as lagging,
        deployed(plane, tmp_path, "lagging", *WAITS, lagging=lagging) as deployment,
    ):
        deployment.start()
        quick, slow = deployment.replicas
        before = deployment.secret()
        old = shown(slow.port)
        with under_load(deployment, record) as scenario:
            with lagging.held():
                began = time.monotonic()
                deployment.command("rotate", "--ca")
                plane.wait_for(lambda: shown(quick.port) != old, DEADLINE, "the other to adopt")
                while time.monotonic() - began < LAG:
                    assert shown(slow.port) == old
                    assert slow.ready
                    time.sleep(1)
            released = time.monotonic()
            plane.wait_for(lambda: shown(slow.port) != old, DEADLINE, "it to catch up")
            record("caught up after s", round(time.monotonic() - released, 1))
            assert all(before["ca.crt"] in bundle for bundle in deployment.published())
            deployment.wait_until_settled(180)
            scenario.wait_for_issuers(2)
        scenario.assert_unharmed()
        assert deployment.secret()["ca.crt"] != before["ca.crt"]
        assert [len(scenario.prober.issuers[n]) for n in range(2)] == [2, 2]
