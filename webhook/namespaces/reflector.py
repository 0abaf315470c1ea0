"""List and watch: the store follows the cluster, through whatever happens to the connection.

Source:
    Kubernetes API Concepts, "Efficient detection of changes"; named after client-go's.
"""

import asyncio
import math
import random
from collections.abc import Callable
from typing import Final

import msgspec
import tenacity

from webhook.cluster import ClusterError, Unreachable, answers, threads
from webhook.cluster.client import Client
from webhook.cluster.watch import Watch
from webhook.namespaces.health import Health
from webhook.namespaces.store import ACCEPT, Namespace, NamespaceList, Store
from webhook.namespaces.timing import Timing

_PATH: Final = "/api/v1/namespaces"
_ACCEPT_LIST: Final = (
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)
_PAGE: Final = "500"


_list = msgspec.json.Decoder(NamespaceList)
_namespace = msgspec.json.Decoder(Namespace)


class Reflector:
    """Keeps a store current."""

    def __init__(
        self,
        client: Client,
        store: Store,
        health: Health,
        timing: Timing,
        clock: Callable[[], float],
    ) -> None:
        """Make a reflector that does nothing before :meth:`run`.

        Args:
            client: Asks the API server.
            store: What is kept current.
            health: Is told whether it is.
            timing: How patient we are.
            clock: Monotonic seconds.
        """
        self.listed = False
        """Whether there was a complete list, ever."""
        self._client = client
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
            wait=tenacity.wait_random_exponential(first, last),
        )
        while True:
            # Returns when a watch went well, and the pauses then start small again.
            await retrying(self._follow)

    async def _follow(self) -> None:
        """List, unless a watch can go on where one ended, and watch once."""
        try:
            if self._list_first or self._clock() - self._listed_at > self._timing.relist:
                await self._list()
            await self._watch()
        except ClusterError as error:
            self._list_first = True
            self._health.lost(error)
            raise

    async def _list(self) -> None:
        """Replace everything by what there is now."""
        self._listed_at = self._clock()
        namespaces, resource_version = await threads.call(self._pages, "namespace-list")
        self._store.replace(namespaces, resource_version)
        self._list_first = False
        self.listed = True

    def _pages(self) -> tuple[list[Namespace], str]:
        """Read the whole list, page by page; in a thread."""
        namespaces: list[Namespace] = []
        query = {"limit": _PAGE}
        timeout = self._timing.connect, self._timing.page
        while True:
            answer = self._client.get(_PATH, query, accept=_ACCEPT_LIST, timeout=timeout)
            page = answers.decode(_list, answer.body, _PATH)
            namespaces += page.items
            if not page.metadata.continue_:
                return namespaces, page.metadata.resource_version
            query["continue"] = page.metadata.continue_

    async def _watch(self) -> None:
        """Watch until the stream ends, properly or after a good while."""
        timing, started = self._timing, self._clock()
        self._opened_at = math.inf
        length = random.uniform(*timing.watch)  # noqa: S311  nothing secret about it
        query = {
            "resourceVersion": self._store.resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": f"{length:.0f}",
        }
        timeout = timing.connect, timing.silence
        watch = self._client.watch(_PATH, query, accept=ACCEPT, timeout=timeout)
        loop = asyncio.get_running_loop()
        try:
            await threads.call(lambda: self._read(watch, loop), "namespace-watch")
        except Unreachable:
            if self._clock() - self._opened_at < timing.healthy:
                raise
        finally:
            watch.close()
        await asyncio.sleep(started + timing.pace - self._clock())

    def _read(self, watch: Watch, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the events of a watch to the event loop; in a thread."""
        for event in watch.events(lambda: threads.post(loop, self._opened)):
            namespace = answers.decode(_namespace, event.object, _PATH)
            threads.post(loop, self._store.apply, event.type, namespace)

    def _opened(self) -> None:
        """Note that the watch has been accepted, so that the store follows the cluster."""
        self._opened_at = self._clock()
        self._health.current(len(self._store))
