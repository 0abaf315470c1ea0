"""Labels and confirmations, with single requests where memory does not do."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.unit.cluster.api_server import ApiServer
from tests.unit.cluster.reflecting import LIMITS, Clock, running
from tests.waiting import until
from webhook.cluster.client import Client
from webhook.metrics import Metrics
from webhook.namespaces import Namespaces, cluster
from webhook.namespaces.cluster import ClusterNamespaces

pytestmark = pytest.mark.anyio


def counted(metrics: Metrics) -> Mapping[str, float]:
    """Tell how often a request had which result, if it had it at all."""
    (metric,) = metrics.namespace_lookups.collect()
    samples = metric.samples
    return {s.labels["result"]: s.value for s in samples if s.name.endswith("_total") and s.value}


def test_it_is_a_source_of_labels(namespaces: ClusterNamespaces) -> None:
    """The class is what the server takes."""
    source: Namespaces = namespaces
    assert not source.known


async def test_miss_costs_one_request(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics
) -> None:
    """A namespace that the watch has not brought yet is asked for once and then remembered."""
    server.put("new", a="1")
    assert namespaces.remembered("new") is None
    assert await namespaces.labels("new") == {"a": "1"}
    assert await namespaces.labels("new") == {"a": "1"}
    assert namespaces.remembered("new") == {"a": "1"}
    assert server.count("get") == 1
    assert counted(metrics) == {"found": 1}


async def test_simultaneous_misses_share_one_request(
    server: ApiServer, namespaces: ClusterNamespaces
) -> None:
    """A hundred pods of a new namespace cost one request, and one that gives up harms no other."""
    server.put("new", a="1")
    server.faults["get"] = "hang"
    waiting = [asyncio.create_task(namespaces.labels("new")) for _ in range(100)]
    await until(lambda: server.count("get") == 1)
    waiting.pop().cancel()
    server.faults.clear()
    server.release()
    assert await asyncio.gather(*waiting) == [{"a": "1"}] * 99
    assert server.count("get") == 1


async def test_missing_namespace_has_no_labels(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics, clock: Clock
) -> None:
    """A missing namespace is empty, is asked for once a second at most, and may appear."""
    assert await namespaces.labels("x") == {}
    clock.now += 0.9
    server.put("x", a="1")
    assert await namespaces.labels("x") == {}
    clock.now += 0.2
    assert await namespaces.labels("x") == {"a": "1"}
    assert counted(metrics) == {"missing": 1, "found": 1}


@pytest.mark.parametrize("name", ["", "..", "a/b", "a?b", "-a", "a" * 64, "Ä", "a\n"])
async def test_impossible_name_costs_nothing(
    server: ApiServer, namespaces: ClusterNamespaces, name: str
) -> None:
    """What no namespace can be called is not asked for, whatever path it would make."""
    assert await namespaces.labels(name) == {}
    assert await namespaces.confirm(name) == {}
    assert server.requests == []


@pytest.mark.parametrize("fault", [500, 429, 403, "drop", "cut", b"<html>"])
async def test_unreachable_api_is_not_asked_again_at_once(
    server: ApiServer,
    namespaces: ClusterNamespaces,
    metrics: Metrics,
    clock: Clock,
    fault: int | str | bytes,
) -> None:
    """Nobody can tell, which costs one request a second for either question, and then it mends."""
    server.put("x", a="1")
    server.faults["get"] = fault
    assert await namespaces.labels("x") is None
    clock.now += 0.9
    assert await namespaces.labels("x") is None
    assert await namespaces.confirm("x") is None
    assert counted(metrics) == {"unreachable": 1}
    server.faults.clear()
    clock.now += 0.2
    assert await namespaces.confirm("x") == {"a": "1"}
    assert counted(metrics) == {"unreachable": 1, "found": 1}


async def test_slow_api_is_not_waited_for(
    server: ApiServer, client: Client, metrics: Metrics
) -> None:
    """A request that takes too long counts as unreachable, although its thread goes on."""
    namespaces = ClusterNamespaces(client, metrics, limits=replace(LIMITS, deadline=0.1))
    server.faults["get"] = "hang"
    assert await namespaces.labels("x") is None
    server.release()
    assert counted(metrics) == {"unreachable": 1}


async def test_crowd_of_namespaces_waits_for_slots(
    server: ApiServer, namespaces: ClusterNamespaces
) -> None:
    """No more than eight requests are under way, and all get their answer."""
    names = [f"n{number}" for number in range(20)]
    for name in names:
        server.put(name, of=name)
    server.faults["get"] = "hang"
    waiting = [asyncio.create_task(namespaces.labels(name)) for name in names]
    await until(lambda: server.count("get") == 8)
    server.faults.clear()
    server.release()
    assert await asyncio.gather(*waiting) == [{"of": name} for name in names]


async def test_thread_that_does_not_start_costs_no_slot(
    server: ApiServer,
    namespaces: ClusterNamespaces,
    metrics: Metrics,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the system gives no thread nobody can tell, and later it is as it was."""

    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    server.put("x", a="1")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        for number in range(20):  # more than there are slots
            assert await namespaces.labels(f"n{number}") is None
        assert await namespaces.labels("x") is None
    assert counted(metrics) == {"unreachable": 21}
    clock.now += 1.1
    assert await namespaces.labels("x") == {"a": "1"}


