"""The API server refuses what replicas need, or is not there at all."""

import pytest

from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.failures import failures_of, wait_for_failures
from tests.e2e.certificates.prober import shown, verifies
from tests.e2e.certificates.scenario import Record, under_load

pytestmark = pytest.mark.e2e


def test_rights_taken_away(steady: Deployment, record: Record) -> None:
    """A rotation stops before anybody could notice, the log names the right, and it goes on."""
    before = steady.secret()
    with under_load(steady, record) as scenario:
        failures = failures_of(steady)
        steady.allow("get", "watch")
        steady.command("rotate", "--ca")
        wait_for_failures(
            steady, failures, "cannot patch", "mutatingwebhookconfigurations", steady.name
        )
        assert steady.published() == [before["ca.crt"]] * 2
        steady.allow()
        steady.wait_until_settled(60)
    scenario.assert_unharmed()
    assert steady.secret()["ca.crt"] != before["ca.crt"]


def test_api_server_away(steady: Deployment, record: Record) -> None:
    """Replicas stay ready and serve what they have, and go on when it is back."""
    (bundle,) = {*steady.published()}
    failures = failures_of(steady)
    steady.plane.stop_apiserver()
    try:
        wait_for_failures(steady, failures)
        for replica in steady.replicas:
            assert verifies(bundle, shown(replica.port))
    finally:
        steady.plane.start_apiserver()
    with under_load(steady, record) as scenario:
        steady.command("rotate")
        steady.wait_until_settled(60)
        scenario.wait_for_leaves(2)
    scenario.assert_unharmed()
