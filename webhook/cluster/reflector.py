"""How a store in memory follows the cluster: list and watch, and again after each failure.

For any kind of object: :mod:`webhook.namespaces.cluster` follows namespaces by it, and
:mod:`webhook.sidecars` Sidecars.

Source:
    Kubernetes API Concepts, "Efficient detection of changes"; named after client-go's.
"""

import asyncio
import dataclasses
import enum
import math
import random
from collections.abc import Callable, Iterable
from typing import Final, Generic, Protocol, TypeVar

import msgspec
import structlog
import tenacity
from prometheus_client import Gauge

from webhook.cluster import ClusterError, Forbidden, NotFound, Unreachable, answers
from webhook.cluster.answers import Page, Watch
from webhook.cluster.client import Client, in_thread, post_to_loop

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
_log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient list and watch are, in seconds."""

    connect: float = 5.0
    """To open a connection."""

    page: float = 30.0
    """To read one page of the list."""

    silence: float = 90.0
    """Without a byte a watch's connection counts as half-open; bookmarks come once a minute."""

    watch: tuple[float, float] = (300.0, 600.0)
    """Length of a watch, picked anew each time, so that replicas do not come back together."""

    healthy: float = 10.0
    """A watch that broke after this long goes on where it was; sooner, we back off and list."""

    relist: float = 3600.0
    """A watch that ends this long after the last list is followed by a list: after a restore of
    etcd revisions start over, and a watch from a revision that is yet to come is accepted and tells
    nothing."""

    pace: float = 1.0
    """Between the starts of two watches that the server ends properly, however soon it does."""

    first_retry: float = 0.2
    """Longest first pause after a failure (back-off); it doubles with each, and the pause is random
    below that."""

    last_retry: float = 30.0
    """Longest pause after a failure."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Generic[T]):
    """What is listed and watched."""

    noun: str
    """What one of them is called, for the names of threads."""

    path: str
    """Of the collection, in all namespaces."""

    page: msgspec.json.Decoder[Page[T]]
    """Decodes a page of the list."""

    item: msgspec.json.Decoder[T]
    """Decodes the object of an event."""

    accept_page: str = "application/json"
    """Wanted media type of the list."""

    accept_item: str = "application/json"
    """Wanted media type of the watch."""

    limit: int = 500
    """Objects in one page."""


class Store(Protocol[T_contra]):
    """What follows the cluster; used in the event loop only."""

    resource_version: str
    """How far it has come; the next watch begins there."""

    def __len__(self) -> int:
        """Count what it holds."""

    def replace(self, items: Iterable[T_contra], resource_version: str) -> None:
        """Take over a complete list: what is not in it is gone."""

    def apply(self, event: str, item: T_contra) -> None:
        """Take over one event of the watch, of whatever type it is."""


class _State(enum.StrEnum):
    """What was said in the log last; each is the end of an event's name."""

    STARTING = "starting"
    SYNCED = "synced"
    RESTORED = "restored"
    LOST = "lost"
    FORBIDDEN = "forbidden"
    ABSENT = "absent"


_STATES_OF_ERRORS: Final = {Forbidden: _State.FORBIDDEN, NotFound: _State.ABSENT}
"""Which errors have an event of their own; with any other the cluster is lost."""


class Health:
    """Tells whether a store is current: one gauge, and one line in the log where that changes.

    Args:
        followed: What is followed, a word for the names of the log's events.
        synced: Becomes 1 while it is current, 0 while it may be stale.
    """

    def __init__(self, followed: str, synced: Gauge) -> None:
        self._followed = followed
        self._synced = synced
        self._state = _State.STARTING
        self._was_synced = False

    def current(self, count: int) -> None:
        """Note that list and watch follow the cluster.

        Args:
            count: Objects in memory.
        """
        self._synced.set(1)
        if self._state in {_State.SYNCED, _State.RESTORED}:
            return
        self._state = _State.RESTORED if self._was_synced else _State.SYNCED
        self._was_synced = True
        event = f"{self._followed}-{self._state}"
        _log.info(event, count=count)

    def lost(self, error: ClusterError) -> None:
        """Note that they no longer do.

        Args:
            error: Why. A right that is missing is somebody's to grant, so it has its own event, and
                a resource that is not served may be so on purpose.
        """
        self._synced.set(0)
        states = (state for kind, state in _STATES_OF_ERRORS.items() if isinstance(error, kind))
        state = next(states, _State.LOST)
        if self._state is not state:
            self._state = state
            event = f"{self._followed}-{state}"
            tell = _log.info if state is _State.ABSENT else _log.warning
            tell(event, error=str(error))


