"""One watch request."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.unit.cluster.api_server import COLLECTION, ApiServer
from tests.unit.cluster.reflecting import LONG
from tests.waiting import wait_for
from webhook.cluster import ClusterError, Expired, Forbidden, Unreachable
from webhook.cluster.answers import Event, Watch
from webhook.cluster.client import Client


@pytest.fixture
def watch(client: Client) -> Watch:
    """Prepare a watch from the beginning of history."""
    return client.watch(COLLECTION, {"resourceVersion": "1"})


def ignore() -> None:
    """Do nothing when a watch is accepted."""


def first(watch: Watch, server: ApiServer) -> Iterator[Event]:
    """Read one event and return the rest."""
    server.put("a")
    events = watch.events(ignore)
    assert next(events).type == "ADDED"
    return events


def test_nothing_is_sent_before_it_is_read(server: ApiServer, watch: Watch) -> None:
    """A watch that nobody reads costs nothing."""
    assert isinstance(watch, Watch)
    assert server.requests == []


def test_events_come_until_the_server_ends(server: ApiServer, watch: Watch) -> None:
    """Events keep their order, and a proper end is no error."""
    opened = threading.Event()
    events = watch.events(opened.set)
    server.put("a")
    assert next(events).type == "ADDED"
    assert opened.is_set()
    server.put("a", x="1")
    server.delete("a")
    assert [next(events).type, next(events).type] == ["MODIFIED", "DELETED"]
    server.end_watches()
    assert list(events) == []
    watch.close()


@pytest.mark.parametrize(
    ("how", "kind", "sentence"),
    [
        ("drop", Unreachable, "broke off"),
        ("junk", Unreachable, "makes no sense"),
        ({"code": 410, "message": "too old"}, Expired, "HTTP 410, too old"),
        ({"code": 403, "message": "no"}, Forbidden, "HTTP 403, no"),
        ({"code": 500, "message": "etcd"}, Unreachable, "HTTP 500, etcd"),
        ({}, Unreachable, "HTTP 0, no reason given"),
    ],
)
def test_improper_end_is_an_error(
    server: ApiServer, watch: Watch, how: str, kind: type[ClusterError], sentence: str
) -> None:
    """A broken connection, junk, and an ERROR event are the error that they stand for."""
    events = first(watch, server)
    server.end_watches(how)
    with pytest.raises(kind, match=f"^watch {COLLECTION}.*{sentence}"):
        next(events)


def test_refused_watch_is_an_error(server: ApiServer, watch: Watch) -> None:
    """A watch that is not accepted does not call itself open."""
    server.faults["watch"] = 403
    opened = threading.Event()
    with pytest.raises(Forbidden, match='cannot watch resource "namespaces"'):
        next(watch.events(opened.set))
    assert not opened.is_set()


def test_silence_is_an_error(server: ApiServer, client: Client) -> None:
    """A half-open connection is noticed."""
    watch = client.watch(COLLECTION, {"resourceVersion": "1"}, timeout=(5.0, 0.1))
    with pytest.raises(Unreachable, match="timed out"):
        list(watch.events(ignore))
    wait_for(lambda: server.count("watch") == 1, LONG, "the server to note the request")


def test_closing_wakes_the_reader(server: ApiServer, watch: Watch) -> None:
    """A thread that waits for an event returns at once, without an error."""
    events = first(watch, server)
    left: list[Event] = []
    reader = threading.Thread(target=lambda: left.extend(events))
    reader.start()
    before = time.monotonic()
    watch.close()
    reader.join()
    assert time.monotonic() - before < LONG
    assert left == []


def test_closed_before_it_is_accepted(server: ApiServer, watch: Watch) -> None:
    """A watch that is closed while the server makes up its mind yields nothing."""
    server.put("a")
    server.faults["watch"] = "hang"
    left: list[Event] = []
    opened = threading.Event()
    reader = threading.Thread(target=lambda: left.extend(watch.events(opened.set)))
    reader.start()
    wait_for(lambda: server.count("watch") == 1, 10, "the watch")
    watch.close()
    server.faults.clear()
    server.release()
    reader.join()
    assert left == []
    assert not opened.is_set()
