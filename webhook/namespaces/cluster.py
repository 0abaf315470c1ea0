"""Labels from the cluster: a watch keeps all of them, and single requests fill the gaps."""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from webhook.cluster.client import Client
from webhook.namespaces.health import Health
from webhook.namespaces.lookups import Lookups
from webhook.namespaces.reflector import Page, Reflector, Resource
from webhook.namespaces.store import ACCEPT, Namespace, Store
from webhook.namespaces.timing import Timing
from webhook.namespaces.typos import Typos
from webhook.optin import DEFAULT_LABEL_KEY, Labels
from webhook.telemetry.metrics import Metrics

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
