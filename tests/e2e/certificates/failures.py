"""Looks at certificates that fail, as metrics and log tell of them."""

from collections.abc import Sequence

from tests.e2e.certificates.deployment import Deployment
from tests.e2e.conftest import DEADLINE


def failures_of(deployment: Deployment) -> list[float]:
    """Read each replica's metric."""
    return [replica.failures for replica in deployment.replicas]


def wait_for_failures(deployment: Deployment, before: Sequence[float], *needles: str) -> None:
    """Wait until each replica has failed twice more, and has said why.

    Args:
        deployment: Whose replicas should be ready all the same.
        before: What :func:`failures_of` returned.
        needles: All have to be in one complaint.
    """

    def stuck() -> bool:
        return all(
            now > old + 1 for now, old in zip(failures_of(deployment), before, strict=True)
        ) and all(
            any(
                all(needle in event["why"] for needle in needles)
                for event in replica.events("certificates-stuck")
            )
            for replica in deployment.replicas
        )

    deployment.plane.wait_for(stuck, DEADLINE, f"looks that fail for {needles}")
    assert all(replica.ready for replica in deployment.replicas)
