"""A source of labels, and the API server and the client that it uses."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.unit.cluster.conftest import (
    anyio_backend,
    client,
    environment,
    kubeconfig,
    server,
    threads_end,
)
from tests.unit.namespaces.running import LIMITS, TIMING, Clock, Entries
from webhook.cluster.client import Client
from webhook.metrics import Metrics
from webhook.namespaces.cluster import ClusterNamespaces

__all__ = ["anyio_backend", "client", "environment", "kubeconfig", "server", "threads_end"]


@pytest.fixture
def metrics() -> Metrics:
    """Make metrics that nobody else counts in."""
    return Metrics()


@pytest.fixture
def clock() -> Clock:
    """Make a clock."""
    return Clock()


@pytest.fixture
def namespaces(client: Client, metrics: Metrics, clock: Clock) -> ClusterNamespaces:
    """Make a source of labels that is quick to try again."""
    return ClusterNamespaces(client, metrics, timing=TIMING, limits=LIMITS, clock=clock)


@pytest.fixture
def entries() -> Iterator[Entries]:
    """Collect what is logged."""
    with capture_logs() as entries:
        yield entries
