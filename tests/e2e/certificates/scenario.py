"""What happens to creations and handshakes while something else happens, in figures."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from tests.controlplane import wait_for
from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.prober import Prober
from tests.e2e.conftest import DEADLINE
from tests.load import Load, Report

Record = Callable[[str, object], None]
"""Writes a figure of a test down; see ``conftest.py``."""

_RATE = 60.0
_ENOUGH = 50
"""Creations, of which not one failed."""


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Load and prober of one scenario."""

    load: Load
    prober: Prober
    deployment: Deployment
    answered_before: tuple[int, ...]
    """Reviews that each replica had answered when it began."""

    @property
    def answered(self) -> list[int]:
        """How many reviews each replica has answered since."""
        now = answers(self.deployment)
        return [after - before for before, after in zip(self.answered_before, now, strict=True)]

    def wait_for_leaves(self, count: int) -> None:
        """Wait until the prober has seen so many leaves of each replica."""
        wait_for(
            lambda: all(len(self.prober.leaves[n]) >= count for n in range(2)),
            DEADLINE,
            f"{count} leaves of each replica",
        )

    def wait_for_issuers(self, count: int) -> None:
        """Wait until the prober has seen leaves of so many authorities of each replica."""
        wait_for(
            lambda: all(len(self.prober.issuers[n]) >= count for n in range(2)),
            DEADLINE,
            f"leaves of {count} authorities of each replica",
        )

    def wait_for_creations(self, count: int = 100, *, succeeded: bool = False) -> None:
        """Wait for so many creations more.

        Args:
            count: How many.
            succeeded: Whether all of them have to be in order, one after the other.
        """
        before = len(self.load.samples)

        def enough() -> bool:
            newest = self.load.samples[before:][-count:]
            return len(newest) == count and not (succeeded and any(each.failed for each in newest))

        wait_for(enough, DEADLINE, f"{count} creations")

    @property
    def report(self) -> Report:
        """What became of the creations so far."""
        return self.load.report()

    def record(self, record: Record) -> None:
        """Write down what is worth to be told."""
        report, prober = self.report, self.prober
        record("creations", report.requests)
        record("per second", round(report.rate, 1))
        record("failed", report.failed)
        record("unpatched", report.unpatched)
        record("p99 ms", round(report.p99 * 1000))
        record("handshakes", prober.handshakes)
        record("refused", len(prober.refused))
        record("reviews of each replica", self.answered)
        record("leaves", len(set().union(*prober.leaves.values())))

    def assert_unharmed(self) -> None:
        """Nobody noticed anything, and there was enough to notice it by."""
        report = self.report
        assert (report.failed, report.unpatched) == (0, 0), report.errors
        assert report.requests >= _ENOUGH
        assert self.prober.refused == []
        assert self.prober.handshakes


def answers(deployment: Deployment) -> tuple[int, ...]:
    """Count the reviews that each replica has answered so far."""
    return tuple(len(replica.events("admission")) for replica in deployment.replicas)


@contextlib.contextmanager
def under_load(deployment: Deployment, record: Record) -> Iterator[Scenario]:
    """Create Pods and shake hands for as long as the block lasts; write down what came of it.

    The block begins when every replica that runs has shown its leaf, so that what it serves before
    something happens is seen for certain. It ends when enough Pods have been created to tell.
    """
    answered_before = answers(deployment)
    with (
        Load(deployment.plane.api, deployment.shop, rate=_RATE) as load,
        Prober(deployment) as prober,
    ):
        scenario = Scenario(load, prober, deployment, answered_before)
        running = [n for n, replica in enumerate(deployment.replicas) if replica.running]
        wait_for(lambda: all(prober.leaves[n] for n in running), DEADLINE, "the first handshakes")
        try:
            yield scenario
            wait_for(lambda: len(load.samples) >= _ENOUGH, DEADLINE, f"{_ENOUGH} creations")
        finally:
            scenario.record(record)
