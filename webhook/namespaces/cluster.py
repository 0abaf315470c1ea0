"""Labels from the cluster: a watch keeps all of them, and single lookups fill the gaps.

A lookup is one short request for one namespace. Pods wait for it, so it has a deadline; and whoever
sends reviews can ask for one, so there are never many of them.
"""

import asyncio
import dataclasses
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
from prometheus_client import Counter

from webhook.admission.options import DEFAULT_LABEL_KEY
from webhook.cluster import ClusterError, NotFound, answers
from webhook.cluster.answers import Page
from webhook.cluster.client import Client, in_thread
from webhook.cluster.reflector import Health, Reflector, Resource, Timing
from webhook.labels import Labels
from webhook.metrics import Metrics
from webhook.namespaces.store import ACCEPT, MistypedLabels, Namespace, NamespaceStore

_CONCURRENT: Final = 8
"""Lookups at a time: a crowd of new namespaces must not become a crowd of threads."""
_REMEMBERED: Final = 1024
"""Namespaces whose last lookup is remembered."""
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label, which is what the API server lets a namespace be called."""
_namespace = msgspec.json.Decoder(Namespace)
_NAMESPACES: Final = Resource(
    noun="namespace",
    path="/api/v1/namespaces",
    page=msgspec.json.Decoder(Page[Namespace]),
    item=_namespace,
    accept_page="application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
    accept_item=ACCEPT,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LookupLimits:
    """How long a lookup may take, how long its result stands, and how many there may be."""

    deadline: float = 0.5
    """Seconds for one lookup, waiting for its slot included; a pod is waiting for it, and the
    configuration's ``timeoutSeconds`` is 2."""

    forget: float = 1.0
    """Seconds for which a namespace that is missing, or could not be asked for, is not asked for
    again."""

    confirm: float = 5.0
    """Seconds for which a confirmed result stands, so that a wrong namespaceSelector is no load."""

    rate: float = 20.0
    """Lookups in a second, on average: whoever may send reviews must not be able to turn each into
    a request. Above that nobody can tell, as where the API is away."""

    burst: float = 40.0
    """Lookups at once, after a while without: more than anybody makes namespaces at a time."""


class ClusterNamespaces:
    """The cluster's own namespaces; a :class:`webhook.namespaces.Namespaces`.

    Knows nothing before :meth:`run` has listed.

    Args:
        client: Asks the API server. May ``get``, ``list`` and ``watch`` namespaces.
        metrics: Counts the lookups and tells whether the watch is current.
        label_key: Key of the label whose mistyped values are told.
        timing: How patient list and watch are; ``None``: as :class:`Timing` says.
        limits: Of the lookups; ``None``: as :class:`LookupLimits` says.
        clock: Monotonic seconds: the wall clock may jump.
    """

    def __init__(
        self,
        client: Client,
        metrics: Metrics,
        *,
        label_key: str = DEFAULT_LABEL_KEY,
        timing: Timing | None = None,
        limits: LookupLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits = limits or LookupLimits()
        self._store = store = NamespaceStore(MistypedLabels(label_key).check)
        health = Health("namespaces", metrics.namespace_cache_synced)
        self._reflector = Reflector(
            client, _NAMESPACES, store, health, timing=timing or Timing(), clock=clock
        )
        self._lookups = _Lookups(client, store, metrics.namespace_lookups, limits, clock)

    @property
    def known(self) -> bool:
        """Whether there was a complete list; what became stale since is still told."""
        return self._reflector.listed

    def remembered(self, name: str) -> Labels | None:
        """See :meth:`webhook.namespaces.Namespaces.remembered`."""
        return self._store.get(name)

    async def labels(self, name: str) -> Labels | None:
        """See :meth:`webhook.namespaces.Namespaces.labels`."""
        labels = self._store.get(name)
        if labels is not None:
            return labels
        return await self._lookups.labels(name, self._limits.forget)

    async def confirm(self, name: str) -> Labels | None:
        """See :meth:`webhook.namespaces.Namespaces.confirm`."""
        told = await self._lookups.labels(name, self._limits.confirm)
        if told is None:
            return None
        # The store is at least as new: it has what the lookup told, and what the watch told since.
        labels = self._store.get(name)
        return told if labels is None else labels

    async def run(self) -> None:
        """See :meth:`webhook.namespaces.Namespaces.run`."""
        await self._reflector.run()


class _Result(NamedTuple):
    """What a lookup told."""

    at: float
    """When, in seconds of the monotonic clock."""
    labels: Labels | None
    """Empty: there is no such namespace. ``None``: nobody could tell."""


class _Lookups:
    """Lookups, what they told in the last seconds, and who waits for one.

    Args:
        client: Asks the API server.
        store: Takes over what is found.
        results: Counts the lookups by their result.
        limits: How long they may take, and how many there may be.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        client: Client,
        store: NamespaceStore,
        results: Counter,
        limits: LookupLimits,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._store = store
        self._results = results
        self._limits = limits
        self._clock = clock
        self._remembered: OrderedDict[str, _Result] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[Labels | None]] = {}
        self._slots = asyncio.Semaphore(_CONCURRENT)
        self._bucket = _TokenBucket(limits.rate, limits.burst, clock)

    async def labels(self, name: str, max_age: float) -> Labels | None:
        """Look a namespace up, unless that was done just now.

        Args:
            name: The namespace.
            max_age: Seconds for which an earlier result stands; that nobody could tell stands for
                :attr:`LookupLimits.forget` at most.

        Returns:
            The labels, empty where there is no such namespace, ``None`` where nobody could tell.
        """
        if not _NAME.fullmatch(name):
            return {}
        result = self._remembered.get(name)
        if result is not None:
            max_age = min(max_age, self._limits.forget) if result.labels is None else max_age
            if self._clock() - result.at < max_age:
                return result.labels
        task = self._under_way.get(name)
        if task is None:
            if not self._bucket.take():
                self._results.labels("rate-limited").inc()
                return None
            self._under_way[name] = task = asyncio.create_task(self._look_up(name))
            task.add_done_callback(lambda _: self._under_way.pop(name))
        # Shielded: others wait for the same result when this one's caller has gone away.
        return await asyncio.shield(task)

    async def _look_up(self, name: str) -> Labels | None:
        """Ask for a namespace once there is a slot, and remember what was told."""
        try:
            async with asyncio.timeout(self._limits.deadline):
                await self._slots.acquire()
                try:
                    asking = in_thread(lambda: self._get(name), "namespace-lookup")
                except RuntimeError:  # the system gives no more threads
                    self._slots.release()
                    return self._remember(name, None)
                # The slot is free when the thread has ended, which may be after the deadline.
                asking.add_done_callback(lambda _: self._slots.release())
                found = await asyncio.shield(asking)
        except TimeoutError:
            found = None
        return self._remember(name, found)

    def _get(self, name: str) -> Namespace | NotFound | None:
        """Send the request; in a thread."""
        path = f"/api/v1/namespaces/{name}"
        try:
            answer = self._client.get(path, accept=ACCEPT, timeout=self._limits.deadline)
            return answers.decode(_namespace, answer.body, path)
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
        self._remembered[name] = _Result(self._clock(), labels)
        self._remembered.move_to_end(name)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return labels


class _TokenBucket:
    """Bounds how often something is done: in a second on average, and at once.

    Args:
        rate: Tokens that come in a second.
        burst: Tokens that there can be; it begins with as many.
        clock: Monotonic seconds.
    """

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
