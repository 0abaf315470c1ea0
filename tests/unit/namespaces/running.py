"""A source of labels at work, and its notion of time."""

import contextlib
from collections.abc import AsyncIterator

import anyio

from webhook.cluster.reflector import Timing
from webhook.namespaces.cluster import ClusterNamespaces

TIMING = Timing(lookup=5.0, burst=1e6, pace=0.0, first_retry=0.005, last_retry=0.02)
"""Quick to try again; everything that is remembered waits for the clock of the test."""


class Clock:
    """A monotonic clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self.now


@contextlib.asynccontextmanager
async def running(namespaces: ClusterNamespaces) -> AsyncIterator[None]:
    """Run a source of labels while a test looks at it, and cancel it."""
    async with anyio.create_task_group() as group:
        group.start_soon(namespaces.run)
        yield
        group.cancel_scope.cancel()
