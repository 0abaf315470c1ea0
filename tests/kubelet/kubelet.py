"""Kubelet: plays the kubelets of a cluster's Nodes, so that Pods really run."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import urllib3

from tests.controlplane import ApiError, ControlPlane, wait_for
from tests.kubelet.assignment import Assignment
from tests.kubelet.images import Image
from tests.kubelet.loop import Loop
from tests.kubelet.network import ClusterNetwork
from tests.kubelet.nodes import Nodes
from tests.kubelet.runtime import Runtime

T = TypeVar("T")
JsonObject = dict[str, Any]


class Kubelet:
    """Binds Pods to its Nodes, runs them as processes, and tells the API server about them.

    README.md says what of a Pod's spec is played, and what is refused.
    """

    def __init__(
        self,
        plane: ControlPlane,
        network: ClusterNetwork,
        folder: Path,
        images: Mapping[str, Image],
        namespaces: Collection[str],
        *,
        nodes: int = 2,
        backoff_seconds: float = 0.5,
        refresh_seconds: float = 0.5,
    ) -> None:
        """Describe it; nothing runs yet.

        Args:
            plane: a control plane that listens on the address of `network`.
            network: of the cluster, which the calling thread is in.
            folder: for the files of Pods; made if need be.
            images: what each image stands for, by the last part of its name without the tag. Pods
                that need another image stay Pending.
            namespaces: whose Pods to run; those of others are not looked at.
            nodes: how many Nodes there are: node-1, node-2, ..., each in a zone of its own.
            backoff_seconds: between a container's second run and its third, a kubelet's 10 s.
            refresh_seconds: until a changed Secret is seen in volumes; a kubelet's is a minute.
        """
        self._plane = plane
        names = {f"node-{n}": network.node_address(n) for n in range(1, nodes + 1)}
        self._nodes = Nodes(plane.api, names)
        self._folder = folder.resolve()
        self._errors: list[Exception] = []
        runtime = Runtime(
            plane.api,
            network,
            self._folder,
            images,
            backoff_seconds,
            refresh_seconds,
            self._errors.append,
        )
        self._assignment = Assignment(self._nodes, runtime)
        self._loop = Loop(self._nodes, self._assignment, namespaces, self._errors.append)

    def __enter__(self) -> Self:
        """Register the Nodes and begin."""
        self._nodes.register()
        self._loop.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all containers within seconds, and have the Nodes no longer.

        The Pods stay in the API server as they are.

        Raises:
            Exception: the first error of a thread, unless there is another error already.
        """
        self._loop.end()
        self._assignment.close()
        with contextlib.suppress(ApiError, urllib3.exceptions.HTTPError):
            self._nodes.remove()
        if exc_value is None:
            self.check()

    def pods(self, namespace: str) -> list[JsonObject]:
        """Return the Pods of a namespace that are bound to these Nodes."""
        return [
            pod
            for pod in self._plane.api.items("Pod", namespace)
            if pod["spec"].get("nodeName") in self._nodes.addresses
        ]

    def ready_pods(self, namespace: str) -> list[JsonObject]:
        """Return those of `pods` that are ready, and not about to end."""
        return [pod for pod in self.pods(namespace) if _is_ready(pod)]

    def process(self, pod: str, container: str | None = None) -> int:
        """Return the process id of a container, for signals.

        Args:
            pod: the Pod's name.
            container: its name; None for the first one.

        Raises:
            LookupError: it does not run at this moment.
        """
        for worker in self._assignment.workers():
            if worker.pod["metadata"]["name"] == pod and (pid := worker.pid(container)):
                return pid
        raise LookupError(f"no container of Pod {pod} runs")

    def log(self, pod: str, container: str | None = None) -> str:
        """Return what all runs of a container have written, even after the Pod has gone.

        Args:
            pod: the Pod's name.
            container: its name; None for all containers, one after the other.
        """
        files = sorted(self._folder.glob(f"*_{pod}_*/{container or '*'}.log"))
        return "".join(file.read_text("utf-8", errors="replace") for file in files)

    def wait_for(self, condition: Callable[[], T | None], timeout_seconds: float, what: str) -> T:
        """Wait like `ControlPlane.wait_for`, but not after an error; see `check`.

        Raises:
            Exception: the first error of a thread.
            TimeoutError: the condition did not come true in time; shows what the Pods do.
        """

        def checked() -> T | None:
            self.check()
            return condition()

        try:
            return wait_for(checked, timeout_seconds, what)
        except TimeoutError as error:
            error.add_note("\n".join(self._describe()))
            raise

    def check(self) -> None:
        """Raise the first error that a Pod's thread had: of something that is not played, often.

        Raises:
            Exception: that error.
        """
        if self._errors:
            raise self._errors[0]

    def _describe(self) -> Iterator[str]:
        """Tell what became of each Pod: its status, and the end of its log."""
        for worker in self._assignment.workers():
            name = worker.pod["metadata"]["name"]
            states = worker.pod["status"].get("containerStatuses")
            yield f"Pod {name}: {states}\n{self.log(name)[-2000:]}"


def _is_ready(pod: Mapping[str, Any]) -> bool:
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
