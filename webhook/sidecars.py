"""Sidecars from the cluster: list and watch keep what a decision needs to know of them.

Where Istio is not installed the API is not served, and where an admin does not grant the right we
may not read it. Neither is an error, nor for ever: we go on asking, and are ready meanwhile.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from webhook.admission.sidecars import Sidecar, Sidecars
from webhook.cluster.answers import Page
from webhook.cluster.client import Client
from webhook.cluster.reflector import Health, Reflector, Resource, Timing
from webhook.metrics import Metrics


class SidecarMetadata(msgspec.Struct, gc=False, rename="camel"):
    """``metadata`` of a Sidecar, of which we read no more than this."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None


class SidecarObject(msgspec.Struct, gc=False):
    """A Sidecar as the API server sends it, of which little is left once it has been read.

    The specs of a large mesh fill hundreds of megabytes, most of them lists of hosts.
    """

    metadata: SidecarMetadata
    spec: msgspec.Raw = msgspec.Raw(b"null")
    sidecar: Sidecar | None = None
    """What was read of it; ``None`` where its spec is none that Istio could read either."""

    def __post_init__(self) -> None:
        """Read the spec, and let go of its text."""
        # A Raw is a view of the bytes that were decoded (msgspec 0.22.0): as long as one is kept,
        # the body of the whole page is.
        about = self.metadata
        self.sidecar = Sidecar.of(about.namespace, about.name, about.creation_timestamp, self.spec)
        self.spec = msgspec.Raw(b"")


SIDECARS: Final = Resource(
    noun="sidecar",
    # Served since Istio 1.5; v1 since 1.22 only.
    path="/apis/networking.istio.io/v1beta1/sidecars",
    page=msgspec.json.Decoder(Page[SidecarObject]),
    item=msgspec.json.Decoder(SidecarObject),
    limit=100,
)
"""How Sidecars are read, by whoever reads them."""


class _SidecarStore:
    """Fills :class:`Sidecars` with what list and watch tell.

    A :class:`webhook.cluster.reflector.Store`.

    Args:
        sidecars: What is filled.
    """

    def __init__(self, sidecars: Sidecars) -> None:
        self.resource_version = ""
        self._sidecars = sidecars

    def __len__(self) -> int:
        return len(self._sidecars)

    def replace(self, items: Iterable[SidecarObject], resource_version: str) -> None:
        """Take over a complete list."""
        self._sidecars.replace(each.sidecar for each in items if each.sidecar is not None)
        self.resource_version = resource_version

    def apply(self, event: str, item: SidecarObject) -> None:
        """Take over one event of the watch."""
        about = item.metadata
        self.resource_version = about.resource_version or self.resource_version
        if event in {"ADDED", "MODIFIED"} and item.sidecar is not None:
            self._sidecars.put(item.sidecar)
        elif event in {"MODIFIED", "DELETED"}:
            self._sidecars.remove(about.namespace, about.name)


class ClusterSidecars:
    """The cluster's own Sidecars; knows nothing before :meth:`run` has listed.

    Args:
        client: Asks the API server. May ``list`` and ``watch`` Sidecars.
        metrics: Tell whether the watch is current.
        timing: How patient list and watch are; ``None``: as :class:`Timing` says.
        clock: Monotonic seconds: the wall clock may jump.
    """

    def __init__(
        self,
        client: Client,
        metrics: Metrics,
        *,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sidecars = Sidecars()
        """What is known; the same object for ever."""
        health = Health("sidecars", metrics.sidecar_cache_synced)
        store = _SidecarStore(self.sidecars)
        self._reflector = Reflector(
            client, SIDECARS, store, health, timing=timing or Timing(), clock=clock
        )

    @property
    def known(self) -> bool:
        """Whether there was a complete list, or the answer that there is none for us."""
        return self._reflector.listed or self._reflector.refused

    async def run(self) -> None:
        """Keep them current until cancelled; never raises for what the cluster does."""
        await self._reflector.run()