async def test_requests_are_bounded_in_a_second(
    server: ApiServer, client: Client, metrics: Metrics, clock: Clock
) -> None:
    """Reviews of ever new namespaces cost a burst of requests, then a few in a second."""
    limits = replace(LIMITS, rate=2.0, burst=5.0)
    namespaces = ClusterNamespaces(client, metrics, limits=limits, clock=clock)
    told = [await namespaces.labels(f"a{number}") for number in range(20)]
    assert told == [{}] * 5 + [None] * 15
    clock.now += 1
    told = [await namespaces.confirm(f"b{number}") for number in range(20)]
    assert told == [{}] * 2 + [None] * 18
    clock.now += 1000
    told = [await namespaces.labels(f"c{number}") for number in range(20)]
    assert told == [{}] * 5 + [None] * 15
    assert server.count("get") == 12
    assert counted(metrics) == {"missing": 12, "rate-limited": 48}


async def test_memory_of_answers_is_bounded(
    server: ApiServer, namespaces: ClusterNamespaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many names, as only an attacker has them, do not grow the process."""
    monkeypatch.setattr(cluster, "_REMEMBERED", 10)
    for number in range(16):
        assert await namespaces.labels(f"n{number}") == {}
    assert server.count("get") == 16
    lookups = namespaces._lookups  # noqa: SLF001  memory has no public sign
    assert len(lookups._remembered) == 10  # noqa: SLF001
    assert not lookups._under_way  # noqa: SLF001


async def test_confirm_sees_a_label_before_the_watch(
    server: ApiServer, namespaces: ClusterNamespaces, metrics: Metrics
) -> None:
    """A label that the watch has not brought yet is confirmed by a request and then in memory."""
    server.put("x")
    async with running(namespaces):
        await until(lambda: server.open_watches == 1)
        server.end_watches("freeze")
        server.put("x", a="1")
        assert await namespaces.labels("x") == {}
        assert await namespaces.confirm("x") == {"a": "1"}
        assert await namespaces.labels("x") == {"a": "1"}
    assert counted(metrics) == {"found": 1}


async def test_confirm_is_no_load(
    server: ApiServer, namespaces: ClusterNamespaces, clock: Clock
) -> None:
    """A wrong selector costs one request in five seconds for a namespace."""
    server.put("x", a="1")
    for _ in range(3):
        assert await namespaces.confirm("x") == {"a": "1"}
        clock.now += 1.6
    assert server.count("get") == 1
    clock.now += 1
    assert await namespaces.confirm("x") == {"a": "1"}
    assert server.count("get") == 2


async def test_confirm_takes_what_the_watch_brought_since(
    server: ApiServer, namespaces: ClusterNamespaces
) -> None:
    """Between two requests the watch's news count, also for a namespace that was missing."""
    async with running(namespaces):
        await until(lambda: server.open_watches == 1)
        assert await namespaces.confirm("x") == {}
        server.put("x", a="1")
        await until(lambda: namespaces._store.get("x"))  # noqa: SLF001
        assert await namespaces.confirm("x") == {"a": "1"}
    assert server.count("get") == 1
