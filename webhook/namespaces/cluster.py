"""Labels from the cluster: a watch keeps all of them, and single requests fill the gaps."""

import time
from collections.abc import Callable

from webhook.cluster.client import Client
from webhook.namespaces.health import Health
from webhook.namespaces.lookups import Lookups
from webhook.namespaces.reflector import Reflector
from webhook.namespaces.store import Store
from webhook.namespaces.timing import Timing
from webhook.namespaces.typos import Typos
from webhook.optin import DEFAULT_LABEL_KEY, Labels
from webhook.telemetry.metrics import Metrics


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
        health = Health(metrics.namespace_cache_synced)
        self._reflector = Reflector(client, store, health, timing, clock)
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
