"""What servers of a cluster have spent on creations: by their clocks, and of the processors."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.cluster import clocks, peers
from benchmarks.cluster.clocks import Clock
from benchmarks.cluster.variants import ISTIO, OURS, Variant
from benchmarks.usage import cpu_seconds
from tests.cluster import Cluster, mesh
from tests.cluster.place import is_ready
from tests.controlplane.leftovers import command_lines

_CONTAINERS: Final = {
    OURS: (mesh.NAMESPACE, "webhook"),
    **{peer.webhook: (peer.namespace, peers.CONTAINER) for peer in peers.ALL},
    ISTIO: ("istio-system", "discovery"),
}
"""Where a webhook runs, by the name of its entry: the namespace, and the container of its Pods."""


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What all meters showed at one moment. All of them only ever grow."""

    api_server: Mapping[str, Clock]
    """The API server's clocks of webhooks and policies, by their names."""
    ours: Clock
    """The clock of our own Pods."""
    api_server_cpu: float
    """Seconds of processor time of the API server."""
    called_cpu: float
    """The same of the processes that are called."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spent:
    """What was spent on one creation, on average, in seconds."""

    api_server: float | None
    """By the API server on webhooks and policies; ``None`` where none is called."""
    ours: float | None
    """By our own Pods on a review, by their clock; ``None`` where they are not called."""
    api_server_cpu: float
    """Processor time of the API server, on all of it."""
    called_cpu: float
    """Processor time of those that are called."""


class Meters:
    """The meters of a cluster.

    Args:
        cluster: Runs; all variants are installed.
        variants: Whose servers are looked at.
    """

    def __init__(self, cluster: Cluster, variants: Sequence[Variant]) -> None:
        self._cluster = cluster
        # Its files are in the cluster's folder, which its command line names.
        self._api_server = next(
            pid
            for pid, line in command_lines().items()
            if "kube-apiserver" in line and str(cluster.folder) in line
        )
        called = {name for variant in variants for name in variant.called}
        self._processes = {name: _processes(cluster, *_CONTAINERS[name]) for name in called}

    def before(self, variant: Variant) -> Reading:
        """Read what a variant makes run. Reading takes time itself, so processors come last."""
        api_server, ours = clocks.of_api_server(self._cluster), self._ours(variant)
        return Reading(api_server, ours, *self._processors(variant))

    def after(self, variant: Variant) -> Reading:
        """Read the same, the processors first."""
        processors = self._processors(variant)
        return Reading(clocks.of_api_server(self._cluster), self._ours(variant), *processors)

    def _ours(self, variant: Variant) -> Clock:
        return clocks.of_ours(self._cluster) if OURS in variant.called else Clock()

    def _processors(self, variant: Variant) -> tuple[float, float]:
        called = (pid for name in variant.called for pid in self._processes[name])
        return cpu_seconds(self._api_server), sum(map(cpu_seconds, called))


def spent(before: Reading, after: Reading, creations: int) -> Spent:
    """Return what each creation cost between two readings.

    Args:
        before: Read when none had begun.
        after: Read when all were answered.
        creations: How many there were.
    """
    webhooks = clocks.means(before.api_server, after.api_server)
    ours = clocks.means({"": before.ours}, {"": after.ours})
    return Spent(
        api_server=sum(webhooks.values()) if webhooks else None,
        ours=ours.get(""),
        api_server_cpu=(after.api_server_cpu - before.api_server_cpu) / creations,
        called_cpu=(after.called_cpu - before.called_cpu) / creations,
    )


def _processes(cluster: Cluster, namespace: str, container: str) -> list[int]:
    """Find the processes of a webhook, as this machine numbers them."""
    return [
        pid
        for pod in cluster.api.items("Pod", namespace)
        if is_ready(pod)
        for pid in cluster.processes(pod, container)
    ]
