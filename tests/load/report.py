"""What a load generator has seen: samples, and what they add up to."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sample:
    """One creation of a Pod.

    Attributes:
        started: when it was sent, in seconds of the monotonic clock.
        late: seconds that was after it was due: the generator's own fault, or that of many
            requests at once that are not answered.
        latency: seconds until it was answered, or was given up.
        error: the API server's or the client's words; empty if there is a Pod.
        patched: whether the Pod has the setting.
    """

    started: float
    late: float
    latency: float
    error: str
    patched: bool

    @property
    def ended(self) -> float:
        """When it was answered or given up, in seconds of the monotonic clock."""
        return self.started + self.latency

    @property
    def failed(self) -> bool:
        """Whether there would be no Pod."""
        return bool(self.error)


@dataclass(frozen=True)
class Report:
    """What the samples of a load add up to. Times are seconds of the monotonic clock.

    Attributes:
        requests: how many were sent.
        failed: how many led to no Pod.
        unpatched: how many led to a Pod without the annotation.
        rate: requests sent per second.
        p50: latency in seconds that half of all requests did not exceed, failed ones included.
        p99: the same for 99 of 100.
        late: most seconds that a request was sent after it was due.
        longest_gap: most seconds between two successes in a row.
        first_failure: when the first request that failed was sent; None if none failed.
        last_failure: when the last request that failed was given up; None if none failed.
        errors: how often each failure's words came.
    """

    requests: int
    failed: int
    unpatched: int
    rate: float
    p50: float
    p99: float
    late: float
    longest_gap: float
    first_failure: float | None
    last_failure: float | None
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def outage(self) -> float:
        """Seconds from the first failure to the last: how long it took to recover; 0 for none."""
        if self.first_failure is None or self.last_failure is None:
            return 0.0
        return self.last_failure - self.first_failure


def summarize(samples: Sequence[Sample]) -> Report:
    """Add samples up.

    Args:
        samples: at least one, in any order.

    Raises:
        ValueError: there is none.
    """
    if not samples:
        raise ValueError("nothing was sent")
    failures = [sample for sample in samples if sample.failed]
    successes = sorted(sample.ended for sample in samples if not sample.failed)
    starts = [sample.started for sample in samples]
    span = max(starts) - min(starts)
    latencies = sorted(sample.latency for sample in samples)
    return Report(
        requests=len(samples),
        failed=len(failures),
        unpatched=sum(not sample.failed and not sample.patched for sample in samples),
        rate=(len(samples) - 1) / span if span else math.nan,
        p50=_quantile(latencies, 0.5),
        p99=_quantile(latencies, 0.99),
        late=max(sample.late for sample in samples),
        longest_gap=max((b - a for a, b in itertools.pairwise(successes)), default=0.0),
        first_failure=min((sample.started for sample in failures), default=None),
        last_failure=max((sample.ended for sample in failures), default=None),
        errors=Counter(sample.error for sample in failures),
    )


def _quantile(ascending: Sequence[float], part: float) -> float:
    """Return the smallest value that so large a part of all values does not exceed."""
    return ascending[math.ceil(part * len(ascending)) - 1]