class Reflector(Generic[T]):
    """Keeps a store current; does nothing before :meth:`run`.

    Args:
        client: Asks the API server.
        resource: What is kept current.
        store: Where it is kept.
        health: Is told whether it is.
        timing: How patient we are.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource[T],
        store: Store[T],
        health: Health,
        *,
        timing: Timing,
        clock: Callable[[], float],
    ) -> None:
        self.listed = False
        """Whether there was a complete list, ever."""
        self.refused = False
        """Whether the API server said, ever, that there is no such resource, or not for us."""
        self._client = client
        self._resource = resource
        self._store = store
        self._health = health
        self._timing = timing
        self._clock = clock
        self._list_first = True
        self._listed_at = clock()
        self._opened_at = math.inf

    async def run(self) -> None:
        """List and watch until cancelled."""
        first, last = self._timing.first_retry, self._timing.last_retry
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(ClusterError),
            # tenacity 9.2.1: after the n-th failure random below first * 2 ** (n - 1) and last.
            wait=tenacity.wait_random_exponential(first, last),
        )
        while True:
            # Returns when a watch went well, and the pauses then start small again.
            await retrying(self._list_and_watch)

    async def _list_and_watch(self) -> None:
        """List, unless a watch can go on where one ended, and watch once."""
        try:
            if self._list_first or self._clock() - self._listed_at > self._timing.relist:
                await self._list()
            await self._watch()
        except ClusterError as error:
            self._list_first = True
            self.refused = self.refused or isinstance(error, Forbidden | NotFound)
            if isinstance(error, NotFound):  # no such resource, so none of its objects either
                self._store.replace((), "")
            self._health.lost(error)
            raise

    async def _list(self) -> None:
        """Replace everything by what there is now."""
        # The time before the list, so that it never looks newer than it is.
        self._listed_at = self._clock()
        items, resource_version = await in_thread(self._pages, f"{self._resource.noun}-list")
        self._store.replace(items, resource_version)
        self._list_first = False
        self.listed = True

    def _pages(self) -> tuple[list[T], str]:
        """Read the whole list, page by page; in a thread."""
        items: list[T] = []
        wanted = self._resource
        query = {"limit": str(wanted.limit)}
        timeout = self._timing.connect, self._timing.page
        while True:
            answer = self._client.get(
                wanted.path, query, accept=wanted.accept_page, timeout=timeout
            )
            page = answers.decode(wanted.page, answer.body, wanted.path)
            items += page.items
            if not page.metadata.continue_:
                return items, page.metadata.resource_version
            query["continue"] = page.metadata.continue_

    async def _watch(self) -> None:
        """Watch until the stream ends, properly or after a good while."""
        timing, started = self._timing, self._clock()
        self._opened_at = math.inf  # a watch that is never accepted never becomes healthy
        length = random.uniform(*timing.watch)  # noqa: S311  nothing secret about it
        query = {
            "resourceVersion": self._store.resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": f"{length:.0f}",
        }
        timeout = timing.connect, timing.silence
        wanted = self._resource
        watch = self._client.watch(wanted.path, query, accept=wanted.accept_item, timeout=timeout)
        loop = asyncio.get_running_loop()
        try:
            await in_thread(lambda: self._read(watch, loop), f"{wanted.noun}-watch")
        except Unreachable:
            if self._clock() - self._opened_at < timing.healthy:
                raise
        finally:
            # Also when we are cancelled: the thread then still waits for the next event.
            watch.close()
        await asyncio.sleep(started + timing.pace - self._clock())

    def _read(self, watch: Watch, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the events of a watch to the event loop; in a thread."""
        wanted = self._resource
        for event in watch.events(lambda: post_to_loop(loop, self._opened)):
            item = answers.decode(wanted.item, event.object, wanted.path)
            post_to_loop(loop, self._store.apply, event.type, item)

    def _opened(self) -> None:
        """Note that the watch has been accepted, so that the store follows the cluster."""
        self._opened_at = self._clock()
        self._health.current(len(self._store))
