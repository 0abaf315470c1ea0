"""A source of labels at work, its notion of time, and what it logged, counted and asked for."""

import contextlib
from collections.abc import AsyncIterator, MutableMapping
from typing import Any, Protocol

import anyio

from tests.unit.cluster.api_server import ApiServer
from webhook.cluster.reflector import Timing
from webhook.metrics import Metrics
from webhook.namespaces.cluster import LookupLimits

TIMING = Timing(pace=0.0, first_retry=0.005, last_retry=0.02)
"""Quick to try again."""
LIMITS = LookupLimits(deadline=5.0, burst=1e6)
"""Not in the way; everything that is remembered waits for the clock of the test."""

LONG = 30.0
"""Seconds that no working code needs; what they exclude would take for ever."""

Entries = list[MutableMapping[str, Any]]
"""What was logged, as structlog captures it."""


class Clock:
    """A monotonic clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self.now


class Source(Protocol):
    """What follows the cluster: a source of labels, or of Sidecars."""

    async def run(self) -> None:
        """Follow until cancelled."""


@contextlib.asynccontextmanager
async def running(source: Source) -> AsyncIterator[None]:
    """Run a source while a test looks at it, and cancel it."""
    async with anyio.create_task_group() as group:
        group.start_soon(source.run)
        yield
        group.cancel_scope.cancel()


def events(entries: Entries) -> list[str]:
    """Name what was logged."""
    return [entry["event"] for entry in entries]


def synced(metrics: Metrics, followed: str = "namespace") -> bool:
    """Tell what the gauge of what is followed says."""
    return metrics.registry.get_sample_value(f"source_ip_webhook_{followed}_cache_synced") == 1


def watches(server: ApiServer) -> list[str]:
    """Tell from which resourceVersion each watch started."""
    return [r.params["resourceVersion"] for r in server.requests if r.verb == "watch"]
