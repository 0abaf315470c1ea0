"""Sidecars that follow the cluster, and clusters that have none to show."""

import tracemalloc

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.situations import LOOPBACK, sidecar
from tests.unit.cluster import reflecting
from tests.unit.cluster.api_server import ApiServer
from tests.unit.cluster.reflecting import TIMING, Clock, running
from tests.waiting import until
from webhook.cluster.answers import Page
from webhook.cluster.client import Client
from webhook.metrics import Metrics
from webhook.sidecars import ClusterSidecars, SidecarObject

pytestmark = pytest.mark.anyio


@pytest.fixture
def source(server: ApiServer, client: Client, metrics: Metrics, clock: Clock) -> ClusterSidecars:
    """Make a source of Sidecars that is quick to try again."""
    server.collection = "/apis/networking.istio.io/v1beta1/sidecars"
    return ClusterSidecars(client, metrics, timing=TIMING, clock=clock)


def loopback(source: ClusterSidecars, namespace: str = "shop") -> bool | None:
    """Tell what is known for a pod; None where no Sidecar applies."""
    applying = source.sidecars.applying(namespace, {"app": "web"}, "istio-system")
    return None if applying is None else applying.loopback


def synced(metrics: Metrics) -> bool:
    """Tell what the gauge says."""
    return reflecting.synced(metrics, "sidecar")


async def test_list_and_watch(server: ApiServer, source: ClusterSidecars, metrics: Metrics) -> None:
    """What is listed, created, changed or deleted is so in memory; the object stays the same."""
    server.store("a", sidecar("a", LOOPBACK))
    server.store("b", sidecar("b", namespace="other"))
    server.store("c", sidecar("c", LOOPBACK, namespace="third"))
    before, sidecars = source.known, source.sidecars
    with capture_logs() as logged:
        async with running(source):
            await until(lambda: synced(metrics))
            assert (before, source.known) == (False, True)
            assert [loopback(source, each) for each in ("shop", "other", "none")] == [
                True,
                False,
                None,
            ]
            server.store("b", sidecar("b", LOOPBACK, namespace="other"))
            server.store("d", sidecar("d", created="2026-01-01T00:00:00Z", selector={"app": "web"}))
            server.delete("c")
            await until(lambda: loopback(source, "third") is None)
            assert loopback(source, "other") is True
            assert loopback(source) is False
            server.delete("d")
            await until(lambda: loopback(source) is True)
    assert sidecars is source.sidecars
    assert logged == [{"event": "sidecars-synced", "count": 3, "log_level": "info"}]


async def test_what_istio_cannot_read_is_left_out(
    server: ApiServer, source: ClusterSidecars, metrics: Metrics
) -> None:
    """A Sidecar of another form, listed or watched, stops nothing and counts for nothing."""
    server.store("odd", {**sidecar("odd"), "spec": {"ingress": "none"}})
    server.store("empty", {**sidecar("empty", namespace="b"), "spec": None})
    server.store("good", sidecar("good", LOOPBACK))
    async with running(source):
        await until(lambda: synced(metrics))
        assert loopback(source) is True
        assert loopback(source, "b") is False
        server.store("good", {**sidecar("good"), "spec": {"workloadSelector": []}})
        await until(lambda: loopback(source) is None)
        server.store("odd", {**sidecar("odd"), "spec": {"ingress": [None]}})
        server.bookmark()
        server.store("new", sidecar("new", namespace="c"))
        await until(lambda: loopback(source, "c") is False)
    assert server.count("list") == 2  # pages
    assert len(source.sidecars) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [(404, ("sidecars-absent", "info")), (403, ("sidecars-forbidden", "warning"))],
)
async def test_nothing_to_read_is_no_error(
    server: ApiServer,
    source: ClusterSidecars,
    metrics: Metrics,
    fault: int,
    said: tuple[str, str],
) -> None:
    """Without the API, or the right, we are ready, say so once, and notice when it comes."""
    server.store("a", sidecar("a", LOOPBACK))
    server.faults["list"] = fault
    with capture_logs() as logged:
        async with running(source):
            await until(lambda: source.known)
            await until(lambda: server.count("list") >= 4)
            assert not synced(metrics)
            assert loopback(source) is None
            server.faults.clear()
            await until(lambda: synced(metrics))
            assert loopback(source) is True
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [
        said,
        ("sidecars-synced", "info"),
    ]


async def test_unreachable_is_not_known(server: ApiServer, source: ClusterSidecars) -> None:
    """An API server that cannot be asked leaves us waiting, as for the namespaces."""
    server.faults["list"] = 503
    async with running(source):
        await until(lambda: server.count("list") >= 3)
        assert not source.known


async def test_api_that_goes_away_takes_its_objects_along(
    server: ApiServer, source: ClusterSidecars, metrics: Metrics
) -> None:
    """Where Istio is removed no pod is held back for a Sidecar that is no more."""
    server.store("a", sidecar("a", LOOPBACK))
    async with running(source):
        await until(lambda: server.open_watches == 1)
        server.faults.update({"list": 404, "watch": 404})
        server.end_watches()
        await until(lambda: not synced(metrics))
        await until(lambda: loopback(source) is None)
        assert source.known


async def test_little_is_kept_of_a_sidecar() -> None:
    """However long its lists of hosts, a Sidecar takes less than a kilobyte of memory."""
    manifest = sidecar("s", LOOPBACK, created="2026-01-01T00:00:00Z", selector={"app": "web"})
    manifest["spec"]["egress"] = [{"hosts": [f"a-namespace/host-{n}" for n in range(1000)]}]
    items = [
        {**manifest, "metadata": {**manifest["metadata"], "name": f"s{n}", "namespace": f"n{n}"}}
        for n in range(200)
    ]
    body = msgspec.json.encode({"metadata": {"resourceVersion": "1"}, "items": items})
    decoder = msgspec.json.Decoder(Page[SidecarObject])
    tracemalloc.start()
    page = decoder.decode(body)
    kept = [item.sidecar for item in page.items]
    del page
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(body) > 20_000 * len(kept)
    assert all(kept)
    assert size < 1024 * len(kept)
