"""When a probe asks, and what."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.kubelet.errors import refuse_unknown
from tests.kubelet.get import HttpGet

_KNOWN = {
    "httpGet",
    "initialDelaySeconds",
    "periodSeconds",
    "timeoutSeconds",
    "successThreshold",
    "failureThreshold",
    "terminationGracePeriodSeconds",
}


@dataclass(frozen=True)
class ProbeSpec:
    """When a probe asks, and when it believes the answers ("Configure Probes" of the docs).

    Attributes:
        get: what it asks.
        delay: seconds from the start of the container in which nothing is asked.
        period: seconds from one question to the next.
        timeout: seconds until a question has failed.
        successes: answers in a row that make it pass.
        failures: failures in a row that make it fail.
        grace: seconds that a failed container gets to end; None for its Pod's.
    """

    get: HttpGet
    delay: float
    period: float
    timeout: float
    successes: int
    failures: int
    grace: float | None

    @property
    def first_beat(self) -> float:
        """Seconds to the first end of a period that is not within the delay."""
        return max(math.ceil(self.delay / self.period), 1) * self.period

    @classmethod
    def parse(cls, spec: Mapping[str, Any], container: Mapping[str, Any], address: str) -> Self:
        """Read a spec, in which the API server has filled in the defaults.

        Args:
            spec: the probe.
            container: its container's spec.
            address: of its Pod.

        Raises:
            UnsupportedError: it is none over HTTP, or has settings that nobody plays here.
            ContainerConfigError: it names a port that there is not.
        """
        refuse_unknown(spec, _KNOWN, f"probe of container {container['name']}")
        return cls(
            get=HttpGet.parse(spec["httpGet"], container, address),
            delay=spec.get("initialDelaySeconds", 0),
            period=spec["periodSeconds"],
            timeout=spec["timeoutSeconds"],
            successes=spec["successThreshold"],
            failures=spec["failureThreshold"],
            grace=spec.get("terminationGracePeriodSeconds"),
        )
