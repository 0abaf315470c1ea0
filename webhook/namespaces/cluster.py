"""One short request for one namespace, and never many of them.

Labels from the cluster: a watch keeps all of them, and single requests fill the gaps.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
from prometheus_client import Counter

from webhook.admission.options import DEFAULT_LABEL_KEY
from webhook.cluster import ClusterError, NotFound, answers, client
from webhook.cluster.client import Client
from webhook.cluster.reflector import Health, Page, Reflector, Resource, Timing
from webhook.labels import Labels
from webhook.metrics import Metrics
from webhook.namespaces.store import ACCEPT, Namespace, Store, Typos

_CONCURRENT: Final = 8
"""Requests at a time: a crowd of new namespaces must not become a crowd of threads."""
_REMEMBERED: Final = 1024
"""Namespaces whose last answer is kept."""
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label, which is what the API server lets a namespace be called."""
_decoder = msgspec.json.Decoder(Namespace)


class Answer(NamedTuple):
    """What a request told."""

    at: float
    """When, in seconds of the monotonic clock."""
    labels: Labels | None
    """Empty: there is no such namespace. ``None``: nobody could tell."""


class _Bucket:
    """So many requests in a second on average, and so many at once (a token bucket)."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = self._tokens = burst
        self._clock = clock
        self._filled = clock()

    def take(self) -> bool:
        """Take a token, and tell whether there was one."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Lookups:
    """Requests for single namespaces, what they told in the last seconds, and who waits."""

    def __init__(
        self,
        client: Client,
        store: Store,
        results: Counter,
        timing: Timing,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._store = store
        self._results = results
        self._timing = timing
        self._clock = clock
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[Labels | None]] = {}
        self._turns = asyncio.Semaphore(_CONCURRENT)
        self._bucket = _Bucket(timing.rate, timing.burst, clock)

    async def labels(self, name: str, fresh: float) -> Labels | None:
        """Ask for the labels of a namespace, unless that was done just now.

        Args:
            name: The namespace.
            fresh: Seconds for which an earlier answer stands; that nobody could tell stands for
                ``Timing.forget`` at most.

        Returns:
            The labels, empty where there is no such namespace, ``None`` where nobody could tell.
        """
        if not _NAME.fullmatch(name):
            return {}
        answer = self._answers.get(name)
        if answer is not None:
            fresh = min(fresh, self._timing.forget) if answer.labels is None else fresh
            if self._clock() - answer.at < fresh:
                return answer.labels
        task = self._under_way.get(name)
        if task is None:
            if not self._bucket.take():
                self._results.labels("rate-limited").inc()
                return None
            self._under_way[name] = task = asyncio.create_task(self._ask(name))
            task.add_done_callback(lambda _: self._under_way.pop(name))
        # Shielded: others wait for the same answer when this one's caller has gone away.
        return await asyncio.shield(task)

    async def _ask(self, name: str) -> Labels | None:
        """Ask, count, and remember."""
        try:
            async with asyncio.timeout(self._timing.lookup):
                await self._turns.acquire()
                try:
                    asking = client.call(lambda: self._get(name), "namespace-lookup")
                except RuntimeError:  # the system gives no more threads
                    self._turns.release()
                    return self._remember(name, None)
                # The turn ends with the thread, which may outlast our patience.
                asking.add_done_callback(lambda _: self._turns.release())
                found = await asyncio.shield(asking)
        except TimeoutError:
            found = None
        return self._remember(name, found)

    def _get(self, name: str) -> Namespace | NotFound | None:
        """Send the request; in a thread."""
        path = f"/api/v1/namespaces/{name}"
        try:
            answer = self._client.get(path, accept=ACCEPT, timeout=self._timing.lookup)
            return answers.decode(_decoder, answer.body, path)
        except NotFound as missing:
            return missing
        except ClusterError:
            return None

    def _remember(self, name: str, found: Namespace | NotFound | None) -> Labels | None:
        """Count what was found and keep it for a while."""
        labels: Labels | None = None
        if isinstance(found, Namespace):
            labels = found.metadata.labels or {}
            self._store.add(found)
            self._results.labels("found").inc()
        elif found is None:
            self._results.labels("unreachable").inc()
        else:
            labels = {}
            self._results.labels("missing").inc()
        self._answers[name] = Answer(self._clock(), labels)
        self._answers.move_to_end(name)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return labels


_NAMESPACES: Final = Resource(
    noun="namespace",
    path="/api/v1/namespaces",
    page=msgspec.json.Decoder(Page[Namespace]),
    item=msgspec.json.Decoder(Namespace),
    accept_page="application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
    accept_item=ACCEPT,
)


class ClusterNamespaces:
    """The cluster's own namespaces; a :class:`webhook.namespaces.Namespaces`."""

    def __init__(
        self,
        client: Client,
        metrics: Metrics,
        *,
        label_key: str = DEFAULT_LABEL_KEY,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a source that knows nothing before :meth:`run` has listed.

        Args:
            client: Asks the API server. May ``get``, ``list`` and ``watch`` namespaces.
            metrics: Counts the single requests and tells whether the watch is current.
            label_key: Key of the label whose mistyped values are told.
            timing: How patient we are; ``None``: as :class:`Timing` says.
            clock: Monotonic seconds: the wall clock may jump.
        """
        self._timing = timing = timing or Timing()
        self._store = store = Store(Typos(label_key).look)
        health = Health("namespaces", metrics.namespace_cache_synced)
        self._reflector = Reflector(client, _NAMESPACES, store, health, timing=timing, clock=clock)
        self._lookups = Lookups(client, store, metrics.namespace_lookups, timing, clock)

    @property
    def known(self) -> bool:
        """Whether there was a complete list; what became stale since is still told."""
        return self._reflector.listed

    async def labels(self, name: str) -> Labels | None:
        """See :meth:`webhook.namespaces.Namespaces.labels`."""
        labels = self._store.get(name)
        if labels is not None:
            return labels
        return await self._lookups.labels(name, self._timing.forget)

    async def confirm(self, name: str) -> Labels | None:
        """See :meth:`webhook.namespaces.Namespaces.confirm`."""
        told = await self._lookups.labels(name, self._timing.confirm)
        if told is None:
            return None
        # At least as new: it has what the request told, and what the watch told since.
        labels = self._store.get(name)
        return told if labels is None else labels

    async def run(self) -> None:
        """See :meth:`webhook.namespaces.Namespaces.run`."""
        await self._reflector.run()
