"""Rotations that an admin asks for, and a replica that dies in one."""

import json
import signal

import pytest

from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.scenario import Record, under_load
from tests.e2e.conftest import DEADLINE

pytestmark = pytest.mark.e2e


def test_rotate_leaf(steady: Deployment, record: Record) -> None:
    """``certificates rotate`` replaces the leaf alone, and nobody notices."""
    before = steady.secret()
    with under_load(steady, record) as scenario:
        assert "holds a new certificate" in steady.command("rotate")
        assert steady.secret()["tls.crt"] != before["tls.crt"]
        steady.wait_until_settled()
        scenario.wait_for_leaves(2)
    scenario.assert_unharmed()
    assert steady.secret()["ca.crt"] == before["ca.crt"]
    assert [len(scenario.prober.leaves[n]) for n in range(2)] == [2, 2]


def test_rotate_authority(steady: Deployment, record: Record) -> None:
    """``certificates rotate --ca`` replaces both, and nobody notices."""
    before = steady.secret()
    with under_load(steady, record) as scenario:
        assert "holds a next authority" in steady.command("rotate", "--ca")
        steady.plane.wait_for(
            lambda: "next-ca.crt" not in steady.secret(), DEADLINE, "the next one to take over"
        )
        steady.wait_until_settled()
        scenario.wait_for_issuers(2)
    scenario.assert_unharmed()
    assert steady.secret()["ca.crt"] != before["ca.crt"]
    assert [len(scenario.prober.issuers[n]) for n in range(2)] == [2, 2]


def test_show_in_a_rotation(steady: Deployment) -> None:
    """``show`` tells both authorities, while the replicas may not go on."""
    steady.allow("get", "watch")
    steady.command("rotate", "--ca")
    secret = steady.secret()
    both = secret["ca.crt"] + secret["next-ca.crt"]
    steady.publish(both, both)
    table = steady.command("show")
    shown = json.loads(steady.command("show", "--output=json"))
    steady.allow()
    steady.wait_until_settled()
    assert "Every caBundle verifies the leaf." in table
    assert shown["problems"] == []
    published = [each for each in shown["certificates"] if "caBundle" in each["where"]]
    assert len({each["sha256"] for each in published}) == 2
    assert len(published) == 4


def test_replica_dies_in_a_rotation(steady: Deployment, record: Record) -> None:
    """One that is killed and comes back finds its way, while the other goes on.

    It gets no calls while it dies: those in flight are lost with any process that is killed, and
    say nothing about certificates.
    """
    survivor, victim = steady.replicas
    steady.balancer.targets = (survivor.port,)
    # For another bundle the API server makes other connections, and all of them to the survivor.
    steady.command("rotate", "--ca")
    steady.wait_until_settled()
    with under_load(steady, record) as scenario:
        steady.command("rotate", "--ca")
        victim.stop(signal.SIGKILL)
        steady.plane.wait_for(
            lambda: "next-ca.crt" not in steady.secret(), DEADLINE, "the survivor to promote"
        )
        victim.launch()
        victim.wait_until_ready()
        steady.balancer.targets = (survivor.port, victim.port)
        steady.wait_until_settled()
        scenario.wait_for_issuers(2)
    scenario.assert_unharmed()
    assert [len(scenario.prober.issuers[n]) for n in range(2)] == [2, 2]
