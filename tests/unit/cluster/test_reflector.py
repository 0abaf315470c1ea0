"""List and watch, against an API server that behaves."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from tests.unit.cluster.api_server import ApiServer
from tests.unit.cluster.reflecting import (
    LONG,
    TIMING,
    Clock,
    Entries,
    events,
    running,
    synced,
    watches,
)
from tests.waiting import until
from webhook.cluster.client import Client
from webhook.metrics import Metrics
from webhook.namespaces.cluster import ClusterNamespaces

pytestmark = pytest.mark.anyio


async def test_all_pages_of_the_list_are_read(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics, entries: Entries
) -> None:
    """A list of several pages is complete before the labels count as known."""
    for number in range(5):
        server.put(f"n{number}", number=str(number))
    before = namespaces.known
    async with running(namespaces):
        await until(lambda: synced(metrics))
        assert (before, namespaces.known) == (False, True)
        for number in range(5):
            assert await namespaces.labels(f"n{number}") == {"number": str(number)}
    assert server.count("list") == 3
    assert server.count("get") == 0
    assert entries == [{"event": "namespaces-synced", "count": 5, "log_level": "info"}]


async def test_requests_ask_for_metadata_only(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics
) -> None:
    """List and watch ask for partial objects, the watch also for bookmarks and an end."""
    async with running(namespaces):
        await until(lambda: synced(metrics))
    listed, watched = server.requests
    assert listed.headers["accept"].startswith("application/json;as=PartialObjectMetadataList;")
    assert watched.headers["accept"].startswith("application/json;as=PartialObjectMetadata;")
    assert watched.params["allowWatchBookmarks"] == "true"
    assert 300 <= int(watched.params["timeoutSeconds"]) <= 600


async def test_watch_brings_what_happens(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics
) -> None:
    """What is created, relabelled or deleted is so in memory, without a request."""
    server.put("gone", a="1")
    async with running(namespaces):
        await until(lambda: synced(metrics))
        server.put("new", a="1")
        server.put("new", a="2")
        server.delete("gone")
        server.put("bare")
        store = namespaces._store  # noqa: SLF001  labels() would ask the server for what is gone
        await until(lambda: store.get("bare") == {})
        assert store.get("new") == {"a": "2"}
        assert store.get("gone") is None
    assert server.count("get") == 0


async def test_ended_watch_goes_on_where_it_was(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics, entries: Entries
) -> None:
    """After a proper end the next watch starts at the last bookmark, without a list or a word."""
    async with running(namespaces):
        await until(lambda: synced(metrics))
        revision = server.bookmark()
        store = namespaces._store  # noqa: SLF001  no public sign of a bookmark
        await until(lambda: store.resource_version == revision)
        server.end_watches()
        await until(lambda: server.count("watch") == 2 and server.open_watches == 1)
        assert synced(metrics)
    assert watches(server)[1] == revision
    assert server.count("list") == 1
    assert events(entries) == ["namespaces-synced"]


async def test_list_comes_once_an_hour(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics, clock: Clock
) -> None:
    """A watch that ends an hour after the list is followed by a list, without an alarm."""
    async with running(namespaces):
        await until(lambda: server.open_watches == 1)
        clock.now += 3601
        server.end_watches()
        await until(lambda: server.count("watch") == 2 and server.open_watches == 1)
        assert server.count("list") == 2
        clock.now += 3500
        server.end_watches()
        await until(lambda: server.count("watch") == 3 and server.open_watches == 1)
        assert server.count("list") == 2
        assert synced(metrics)


async def test_watches_that_end_at_once_are_paced(
    server: ApiServer, client: Client, metrics: Metrics, clock: Clock
) -> None:
    """A server that ends each watch at once is not asked in a busy loop."""
    namespaces = ClusterNamespaces(client, metrics, timing=replace(TIMING, pace=1.0), clock=clock)
    async with running(namespaces):
        await until(lambda: server.open_watches == 1)
        server.end_watches()
        await until(lambda: server.count("watch") == 2)
    first, second = (request.at for request in server.requests if request.verb == "watch")
    # Far below the pace: when a request is noted is up to the server's thread.
    assert second - first > 0.3


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_cancelling_is_prompt(
    server: ApiServer, namespaces: ClusterNamespaces, verb: str
) -> None:
    """Cancelled while the server keeps silent, run() ends at once and leaves only daemons."""
    server.faults[verb] = "hang"
    async with running(namespaces):
        await until(lambda: server.count(verb) == 1)
        before = time.monotonic()
    assert time.monotonic() - before < LONG
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("namespace-")]
    assert all(thread.daemon for thread in ours)
    server.release()


async def test_cancelled_watch_leaves_no_thread(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics
) -> None:
    """Cancelled in the middle of a watch, its thread wakes up and ends, and so does the stream."""
    async with running(namespaces):
        await until(lambda: synced(metrics))
    names = {"namespace-watch", "namespace-list"}
    await until(lambda: not names & {thread.name for thread in threading.enumerate()})
    server.put("a")  # the stand-in notices the other end when it writes
    server.put("b")
    await until(lambda: server.open_watches <= 1)


def test_event_loop_may_be_gone_before_a_thread_ends(
    server: ApiServer, namespaces: ClusterNamespaces
) -> None:
    """A list that is answered after the event loop was closed disturbs nobody."""
    server.faults["list"] = "hang"

    async def serve() -> None:
        async with running(namespaces):
            await until(lambda: server.count("list") == 1)

    asyncio.run(serve())
    server.release()
