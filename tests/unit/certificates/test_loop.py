"""The loop around a reconciliation: how long it waits, what wakes it, and how it ends."""

import asyncio
import contextlib
import itertools
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from structlog.typing import EventDict

from certs.contents import ContentsError
from tests.unit.certificates.conftest import sample
from tests.waiting import until
from webhook.certificates import CertificateError, loop
from webhook.certificates.loop import ReconcileLoop
from webhook.cluster import ClusterError, Conflict, Forbidden, Unreachable
from webhook.cluster.answers import Event, Watch
from webhook.metrics import Metrics

pytestmark = pytest.mark.anyio

LONG = 3600.0
"""A poll that no test waits for."""


class Scripted(Watch):
    """A watch that brings its events, and then waits to be closed."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds
        self.read = threading.Event()
        self.closed = threading.Event()

    def events(self, opened: Callable[[], None]) -> Iterator[Event]:
        """Bring the events."""
        opened()
        for kind in self._kinds:
            yield Event(kind, b"")  # type: ignore[arg-type]
        self.read.set()
        self.closed.wait()

    def close(self) -> None:
        """End."""
        self.closed.set()


class Reconciliations:
    """A reconciliation that is counted and has the outcomes of a list; the last one stays."""

    def __init__(self, *outcomes: bool | Exception) -> None:
        self.count = 0
        self._outcomes = itertools.chain(outcomes, itertools.repeat(outcomes[-1]))

    def __call__(self) -> bool:
        """Reconcile."""
        self.count += 1
        outcome = next(self._outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@contextlib.asynccontextmanager
async def running(
    reconcile: Callable[[], bool], metrics: Metrics, watch: Watch | None = None, poll: float = LONG
) -> AsyncIterator[None]:
    """Reconcile for as long as the context lasts; it has to let itself be cancelled."""
    reconciling = ReconcileLoop(reconcile, lambda: watch or Scripted(), poll, metrics)
    task = asyncio.create_task(reconciling.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


@pytest.fixture
def picked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Keep the bounds between which each pause is picked, and make none."""
    bounds: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)
    return bounds


async def test_pauses_after_failures_double_up_to_a_bound(
    metrics: Metrics, picked: list[tuple[float, float]]
) -> None:
    """Each is picked anew between nothing and twice as much, so that replicas fall out of step."""
    reconcile = Reconciliations(Unreachable("away"))
    async with running(reconcile, metrics):
        await until(lambda: len(picked) >= 12)

    assert picked[:10] == [(0, most) for most in (0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30)]


async def test_pauses_begin_anew_after_a_success(
    metrics: Metrics, picked: list[tuple[float, float]]
) -> None:
    """What failed before does not slow down what fails next."""
    failure = Unreachable("away")
    async with running(
        Reconciliations(failure, failure, False, failure, False), metrics, poll=10.0
    ):
        await until(lambda: len(picked) >= 5)

    assert picked[:5] == [(0, 0.2), (0, 0.4), (5, 10), (0, 0.2), (5, 10)]


async def test_pause_after_a_change_is_short(
    metrics: Metrics, picked: list[tuple[float, float]]
) -> None:
    """The next step is looked for at once, and with nothing to do the poll is the longest pause."""
    async with running(Reconciliations(True, True, False), metrics, poll=10.0):
        await until(lambda: len(picked) >= 3)

    assert picked[:3] == [(0.1, 0.2), (0.1, 0.2), (5, 10)]


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
async def test_event_wakes_it(metrics: Metrics, kind: str) -> None:
    """Whatever happens to the configuration is looked at, long before the poll."""
    reconcile, watch = Reconciliations(False), Scripted(kind)
    async with running(reconcile, metrics, watch):
        await until(lambda: reconcile.count >= 2)


