"""API servers on loopback, clients for them, and a source of labels that uses one."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests import kubeconfig as kubeconfigs
from tests.controlplane.ports import free_port
from tests.unit.cluster.api_server import ApiServer
from tests.unit.cluster.reflecting import LIMITS, TIMING, Clock, Entries
from tests.unit.cluster.scripted import Scripted
from tests.waiting import wait_for
from webhook.cluster import access
from webhook.cluster.client import Client
from webhook.metrics import Metrics
from webhook.namespaces.cluster import ClusterNamespaces


@pytest.fixture
def anyio_backend() -> str:
    """Run the tests as the webhook runs."""
    return "asyncio"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the proxies and the cluster that the developer may have."""
    names = "http_proxy", "https_proxy", "all_proxy", "kubeconfig", "kubernetes_service_host"
    for name in names:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(autouse=True)
def threads_end() -> Iterator[None]:
    """Fail a test that leaves a thread of ours behind."""
    yield
    ours = ("namespace-", "sidecar-")
    wait_for(
        lambda: not [t for t in threading.enumerate() if t.name.startswith(ours)],
        30,
        "our threads to end",
    )


@pytest.fixture
def server(threads_end: None) -> Iterator[ApiServer]:  # noqa: ARG001  they end with the server
    """Run an API server."""
    # Not one of the system's choice: a test that starts a successor needs it once more.
    api = ApiServer(free_port())
    yield api
    api.stop()


@pytest.fixture
def kubeconfig(server: ApiServer, tmp_path: Path) -> Path:
    """Write a kubeconfig for the server, with the token ``secret-token``."""
    return kubeconfigs.write(tmp_path / "config", server.url, {"token": "secret-token"})


@pytest.fixture
def client(kubeconfig: Path) -> Iterator[Client]:
    """Make a client for the server."""
    client = Client(lambda: access.load(kubeconfig))
    yield client
    client.close()


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """Run an API server that answers what the test says."""
    with Scripted() as running:
        yield running


@pytest.fixture
def writer(scripted: Scripted, tmp_path: Path) -> Iterator[Client]:
    """Make a client for that one."""
    path = kubeconfigs.write(tmp_path / "writer", scripted.url, {"token": "secret-token"})
    client = Client(lambda: access.load(path))
    yield client
    client.close()


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
