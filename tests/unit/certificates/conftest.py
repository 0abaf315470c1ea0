"""Certificates that are valid now, a place to serve them, and where what is logged goes."""

import datetime as dt
import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from certs import rotation
from certs.contents import Contents
from certs.policy import Policy
from tests.unit.certificates.cluster import HOST
from tests.unit.certificates.replica import Replica
from tests.waiting import wait_for
from webhook.certificates.serving import ServingContext
from webhook.metrics import Metrics

POLICY = Policy(hosts=(HOST, "127.0.0.1", "::1"))


@pytest.fixture
def anyio_backend() -> str:
    """Run the tests as the service runs."""
    return "asyncio"


@pytest.fixture(autouse=True)
def threads_end() -> Iterator[None]:
    """Fail a test that leaves a thread of ours behind."""
    yield
    names = {"certificates", "configuration-watch"}
    wait_for(
        lambda: not [each for each in threading.enumerate() if each.name in names],
        30,
        f"the end of {names}",
    )


@pytest.fixture(scope="session")
def contents() -> Contents:
    """Authority and leaf."""
    return rotation.create(POLICY, dt.datetime.now(dt.UTC))


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of one process."""
    return Metrics()


@pytest.fixture
def serving(metrics: Metrics) -> ServingContext:
    """A place that serves nothing yet."""
    return ServingContext(metrics)


@pytest.fixture
def replica(serving: ServingContext, metrics: Metrics) -> Replica:
    """A replica that starts in a cluster with nothing but the configuration."""
    return Replica(POLICY, serving, metrics)


@pytest.fixture
def log() -> Iterator[list[EventDict]]:
    """Take what is logged."""
    with capture_logs() as entries:
        yield entries


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Read a metric by the end of its name."""
    return metrics.registry.get_sample_value(f"source_ip_webhook_{name}", labels)