async def test_event_ends_the_pause_after_a_failure(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was wrong may be what has just been changed."""
    monkeypatch.setattr(loop, "_SOON", LONG)
    monkeypatch.setattr(loop, "_LAST_RETRY", LONG)
    monkeypatch.setattr(random, "uniform", lambda _, high: high)
    reconcile = Reconciliations(Unreachable("away"), False)
    async with running(reconcile, metrics, Scripted("MODIFIED")):
        await until(lambda: reconcile.count >= 2)


async def test_bookmark_does_not_wake_it(metrics: Metrics) -> None:
    """Nothing has happened, so nothing is asked."""
    reconcile, watch = Reconciliations(False), Scripted("BOOKMARK", "BOOKMARK")
    async with running(reconcile, metrics, watch):
        await until(lambda: reconcile.count == 1 and watch.read.is_set())
        for _ in range(20):
            await asyncio.sleep(0)
        assert reconcile.count == 1


async def test_event_during_a_reconciliation_is_not_lost(metrics: Metrics) -> None:
    """What changes while it reconciles is reconciled after that."""
    began, go_on = threading.Event(), threading.Event()
    watch = Scripted("MODIFIED")
    reconcile = Reconciliations(False)

    def slow() -> bool:
        began.set()
        go_on.wait(10)
        return reconcile()

    async with running(slow, metrics, watch):
        await until(lambda: began.is_set() and watch.read.is_set())
        go_on.set()
        await until(lambda: reconcile.count == 2)


@pytest.mark.parametrize(
    "error",
    [Unreachable("away"), Forbidden("no"), ContentsError("not ours"), CertificateError("bad")],
)
async def test_every_failure_is_counted_and_a_new_one_is_said(
    metrics: Metrics,
    log: list[EventDict],
    picked: list[tuple[float, float]],
    error: ClusterError | ContentsError | CertificateError,
) -> None:
    """Three failures of two kinds are two lines, and the end of them is one."""
    reconcile = Reconciliations(error, error, Unreachable("later"), Conflict("first"), False)
    async with running(reconcile, metrics):
        await until(lambda: reconcile.count >= 5 and len(picked) >= 5)

    assert sample(metrics, "certificate_failures_total") == 3
    told = [(entry["event"], entry.get("why")) for entry in log if "stuck" in entry["event"]]
    later = [] if str(error) == "later" else [("certificates-stuck", "later")]
    assert told == [("certificates-stuck", str(error)), *later, ("certificates-unstuck", None)]


async def test_conflict_after_conflict_is_a_failure(
    metrics: Metrics, log: list[EventDict], picked: list[tuple[float, float]]
) -> None:
    """Somebody else may be first a few times; whoever never is has a reason to say so."""
    conflict = Conflict("it changed")
    in_between = Reconciliations(
        *[conflict] * 5, False, *[conflict] * 5, Unreachable("away"), False
    )
    async with running(in_between, metrics):
        await until(lambda: in_between.count >= 13)
    assert sample(metrics, "certificate_failures_total") == 1
    reconcile = Reconciliations(*[conflict] * 8, False)
    async with running(reconcile, metrics):
        await until(lambda: reconcile.count >= 9)

    assert sample(metrics, "certificate_failures_total") == 4
    told = [(entry["event"], entry.get("why")) for entry in log if "stuck" in entry["event"]]
    assert told[-2:] == [("certificates-stuck", "it changed"), ("certificates-unstuck", None)]
    assert picked


async def test_end_leaves_no_watch_open(metrics: Metrics) -> None:
    """Whoever cancels it gets the connection back at once."""
    watch = Scripted()
    async with running(Reconciliations(False), metrics, watch):
        await until(watch.read.is_set)
        assert not watch.closed.is_set()

    assert watch.closed.is_set()


async def test_end_does_not_wait_for_a_reconciliation(metrics: Metrics) -> None:
    """A request that hangs does not keep the process, and its answer harms nobody."""
    began, go_on = threading.Event(), threading.Event()

    def reconcile() -> bool:
        began.set()
        go_on.wait(10)
        raise Unreachable("too late")

    async with running(reconcile, metrics):
        await until(began.is_set)
    go_on.set()

    assert sample(metrics, "certificate_failures_total") == 0


async def test_watch_that_ends_is_made_anew(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is closed, and the pause before the next one is picked from a range."""
    monkeypatch.setattr(loop, "_REWATCH", (0.0, 0.001))
    made: list[Scripted] = []

    def watch() -> Scripted:
        made.append(Scripted())
        made[-1].closed.set()
        return made[-1]

    task = asyncio.create_task(ReconcileLoop(Reconciliations(False), watch, LONG, metrics).run())
    await until(lambda: len(made) > 2)
    task.cancel()
    await asyncio.wait([task])

    assert all(each.closed.is_set() for each in made)
