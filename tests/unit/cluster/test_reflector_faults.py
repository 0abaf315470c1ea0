"""List and watch against an API server that fails, is silent, forbids or is gone."""

from dataclasses import replace

import pytest

from tests.unit.cluster.api_server import ApiServer
from tests.unit.cluster.reflecting import TIMING, Clock, Entries, events, running, synced
from tests.waiting import until
from webhook.cluster.client import Client
from webhook.metrics import Metrics
from webhook.namespaces.cluster import ClusterNamespaces

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("how", ["drop", "junk", {"code": 500, "message": "etcd has no leader"}])
async def test_watch_that_breaks_late_goes_on(  # noqa: PLR0917  fixtures
    server: ApiServer,
    namespaces: ClusterNamespaces,
    metrics: Metrics,
    clock: Clock,
    entries: Entries,
    how: str,
) -> None:
    """A connection that breaks after minutes, as all do some day, costs neither list nor alarm."""
    async with running(namespaces):
        await until(lambda: synced(metrics))
        clock.now += 60
        server.end_watches(how)
        await until(lambda: server.count("watch") == 2 and server.open_watches == 1)
        server.put("new")
        await until(lambda: namespaces._store.get("new") == {})  # noqa: SLF001
        assert synced(metrics)
    assert server.count("list") == 1
    assert events(entries) == ["namespaces-synced"]


@pytest.mark.parametrize("how", ["drop", {"code": 410, "message": "too old resource version"}])
async def test_broken_watch_starts_with_a_list(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics, entries: Entries, how: str
) -> None:
    """A watch that breaks at once or is told 410 starts over, and says when it is back."""
    async with running(namespaces):
        await until(lambda: server.open_watches == 1)
        server.end_watches(how)
        await until(lambda: server.count("list") == 2 and server.open_watches == 1)
        await until(lambda: synced(metrics))
    assert events(entries) == ["namespaces-synced", "namespaces-lost", "namespaces-restored"]


async def test_list_after_410_forgets_the_deleted(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics
) -> None:
    """Namespaces deleted while the watch was away vanish with the list that 410 asks for."""
    server.put("gone", a="1")
    server.put("kept", a="1")
    async with running(namespaces):
        await until(lambda: synced(metrics))
        server.faults["watch"] = "hang"
        server.end_watches()
        await until(lambda: server.count("watch") == 2)
        server.delete("gone")
        server.put("kept", a="2")
        server.forget_history()
        del server.faults["watch"]
        server.release()
        store = namespaces._store  # noqa: SLF001  labels() would ask the server for what is gone
        await until(lambda: store.get("gone") is None)
        assert store.get("kept") == {"a": "2"}
    assert server.count("list") == 2


@pytest.mark.parametrize("fault", [500, 503, 429, 403, 401, "drop", "cut", b"<html>", b"{}"])
async def test_failing_list_is_tried_again(
    server: ApiServer,
    namespaces: ClusterNamespaces,
    metrics: Metrics,
    entries: Entries,
    fault: int | str | bytes,
) -> None:
    """Whatever a list is answered with, it is tried until it works, and said once."""
    server.faults["list"] = fault
    async with running(namespaces):
        await until(lambda: server.count("list") >= 4)
        before = namespaces.known
        assert not synced(metrics)
        server.faults.clear()
        await until(lambda: synced(metrics))
        assert (before, namespaces.known) == (False, True)
    trouble = "namespaces-forbidden" if fault in {401, 403} else "namespaces-lost"
    assert events(entries) == [trouble, "namespaces-synced"]


async def test_labels_stay_while_the_watch_is_forbidden(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics, entries: Entries
) -> None:
    """Without the right to watch, what was listed is told, and the log names the right."""
    server.put("a", x="1")
    server.faults["watch"] = 403
    async with running(namespaces):
        await until(lambda: server.count("watch") >= 3)
        assert namespaces.known
        assert not synced(metrics)
        assert await namespaces.labels("a") == {"x": "1"}
        server.faults.clear()
        await until(lambda: synced(metrics))
    assert events(entries) == ["namespaces-forbidden", "namespaces-synced"]
    assert 'cannot watch resource "namespaces"' in entries[0]["error"]


async def test_server_that_comes_back(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics, entries: Entries
) -> None:
    """With the API server gone the labels stay, and its successor's labels replace them."""
    server.put("a", x="1")
    async with running(namespaces):
        await until(lambda: synced(metrics))
        server.stop()
        await until(lambda: not synced(metrics))
        assert namespaces.known
        assert await namespaces.labels("a") == {"x": "1"}
        successor = ApiServer(server.port)
        successor.put("a", x="2")
        try:
            await until(lambda: synced(metrics))
            assert await namespaces.labels("a") == {"x": "2"}
        finally:
            successor.stop()
    assert events(entries) == ["namespaces-synced", "namespaces-lost", "namespaces-restored"]


async def test_half_open_watch_is_noticed(
    server: ApiServer, client: Client, metrics: Metrics, clock: Clock
) -> None:
    """A watch that is silent for too long is replaced by one that tells what it missed."""
    namespaces = ClusterNamespaces(
        client, metrics, timing=replace(TIMING, silence=3.0), clock=clock
    )
    async with running(namespaces):
        await until(lambda: synced(metrics))
        clock.now += 60
        server.end_watches("freeze")
        server.put("new", a="1")
        await until(lambda: namespaces._store.get("new") == {"a": "1"})  # noqa: SLF001
    assert server.count("list") == 1


async def test_watch_that_is_never_accepted_is_trouble(
    server: ApiServer, client: Client, metrics: Metrics, clock: Clock, entries: Entries
) -> None:
    """A server that takes connections and says nothing is no healthy one, however long it takes."""
    namespaces = ClusterNamespaces(
        client, metrics, timing=replace(TIMING, silence=2.0), clock=clock
    )
    async with running(namespaces):
        await until(lambda: server.open_watches == 1)
        server.faults["watch"] = "hang"
        server.end_watches()
        await until(lambda: server.count("watch") == 2)
        clock.now += 60
        await until(lambda: not synced(metrics))
        server.faults.clear()
        server.release()
        await until(lambda: synced(metrics))
    assert events(entries) == ["namespaces-synced", "namespaces-lost", "namespaces-restored"]
