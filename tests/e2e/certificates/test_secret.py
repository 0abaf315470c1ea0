"""A Secret that somebody else has deleted, emptied, replaced or damaged."""

import time
from collections.abc import Callable

import pytest

from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.failures import failures_of, wait_for_failures
from tests.e2e.certificates.rights import SECRET
from tests.e2e.certificates.scenario import Record, under_load
from tests.e2e.conftest import DEADLINE

pytestmark = pytest.mark.e2e

Data = dict[str, bytes]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda steady: steady.delete_secret(), id="deleted"),
        pytest.param(lambda steady: steady.write_secret({}), id="emptied"),
    ],
)
def test_lost_secret(
    steady: Deployment, record: Record, damage: Callable[[Deployment], None]
) -> None:
    """A new authority is made and takes over as in a rotation, and nobody notices."""
    before = steady.secret()
    with under_load(steady, record) as scenario:
        lost = time.monotonic()
        damage(steady)
        steady.plane.wait_for(steady.secret, DEADLINE, "a new Secret")
        record("made anew after s", round(time.monotonic() - lost, 2))
        steady.wait_until_settled()
        record("settled after s", round(time.monotonic() - lost, 2))
        scenario.wait_for_issuers(2)
    scenario.assert_unharmed()
    assert steady.secret()["ca.key"] != before["ca.key"]
    assert [len(scenario.prober.issuers[n]) for n in range(2)] == [2, 2]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(
            lambda data: {**data, "password": b"secret"},
            "password, which is not ours",
            id="foreign",
        ),
        pytest.param(
            lambda data: {**data, "tls.key": data["tls.key"][:-40]}, "no unencrypted PEM", id="cut"
        ),
        pytest.param(
            lambda data: {**data, "tls.key": data["ca.key"]}, "another certificate's", id="mixed"
        ),
        pytest.param(lambda data: {"ca.crt": data["ca.crt"]}, "lacks ca.key", id="incomplete"),
    ],
)
def test_foreign_secret(
    steady: Deployment, record: Record, change: Callable[[Data], Data], complaint: str
) -> None:
    """It is not overwritten: replicas serve what they have, say what to do, and that mends it."""
    foreign = change(steady.secret())
    failures = failures_of(steady)
    with under_load(steady, record) as scenario:
        steady.write_secret(foreign)
        wait_for_failures(steady, failures, complaint)
        for replica in steady.replicas:
            why = replica.events("certificates-stuck")[-1]["why"]
            assert complaint in why
            assert f"{steady.name}/{SECRET}" in why
            assert "Delete it" in why
            assert replica.ready
        assert steady.secret() == foreign
        deleted = time.monotonic()
        steady.delete_secret()
        steady.wait_until_settled()
        record("settled after s", round(time.monotonic() - deleted, 1))
        steady.plane.wait_for(
            lambda: all(replica.events("certificates-unstuck") for replica in steady.replicas),
            DEADLINE,
            "the log to say that it is mended",
        )
    scenario.assert_unharmed()
