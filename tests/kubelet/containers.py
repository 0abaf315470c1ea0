"""All containers of one Pod."""

from collections.abc import Mapping
from typing import Any

from tests.kubelet import status
from tests.kubelet.container import Container
from tests.kubelet.images import name_of
from tests.kubelet.network import PodNetwork
from tests.kubelet.restarts import Restarts
from tests.kubelet.runtime import Runtime
from tests.kubelet.sandbox import make_sandbox

JsonObject = dict[str, Any]


class Containers:
    """All containers of one Pod, and what they share. For one thread, but for `pid`."""

    def __init__(self, pod: Mapping[str, Any], network: PodNetwork, runtime: Runtime) -> None:
        """Make what they need; none runs yet.

        Args:
            pod: the Pod, with its addresses.
            network: its network.
            runtime: what it has in common with others.

        Raises:
            UnsupportedError: the Pod asks for something that nobody plays here.
            ContainerConfigError: a container cannot be started as it is.
            VolumeNotReadyError: a volume's Secret or ConfigMap does not exist.
            ApiError: the API server refused to tell.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        folder = runtime.folder / "{namespace}_{name}_{uid}".format(**pod["metadata"])
        self._sandbox = make_sandbox(runtime.api, pod, network, folder)
        self._specs = pod["spec"]["containers"]
        self._all = [
            Container(
                spec,
                runtime.images[name_of(spec["image"])],
                self._sandbox,
                Restarts(pod["spec"]["restartPolicy"], runtime.backoff_seconds),
            )
            for spec in self._specs
        ]

    @property
    def is_running(self) -> bool:
        """Whether any of them runs."""
        return any(container.pid is not None for container in self._all)

    def pid(self, name: str | None) -> int | None:
        """Return the process id of one, or of the first one; None if it does not run."""
        for container in self._all:
            if name in {None, container.name}:
                return container.pid
        return None

    def refresh(self) -> None:
        """Write what has changed in the cluster into their volumes; see volumes.Volumes."""
        self._sandbox.volumes.refresh()

    def step(self) -> None:
        """Do what is due for each; see container.Container."""
        for container in self._all:
            container.step()

    def stop(self, grace_seconds: float) -> None:
        """Have all stopped for good, at the same time, and do not wait.

        Args:
            grace_seconds: how long each may take until it is killed.
        """
        for container in self._all:
            container.stop(grace_seconds)

    def close(self) -> None:
        """Kill all that still run, and wait."""
        for container in self._all:
            container.close()

    def statuses(self) -> list[JsonObject]:
        """Return the status of each."""
        return [status.of_container(*pair) for pair in zip(self._specs, self._all, strict=True)]
