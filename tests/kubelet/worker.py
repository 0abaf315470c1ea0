"""One Pod on its way: from the moment it is bound until the API server forgets it."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import urllib3

from tests.controlplane.api import ApiError
from tests.kubelet import status
from tests.kubelet.containers import Containers
from tests.kubelet.errors import ContainerConfigError, UnsupportedError, VolumeNotReadyError
from tests.kubelet.network import PodNetwork
from tests.kubelet.publisher import Publisher
from tests.kubelet.runtime import Runtime, is_transient

_TICK_SECONDS = 0.05
_LAST_SECONDS = 1.0
"""What is left to containers of a Pod that was deleted by force, or whose kubelet ends."""


class PodWorker:
    """Runs one Pod, in a thread of its own.

    Attributes:
        pod: the Pod as the API server had it when it was last asked; others set it.
    """

    def __init__(self, pod: Mapping[str, Any], node_address: str, runtime: Runtime) -> None:
        """Begin.

        Args:
            pod: the Pod, which is bound to a Node.
            node_address: of the Node.
            runtime: what it has in common with others.
        """
        self.pod = pod
        self._node_address = node_address
        self._runtime = runtime
        self._network: PodNetwork | None = None
        self._containers: Containers | None = None
        self._waiting = ("ContainerCreating", "")
        self._look_at = 0.0  # monotonic seconds: when to look at volumes, there or awaited
        self._stopping = False
        self._cut_off = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pod-{pod['metadata']['name']}")
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether all is done."""
        return not self._thread.is_alive()

    def pid(self, container: str | None) -> int | None:
        """Return the process id of a container, or of the first one; None if it does not run."""
        return None if self._containers is None else self._containers.pid(container)

    def cut_off(self) -> None:
        """Have the Pod end soon, and say no more about it to the API server."""
        self._cut_off.set()

    def join(self) -> None:
        """Wait until all is done."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._network = self._runtime.network.join()
            publisher = Publisher(self._runtime.api, self.pod, self._addresses(self._network))
            while not self._cut_off.is_set() and not self._step(self._network, publisher):
                self._cut_off.wait(_TICK_SECONDS)
            self._end_soon()
        except Exception as error:  # noqa: BLE001 - a thread's error is the test's
            self._runtime.report(error)
        finally:
            if self._containers is not None:
                self._containers.close()
            if self._network is not None:
                self._network.close()

    def _step(self, network: PodNetwork, publisher: Publisher) -> bool:
        """Do what is due; return whether all is done."""
        try:
            if "deletionTimestamp" in self.pod["metadata"]:
                self._stop(self.pod["metadata"]["deletionGracePeriodSeconds"])
            elif time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + self._runtime.refresh_seconds
                self._look(network)
            if self._containers is not None:
                self._containers.step()
            publisher.publish(self._statuses(), time.time())
            if self._stopping and not self._is_running():
                publisher.delete()
                return True
        except (ApiError, urllib3.exceptions.HTTPError) as error:
            if not is_transient(error):
                raise
        return False

    def _look(self, network: PodNetwork) -> None:
        """Look at what the containers need: make it, or keep it up to date."""
        try:
            if self._containers is None:
                addressed = {**self.pod["status"], **self._addresses(network)}
                pod = {**self.pod, "status": addressed}
                self._containers = Containers(pod, network, self._runtime)
            else:
                self._containers.refresh()
        except VolumeNotReadyError as error:  # those that run keep what they have
            self._waiting = ("ContainerCreating", str(error))
        except ContainerConfigError as error:
            self._waiting = ("CreateContainerConfigError", str(error))
        except UnsupportedError as error:
            self._waiting = ("Unsupported", str(error))
            self._look_at = float("inf")
            self._runtime.report(error)

    def _stop(self, grace_seconds: float) -> None:
        if not self._stopping and self._containers is not None:
            self._containers.stop(grace_seconds)
        self._stopping = True

    def _end_soon(self) -> None:
        """Let containers end by themselves for a moment, if any still run."""
        self._stop(_LAST_SECONDS)
        deadline = time.monotonic() + _LAST_SECONDS
        while self._containers is not None and self._is_running():
            if time.monotonic() > deadline:
                return
            time.sleep(_TICK_SECONDS)
            self._containers.step()

    def _is_running(self) -> bool:
        return self._containers is not None and self._containers.is_running

    def _statuses(self) -> list[dict[str, Any]]:
        if self._containers is not None:
            return self._containers.statuses()
        return [status.of_waiting(spec, *self._waiting) for spec in self.pod["spec"]["containers"]]

    def _addresses(self, network: PodNetwork) -> dict[str, Any]:
        """Return the parts of the Pod's status that hold addresses."""
        return {
            "podIP": network.address,
            "podIPs": [{"ip": network.address}],
            "hostIP": self._node_address,
            "hostIPs": [{"ip": self._node_address}],
        }
