"""Which Pods run here: those bound to our Nodes, and those that nobody else will bind."""

from collections.abc import Mapping
from typing import Any

from tests.kubelet.images import name_of
from tests.kubelet.nodes import Nodes
from tests.kubelet.runtime import Runtime
from tests.kubelet.worker import PodWorker


class Assignment:
    """The Pods that run here, each with its worker. For one thread, but for `workers`."""

    def __init__(self, nodes: Nodes, runtime: Runtime) -> None:
        """Begin with no Pod.

        Args:
            nodes: where they run.
            runtime: what they have in common.
        """
        self._nodes = nodes
        self._runtime = runtime
        self._workers: dict[str, PodWorker] = {}  # by the Pod's uid

    def workers(self) -> list[PodWorker]:
        """Return the workers of the Pods that run at this moment; from any thread."""
        return list(self._workers.copy().values())

    def look_at(self, namespace: str) -> None:
        """Bind new Pods of a namespace, run those that are bound, end those that are gone.

        Args:
            namespace: its name.

        Raises:
            ApiError: the API server refused.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        pods = self._runtime.api.items("Pod", namespace)
        for pod in pods:
            uid, node = pod["metadata"]["uid"], pod["spec"].get("nodeName")
            if worker := self._workers.get(uid):
                worker.pod = pod
            elif not self._can_run(pod):
                continue
            elif node in self._nodes.addresses:
                self._workers[uid] = PodWorker(pod, self._nodes.addresses[node], self._runtime)
            elif node is None:
                self._nodes.bind(pod, pods)
        self._forget({pod["metadata"]["uid"] for pod in pods}, namespace)

    def close(self) -> None:
        """End all Pods within seconds, all at the same time."""
        for worker in self._workers.values():
            worker.cut_off()
        for worker in self._workers.values():
            worker.join()

    def _can_run(self, pod: Mapping[str, Any]) -> bool:
        """Whether its images are known, and it neither has run to its end nor is held back."""
        names = {name_of(container["image"]) for container in pod["spec"]["containers"]}
        over = pod["status"]["phase"] in {"Succeeded", "Failed"}
        return (
            names <= set(self._runtime.images) and not over and "schedulingGates" not in pod["spec"]
        )

    def _forget(self, present: set[str], namespace: str) -> None:
        """End what runs of Pods that are no longer there: deleted by force, or all done."""
        for uid, worker in self._workers.copy().items():
            if worker.pod["metadata"]["namespace"] == namespace and uid not in present:
                worker.cut_off()
                if worker.is_over:
                    del self._workers[uid]
